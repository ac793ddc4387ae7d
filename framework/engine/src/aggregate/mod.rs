//! The aggregation of a window's records into few rows: by SQL or by code, incrementally.
//!
//! Every thread keeps a [`State`] for every open pane, adds batches to it, and hands it over when a
//! window closes; [`Aggregation::finish`] merges the states of all threads into the window's rows.
//! The rows do not depend on how the records were spread over threads and batches.

mod fetched;
mod query;
mod session;
mod sort;
mod split;
mod sql;
mod tables;
mod view;

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datashark_sdk::{DynReduce, ReduceState, Refused};

pub(crate) use self::query::{Query, QueryState};
pub(crate) use self::session::session;
pub(crate) use self::sql::{Planned, RecordsColumns, SqlError, plan};
pub(crate) use self::tables::register as register_tables;
pub(crate) use self::view::View;

use crate::error::{Error, Result};

/// What bounds the memory of a window, for `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Aggregated as records come: the number of distinct keys of the open windows.
    Keys,
    /// Every record is decided by itself: the number of findings of the open windows.
    Findings,
    /// Records are kept until the window closes: their number, under the memory limit.
    Records,
}

impl Bound {
    /// What `check` says of it.
    pub fn describe(self) -> &'static str {
        match self {
            Bound::Keys => "incremental: memory grows with the distinct keys of the open windows",
            Bound::Findings => {
                "record by record: memory grows with the findings of the open windows"
            }
            Bound::Records => {
                "buffered: memory grows with the records of the open windows, up to memory_limit"
            }
        }
    }
}

/// How a window's records become rows.
#[derive(Clone)]
pub(crate) enum Aggregation {
    Query(Arc<Query>),
    Reduce {
        reduce: Arc<dyn DynReduce>,
        columns: SchemaRef,
    },
}

/// What one thread knows of a pane.
pub(crate) enum State {
    Query(QueryState),
    Reduce(ReduceState),
}

impl Aggregation {
    /// The columns that it reads.
    pub(crate) fn columns(&self) -> &SchemaRef {
        match self {
            Aggregation::Query(query) => query.columns(),
            Aggregation::Reduce { columns, .. } => columns,
        }
    }

    /// The columns of the rows.
    pub(crate) fn rows_schema(&self) -> Result<SchemaRef> {
        match self {
            Aggregation::Query(query) => Ok(query.rows_schema()),
            Aggregation::Reduce { reduce, .. } => Ok(reduce.rows(reduce.empty()?)?.schema()),
        }
    }

    /// What bounds its memory.
    pub(crate) fn bound(&self) -> Bound {
        match self {
            Aggregation::Query(query) => query.bound(),
            Aggregation::Reduce { .. } => Bound::Keys,
        }
    }

    /// The rows that are not wanted, of a batch with [`Self::columns`].
    pub(crate) fn refused(&self, batch: &RecordBatch) -> Result<Vec<Refused>> {
        match self {
            Aggregation::Query(_) => Ok(Vec::new()),
            Aggregation::Reduce { reduce, .. } => Ok(reduce.refused(batch)?.unwrap_or_default()),
        }
    }

    /// The same with another accumulator over the same columns.
    ///
    /// # Errors
    /// It is a query.
    pub(crate) fn with_reduce(&self, reduce: Arc<dyn DynReduce>) -> Result<Self> {
        match self {
            Aggregation::Reduce { columns, .. } => Ok(Aggregation::Reduce {
                reduce,
                columns: Arc::clone(columns),
            }),
            Aggregation::Query(_) => Err(Error::Internal(
                "a use case that aggregates by a query has a `screen`".to_owned(),
            )),
        }
    }

    /// Nothing known yet.
    pub(crate) fn empty(&self) -> Result<State> {
        Ok(match self {
            Aggregation::Query(_) => State::Query(QueryState::default()),
            Aggregation::Reduce { reduce, .. } => State::Reduce(reduce.empty()?),
        })
    }

    /// Adds records; blocks the thread.
    pub(crate) fn add(&self, state: &mut State, batch: RecordBatch) -> Result<()> {
        match (self, state) {
            (Aggregation::Query(query), State::Query(state)) => query.add(state, batch),
            (Aggregation::Reduce { reduce, .. }, State::Reduce(state)) => {
                Ok(reduce.add(state, &batch)?)
            }
            _ => Err(foreign_state()),
        }
    }

    /// Makes a state ready to be handed over; blocks the thread.
    pub(crate) fn settle(&self, state: &mut State) -> Result<()> {
        match (self, state) {
            (Aggregation::Query(query), State::Query(state)) => query.settle(state),
            _ => Ok(()),
        }
    }

    /// A copy, for a pane that serves several windows.
    pub(crate) fn copy(&self, state: &State) -> Result<State> {
        match (self, state) {
            (_, State::Query(state)) => Ok(State::Query(state.clone())),
            (Aggregation::Reduce { reduce, .. }, State::Reduce(state)) => {
                Ok(State::Reduce(reduce.copy(state)?))
            }
            _ => Err(foreign_state()),
        }
    }

    /// About how much memory a state takes.
    pub(crate) fn size_bytes(&self, state: &State) -> usize {
        match (self, state) {
            (_, State::Query(state)) => state.size_bytes(),
            (Aggregation::Reduce { reduce, .. }, State::Reduce(state)) => reduce.size_bytes(state),
            _ => 0,
        }
    }

    /// Puts what a state holds into files, if it can; blocks the thread.
    pub(crate) fn spill(&self, state: &mut State, folder: &Path) -> Result<bool> {
        match (self, state) {
            (Aggregation::Reduce { reduce, .. }, State::Reduce(state)) => {
                Ok(reduce.spill(state, folder)?)
            }
            _ => Ok(false),
        }
    }

    /// What an accumulator in code says of its memory.
    pub(crate) fn memory(&self) -> Option<String> {
        match self {
            Aggregation::Query(_) => None,
            Aggregation::Reduce { reduce, .. } => reduce.memory(),
        }
    }

    /// The rows of a window from all its states, sorted by key; blocks the thread.
    pub(crate) fn finish(&self, states: Vec<State>) -> Result<Vec<RecordBatch>> {
        match self {
            Aggregation::Query(query) => {
                let states = states.into_iter().filter_map(|state| match state {
                    State::Query(state) => Some(state),
                    State::Reduce(_) => None,
                });
                query.finish(states.collect())
            }
            Aggregation::Reduce { reduce, .. } => {
                let mut merged = reduce.empty()?;
                for state in states {
                    let State::Reduce(state) = state else {
                        return Err(foreign_state());
                    };
                    reduce.merge(&mut merged, state)?;
                }
                let rows = reduce.rows(merged)?;
                Ok(vec![sort::by_first_columns(&rows, 1)?])
            }
        }
    }
}

fn foreign_state() -> Error {
    Error::Internal("a window's state is of another aggregation".to_owned())
}
