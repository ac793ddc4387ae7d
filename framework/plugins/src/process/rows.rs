//! Batches as parts of a frame, and back.
//!
//! Columns that are flat go as they lie in memory, without a copy on this side:
//! ```text
//! "dsrows01", then as u64: how many numbers follow, bytes of the schema, number of batches,
//!     and for each batch: number of rows, then for each column: 1 if it has a validity bitmap,
//!     how many buffers, the bytes of each
//! the schema, as an Arrow stream without batches
//! the buffers, each from a multiple of 16 on
//! ```
//! All other batches are an Arrow stream. Whatever is read is validated: who wrote it is not trusted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use datashark_sdk::{Error, Result};

use super::part::Part;

const MAGIC: [u8; 8] = *b"dsrows01";
/// What a buffer begins at a multiple of: no type needs more.
const ALIGNMENT: usize = 16;
const PADDING: [u8; ALIGNMENT] = [0; ALIGNMENT];

/// Batches as a part.
pub(crate) fn part_of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Part> {
    let is_flat = |field: &Arc<arrow::datatypes::Field>| is_flat(field.data_type());
    match !batches.is_empty() && schema.fields().iter().all(is_flat) {
        true => flat(schema, batches),
        false => stream(schema, batches),
    }
}

/// A schema as a part.
pub(crate) fn part_of_schema(schema: &SchemaRef) -> Result<Part> {
    stream(schema, &[])
}

/// The schema of a part.
pub(crate) fn schema_of(part: &Part) -> Result<SchemaRef> {
    Ok(rows_of(part)?.0)
}

/// The batches of a part. What the other side wrote is checked; where Arrow panics over it, that is an
/// error too.
pub(crate) fn rows_of(part: &Part) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let part = part.whole();
    let decoded = catch_unwind(AssertUnwindSafe(|| match part.starts_with(&MAGIC) {
        true => read_flat(&part),
        false => read_stream(part),
    }));
    decoded.unwrap_or_else(|_| Err(Error::internal("a part that Arrow cannot read")))
}

fn stream(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Part> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, schema)?;
    for batch in batches {
        writer.write(&compact(batch)?)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(Part::from(bytes))
}

fn read_stream(mut rest: Buffer) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut decoder = StreamDecoder::new();
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

/// Whether columns of a type have buffers and no children.
fn is_flat(data_type: &DataType) -> bool {
    data_type.is_primitive()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        )
}

fn flat(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Part> {
    let schema_bytes = stream(schema, &[])?.whole();
    let (mut numbers, mut pieces) = (vec![schema_bytes.len(), batches.len()], Vec::new());
    padded(schema_bytes, &mut pieces);
    for batch in batches {
        numbers.push(batch.num_rows());
        for column in batch.columns() {
            let (validity, buffers) = buffers_of(&compact_column(column))?;
            numbers.extend([usize::from(validity.is_some()), buffers.len()]);
            for buffer in validity.into_iter().chain(buffers) {
                numbers.push(buffer.len());
                padded(buffer, &mut pieces);
            }
        }
    }
    let mut head = MAGIC.to_vec();
    for number in std::iter::once(numbers.len()).chain(numbers) {
        head.extend((number as u64).to_le_bytes());
    }
    head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
    pieces.insert(0, Buffer::from_vec(head));
    Ok(Part::from(pieces))
}

fn padded(buffer: Buffer, pieces: &mut Vec<Buffer>) {
    let missing = buffer.len().next_multiple_of(ALIGNMENT) - buffer.len();
    if !buffer.is_empty() {
        pieces.push(buffer);
    }
    if missing > 0 {
        pieces.push(Buffer::from(&PADDING[..missing]));
    }
}

/// The validity bitmap and the buffers of a flat column, without what a slice does not show.
fn buffers_of(column: &ArrayRef) -> Result<(Option<Buffer>, Vec<Buffer>)> {
    let validity = column.nulls().map(|nulls| nulls.inner().sliced());
    if let Some(values) = column.as_boolean_opt() {
        return Ok((validity, vec![values.values().sliced()]));
    }
    let data = column.to_data();
    if data.offset() != 0 {
        return Err(Error::internal(
            "a flat column that begins in a buffer's midst",
        ));
    }
    let buffers = match data.data_type() {
        DataType::Utf8 | DataType::Binary => texts_of::<i32>(&data),
        DataType::LargeUtf8 | DataType::LargeBinary => texts_of::<i64>(&data),
        _ => data.buffers().to_vec(),
    };
    Ok((validity, buffers))
}

/// Offsets from 0 on, and the bytes that they show.
fn texts_of<O>(data: &ArrayData) -> Vec<Buffer>
where
    O: arrow::array::OffsetSizeTrait,
{
    let offsets = data.buffers()[0].typed_data::<O>();
    // A column without rows may have no offsets at all.
    let offsets = offsets.get(..=data.len()).unwrap_or(&[]);
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return vec![Buffer::from_vec(vec![O::zero()]), Buffer::from(&[])];
    };
    let bytes = data.buffers()[1].slice_with_length(first.as_usize(), (*last - *first).as_usize());
    let offsets = match first.is_zero() {
        true => data.buffers()[0].slice_with_length(0, size_of_val(offsets)),
        false => offsets
            .iter()
            .map(|offset| *offset - *first)
            .collect::<Vec<O>>()
            .into(),
    };
    vec![offsets, bytes]
}

