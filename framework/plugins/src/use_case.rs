//! A use case in a process of its own.
//!
//! The process can end at any time, and is started again: the use case is made anew of its conf, a
//! model is loaded again, and a state of a reduce is made again of what it was when it was last saved
//! and the records since.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Field;
use datashark_sdk::conf::Section;
use datashark_sdk::ffi::wire::{Described, columns_of};
use datashark_sdk::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Findings, Model, Records, Result,
    Window,
};
use serde_json::Value;

use crate::client::{Asking, Client};
use crate::process::{
    AGGREGATE, Failure, Forgotten, Part, Request, Start, part_of, rows_of, schema_of,
};
use crate::reduce::RemoteReduce;

/// A use case in a process of its own.
pub(crate) struct RemoteUseCase {
    shared: Arc<Shared>,
    described: Described,
    columns: Vec<Field>,
}

/// What a use case, its models and its states have in common.
pub(crate) struct Shared {
    own: Section,
    files: Files,
    process: Mutex<Process>,
    next_number: AtomicU64,
}

pub(crate) struct Process {
    pub(crate) client: Client,
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

    pub(crate) fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks the process with the use case made, and again where it ends over it.
    pub(crate) fn retried<T>(
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
    pub(crate) fn has_reduce(&mut self, screen: &Screen) -> Result<bool, Failure> {
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

impl Shared {
    /// A state has gone.
    pub(crate) fn forget_state(&self, number: u64) {
        self.lock().forgotten.states.push(number);
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
        Ok(RemoteUseCase {
            shared: Arc::new(shared),
            described,
            columns: columns_of(columns),
        })
    }
}

impl RemoteUseCase {
    /// A model of this use case.
    fn model_of(&self, model: &Model) -> Result<Arc<RemoteModel>> {
        model.value(|model: &RemoteModel| Arc::ptr_eq(&model.shared, &self.shared))
    }
}

/// What screens with a model in a process: its number there, and what makes it again in another one.
pub(crate) struct Screen {
    pub(crate) reduce: u64,
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
        self.described.records(&self.columns)
    }

    fn aggregate(&self) -> Aggregate {
        self.described
            .aggregate(|| Arc::new(RemoteReduce::new(&self.shared, None)))
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
        Ok(Model::from_parts(Arc::new(model), json.clone()))
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

pub(crate) fn only_batch(parts: &[Part]) -> Result<RecordBatch> {
    let part = parts
        .first()
        .ok_or_else(|| Error::internal("an answer without rows"))?;
    let (schema, batches) = rows_of(part)?;
    Ok(concat_batches(&schema, &batches)?)
}
