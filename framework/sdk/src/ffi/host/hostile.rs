//! Arrow structures as a hostile plugin fills them in, for the fuzz target and the tests: every number and
//! format is made of the given bytes. Pointers are null or right, lists as long as they say and buffers long
//! enough: what cannot be checked is not tried.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use arrow::array::Array;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use super::super::batches::{Lent, Trust, import};
use super::super::check::RawSchema;
use super::guarded;

/// Formats: all that the specification has, and some that it has not.
const FORMATS: [&str; 50] = [
    "n",
    "b",
    "c",
    "C",
    "s",
    "S",
    "i",
    "I",
    "l",
    "L",
    "e",
    "f",
    "g",
    "z",
    "Z",
    "u",
    "U",
    "vz",
    "vu",
    "d:10,2",
    "d:38,3,256",
    "d:9,2,32",
    "tdD",
    "tdm",
    "tts",
    "ttm",
    "ttu",
    "ttn",
    "tss:UTC",
    "tsu:",
    "tDs",
    "tiM",
    "tiD",
    "tin",
    "w:4",
    "w:0",
    "w:-3",
    "+l",
    "+L",
    "+vl",
    "+vL",
    "+w:2",
    "+w:-2",
    "+s",
    "+m",
    "+us:0,1",
    "+r",
    "",
    "+",
    "?",
];
/// Entries of each list, whatever is said of how many there are.
const LISTED: usize = 8;
/// Bytes of each buffer: more than any column of these lengths needs.
const BUFFER_BYTES: usize = 1 << 16;

/// Reads structures made of bytes as what a plugin gave, and every value of what is taken.
///
/// # Panics
/// Something was taken that is not valid.
#[doc(hidden)]
pub fn read_hostile(bytes: &[u8]) {
    let mut arena = Arena::default();
    let mut bytes = Bytes(bytes);
    arena.fill(&mut bytes);
    let schema = arena.schema(&mut bytes, true, 0);
    let array = arena.array(schema, &mut bytes, true);
    let given = Box::into_raw(Box::new(Given { schema, array }));
    let stream = FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: None,
        release: Some(release_stream),
        private_data: given.cast::<c_void>(),
    };
    let taken = guarded(|| import(stream, Trust::Plugin(&Lent::default())));
    for batch in taken.iter().flat_map(|(_, batches)| batches) {
        for column in batch.columns() {
            let valid = column.to_data().validate_full();
            assert!(valid.is_ok(), "a column that is not valid: {valid:?}");
            assert_eq!(column.len(), batch.num_rows());
            assert_eq!(
                column.slice(0, column.len()).null_count(),
                column.null_count()
            );
        }
    }
}

/// What a stream gives: a schema, and one batch.
struct Given {
    schema: *mut RawSchema,
    array: *mut FFI_ArrowArray,
}

unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    to: *mut FFI_ArrowSchema,
) -> i32 {
    // SAFETY: the stream is ours, and the place the caller's.
    unsafe {
        let given = (*stream).private_data.cast::<Given>();
        ptr::copy_nonoverlapping((*given).schema, to.cast::<RawSchema>(), 1);
    }
    0
}

unsafe extern "C" fn get_next(stream: *mut FFI_ArrowArrayStream, to: *mut FFI_ArrowArray) -> i32 {
    // SAFETY: as above. The second time there is none left.
    unsafe {
        let given = (*stream).private_data.cast::<Given>();
        let array = std::mem::replace(&mut (*given).array, ptr::null_mut());
        match array.is_null() {
            true => ptr::write(to, FFI_ArrowArray::empty()),
            false => ptr::copy_nonoverlapping(array, to, 1),
        }
    }
    0
}

unsafe extern "C" fn release_stream(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: the stream is ours, and released once.
    unsafe {
        drop(Box::from_raw((*stream).private_data.cast::<Given>()));
        (*stream).release = None;
    }
}

unsafe extern "C" fn release_schema(schema: *mut RawSchema) {
    // SAFETY: whoever releases it has it. What it points to is the arena's.
    unsafe { (*schema).release = None };
}

unsafe extern "C" fn release_array(array: *mut FFI_ArrowArray) {
    // SAFETY: as above.
    unsafe { (*array).release = None };
}

/// Bytes, and zeros behind their end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// What it should be, as a rule.
    fn instead_of(&mut self, right: i64) -> i64 {
        match self.next() {
            0 => -1,
            1 => i64::MIN,
            2 => i64::MAX,
            byte @ 3..=8 => i64::from(byte) - 3,
            _ => right,
        }
    }
}

/// What the structures point to: it lives longer than they are used.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "others point to them while more are added")]
struct Arena {
    texts: Vec<CString>,
    schemas: Vec<Box<RawSchema>>,
    schema_lists: Vec<Box<[*mut RawSchema; LISTED]>>,
    arrays: Vec<Box<FFI_ArrowArray>>,
    array_lists: Vec<Box<[*mut FFI_ArrowArray; LISTED]>>,
    buffer_lists: Vec<Box<[*const c_void; LISTED]>>,
    /// Small numbers, each of four and each of eight bytes.
    narrow: Vec<i32>,
    wide: Vec<i64>,
}

