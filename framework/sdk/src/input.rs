//! What an input gives the engine: raw records with their place in a partition.
//!
//! A **partition** is an independently ordered part of an input: a file of a watched folder, a
//! partition of a Kafka topic. An **offset** is a place in one; it only grows. The engine decodes,
//! filters, windows and aggregates; an input knows its source and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, SchemaRef};
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::conf::Problems;
use crate::{Error, Result, Stores};

mod batch;
mod entry;
mod event;
mod header;
mod open;

pub use batch::{Content, InputBatch, Oversized, Payloads, Unreadable};
pub use entry::{DynInput, InputEntry, InputFactory, OpeningInput};
pub use event::InputEvent;
pub use header::{Directives, Header, HeaderRule};
pub use open::{Open, Past, Resume};

/// The name of a partition, stable over restarts: it keys the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(Arc<str>);

impl PartitionId {
    /// A partition by its stable name.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        PartitionId(id.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Microseconds since 1970-01-01 UTC.
pub type Micros = i64;

/// Times further from 1970 than this, some 73,000 years, are no times: windows cannot be reckoned with around
/// them.
pub const TIME_MAX: Micros = 1 << 61;

/// How far an input is, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the source that were read, as they lie there (compressed, if they are).
    pub read_bytes: u64,
    /// Bytes there are in all, where that is known.
    pub total_bytes: Option<u64>,
}

/// Where partitions end now, for whoever wants to know how far behind a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ends {
    /// What one step of an offset is.
    pub unit: OffsetUnit,
    /// The offset behind the last record that the source has, of the partitions of which it is known.
    pub offsets: BTreeMap<PartitionId, u64>,
}

/// What the records of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Its lines.
    #[default]
    Lines,
    /// The messages in a capture of packets.
    Capture,
}

/// What one step of an offset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// A record, as in Kafka.
    #[default]
    Records,
    /// A byte, as in a file.
    Bytes,
}

/// What a source gives before any codec.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Raw records. The format is what the source itself suggests (a file's extension), for a conf
    /// that names none.
    Raw {
        /// A codec's name.
        format: Option<&'static str>,
    },
    /// Columns: no codec is needed.
    Columns(SchemaRef),
}

/// An input: where a conf's `input = name` takes records from.
///
/// One task calls it, one call at a time. Read-ahead, buffering and threads behind it are its own
/// business; what it must bound by itself is the memory of what it read ahead.
#[async_trait]
pub trait Input: Send + Sized + 'static {
    /// Its section `[in_<name>]`. Derive `Deserialize` with `deny_unknown_fields`.
    type Conf: DeserializeOwned + Send;

    /// The name that a conf's `input` uses.
    const NAME: &'static str;

    /// What it is, in a line, for `datashark list`.
    const ABOUT: &'static str;

    /// Whether several instances share its partitions out among them, so that one may come and go while
    /// it runs ([`InputEvent::Revoked`]). Windows are then made of each partition by itself, and one is not
    /// idle, however long nothing comes of it, before the input has said [`InputEvent::CaughtUp`] of it: so
    /// it has to say that, also where there is nothing in one from the start.
    const IS_SHARED: bool = false;

    /// Whether a later run can read its records again from their offsets. Where it cannot, a stop closes
    /// the open windows with the records they have, since nobody would ever see these again.
    const READS_AGAIN: bool = true;

    /// Checks what types cannot, all mistakes at once; may look whether a path is there.
    fn check(conf: &Self::Conf, stores: &Stores) -> Problems {
        let _ = (conf, stores);
        Problems::default()
    }

    /// Whether use cases of one process whose sections are the same read it together, as the section
    /// names a group that all of them would be members of. Needs [`Input::seek`].
    fn is_joint(conf: &Self::Conf) -> bool {
        let _ = conf;
        false
    }

    /// What the source gives. May read a file's head.
    ///
    /// # Errors
    /// The source cannot be read.
    fn source(conf: &Self::Conf, stores: &Stores) -> Result<Source> {
        let _ = (conf, stores);
        Ok(Source::Raw { format: None })
    }

    /// The columns that it has beside the bytes of each record. Their names begin with `_`, so that
    /// they are no field's of a log.
    fn beside() -> Vec<Field> {
        Vec::new()
    }

    /// Which of the columns of [`Input::beside`] says when a record arrived at the source: the time of
    /// its records where the past is read ([`Open::past`]) and a batch does not say it
    /// ([`InputBatch::arrival`]).
    fn arrival_column() -> Option<&'static str> {
        None
    }

    /// Opens the source.
    ///
    /// # Errors
    /// The source cannot be had.
    async fn open(conf: Self::Conf, open: Open) -> Result<Self>;

    /// What comes next; waits until there is something. `None` is the end of the input.
    ///
    /// Dropping the future before it is ready loses nothing.
    ///
    /// # Errors
    /// Only where the whole input cannot go on; one bad file is [`InputEvent::Failed`].
    async fn next(&mut self) -> Result<Option<InputEvent>>;

    /// Every record below these offsets is delivered, filtered, late or kept aside; a source that
    /// commits (Kafka) commits here, with the notes.
    ///
    /// # Errors
    /// The source refused the commit; the engine tries again with the next one.
    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let _ = done;
        Ok(())
    }

    /// Reads on at these offsets, back or ahead: what [`Input::next`] gives of these partitions from now
    /// on is from there. Needed where [`Input::IS_SHARED`], so that use cases that share the input need
    /// not all be at one place.
    ///
    /// # Errors
    /// The source cannot be read in this way.
    async fn seek(&mut self, to: &BTreeMap<PartitionId, u64>) -> Result<()> {
        let _ = to;
        Err(cannot_seek())
    }

    /// How far it is.
    fn progress(&self) -> Progress {
        Progress::default()
    }

    /// Where its partitions end now, as far as it knows without asking anybody: this is called
    /// several times a second.
    fn ends(&self) -> Ends {
        Ends::default()
    }
}

/// What an input says that cannot be read on elsewhere.
fn cannot_seek() -> Error {
    Error::data("this input can only be read on")
}
