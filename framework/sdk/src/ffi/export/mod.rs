//! The plugin's side: what the macros write stands on this.

mod input;
mod output;
mod panic;
mod use_case;

use std::ffi::c_void;
use std::future::Future;
use std::ptr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::conf::Section;
use crate::input::Input;
use crate::output::Output;
use crate::{Error, Result, UseCase};

use super::batches::{Trust, import};
use super::wire::from_text;
use super::{MAJOR, MINOR, abi};

use panic::answered;

/// The plugin that a use case is.
pub const fn use_case<U: UseCase>(version: &'static str, author: &'static str) -> abi::Plugin {
    let table = ptr::from_ref(use_case::Shims::<U>::TABLE).cast();
    plugin(abi::USE_CASE, [U::NAME, U::ABOUT, version, author], table)
}

/// The plugin that an output is.
pub const fn output<O: Output>(version: &'static str, author: &'static str) -> abi::Plugin {
    let table = ptr::from_ref(output::Shims::<O>::TABLE).cast();
    plugin(abi::OUTPUT, [O::NAME, O::ABOUT, version, author], table)
}

/// The plugin that an input is.
pub const fn input<I: Input>(version: &'static str, author: &'static str) -> abi::Plugin {
    let table = ptr::from_ref(input::Shims::<I>::TABLE).cast();
    plugin(abi::INPUT, [I::NAME, I::ABOUT, version, author], table)
}

const fn plugin(kind: u32, texts: [&'static str; 4], table: *const c_void) -> abi::Plugin {
    let [name, about, version, author] = texts;
    abi::Plugin {
        size: size_of::<abi::Plugin>() as u32,
        major: MAJOR,
        minor: MINOR,
        kind,
        reserved: 0,
        name: text(name),
        about: text(about),
        version: text(version),
        author: text(author),
        table,
    }
}

const fn text(text: &'static str) -> abi::Text {
    abi::Text {
        data: text.as_ptr(),
        len: text.len(),
    }
}

/// The bytes of a host's text.
///
/// # Safety
/// The text is the host's, and outlives what is made of it.
unsafe fn bytes<'a>(text: abi::Text) -> &'a [u8] {
    match text.data.is_null() {
        true => &[],
        // SAFETY: the caller's promise.
        false => unsafe { std::slice::from_raw_parts(text.data, text.len) },
    }
}

/// A section that the host gives.
///
/// # Safety
/// As with [`bytes`].
unsafe fn section(text: abi::Text) -> Result<Section> {
    // SAFETY: the caller's promise.
    from_text("conf", unsafe { bytes(text) })
}

/// What a handle stands for.
///
/// # Safety
/// The handle is one that [`handed`] gave for this type and that was not dropped.
unsafe fn held<'a, T>(handle: *mut c_void) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { handle.cast::<T>().as_ref() }.ok_or_else(null)
}

/// What a handle stands for, for changing it.
///
/// # Safety
/// As with [`held`], and no other thread uses it.
unsafe fn held_mut<'a, T>(handle: *mut c_void) -> Result<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { handle.cast::<T>().as_mut() }.ok_or_else(null)
}

fn null() -> Error {
    Error::internal("the host gave a null handle")
}

/// A value as a handle.
fn handed<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

/// Frees what a handle stands for.
///
/// # Safety
/// As with [`held`], and it is not used again.
unsafe extern "C" fn drop_handle<T>(handle: *mut c_void) {
    if handle.is_null() {
        return;
    }
    // A panic in a destructor must not cross, and has nobody to be told to.
    answered(ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(handle.cast::<T>()) });
        Ok(Vec::new())
    });
}

/// The batches of a host's stream, which is then empty.
///
/// # Safety
/// The pointer is to a stream of the host.
unsafe fn batches(stream: *mut FFI_ArrowArrayStream) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    if stream.is_null() {
        return Err(null());
    }
    // SAFETY: the caller's promise.
    import(
        unsafe { FFI_ArrowArrayStream::from_raw(stream) },
        Trust::Host,
    )
}

/// Gives the host something where it wants it.
///
/// # Safety
/// The pointer is null, or to a place for such a value that holds nothing to be dropped.
unsafe fn give<T>(place: *mut T, value: T) -> Result<()> {
    if place.is_null() {
        return Err(null());
    }
    // SAFETY: the caller's promise.
    unsafe { place.write(value) };
    Ok(())
}

/// A handle's own runtime: a plugin's tasks run while the host calls.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| Error::io("starting the plugin's runtime", error))
}

fn block_on<T>(runtime: &tokio::runtime::Runtime, future: impl Future<Output = T>) -> T {
    runtime.block_on(future)
}

/// Gives the crate's library the one symbol of a plugin; `export_usecase!` and its like do it where
/// the feature `plugin` is on.
#[doc(hidden)]
#[macro_export]
macro_rules! plugin_symbol {
    ($kind:ident, $plugin:ty) => {
        #[allow(unsafe_code)]
        const _: () = {
            static PLUGIN: $crate::ffi::abi::Plugin = $crate::ffi::export::$kind::<$plugin>(
                env!("CARGO_PKG_VERSION"),
                env!("CARGO_PKG_AUTHORS"),
            );

            #[unsafe(no_mangle)]
            extern "C" fn datashark_plugin_table() -> *const $crate::ffi::abi::Plugin {
                &raw const PLUGIN
            }
        };
    };
}
