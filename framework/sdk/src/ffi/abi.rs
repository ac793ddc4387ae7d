//! What crosses the boundary: C structures, as `include/datashark.h` has them. A test compares the
//! two field by field.
//!
//! Functions of the tables that are `Option` for the sake of checks alone must be there; the host
//! refuses a table that lacks one.

use std::ffi::c_void;

use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;

/// The call did what it should.
pub const OK: i32 = 0;
/// The conf is wrong: the answer has the problems.
pub const WRONG_CONF: i32 = 1;
/// The data cannot give what was asked.
pub const WRONG_DATA: i32 = 2;
/// The world refused: trying again may help.
pub const IO_FAILED: i32 = 3;
/// A defect of the plugin.
pub const DEFECT: i32 = 4;
/// A panic of the plugin, caught.
pub const PANICKED: i32 = 5;

/// The plugin is a use case.
pub const USE_CASE: u32 = 1;
/// The plugin is an output.
pub const OUTPUT: u32 = 2;
/// The plugin is an input.
pub const INPUT: u32 = 3;

/// Bytes that are somebody else's; UTF-8 where nothing else is said. Not ended by a zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The first byte; may be null where there is none.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

/// Where a call's answer goes: its result, or with a status other than [`OK`] its error.
#[repr(C)]
#[derive(Debug)]
pub struct Reply {
    /// The host's.
    pub host: *mut c_void,
    /// Adds bytes to the answer; copies them.
    pub put: Option<unsafe extern "C" fn(reply: *mut Reply, bytes: *const u8, len: usize)>,
}

/// What the file holds that a key of a conf names.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// The key.
    pub key: Text,
    /// What is in the file: bytes of any kind.
    pub content: Text,
}

/// An interval of time, `[start, end)`, in microseconds since 1970-01-01 UTC.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// The first microsecond inside.
    pub start: i64,
    /// The first microsecond behind it.
    pub end: i64,
}

/// Findings of one window, for an output.
#[repr(C)]
#[derive(Debug)]
pub struct Findings {
    /// The use case's name.
    pub use_case: Text,
    /// The window.
    pub window: Interval,
    /// The time to show with them, in microseconds.
    pub time: i64,
    /// The ids (`Utf8`), the keys (`Utf8`), the scores (`Float64`), and the metadata columns.
    pub rows: FFI_ArrowArrayStream,
}

/// A function that answers with a text alone.
pub type Ask = unsafe extern "C" fn(handle: *mut c_void, reply: *mut Reply) -> i32;
/// A function that is told something and answers.
pub type Tell = unsafe extern "C" fn(handle: *mut c_void, text: Text, reply: *mut Reply) -> i32;
/// A function that makes a handle of a text.
pub type Make = unsafe extern "C" fn(
    handle: *mut c_void,
    text: Text,
    made: *mut *mut c_void,
    reply: *mut Reply,
) -> i32;
/// A function that frees a handle.
pub type Drop = unsafe extern "C" fn(handle: *mut c_void);

/// What the symbol gives.
#[repr(C)]
#[derive(Debug)]
pub struct Plugin {
    /// The size of this structure as the plugin was compiled with it.
    pub size: u32,
    /// The interface's major version.
    pub major: u16,
    /// The interface's minor version.
    pub minor: u16,
    /// [`USE_CASE`], [`OUTPUT`] or [`INPUT`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The plugin's name, as a conf names it.
    pub name: Text,
    /// What it is, in a line.
    pub about: Text,
    /// Its own version.
    pub version: Text,
    /// Who wrote it.
    pub author: Text,
    /// The functions: a [`UseCase`], an [`Output`] or an [`Input`].
    pub table: *const c_void,
}

// SAFETY: a `Plugin` and what it points to is never written to after it was made; the interface says so.
unsafe impl Sync for Plugin {}

