//! What Arrow's import takes for granted of structures that the other side has filled in, looked at before
//! they are imported.

use std::ffi::{CStr, c_char};
use std::ptr;

use arrow::datatypes::DataType;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use crate::{Error, Result};

/// Columns within columns, at most.
const DEPTH_MAX: usize = 64;
/// Children of a column, at most.
const CHILDREN_MAX: i64 = 100_000;
/// Buffers of a column, at most: a view column has one for each block.
const BUFFERS_MAX: i64 = 1_000_000;
/// The longest format or name of a column, in bytes.
const NAME_MAX: usize = 1 << 16;
/// The longest key or value of a column's metadata, in bytes, and the most of them.
const METADATA_MAX: usize = 1 << 24;

/// A text that ends with a zero within so many bytes and is UTF-8.
///
/// # Safety
/// The pointer is null, or bytes can be read from it up to a zero or `max`.
pub(super) unsafe fn bounded<'a>(text: *const c_char, max: usize) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; no byte behind the first zero is read.
    let len = (0..max).find(|at| unsafe { *text.add(*at) } == 0)?;
    // SAFETY: `len` bytes and a zero behind them were just read.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len + 1) };
    CStr::from_bytes_with_nul(text).ok()?.to_str().ok()
}

/// [`FFI_ArrowSchema`] with its fields, as the C Data Interface lays them out.
#[repr(C)]
pub(super) struct RawSchema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    pub(super) flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut RawSchema,
    pub(super) dictionary: *mut RawSchema,
    pub(super) release: Option<unsafe extern "C" fn(*mut RawSchema)>,
    pub(super) private_data: *mut std::ffi::c_void,
}

pub(super) fn is_released(schema: &FFI_ArrowSchema) -> bool {
    let raw: *const RawSchema = ptr::from_ref(schema).cast();
    // SAFETY: the two types have one layout, which Arrow fixes.
    unsafe { (*raw).release.is_none() }
}

/// Checks what Arrow's import takes for granted; describes the schema by bytes that no other one has.
pub(super) fn check_schema(
    schema: *const RawSchema,
    depth: usize,
    described: &mut Vec<u8>,
) -> Result<()> {
    if schema.is_null() || depth > DEPTH_MAX {
        return Err(invalid(
            "a column's type has a child that is not there, or too many within each other",
        ));
    }
    // SAFETY: it is not null, and that it then is a schema is what the interface asks.
    let schema = unsafe { &*schema };
    // SAFETY: as above, of its texts.
    let format = unsafe { bounded(schema.format, NAME_MAX) };
    let format = format.ok_or_else(|| invalid("a column's type has no format"))?;
    // SAFETY: as above.
    let name = unsafe { bounded(schema.name, NAME_MAX) };
    if !schema.name.is_null() && name.is_none() {
        return Err(invalid("a column's name is no UTF-8, or without end"));
    }
    for text in [format, name.unwrap_or_default()] {
        // Neither has a zero in it.
        described.extend_from_slice(text.as_bytes());
        described.push(0);
    }
    described.extend(schema.flags.to_le_bytes());
    described.extend(schema.n_children.to_le_bytes());
    described.push(u8::from(!schema.dictionary.is_null()));
    // SAFETY: as above, of its metadata.
    unsafe { describe_metadata(schema.metadata, described) }?;
    if !(0..=CHILDREN_MAX).contains(&schema.n_children)
        || (schema.n_children > 0 && schema.children.is_null())
    {
        return Err(invalid("a column's type has a wrong number of children"));
    }
    let n_least = match format {
        "+m" | "+l" | "+L" | "+vl" | "+vL" => 1,
        "+r" => 2,
        other if other.starts_with("+w:") => 1,
        _ => 0,
    };
    if schema.n_children < n_least {
        return Err(invalid(format!(
            "a column of type `{format}` lacks its child"
        )));
    }
    for at in 0..schema.n_children as usize {
        // SAFETY: the list is not null and has `n_children` entries.
        check_schema(unsafe { *schema.children.add(at) }, depth + 1, described)?;
    }
    if !schema.dictionary.is_null() {
        check_schema(schema.dictionary, depth + 1, described)?;
    }
    Ok(())
}

