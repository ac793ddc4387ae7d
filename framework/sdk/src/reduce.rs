//! Map and reduce in code, where SQL will not do: a mergeable accumulator.

use std::any::Any;
use std::path::Path;

use arrow::array::RecordBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// An aggregation in code.
///
/// The engine keeps a state for every thread and window, adds batches to it, merges the states
/// when the window closes, and asks for the rows. `merge` must be associative and commutative, and
/// adding two batches must be the same as adding them to two states and merging those: then the
/// result does not depend on how the records were spread.
pub trait Reduce: Send + Sync + 'static {
    /// What is known of the records so far.
    type State: Clone + Default + Serialize + DeserializeOwned + Send + 'static;

    /// The rows of a batch that are not to be added, each with the reason: their records are invalid,
    /// and kept in quarantine. [`Reduce::add`] is given the others. It depends on each row alone. `None`
    /// is that no row is ever refused: then it need not be asked again.
    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        let _ = batch;
        None
    }

    /// Adds records.
    fn add(&self, state: &mut Self::State, batch: &RecordBatch);

    /// Adds what another state knows.
    fn merge(&self, state: &mut Self::State, other: Self::State);

    /// The rows: a key and whatever `score` needs. The engine sorts them by key.
    ///
    /// # Errors
    /// The state cannot be shown as columns.
    fn rows(&self, state: Self::State) -> Result<RecordBatch>;

    /// About how much memory a state holds, in bytes; it is counted against the memory limit.
    fn size_bytes(&self, state: &Self::State) -> usize;

    /// Puts what a state holds into files in this folder, as far as it can; whether it did. It is asked when
    /// the state is beyond its share of the memory limit, and goes on to be added to. Merged or shown as
    /// rows, it gives what it would have given. Nothing is left in the folder when the state is gone, also
    /// where the process was killed.
    ///
    /// # Errors
    /// The files cannot be written.
    fn spill(&self, state: &mut Self::State, folder: &Path) -> Result<bool> {
        let _ = (state, folder);
        Ok(false)
    }

    /// What its memory grows with, and how much of it each takes, in a line for `check`.
    fn memory(&self) -> Option<String> {
        None
    }
}

/// A row that a [`Reduce`] does not want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its index in the batch.
    pub row: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// A [`Reduce`] whose state type is forgotten: what the engine runs.
///
/// One that runs elsewhere can fail in every call; one that is linked in fails in `rows` alone.
pub trait DynReduce: Send + Sync {
    /// A new, empty state.
    ///
    /// # Errors
    /// It cannot be had.
    fn empty(&self) -> Result<ReduceState>;
    /// See [`Reduce::refused`].
    ///
    /// # Errors
    /// It cannot be asked.
    fn refused(&self, batch: &RecordBatch) -> Result<Option<Vec<Refused>>> {
        let _ = batch;
        Ok(None)
    }
    /// See [`Reduce::add`].
    ///
    /// # Errors
    /// The records cannot be added.
    fn add(&self, state: &mut ReduceState, batch: &RecordBatch) -> Result<()>;
    /// See [`Reduce::merge`].
    ///
    /// # Errors
    /// The states cannot be merged.
    fn merge(&self, state: &mut ReduceState, other: ReduceState) -> Result<()>;
    /// See [`Reduce::rows`].
    ///
    /// # Errors
    /// The state cannot be shown as columns.
    fn rows(&self, state: ReduceState) -> Result<RecordBatch>;
    /// See [`Reduce::size_bytes`].
    fn size_bytes(&self, state: &ReduceState) -> usize;
    /// See [`Reduce::spill`].
    ///
    /// # Errors
    /// The files cannot be written.
    fn spill(&self, state: &mut ReduceState, folder: &Path) -> Result<bool> {
        let _ = (state, folder);
        Ok(false)
    }
    /// See [`Reduce::memory`].
    fn memory(&self) -> Option<String> {
        None
    }
    /// A copy of a state: a pane of a sliding window serves several windows.
    ///
    /// # Errors
    /// It cannot be copied.
    fn copy(&self, state: &ReduceState) -> Result<ReduceState>;
    /// A state as bytes, for whoever reads it with [`DynReduce::load`].
    ///
    /// # Errors
    /// It cannot be written.
    fn save(&self, state: &ReduceState) -> Result<Vec<u8>>;
    /// The state that bytes of [`DynReduce::save`] are.
    ///
    /// # Errors
    /// They are none of this reduce.
    fn load(&self, bytes: &[u8]) -> Result<ReduceState>;
}

/// A state of a [`DynReduce`]; only the one that made it can read it.
pub struct ReduceState(Box<dyn Any + Send>);

impl ReduceState {
    /// A state of a reduce that keeps what it likes.
    pub fn new(state: impl Any + Send) -> Self {
        ReduceState(Box::new(state))
    }

    /// What is in it, if it is of this type.
    pub fn get<S: Any>(&self) -> Option<&S> {
        self.0.downcast_ref()
    }

    /// What is in it, for changing it.
    pub fn get_mut<S: Any>(&mut self) -> Option<&mut S> {
        self.0.downcast_mut()
    }

    /// What is in it, taken out.
    pub fn take<S: Any>(self) -> Option<S> {
        self.0.downcast().ok().map(|state| *state)
    }
}

fn foreign() -> Error {
    Error::internal("a reduce was given the state of another")
}

impl<R: Reduce> DynReduce for R {
    fn empty(&self) -> Result<ReduceState> {
        Ok(ReduceState::new(R::State::default()))
    }

    fn add(&self, state: &mut ReduceState, batch: &RecordBatch) -> Result<()> {
        Reduce::add(self, state.get_mut().ok_or_else(foreign)?, batch);
        Ok(())
    }

    fn refused(&self, batch: &RecordBatch) -> Result<Option<Vec<Refused>>> {
        Ok(Reduce::refused(self, batch))
    }

    fn merge(&self, state: &mut ReduceState, other: ReduceState) -> Result<()> {
        let other = other.take().ok_or_else(foreign)?;
        Reduce::merge(self, state.get_mut().ok_or_else(foreign)?, other);
        Ok(())
    }

    fn rows(&self, state: ReduceState) -> Result<RecordBatch> {
        Reduce::rows(self, state.take().ok_or_else(foreign)?)
    }

    fn size_bytes(&self, state: &ReduceState) -> usize {
        state
            .get()
            .map_or(0, |state| Reduce::size_bytes(self, state))
    }

    fn spill(&self, state: &mut ReduceState, folder: &Path) -> Result<bool> {
        Reduce::spill(self, state.get_mut().ok_or_else(foreign)?, folder)
    }

    fn memory(&self) -> Option<String> {
        Reduce::memory(self)
    }

    fn copy(&self, state: &ReduceState) -> Result<ReduceState> {
        let state: &R::State = state.get().ok_or_else(foreign)?;
        Ok(ReduceState::new(state.clone()))
    }

    fn save(&self, state: &ReduceState) -> Result<Vec<u8>> {
        let state: &R::State = state.get().ok_or_else(foreign)?;
        let mut bytes = Vec::new();
        ciborium::into_writer(state, &mut bytes)
            .map_err(|error| Error::internal(format!("a state cannot be written: {error}")))?;
        Ok(bytes)
    }

    fn load(&self, bytes: &[u8]) -> Result<ReduceState> {
        let state: R::State = ciborium::from_reader(bytes)
            .map_err(|error| Error::data(format!("bytes that are no state: {error}")))?;
        Ok(ReduceState::new(state))
    }
}
