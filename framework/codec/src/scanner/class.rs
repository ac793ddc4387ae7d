//! A set of ASCII bytes, and how far a run of them reaches.

use regex_syntax::hir;

/// A set of ASCII bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    members: u128,
    run: Run,
}

/// The fastest way to find the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Every ASCII byte is a member.
    All,
    /// All but these.
    AllBut1(u8),
    AllBut2(u8, u8),
    AllBut3(u8, u8, u8),
    /// A look at each byte.
    Each,
}

impl Class {
    /// The ASCII part of a class of a pattern.
    pub(super) fn of(class: &hir::Class) -> Self {
        let mut members = 0;
        let mut add = |start: u32, end: u32| {
            for byte in start..=end.min(127) {
                members |= 1 << byte;
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
        Class::from_members(if byte < 128 { 1 << byte } else { 0 })
    }

    fn from_members(members: u128) -> Self {
        let others: Vec<u8> = (0..128).filter(|byte| members >> byte & 1 == 0).collect();
        let run = match others[..] {
            [] => Run::All,
            [a] => Run::AllBut1(a),
            [a, b] => Run::AllBut2(a, b),
            [a, b, c] => Run::AllBut3(a, b, c),
            _ => Run::Each,
        };
        Class { members, run }
    }

    /// Whether an ASCII byte is a member.
    #[inline]
    pub(super) fn contains(&self, byte: u8) -> bool {
        byte < 128 && self.members >> byte & 1 == 1
    }

    /// Whether no byte is a member of both.
    pub(super) fn is_disjoint(&self, other: &Class) -> bool {
        self.members & other.members == 0
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
            Run::Each => part.iter().position(|byte| !self.contains(*byte)),
        };
        found.map_or(to, |at| from + at)
    }
}
