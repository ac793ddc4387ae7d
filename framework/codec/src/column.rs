//! Columns as they grow, a value per record.

use std::sync::Arc;

use arrow::array::builder::{ArrayBuilder, StringViewBuilder};
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int64Array, NullBufferBuilder,
    TimestampMicrosecondArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::record::Record;
use crate::timestamp::TimestampFormat;
use crate::{CodecError, scalar};

/// The key of a timestamp field's metadata that gives its [`TimestampFormat`]; without it,
/// RFC 3339, ISO 8601 and numbers by their size are read.
pub const TIMESTAMP_FORMAT: &str = "datashark.timestamp_format";

/// The longest text that is copied out of its record. To share a text, Arrow looks at each of its
/// bytes again, and the whole block is kept for it.
const COPIED_MAX: usize = 64;

/// A column, and how a text becomes its value.
#[derive(Debug)]
pub(crate) enum Column {
    Text(Text),
    Int(Numbers<i64>),
    Float(Numbers<f64>),
    Time(Numbers<i64>, TimestampFormat),
    Boolean(BooleanBufferBuilder, NullBufferBuilder),
}

/// The values of a column of numbers; what stands at a null is zero.
#[derive(Debug)]
pub(crate) struct Numbers<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

impl<T: Default> Numbers<T> {
    fn new() -> Self {
        Numbers {
            values: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: Option<T>) {
        self.nulls.append(value.is_some());
        self.values.push(value.unwrap_or_default());
    }
}

/// A column of text: long texts and whole records are views into the records' blocks, others copies.
#[derive(Debug)]
pub(crate) struct Text {
    values: StringViewBuilder,
    /// The records' blocks, and what number each has here once a text is a view into it.
    blocks: Vec<(Buffer, Option<u32>)>,
}

impl Text {
    fn new() -> Self {
        Text {
            values: StringViewBuilder::with_capacity(0),
            blocks: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.values.append_null();
    }

    /// Appends a part of a record.
    #[inline]
    pub(crate) fn push(&mut self, record: &Record<'_>, start: usize, end: usize) {
        match record.place(start) {
            Some(place) if end - start > COPIED_MAX => self.share(place, end - start),
            _ => self.values.append_value(record.text(start, end)),
        }
    }

    /// Appends a whole record, as a view if it can be one: records that stand side by side in their
    /// block can be read as one text.
    #[inline]
    pub(crate) fn push_record(&mut self, record: &Record<'_>) {
        let len = record.bytes().len();
        match record.place(0) {
            Some(place) => self.share(place, len),
            None => self.values.append_value(record.text(0, len)),
        }
    }

    /// Appends a text that does not stand in its record as it is.
    pub(crate) fn push_made(&mut self, text: &[u8]) {
        let text = std::str::from_utf8(text);
        self.values
            .append_value(text.expect("what is made of a record's text is text"));
    }

    /// Appends a view of what stands there in one of the blocks.
    fn share(&mut self, (block_idx, start): (usize, usize), len: usize) {
        let (block, number) = &mut self.blocks[block_idx];
        let number = match *number {
            Some(number) => number,
            None => *number.insert(self.values.append_block(block.clone())),
        };
        let shared = self
            .values
            .try_append_view(number, start as u32, len as u32);
        shared.expect("a part of a record is text and lies within its block");
    }
}

impl Column {
    /// A column of a field's type.
    ///
    /// # Errors
    /// Where no text becomes a value of that type.
    pub(crate) fn try_new(format: &'static str, field: &Field) -> Result<Self, CodecError> {
        let refused = || CodecError::Type {
            format,
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        };
        Ok(match field.data_type() {
            DataType::Utf8View => Column::Text(Text::new()),
            DataType::Int64 => Column::Int(Numbers::new()),
            DataType::Float64 => Column::Float(Numbers::new()),
            DataType::Boolean => {
                Column::Boolean(BooleanBufferBuilder::new(0), NullBufferBuilder::new(0))
            }
            data_type if *data_type == micros_utc() => {
                let format = match field.metadata().get(TIMESTAMP_FORMAT) {
                    Some(format) => TimestampFormat::parse_str(format).map_err(|_| refused())?,
                    None => TimestampFormat::default(),
                };
                Column::Time(Numbers::new(), format)
            }
            _ => return Err(refused()),
        })
    }

