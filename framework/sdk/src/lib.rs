//! What an author of a use case, an input or an output sees of dataShark.
//!
//! A **use case** says what to compute; the engine decides when, where and how much at a time. It
//! implements [`UseCase`]: which records it reads, how a window of them becomes few rows (SQL or a
//! [`Reduce`]), how a model comes from training rows, and how rows become [`Findings`].
//!
//! An **input** implements [`Input`](input::Input): partitions, raw records with their offsets.
//! An **output** implements [`Output`](output::Output): batches of findings with their ids.
//!
//! # Example
//! Sources with many failed logins, as a crate:
//! ```
//! use datashark_sdk::prelude::*;
//!
//! /// Sources that failed to log in too often.
//! pub struct Failures { conf: Conf }
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! pub struct Conf { #[serde(default = "twenty")] at_least: u32 }
//! fn twenty() -> u32 { 20 }
//!
//! impl UseCase for Failures {
//!     type Conf = Conf;
//!     type Model = ();
//!     const NAME: &'static str = "failures";
//!     const ABOUT: &'static str = "sources that failed to log in too often";
//!
//!     fn new(conf: Conf) -> Result<Self> { Ok(Failures { conf }) }
//!
//!     fn aggregate(&self) -> Aggregate {
//!         Aggregate::sql(format!(
//!             "SELECT source_ip, count(*) AS score FROM records WHERE outcome = 'failure'
//!              GROUP BY source_ip HAVING count(*) >= {}", self.conf.at_least))
//!     }
//! }
//!
//! datashark_sdk::export_usecase!(Failures);
//! ```
//!
//! # From an empty folder to findings
//! `datashark new usecase failures` writes a crate with all of this: conf, sample, test, README, CI. By
//! hand it is four steps.
//!
//! 1. A library crate whose `Cargo.toml` says
//!    ```toml
//!    [lib]
//!    crate-type = ["cdylib", "rlib"]
//!    [dependencies]
//!    datashark-sdk = { version = "0.1", features = ["plugin"] }
//!    serde = { version = "1", features = ["derive"] }
//!    ```
//! 2. The example above as its `src/lib.rs`.
//! 3. `cargo build --release`, and a conf beside a log `log.json`:
//!    ```ini
//!    name     = Failures
//!    type     = batch
//!    enabled  = true
//!    code     = target/release/libfailures.so
//!    file     = log.json
//!    output   = csv
//!    at_least = 3
//!    [out_csv]
//!    path     = findings.csv
//!    ```
//! 4. `datashark check failures.conf` says what it will read, and every mistake. `datashark standalone -d
//!    failures.conf` shows what it finds.
//!
//! ## A score of one's own
//! Rows come to `score` as columns. [`Batches::matrix`] takes numbers out of them, [`Findings::from`]
//! makes findings of them.
//! ```
//! use std::sync::Arc;
//! use datashark_sdk::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use datashark_sdk::prelude::*;
//!
//! fn share(rows: Batches<'_>) -> Result<Findings> {
//!     let counts = rows.matrix(["logins", "failures"])?;
//!     let share = |row: usize| counts[(row, 1)] / counts[(row, 0)];
//!     let scores: Vec<f64> = (0..rows.n_rows()).map(share).collect();
//!     Findings::from(rows).score(scores).without("logins").build()
//! }
//!
//! let sources: ArrayRef = Arc::new(StringArray::from(vec!["10.0.0.1"]));
//! let logins: ArrayRef = Arc::new(Int64Array::from(vec![4]));
//! let failures: ArrayRef = Arc::new(Int64Array::from(vec![3]));
//! let columns = [("source_ip", sources), ("logins", logins), ("failures", failures)];
//! let rows = [RecordBatch::try_from_iter(columns)?];
//! let found = share(Batches::new(&rows[0].schema(), &rows))?;
//! assert_eq!(found.scores().values(), &[0.75]);
//! assert_eq!(found.metadata().map(|(name, _)| name).collect::<Vec<_>>(), ["failures"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! ## A model
//! What a use case learns is the value that [`UseCase::train`] gives: anything that serde can write. The
//! engine keeps it and hands it to `score`; the use case itself holds its conf and nothing else.
//!
//! ## Where SQL will not do
//! [`Reduce`] is an accumulator in code. `merge` must be associative and commutative; then the result
//! does not depend on how the records were spread over threads.
//! ```
//! use std::sync::Arc;
//! use datashark_sdk::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
//! use datashark_sdk::prelude::*;
//!
//! struct Longest;
//!
//! impl Reduce for Longest {
//!     type State = (u64, String);
//!
//!     fn add(&self, state: &mut Self::State, batch: &RecordBatch) {
//!         for line in batch.column(0).as_string_view().iter().flatten() {
//!             self.merge(state, (line.len() as u64, line.to_owned()));
//!         }
//!     }
//!
//!     // Of equals the one that is first in the alphabet, whichever comes first.
//!     fn merge(&self, state: &mut Self::State, other: Self::State) {
//!         if other.0 > state.0 || (other.0 == state.0 && other.1 < state.1) {
//!             *state = other;
//!         }
//!     }
//!
//!     fn rows(&self, (length, line): Self::State) -> Result<RecordBatch> {
//!         let lines: ArrayRef = Arc::new(StringArray::from(vec![line]));
//!         let lengths: ArrayRef = Arc::new(UInt64Array::from(vec![length]));
//!         Ok(RecordBatch::try_from_iter([("line", lines), ("length", lengths)])?)
//!     }
//!
//!     fn size_bytes(&self, state: &Self::State) -> usize {
//!         state.1.len()
//!     }
//! }
//!
//! let mut one = (0, String::new());
//! Longest.merge(&mut one, (3, "two".into()));
//! Longest.merge(&mut one, (3, "one".into()));
//! assert_eq!(one.1, "one");
//! ```
//!
//! ## An output, an input
//! `datashark new output NAME` and `datashark new input NAME` write the crates; [`output`] and [`input`]
//! say what is promised to them and asked of them.
//!
//! ## In C
//! `include/datashark.h` in this crate's folder is all that a plugin in C needs; [`ffi`] is its page.
//!
//! # Versions
//! There are two, and each says when something of yours has to change.
//! - **This crate's**, by semantic versioning: a plugin's source that builds with one release builds with
//!   every later one of the same major version (before 1.0, of the same minor version). Traits get new
//!   methods only with a default; enums that may grow are `non_exhaustive`. The releases of Arrow that may
//!   be re-exported as [`arrow`] are part of this: one more is a minor release, one fewer a major one. Which
//!   of them it is, a plugin's lock file says; it need not be the host's. The oldest Rust that builds it
//!   (`rust-version`) is part of the minor version.
//! - **The interface's**, [`ffi::MAJOR`] and [`ffi::MINOR`]: a library that is built runs in every
//!   dataShark of the same major version, whatever compiler, Arrow and release of this crate built either.
//!   It changes far more rarely: many releases of this crate have the same.

mod batches;
pub mod conf;
pub mod document;
mod error;
pub mod ffi;
mod findings;
pub mod input;
pub mod output;
mod reduce;
mod stores;
mod third_party;
mod usecase;
mod window;

pub use arrow;
pub use batches::Batches;
pub use error::{Error, Fault, Result};
pub use findings::{Findings, FindingsBuilder, KEY, SCORE};
pub use reduce::{DynReduce, Reduce, ReduceState, Refused};
pub use stores::{StoreSettings, Stores};
pub use third_party::{Asked, ThirdParty};
pub use usecase::{
    Aggregate, DynUseCase, Files, Model, Records, RecordsFormat, UseCase, UseCaseEntry,
    UseCaseFactory,
};
pub use window::Window;

/// What a plugin's crate starts with.
pub mod prelude {
    pub use crate::{
        Aggregate, Batches, Error, Findings, Records, Reduce, Result, UseCase, Window,
    };
}
