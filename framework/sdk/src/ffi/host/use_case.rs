//! A use case of a plugin.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use serde_json::Value;

use crate::conf::Section;
use crate::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Findings, Model, Records, Result,
    Window,
};

use super::super::abi;
use super::super::batches::{LastSchema, Lent, Trust, import_after, import_schema};
use super::super::stream::export;
use super::super::wire::{Aggregated, Described, columns_of, from_text, model_from_text, to_text};
use super::library::first_missing;
use super::reduce::ForeignReduce;
use super::{ask, guarded, text};

/// The first function that every use case has and this table has not.
pub(super) fn missing(table: &abi::UseCase) -> Option<&'static str> {
    first_missing!(table, make, drop, describe, score)
}

/// The first function that a use case of this description needs and this table has not.
fn missing_for(table: &abi::UseCase, described: &Described) -> Option<&'static str> {
    let of_models = first_missing!(table, train, load, drop_model).filter(|_| described.trains);
    let reduces = described.aggregate == Some(Aggregated::Reduce);
    of_models.or(missing_of_states(table).filter(|_| reduces))
}

/// The first function that a reduce needs and this table has not.
fn missing_of_states(table: &abi::UseCase) -> Option<&'static str> {
    first_missing!(
        table,
        reduce_load,
        drop_state,
        reduce_add,
        reduce_merge,
        reduce_rows,
        reduce_size,
        reduce_save
    )
}

/// A use case's handle.
pub(super) struct Handle {
    pub(super) table: &'static abi::UseCase,
    pub(super) use_case: *mut c_void,
    /// Whether its rows are looked at here.
    pub(super) looks: bool,
    /// Of its findings.
    last_schema: LastSchema,
}

impl Handle {
    /// How far its rows are believed; these columns are lent to it.
    pub(super) fn trust<'a>(&self, lent: &'a Lent) -> Trust<'a> {
        match self.looks {
            true => Trust::Plugin(lent),
            false => Trust::Elsewhere,
        }
    }
}

// SAFETY: the interface asks that a use case's functions can be called from any thread, several at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(drop) = self.table.drop {
            // SAFETY: `make` gave the handle, and nobody has it any more.
            unsafe { drop(self.use_case) };
        }
    }
}

/// A use case of a plugin.
struct ForeignUseCase {
    handle: Arc<Handle>,
    described: Described,
    columns: Vec<Field>,
}

/// The keys that name files.
pub(super) fn files(table: &'static abi::UseCase) -> Result<Vec<String>> {
    let Some(files) = table.files else {
        return Ok(Vec::new());
    };
    // SAFETY: the function is of the table; the reply outlives the call.
    let answer = ask("files", |reply| unsafe { files(reply) })?;
    Ok(from_text::<Option<Vec<String>>>("files", &answer)?.unwrap_or_default())
}

/// Makes the use case of its own keys and of the files that they name.
pub(super) fn make(
    table: &'static abi::UseCase,
    own: &Section,
    files: &Files,
    looks: bool,
) -> Result<Box<dyn DynUseCase>> {
    let make = table.make.ok_or_else(gone)?;
    let conf = to_text(own);
    let contents: Vec<abi::File> = files
        .iter()
        .map(|(key, content)| abi::File {
            key: text(key.as_bytes()),
            content: text(content),
        })
        .collect();
    let mut use_case = ptr::null_mut();
    let made = &raw mut use_case;
    ask("make", |reply| match table.make_with_files {
        // SAFETY: the function is of the table; texts and reply outlive the call.
        Some(make) if !contents.is_empty() => unsafe {
            let (list, n_files) = (contents.as_ptr(), contents.len());
            make(ptr::null_mut(), text(&conf), list, n_files, made, reply)
        },
        // SAFETY: as above.
        _ => unsafe { make(ptr::null_mut(), text(&conf), made, reply) },
    })?;
    let handle = Handle {
        table,
        use_case,
        looks,
        last_schema: LastSchema::default(),
    };
    let describe = table.describe.ok_or_else(gone)?;
    let mut columns = FFI_ArrowSchema::empty();
    let answer = ask("describe", |reply| {
        // SAFETY: as above; the handle is `make`'s.
        unsafe { describe(handle.use_case, &raw mut columns, reply) }
    })?;
    let described: Described =
        from_text::<Option<Described>>("describe", &answer)?.unwrap_or_default();
    if let Some(name) = missing_for(table, &described) {
        return Err(Error::internal(format!(
            "the plugin has no function `{name}`"
        )));
    }
    let columns = columns_of(guarded(|| import_schema(&columns))?);
    Ok(Box::new(ForeignUseCase {
        handle: Arc::new(handle),
        described,
        columns,
    }))
}

