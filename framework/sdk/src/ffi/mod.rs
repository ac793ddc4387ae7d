//! The C interface between dataShark and a plugin that was compiled separately.
//!
//! An author does not come here: [`export_usecase!`](crate::export_usecase),
//! [`export_output!`](crate::export_output) and [`export_input!`](crate::export_input) write all of
//! it. Who writes a plugin in C reads `include/datashark.h`, which says the same in its terms.
//!
//! A plugin is a shared library with one symbol, [`SYMBOL`], a function without arguments that gives
//! a [`Plugin`](abi::Plugin): its name, its version, the version of this interface that it was
//! compiled against, and a table of functions for what it is. No Rust type crosses the boundary:
//! texts are pointer and length, confs and answers are UTF-8 JSON ([`wire`]), batches are
//! `ArrowArrayStream`s. So neither the compiler nor the version of Arrow need be the same.
//!
//! # Who frees what
//! Whoever makes a thing frees it, and nobody else.
//! - A text that is an argument is the caller's, and valid until the call returns.
//! - An answer is put into a [`Reply`](abi::Reply), which copies it at once; the plugin may free its
//!   own copy as soon as `put` has returned.
//! - A handle (`void *`) is the plugin's, and freed by the host's call of the table's `drop…`, once,
//!   after which it is not used. Only `reduce_merge` takes a handle over.
//! - An `ArrowArrayStream` or `ArrowSchema` has a `release` of its own, as Arrow says: who receives
//!   one calls it. A stream that is an argument is the plugin's to release, whatever it answers. One
//!   that the plugin fills is the host's, where the plugin answers [`OK`](abi::OK); else the plugin
//!   leaves it as it was.
//!
//! # Threads
//! - The symbol is called once for each load, and its table is valid as long as the library is loaded;
//!   a library is not unloaded before the process ends.
//! - A use case's handle is shared: its functions may be called from several threads at once. So are
//!   its models, and what `screen` gives, which is freed before its model. A state of a reduce is used by one thread at a time, not always the same.
//! - An output's and an input's handle is used by one thread at a time, always the same.
//! - A plugin may have threads of its own. They must not call back: there is nothing to call.
//! - A function may block, but for the time that the conf's `timeout` says.
//!
//! # Panics
//! None crosses. A shim that the macros write catches it and answers [`PANICKED`](abi::PANICKED) with
//! the message, the place, and with `RUST_BACKTRACE=1` the backtrace. A plugin that is compiled with
//! `panic = "abort"` ends its process: its own with `isolation = process`, else dataShark's.
//!
//! # Versions
//! A [`Plugin`](abi::Plugin) begins with its size and the interface's version, and always will. The
//! major version changes where a field or its meaning does: such a plugin is refused, with both
//! versions in the message. The minor version grows where a table gets further functions at its end;
//! a plugin of an earlier minor version has shorter tables, and works. One of a later minor version
//! works too: what this host does not know of, it does not call.
//!
//! # What the host checks, and what it cannot
//! Versions, sizes, functions that must not be null, the lengths and encoding of texts, and of every
//! Arrow structure the shape (depth, numbers of children and buffers, null pointers, negative
//! lengths) and the contents (offsets in order and inside, UTF-8) are checked before they are used. A column
//! that was lent for a call and comes back over the same memory is not read once more. It
//! cannot check that a pointer points to what it says, that a buffer is as long as its column needs,
//! that a function has the signature that it should, or that it returns. With `isolation = process`
//! all this can harm the plugin's own process alone, whose answers are checked once more.
#![allow(
    unsafe_code,
    reason = "a C interface is called and implemented here, and nowhere else in the workspace"
)]

pub mod abi;
#[cfg(any(feature = "export", feature = "host"))]
mod batches;
#[cfg(any(feature = "export", feature = "host"))]
mod check;
pub mod cross_findings;
pub mod cross_input;
#[cfg(feature = "export")]
pub mod export;
#[cfg(feature = "host")]
pub mod host;
#[cfg(any(feature = "export", feature = "host"))]
mod stream;
#[cfg(test)]
mod tests;
pub mod wire;

/// The name of the one symbol of a plugin's library.
pub const SYMBOL: &str = "datashark_plugin_table";

/// The major version of this interface: a plugin of another one is refused.
pub const MAJOR: u16 = 1;

/// The minor version of this interface: it grows with functions at the end of the tables.
pub const MINOR: u16 = 1;
