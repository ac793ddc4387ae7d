//! The shims of an output.

use std::ffi::c_void;
use std::marker::PhantomData;

use arrow::compute::concat_batches;
use arrow::ffi::FFI_ArrowSchema;
use tokio::runtime::Runtime;

use crate::output::{DynOutput, FindingsBatch, OpenOutput, Output, OutputEntry};
use crate::{Error, Result, Stores, Window};

use super::super::abi;
use super::super::batches::import_schema;
use super::super::cross_findings::without_ids;
use super::super::wire::{
    OutputChecked, OutputOpening, Written, from_text, problems_to_json, to_text,
};
use super::{
    answered, batches, block_on, bytes, drop_handle, give, handed, held, held_mut, runtime, section,
};

/// The functions of an output.
pub(super) struct Shims<O>(PhantomData<O>);

/// What a handle of an output stands for.
struct Opened {
    // Before the runtime that it may need for its own end.
    output: Box<dyn DynOutput>,
    runtime: Runtime,
}

impl<O: Output> Shims<O> {
    /// The table.
    pub(super) const TABLE: &'static abi::Output = &abi::Output {
        size: size_of::<abi::Output>(),
        check: Some(check::<O>),
        open: Some(open::<O>),
        drop: Some(drop_handle::<Opened>),
        write: Some(write),
        sync: Some(sync),
        delivered: Some(delivered),
    };
}

// As with a use case: handles are of the functions that gave them, texts, streams and places are the
// host's and outlive the call; an output is used by one thread at a time.

unsafe extern "C" fn check<O: Output>(
    _: *mut c_void,
    text: abi::Text,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let section = unsafe { section(text) }?;
        let entry = OutputEntry::of::<O>();
        let gather = entry.gather(&section).unwrap_or_default();
        Ok(to_text(&OutputChecked {
            problems: problems_to_json(entry.check(&section)),
            files: entry.files(&section).unwrap_or_default(),
            servers: entry.servers(&section).unwrap_or_default(),
            gather_max_findings: gather.max_findings,
            gather_max_age_ms: u64::try_from(gather.max_age.as_millis()).unwrap_or(u64::MAX),
            backfill: entry.backfill.into(),
        }))
    })
}

unsafe extern "C" fn open<O: Output>(
    opening: abi::Text,
    schema: *mut FFI_ArrowSchema,
    output: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (opening, schema) = unsafe { (bytes(opening), schema.as_ref()) };
        let opening: OutputOpening = from_text("open", opening)?;
        let schema = schema.map(import_schema).transpose()?.flatten();
        let schema = schema.ok_or_else(|| Error::internal("the host gave no schema"))?;
        let open = OpenOutput {
            use_case: opening.use_case.into(),
            schema,
            receipt: opening.receipt,
            now: opening.now,
            stores: Stores::default(),
        };
        let runtime = runtime()?;
        let opened = block_on(
            &runtime,
            OutputEntry::of::<O>().open(&opening.section, open),
        )?;
        let handle = handed(Opened {
            output: opened,
            runtime,
        });
        // SAFETY: as above.
        unsafe { give(output, handle) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn write(
    output: *mut c_void,
    findings: *mut abi::Findings,
    n_batches: usize,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let opened: &mut Opened = unsafe { held_mut(output) }?;
        let mut batches = Vec::with_capacity(n_batches);
        for at in 0..n_batches {
            // SAFETY: as above; there are so many.
            batches.push(unsafe { findings_of(findings.add(at)) }?);
        }
        let Opened { output, runtime } = opened;
        let outcome = block_on(runtime, output.write(&batches));
        Ok(to_text(&Written::from(outcome)))
    })
}

/// Findings as they came.
///
/// # Safety
/// The pointer is to findings of the host.
unsafe fn findings_of(findings: *mut abi::Findings) -> Result<FindingsBatch> {
    // SAFETY: the caller's promise; the place of the stream is within it.
    let (findings, (schema, rows)) = unsafe { (&*findings, batches(&raw mut (*findings).rows)?) };
    // SAFETY: as above.
    let use_case = String::from_utf8_lossy(unsafe { bytes(findings.use_case) });
    let (ids, found) = without_ids(&concat_batches(&schema, &rows)?)?;
    Ok(FindingsBatch {
        use_case: use_case.into(),
        window: Window {
            start: findings.window.start,
            end: findings.window.end,
        },
        time: findings.time,
        findings: found,
        ids,
    })
}

unsafe extern "C" fn sync(output: *mut c_void, reply: *mut abi::Reply) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let Opened { output, runtime } = unsafe { held_mut(output) }?;
        Ok(to_text(&block_on(runtime, output.sync())?))
    })
}

unsafe extern "C" fn delivered(
    output: *mut c_void,
    n_findings: u64,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let opened: &Opened = unsafe { held(output) }?;
        let n_findings = usize::try_from(n_findings).unwrap_or(usize::MAX);
        Ok(opened.output.delivered(n_findings).into_bytes())
    })
}
