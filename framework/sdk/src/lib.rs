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

mod batches;
pub mod conf;
pub mod document;
mod error;
mod findings;
pub mod input;
pub mod output;
mod reduce;
mod stores;
mod usecase;
mod window;

pub use arrow;
pub use batches::Batches;
pub use error::{Error, Fault, Result};
pub use findings::{Findings, FindingsBuilder, KEY, SCORE};
pub use reduce::{DynReduce, Reduce, ReduceState, Refused};
pub use stores::{StoreSettings, Stores};
pub use usecase::{
    Aggregate, DynUseCase, Files, Model, Records, RecordsFormat, UseCase, UseCaseEntry,
};
pub use window::Window;

/// What a use case's crate starts with.
pub mod prelude {
    pub use crate::{
        Aggregate, Batches, Error, Findings, Records, Reduce, Result, UseCase, Window,
    };
}
