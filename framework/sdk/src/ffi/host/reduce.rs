//! A reduce of a plugin.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::{DynReduce, Error, ReduceState, Refused, Result};

use super::super::batches::{Lent, import};
use super::super::stream::export;
use super::super::wire::{RefusedJson, from_text, refused_from_json};
use super::use_case::{ForeignModel, Handle, gone, one_batch};
use super::{ask, guarded, text};

/// A reduce of a plugin.
pub(super) struct ForeignReduce {
    handle: Arc<Handle>,
    /// What it screens with: the plugin may look at it for as long as this one lives.
    model: Option<Arc<ForeignModel>>,
}

/// A state in a plugin.
struct ForeignState {
    state: *mut c_void,
    handle: Arc<Handle>,
    _model: Option<Arc<ForeignModel>>,
}

// SAFETY: the interface asks that a state can be used by any thread, by one at a time.
unsafe impl Send for ForeignState {}

impl Drop for ForeignState {
    fn drop(&mut self) {
        if let (Some(drop), false) = (self.handle.table.drop_state, self.state.is_null()) {
            // SAFETY: `reduce_load` gave the state, and nobody has it any more.
            unsafe { drop(self.state) };
        }
    }
}

impl ForeignReduce {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        ForeignReduce {
            handle,
            model: None,
        }
    }

    pub(super) fn screening(handle: Arc<Handle>, model: Arc<ForeignModel>) -> Self {
        ForeignReduce {
            handle,
            model: Some(model),
        }
    }

    fn foreign<'a>(&self, state: Option<&'a ForeignState>) -> Result<&'a ForeignState> {
        let state = state.filter(|state| Arc::ptr_eq(&state.handle, &self.handle));
        state.ok_or_else(|| Error::internal("a reduce was given the state of another"))
    }
}

impl DynReduce for ForeignReduce {
    fn empty(&self) -> Result<ReduceState> {
        self.load(&[])
    }

    fn add(&self, state: &mut ReduceState, batch: &RecordBatch) -> Result<()> {
        let add = self.handle.table.reduce_add.ok_or_else(gone)?;
        let state = self.foreign(state.get())?;
        let mut records = export(batch.schema_ref(), vec![batch.clone()]);
        ask("reduce_add", |reply| {
            // SAFETY: the function is of the table, handle and state are its own; stream and reply
            // outlive the call.
            unsafe { add(self.handle.use_case, state.state, &raw mut records, reply) }
        })?;
        Ok(())
    }

    fn refused(&self, batch: &RecordBatch) -> Result<Option<Vec<Refused>>> {
        let Some(refused) = self.handle.table.reduce_refused else {
            return Ok(None);
        };
        let mut records = export(batch.schema_ref(), vec![batch.clone()]);
        let answer = ask("reduce_refused", |reply| {
            // SAFETY: as in `add`.
            unsafe { refused(self.handle.use_case, &raw mut records, reply) }
        })?;
        let refused: Option<Vec<RefusedJson>> = from_text("reduce_refused", &answer)?;
        Ok(refused_from_json(refused))
    }

    fn merge(&self, state: &mut ReduceState, other: ReduceState) -> Result<()> {
        let merge = self.handle.table.reduce_merge.ok_or_else(gone)?;
        let state = self.foreign(state.get())?;
        let mut other: Option<ForeignState> = other.take();
        self.foreign(other.as_ref())?;
        // The plugin frees it, whatever it answers.
        let taken = other
            .as_mut()
            .map(|other| std::mem::replace(&mut other.state, ptr::null_mut()));
        let taken = taken.ok_or_else(gone)?;
        ask("reduce_merge", |reply| {
            // SAFETY: as in `add`; nobody has the other state any more.
            unsafe { merge(self.handle.use_case, state.state, taken, reply) }
        })?;
        Ok(())
    }

    fn rows(&self, state: ReduceState) -> Result<RecordBatch> {
        let rows = self.handle.table.reduce_rows.ok_or_else(gone)?;
        let state = self.foreign(state.get())?;
        let mut stream = FFI_ArrowArrayStream::empty();
        ask("reduce_rows", |reply| {
            // SAFETY: as in `add`.
            unsafe { rows(self.handle.use_case, state.state, &raw mut stream, reply) }
        })?;
        let (schema, batches) = guarded(|| import(stream, self.handle.trust(&Lent::default())))?;
        one_batch(&schema, &batches)
    }

    fn size_bytes(&self, state: &ReduceState) -> usize {
        let (Some(size), Ok(state)) = (self.handle.table.reduce_size, self.foreign(state.get()))
        else {
            return 0;
        };
        // SAFETY: as in `add`.
        let size = unsafe { size(self.handle.use_case, state.state) };
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    fn copy(&self, state: &ReduceState) -> Result<ReduceState> {
        self.load(&self.save(state)?)
    }

    fn save(&self, state: &ReduceState) -> Result<Vec<u8>> {
        let save = self.handle.table.reduce_save.ok_or_else(gone)?;
        let state = self.foreign(state.get())?;
        ask("reduce_save", |reply| {
            // SAFETY: as in `add`.
            unsafe { save(self.handle.use_case, state.state, reply) }
        })
    }

    fn load(&self, bytes: &[u8]) -> Result<ReduceState> {
        let load = self.handle.table.reduce_load.ok_or_else(gone)?;
        let mut state = ptr::null_mut();
        ask("reduce_load", |reply| {
            // SAFETY: as in `add`; the bytes outlive the call.
            unsafe { load(self.handle.use_case, text(bytes), &raw mut state, reply) }
        })?;
        Ok(ReduceState::new(ForeignState {
            state,
            handle: Arc::clone(&self.handle),
            _model: self.model.clone(),
        }))
    }
}
