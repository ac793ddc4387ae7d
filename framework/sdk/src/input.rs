//! What an input gives the engine: raw records with their place in a partition.
//!
//! A **partition** is an independently ordered part of an input: a file of a watched folder, a
//! partition of a Kafka topic. An **offset** is a place in one; it only grows. The engine decodes,
//! filters, windows and aggregates; an input knows its source and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, BinaryViewArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Field, SchemaRef};
use async_trait::async_trait;
use futures_core::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::conf::{Problems, Section};
use crate::{Result, Stores};

mod header;

pub use header::{Directives, Header, HeaderRule};

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

/// Raw records, one byte string each, as they stood in the input.
#[derive(Debug, Clone)]
pub struct Payloads {
    /// A record each, without its line terminator; views into one shared block, so that a text
    /// column can be cut out of it without a copy. Never null.
    pub records: BinaryViewArray,
    /// Where each record starts, ascending; as many as `records`.
    pub offsets: ScalarBuffer<u64>,
    /// The header lines of the file where the codec asked for them ([`Open::header`]), as they
    /// hold for the first of these records, whatever part of the file they are from. Directives
    /// among the records hold for what follows them.
    pub header: Option<Header>,
    /// The 1-based line number of the first record where records are lines and it is known.
    pub first_line: Option<u64>,
    /// Columns that the source has beside the bytes, such as a Kafka record's key, a row for each of
    /// `records`: those of [`Input::beside`] that [`Open::beside`] asks for, in its order.
    pub beside: Option<RecordBatch>,
}

impl Payloads {
    /// Some of the records.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let mut header = self.header.clone();
        if let Some(header) = &mut header {
            header.behind(&self.records.slice(0, start));
        }
        Payloads {
            records: self.records.slice(start, len),
            offsets: self.offsets.slice(start, len),
            header,
            first_line: self.first_line.map(|line| line + start as u64),
            beside: self.beside.as_ref().map(|rows| rows.slice(start, len)),
        }
    }
}

/// What a batch carries: bytes to decode, or columns where the format itself has them (Parquet).
#[derive(Debug, Clone)]
pub enum Content {
    /// Raw records for the codec.
    Payloads(Payloads),
    /// Decoded columns, and the offset of the first row; rows count one each.
    Columns {
        /// The rows; of the schema that the input announced.
        rows: RecordBatch,
        /// The offset of the first row.
        first_offset: u64,
    },
}

impl Content {
    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Content::Payloads(payloads) => payloads.records.len(),
            Content::Columns { rows, .. } => rows.num_rows(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Records of one partition, in order.
#[derive(Debug, Clone)]
pub struct InputBatch {
    /// Whose records these are.
    pub partition: PartitionId,
    /// The records.
    pub content: Content,
    /// The offset behind the last record: where the partition's next batch starts.
    pub end_offset: u64,
    /// Bytes taken from the source for these records, for rates and progress.
    pub n_bytes: u64,
    /// Records that were too large to hold: each with its offset, its size and its first bytes.
    pub oversized: Vec<Oversized>,
    /// Records that have no bytes to decode: invalid, and counted with the others.
    pub unreadable: Vec<Unreadable>,
    /// When the records arrived, where the source itself says so (a file's modification time in a
    /// run over what is there); `None` lets the engine's clock say.
    pub arrival: Option<Micros>,
}

impl InputBatch {
    /// The number of records, with those that cannot be decoded.
    pub fn len(&self) -> usize {
        self.content.len() + self.oversized.len() + self.unreadable.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A record beyond the size limit: counted and reported as invalid, never held whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversized {
    /// Where it starts.
    pub offset: u64,
    /// Its 1-based line number, where known.
    pub line: Option<u64>,
    /// How long it is.
    pub n_bytes: u64,
    /// How it begins; at most a few KiB.
    pub head: Vec<u8>,
}

/// A record that the source has and that holds nothing to decode, such as a Kafka record whose
/// value is null: counted and reported as invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where it starts.
    pub offset: u64,
    /// What the user reads.
    pub reason: String,
}

/// What an input says next.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every event is a batch, and each has many records"
)]
pub enum InputEvent {
    /// A partition is this input's to read from now on. Said before its first batch; it holds the
    /// watermark back from then on.
    Assigned {
        /// The partition.
        partition: PartitionId,
        /// How to name it to a person: a path, `topic[3]`.
        name: String,
        /// Where it begins, as an instance of the same use case has acknowledged it, where the source
        /// keeps that for all of them (a consumer group's commit). `None` where the engine knows by
        /// itself ([`Open::resume`]), or nobody does.
        resume: Option<Resume>,
    },
    /// Records.
    Batch(InputBatch),
    /// There is nothing more to read in this partition now (its end was reached); it may grow.
    CaughtUp(PartitionId),
    /// Another instance reads this partition from now on, from its committed offset: what this one
    /// has of it behind that is not to come out.
    Revoked(PartitionId),
    /// Nothing more will come of this partition: it was read to its end in a run over what is
    /// there, or it was deleted.
    Ended {
        /// The partition.
        partition: PartitionId,
        /// Whether the checkpoint may forget it: its source is gone for good.
        forget: bool,
    },
    /// A source could not be read, wholly or from here on; the rest goes on. In a run over what is
    /// there the run fails in the end, with this as the reason.
    Failed {
        /// The partition, if it has one yet.
        partition: Option<PartitionId>,
        /// What the user reads, with the path.
        reason: String,
    },
}

/// Where a partition goes on after a restart, or at another instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// The first offset to read.
    pub offset: u64,
    /// What the engine has to know to go on there: some hundred bytes of text, whose meaning is its own.
    /// A source that keeps what is acknowledged keeps this with the offset.
    pub note: String,
}

