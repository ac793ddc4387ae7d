//! Records on their way to the engine.

use arrow::array::{Array, BinaryViewArray, RecordBatch};
use arrow::buffer::ScalarBuffer;

use super::{Header, Micros, PartitionId};

/// Raw records, one byte string each, as they stood in the input.
#[derive(Debug, Clone)]
pub struct Payloads {
    /// A record each, without its line terminator; views into one shared block, so that a text
    /// column can be cut out of it without a copy. Never null.
    pub records: BinaryViewArray,
    /// Where each record starts, ascending; as many as `records`.
    pub offsets: ScalarBuffer<u64>,
    /// The header lines of the file where the codec asked for them
    /// ([`Open::header`](super::Open::header)), as they hold for the first of these records, whatever
    /// part of the file they are from. Directives among the records hold for what follows them.
    pub header: Option<Header>,
    /// The 1-based line number of the first record where records are lines and it is known.
    pub first_line: Option<u64>,
    /// Columns that the source has beside the bytes, such as a Kafka record's key, a row for each of
    /// `records`: those of [`Input::beside`](super::Input::beside) that
    /// [`Open::beside`](super::Open::beside) asks for, in its order.
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
