//! Bytes to lines: the records of every file.

use arrow::array::BinaryViewArray;
use arrow::buffer::{Buffer, ScalarBuffer};

use crate::bits::{WIDTH, mask};
use crate::view::view;

/// What a line is guessed to take when room is made for the views.
const LINE_BYTES_GUESS: usize = 128;

/// The lines of a block.
#[derive(Debug, Clone)]
pub struct Lines {
    /// A line each, without `\n` and a `\r` before it; views into the block.
    pub records: BinaryViewArray,
    /// Where each line starts.
    pub offsets: ScalarBuffer<u64>,
}

/// Splits a block at its line ends; `base` is the offset of its first byte.
///
/// The block should end at a line end; what stands behind the last one is a line too. An empty
/// block has no lines. No byte is copied but those of lines of 12 bytes and less.
///
/// # Panics
/// If the block has 4 GiB or more, which a view cannot address.
pub fn split_lines(block: Buffer, base: u64) -> Lines {
    assert!(
        u32::try_from(block.len()).is_ok(),
        "a block of lines has less than 4 GiB"
    );
    let bytes = block.as_slice();
    let mut views = Vec::with_capacity(bytes.len() / LINE_BYTES_GUESS + 1);
    let mut offsets = Vec::with_capacity(bytes.len() / LINE_BYTES_GUESS + 1);
    let mut start = 0;
    let mut line_to = |end: usize| {
        views.push(view(bytes, start, trimmed_len(bytes, start, end), 0));
        offsets.push(base + start as u64);
        start = end + 1;
    };
    for at in (0..bytes.len()).step_by(WIDTH) {
        let mut ends = mask(&bytes[at..], b'\n');
        while ends != 0 {
            line_to(at + ends.trailing_zeros() as usize);
            ends &= ends - 1;
        }
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        line_to(bytes.len());
    }
    let records = BinaryViewArray::try_new(views.into(), vec![block], None)
        .expect("lines lie within their block");
    Lines {
        records,
        offsets: offsets.into(),
    }
}

/// The length of `start..end` without a `\r` at its end.
#[inline]
fn trimmed_len(bytes: &[u8], start: usize, end: usize) -> usize {
    let returns = end > start && bytes[end - 1] == b'\r';
    end - start - usize::from(returns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &[u8]) -> (Vec<Vec<u8>>, Vec<u64>) {
        let lines = split_lines(Buffer::from(text), 100);
        let records = lines.records.iter().flatten().map(<[u8]>::to_vec).collect();
        (records, lines.offsets.to_vec())
    }

    #[test]
    fn line_ends_are_stripped_and_offsets_are_where_lines_start() {
        let (records, offsets) = lines(b"one\ntwo\r\n\n a line of more than 12 bytes\r\nlast");
        let expected: [&[u8]; 5] = [
            b"one",
            b"two",
            b"",
            b" a line of more than 12 bytes",
            b"last",
        ];
        assert_eq!(records, expected);
        assert_eq!(offsets, [100, 104, 109, 110, 141]);
    }

    #[test]
    fn an_empty_block_has_no_lines_and_an_empty_line_is_one() {
        assert_eq!(lines(b"").0.len(), 0);
        assert_eq!(lines(b"\n").0, [b""]);
        assert_eq!(lines(b"\r\n").0, [b""]);
        assert_eq!(lines(b"\r").0, [b""]);
    }

    proptest! {
        #[test]
        fn lines_are_what_the_standard_library_splits(text in "[a\r\n]{0,200}") {
            let bytes = text.as_bytes();
            let mut expected: Vec<_> = bytes
                .split(|byte| *byte == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
                .collect();
            if bytes.is_empty() || bytes.ends_with(b"\n") {
                expected.pop();
            }
            prop_assert_eq!(lines(bytes).0, expected);
        }
    }
}
