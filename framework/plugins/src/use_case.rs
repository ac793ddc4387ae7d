//! A use case in a process of its own.
//!
//! The process can end at any time, and is started again: the use case is made anew of its conf, a
//! model is loaded again, and a state of a reduce is made again of what it was when it was last saved
//! and the records since.

use std::any::Any;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Field;
use datashark_sdk::conf::Section;
use datashark_sdk::ffi::wire::{Aggregated, Described, RefusedJson, refused_from_json};
use datashark_sdk::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Findings, Model, Records, ReduceState,
    Refused, Result, Window,
};
use serde_json::Value;

use crate::client::{Asking, Client};
use crate::process::{
    AGGREGATE, Failure, Forgotten, Part, Request, Start, part_of, rows_of, schema_of,
};

/// Records that are kept to make a state again, in bytes, before the state itself is saved.
const SINCE_BYTES: usize = 16 << 20;

/// A use case in a process of its own.
pub(crate) struct RemoteUseCase {
    shared: Arc<Shared>,
    described: Described,
    columns: Vec<Field>,
}

/// What a use case, its models and its states have in common.
struct Shared {
    own: Section,
    files: Files,
    process: Mutex<Process>,
    next_number: AtomicU64,
}

struct Process {
    client: Client,
    /// What the use case says of itself, and its columns.
    described: Option<(Described, Vec<Part>)>,
    /// The models that it has loaded.
    models: HashSet<u64>,
    /// What it screens with.
    reduces: HashSet<u64>,
    /// What nobody has any more.
    forgotten: Forgotten,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks the process with the use case made, and again where it ends over it.
    fn retried<T>(
        &self,
        what: &str,
        mut ask: impl FnMut(&mut Process) -> Result<T, Failure>,
    ) -> Result<T> {
        self.lock().retried(what, |process| {
            process.made(&self.own, &self.files)?;
            ask(process)
        })
    }
}

impl Asking for Process {
    fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Process {
    /// Has a process with the use case made; a new one has no models and states.
    fn made(&mut self, own: &Section, files: &Files) -> Result<(), Failure> {
        let described = &mut self.described;
        let is_new = self.client.start(|connection| {
            let request = Request::Make {
                own: own.clone(),
                files: files.iter().map(|(key, _)| key.to_owned()).collect(),
            };
            let contents: Vec<Part> = files.iter().map(|(_, content)| content.into()).collect();
            *described = Some(connection.ask(&request, &contents)?);
            Ok(())
        })?;
        let forgotten = std::mem::take(&mut self.forgotten);
        if is_new {
            self.models.clear();
            self.reduces.clear();
        } else if !forgotten.is_empty() {
            self.models
                .retain(|model| !forgotten.models.contains(model));
            self.reduces
                .retain(|reduce| !forgotten.reduces.contains(reduce));
            self.client.ask::<()>(&Request::Forget(forgotten), &[])?;
        }
        Ok(())
    }

    /// Has what screens with a model; gives whether there is such.
    fn has_reduce(&mut self, screen: &Screen) -> Result<bool, Failure> {
        if self.reduces.contains(&screen.reduce) {
            return Ok(true);
        }
        self.has_model(screen.model.number, &screen.json)?;
        let request = Request::Screen {
            model: screen.model.number,
            reduce: screen.reduce,
        };
        let does = self.client.ask(&request, &[])?.0;
        if does {
            self.reduces.insert(screen.reduce);
        }
        Ok(does)
    }

    fn has_model(&mut self, number: u64, json: &Value) -> Result<(), Failure> {
        if !self.models.contains(&number) {
            let json = json.clone();
            self.client.ask::<()>(
                &Request::Load {
                    model: number,
                    json,
                },
                &[],
            )?;
            self.models.insert(number);
        }
        Ok(())
    }
}

impl RemoteUseCase {
    /// Makes the use case of its own keys.
    pub(crate) fn make(start: Start, own: Section, files: &Files) -> Result<Self> {
        let process = Process {
            client: Client::new(start),
            described: None,
            models: HashSet::new(),
            reduces: HashSet::new(),
            forgotten: Forgotten::default(),
        };
        let shared = Shared {
            own,
            files: files.clone(),
            process: Mutex::new(process),
            next_number: AtomicU64::new(AGGREGATE + 1),
        };
        let said = shared.retried("make", |process| Ok(process.described.clone()))?;
        let (described, parts) = said.ok_or_else(|| Error::internal("a use case was not made"))?;
        let columns = parts.first().map(schema_of).transpose()?;
        let columns = columns.map(|c| {
            c.fields()
                .iter()
                .map(|field| field.as_ref().clone())
                .collect()
        });
        Ok(RemoteUseCase {
            shared: Arc::new(shared),
            described,
            columns: columns.unwrap_or_default(),
        })
    }
}

impl RemoteUseCase {
    /// A model of this use case.
    fn model_of(&self, model: &Model) -> Result<Arc<RemoteModel>> {
        let model: &dyn Any = model.value();
        let model = model.downcast_ref::<Arc<RemoteModel>>();
        let model = model.filter(|model| Arc::ptr_eq(&model.shared, &self.shared));
        let model = model.ok_or_else(|| Error::internal("a use case was given another's model"))?;
        Ok(Arc::clone(model))
    }
}

/// What screens with a model in a process: its number there, and what makes it again in another one.
struct Screen {
    reduce: u64,
    model: Arc<RemoteModel>,
    json: Value,
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.model.shared.lock().forgotten.reduces.push(self.reduce);
    }
}