/// Bytes that are read from their beginning on.
struct Reader<'a> {
    bytes: &'a Buffer,
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Result<usize> {
        let number = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk());
        let number = number.map(|number| u64::from_le_bytes(*number));
        self.at += size_of::<u64>();
        number
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(cut_off)
    }

    /// So many bytes; what comes next is padded.
    fn buffer(&mut self, length: usize) -> Result<Buffer> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(cut_off)?;
        let buffer = self.bytes.slice_with_length(self.at, length);
        self.at = end.next_multiple_of(ALIGNMENT);
        Ok(buffer)
    }
}

fn cut_off() -> Error {
    Error::internal("a part that ends before it is whole")
}

fn read_flat(bytes: &Buffer) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut head = Reader {
        bytes,
        at: MAGIC.len(),
    };
    let n_numbers = head.number()?;
    let head_length = n_numbers
        .checked_mul(size_of::<u64>())
        .ok_or_else(cut_off)?;
    let head_end = head
        .at
        .checked_add(head_length)
        .filter(|end| *end <= bytes.len());
    let head_end = head_end.ok_or_else(cut_off)?;
    let mut body = Reader {
        bytes,
        at: head_end.next_multiple_of(ALIGNMENT),
    };
    let schema_length = head.number()?;
    let n_batches = head.number()?;
    let (schema, _) = read_stream(body.buffer(schema_length)?)?;
    let mut batches = Vec::new();
    for _ in 0..n_batches {
        let n_rows = head.number()?;
        let columns = schema
            .fields()
            .iter()
            .map(|field| read_column(field.data_type(), n_rows, &mut head, &mut body))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        let schema = Arc::clone(&schema);
        batches.push(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?);
        if head.at > head_end {
            return Err(cut_off());
        }
    }
    Ok((schema, batches))
}

fn read_column(
    data_type: &DataType,
    n_rows: usize,
    head: &mut Reader<'_>,
    body: &mut Reader<'_>,
) -> Result<ArrayRef> {
    if !is_flat(data_type) {
        return Err(Error::internal(format!(
            "a column of type {data_type} where flat ones go"
        )));
    }
    let (has_validity, n_buffers) = (head.number()? != 0, head.number()?);
    let validity = match has_validity {
        true => {
            let bits = body.buffer(head.number()?)?;
            if bits.len() < n_rows.div_ceil(8) {
                return Err(cut_off());
            }
            Some(NullBuffer::new(BooleanBuffer::new(bits, 0, n_rows)))
        }
        false => None,
    };
    let mut builder = ArrayData::builder(data_type.clone())
        .len(n_rows)
        .nulls(validity);
    for _ in 0..n_buffers {
        builder = builder.add_buffer(body.buffer(head.number()?)?);
    }
    // Looks at all of it: lengths, offsets, texts.
    Ok(make_array(builder.align_buffers(true).build()?))
}

