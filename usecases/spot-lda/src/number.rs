//! The numbers that words are made of: size classes, entropy classes, hours.
//!
//! Sizes are cut at powers of two and entropies at fixed values; nothing here depends on the data, so
//! that the same record gives the same word on every day.

use std::str::FromStr;

/// The upper ends of the entropy classes in bits; a class includes its upper end.
pub const ENTROPY_CUTS: [f64; 20] = [
    0.0,
    0.3,
    0.6,
    0.9,
    1.2,
    1.5,
    1.8,
    2.1,
    2.4,
    2.7,
    3.0,
    3.3,
    3.6,
    3.9,
    4.2,
    4.5,
    4.8,
    5.1,
    5.4,
    f64::INFINITY,
];

/// The position of the highest set bit: 0 for 0 and 1, 1 for 2 and 3, 2 for 4 to 7.
pub fn floor_log2(n: u64) -> u32 {
    n.checked_ilog2().unwrap_or(0)
}

/// How many bits a number has: 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7. This is the ceiling of
/// the binary logarithm of one more than the number.
pub fn bits(n: u64) -> u32 {
    u64::BITS - n.leading_zeros()
}

/// The first of the cuts that a value does not exceed; -1 where it exceeds all, or is no number.
pub fn bin(value: f64, cuts: &[f64]) -> i32 {
    let found = cuts.iter().position(|cut| value <= *cut);
    found.map_or(-1, |idx| idx as i32)
}

/// The class of an entropy: 0 for exactly 0, 19 beyond 5.4 bits.
pub fn entropy_class(entropy: f64) -> i32 {
    bin(entropy, &ENTROPY_CUTS)
}

/// The hour that a time's text begins with: what stands before the first colon. It is not held against
/// a day's hours: see [`in_day`].
pub fn hour(text: &str) -> Option<i32> {
    i32::from_str(pieces(text, ':').next()?).ok()
}

/// An hour that a day has.
pub fn in_day(hour: i32) -> Option<i32> {
    (0..=23).contains(&hour).then_some(hour)
}

/// The first hour of the part of the day that an hour is in, of parts of so many hours each.
pub fn part_of_day(hour: i32, n_hours: u8) -> i32 {
    hour - hour % i32::from(n_hours.max(1))
}

/// The pieces between separators, as the JVM cuts a text: empty ones at its end are dropped, so that a
/// text of separators alone has none; the empty text is one empty piece.
pub fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let cut = match text.is_empty() {
        true => Some(text),
        false => Some(text.trim_end_matches(separator)).filter(|cut| !cut.is_empty()),
    };
    cut.into_iter().flat_map(move |cut| cut.split(separator))
}

/// A piece between runs of blanks; a blank in front makes the first one empty.
pub fn piece_between_blanks(text: &str, idx: usize) -> Option<&str> {
    let n_before = usize::from(text.starts_with(' '));
    if idx < n_before {
        return Some("");
    }
    let mut pieces = text.split(' ').filter(|piece| !piece.is_empty());
    pieces.nth(idx - n_before)
}

/// How many UTF-16 code units a text has: what the JVM calls its length.
pub fn utf16_len(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.encode_utf16().count(),
    }
}

/// Computes entropies; keeps the room for counts from text to text.
#[derive(Debug, Clone)]
pub struct Entropy {
    /// How often each ASCII character is there; all 0 between two texts.
    counts: [u32; 128],
    /// The code units of a text beyond ASCII, sorted.
    units: Vec<u16>,
}

impl Default for Entropy {
    fn default() -> Self {
        Entropy {
            counts: [0; 128],
            units: Vec::new(),
        }
    }
}

impl Entropy {
    /// Shannon's entropy of a text's UTF-16 code units, in bits: `-Σ p log2 p`. It is summed in just
    /// this form, which the function `entropy` of SQL is not, so that an entropy of whole and half bits is exact and meets its cut.
    pub fn of(&mut self, text: &str) -> f64 {
        if !text.is_ascii() {
            return self.of_units(text);
        }
        let n = text.len() as f64;
        for byte in text.bytes() {
            self.counts[usize::from(byte & 0x7F)] += 1;
        }
        let mut bits = 0.0;
        for byte in text.bytes() {
            // Each character once: its count is 0 from then on, as it has to be for the next text.
            let count = std::mem::take(&mut self.counts[usize::from(byte & 0x7F)]);
            if count > 0 {
                bits += share(f64::from(count) / n);
            }
        }
        bits
    }

    fn of_units(&mut self, text: &str) -> f64 {
        self.units.clear();
        self.units.extend(text.encode_utf16());
        self.units.sort_unstable();
        let n = self.units.len() as f64;
        let counts = self.units.chunk_by(|a, b| a == b).map(<[u16]>::len);
        counts.map(|count| share(count as f64 / n)).sum()
    }
}

fn share(p: f64) -> f64 {
    // Not below zero: a text of one character has an entropy of 0, not of -0.
    (-p * p.log2()).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_and_half_bits_meet_their_cuts() {
        let mut entropy = Entropy::default();
        // Shares of 1/2, 1/4 and 1/4 of twelve characters: 1.5 bits, which is a cut.
        assert_eq!(entropy.of("aaaaaabbbccc"), 1.5);
        assert_eq!(entropy_class(1.5), 5);
        assert_eq!(entropy_class(1.5 + 1e-9), 6);
        assert_eq!(entropy.of("aaaa").to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn hours_are_their_own_or_those_of_a_part_of_the_day() {
        assert_eq!(
            [0, 5, 6, 23].map(|hour| part_of_day(hour, 6)),
            [0, 0, 6, 18]
        );
        assert_eq!([0, 23].map(|hour| part_of_day(hour, 24)), [0, 0]);
        // Spot 1.1 takes hours that no day has.
        assert_eq!(part_of_day(2016, 1), 2016);
    }

    #[test]
    fn beyond_ascii_code_units_count() {
        let mut entropy = Entropy::default();
        // A character beyond the basic plane is two code units.
        assert_eq!(entropy.of("\u{1F600}"), 1.0);
        assert_eq!(utf16_len("é\u{1F600}"), 3);
    }

    proptest! {
        #[test]
        fn the_classes_are_the_logarithms(n in 1u64..(1 << 48) - 2) {
            prop_assert_eq!(floor_log2(n), (n as f64).log2().floor() as u32);
            prop_assert_eq!(bits(n), ((n + 1) as f64).log2().ceil() as u32);
        }

        #[test]
        fn pieces_are_those_of_a_split_without_the_empty_ones_at_its_end(text in "[a.]{0,8}") {
            let mut expected: Vec<&str> = text.split('.').collect();
            while text.contains('.') && expected.last() == Some(&"") {
                expected.pop();
            }
            prop_assert_eq!(pieces(&text, '.').collect::<Vec<_>>(), expected);
        }
    }
}