impl Arena {
    fn fill(&mut self, bytes: &mut Bytes<'_>) {
        let pattern: Vec<i32> = (0..16).map(|_| i32::from(bytes.next()) - 2).collect();
        self.narrow = pattern
            .iter()
            .copied()
            .cycle()
            .take(BUFFER_BYTES / 4)
            .collect();
        self.wide = self
            .narrow
            .iter()
            .take(BUFFER_BYTES / 8)
            .map(|n| i64::from(*n))
            .collect();
    }

    fn text(&mut self, text: &str) -> *const c_char {
        self.texts.push(CString::new(text).unwrap_or_default());
        self.texts.last().map_or(ptr::null(), |text| text.as_ptr())
    }

    fn schema(&mut self, bytes: &mut Bytes<'_>, is_row: bool, depth: usize) -> *mut RawSchema {
        let format = match is_row {
            true => "+s",
            false => FORMATS[usize::from(bytes.next()) % FORMATS.len()],
        };
        let n_right = match format {
            "+l" | "+L" | "+vl" | "+vL" | "+w:2" | "+w:-2" | "+m" => 1,
            "+r" | "+us:0,1" | "+s" => 2,
            _ => 0,
        };
        let mut children = Box::new([ptr::null_mut(); LISTED]);
        for child in children
            .iter_mut()
            .take(if depth < 4 { n_right } else { 0 })
        {
            *child = self.schema(bytes, false, depth + 1);
        }
        let schema = Box::new(RawSchema {
            format: self.text(format),
            name: self.text("column"),
            metadata: ptr::null(),
            flags: i64::from(bytes.next()),
            n_children: bytes.instead_of(n_right as i64),
            children: children.as_mut_ptr(),
            dictionary: match bytes.next() {
                255 if depth < 4 => self.schema(bytes, false, depth + 1),
                _ => ptr::null_mut(),
            },
            release: Some(release_schema),
            private_data: ptr::null_mut(),
        });
        self.schema_lists.push(children);
        self.schemas.push(schema);
        self.schemas
            .last_mut()
            .map_or(ptr::null_mut(), |schema| &raw mut **schema)
    }

    /// An array for a schema; it fits, as a rule.
    fn array(
        &mut self,
        schema: *mut RawSchema,
        bytes: &mut Bytes<'_>,
        is_row: bool,
    ) -> *mut FFI_ArrowArray {
        // SAFETY: every schema is one of this arena's.
        let (n_children, listed, dictionary, format) = unsafe {
            let schema = &*schema;
            let format = std::ffi::CStr::from_ptr(schema.format)
                .to_str()
                .unwrap_or_default();
            (
                schema.n_children,
                *schema.children.cast::<[*mut RawSchema; LISTED]>(),
                schema.dictionary,
                format,
            )
        };
        let mut children = Box::new([ptr::null_mut(); LISTED]);
        for (child, schema) in children
            .iter_mut()
            .zip(listed)
            .filter(|(_, schema)| !schema.is_null())
        {
            *child = self.array(schema, bytes, false);
        }
        let (n_right, is_wide) = match format {
            "n" | "+r" => (0, false),
            "+s" | "+w:2" | "+w:-2" | "+us:0,1" => (1, false),
            "z" | "u" | "+vl" => (3, false),
            "Z" | "U" | "+vL" => (3, true),
            "vz" | "vu" => (4, true),
            "+L" => (2, true),
            _ => (2, false),
        };
        let mut buffers = Box::new([ptr::null(); LISTED]);
        for (at, buffer) in buffers.iter_mut().enumerate() {
            let is_views = format.starts_with('v') && at == 1;
            *buffer = match (bytes.next(), is_wide && !is_views) {
                (0..=3, _) => ptr::null(),
                (_, true) => self.wide.as_ptr().cast(),
                (_, false) => self.narrow.as_ptr().cast(),
            };
        }
        let (n_rows, offset) = (i64::from(bytes.next() % 40), i64::from(bytes.next() % 16));
        // The rows of a batch show the same of each column, as a rule.
        let (n_rows, offset) = if is_row {
            (n_rows, 0)
        } else {
            (n_rows + 40, offset)
        };
        let mut array = Box::new(FFI_ArrowArray::empty());
        array.length = bytes.instead_of(n_rows).clamp(-2, 64);
        array.null_count = bytes.instead_of(-1);
        array.offset = bytes.instead_of(offset);
        array.n_buffers = bytes.instead_of(n_right);
        array.n_children = bytes.instead_of(n_children);
        array.buffers = buffers.as_mut_ptr();
        array.children = children.as_mut_ptr();
        array.dictionary = match dictionary.is_null() {
            true => ptr::null_mut(),
            false => self.array(dictionary, bytes, false),
        };
        array.release = Some(release_array);
        self.array_lists.push(children);
        self.buffer_lists.push(buffers);
        self.arrays.push(array);
        self.arrays
            .last_mut()
            .map_or(ptr::null_mut(), |array| &raw mut **array)
    }
}