/// Checks what Arrow's import lets through, and no array of it can be made.
pub(super) fn check_type(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Dictionary(key, _) if !key.is_dictionary_key_type() => {
            return Err(invalid(format!("a dictionary's keys cannot be {key}")));
        }
        DataType::RunEndEncoded(ends, _) if !ends.data_type().is_run_ends_type() => {
            let ends = ends.data_type();
            return Err(invalid(format!("the ends of runs cannot be {ends}")));
        }
        DataType::Map(entries, _) if !matches!(entries.data_type(), DataType::Struct(pair) if pair.len() == 2) =>
        {
            return Err(invalid("the entries of a map are not pairs"));
        }
        DataType::FixedSizeBinary(width) | DataType::FixedSizeList(_, width) if *width < 0 => {
            return Err(invalid(format!("values cannot be {width} long")));
        }
        DataType::Dictionary(_, values) => check_type(values)?,
        _ => {}
    }
    child_types(data_type).into_iter().try_for_each(check_type)
}

/// Checks the lengths in a column's metadata and adds its bytes: pairs of a key and a value, each with its
/// length before it, and before them all how many pairs there are.
///
/// # Safety
/// The pointer is null, or to metadata as Arrow lays it out.
unsafe fn describe_metadata(metadata: *const c_char, described: &mut Vec<u8>) -> Result<()> {
    described.push(u8::from(!metadata.is_null()));
    if metadata.is_null() {
        return Ok(());
    }
    let mut at = 0;
    let mut number = |length: usize, described: &mut Vec<u8>| {
        // SAFETY: the caller's promise: so long is the text before the next number.
        let text = unsafe { std::slice::from_raw_parts(metadata.add(at).cast::<u8>(), length) };
        // SAFETY: as above; behind it is the number.
        let bytes: [u8; 4] =
            unsafe { metadata.add(at + length).cast::<[u8; 4]>().read_unaligned() };
        described.extend_from_slice(text);
        described.extend(bytes);
        at += length + bytes.len();
        let number = usize::try_from(i32::from_ne_bytes(bytes)).ok();
        let number = number.filter(|number| *number <= METADATA_MAX);
        number.ok_or_else(|| invalid("a column's metadata has a wrong length in it"))
    };
    let n_texts = 2 * number(0, described)?;
    let mut length = 0;
    for _ in 0..n_texts {
        length = number(length, described)?;
    }
    // SAFETY: as above: the last text.
    let last = unsafe { std::slice::from_raw_parts(metadata.add(at).cast::<u8>(), length) };
    described.extend_from_slice(last);
    Ok(())
}

/// Checks that a column has the children and buffers of its type, and no negative length.
pub(super) fn check_array(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    depth: usize,
) -> Result<()> {
    let wrong = |what: &str| Err(invalid(format!("a column of type {data_type} {what}")));
    if depth > DEPTH_MAX {
        return wrong("is too deep");
    }
    if array.length < 0 || array.offset < 0 || array.length.checked_add(array.offset).is_none() {
        return wrong("has a negative length or offset");
    }
    if array.null_count < -1 || array.null_count > array.length {
        return wrong("has a wrong number of nulls");
    }
    let (n_buffers, is_variadic) = n_buffers(data_type);
    let fits = match is_variadic {
        true => (n_buffers..=BUFFERS_MAX).contains(&array.n_buffers),
        false => array.n_buffers == n_buffers,
    };
    if !fits || (array.n_buffers > 0 && array.buffers.is_null()) {
        return wrong(&format!("has {} buffers", array.n_buffers));
    }
    let has_validity = !matches!(
        data_type,
        DataType::Null | DataType::Union(..) | DataType::RunEndEncoded(..)
    );
    for at in usize::from(has_validity)..array.n_buffers as usize {
        // SAFETY: the list is not null and has `n_buffers` entries.
        let buffer = unsafe { *array.buffers.add(at) };
        if buffer.is_null() && array.length > 0 && !may_be_null(data_type, at, is_variadic) {
            return wrong("has a buffer that is not there");
        }
    }
    check_lengths(array, data_type, is_variadic)?;
    check_children(array, data_type, depth)?;
    match (data_type, array.dictionary.is_null()) {
        (DataType::Dictionary(_, values), false) => {
            // SAFETY: it is not null, and that it then is an array is what the interface asks.
            check_array(unsafe { &*array.dictionary }, values, depth + 1)
        }
        (DataType::Dictionary(..), true) => wrong("has no dictionary"),
        _ => Ok(()),
    }
}

