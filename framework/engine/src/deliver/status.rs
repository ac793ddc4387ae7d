//! How an output stands: a snapshot that it tells itself, with every delivery and every try.

use datashark_sdk::input::Micros;
use serde::{Deserialize, Serialize};

/// How an output stands. Counts begin with the run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputStatus {
    /// Findings that it has.
    pub n_delivered: u64,
    /// Findings that it refused for good.
    pub n_refused: u64,
    /// How often it was asked again.
    pub n_retries: u64,
    /// Why it was asked again, while that lasts.
    pub trouble: Option<String>,
    /// Windows whose findings wait for it.
    pub n_waiting_windows: usize,
    /// What these take, in memory and in the spool.
    pub waiting_bytes: u64,
    /// How long its deliveries took.
    pub latency: Latency,
    /// What the quarantine of its refused findings takes on disk.
    pub quarantine_bytes: u64,
}

/// How long deliveries took, from the first try until all findings were safe or refused: counted in
/// the buckets of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// How many took at most as long as the bound of the same place in [`Latency::BOUNDS`], and more
    /// than the bound before it; the last is of those that took longer than all of them.
    pub counts: [u64; Latency::BOUNDS.len() + 1],
    /// All of them together.
    pub sum: Micros,
}

impl Latency {
    /// Bounds of the buckets, in microseconds: from what a local file takes to the longest pause
    /// between two tries and beyond.
    pub const BOUNDS: [Micros; 10] = [
        1_000,
        5_000,
        25_000,
        100_000,
        250_000,
        500_000,
        1_000_000,
        5_000_000,
        30_000_000,
        120_000_000,
    ];

    /// Counts a delivery.
    pub(super) fn count(&mut self, took: Micros) {
        let idx = Self::BOUNDS.partition_point(|bound| *bound < took);
        if let Some(count) = self.counts.get_mut(idx) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took.max(0));
    }

    /// How many deliveries there were.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_counted_where_its_time_is_at_most_the_bound() {
        let mut latency = Latency::default();
        for took in [0, 1_000, 1_001, 120_000_000, 120_000_001] {
            latency.count(took);
        }
        assert_eq!(latency.counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((latency.n(), latency.sum), (5, 240_002_002));
    }
}
