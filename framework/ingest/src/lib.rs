//! Captures, flows and logs into a store, each record once.
//!
//! ```text
//! files ──► recognise ──► input ──► decode ──► map ──► write ──► commit
//!            by content    several    codec     SQL     Parquet    rows and places,
//!                          at a time            a row              all or nothing
//!                                               a record
//! ```
//! The input and the codecs are those of a use case. What a use case has no need of is a table that holds
//! the places of its inputs: here there is no window that would hold records back, and no state beside
//! the table. A commit has rows and how far each file is; a run that was killed goes on from the last one
//! and stores nothing twice, whatever has happened in between.
//!
//! # What holds
//! - Each record is read and then stored, of another kind, or invalid: `read = stored + others + invalid`.
//!   Invalid ones are rows of the table `invalid`, with file, line and reason, each once.
//! - A file is known by its name and how it begins (`identity`), wherever it lies. One that was stored to
//!   its end and did not grow is not read again.
//! - A file that cannot be read is named with the reason; the others go on. So is one of which most of the
//!   first records do not parse, unless its format was said: nothing of it is stored then.
//! - Memory: two blocks of each file that is read, the batches on their way, and the hours that are being
//!   written, at most [`HOURS_MAX`] of them between two commits.
//!
//! # Untrusted input
//! Records are hostile. A record costs work linear in its length; what a codec's page says holds.

mod columns;
mod error;
mod identity;
mod mapping;
mod plan;
mod recognise;
mod run;
mod trial;
mod write;

pub use error::{IngestError, Result};
pub use recognise::Said;
pub use run::{Counts, Ingest, Summary, Watch};
pub use write::HOURS_MAX;