/// Checks the numbers in buffers that Arrow's import takes lengths from.
fn check_lengths(array: &FFI_ArrowArray, data_type: &DataType, is_variadic: bool) -> Result<()> {
    let wrong = || {
        Err(invalid(format!(
            "a column of type {data_type} has a negative length in it"
        )))
    };
    if is_variadic && array.n_buffers > 3 {
        // SAFETY: the list has `n_buffers` entries, and its last is the lengths of those but three.
        let lengths: *const i64 =
            unsafe { *array.buffers.add(array.n_buffers as usize - 1) }.cast();
        if lengths.is_null() {
            return wrong();
        }
        for at in 0..array.n_buffers as usize - 3 {
            // SAFETY: as above.
            if unsafe { lengths.add(at).read_unaligned() } < 0 {
                return wrong();
            }
        }
    }
    if array.length == 0 {
        return Ok(());
    }
    let last = (array.length + array.offset) as usize;
    let end = match data_type {
        // SAFETY: such a column's offsets are not null here, and one more than its rows.
        DataType::Utf8 | DataType::Binary => i64::from(unsafe {
            (*array.buffers.add(1))
                .cast::<i32>()
                .add(last)
                .read_unaligned()
        }),
        // SAFETY: as above.
        DataType::LargeUtf8 | DataType::LargeBinary => unsafe {
            (*array.buffers.add(1))
                .cast::<i64>()
                .add(last)
                .read_unaligned()
        },
        _ => 0,
    };
    if end < 0 { wrong() } else { Ok(()) }
}

fn check_children(array: &FFI_ArrowArray, data_type: &DataType, depth: usize) -> Result<()> {
    let children = child_types(data_type);
    if array.n_children != children.len() as i64
        || (array.n_children > 0 && array.children.is_null())
    {
        return Err(invalid(format!(
            "a column of type {data_type} has {} children, expected {}",
            array.n_children,
            children.len()
        )));
    }
    for (at, child_type) in children.into_iter().enumerate() {
        // SAFETY: the list is not null and has `n_children` entries.
        let child = unsafe { *array.children.add(at) };
        if child.is_null() {
            return Err(invalid(format!("a child of {data_type} is not there")));
        }
        // SAFETY: it is not null, and that it then is an array is what the interface asks.
        let child = unsafe { &*child };
        check_array(child, child_type, depth + 1)?;
        let is_row = matches!(data_type, DataType::Struct(_));
        if is_row && child.length < array.length + array.offset {
            return Err(invalid(format!(
                "a column of {} rows in a batch of {}",
                child.length,
                array.length + array.offset
            )));
        }
    }
    Ok(())
}

/// How many buffers a type has in the C Data Interface, and whether there may be more.
fn n_buffers(data_type: &DataType) -> (i64, bool) {
    match data_type {
        DataType::Null | DataType::RunEndEncoded(..) => (0, false),
        DataType::Struct(_) | DataType::FixedSizeList(..) => (1, false),
        DataType::Union(_, arrow::datatypes::UnionMode::Sparse) => (1, false),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
            (3, false)
        }
        DataType::ListView(_) | DataType::LargeListView(_) => (3, false),
        // Validity, views, and the lengths of the data buffers that are between.
        DataType::Utf8View | DataType::BinaryView => (3, true),
        _ => (2, false),
    }
}

/// Whether a buffer may be absent in a column that has rows: the bytes where all texts are empty, and
/// the lengths of no data buffers.
fn may_be_null(data_type: &DataType, at: usize, is_variadic: bool) -> bool {
    let is_text = matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary
    );
    (is_text && at == 2) || (is_variadic && at >= 2)
}

fn child_types(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![field.data_type()],
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        _ => Vec::new(),
    }
}

pub(super) fn invalid(what: impl std::fmt::Display) -> Error {
    Error::internal(format!("Arrow data that cannot be used: {what}"))
}