impl ForeignUseCase {
    /// A model of this use case.
    fn model_of(&self, model: &Model) -> Result<Arc<ForeignModel>> {
        model.value(|model: &ForeignModel| Arc::ptr_eq(&model.handle, &self.handle))
    }
}

/// A model in a plugin.
pub(super) struct ForeignModel {
    handle: Arc<Handle>,
    model: *mut c_void,
}

// SAFETY: the interface asks that a model can be used from any thread, several at once.
unsafe impl Send for ForeignModel {}
// SAFETY: as above.
unsafe impl Sync for ForeignModel {}

impl Drop for ForeignModel {
    fn drop(&mut self) {
        if let (Some(drop), false) = (self.handle.table.drop_model, self.model.is_null()) {
            // SAFETY: `load` gave the model, and nobody has it any more.
            unsafe { drop(self.model) };
        }
    }
}

impl DynUseCase for ForeignUseCase {
    fn input(&self) -> Records {
        self.described.records(&self.columns)
    }

    fn aggregate(&self) -> Aggregate {
        self.described
            .aggregate(|| Arc::new(ForeignReduce::new(Arc::clone(&self.handle))))
    }

    fn screen(&self, model: &Model) -> Result<Option<Arc<dyn DynReduce>>> {
        let Some(screen) = self.handle.table.screen else {
            return Ok(None);
        };
        let model = self.model_of(model)?;
        let mut screened = ptr::null_mut();
        ask("screen", |reply| {
            // SAFETY: the function is of the table, the handles its own; place and reply outlive the call.
            unsafe { screen(self.handle.use_case, model.model, &raw mut screened, reply) }
        })?;
        if screened.is_null() {
            return Ok(None);
        }
        let handle = Handle {
            table: self.handle.table,
            use_case: screened,
            looks: self.handle.looks,
            last_schema: LastSchema::default(),
        };
        if let Some(name) = missing_of_states(handle.table) {
            return Err(Error::internal(format!(
                "the plugin has no function `{name}`"
            )));
        }
        Ok(Some(Arc::new(ForeignReduce::screening(
            Arc::new(handle),
            model,
        ))))
    }

    fn trains(&self) -> bool {
        self.described.trains
    }

    fn train(&self, rows: Batches<'_>) -> Result<Model> {
        let train = self.handle.table.train.ok_or_else(gone)?;
        let mut rows = export_rows(rows);
        let answer = ask("train", |reply| {
            // SAFETY: the function is of the table, the handle `make`'s; stream and reply outlive the call.
            unsafe { train(self.handle.use_case, &raw mut rows, reply) }
        })?;
        self.load(&model_from_text(&answer)?)
    }

    fn load(&self, json: &Value) -> Result<Model> {
        let mut model = ptr::null_mut();
        if let Some(load) = self.handle.table.load {
            let saved = to_text(json);
            ask("load", |reply| {
                // SAFETY: as in `train`.
                unsafe { load(self.handle.use_case, text(&saved), &raw mut model, reply) }
            })?;
        }
        let handle = Arc::clone(&self.handle);
        let model = ForeignModel { handle, model };
        Ok(Model::from_parts(Arc::new(model), json.clone()))
    }

    fn score(&self, model: &Model, window: &Window, rows: Batches<'_>) -> Result<Findings> {
        let score = self.handle.table.score.ok_or_else(gone)?;
        let model = self.model_of(model)?;
        let window = abi::Interval {
            start: window.start,
            end: window.end,
        };
        let batches: Vec<RecordBatch> = rows.iter().cloned().collect();
        let lent = Lent::of(&batches);
        let mut rows = export(rows.schema(), batches);
        let mut findings = FFI_ArrowArrayStream::empty();
        ask("score", |reply| {
            // SAFETY: as in `train`; the model is `load`'s, of this handle.
            unsafe {
                score(
                    self.handle.use_case,
                    model.model,
                    &raw const window,
                    &raw mut rows,
                    &raw mut findings,
                    reply,
                )
            }
        })?;
        let (schema, batches) =
            guarded(|| import_after(findings, self.handle.trust(&lent), &self.handle.last_schema))?;
        Findings::try_from_rows(&one_batch(&schema, &batches)?)
    }
}

fn export_rows(rows: Batches<'_>) -> FFI_ArrowArrayStream {
    export(rows.schema(), rows.iter().cloned().collect())
}

/// Batches of a plugin as one.
pub(super) fn one_batch(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [one] => Ok(one.clone()),
        many => Ok(concat_batches(schema, many)?),
    }
}

/// A function that was there when the table was checked.
pub(super) fn gone() -> Error {
    Error::internal("the plugin lacks a function")
}
