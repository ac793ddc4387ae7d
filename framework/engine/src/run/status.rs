//! How a run stands: a snapshot that whoever watches it is told at every tick.
//!
//! All that is in it the run knows anyway; it is put together only for an [`Observer`] that says that
//! it looks at it, a few times a second, and never while a record is worked on. What an output does is
//! told by the output itself ([`Observer::output`]), since the run may have to wait for it.
//!
//! [`Observer`]: super::Observer
//! [`Observer::output`]: super::Observer::output

use datashark_sdk::input::{Micros, OffsetUnit, Progress};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::ledger::Ledger;

/// How a run stands at a moment. Counts begin with the run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// When this was so, in microseconds since 1970.
    pub time: Micros,
    /// The partitions that there are, in the order of their ids.
    pub partitions: Vec<PartitionStatus>,
    /// All partitions together, with those that are gone.
    pub total: Ledger,
    /// Bytes of the source that were read, as they lie there.
    pub read_bytes: u64,
    /// Bytes of the source in all, where that is known.
    pub total_bytes: Option<u64>,
    /// No record before this time is expected any more. `None` where nothing can be said, as in a
    /// batch.
    pub watermark: Option<Micros>,
    /// Windows that have records and are not closed.
    pub n_open_windows: usize,
    /// About what the open windows take in memory, as of the last batch of each lane.
    pub state_bytes: usize,
    /// Windows that were closed and had rows.
    pub n_windows: u64,
    /// Findings that were made.
    pub n_findings: u64,
    /// What the quarantine of records takes on disk, as of the last commit.
    pub quarantine_bytes: u64,
}

/// How one partition stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartitionStatus {
    /// Its stable id.
    pub id: String,
    /// How it is named to a person.
    pub name: String,
    /// What became of its records.
    pub ledger: Ledger,
    /// Everything before this offset is accounted for.
    pub offset: u64,
    /// The latest event time of its records.
    pub max_time: Option<Micros>,
    /// Whether nothing has come of it for a while, so that it holds no window back.
    pub is_idle: bool,
    /// How far its offset is behind its end, where the input knows that and an offset is known of
    /// this run or an earlier one.
    pub lag: Option<Lag>,
}

/// How far behind a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// How much.
    pub n: u64,
    /// Of what.
    pub unit: OffsetUnit,
}

impl Run<'_> {
    /// Tells whoever watches how the run stands.
    pub(super) fn tell_status(&self) {
        let observer = &self.settings.observer;
        if observer.wants_status() {
            observer.status(self.status());
        }
    }

    fn status(&self) -> Status {
        let Progress {
            read_bytes,
            total_bytes,
        } = self.input.progress();
        let ends = self.input.ends();
        let lag = |standing: &Standing<'_>| {
            let end = ends.offsets.get(standing.id)?;
            let n = end.saturating_sub(standing.offset?);
            Some(Lag { n, unit: ends.unit })
        };
        let partitions = self.accounts.standings().map(|standing| PartitionStatus {
            id: standing.id.as_str().to_owned(),
            name: standing.name.to_owned(),
            ledger: *standing.ledger,
            offset: standing.offset.unwrap_or_default(),
            max_time: standing.max_time,
            is_idle: standing.is_idle,
            lag: lag(&standing),
        });
        let delivering = self.sink.counts();
        let used_bytes = &self.pipeline.used_bytes;
        Status {
            time: self.settings.clock.now(),
            partitions: partitions.collect(),
            total: self.accounts.total(),
            read_bytes,
            total_bytes,
            watermark: self.watermark(),
            n_open_windows: self.closing.n_open(),
            state_bytes: used_bytes.load(std::sync::atomic::Ordering::Relaxed),
            n_windows: delivering.n_windows,
            n_findings: delivering.n_findings,
            quarantine_bytes: self.durable.as_ref().map_or(0, |it| it.records_bytes()),
        }
    }
}

/// What the accounts know of a partition.
pub(super) struct Standing<'a> {
    pub(super) id: &'a datashark_sdk::input::PartitionId,
    pub(super) name: &'a str,
    pub(super) ledger: &'a Ledger,
    /// `None` before its first record, where no earlier run has read of it.
    pub(super) offset: Option<u64>,
    pub(super) max_time: Option<Micros>,
    pub(super) is_idle: bool,
}
