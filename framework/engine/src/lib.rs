//! The engine: filter, window, aggregate, score, deliver, checkpoint.

mod aggregate;
mod aside;
mod checkpoint;
mod clock;
mod deliver;
mod error;
mod filter;
mod job;
mod ledger;
mod model;
mod run;
mod window;

pub use aggregate::Bound;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, Result};
pub use job::{BATCH_INPUT, Checked, Job, Registry, RunOptions, Summary, check};
pub use ledger::Ledger;
pub use run::{Observer, Stop};
