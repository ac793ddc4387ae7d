//! What the engine tells an input when it opens it.

use std::collections::BTreeMap;

use super::{Framing, HeaderRule, Micros, PartitionId};
use crate::Stores;

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
    /// Which of the columns of [`Input::beside`](super::Input::beside) will be used.
    pub beside: Vec<String>,
    /// A record larger than this is [`Oversized`](super::Oversized); 0 is the input's own default.
    pub max_record_bytes: usize,
    /// About how many bytes to give at a time; 0 is the input's own default.
    pub block_bytes: usize,
    /// How many partitions to read side by side; 0 is the input's own default.
    pub n_partitions: usize,
    /// How object stores are reached.
    pub stores: Stores,
}
