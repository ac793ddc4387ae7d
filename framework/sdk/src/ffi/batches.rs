//! Batches and schemas on their way in, with every check that can be made, and schemas on their way out.

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayData, RecordBatch, RecordBatchOptions, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::{Error, Result};

use super::check::{bounded, check_array, check_schema, check_type, invalid, is_released};

/// Batches of a stream, at most.
const BATCHES_MAX: usize = 1_000_000;
/// The longest message of a stream, in bytes.
const MESSAGE_MAX: usize = 1 << 14;

/// Who made the structures that are imported.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trust<'a> {
    /// The host, which a plugin believes.
    #[cfg_attr(
        not(feature = "export"),
        expect(dead_code, reason = "only a plugin has a host")
    )]
    Host,
    /// A plugin, whose columns are looked at whole, but for what is in those that it was lent.
    Plugin(&'a Lent),
    /// A plugin whose columns are looked at by who they go to next.
    #[cfg_attr(
        not(feature = "host"),
        expect(dead_code, reason = "only a host has a plugin")
    )]
    Elsewhere,
}

/// Columns that are lent to a plugin for a call, and that it may hand back: a key, as a rule.
#[derive(Debug, Default)]
pub(super) struct Lent(Vec<ArrayData>);

impl Lent {
    /// Those of batches.
    #[cfg(feature = "host")]
    pub(super) fn of(batches: &[RecordBatch]) -> Self {
        let columns = batches.iter().flat_map(RecordBatch::columns);
        // Numbers have nothing to look at.
        let columns = columns.filter(|column| !column.data_type().is_primitive());
        Lent(columns.map(|column| column.to_data()).collect())
    }

    /// Whether a column is one of them, over the same memory.
    fn has(&self, column: &ArrayData) -> bool {
        let is_within = |ours: &ArrayData| {
            let (ours, theirs) = (ours.buffers().iter(), column.buffers().iter());
            ours.zip(theirs)
                .all(|(ours, theirs)| theirs.len() <= ours.len())
        };
        self.0
            .iter()
            .any(|ours| ours.ptr_eq(column) && is_within(ours))
    }
}

/// A schema for the other side.
pub(super) fn export_schema(schema: &Schema) -> Result<FFI_ArrowSchema> {
    Ok(FFI_ArrowSchema::try_from(schema)?)
}

/// The schema that the other side has filled in, if it did.
pub(super) fn import_schema(schema: &FFI_ArrowSchema) -> Result<Option<SchemaRef>> {
    LastSchema::default().import(schema)
}

/// The schema that a plugin gave last: its next one is the same, as a rule, and then need not be made anew.
#[derive(Debug, Default)]
pub(super) struct LastSchema(Mutex<Option<(Vec<u8>, SchemaRef)>>);

impl LastSchema {
    fn import(&self, schema: &FFI_ArrowSchema) -> Result<Option<SchemaRef>> {
        if is_released(schema) {
            return Ok(None);
        }
        let mut described = Vec::with_capacity(256);
        check_schema(ptr::from_ref(schema).cast(), 0, &mut described)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, same)) = last.as_ref().filter(|(last, _)| *last == described) {
            return Ok(Some(Arc::clone(same)));
        }
        // A type that Arrow's import does not know is an error; what it asserts was checked.
        let schema: SchemaRef = Arc::new(Schema::try_from(schema)?);
        for field in schema.fields() {
            check_type(field.data_type())?;
            // Not even a column without rows can be made of some.
            ArrayData::new_empty(field.data_type()).validate_full()?;
        }
        *last = Some((described, Arc::clone(&schema)));
        Ok(Some(schema))
    }
}

/// Reads a stream of the other side to its end and releases it.
pub(super) fn import(
    stream: FFI_ArrowArrayStream,
    trust: Trust<'_>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    import_after(stream, trust, &LastSchema::default())
}

