//! What the parent asks a plugin's process.

use datashark_sdk::conf::Section;
use datashark_sdk::ffi::host::{About, Kind};
use datashark_sdk::ffi::wire::{Acknowledged, InputOpening, OutputOpening};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conf::Sandbox;

/// A request; what it comes with, and what is answered, stands behind it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Limit yourself, and load this library: [`Started`].
    Start {
        library: std::path::PathBuf,
        kind: Kind,
        sandbox: Sandbox,
    },
    /// Make the use case of its conf, and of the files that these keys name, a part each: its description,
    /// and its columns as a part.
    Make { own: Section, files: Vec<String> },
    /// Learn from the rows of a part: the model.
    Train,
    /// Load a model under a number.
    Load { model: u64, json: Value },
    /// Score the rows of a part: the findings as a part.
    Score { model: u64, start: i64, end: i64 },
    /// What screens with a model, under a number: whether there is such.
    Screen { model: u64, reduce: u64 },
    /// Which records of a part a reduce does not want.
    Refused { reduce: u64 },
    /// Make a state of a reduce, of the bytes of a part, of none an empty one.
    LoadState { reduce: u64, state: u64 },
    /// Add the records of a part to a state.
    Add { state: u64 },
    /// Add a state to another, and forget it.
    Merge { state: u64, other: u64 },
    /// The rows of a state as a part.
    Rows { state: u64 },
    /// The bytes of a state as a part.
    SaveState { state: u64 },
    /// Forget models, what screens with them, and states.
    Forget(Forgotten),
    /// Check a section of an output.
    CheckOutput { section: Section },
    /// Open an output for findings of the schema of a part.
    OpenOutput { opening: OutputOpening },
    /// Write findings, a part for each window.
    Write { heads: Vec<Head> },
    /// Make durable what was written: the receipt.
    Sync,
    /// What to tell the user.
    Delivered { n_findings: usize },
    /// Describe the input; the columns beside as a part.
    DescribeInput,
    /// Check a section of an input; the columns of the source as a part.
    CheckInput { section: Section },
    /// Open an input.
    OpenInput { opening: InputOpening },
    /// What comes next; the rows of a batch as a part.
    Next { wait_ms: u64 },
    /// Acknowledge.
    Acknowledge { done: Acknowledged },
    /// How far the input is.
    Status,
}

/// What nobody has any more, by its number.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub(crate) models: Vec<u64>,
    pub(crate) reduces: Vec<u64>,
    pub(crate) states: Vec<u64>,
}

impl Forgotten {
    pub(crate) fn is_empty(&self) -> bool {
        self.models.is_empty() && self.reduces.is_empty() && self.states.is_empty()
    }
}

/// The number of the reduce that the use case aggregates with; what screens has others.
pub(crate) const AGGREGATE: u64 = 0;

/// Whose findings those of a part are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) use_case: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) time: i64,
}

/// A plugin was loaded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) about: About,
    /// What the system could not hold back.
    pub(crate) unguarded: Vec<String>,
}

/// An answer: what was asked for, or the error.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer<T> {
    Done(T),
    Failed {
        status: i32,
        fault: datashark_sdk::ffi::wire::Fault,
    },
}
