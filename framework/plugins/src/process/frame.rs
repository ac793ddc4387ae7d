//! Frames: a JSON text and some parts of bytes, with their lengths before them.
//!
//! ```text
//! u32 length of the text, u32 number of parts, u64 length of each part, the text, the parts
//! ```
//! All numbers are little-endian. A part is an Arrow stream, or whatever bytes both sides agree on.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use datashark_sdk::{Error, Result};

/// The longest text of a frame.
const TEXT_MAX: usize = 256 << 20;
/// Parts of a frame, at most.
const PARTS_MAX: usize = 100_000;
/// The longest part, and all parts of a frame together.
const PARTS_BYTES_MAX: u64 = 4 << 30;

/// A part of a frame.
pub(crate) type Part = Buffer;

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
        to.write_all(&head)?;
        for part in parts {
            to.write_all(part)?;
        }
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
            .map(|length| Ok(Buffer::from_vec(exactly(from, length)?)));
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
    /// What is reserved at once: pages that are not written to cost nothing, but for the address space.
    const AT_ONCE: u64 = 64 << 20;
    let mut bytes = Vec::with_capacity(length.min(AT_ONCE) as usize);
    from.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame that is too long")
}

/// Batches as a part.
pub(crate) fn part_of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Part> {
    let n_bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    let mut bytes = Vec::with_capacity(n_bytes + 4096);
    let mut writer = StreamWriter::try_new(&mut bytes, schema)?;
    for batch in batches {
        writer.write(&compact(batch)?)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(Buffer::from_vec(bytes))
}

/// A schema as a part.
pub(crate) fn part_of_schema(schema: &SchemaRef) -> Result<Part> {
    part_of(schema, &[])
}

/// The batches of a part. What the other side wrote is checked; where Arrow panics over it, that is an
/// error too.
pub(crate) fn rows_of(part: &Part) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let decoded = catch_unwind(AssertUnwindSafe(|| decoded(part)));
    decoded.unwrap_or_else(|_| Err(Error::internal("a part that Arrow cannot read")))
}

fn decoded(part: &Part) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut decoder = StreamDecoder::new();
    let mut rest = part.clone();
    let mut batches = Vec::new();
    while !rest.is_empty() {
        match decoder.decode(&mut rest)? {
            Some(batch) => batches.push(batch),
            None if rest.is_empty() => break,
            None => {}
        }
    }
    let schema = decoder.schema();
    decoder.finish()?;
    let schema = schema.ok_or_else(|| Error::internal("a part that is no Arrow stream"))?;
    Ok((schema, batches))
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

/// The schema of a part.
pub(crate) fn schema_of(part: &Part) -> Result<SchemaRef> {
    Ok(rows_of(part)?.0)
}

/// The batch with text columns that do not hold on to much more than they show: a view column would
/// take the whole block across that its texts are cut out of.
fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(compact_column).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        columns,
        &options,
    )?)
}

fn compact_column(column: &ArrayRef) -> ArrayRef {
    let held = |buffers: &[Buffer]| buffers.iter().map(Buffer::len).sum::<usize>();
    match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            match held(texts.data_buffers()) > 2 * texts.total_buffer_bytes_used() {
                true => Arc::new(texts.gc()),
                false => Arc::clone(column),
            }
        }
        DataType::BinaryView => {
            let texts = column.as_binary_view();
            match held(texts.data_buffers()) > 2 * texts.total_buffer_bytes_used() {
                true => Arc::new(texts.gc()),
                false => Arc::clone(column),
            }
        }
        _ => Arc::clone(column),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let parts = [Buffer::from(b"one"), Buffer::from(b"")];
        let mut bytes = Vec::new();
        Frame::write(b"{}", &parts, &mut bytes).unwrap();
        let frame = Frame::read(&mut bytes.as_slice()).unwrap();
        assert_eq!(
            (frame.text.as_slice(), frame.parts.as_slice()),
            (b"{}".as_slice(), parts.as_slice())
        );
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

    #[test]
    fn a_few_texts_do_not_take_their_block_with_them() {
        let long: Vec<String> = (0..1000)
            .map(|i| format!("a text that is not short: {i}"))
            .collect();
        let all = StringViewArray::from_iter_values(&long);
        let few: ArrayRef = Arc::new(all.slice(500, 2));
        let schema = Arc::new(Schema::new(vec![Field::new(
            "line",
            DataType::Utf8View,
            false,
        )]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![few]).unwrap();
        let part = part_of(&schema, std::slice::from_ref(&batch)).unwrap();
        assert!(part.len() < 2000, "{}", part.len());
        assert_eq!(rows_of(&part).unwrap().1, [batch]);
    }

    proptest! {
        #[test]
        fn whatever_a_process_answers_is_rows_or_an_error(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a text that is not short"), None]));
            let batch = RecordBatch::try_from_iter([("line", texts)]).unwrap();
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

    #[test]
    fn bytes_that_are_no_stream_are_an_error() {
        for bytes in [b"".as_slice(), b"no stream at all", &[0xff; 64]] {
            assert!(rows_of(&Buffer::from(bytes)).is_err());
        }
    }
}
