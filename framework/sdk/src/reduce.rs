//! Map and reduce in code, where SQL will not do: a mergeable accumulator.

use std::any::Any;

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
    /// and kept in quarantine. [`Reduce::add`] is given the others. It depends on each row alone.
    fn refused(&self, batch: &RecordBatch) -> Vec<Refused> {
        let _ = batch;
        Vec::new()
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
pub trait DynReduce: Send + Sync {
    /// A new, empty state.
    fn empty(&self) -> ReduceState;
    /// See [`Reduce::refused`].
    fn refused(&self, batch: &RecordBatch) -> Vec<Refused>;
    /// See [`Reduce::add`].
    fn add(&self, state: &mut ReduceState, batch: &RecordBatch);
    /// See [`Reduce::merge`].
    fn merge(&self, state: &mut ReduceState, other: ReduceState);
    /// See [`Reduce::rows`].
    ///
    /// # Errors
    /// The state cannot be shown as columns.
    fn rows(&self, state: ReduceState) -> Result<RecordBatch>;
    /// See [`Reduce::size_bytes`].
    fn size_bytes(&self, state: &ReduceState) -> usize;
    /// A copy of a state: a pane of a sliding window serves several windows.
    fn copy(&self, state: &ReduceState) -> ReduceState;
}

/// A state of a [`DynReduce`]; only the one that made it can read it.
pub struct ReduceState(Box<dyn Any + Send>);

impl<R: Reduce> DynReduce for R {
    fn empty(&self) -> ReduceState {
        ReduceState(Box::<R::State>::default())
    }

    fn refused(&self, batch: &RecordBatch) -> Vec<Refused> {
        Reduce::refused(self, batch)
    }

    fn add(&self, state: &mut ReduceState, batch: &RecordBatch) {
        if let Some(state) = state.0.downcast_mut() {
            Reduce::add(self, state, batch);
        }
    }

    fn merge(&self, state: &mut ReduceState, other: ReduceState) {
        if let (Some(state), Ok(other)) = (state.0.downcast_mut(), other.0.downcast()) {
            Reduce::merge(self, state, *other);
        }
    }

    fn rows(&self, state: ReduceState) -> Result<RecordBatch> {
        let foreign = |_| Error::internal("a reduce was given the state of another");
        Reduce::rows(self, *state.0.downcast().map_err(foreign)?)
    }

    fn size_bytes(&self, state: &ReduceState) -> usize {
        state
            .0
            .downcast_ref()
            .map_or(0, |state| Reduce::size_bytes(self, state))
    }

    fn copy(&self, state: &ReduceState) -> ReduceState {
        let state: Option<&R::State> = state.0.downcast_ref();
        ReduceState(Box::new(state.cloned().unwrap_or_default()))
    }
}
