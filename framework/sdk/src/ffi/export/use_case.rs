//! The shims of a use case.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use serde_json::Value;

use crate::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Model, ReduceState, Result, UseCase,
    UseCaseEntry, Window,
};

use super::super::abi;
use super::super::batches::export_schema;
use super::super::stream::export;
use super::super::wire::{Aggregated, Described, from_text, refused_to_json, to_text};
use super::{answered, batches, bytes, drop_handle, give, handed, held, held_mut, section};

/// The functions of a use case.
pub(super) struct Shims<U>(PhantomData<U>);

/// What a handle of a use case stands for, with what it reduces by: that of a screening handle is the model's.
struct Made {
    use_case: Arc<dyn DynUseCase>,
    reduce: Option<Arc<dyn DynReduce>>,
}

impl<U: UseCase> Shims<U> {
    /// The table. Of the shims only `make` knows the type.
    pub(super) const TABLE: &'static abi::UseCase = &abi::UseCase {
        size: size_of::<abi::UseCase>(),
        make: Some(make::<U>),
        drop: Some(drop_handle::<Made>),
        describe: Some(describe),
        train: Some(train),
        load: Some(load),
        drop_model: Some(drop_handle::<Model>),
        score: Some(score),
        reduce_load: Some(reduce_load),
        drop_state: Some(drop_handle::<ReduceState>),
        reduce_add: Some(reduce_add),
        reduce_merge: Some(reduce_merge),
        reduce_rows: Some(reduce_rows),
        reduce_size: Some(reduce_size),
        reduce_save: Some(reduce_save),
        files: Some(files::<U>),
        make_with_files: Some(make_with_files::<U>),
        reduce_refused: Some(reduce_refused),
        screen: Some(screen),
    };
}

impl Made {
    fn reduce(&self) -> Result<&dyn DynReduce> {
        let reduce = self.reduce.as_deref();
        reduce.ok_or_else(|| Error::internal("the use case has no reduce"))
    }
}

// What the functions below promise each other, and the host them: handles are of the functions that
// gave them, texts, streams and places are the host's and outlive the call.

unsafe extern "C" fn make<U: UseCase>(
    _: *mut c_void,
    conf: abi::Text,
    made: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    // SAFETY: the host's promise, above.
    answered(reply, || unsafe {
        make_of::<U>(conf, &Files::default(), made)
    })
}

unsafe extern "C" fn make_with_files<U: UseCase>(
    _: *mut c_void,
    conf: abi::Text,
    files: *const abi::File,
    n_files: usize,
    made: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        let files = match files.is_null() {
            true => &[],
            // SAFETY: the host's promise, above: so many there are.
            false => unsafe { std::slice::from_raw_parts(files, n_files) },
        };
        // SAFETY: as above.
        let of = |file: &abi::File| unsafe { (bytes(file.key), bytes(file.content)) };
        let files: Files = files
            .iter()
            .map(of)
            .map(|(key, content)| (String::from_utf8_lossy(key), content))
            .collect();
        // SAFETY: as above.
        unsafe { make_of::<U>(conf, &files, made) }
    })
}

/// Makes a use case.
///
/// # Safety
/// The text and the place are the host's.
unsafe fn make_of<U: UseCase>(
    conf: abi::Text,
    files: &Files,
    made: *mut *mut c_void,
) -> Result<Vec<u8>> {
    // SAFETY: the caller's promise.
    let conf = unsafe { section(conf) }?;
    let use_case = UseCaseEntry::of::<U>().build_with(&conf, files)?;
    let reduce = match use_case.aggregate() {
        Aggregate::Reduce(reduce) => Some(reduce),
        _ => None,
    };
    let use_case = Arc::from(use_case);
    // SAFETY: as above.
    unsafe { give(made, handed(Made { use_case, reduce })) }?;
    Ok(Vec::new())
}

unsafe extern "C" fn files<U: UseCase>(reply: *mut abi::Reply) -> i32 {
    answered(reply, || Ok(to_text(&U::FILES)))
}

unsafe extern "C" fn screen(
    use_case: *mut c_void,
    model: *mut c_void,
    screened: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, model) = unsafe { (held::<Made>(use_case)?, held::<Model>(model)?) };
        let Some(reduce) = made.use_case.screen(model)? else {
            return Ok(Vec::new());
        };
        let handle = handed(Made {
            use_case: Arc::clone(&made.use_case),
            reduce: Some(reduce),
        });
        // SAFETY: as above.
        unsafe { give(screened, handle) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_refused(
    use_case: *mut c_void,
    records: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, (_, records)) = unsafe { (held::<Made>(use_case)?, batches(records)?) };
        let [batch] = records.as_slice() else {
            return Err(Error::internal("the host asks of more than one batch"));
        };
        Ok(to_text(&refused_to_json(made.reduce()?.refused(batch)?)))
    })
}

