//! The shims of an input.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::time::Duration;

use arrow::datatypes::Schema;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use tokio::runtime::Runtime;

use crate::input::{DynInput, Input, InputEntry, Source};
use crate::{Result, Stores};

use super::super::abi;
use super::super::batches::export_schema;
use super::super::cross_input::{acknowledged, event_to_wire, opened, status_to_wire};
use super::super::stream::export;
use super::super::wire::{
    Acknowledged, InputChecked, InputDescribed, InputOpening, Next, from_text, problems_to_json,
    to_text,
};
use super::{
    answered, block_on, bytes, drop_handle, give, handed, held, held_mut, runtime, section,
};

/// The functions of an input.
pub(super) struct Shims<I>(PhantomData<I>);

/// What a handle of an input stands for.
struct Opened {
    // Before the runtime that it may need for its own end.
    input: Box<dyn DynInput>,
    runtime: Runtime,
}

impl<I: Input> Shims<I> {
    /// The table.
    pub(super) const TABLE: &'static abi::Input = &abi::Input {
        size: size_of::<abi::Input>(),
        describe: Some(describe::<I>),
        check: Some(check::<I>),
        open: Some(open::<I>),
        drop: Some(drop_handle::<Opened>),
        next: Some(next),
        acknowledge: Some(acknowledge),
        status: Some(status),
    };
}

// As with a use case: handles are of the functions that gave them, texts, streams and places are the
// host's and outlive the call; an input is used by one thread at a time.

unsafe extern "C" fn describe<I: Input>(
    beside: *mut FFI_ArrowSchema,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        let entry = InputEntry::of::<I>();
        let columns = entry.beside();
        if !columns.is_empty() {
            // SAFETY: the host's promise, above.
            unsafe { give(beside, export_schema(&Schema::new(columns))?) }?;
        }
        Ok(to_text(&InputDescribed {
            is_shared: entry.is_shared,
            reads_once: !I::READS_AGAIN,
            arrival_column: entry.arrival_column().map(str::to_owned),
        }))
    })
}

unsafe extern "C" fn check<I: Input>(
    text: abi::Text,
    columns: *mut FFI_ArrowSchema,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let section = unsafe { section(text) }?;
        let entry = InputEntry::of::<I>();
        let problems = entry.check(&section, &Stores::default());
        let mut checked = InputChecked::default();
        if !problems.has_errors() {
            match entry.source(&section, &Stores::default()) {
                Ok(Source::Raw { format }) => checked.format = format.map(str::to_owned),
                // SAFETY: as above.
                Ok(Source::Columns(schema)) => unsafe { give(columns, export_schema(&schema)?) }?,
                Err(error) => checked.source_error = Some(error.to_string()),
            }
        }
        checked.problems = problems_to_json(problems);
        Ok(to_text(&checked))
    })
}

unsafe extern "C" fn open<I: Input>(
    _: *mut c_void,
    opening: abi::Text,
    input: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let opening: InputOpening = from_text("open", unsafe { bytes(opening) })?;
        let runtime = runtime()?;
        let entry = InputEntry::of::<I>();
        let opening_input = entry.open(&opening.section, opened(&opening));
        let handle = Opened {
            input: block_on(&runtime, opening_input)?,
            runtime,
        };
        // SAFETY: as above.
        unsafe { give(input, handed(handle)) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn next(
    input: *mut c_void,
    wait_ms: u64,
    records: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let Opened { input, runtime } = unsafe { held_mut(input) }?;
        let wait = Duration::from_millis(wait_ms);
        // A future of `next` that is dropped before it is ready loses nothing.
        let event = block_on(runtime, async {
            tokio::time::timeout(wait, input.next()).await
        });
        let (said, rows) = match event {
            Err(_) => (Next::Nothing, None),
            Ok(event) => event_to_wire(event?)?,
        };
        if let Some(rows) = rows {
            let stream = export(&rows.schema(), vec![rows]);
            // SAFETY: as above.
            unsafe { give(records, stream) }?;
        }
        Ok(to_text(&said))
    })
}

unsafe extern "C" fn acknowledge(
    input: *mut c_void,
    done: abi::Text,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || -> Result<Vec<u8>> {
        // SAFETY: the host's promise, above.
        let (opened, done) = unsafe { (held_mut::<Opened>(input)?, bytes(done)) };
        let done: Acknowledged = from_text("acknowledge", done)?;
        let Opened { input, runtime } = opened;
        block_on(runtime, input.acknowledge(&acknowledged(&done)))?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn status(input: *mut c_void, reply: *mut abi::Reply) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let opened: &Opened = unsafe { held(input) }?;
        let (progress, ends) = (opened.input.progress(), opened.input.ends());
        Ok(to_text(&status_to_wire(progress, &ends)))
    })
}
