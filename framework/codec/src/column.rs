//! Columns as they grow, a value per record.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int64Array, NullBufferBuilder,
    StringViewArray, TimestampMicrosecondArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::timestamp::TimestampFormat;
use crate::view::{self, INLINE_MAX};
use crate::{CodecError, scalar};

/// The key of a timestamp field's metadata that gives its [`TimestampFormat`]; without it,
/// RFC 3339, ISO 8601 and numbers by their size are read.
pub const TIMESTAMP_FORMAT: &str = "datashark.timestamp_format";

/// A copied text larger than this starts a block of its own.
const COPIED_BLOCK_MAX: usize = 1 << 30;

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

    fn truncate(&mut self, n_rows: usize) {
        self.values.truncate(n_rows);
        self.nulls.truncate(n_rows);
    }
}

/// A column of text: views into the records' blocks, and into blocks of texts that had to be
/// copied because they do not stand in the record as they are.
#[derive(Debug)]
pub(crate) struct Text {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    n_blocks: usize,
    copied: Vec<u8>,
    copied_blocks: Vec<Buffer>,
}

impl Text {
    fn new() -> Self {
        let nulls = NullBufferBuilder::new(0);
        Text {
            views: Vec::new(),
            nulls,
            n_blocks: 0,
            copied: Vec::new(),
            copied_blocks: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    /// Appends a view that [`view::Record::view`] made of one of the blocks.
    #[inline]
    pub(crate) fn push_view(&mut self, view: u128) {
        self.views.push(view);
        self.nulls.append_non_null();
    }

    /// Appends a copy.
    pub(crate) fn push_copy(&mut self, text: &[u8]) {
        if text.len() <= INLINE_MAX {
            return self.push_view(view::inline(text, text.len()));
        }
        if self.copied.len() + text.len() > COPIED_BLOCK_MAX {
            self.close_block();
        }
        let start = self.copied.len();
        self.copied.extend_from_slice(text);
        let block_idx = (self.n_blocks + self.copied_blocks.len()) as u32;
        self.push_view(view::view(&self.copied, start, text.len(), block_idx));
    }

    fn close_block(&mut self) {
        if !self.copied.is_empty() {
            self.copied_blocks
                .push(Buffer::from_vec(std::mem::take(&mut self.copied)));
        }
    }

    fn finish(&mut self, blocks: &[Buffer]) -> ArrayRef {
        self.close_block();
        let all: Vec<Buffer> = blocks
            .iter()
            .cloned()
            .chain(self.copied_blocks.drain(..))
            .collect();
        let views = std::mem::take(&mut self.views);
        let array = StringViewArray::try_new(views.into(), all, self.nulls.finish());
        Arc::new(array.expect("views are cut out of UTF-8 records between characters"))
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

    /// Makes room for `n_rows` and says how many blocks the records have.
    pub(crate) fn start(&mut self, n_rows: usize, n_blocks: usize) {
        match self {
            Column::Text(text) => {
                text.n_blocks = n_blocks;
                text.views.reserve(n_rows);
                text.nulls = NullBufferBuilder::new(n_rows);
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

    /// Appends the value that `text` stands for; `view` makes the view where it can be shared.
    /// `false` where the text has no such value; then nothing was appended.
    #[inline]
    #[must_use]
    pub(crate) fn push(&mut self, text: &[u8], view: impl FnOnce() -> Option<u128>) -> bool {
        match self {
            Column::Text(column) => match view() {
                Some(view) => column.push_view(view),
                None => column.push_copy(text),
            },
            Column::Int(numbers) => return push_some(numbers, scalar::int(text)),
            Column::Float(numbers) => return push_some(numbers, scalar::float(text)),
            Column::Time(numbers, format) => {
                let micros = std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| format.micros(text));
                return push_some(numbers, micros);
            }
            Column::Boolean(values, nulls) => {
                let Some(value) = scalar::boolean(text) else {
                    return false;
                };
                values.append(value);
                nulls.append_non_null();
            }
        }
        true
    }

    /// Takes back what was appended behind `n_rows`.
    pub(crate) fn truncate(&mut self, n_rows: usize) {
        match self {
            Column::Text(text) => {
                text.views.truncate(n_rows);
                text.nulls.truncate(n_rows);
            }
            Column::Int(numbers) | Column::Time(numbers, _) => numbers.truncate(n_rows),
            Column::Float(numbers) => numbers.truncate(n_rows),
            Column::Boolean(values, nulls) => {
                values.truncate(n_rows);
                nulls.truncate(n_rows);
            }
        }
    }

    /// The column; what grows next starts empty. `blocks` are those of the records.
    pub(crate) fn finish(&mut self, blocks: &[Buffer]) -> ArrayRef {
        match self {
            Column::Text(text) => text.finish(blocks),
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
