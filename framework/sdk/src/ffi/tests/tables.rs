//! Tables that are not what they should be are refused, each with its reason.

use std::ffi::c_void;
use std::ptr;

use crate::ffi::host::Library;
use crate::ffi::{MAJOR, abi};

unsafe extern "C" fn make(
    _: *mut c_void,
    _: abi::Text,
    _: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    let text = b"no object";
    // SAFETY: the host's reply, for this call.
    unsafe { ((*reply).put.unwrap())(reply, text.as_ptr(), text.len()) };
    77
}

unsafe extern "C" fn drop(_: *mut c_void) {}

unsafe extern "C" fn describe(
    _: *mut c_void,
    _: *mut arrow::ffi::FFI_ArrowSchema,
    _: *mut abi::Reply,
) -> i32 {
    abi::OK
}

unsafe extern "C" fn score(
    _: *mut c_void,
    _: *mut c_void,
    _: *const abi::Interval,
    _: *mut arrow::ffi_stream::FFI_ArrowArrayStream,
    _: *mut arrow::ffi_stream::FFI_ArrowArrayStream,
    _: *mut abi::Reply,
) -> i32 {
    abi::OK
}

const LEAST: abi::UseCase = abi::UseCase {
    size: size_of::<abi::UseCase>(),
    make: Some(make),
    drop: Some(drop),
    describe: Some(describe),
    train: None,
    load: None,
    drop_model: None,
    score: Some(score),
    reduce_load: None,
    drop_state: None,
    reduce_add: None,
    reduce_merge: None,
    reduce_rows: None,
    reduce_size: None,
    reduce_save: None,
    files: None,
    make_with_files: None,
    reduce_refused: None,
    screen: None,
};

const fn text(text: &'static [u8]) -> abi::Text {
    abi::Text {
        data: text.as_ptr(),
        len: text.len(),
    }
}

fn plugin(table: &'static abi::UseCase) -> abi::Plugin {
    abi::Plugin {
        size: size_of::<abi::Plugin>() as u32,
        major: MAJOR,
        minor: 0,
        kind: abi::USE_CASE,
        reserved: 0,
        name: text(b"mine"),
        about: text(b"two\nlines"),
        version: text(b"1"),
        author: text(b""),
        table: ptr::from_ref(table).cast(),
    }
}

fn library(plugin: &abi::Plugin) -> Result<Library, String> {
    // SAFETY: as wrong as it is, its pointers are null or right.
    unsafe { Library::of(plugin) }.map_err(|error| error.to_string())
}

#[test]
fn the_least_that_is_a_use_case_is_one() {
    let library = library(&plugin(&LEAST)).unwrap();
    assert_eq!(library.about().about, "two lines");
    let error = library
        .use_case(&crate::conf::Section::new(), &crate::Files::default())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "internal error: unknown status 77: no object"
    );
}

#[test]
fn a_later_minor_version_with_longer_tables_is_taken() {
    let mut later = plugin(&LEAST);
    later.minor = 9;
    later.size += 8;
    assert_eq!(library(&later).unwrap().about().interface, (MAJOR, 9));
}

#[test]
fn a_table_of_the_first_version_is_taken_and_nothing_behind_its_end_is_read() {
    /// As large as that table was; behind it is whatever there is.
    #[repr(C, align(16))]
    struct First {
        table: [u8; abi::UseCase::SIZE_1_0],
        behind: [u8; 64],
    }
    let mut first = First {
        table: [0; abi::UseCase::SIZE_1_0],
        behind: [0xff; 64],
    };
    let table = abi::UseCase {
        size: abi::UseCase::SIZE_1_0,
        ..LEAST
    };
    // SAFETY: a table is at least as large as its first version.
    let bytes =
        unsafe { std::slice::from_raw_parts(ptr::from_ref(&table).cast(), abi::UseCase::SIZE_1_0) };
    first.table.copy_from_slice(bytes);
    let first: &'static First = Box::leak(Box::new(first));
    let mut plugin = plugin(&LEAST);
    plugin.table = ptr::from_ref(first).cast();
    assert!(plugin.table.cast::<usize>().is_aligned() && first.behind[0] == 0xff);
    assert!(library(&plugin).unwrap().about().files.is_empty());
}

type Wrong = fn(&mut abi::Plugin);

#[test]
fn what_differs_is_said_and_what_to_do_about_it() {
    static SHORT: abi::UseCase = abi::UseCase { size: 16, ..LEAST };
    static EMPTY: abi::UseCase = abi::UseCase {
        score: None,
        ..LEAST
    };
    let wrong: [(Wrong, &str); 10] = [
        (
            |plugin| plugin.major = MAJOR + 1,
            "made for interface 2.0, and this dataShark has 1.1: run a later dataShark, or build the \
             plugin with an earlier datashark-sdk",
        ),
        (
            |plugin| plugin.major = 0,
            "made for interface 0.0, and this dataShark has 1.1: build the plugin again, with this \
             version's datashark-sdk",
        ),
        (
            |plugin| plugin.size = 8,
            "its table has 8 bytes, expected at least 88",
        ),
        (
            |plugin| plugin.kind = 4,
            "the plugin is of kind 4, expected 1, 2 or 3",
        ),
        (
            |plugin| plugin.table = ptr::null(),
            "the plugin has no table of functions",
        ),
        (
            |plugin| plugin.table = ptr::from_ref(&SHORT).cast(),
            "its functions take 16 bytes, expected at least 120",
        ),
        (
            |plugin| plugin.table = ptr::from_ref(&EMPTY).cast(),
            "the plugin has no function `score`",
        ),
        (|plugin| plugin.name = text(b""), "the plugin has no name"),
        (
            |plugin| plugin.about = text(b"\xff"),
            "the plugin's `about` is no UTF-8",
        ),
        (
            |plugin| plugin.version.len = 1 << 40,
            "the plugin's `version` has 1099511627776 bytes, at most 4096 go",
        ),
    ];
    for (change, expected) in wrong {
        let mut changed = plugin(&LEAST);
        change(&mut changed);
        assert_eq!(library(&changed).err().as_deref(), Some(expected));
    }
    // SAFETY: null is allowed.
    let none = unsafe { Library::of(ptr::null()) }
        .err()
        .map(|error| error.to_string());
    assert_eq!(
        none.as_deref(),
        Some("`datashark_plugin_table` gave no table")
    );
}
