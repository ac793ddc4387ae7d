//! The JSON of inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ProblemJson;
use crate::conf::Section;
use crate::input::{Directives, Header, HeaderRule, OffsetUnit};

/// What an input says of itself.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct InputDescribed {
    /// Whether several instances share its partitions.
    pub is_shared: bool,
    /// Whether no later run can read its records again.
    pub reads_once: bool,
    /// The column that says when a record arrived.
    pub arrival_column: Option<String>,
}

/// What an input says of a section.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InputChecked {
    /// Every mistake, and what is worth a warning.
    pub problems: Vec<ProblemJson>,
    /// The codec that the source suggests.
    pub format: Option<String>,
    /// What is wrong with the source itself.
    pub source_error: Option<String>,
}

/// What an input is opened with.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct InputOpening {
    /// Its section of the conf.
    pub section: Section,
    /// The use case's name.
    pub use_case: String,
    /// Where each partition goes on.
    pub resume: BTreeMap<String, Place>,
    /// Whether `resume` is of an earlier checkpoint that was gone back to.
    pub rewind: bool,
    /// Read what is there now, then end.
    pub once: bool,
    /// Read the past, and leave no trace; its records from this time on, `null` for all.
    pub past: Option<Option<i64>>,
    /// The header lines that the codec needs with every batch: `first_line`, `{"directives": "#"}`.
    pub header: Option<HeaderJson>,
    /// The columns that will be used, where the input has columns.
    pub columns: Option<Vec<String>>,
    /// The columns beside the records that will be used.
    pub beside: Vec<String>,
    /// A record larger than this is too large; 0 is the input's own default.
    pub max_record_bytes: usize,
    /// About how many bytes to give at a time; 0 is the input's own default.
    pub block_bytes: usize,
    /// How many partitions to read side by side; 0 is the input's own default.
    pub n_partitions: usize,
}

/// Which header lines a codec needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderJson {
    /// The first line.
    FirstLine,
    /// The last of each kind of the lines that begin so.
    Directives(u8),
}

impl HeaderJson {
    /// The rule, if there is one.
    pub fn of(rule: HeaderRule) -> Option<Self> {
        match rule {
            HeaderRule::None => None,
            HeaderRule::FirstLine => Some(HeaderJson::FirstLine),
            HeaderRule::Directives(mark) => Some(HeaderJson::Directives(mark)),
        }
    }

    /// The rule that it is.
    pub fn rule(json: Option<&HeaderJson>) -> HeaderRule {
        match json {
            None => HeaderRule::None,
            Some(HeaderJson::FirstLine) => HeaderRule::FirstLine,
            Some(HeaderJson::Directives(mark)) => HeaderRule::Directives(*mark),
        }
    }
}

/// Where a partition goes on.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The first offset to read.
    pub offset: u64,
    /// What the engine has to know to go on there.
    pub note: String,
}

/// What is acknowledged.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Acknowledged(pub BTreeMap<String, Place>);

/// What an input says next.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Nothing came in the time.
    Nothing,
    /// Nothing will come any more.
    End,
    /// A partition is this input's from now on.
    Assigned {
        /// The partition.
        partition: String,
        /// How to name it to a person.
        name: String,
        /// Where it begins, where the source knows.
        #[serde(default)]
        resume: Option<Place>,
    },
    /// Records; the batch itself is in `records`: the columns `record` (`BinaryView` or `Binary`) and
    /// `offset` (`UInt64`), and those beside; or where the source gives columns, these.
    Batch(Box<BatchJson>),
    /// There is nothing more in a partition now.
    CaughtUp(String),
    /// Another instance reads a partition from now on.
    Revoked(String),
    /// Nothing more will come of a partition.
    Ended {
        /// The partition.
        partition: String,
        /// Whether its source is gone for good.
        #[serde(default)]
        forget: bool,
    },
    /// A source could not be read.
    Failed {
        /// The partition, if it has one.
        #[serde(default)]
        partition: Option<String>,
        /// What the user reads.
        reason: String,
    },
}

/// What comes with a batch of records.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchJson {
    /// Whose records these are.
    pub partition: String,
    /// The offset behind the last record.
    pub end_offset: u64,
    /// Bytes taken from the source.
    pub n_bytes: u64,
    /// When they arrived, where the source says so.
    pub arrival: Option<i64>,
    /// The line number of the first record.
    pub first_line: Option<u64>,
    /// Where the source gives columns: the offset of the first row.
    pub first_offset: Option<u64>,
    /// The first line, where it was asked for.
    pub header_line: Option<Vec<u8>>,
    /// The directives, where they were asked for: the mark, and the lines.
    pub header_directives: Option<(u8, Vec<u8>)>,
    /// Records that were too large.
    pub oversized: Vec<OversizedJson>,
    /// Records that have no bytes to decode: offset and reason.
    pub unreadable: Vec<(u64, String)>,
}

impl BatchJson {
    /// The header lines as they cross.
    pub fn set_header(&mut self, header: &Header) {
        match header {
            Header::FirstLine(line) => self.header_line = Some(line.to_vec()),
            Header::Directives(directives) => {
                let text = directives.lines().collect::<Vec<&[u8]>>().join(&b'\n');
                self.header_directives = Some((directives.mark(), text));
            }
        }
    }

    /// The header lines as they came.
    pub fn header(&self) -> Option<Header> {
        if let Some(line) = &self.header_line {
            return Some(line.as_slice().into());
        }
        let (mark, text) = self.header_directives.as_ref()?;
        let lines = text.split(|byte| *byte == b'\n');
        let mut directives = Directives::new(*mark);
        directives.read(&arrow::array::BinaryViewArray::from_iter_values(lines));
        Some(Header::Directives(directives))
    }
}

/// A record that was too large.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct OversizedJson {
    /// Where it starts.
    pub offset: u64,
    /// Its line number, where known.
    pub line: Option<u64>,
    /// How long it is.
    pub n_bytes: u64,
    /// How it begins.
    pub head: Vec<u8>,
}

/// How far an input is.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct InputStatus {
    /// Bytes of the source that were read.
    pub read_bytes: u64,
    /// Bytes there are in all, where known.
    pub total_bytes: Option<u64>,
    /// What one step of an offset is.
    pub unit: OffsetUnit,
    /// The offset behind the last record of the partitions of which it is known.
    pub ends: BTreeMap<String, u64>,
}
