//! Panics of an author's code, caught and told to the host.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use crate::{Error, Result};

use super::super::abi;
use super::super::wire::{Fault, to_text};

thread_local! {
    /// How many calls of the host this thread is in.
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// The last panic in one of them.
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// Runs an author's code for a call of the host; gives the status, with the answer in the reply.
pub(super) fn answered(reply: *mut abi::Reply, run: impl FnOnce() -> Result<Vec<u8>>) -> i32 {
    listen();
    CALLS.set(CALLS.get() + 1);
    let ran = catch_unwind(AssertUnwindSafe(run));
    CALLS.set(CALLS.get() - 1);
    let (status, answer) = match ran {
        Ok(Ok(answer)) => (abi::OK, answer),
        Ok(Err(error)) => told(error),
        Err(panic) => {
            // What is thrown may panic again when it is dropped.
            std::mem::forget(panic);
            let fault = LAST.take().unwrap_or_default();
            (abi::PANICKED, to_text(&fault))
        }
    };
    if let Some(reply) = std::ptr::NonNull::new(reply) {
        // SAFETY: a reply that is not null is the host's, for this call.
        if let Some(put) = unsafe { reply.as_ref() }.put {
            // SAFETY: as above; the bytes live until it returns.
            unsafe { put(reply.as_ptr(), answer.as_ptr(), answer.len()) };
        }
    }
    status
}

fn told(error: Error) -> (i32, Vec<u8>) {
    let (status, fault) = Fault::of(error);
    (status, to_text(&fault))
}

/// Sees to it that a panic in a call is noted with its place, and goes to no console.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match CALLS.get() {
            0 => before(panic),
            _ => LAST.set(Some(fault(panic))),
        }));
    });
}

fn fault(panic: &PanicHookInfo<'_>) -> Fault {
    let text = panic.payload_as_str().unwrap_or("with no message");
    let place = panic.location().map(|at| format!(", at {at}"));
    let backtrace = Backtrace::capture();
    Fault {
        message: format!("a panic: {text}{}", place.unwrap_or_default()),
        problems: Vec::new(),
        backtrace: match backtrace.status() {
            BacktraceStatus::Captured => Some(backtrace.to_string()),
            _ => None,
        },
    }
}
