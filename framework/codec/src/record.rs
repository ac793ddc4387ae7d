//! Records as text, and the parts of them that become values.

use arrow::array::{BinaryViewArray, ByteView};

use crate::view::INLINE_MAX;

/// A record. It is UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Its block, or itself where it has none.
    text: &'a str,
    block_idx: Option<usize>,
    start: usize,
    len: usize,
}

impl<'a> Record<'a> {
    /// A record that stands in no block.
    #[inline]
    pub(crate) fn alone(text: &'a str) -> Self {
        Record {
            text,
            block_idx: None,
            start: 0,
            len: text.len(),
        }
    }

    /// Its bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.start..self.start + self.len]
    }

    /// Its bytes and what follows them in the block, for loads of a fixed width.
    #[inline]
    pub(crate) fn bytes_and_after(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.start..]
    }

    /// What stands at `start..end` of it, which is between characters.
    #[inline]
    pub(crate) fn text(&self, start: usize, end: usize) -> &'a str {
        &self.text[self.start + start..self.start + end]
    }

    /// Which block it is in, and where `at` of it stands there.
    #[inline]
    pub(crate) fn place(&self, at: usize) -> Option<(usize, usize)> {
        Some((self.block_idx?, self.start + at))
    }
}

/// Records that are UTF-8, each and all.
pub(crate) struct Texts<'a> {
    records: &'a BinaryViewArray,
    /// The blocks, up to the end of their last record.
    blocks: Vec<&'a str>,
    is_ascii: bool,
}

impl<'a> Texts<'a> {
    /// Finds out with one pass over each block whether all records are UTF-8. `None` may also mean that
    /// bytes between the records are not; then look at each.
    pub(crate) fn of(records: &'a BinaryViewArray) -> Option<Self> {
        let buffers = records.data_buffers();
        let mut ends = vec![0; buffers.len()];
        let mut is_ascii = true;
        for view in records.views().iter() {
            let parts = ByteView::from(*view);
            if parts.length > INLINE_MAX as u32 {
                let end = &mut ends[parts.buffer_index as usize];
                *end = (*end).max(parts.offset as usize + parts.length as usize);
            } else if view & NOT_ASCII != 0 {
                is_ascii = false;
                let bytes = view.to_le_bytes();
                std::str::from_utf8(&bytes[4..4 + parts.length as usize]).ok()?;
            }
        }
        let used = buffers.iter().zip(ends).map(|(buffer, end)| &buffer[..end]);
        is_ascii &= used.clone().all(<[u8]>::is_ascii);
        let blocks = used.map(|used| simdutf8::basic::from_utf8(used).ok());
        let texts = Texts {
            records,
            blocks: blocks.collect::<Option<_>>()?,
            is_ascii,
        };
        (is_ascii || texts.cut_no_character()).then_some(texts)
    }

    /// Whether all of them are ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The record at `idx`.
    #[inline]
    pub(crate) fn record(&self, idx: usize) -> Record<'a> {
        let view = ByteView::from(self.records.views()[idx]);
        if view.length <= INLINE_MAX as u32 {
            return self.inline(idx);
        }
        let block_idx = view.buffer_index as usize;
        Record {
            text: self.blocks[block_idx],
            block_idx: Some(block_idx),
            start: view.offset as usize,
            len: view.length as usize,
        }
    }

    /// A short record, which its view holds itself.
    fn inline(&self, idx: usize) -> Record<'a> {
        let text = std::str::from_utf8(self.records.value(idx));
        Record::alone(text.expect("short records were looked at"))
    }

    /// Whether each record starts and ends between characters of its block.
    fn cut_no_character(&self) -> bool {
        self.records.views().iter().all(|view| {
            let view = ByteView::from(*view);
            let (start, len) = (view.offset as usize, view.length as usize);
            len <= INLINE_MAX || {
                let block = self.blocks[view.buffer_index as usize];
                block.is_char_boundary(start) && block.is_char_boundary(start + len)
            }
        })
    }
}

/// The bits of a view that no text of ASCII has, where the view holds it itself.
const NOT_ASCII: u128 = 0x8080_8080_8080_8080_8080_8080_0000_0000;

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::*;
    use crate::view::view;

    fn are_texts(lines: &[&[u8]]) -> Option<bool> {
        let records = BinaryViewArray::from_iter_values(lines);
        Texts::of(&records).map(|texts| texts.is_ascii())
    }

    #[test]
    fn text_is_utf8_whatever_its_length() {
        let (short, long) = ("grün".as_bytes(), "ein längerer Satz".as_bytes());
        assert_eq!(are_texts(&[b"", b"abc", b"a longer sentence"]), Some(true));
        assert_eq!(are_texts(&[b"", b"abc", short]), Some(false));
        assert_eq!(are_texts(&[b"", b"abc", long]), Some(false));
    }

    #[test]
    fn a_bad_byte_in_a_short_or_a_long_record_is_seen() {
        assert_eq!(are_texts(&[b"ab\xFFc"]), None);
        assert_eq!(are_texts(&[b"a long enough record \xFF"]), None);
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
        assert!(Texts::of(&records).is_none());
    }

    #[test]
    fn a_record_and_its_parts_stand_where_they_stood_in_the_block() {
        let lines: [&[u8]; 3] = [
            b"the first of them",
            b"short",
            "ein längerer Satz".as_bytes(),
        ];
        let records = BinaryViewArray::from_iter_values(lines);
        let texts = Texts::of(&records).unwrap();
        for (idx, line) in lines.iter().enumerate() {
            let record = texts.record(idx);
            assert_eq!(record.bytes(), *line);
            assert_eq!(record.text(1, 3).as_bytes(), &line[1..3]);
            let place = record.place(1);
            assert_eq!(place.is_some(), line.len() > INLINE_MAX);
            if let Some((block_idx, at)) = place {
                let block = &records.data_buffers()[block_idx];
                assert_eq!(block[at..at + 2], line[1..3]);
            }
        }
    }
}
