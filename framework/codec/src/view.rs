//! Records as they lie in their blocks, and views that point into them.
//!
//! A column of text that is cut out of a record shares the record's block: what is made here is
//! Arrow's 16-byte view, `(length, prefix, block, place)`, or the text itself up to 12 bytes.
//! Nothing here is unsafe: Arrow checks every view again when the array is made.

use arrow::array::{BinaryViewArray, ByteView};
use arrow::buffer::Buffer;

/// The longest text that a view holds itself.
pub(crate) const INLINE_MAX: usize = 12;

/// A record, its block and its place there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    block: &'a [u8],
    block_idx: u32,
    start: usize,
    len: usize,
}

impl<'a> Record<'a> {
    /// The record at `idx`.
    #[inline]
    pub(crate) fn of(records: &'a BinaryViewArray, idx: usize) -> Self {
        let view = ByteView::from(records.views()[idx]);
        let len = view.length as usize;
        if len <= INLINE_MAX {
            return Record {
                block: records.value(idx),
                block_idx: 0,
                start: 0,
                len,
            };
        }
        let block = records.data_buffers()[view.buffer_index as usize].as_slice();
        Record {
            block,
            block_idx: view.buffer_index,
            start: view.offset as usize,
            len,
        }
    }

    /// Its bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        &self.block[self.start..self.start + self.len]
    }

    /// Its bytes and what follows them in the block, for loads of a fixed width.
    #[inline]
    pub(crate) fn bytes_and_after(&self) -> &'a [u8] {
        &self.block[self.start..]
    }

    /// A view of `start..end` of it.
    #[inline]
    pub(crate) fn view(&self, start: usize, end: usize) -> u128 {
        view(self.block, self.start + start, end - start, self.block_idx)
    }
}

/// A view of `block[start..start + len]`, where the block is the array's `block_idx`th.
#[inline]
pub(crate) fn view(block: &[u8], start: usize, len: usize, block_idx: u32) -> u128 {
    if len <= INLINE_MAX {
        return inline(&block[start..], len);
    }
    let prefix = match block[start..].first_chunk::<4>() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => 0,
    };
    ByteView {
        length: len as u32,
        prefix,
        buffer_index: block_idx,
        offset: start as u32,
    }
    .as_u128()
}

/// A view that holds the first `len` bytes itself; `len` is at most 12.
#[inline]
pub(crate) fn inline(bytes: &[u8], len: usize) -> u128 {
    let word = match bytes.first_chunk::<16>() {
        Some(word) => u128::from_le_bytes(*word) & ((1 << (8 * len)) - 1),
        None => {
            let mut word = [0; 16];
            word[..len].copy_from_slice(&bytes[..len]);
            u128::from_le_bytes(word)
        }
    };
    (word << 32) | len as u128
}

/// Whether every record is UTF-8, found out with one pass over each block.
///
/// `false` may also mean that bytes between the records are not; then look at each.
pub(crate) fn all_utf8(records: &BinaryViewArray) -> bool {
    let mut ranges = vec![(usize::MAX, 0); records.data_buffers().len()];
    for view in records.views().iter() {
        let view_parts = ByteView::from(*view);
        if view_parts.length as usize <= INLINE_MAX {
            if !inline_is_utf8(*view) {
                return false;
            }
        } else {
            let start = view_parts.offset as usize;
            let range = &mut ranges[view_parts.buffer_index as usize];
            *range = (
                range.0.min(start),
                range.1.max(start + view_parts.length as usize),
            );
        }
    }
    let mut ascii = true;
    for (block, &(start, end)) in records.data_buffers().iter().zip(&ranges) {
        if start < end {
            let used = &block[start..end];
            if !used.is_ascii() {
                ascii = false;
                if simdutf8::basic::from_utf8(used).is_err() {
                    return false;
                }
            }
        }
    }
    ascii
        || records
            .views()
            .iter()
            .all(|view| ends_between_characters(*view, records.data_buffers()))
}

fn inline_is_utf8(view: u128) -> bool {
    const HIGH: u128 = 0x8080_8080_8080_8080_8080_8080_0000_0000;
    if view & HIGH == 0 {
        return true;
    }
    let len = view as u32 as usize;
    std::str::from_utf8(&view.to_le_bytes()[4..4 + len]).is_ok()
}

/// Whether a record in a block that is UTF-8 as a whole does not cut a character.
fn ends_between_characters(view: u128, blocks: &[Buffer]) -> bool {
    let view = ByteView::from(view);
    if view.length as usize <= INLINE_MAX {
        return true;
    }
    let block = blocks[view.buffer_index as usize].as_slice();
    let start = view.offset as usize;
    let continues = |at: usize| block.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    !continues(start) && !continues(start + view.length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(lines: &[&[u8]]) -> BinaryViewArray {
        BinaryViewArray::from_iter_values(lines)
    }

    #[test]
    fn text_is_utf8_whatever_its_length() {
        assert!(all_utf8(&records(&[
            b"",
            b"abc",
            "grün".as_bytes(),
            "ein längerer Satz".as_bytes()
        ])));
    }

    #[test]
    fn a_bad_byte_in_a_short_or_a_long_record_is_seen() {
        assert!(!all_utf8(&records(&[b"ab\xFFc"])));
        assert!(!all_utf8(&records(&[b"a long enough record \xFF"])));
    }

    #[test]
    fn a_character_cut_between_two_records_is_seen_though_the_block_is_utf8() {
        let block = Buffer::from("abcdefghijklmnopqrstü0123456789".as_bytes());
        let cut = "abcdefghijklmnopqrst".len() + 1;
        let views = vec![
            view(&block, 0, cut, 0),
            view(&block, cut, block.len() - cut, 0),
        ];
        let records = BinaryViewArray::try_new(views.into(), vec![block], None).unwrap();
        assert!(!all_utf8(&records));
    }

    #[test]
    fn a_view_made_here_is_the_view_that_arrow_makes() {
        let block = b"0123456789abcdefghijklmnop";
        for start in 0..block.len() {
            for end in start..=block.len() {
                let ours = view(block, start, end - start, 3);
                let theirs = arrow::array::make_view(&block[start..end], 3, start as u32);
                assert_eq!(ours, theirs, "{start}..{end}");
            }
        }
    }
}
