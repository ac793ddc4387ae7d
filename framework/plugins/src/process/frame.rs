//! Frames: a JSON text and some parts of bytes, with their lengths before them.
//!
//! ```text
//! u32 length of the text, u32 number of parts, u64 length of each part, the text, the parts
//! ```
//! All numbers are little-endian. A part is rows ([`super::rows`]), or whatever bytes both sides agree on.

use std::io::{self, IoSlice, Read, Write};

use arrow::array::Array;
use arrow::buffer::Buffer;

use super::buffers::{reused, with_room};
use super::part::Part;
use super::rows::rows_of;

/// The longest text of a frame.
const TEXT_MAX: usize = 256 << 20;
/// Parts of a frame, at most.
const PARTS_MAX: usize = 100_000;
/// The longest part, and all parts of a frame together.
const PARTS_BYTES_MAX: u64 = 4 << 30;

/// A frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) text: Vec<u8>,
    pub(super) parts: Vec<Part>,
}

impl Frame {
    /// Writes a frame.
    pub(super) fn write(text: &[u8], parts: &[Part], to: &mut impl Write) -> io::Result<()> {
        let mut head = Vec::with_capacity(8 + 8 * parts.len() + text.len());
        head.extend((text.len() as u32).to_le_bytes());
        head.extend((parts.len() as u32).to_le_bytes());
        for part in parts {
            head.extend((part.len() as u64).to_le_bytes());
        }
        head.extend_from_slice(text);
        let pieces = parts.iter().flat_map(Part::pieces);
        let pieces = std::iter::once(head.as_slice()).chain(pieces.map(Buffer::as_slice));
        write_all(&mut pieces.map(IoSlice::new).collect::<Vec<_>>(), to)?;
        to.flush()
    }

    /// Reads a frame. Memory is taken as bytes come, not as lengths say.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Frame> {
        let (n_text, n_parts) = (number(from)? as usize, number(from)? as usize);
        if n_text > TEXT_MAX || n_parts > PARTS_MAX {
            return Err(too_long());
        }
        let mut lengths = Vec::with_capacity(n_parts);
        for _ in 0..n_parts {
            let mut length = [0; 8];
            from.read_exact(&mut length)?;
            lengths.push(u64::from_le_bytes(length));
        }
        let sum = lengths
            .iter()
            .try_fold(0u64, |sum, length| sum.checked_add(*length));
        if sum.is_none_or(|sum| sum > PARTS_BYTES_MAX) {
            return Err(too_long());
        }
        let text = exactly(from, n_text as u64)?;
        let parts = lengths
            .into_iter()
            .map(|length| Ok(Part::from(reused(exactly(from, length)?))));
        let parts = parts.collect::<io::Result<Vec<Part>>>()?;
        Ok(Frame { text, parts })
    }
}

fn number(from: &mut impl Read) -> io::Result<u32> {
    let mut number = [0; 4];
    from.read_exact(&mut number)?;
    Ok(u32::from_le_bytes(number))
}

fn exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = with_room(usize::try_from(length).map_err(|_| too_long())?);
    from.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Writes pieces one behind the other, as many at a time as go.
fn write_all(mut pieces: &mut [IoSlice<'_>], to: &mut impl Write) -> io::Result<()> {
    // Empty ones are gone then: nothing written is the other side's end.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match to.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n_bytes) => IoSlice::advance_slices(&mut pieces, n_bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame that is too long")
}

/// Reads bytes as what a plugin's process answers, and every value of it; for the fuzz target.
///
/// # Panics
/// Something was read as rows that are not valid.
#[doc(hidden)]
pub fn read_answer(mut bytes: &[u8]) {
    let Ok(frame) = Frame::read(&mut bytes) else {
        return;
    };
    for part in &frame.parts {
        for batch in rows_of(part)
            .map(|(_, batches)| batches)
            .unwrap_or_default()
        {
            for column in batch.columns() {
                let valid = column.to_data().validate_full();
                assert!(valid.is_ok(), "rows that are not valid: {valid:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StringViewArray};
    use proptest::prelude::*;

    use super::super::rows::part_of;
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let parts = [
            Part::from(vec![Buffer::from(b"o"), Buffer::from(b"ne")]),
            Part::default(),
        ];
        let mut bytes = Vec::new();
        Frame::write(b"{}", &parts, &mut bytes).unwrap();
        let frame = Frame::read(&mut bytes.as_slice()).unwrap();
        assert_eq!(frame.text, b"{}");
        let read: Vec<Vec<u8>> = frame
            .parts
            .iter()
            .map(|part| part.whole().to_vec())
            .collect();
        assert_eq!(read, [b"one".to_vec(), Vec::new()]);
        let cut = Frame::read(&mut &bytes[..bytes.len() - 1]).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn lengths_that_lie_take_no_memory() {
        let mut bytes = vec![2, 0, 0, 0, 1, 0, 0, 0];
        bytes.extend(u64::MAX.to_le_bytes());
        assert!(
            Frame::read(&mut bytes.as_slice())
                .unwrap_err()
                .to_string()
                .contains("too long")
        );
        bytes[8..].copy_from_slice(&(1u64 << 31).to_le_bytes());
        bytes.extend(b"{}");
        assert_eq!(
            Frame::read(&mut bytes.as_slice()).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    proptest! {
        #[test]
        fn whatever_a_process_answers_is_rows_or_an_error(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let views: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a text that is not short"), None]));
            let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "\u{e4}"]));
            let numbers: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]));
            let columns = [("line", views), ("text", texts), ("number", numbers)];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let part = part_of(batch.schema_ref(), std::slice::from_ref(&batch)).unwrap();
            let mut bytes = Vec::new();
            Frame::write(b"{}", &[part], &mut bytes).unwrap();
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            bytes.truncate(cut.index(2 * bytes.len()));
            read_answer(&bytes);
        }
    }
}
