//! A reduce in a process of its own: its states are made again of what they were when they were last saved and
//! of the records since.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use datashark_sdk::ffi::wire::{RefusedJson, refused_from_json};
use datashark_sdk::{DynReduce, Error, ReduceState, Refused, Result};

use crate::process::{AGGREGATE, Failure, Part, Request, part_of};
use crate::use_case::{Process, Screen, Shared, only_batch};

/// Records that are kept to make a state again, in bytes, before the state itself is saved.
const SINCE_BYTES: usize = 16 << 20;

/// A reduce in a process.
pub(crate) struct RemoteReduce {
    shared: Arc<Shared>,
    /// What it screens with; without, it is the use case's own.
    screen: Option<Arc<Screen>>,
    /// It has said that it never refuses a record.
    wants_all: AtomicBool,
}

/// A state in a process, and what makes it again in another one.
struct RemoteState {
    shared: Arc<Shared>,
    screen: Option<Arc<Screen>>,
    number: u64,
    /// In which process it is; 0 is none yet.
    process: u64,
    /// What it was when it was last saved; `None` is empty.
    saved: Option<Part>,
    /// The records since, and what they take.
    since: Vec<Part>,
    since_bytes: usize,
    /// What the plugin says that it takes.
    size_bytes: usize,
}

impl Drop for RemoteState {
    fn drop(&mut self) {
        self.shared.forget_state(self.number);
    }
}

impl RemoteState {
    /// Sees to it that the process has the state.
    fn is_there(&mut self, process: &mut Process) -> Result<(), Failure> {
        if self.process == process.client.n_started() {
            return Ok(());
        }
        let state = self.number;
        let reduce = made_reduce(self.screen.as_deref(), process)?;
        let saved = self.saved.as_slice();
        process
            .client
            .ask::<()>(&Request::LoadState { reduce, state }, saved)?;
        for part in &self.since {
            let parts = std::slice::from_ref(part);
            let (size, _) = process
                .client
                .ask::<usize>(&Request::Add { state }, parts)?;
            self.size_bytes = size;
        }
        self.process = process.client.n_started();
        Ok(())
    }

    /// Has the state as bytes, and needs no more than these to make it again.
    fn save(&mut self, process: &mut Process) -> Result<(), Failure> {
        let state = self.number;
        let (_, parts) = process
            .client
            .ask::<()>(&Request::SaveState { state }, &[])?;
        let bytes = parts.into_iter().next();
        self.saved = Some(bytes.ok_or_else(|| Error::internal("a state without its bytes"))?);
        self.since.clear();
        self.since_bytes = 0;
        Ok(())
    }
}

/// Sees to it that the process has what reduces; gives its number.
fn made_reduce(screen: Option<&Screen>, process: &mut Process) -> Result<u64, Failure> {
    let Some(screen) = screen else {
        return Ok(AGGREGATE);
    };
    match process.has_reduce(screen)? {
        true => Ok(screen.reduce),
        false => Err(Error::internal("a model that screened does so no more").into()),
    }
}

impl RemoteReduce {
    pub(crate) fn new(shared: &Arc<Shared>, screen: Option<Arc<Screen>>) -> Self {
        RemoteReduce {
            shared: Arc::clone(shared),
            screen,
            wants_all: AtomicBool::new(false),
        }
    }

    fn is_of(&self, state: &RemoteState) -> bool {
        let number = |screen: &Option<Arc<Screen>>| screen.as_ref().map(|screen| screen.reduce);
        Arc::ptr_eq(&state.shared, &self.shared) && number(&state.screen) == number(&self.screen)
    }

    fn state_of(&self, saved: Option<Part>) -> RemoteState {
        RemoteState {
            shared: Arc::clone(&self.shared),
            screen: self.screen.clone(),
            number: self.shared.number(),
            process: 0,
            saved,
            since: Vec::new(),
            since_bytes: 0,
            size_bytes: 0,
        }
    }

    /// Asks for something of a state that is there.
    fn of_state<T>(
        &self,
        what: &str,
        state: &mut RemoteState,
        mut ask: impl FnMut(&mut RemoteState, &mut Process) -> Result<T, Failure>,
    ) -> Result<T> {
        if !self.is_of(state) {
            return Err(foreign());
        }
        self.shared.retried(what, |process| {
            state.is_there(process)?;
            ask(state, process)
        })
    }
}

