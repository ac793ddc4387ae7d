//! Batches on their way out, as a stream of Arrow's C Stream Interface.
//!
//! Arrow's own stream makes an array of rows of each batch, and takes that apart again into its columns. A batch
//! of a few columns takes a fifth of the whole call to cross in that way; here its columns go as they are.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::vec;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;

/// What a stream answers when a type cannot be told to the other side: `EINVAL`.
const INVALID: c_int = 22;

/// Batches as a stream for the other side.
pub(super) fn export(schema: &SchemaRef, batches: Vec<RecordBatch>) -> FFI_ArrowArrayStream {
    let given = Given {
        schema: Arc::clone(schema),
        batches: batches.into_iter(),
        error: None,
    };
    FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release_stream),
        private_data: Box::into_raw(Box::new(given)).cast(),
    }
}

/// What a stream has yet to give.
struct Given {
    schema: SchemaRef,
    batches: vec::IntoIter<RecordBatch>,
    error: Option<CString>,
}

/// What a batch's structure points to. A child that the other side has moved away is released there.
struct Rows {
    children: Vec<FFI_ArrowArray>,
    pointers: Vec<*mut FFI_ArrowArray>,
    /// No row is null as a whole.
    validity: *const c_void,
}

/// # Safety
/// The stream is one of [`export`]'s and not released.
unsafe fn given<'a>(stream: *mut FFI_ArrowArrayStream) -> &'a mut Given {
    // SAFETY: `export` put it there, and only `release_stream` takes it away; a stream's functions are called
    // one after the other.
    unsafe { &mut *(*stream).private_data.cast::<Given>() }
}

unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowSchema,
) -> c_int {
    // SAFETY: the interface asks that the stream is alive.
    let given = unsafe { given(stream) };
    match FFI_ArrowSchema::try_from(given.schema.as_ref()) {
        Ok(schema) => {
            // SAFETY: the interface asks that there is room for a schema, with nothing in it to drop.
            unsafe { ptr::write(out, schema) };
            0
        }
        Err(error) => {
            given.error = CString::new(error.to_string()).ok();
            INVALID
        }
    }
}

unsafe extern "C" fn get_next(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowArray,
) -> c_int {
    // SAFETY: as in `get_schema`.
    let next = unsafe { given(stream) }.batches.next();
    let array = next.map_or_else(FFI_ArrowArray::empty, |batch| rows_of(&batch));
    // SAFETY: as in `get_schema`, for an array.
    unsafe { ptr::write(out, array) };
    0
}

unsafe extern "C" fn get_last_error(stream: *mut FFI_ArrowArrayStream) -> *const c_char {
    // SAFETY: as in `get_schema`.
    let error = unsafe { given(stream) }.error.as_ref();
    error.map_or(ptr::null(), |error| error.as_ptr())
}

unsafe extern "C" fn release_stream(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: the interface asks that the stream is alive, and that it is released once.
    let stream = unsafe { &mut *stream };
    stream.release = None;
    // SAFETY: `export` made the box, and nobody uses a stream that is released.
    drop(unsafe { Box::from_raw(stream.private_data.cast::<Given>()) });
}

fn rows_of(batch: &RecordBatch) -> FFI_ArrowArray {
    let columns = batch.columns().iter();
    let mut rows = Box::new(Rows {
        children: columns
            .map(|column| FFI_ArrowArray::new(&column.to_data()))
            .collect(),
        pointers: Vec::new(),
        validity: ptr::null(),
    });
    rows.pointers = rows.children.iter_mut().map(ptr::from_mut).collect();
    let rows = Box::leak(rows);
    FFI_ArrowArray {
        length: batch.num_rows() as i64,
        null_count: 0,
        offset: 0,
        n_buffers: 1,
        n_children: rows.pointers.len() as i64,
        buffers: &raw mut rows.validity,
        children: rows.pointers.as_mut_ptr(),
        dictionary: ptr::null_mut(),
        release: Some(release_rows),
        private_data: ptr::from_mut(rows).cast(),
    }
}

unsafe extern "C" fn release_rows(array: *mut FFI_ArrowArray) {
    // SAFETY: the interface asks that the array is alive, and that it is released once.
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: `rows_of` made the box, and nobody uses an array that is released.
    drop(unsafe { Box::from_raw(array.private_data.cast::<Rows>()) });
}
