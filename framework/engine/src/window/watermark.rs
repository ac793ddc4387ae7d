//! How far event time has come, over all partitions of an input.

use std::collections::BTreeMap;

use datashark_sdk::input::{Micros, PartitionId};

/// The watermark of each partition, and of all together.
///
/// A partition holds the watermark of all back until it has ended or is idle. One that has not yet
/// given a record holds it back wholly. Where none does, it is where the furthest of them is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watermarks {
    partitions: BTreeMap<PartitionId, Progress>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    max_time: Option<Micros>,
    idle: bool,
    ended: bool,
}

impl Watermarks {
    /// A partition came, at the latest time of it that an earlier run had seen.
    pub(crate) fn assigned(&mut self, partition: PartitionId, max_time: Option<Micros>) {
        let progress = Progress {
            max_time,
            ..Progress::default()
        };
        self.partitions.insert(partition, progress);
    }

    /// Records of a partition came, the latest of this time.
    pub(crate) fn advance(&mut self, partition: &PartitionId, max_time: Option<Micros>) {
        if let Some(progress) = self.partitions.get_mut(partition) {
            progress.max_time = progress.max_time.max(max_time);
            progress.idle = false;
        }
    }

    /// Nothing came of a partition for a while.
    pub(crate) fn idle(&mut self, partition: &PartitionId) {
        if let Some(progress) = self.partitions.get_mut(partition) {
            progress.idle = true;
        }
    }

    /// A partition is somebody else's.
    pub(crate) fn revoked(&mut self, partition: &PartitionId) {
        self.partitions.remove(partition);
    }

    /// Nothing more will come of a partition.
    pub(crate) fn ended(&mut self, partition: &PartitionId) {
        if let Some(progress) = self.partitions.get_mut(partition) {
            progress.ended = true;
        }
    }

    /// No record before this time is expected any more; `None` where nothing can be said.
    pub(crate) fn all(&self, allowed_lateness: Micros) -> Option<Micros> {
        let holding = || self.partitions.values().filter(|p| !p.idle && !p.ended);
        if holding().any(|progress| progress.max_time.is_none()) {
            return None;
        }
        let lowest = holding().filter_map(|progress| progress.max_time).min();
        let furthest = || self.partitions.values().filter_map(|p| p.max_time).max();
        Some(lowest.or_else(furthest)? - allowed_lateness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(name: &str) -> PartitionId {
        PartitionId::new(name)
    }

    #[test]
    fn the_slowest_partition_holds_the_watermark_back() {
        let mut watermarks = Watermarks::default();
        watermarks.assigned(partition("a"), None);
        watermarks.assigned(partition("b"), None);
        watermarks.advance(&partition("a"), Some(100));
        assert_eq!(watermarks.all(0), None);
        watermarks.advance(&partition("b"), Some(40));
        assert_eq!(watermarks.all(0), Some(40));
        assert_eq!(watermarks.all(15), Some(25));
    }

    #[test]
    fn an_idle_partition_does_not_hold_it_back_until_it_wakes() {
        let mut watermarks = Watermarks::default();
        watermarks.assigned(partition("a"), None);
        watermarks.assigned(partition("b"), None);
        watermarks.advance(&partition("a"), Some(100));
        watermarks.idle(&partition("b"));
        assert_eq!(watermarks.all(0), Some(100));
        watermarks.advance(&partition("b"), Some(60));
        assert_eq!(watermarks.all(0), Some(60));
    }

    #[test]
    fn where_all_are_idle_it_is_where_the_furthest_is() {
        let mut watermarks = Watermarks::default();
        assert_eq!(watermarks.all(0), None);
        for (name, time) in [("a", 100), ("b", 40)] {
            watermarks.assigned(partition(name), None);
            watermarks.advance(&partition(name), Some(time));
            watermarks.idle(&partition(name));
        }
        assert_eq!(watermarks.all(15), Some(85));
        watermarks.advance(&partition("b"), Some(50));
        assert_eq!(watermarks.all(15), Some(35));
    }

    #[test]
    fn an_ended_partition_does_not_hold_it_back() {
        let mut watermarks = Watermarks::default();
        watermarks.assigned(partition("a"), None);
        watermarks.assigned(partition("b"), None);
        watermarks.advance(&partition("a"), Some(100));
        watermarks.ended(&partition("b"));
        assert_eq!(watermarks.all(0), Some(100));
    }
}
