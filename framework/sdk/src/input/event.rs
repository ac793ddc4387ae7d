//! What an input says.

use super::{InputBatch, PartitionId, Resume};

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
        /// itself ([`Open::resume`](super::Open::resume)), or nobody does.
        resume: Option<Resume>,
    },
    /// Records.
    Batch(InputBatch),
    /// There is nothing more to read in this partition now (its end was reached); it may grow. A batch
    /// takes it back, also one without records: there may be more that cannot be reached now.
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