/// A model in a process: its number there. It is loaded again from what is saved.
struct RemoteModel {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for RemoteModel {
    fn drop(&mut self) {
        self.shared.lock().forgotten.models.push(self.number);
    }
}

impl DynUseCase for RemoteUseCase {
    fn input(&self) -> Records {
        Records {
            format: self.described.format.clone().map(Into::into),
            columns: self.columns.clone(),
            view: self.described.view.clone(),
        }
    }

    fn aggregate(&self) -> Aggregate {
        match &self.described.aggregate {
            None => Aggregate::None,
            Some(Aggregated::Sql(query)) => Aggregate::Sql(query.clone()),
            Some(Aggregated::Reduce) => {
                Aggregate::Reduce(Arc::new(RemoteReduce::new(&self.shared, None)))
            }
        }
    }

    fn screen(&self, model: &Model) -> Result<Option<Arc<dyn DynReduce>>> {
        let screen = Screen {
            reduce: self.shared.number(),
            model: self.model_of(model)?,
            json: model.to_json().clone(),
        };
        let does = |process: &mut Process| process.has_reduce(&screen);
        Ok(match self.shared.retried("screen", does)? {
            false => None,
            true => Some(Arc::new(RemoteReduce::new(
                &self.shared,
                Some(Arc::new(screen)),
            ))),
        })
    }

    fn trains(&self) -> bool {
        self.described.trains
    }

    fn train(&self, rows: Batches<'_>) -> Result<Model> {
        let part = part_of_rows(rows)?;
        let parts = std::slice::from_ref(&part);
        let train = |process: &mut Process| Ok(process.client.ask(&Request::Train, parts)?.0);
        let json: Value = self.shared.retried("train", train)?;
        self.load(&json)
    }

    fn load(&self, json: &Value) -> Result<Model> {
        let number = self.shared.number();
        let model = RemoteModel {
            shared: Arc::clone(&self.shared),
            number,
        };
        self.shared
            .retried("load", |process| process.has_model(number, json))?;
        // Twice in an `Arc`: the inner one is kept by what screens with it.
        Ok(Model::from_parts(Arc::new(Arc::new(model)), json.clone()))
    }

    fn score(&self, model: &Model, window: &Window, rows: Batches<'_>) -> Result<Findings> {
        let remote = self.model_of(model)?;
        let request = Request::Score {
            model: remote.number,
            start: window.start,
            end: window.end,
        };
        let part = part_of_rows(rows)?;
        let parts = std::slice::from_ref(&part);
        let answer = self.shared.retried("score", |process| {
            process.has_model(remote.number, model.to_json())?;
            Ok(process.client.ask::<()>(&request, parts)?.1)
        })?;
        Findings::try_from_rows(&only_batch(&answer)?)
    }
}

fn part_of_rows(rows: Batches<'_>) -> Result<Part> {
    let batches: Vec<RecordBatch> = rows.iter().cloned().collect();
    part_of(rows.schema(), &batches)
}

fn only_batch(parts: &[Part]) -> Result<RecordBatch> {
    let part = parts
        .first()
        .ok_or_else(|| Error::internal("an answer without rows"))?;
    let (schema, batches) = rows_of(part)?;
    Ok(concat_batches(&schema, &batches)?)
}

/// A reduce in a process.
struct RemoteReduce {
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
        self.shared.lock().forgotten.states.push(self.number);
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
    fn new(shared: &Arc<Shared>, screen: Option<Arc<Screen>>) -> Self {
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
        Ok(copy.saved.as_deref().unwrap_or_default().to_vec())
    }

    fn load(&self, bytes: &[u8]) -> Result<ReduceState> {
        let saved = (!bytes.is_empty()).then(|| Part::from(bytes));
        let mut state = self.state_of(saved);
        // What is no state is said now.
        self.of_state("reduce_load", &mut state, |_, _| Ok(()))?;
        Ok(ReduceState::new(state))
    }
}