impl Resume {
    /// At this offset, with nothing to know.
    pub fn at(offset: u64) -> Self {
        Resume {
            offset,
            note: String::new(),
        }
    }
}

/// The past of a source, to be read once more; see [`Open::past`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// Records that arrived before this are not wanted; an input that cannot tell gives them all the
    /// same. `None` is from the first one that is there.
    pub from: Option<Micros>,
}

/// What the engine tells an input when it opens it.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// The use case's name, for what is named after it (a consumer group).
    pub use_case: String,
    /// Where each partition of an earlier run goes on; a partition that is not in it is new.
    pub resume: BTreeMap<PartitionId, Resume>,
    /// Whether `resume` is of an earlier checkpoint that was gone back to: an input whose source keeps
    /// a mark of its own goes back with it, however far that mark is.
    pub rewind: bool,
    /// Read what is there now to its end, then end; do not wait for more.
    pub once: bool,
    /// Read what is there as if nobody had ever read it, and leave no trace at the source: what was
    /// committed there and what the conf says of where to begin do not matter, `resume` is empty, and
    /// nothing is acknowledged. Comes with `once`.
    pub past: Option<Past>,
    /// What the records of a file are; an input whose source has records of its own gives those.
    pub framing: Framing,
    /// The lines of a file that the codec needs with every batch of it.
    pub header: HeaderRule,
    /// The columns that will be used, where the input has columns (Parquet); `None` is all.
    pub columns: Option<Vec<String>>,
    /// Which of the columns of [`Input::beside`] will be used.
    pub beside: Vec<String>,
    /// A record larger than this is [`Oversized`]; 0 is the input's own default.
    pub max_record_bytes: usize,
    /// About how many bytes to give at a time; 0 is the input's own default.
    pub block_bytes: usize,
    /// How many partitions to read side by side; 0 is the input's own default.
    pub n_partitions: usize,
    /// How object stores are reached.
    pub stores: Stores,
}

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
    /// it runs ([`InputEvent::Revoked`]). Windows are then made of each partition by itself.
    const IS_SHARED: bool = false;

    /// Checks what types cannot, all mistakes at once; may look whether a path is there.
    fn check(conf: &Self::Conf, stores: &Stores) -> Problems {
        let _ = (conf, stores);
        Problems::default()
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

/// An open [`Input`] whose type is forgotten: what the engine reads from.
#[async_trait]
pub trait DynInput: Send {
    /// See [`Input::next`].
    ///
    /// # Errors
    /// The whole input cannot go on.
    async fn next(&mut self) -> Result<Option<InputEvent>>;
    /// See [`Input::acknowledge`].
    ///
    /// # Errors
    /// The source refused the commit.
    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let _ = done;
        Ok(())
    }
    /// See [`Input::IS_SHARED`].
    fn is_shared(&self) -> bool {
        false
    }
    /// See [`Input::progress`].
    fn progress(&self) -> Progress {
        Progress::default()
    }
    /// See [`Input::ends`].
    fn ends(&self) -> Ends {
        Ends::default()
    }
}

#[async_trait]
impl<I: Input> DynInput for I {
    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Input::next(self).await
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        Input::acknowledge(self, done).await
    }

    fn is_shared(&self) -> bool {
        I::IS_SHARED
    }

    fn progress(&self) -> Progress {
        Input::progress(self)
    }

    fn ends(&self) -> Ends {
        Input::ends(self)
    }
}

/// An input by its name: what the registry lists.
#[derive(Clone, Copy)]
pub struct InputEntry {
    /// The name that a conf's `input` uses.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether several instances share its partitions; see [`Input::IS_SHARED`].
    pub is_shared: bool,
    check: fn(&Section, &Stores) -> Problems,
    source: fn(&Section, &Stores) -> Result<Source>,
    beside: fn() -> Vec<Field>,
    arrival_column: fn() -> Option<&'static str>,
    open: fn(&Section, Open) -> Opening,
}

/// An input that is being opened.
type Opening = BoxFuture<'static, Result<Box<dyn DynInput>>>;

impl fmt::Debug for InputEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl InputEntry {
    /// The entry of an input.
    pub const fn of<I: Input>() -> Self {
        InputEntry {
            name: I::NAME,
            about: I::ABOUT,
            is_shared: I::IS_SHARED,
            check: |section, stores| match section.parse() {
                Ok(conf) => I::check(&conf, stores),
                Err(problems) => problems,
            },
            source: |section, stores| I::source(&section.parse()?, stores),
            beside: I::beside,
            arrival_column: I::arrival_column,
            open: |section, open| {
                let conf = section.parse::<I::Conf>();
                Box::pin(async move {
                    let input = I::open(conf?, open).await?;
                    Ok(Box::new(input) as Box<dyn DynInput>)
                })
            },
        }
    }

    /// Checks a section `[in_<name>]`: every mistake in it, and what is worth a warning.
    pub fn check(&self, section: &Section, stores: &Stores) -> Problems {
        (self.check)(section, stores)
    }

    /// What the source gives.
    ///
    /// # Errors
    /// A mistake in the section, or the source cannot be read.
    pub fn source(&self, section: &Section, stores: &Stores) -> Result<Source> {
        (self.source)(section, stores)
    }

    /// The columns that it has beside the bytes of each record; see [`Input::beside`].
    pub fn beside(&self) -> Vec<Field> {
        (self.beside)()
    }

    /// The column that says when a record arrived; see [`Input::arrival_column`].
    pub fn arrival_column(&self) -> Option<&'static str> {
        (self.arrival_column)()
    }

    /// Opens the input.
    ///
    /// # Errors
    /// A mistake in the section, or the source cannot be had.
    pub async fn open(&self, section: &Section, open: Open) -> Result<Box<dyn DynInput>> {
        (self.open)(section, open).await
    }
}