/// The batch with text columns that do not hold on to much more than they show: a view column would
/// take the whole block across that its texts are cut out of.
fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(compact_column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
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
    use arrow::array::{
        BinaryArray, BooleanArray, Float64Array, Int32Array, LargeStringArray, ListArray,
        StringArray, StringViewArray,
    };
    use arrow::datatypes::{Field, Int64Type, Schema};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_few_texts_do_not_take_their_block_with_them() {
        let long: Vec<String> = (0..1000)
            .map(|i| format!("a text that is not short: {i}"))
            .collect();
        let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(&long));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(&long));
        for all in [views, texts] {
            let field = Field::new("line", all.data_type().clone(), false);
            let schema = Arc::new(Schema::new(vec![field]));
            let few = vec![all.slice(500, 2)];
            let batch = RecordBatch::try_new(Arc::clone(&schema), few).unwrap();
            let part = part_of(&schema, std::slice::from_ref(&batch)).unwrap();
            assert!(part.len() < 2000, "{}", part.len());
            assert_eq!(rows_of(&part).unwrap().1, [batch]);
        }
    }

    fn batch(values: &[Option<i32>]) -> RecordBatch {
        let texts = || {
            values
                .iter()
                .map(|value| value.map(|v| format!("{v} is a number, \u{e4}")))
        };
        let flags = values.iter().map(|value| value.map(|v| v % 2 == 0));
        let floats = values.iter().map(|value| value.map(f64::from));
        let bytes = texts()
            .map(|text| text.map(String::into_bytes))
            .collect::<Vec<_>>();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("i", Arc::new(Int32Array::from(values.to_vec()))),
            ("f", Arc::new(Float64Array::from_iter(floats))),
            ("b", Arc::new(BooleanArray::from_iter(flags))),
            ("s", Arc::new(StringArray::from_iter(texts()))),
            ("l", Arc::new(LargeStringArray::from_iter(texts()))),
            ("v", Arc::new(StringViewArray::from_iter(texts()))),
            ("y", Arc::new(BinaryArray::from_iter(bytes))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .unwrap()
    }

    proptest! {
        #[test]
        fn batches_come_back_as_they_went_wherever_they_are_cut(
            values in proptest::collection::vec(proptest::option::of(0i32..1000), 0..50),
            from in any::<prop::sample::Index>(),
            to in any::<prop::sample::Index>(),
            n_batches in 0usize..3,
        ) {
            let whole = batch(&values);
            let (from, to) = (from.index(values.len() + 1), to.index(values.len() + 1));
            let part = whole.slice(from.min(to), from.abs_diff(to));
            let batches = vec![part; n_batches];
            let part = part_of(&whole.schema(), &batches).unwrap();
            let (schema, back) = rows_of(&part).unwrap();
            prop_assert_eq!(&schema, &whole.schema());
            prop_assert_eq!(back, batches);
        }
    }

    #[test]
    fn columns_with_children_and_batches_without_columns_come_back_too() {
        let lists = [Some(vec![Some(1), None]), None];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
        let nested = RecordBatch::try_from_iter([("list", lists)]).unwrap();
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let none = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options);
        for batch in [nested, none.unwrap()] {
            let part = part_of(batch.schema_ref(), std::slice::from_ref(&batch)).unwrap();
            assert_eq!(rows_of(&part).unwrap().1, [batch]);
        }
    }

    #[test]
    fn bytes_that_are_no_rows_are_an_error() {
        for bytes in [
            b"".as_slice(),
            b"no stream at all",
            b"dsrows01",
            &[0xff; 64],
        ] {
            assert!(rows_of(&Part::from(bytes)).is_err());
        }
        // A text that is none.
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a text of its own"]));
        let batch = RecordBatch::try_from_iter([("t", texts)]).unwrap();
        let part = part_of(batch.schema_ref(), std::slice::from_ref(&batch)).unwrap();
        let mut bytes = part.whole().to_vec();
        let at = bytes
            .windows(6)
            .position(|bytes| bytes == b"a text")
            .unwrap();
        bytes[at] = 0xff;
        let error = rows_of(&Part::from(bytes)).unwrap_err().to_string();
        assert!(error.contains("UTF"), "{error}");
    }
}