/// The same, where the schema may be the last one.
pub(super) fn import_after(
    mut stream: FFI_ArrowArrayStream,
    trust: Trust<'_>,
    last: &LastSchema,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let (Some(get_schema), Some(get_next), Some(_)) =
        (stream.get_schema, stream.get_next, stream.release)
    else {
        return Err(invalid(
            "a stream was released already, or lacks a function",
        ));
    };
    let mut raw = FFI_ArrowSchema::empty();
    // SAFETY: the function is the stream's own, and both structures live until it returns.
    if unsafe { get_schema(&raw mut stream, &raw mut raw) } != 0 {
        return Err(last_error(&mut stream));
    }
    let schema = last
        .import(&raw)?
        .ok_or_else(|| invalid("a stream without a schema"))?;
    let row = DataType::Struct(schema.fields().clone());
    let mut batches = Vec::new();
    loop {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as above.
        if unsafe { get_next(&raw mut stream, &raw mut array) } != 0 {
            return Err(last_error(&mut stream));
        }
        if array.is_released() {
            return Ok((schema, batches));
        }
        if batches.len() == BATCHES_MAX {
            return Err(invalid("a stream of too many batches"));
        }
        batches.push(import_batch(array, &schema, &row, trust)?);
    }
}

fn import_batch(
    array: FFI_ArrowArray,
    schema: &SchemaRef,
    row: &DataType,
    trust: Trust<'_>,
) -> Result<RecordBatch> {
    check_array(&array, row, 0)?;
    if array.length == 0 {
        // Arrow takes the bytes of no texts for none, and offsets that are not 0 for beyond them.
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    // SAFETY: the structure was checked to have the children and buffers that the type has. That the
    // buffers are as long as the column is what the interface asks of who made them.
    let data = unsafe { from_ffi_and_data_type(array, row.clone()) }?;
    if let Trust::Plugin(lent) = trust {
        // What it says of its columns themselves is looked at with each of them.
        data.validate_nulls()?;
        for column in data.child_data() {
            validate(column, lent)?;
        }
    }
    let rows = StructArray::from(data);
    if rows.null_count() > 0 {
        return Err(invalid("a row is null as a whole"));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let (_, columns, _) = rows.into_parts();
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// Looks at all of a column.
fn validate(column: &ArrayData, lent: &Lent) -> Result<()> {
    if lent.has(column) {
        column.validate()?;
        return Ok(column.validate_nulls()?);
    }
    match column.data_type() {
        DataType::Utf8 => {
            column.validate()?;
            column.validate_nulls()?;
            validate_texts(column)
        }
        _ => Ok(column.validate_full()?),
    }
}

/// Looks at texts: as Arrow does, but at all that are ASCII at once.
fn validate_texts(column: &ArrayData) -> Result<()> {
    let (offsets, bytes) = (column.buffer::<i32>(0), column.buffers()[1].as_slice());
    let offsets = offsets.get(..=column.len()).unwrap_or_default();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Ok(column.validate_full()?);
    };
    let range = usize::try_from(*first)
        .ok()
        .zip(usize::try_from(*last).ok());
    let texts = range.and_then(|(first, last)| bytes.get(first..last));
    // No branch within: it is a comparison of many at a time.
    let in_order = offsets
        .windows(2)
        .fold(true, |in_order, pair| in_order & (pair[0] <= pair[1]));
    match texts {
        Some(texts) if in_order && texts.is_ascii() => Ok(()),
        // Which of them is wrong, Arrow says.
        _ => Ok(column.validate_full()?),
    }
}

/// What a stream says of its last call.
fn last_error(stream: &mut FFI_ArrowArrayStream) -> Error {
    let Some(get_last_error) = stream.get_last_error else {
        return invalid("a stream failed without a message");
    };
    // SAFETY: the function is the stream's own; the text is its own until its next call.
    let text = unsafe { bounded(get_last_error(ptr::from_mut(stream)), MESSAGE_MAX) };
    Error::internal(format!(
        "a stream of batches failed: {}",
        text.unwrap_or("it does not say why")
    ))
}