unsafe extern "C" fn describe(
    use_case: *mut c_void,
    columns: *mut FFI_ArrowSchema,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let made: &Made = unsafe { held(use_case) }?;
        let records = made.use_case.input();
        if !records.columns.is_empty() {
            let schema = export_schema(&Schema::new(records.columns))?;
            // SAFETY: as above.
            unsafe { give(columns, schema) }?;
        }
        let aggregate = match made.use_case.aggregate() {
            Aggregate::None => None,
            Aggregate::Sql(query) => Some(Aggregated::Sql(query)),
            Aggregate::Reduce(_) => Some(Aggregated::Reduce),
        };
        Ok(to_text(&Described {
            format: records.format.map(Into::into),
            aggregate,
            trains: made.use_case.trains(),
            view: records.view,
        }))
    })
}

unsafe extern "C" fn train(
    use_case: *mut c_void,
    rows: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, (schema, rows)) = unsafe { (held::<Made>(use_case)?, batches(rows)?) };
        let model = made.use_case.train(Batches::new(&schema, &rows))?;
        Ok(to_text(model.to_json()))
    })
}

unsafe extern "C" fn load(
    use_case: *mut c_void,
    saved: abi::Text,
    loaded: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, saved) = unsafe { (held::<Made>(use_case)?, bytes(saved)) };
        let json: Value = from_text("load", saved)?;
        let model = handed(made.use_case.load(&json)?);
        // SAFETY: as above.
        unsafe { give(loaded, model) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn score(
    use_case: *mut c_void,
    model: *mut c_void,
    window: *const abi::Interval,
    rows: *mut FFI_ArrowArrayStream,
    findings: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, model) = unsafe { (held::<Made>(use_case)?, held::<Model>(model)?) };
        // SAFETY: as above.
        let (window, (schema, rows)) = unsafe { (window.as_ref(), batches(rows)?) };
        let window = window.ok_or_else(super::null)?;
        let window = Window {
            start: window.start,
            end: window.end,
        };
        let found = made
            .use_case
            .score(model, &window, Batches::new(&schema, &rows))?;
        let found = found.batch();
        let stream = export(found.schema_ref(), vec![found.clone()]);
        // SAFETY: as above.
        unsafe { give(findings, stream) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_load(
    use_case: *mut c_void,
    saved: abi::Text,
    state: *mut *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, saved) = unsafe { (held::<Made>(use_case)?, bytes(saved)) };
        let reduce = made.reduce()?;
        let loaded = match saved {
            [] => reduce.empty()?,
            saved => reduce.load(saved)?,
        };
        // SAFETY: as above.
        unsafe { give(state, handed(loaded)) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_add(
    use_case: *mut c_void,
    state: *mut c_void,
    records: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above; a state is used by one thread at a time.
        let (made, state) = unsafe { (held::<Made>(use_case)?, held_mut(state)?) };
        // SAFETY: as above.
        let (_, records) = unsafe { batches(records) }?;
        for batch in &records {
            made.reduce()?.add(state, batch)?;
        }
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_merge(
    use_case: *mut c_void,
    state: *mut c_void,
    other: *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        if other.is_null() {
            return Err(super::null());
        }
        // SAFETY: the host gives the other state away.
        let other = unsafe { Box::from_raw(other.cast::<ReduceState>()) };
        // SAFETY: the host's promise, above; a state is used by one thread at a time.
        let (made, state) = unsafe { (held::<Made>(use_case)?, held_mut(state)?) };
        made.reduce()?.merge(state, *other)?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_rows(
    use_case: *mut c_void,
    state: *mut c_void,
    rows: *mut FFI_ArrowArrayStream,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, state) = unsafe { (held::<Made>(use_case)?, held::<ReduceState>(state)?) };
        let reduce = made.reduce()?;
        let batch = reduce.rows(reduce.copy(state)?)?;
        let stream = export(&batch.schema(), vec![batch]);
        // SAFETY: as above.
        unsafe { give(rows, stream) }?;
        Ok(Vec::new())
    })
}

unsafe extern "C" fn reduce_size(use_case: *mut c_void, state: *mut c_void) -> u64 {
    let mut size = 0;
    answered(std::ptr::null_mut(), || {
        // SAFETY: the host's promise, above.
        let (made, state) = unsafe { (held::<Made>(use_case)?, held::<ReduceState>(state)?) };
        size = made.reduce()?.size_bytes(state) as u64;
        Ok(Vec::new())
    });
    size
}

unsafe extern "C" fn reduce_save(
    use_case: *mut c_void,
    state: *mut c_void,
    reply: *mut abi::Reply,
) -> i32 {
    answered(reply, || {
        // SAFETY: the host's promise, above.
        let (made, state) = unsafe { (held::<Made>(use_case)?, held::<ReduceState>(state)?) };
        made.reduce()?.save(state)
    })
}