    /// Makes room for `n_rows` of records in these blocks.
    pub(crate) fn start(&mut self, n_rows: usize, blocks: &[Buffer]) {
        match self {
            Column::Text(text) => {
                text.values = StringViewBuilder::with_capacity(n_rows);
                text.blocks = blocks.iter().map(|block| (block.clone(), None)).collect();
            }
            Column::Int(numbers) | Column::Time(numbers, _) => {
                numbers.values.reserve(n_rows);
                numbers.nulls = NullBufferBuilder::new(n_rows);
            }
            Column::Float(numbers) => {
                numbers.values.reserve(n_rows);
                numbers.nulls = NullBufferBuilder::new(n_rows);
            }
            Column::Boolean(values, nulls) => {
                values.reserve(n_rows);
                *nulls = NullBufferBuilder::new(n_rows);
            }
        }
    }

    /// Appends a null.
    #[inline]
    pub(crate) fn push_null(&mut self) {
        match self {
            Column::Text(text) => text.push_null(),
            Column::Int(numbers) | Column::Time(numbers, _) => numbers.push(None),
            Column::Float(numbers) => numbers.push(None),
            Column::Boolean(values, nulls) => {
                values.append(false);
                nulls.append_null();
            }
        }
    }

    /// Appends the value that a part of a record stands for. `false` where it has no such value; then
    /// nothing was appended.
    #[inline]
    #[must_use]
    pub(crate) fn push(&mut self, record: &Record<'_>, start: usize, end: usize) -> bool {
        match self {
            Column::Text(text) => text.push(record, start, end),
            other => return other.push_parsed(&record.bytes()[start..end]),
        }
        true
    }

    /// The same for a text that does not stand in its record as it is.
    #[inline]
    #[must_use]
    pub(crate) fn push_made(&mut self, text: &[u8]) -> bool {
        match self {
            Column::Text(column) => column.push_made(text),
            other => return other.push_parsed(text),
        }
        true
    }

    fn push_parsed(&mut self, text: &[u8]) -> bool {
        match self {
            Column::Text(_) => false,
            Column::Int(numbers) => push_some(numbers, scalar::int(text)),
            Column::Float(numbers) => push_some(numbers, scalar::float(text)),
            Column::Time(numbers, format) => {
                let micros = std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| format.micros(text));
                push_some(numbers, micros)
            }
            Column::Boolean(values, nulls) => {
                let Some(value) = scalar::boolean(text) else {
                    return false;
                };
                values.append(value);
                nulls.append_non_null();
                true
            }
        }
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Column::Text(text) => text.values.len(),
            Column::Int(numbers) | Column::Time(numbers, _) => numbers.values.len(),
            Column::Float(numbers) => numbers.values.len(),
            Column::Boolean(values, _) => values.len(),
        }
    }

    /// The column; what grows next starts empty.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(text) => {
                text.blocks.clear();
                Arc::new(text.values.finish())
            }
            Column::Int(numbers) => {
                let values = std::mem::take(&mut numbers.values);
                Arc::new(Int64Array::new(values.into(), numbers.nulls.finish()))
            }
            Column::Float(numbers) => {
                let values = std::mem::take(&mut numbers.values);
                Arc::new(Float64Array::new(values.into(), numbers.nulls.finish()))
            }
            Column::Time(numbers, _) => {
                let values = std::mem::take(&mut numbers.values).into();
                let times = TimestampMicrosecondArray::new(values, numbers.nulls.finish());
                Arc::new(times.with_timezone("UTC"))
            }
            Column::Boolean(values, nulls) => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
        }
    }

    /// What a value of this type is called.
    pub(crate) fn expects(&self) -> &'static str {
        match self {
            Column::Text(_) => "text",
            Column::Int(_) => "an integer",
            Column::Float(_) => "a number",
            Column::Time(..) => "a time",
            Column::Boolean(..) => "a boolean",
        }
    }
}

#[inline]
fn push_some<T: Default>(numbers: &mut Numbers<T>, value: Option<T>) -> bool {
    if value.is_some() {
        numbers.push(value);
        return true;
    }
    false
}

/// The type of every time that a codec gives.
pub(crate) fn micros_utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
