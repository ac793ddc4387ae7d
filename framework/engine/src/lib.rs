//! The engine: filter, window, aggregate, score, deliver, checkpoint.
//!
//! A use case says what to compute; this crate decides when, where and how much at a time. It takes
//! a conf and a [`Registry`] of what is built in, checks the one against the other, and runs what
//! comes of it.
//!
//! ```text
//!  conf ──► check ──► Job ──► run
//!
//!  input ──► lanes: decode ──► filter ──► assign ──► aggregate    a thread each
//!                                                        │
//!            run: watermark ──► due windows ──► collect ─┘
//!                                                  └──► finish ──► score ──► deliver
//!                                                                               │
//!            acknowledge ◄── checkpoint ◄── sync: the outputs' receipts ◄───────┘
//! ```
//! Two calls are all there is to it. [`check`] reads a conf and everything that it names, starts
//! nothing, and reports every mistake at once. The [`Job`] that it gives knows what it will read and
//! what bounds its memory ([`Job::columns`], [`Job::bound`]). [`Job::run`] runs it to the input's end
//! or until it is told to [`Stop`], and gives a [`Summary`] with the [`Ledger`]: what became of
//! every record.
//!
//! # What holds
//! - Results do not depend on the number of threads, on where batches end, or on restarts; but for
//!   the last bit of sums of floats, whose order is not fixed.
//! - A window is committed after every output has acknowledged its findings. After a crash the rest
//!   is read again, and the same windows come out with the same ids.
//! - `read = filtered + invalid + late + aggregated + in flight`, at every moment.
//! - Time comes from the [`Clock`] alone. Nothing is printed: an [`Observer`] is told.
//! - A panic in an author's code is an error of the run, not the end of the process.
//!
//! # Untrusted input
//! Records are hostile. A record costs work linear in its length, and no more memory than
//! `max_record_size`. The state of the open windows grows with what [`Bound`] says; `memory_limit`
//! ends a run that passes it. Queries and confs are trusted.
//!
//! # Example
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use datashark_conf::Global;
//! use datashark_engine::{Observer, Registry, RunOptions, Stop, SystemClock, check};
//! use tokio::sync::watch;
//!
//! /// Shows the user what the run says.
//! struct Console;
//!
//! impl Observer for Console {
//!     fn message(&self, text: &str) {
//!         eprintln!("{text}");
//!     }
//! }
//!
//! # async fn example(registry: Registry) -> datashark_engine::Result<()> {
//! let global = Global::default_in(Path::new("."));
//! let conf = Path::new("conf/wordcount/wordcount.conf");
//! let checked = check(conf, &global, &registry).await;
//! eprint!("{}", checked.diagnostics);
//! let Some(job) = checked.job else { return Ok(()) };
//!
//! // Sending `Stop::CloseWindows` ends a stream.
//! let (_stop, stopped) = watch::channel(Stop::Not);
//! let options = RunOptions {
//!     once: true,
//!     retrain: false,
//!     state_folder: global.engine.state_folder.clone(),
//!     clock: Arc::new(SystemClock),
//!     stop: stopped,
//!     n_workers: None,
//! };
//! let summary = job.run(options, Arc::new(Console)).await?;
//! assert_eq!(summary.ledger.conservation_gap(), 0);
//! # Ok(())
//! # }
//! ```

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
mod note;
mod quarantine;
mod run;
mod scratch;
mod state;
mod stream;
mod tap;
mod window;

pub use aggregate::Bound;
pub use clock::{Clock, ManualClock, SystemClock};
pub use deliver::{Latency, OutputStatus};
pub use error::{Error, Result};
pub use filter::Filter;
pub use job::{
    BATCH_INPUT, Changes, Checked, Gather, Gathered, Job, ReadPast, RecordsOf, Registry, Replay,
    ReplayKept, Replayed, ReplayedKept, RunOptions, Summary, check, check_changed, computed,
    drop_kept, folder_name, keep_rows,
};
pub use ledger::Ledger;
pub use quarantine::{Contents, Kept, Origin, QuarantineFolder};
pub use run::{Lag, Observer, PartitionStatus, Status, Stop};
pub use scratch::Scratch;
pub use state::{Condition, Repaired, StateFile, inspect, repair};
pub use stream::{MOST_USE_CASES, Streams};
pub use tap::{Tap, TapPoint, Taps};
