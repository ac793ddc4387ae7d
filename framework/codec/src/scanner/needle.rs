//! A text of the pattern, and where it stands in a record.

use wide::u8x16;

/// A text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needle {
    text: Box<[u8]>,
    /// Its first eight bytes at hand for one compare, and which bits of them count.
    head: u64,
    mask: u64,
    /// Its first and its last byte.
    first: u8x16,
    last: u8x16,
}

impl Needle {
    /// A text that is not empty.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut head = [0; 8];
        let n = text.len().min(8);
        head[..n].copy_from_slice(&text[..n]);
        let mask = if n == 8 { u64::MAX } else { (1 << (8 * n)) - 1 };
        let splat = |byte: Option<&u8>| u8x16::splat(byte.copied().unwrap_or_default());
        Needle {
            text: text.into(),
            head: u64::from_le_bytes(head),
            mask,
            first: splat(text.first()),
            last: splat(text.last()),
        }
    }

    /// The text itself.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether `rest` begins with the text.
    #[inline(always)]
    pub(super) fn begins(&self, rest: &[u8]) -> bool {
        match rest.first_chunk::<8>() {
            Some(head) if u64::from_le_bytes(*head) & self.mask != self.head => false,
            Some(_) if self.text.len() <= 8 => true,
            _ => rest.starts_with(&self.text),
        }
    }

    /// The first place in `from..=to` where it stands; it may reach beyond `to`.
    #[inline]
    pub(super) fn find(&self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let mut at = from;
        while at <= to {
            let Some(mut found) = self.candidates(text, at) else {
                return (at..=to).find(|at| self.begins(&text[*at..]));
            };
            while found != 0 {
                let candidate = at + found.trailing_zeros() as usize;
                if candidate > to {
                    return None;
                }
                if self.is_at(text, candidate) {
                    return Some(candidate);
                }
                found &= found - 1;
            }
            at += 16;
        }
        None
    }

    /// The last place in `from..=to` where it stands; it may reach beyond `to`.
    #[inline]
    pub(super) fn find_last(&self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let mut behind = to + 1;
        while behind > from {
            let at = behind.saturating_sub(16).max(from);
            let Some(found) = self.candidates(text, at) else {
                return (from..behind).rfind(|at| self.begins(&text[*at..]));
            };
            // Of sixteen places those that were not looked at before.
            let mut found = found & (0xFFFF >> (16 - (behind - at)));
            while found != 0 {
                let last = found.ilog2();
                if self.is_at(text, at + last as usize) {
                    return Some(at + last as usize);
                }
                found ^= 1 << last;
            }
            behind = at;
        }
        None
    }

    /// At which of sixteen places its first and last byte stand, a bit each; `None` near the end of
    /// `text`.
    #[inline(always)]
    fn candidates(&self, text: &[u8], at: usize) -> Option<u32> {
        let first = text[at..].first_chunk::<16>()?;
        let last = text.get(at + self.text.len() - 1..)?.first_chunk::<16>()?;
        let first = u8x16::new(*first).simd_eq(self.first);
        let last = u8x16::new(*last).simd_eq(self.last);
        Some((first & last).to_bitmask())
    }

    /// Whether it stands at a candidate.
    #[inline(always)]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        self.text.len() <= 2 || self.begins(&text[at..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_found_where_it_stands_first_and_last(
            needle in "[ab]{1,10}",
            text in "[ab]{0,60}",
            places in any::<[prop::sample::Index; 2]>(),
        ) {
            let places = places.map(|place| place.index(text.len() + 1));
            let (from, to) = (places[0].min(places[1]), places[0].max(places[1]));
            let stands = |at: &usize| text[*at..].starts_with(&needle);
            let (first, last) = ((from..=to).find(stands), (from..=to).rfind(stands));
            let needle = Needle::new(needle.as_bytes());
            prop_assert_eq!(needle.find(text.as_bytes(), from, to), first);
            prop_assert_eq!(needle.find_last(text.as_bytes(), from, to), last);
        }
    }
}
