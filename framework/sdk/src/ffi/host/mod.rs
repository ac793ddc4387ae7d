//! The host's side: a library opened, its table checked, and its functions as safe calls.
//!
//! All calls here block for as long as the plugin likes.

mod hostile;
mod input;
mod library;
mod output;
mod reduce;
mod use_case;

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

use super::abi;
use super::wire::{Fault, from_text};

pub use hostile::read_hostile;
pub use input::{InputHandle, Told};
pub use library::{About, Kind, Library};
pub use output::OutputHandle;

/// The longest answer, in bytes: models and states are answers.
const ANSWER_MAX: usize = 1 << 30;

/// What a call answers.
struct Answer {
    bytes: Vec<u8>,
    is_too_long: bool,
}

/// The `put` of every reply.
unsafe extern "C" fn put(reply: *mut abi::Reply, bytes: *const u8, len: usize) {
    if reply.is_null() || bytes.is_null() {
        return;
    }
    // SAFETY: `ask` made the reply, with an answer that outlives the call, and gave it to one call of
    // one function, which may call back on the thread that it was called on.
    let answer = unsafe { &mut *(*reply).host.cast::<Answer>() };
    if len > ANSWER_MAX - answer.bytes.len() {
        answer.is_too_long = true;
        return;
    }
    // SAFETY: the interface asks that `len` bytes can be read from `bytes`.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) };
    answer.bytes.extend_from_slice(bytes);
}

/// Calls a function of a plugin; gives its answer, or the error that it is.
fn ask(what: &str, call: impl FnOnce(*mut abi::Reply) -> i32) -> Result<Vec<u8>> {
    let mut answer = Answer {
        bytes: Vec::new(),
        is_too_long: false,
    };
    let mut reply = abi::Reply {
        host: (&raw mut answer).cast::<c_void>(),
        put: Some(put),
    };
    let status = call(&raw mut reply);
    if answer.is_too_long {
        let message = format!("the plugin's answer to `{what}` is longer than {ANSWER_MAX} bytes");
        return Err(Error::internal(message));
    }
    if status == abi::OK {
        return Ok(answer.bytes);
    }
    let fault = from_text::<Fault>(what, &answer.bytes).unwrap_or_else(|_| Fault {
        message: String::from_utf8_lossy(&answer.bytes).into_owned(),
        ..Fault::default()
    });
    Err(fault.into_error(status))
}

/// Runs what reads a plugin's structures: a panic of Arrow's over one of them is an error.
fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::internal(
            "the plugin gave Arrow data that cannot be used",
        ))
    })
}

/// A text for a plugin.
fn text(bytes: &[u8]) -> abi::Text {
    abi::Text {
        data: bytes.as_ptr(),
        len: bytes.len(),
    }
}