/// A use case's functions.
#[repr(C)]
#[derive(Debug)]
pub struct UseCase {
    /// The size of this structure as the plugin was compiled with it.
    pub size: usize,
    /// Makes the use case of its conf; the first argument is null.
    pub make: Option<Make>,
    /// Frees a use case.
    pub drop: Option<Drop>,
    /// Answers a [`Described`](super::wire::Described); fills `columns` with the schema of the columns
    /// that it reads, or leaves it where it reads what there is.
    pub describe: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            columns: *mut FFI_ArrowSchema,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Learns from rows, and answers with the model as JSON.
    pub train: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            rows: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Makes a model of its JSON.
    pub load: Option<Make>,
    /// Frees a model.
    pub drop_model: Option<Drop>,
    /// Gives each row of a window its number: fills `findings`.
    pub score: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            model: *mut c_void,
            window: *const Interval,
            rows: *mut FFI_ArrowArrayStream,
            findings: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Makes a state of bytes that `reduce_save` gave; of none, an empty one.
    pub reduce_load: Option<Make>,
    /// Frees a state.
    pub drop_state: Option<Drop>,
    /// Adds records to a state.
    pub reduce_add: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            state: *mut c_void,
            records: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Adds what another state knows, and frees that one, whatever it answers.
    pub reduce_merge: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            state: *mut c_void,
            other: *mut c_void,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Fills `rows` with what the state knows, and leaves the state as it is.
    pub reduce_rows: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            state: *mut c_void,
            rows: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// About how much memory a state holds, in bytes.
    pub reduce_size: Option<unsafe extern "C" fn(use_case: *mut c_void, state: *mut c_void) -> u64>,
    /// Answers with the state as bytes, not necessarily text.
    pub reduce_save: Option<
        unsafe extern "C" fn(use_case: *mut c_void, state: *mut c_void, reply: *mut Reply) -> i32,
    >,
    /// Since 1.1. Answers the keys that name files, a list of texts.
    pub files: Option<unsafe extern "C" fn(reply: *mut Reply) -> i32>,
    /// Since 1.1. Makes the use case of its conf and of what is in the files that are there; in place of
    /// `make`. The first argument is null.
    pub make_with_files: Option<
        unsafe extern "C" fn(
            null: *mut c_void,
            text: Text,
            files: *const File,
            n_files: usize,
            made: *mut *mut c_void,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Since 1.1. Answers which of these records are not to be added, a list of
    /// [`RefusedJson`](super::wire::RefusedJson), or `null` where none ever is.
    pub reduce_refused: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            records: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Since 1.1. Gives what takes the use case's place in the functions `reduce_…` where records are
    /// looked at with a model, which lives longer; null where they are not. It is freed by `drop`.
    pub screen: Option<
        unsafe extern "C" fn(
            use_case: *mut c_void,
            model: *mut c_void,
            screened: *mut *mut c_void,
            reply: *mut Reply,
        ) -> i32,
    >,
}

impl UseCase {
    /// How large the table is that version 1.0 of the interface has.
    pub const SIZE_1_0: usize = std::mem::offset_of!(UseCase, files);
}

/// An output's functions.
#[repr(C)]
#[derive(Debug)]
pub struct Output {
    /// The size of this structure as the plugin was compiled with it.
    pub size: usize,
    /// Checks a section, and answers an [`OutputChecked`](super::wire::OutputChecked); the first
    /// argument is null.
    pub check: Option<Tell>,
    /// Opens the target: an [`OutputOpening`](super::wire::OutputOpening), and the schema of the
    /// findings (key, score, metadata).
    pub open: Option<
        unsafe extern "C" fn(
            opening: Text,
            schema: *mut FFI_ArrowSchema,
            output: *mut *mut c_void,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Frees an output.
    pub drop: Option<Drop>,
    /// Delivers windows of findings, and answers a [`Written`](super::wire::Written).
    pub write: Option<
        unsafe extern "C" fn(
            output: *mut c_void,
            batches: *mut Findings,
            n_batches: usize,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Makes durable what was written; answers with the receipt as a JSON string, or `null`.
    pub sync: Option<Ask>,
    /// Answers what to tell the user of so many delivered findings.
    pub delivered: Option<
        unsafe extern "C" fn(output: *mut c_void, n_findings: u64, reply: *mut Reply) -> i32,
    >,
}

/// An input's functions.
#[repr(C)]
#[derive(Debug)]
pub struct Input {
    /// The size of this structure as the plugin was compiled with it.
    pub size: usize,
    /// Answers an [`InputDescribed`](super::wire::InputDescribed); fills `beside` with the columns that
    /// it has beside the records, or leaves it.
    pub describe:
        Option<unsafe extern "C" fn(beside: *mut FFI_ArrowSchema, reply: *mut Reply) -> i32>,
    /// Checks a section, and answers an [`InputChecked`](super::wire::InputChecked); fills `columns`
    /// where the source gives columns and no records.
    pub check: Option<
        unsafe extern "C" fn(
            section: Text,
            columns: *mut FFI_ArrowSchema,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Opens the source: an [`InputOpening`](super::wire::InputOpening). The first argument is null.
    pub open: Option<Make>,
    /// Frees an input.
    pub drop: Option<Drop>,
    /// What comes next, within so many milliseconds: a [`Next`](super::wire::Next), and with a batch
    /// its `records`.
    pub next: Option<
        unsafe extern "C" fn(
            input: *mut c_void,
            wait_ms: u64,
            records: *mut FFI_ArrowArrayStream,
            reply: *mut Reply,
        ) -> i32,
    >,
    /// Is told [`Acknowledged`](super::wire::Acknowledged).
    pub acknowledge: Option<Tell>,
    /// Answers an [`InputStatus`](super::wire::InputStatus).
    pub status: Option<Ask>,
}
