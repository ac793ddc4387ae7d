//! Places in a record, and what is wrong at one.

use crate::rows::quote;

/// A part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Place {
    /// The place from `start` to before `end`.
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Place { start, end }
    }

    /// What stands there.
    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }

    /// The place, unless nothing stands there.
    #[inline]
    pub(crate) fn unless_empty(self) -> Option<Place> {
        (self.start < self.end).then_some(self)
    }

    /// The place, unless what stands there is `-`, which says that there is no value.
    #[inline]
    pub(crate) fn unless_dash(self, text: &[u8]) -> Option<Place> {
        (self.end - self.start != 1 || text[self.start] != b'-').then_some(self)
    }

    /// The place without spaces, tabs and line ends around what stands there.
    #[inline]
    pub(crate) fn trimmed(self, text: &[u8]) -> Place {
        let stated = self.of(text).trim_ascii_start();
        let start = self.end - stated.len();
        Place::new(start, start + stated.trim_ascii_end().len())
    }
}

/// What a record lacks, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) expected: &'static str,
    pub(crate) at: usize,
}

/// A fault.
#[inline]
pub(crate) fn fault(expected: &'static str, at: usize) -> Fault {
    Fault { expected, at }
}

impl Fault {
    /// The reason that a person reads.
    #[cold]
    pub(crate) fn reason(self, text: &[u8]) -> String {
        let Fault { expected, at } = self;
        match text.get(at..) {
            Some(rest) if !rest.is_empty() => {
                format!("expected {expected} at byte {at}, found {}", quote(rest))
            }
            _ => format!("expected {expected}, found the end of the line"),
        }
    }
}