fn foreign() -> Error {
    Error::internal("a reduce was given the state of another")
}

fn held(state: &mut ReduceState) -> Result<&mut RemoteState> {
    state.get_mut().ok_or_else(foreign)
}

impl DynReduce for RemoteReduce {
    fn empty(&self) -> Result<ReduceState> {
        Ok(ReduceState::new(self.state_of(None)))
    }

    fn refused(&self, batch: &RecordBatch) -> Result<Option<Vec<Refused>>> {
        if self.wants_all.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let part = part_of(batch.schema_ref(), std::slice::from_ref(batch))?;
        let parts = std::slice::from_ref(&part);
        let refused = self.shared.retried("reduce_refused", |process| {
            let reduce = made_reduce(self.screen.as_deref(), process)?;
            let request = Request::Refused { reduce };
            Ok(process
                .client
                .ask::<Option<Vec<RefusedJson>>>(&request, parts)?
                .0)
        })?;
        if refused.is_none() {
            self.wants_all.store(true, Ordering::Relaxed);
        }
        Ok(refused_from_json(refused))
    }

    fn add(&self, state: &mut ReduceState, batch: &RecordBatch) -> Result<()> {
        let part = part_of(batch.schema_ref(), std::slice::from_ref(batch))?;
        let state = held(state)?;
        self.of_state("reduce_add", state, |state, process| {
            let request = Request::Add {
                state: state.number,
            };
            let parts = std::slice::from_ref(&part);
            state.size_bytes = process.client.ask(&request, parts)?.0;
            Ok(())
        })?;
        state.since_bytes += part.len();
        state.since.push(part);
        if state.since_bytes > SINCE_BYTES {
            self.of_state("reduce_save", state, RemoteState::save)?;
        }
        Ok(())
    }

    fn merge(&self, state: &mut ReduceState, other: ReduceState) -> Result<()> {
        let mut other: RemoteState = other.take().ok_or_else(foreign)?;
        let state = held(state)?;
        // A merged state is made again of both, so both are kept as bytes until it is saved.
        self.of_state("reduce_save", &mut other, RemoteState::save)?;
        self.of_state("reduce_merge", state, |state, process| {
            if state.process == process.client.n_started() && !state.since.is_empty() {
                state.save(process)?;
            }
            other.is_there(process)?;
            let request = Request::Merge {
                state: state.number,
                other: other.number,
            };
            state.size_bytes = process.client.ask(&request, &[])?.0;
            // The process has it no more, and should it end, its part is lost with the other's.
            other.process = 0;
            let merged = state.save(process);
            if merged.is_err() {
                state.process = 0;
            }
            merged
        })
    }

    fn rows(&self, mut state: ReduceState) -> Result<RecordBatch> {
        let answer = self.of_state("reduce_rows", held(&mut state)?, |state, process| {
            let request = Request::Rows {
                state: state.number,
            };
            Ok(process.client.ask::<()>(&request, &[])?.1)
        })?;
        only_batch(&answer)
    }

    fn size_bytes(&self, state: &ReduceState) -> usize {
        let state: Option<&RemoteState> = state.get();
        state.map_or(0, |state| state.size_bytes + state.since_bytes)
    }

    fn copy(&self, state: &ReduceState) -> Result<ReduceState> {
        let state: &RemoteState = state.get().ok_or_else(foreign)?;
        let mut copy = self.state_of(state.saved.clone());
        copy.since.clone_from(&state.since);
        copy.since_bytes = state.since_bytes;
        copy.size_bytes = state.size_bytes;
        Ok(ReduceState::new(copy))
    }

    fn save(&self, state: &ReduceState) -> Result<Vec<u8>> {
        let mut copy = self.copy(state)?;
        let copy = held(&mut copy)?;
        self.of_state("reduce_save", copy, RemoteState::save)?;
        Ok(copy
            .saved
            .as_ref()
            .map(|saved| saved.whole().to_vec())
            .unwrap_or_default())
    }

    fn load(&self, bytes: &[u8]) -> Result<ReduceState> {
        let saved = (!bytes.is_empty()).then(|| Part::from(bytes));
        let mut state = self.state_of(saved);
        // What is no state is said now.
        self.of_state("reduce_load", &mut state, |_, _| Ok(()))?;
        Ok(ReduceState::new(state))
    }
}
