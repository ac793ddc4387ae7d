//! A set of ASCII bytes, and how far a run of them reaches.

use regex_syntax::hir;
use wide::u8x16;

/// A set of ASCII bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    members: [bool; 128],
    run: Run,
}

/// The fastest way to find the end of a run.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// Every ASCII byte is a member.
    All,
    /// All but these.
    AllBut1(u8),
    AllBut2(u8, u8),
    AllBut3(u8, u8, u8),
    /// All above this byte, and perhaps some others: `\S`, `[^ \t\]]`.
    Above(u8),
    /// A look at each byte.
    Each,
}

impl Class {
    /// The ASCII part of a class of a pattern.
    pub(super) fn of(class: &hir::Class) -> Self {
        let mut members = [false; 128];
        let mut add = |start: u32, end: u32| {
            for byte in start..=end.min(127) {
                members[byte as usize] = true;
            }
        };
        match class {
            hir::Class::Unicode(class) => class
                .ranges()
                .iter()
                .for_each(|range| add(u32::from(range.start()), u32::from(range.end()))),
            hir::Class::Bytes(class) => class
                .ranges()
                .iter()
                .for_each(|range| add(u32::from(range.start()), u32::from(range.end()))),
        }
        Class::from_members(members)
    }

    /// Just this byte; none, where it is not ASCII.
    pub(super) fn one(byte: u8) -> Self {
        Class::from_members(std::array::from_fn(|member| member == usize::from(byte)))
    }

    fn from_members(members: [bool; 128]) -> Self {
        let others: Vec<u8> = (0..128)
            .filter(|byte| !members[usize::from(*byte)])
            .collect();
        let run = match others[..] {
            [] => Run::All,
            [a] => Run::AllBut1(a),
            [a, b] => Run::AllBut2(a, b),
            [a, b, c] => Run::AllBut3(a, b, c),
            [.., last] if last < b'0' => Run::Above(last),
            _ => Run::Each,
        };
        Class { members, run }
    }

    /// Whether an ASCII byte is a member.
    #[inline(always)]
    pub(super) fn contains(&self, byte: u8) -> bool {
        byte < 128 && self.members[usize::from(byte)]
    }

    /// Whether no byte is a member of both.
    pub(super) fn is_disjoint(&self, other: &Class) -> bool {
        (0..128).all(|byte| !self.contains(byte) || !other.contains(byte))
    }

    /// Where the run of members from `from` ends, at `to` at the latest. All bytes are ASCII.
    #[inline]
    pub(super) fn run_end(&self, text: &[u8], from: usize, to: usize) -> usize {
        let part = &text[from..to];
        let found = match self.run {
            Run::All => None,
            Run::AllBut1(a) => memchr::memchr(a, part),
            Run::AllBut2(a, b) => memchr::memchr2(a, b, part),
            Run::AllBut3(a, b, c) => memchr::memchr3(a, b, c, part),
            Run::Above(last) => return self.run_end_above(text, from, to, last),
            Run::Each => part.iter().position(|byte| !self.contains(*byte)),
        };
        found.map_or(to, |at| from + at)
    }

    /// The end of a run of a class that has all bytes above `last`, sixteen bytes at a time.
    #[inline]
    fn run_end_above(&self, text: &[u8], from: usize, to: usize, last: u8) -> usize {
        let mut at = from;
        while let Some(bytes) = text[at..].first_chunk::<16>() {
            let bytes = u8x16::new(*bytes);
            let mut low = bytes.min(u8x16::splat(last)).simd_eq(bytes).to_bitmask();
            while low != 0 {
                let candidate = at + low.trailing_zeros() as usize;
                if candidate >= to {
                    return to;
                }
                if !self.contains(text[candidate]) {
                    return candidate;
                }
                low &= low - 1;
            }
            at += 16;
            if at >= to {
                return to;
            }
        }
        let rest = text[at..to].iter().position(|byte| !self.contains(*byte));
        rest.map_or(to, |n| at + n)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_syntax::hir::HirKind;

    use super::*;

    fn class(pattern: &str) -> Class {
        match regex_syntax::parse(pattern).unwrap().kind() {
            HirKind::Class(class) => Class::of(class),
            HirKind::Literal(literal) => Class::one(literal.0[0]),
            other => panic!("{other:?} is no class"),
        }
    }

    const PATTERNS: [&str; 10] = [
        ".",
        r"\S",
        r"\d",
        r"\w",
        "[^\"]",
        r"[^\]\[]",
        "[^abc]",
        r"[^\t\n\r \x21]",
        "a",
        r"[\s\S]",
    ];

    #[test]
    fn members_are_what_the_pattern_matches() {
        for pattern in PATTERNS {
            let regex = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            for byte in 0..128 {
                let is = regex.is_match(&char::from(byte).to_string());
                assert_eq!(class(pattern).contains(byte), is, "{pattern} {byte}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_run_ends_at_the_first_byte_that_is_no_member(
            pattern in prop::sample::select(PATTERNS.to_vec()),
            text in prop_oneof!["[a-z0-9]{0,60}[ \"a\\]\n!]{0,3}[a-z]{0,30}", "[\x00-\x7F]{0,60}"],
            places in any::<[prop::sample::Index; 2]>(),
        ) {
            let places = places.map(|place| place.index(text.len() + 1));
            let (from, to) = (places[0].min(places[1]), places[0].max(places[1]));
            let class = class(pattern);
            let bytes = text.as_bytes();
            let plain = bytes[from..to].iter().position(|byte| !class.contains(*byte));
            prop_assert_eq!(class.run_end(bytes, from, to), plain.map_or(to, |n| from + n));
        }
    }
}
