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
    /// It ends at a byte of these.
    At1([Range; 1]),
    At2([Range; 2]),
    At3([Range; 3]),
    /// It ends at a byte that is of none of these.
    Of1([Range; 1]),
    Of2([Range; 2]),
    Of3([Range; 3]),
    /// A look at each byte.
    Each,
}

/// The bytes from `first` to `first + span`.
#[derive(Debug, Clone, Copy)]
struct Range {
    first: u8x16,
    span: u8x16,
}

impl Range {
    fn of(&(first, last): &(u8, u8)) -> Self {
        Range {
            first: u8x16::splat(first),
            span: u8x16::splat(last - first),
        }
    }
}

impl Run {
    fn of(members: &[bool; 128]) -> Self {
        let others = members.map(|is| !is);
        match (&ranges(&others)[..], &ranges(members)[..]) {
            ([], _) => Run::All,
            ([a], _) => Run::At1([a].map(Range::of)),
            (_, [a]) => Run::Of1([a].map(Range::of)),
            ([a, b], _) => Run::At2([a, b].map(Range::of)),
            (_, [a, b]) => Run::Of2([a, b].map(Range::of)),
            ([a, b, c], _) => Run::At3([a, b, c].map(Range::of)),
            (_, [a, b, c]) => Run::Of3([a, b, c].map(Range::of)),
            _ => Run::Each,
        }
    }
}

/// The runs of marked bytes, each as its first and its last.
fn ranges(marked: &[bool; 128]) -> Vec<(u8, u8)> {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for byte in (0..128).filter(|byte| marked[usize::from(*byte)]) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == byte => *last = byte,
            _ => ranges.push((byte, byte)),
        }
    }
    ranges
}

/// Which of sixteen bytes lie in one of the ranges, a bit each.
#[inline(always)]
fn within<const N: usize>(ranges: &[Range; N], bytes: u8x16) -> u32 {
    let mut found = u8x16::splat(0);
    for range in ranges {
        let above = bytes - range.first;
        found |= above.min(range.span).simd_eq(above);
    }
    found.to_bitmask()
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
        let run = Run::of(&members);
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

    /// Where the run of members from `from` ends, at `to` at the latest. All bytes before `to` are
    /// ASCII; what stands behind it does not matter, but makes it faster.
    #[inline]
    pub(super) fn run_end(&self, text: &[u8], from: usize, to: usize) -> usize {
        match &self.run {
            Run::All => to,
            Run::At1(ends) => self.end(text, from, to, |bytes| within(ends, bytes)),
            Run::At2(ends) => self.end(text, from, to, |bytes| within(ends, bytes)),
            Run::At3(ends) => self.end(text, from, to, |bytes| within(ends, bytes)),
            Run::Of1(parts) => self.end(text, from, to, |bytes| !within(parts, bytes)),
            Run::Of2(parts) => self.end(text, from, to, |bytes| !within(parts, bytes)),
            Run::Of3(parts) => self.end(text, from, to, |bytes| !within(parts, bytes)),
            Run::Each => self.plain_end(text, from, to),
        }
    }

    /// The end of a run, where `ends` gives a bit for each of sixteen bytes that is no member; what it
    /// gives above these bits does not matter.
    #[inline(always)]
    fn end(&self, text: &[u8], from: usize, to: usize, ends: impl Fn(u8x16) -> u32) -> usize {
        let mut at = from;
        while at < to {
            let Some(bytes) = text[at..].first_chunk::<16>() else {
                return self.plain_end(text, at, to);
            };
            let found = ends(u8x16::new(*bytes)).trailing_zeros() as usize;
            if found < 16 {
                return (at + found).min(to);
            }
            at += 16;
        }
        to
    }

    fn plain_end(&self, text: &[u8], from: usize, to: usize) -> usize {
        let no_member = |byte: &u8| !self.contains(*byte);
        let found = text[from..to].iter().position(no_member);
        found.map_or(to, |n| from + n)
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

    const PATTERNS: [&str; 14] = [
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
        "[0-9:]",
        "[0-9a-fA-F]",
        "[^0-9a-fA-F]",
        "[a-cx-z]",
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
            let plain = plain.map_or(to, |n| from + n);
            prop_assert_eq!(class.run_end(bytes, from, to), plain);
            prop_assert_eq!(class.run_end(&bytes[..to], from, to), plain);
            let more = [&bytes[..to], &[b'a'; 20], &[0xFF; 20]].concat();
            prop_assert_eq!(class.run_end(&more, from, to), plain);
        }
    }
}
