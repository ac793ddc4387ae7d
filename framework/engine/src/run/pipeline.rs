//! What all lanes of a use case do, as a check has found it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use arrow::datatypes::Field;
use datashark_codec::Format;
use datashark_codec::timestamp::TimestampFormat;
use datashark_sdk::Window;
use datashark_sdk::input::Micros;

use crate::aggregate::{Aggregation, View};
use crate::filter::Filter;
use crate::window::Windowing;

/// Where a record's time comes from.
#[derive(Debug, Clone)]
pub(crate) enum TimeSource {
    /// When it arrived.
    Arrival,
    /// When it arrived, by a column of the input's: no record of a partition arrives before the one
    /// before it.
    ArrivalColumn(String),
    /// A column; with a format where it is text.
    Column {
        name: String,
        format: Option<TimestampFormat>,
    },
}

/// How records become rows, as a check has found it.
#[derive(Clone)]
pub(crate) struct Records {
    /// How records become columns; `None` where the input gives columns.
    pub(crate) format: Option<Arc<dyn Format>>,
    pub(crate) filter: Filter,
    /// The columns that the filter looks at.
    pub(crate) filter_columns: Vec<Field>,
    /// The columns that the aggregation and the time need.
    pub(crate) columns: Vec<Field>,
    pub(crate) time: TimeSource,
    /// What the use case reads them through.
    pub(crate) view: Option<View>,
    pub(crate) windowing: Windowing,
    pub(crate) aggregation: Aggregation,
}

/// What all lanes of a use case do.
pub(crate) struct Pipeline {
    pub(crate) records: Records,
    pub(crate) allowed_lateness: Micros,
    pub(crate) keep_late: bool,
    /// What all windows together may take.
    pub(crate) memory_limit: Option<usize>,
    /// What all windows together take.
    pub(crate) used_bytes: AtomicUsize,
    /// Where states that can be put into files go.
    pub(crate) spill_folder: PathBuf,
    /// Only windows that lie in it count, and in a run over everything only records whose time does;
    /// what counts in none is filtered.
    pub(crate) range: Window,
}
