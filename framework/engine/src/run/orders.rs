//! What passes between a run and its lanes: orders, and a report on every batch.

use std::sync::Arc;

use datashark_sdk::input::{InputBatch, Micros, PartitionId};
use tokio::sync::oneshot;

use crate::aggregate::State;
use crate::aside::AsideRecord;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::stream::SharedBatch;
use crate::window::{Share, Slot};

/// What a lane is told.
pub(crate) enum ToLane {
    /// A partition goes on where an earlier run was.
    Resume {
        partition: PartitionId,
        place: PartitionState,
    },
    /// A partition is somebody else's from now on: what was made of it is dropped.
    Revoke(PartitionId),
    /// Records, and when they arrived.
    Batch {
        batch: Box<InputBatch>,
        /// What is made of it once for all who read it.
        shared: Option<Arc<SharedBatch>>,
        arrival: Micros,
    },
    /// Windows close: hand over the states of these slots, window by window. `last` says that no
    /// later window needs the slot. A record that is earlier than `closed_until` is late from now on,
    /// of whatever partition.
    Collect {
        windows: Vec<Vec<(Slot, Last)>>,
        closed_until: Micros,
        reply: oneshot::Sender<Result<Vec<Vec<State>>>>,
    },
}

/// Whether a slot is needed by no later window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Yes,
    No,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) partition: PartitionId,
    /// How many records the batch had.
    pub(crate) n_records: u64,
    pub(crate) end_offset: u64,
    pub(crate) ledger: Ledger,
    pub(crate) invalid: Vec<AsideRecord>,
    pub(crate) late: Vec<AsideRecord>,
    /// The partition's latest time before and after the batch.
    pub(crate) max_time_before: Option<Micros>,
    pub(crate) max_time: Option<Micros>,
    /// The slots that records went to.
    pub(crate) slots: Vec<Slot>,
}

impl Report {
    /// Of a batch of a partition, before anything has become of it.
    pub(super) fn new(partition: PartitionId) -> Self {
        Report {
            partition,
            n_records: 0,
            end_offset: 0,
            ledger: Ledger::default(),
            invalid: Vec::new(),
            late: Vec::new(),
            max_time_before: None,
            max_time: None,
            slots: Vec::new(),
        }
    }
}

/// What a lane knows of a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PartitionState {
    /// With whose windows its own are made.
    pub(crate) share: Share,
    pub(crate) max_time: Option<Micros>,
    /// Records before this offset were accounted for by an earlier run.
    pub(crate) accounted: u64,
    /// Its windows that end at or before this were closed.
    pub(crate) closed_until: Option<Micros>,
}
