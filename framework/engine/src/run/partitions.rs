//! Partitions come, go to another instance, and are gone for good.

use datashark_sdk::input::{PartitionId, Resume};

use super::orders::{PartitionState, ToLane};
use super::{Run, Until};
use crate::checkpoint::PartitionCheckpoint;
use crate::error::Result;
use crate::note;
use crate::window::Share;

impl Run<'_> {
    /// Partitions of an earlier run hold the watermark back from the start: a live input finds them
    /// one after another, and windows must not close before the records that an earlier run had
    /// read have been read again. In a run over what is there, all are announced before the first
    /// batch.
    pub(super) fn expect_earlier_partitions(&mut self) {
        let Some(durable) = &self.durable else { return };
        if self.settings.until == Until::End {
            return;
        }
        self.replaying = durable.replaying();
        // Another instance may have them now; the windows of one that comes are made by themselves.
        if self.input.is_shared() {
            return;
        }
        let (now, n_lanes) = (self.settings.clock.now(), self.lanes.len());
        for (id, earlier) in durable.earlier_partitions() {
            self.accounts
                .assigned(&id, Share::default(), earlier, 0, n_lanes, now);
            self.watermarks.assigned(id, earlier.max_time);
        }
    }

    pub(super) fn assigned(
        &mut self,
        partition: PartitionId,
        name: String,
        resume: Option<Resume>,
    ) -> Result<()> {
        let is_shared = self.input.is_shared();
        let known = self.durable.as_ref();
        let known = known.and_then(|durable| durable.resumed(&partition));
        let told = resume.map(|resume| note::place(&name, &resume));
        // The later one; an instance that had it in between has acknowledged more than we know of.
        let later = |it: &PartitionCheckpoint| (it.offset, it.accounted, it.closed_until);
        let is_own = match (known, &told) {
            (Some(known), Some(told)) => later(known) >= later(told),
            (known, _) => known.is_some(),
        };
        let mut from = match is_own {
            true => known.cloned(),
            false => told,
        }
        .unwrap_or_default();
        from.name = name;
        let share = match is_shared {
            true => {
                self.n_shares += 1;
                Share(self.n_shares)
            }
            false => Share::default(),
        };
        if !is_shared {
            from.closed_until = self.closing.closed_until();
        }
        self.closing
            .begins(share, from.closed_until, is_own || !is_shared);
        let (now, n_lanes) = (self.settings.clock.now(), self.lanes.len());
        let lane_idx =
            self.accounts
                .assigned(&partition, share, &from, self.n_closed, n_lanes, now);
        self.has_new_partitions = true;
        self.watermarks.assigned(partition.clone(), from.max_time);
        let place = PartitionState {
            share,
            max_time: from.max_time,
            accounted: from.accounted,
            closed_until: from.closed_until,
        };
        self.order(lane_idx, ToLane::Resume { partition, place })
    }

    /// What was made of a partition and is not delivered is dropped: it comes out where the partition is
    /// read now, from where we acknowledged it.
    pub(super) async fn revoked(&mut self, partition: &PartitionId) -> Result<()> {
        self.settle().await?;
        let lane_idx = self.accounts.lane_idx(partition);
        self.order(lane_idx, ToLane::Revoke(partition.clone()))?;
        if let Some(share) = self.accounts.forgotten(partition) {
            self.closing.revoked(share);
        }
        self.watermarks.revoked(partition);
        self.replaying.remove(partition);
        self.gone.remove(partition);
        if let Some(durable) = &mut self.durable {
            durable.forget(partition);
        }
        self.close_due().await
    }

    /// Forgets partitions that are gone and whose records are all delivered.
    pub(super) fn forget_gone(&mut self) {
        let settled: Vec<PartitionId> = self
            .gone
            .iter()
            .filter(|id| self.accounts.is_settled(id))
            .cloned()
            .collect();
        for partition in settled {
            self.accounts.forgotten(&partition);
            self.gone.remove(&partition);
            if let Some(durable) = &mut self.durable {
                durable.forget(&partition);
            }
        }
    }
}
