//! The account of every record: `read = filtered + invalid + late + aggregated + in flight`.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// What became of the records of a partition, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Records that the input gave.
    pub read: u64,
    /// Records that `log_filter` left out.
    pub filtered: u64,
    /// Records that did not parse.
    pub invalid: u64,
    /// Records that came after all their windows had closed.
    pub late: u64,
    /// Records that were aggregated.
    pub aggregated: u64,
    /// Records read and not yet accounted for.
    pub in_flight: u64,
    /// Records that an earlier run had accounted for and that were read again after a restart, and
    /// the header lines of files; they are not counted in `read`.
    pub skipped: u64,
    /// Records in which bytes that are not UTF-8 were replaced; they are counted in one of the
    /// others too.
    pub replaced: u64,
    /// Bytes taken from the input.
    pub n_bytes: u64,
}

impl Ledger {
    /// Records that are missing or counted twice: always 0.
    pub fn conservation_gap(&self) -> i128 {
        let accounted = [
            self.filtered,
            self.invalid,
            self.late,
            self.aggregated,
            self.in_flight,
        ];
        i128::from(self.read) - accounted.iter().map(|n| i128::from(*n)).sum::<i128>()
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Ledger) {
        self.read += other.read;
        self.filtered += other.filtered;
        self.invalid += other.invalid;
        self.late += other.late;
        self.aggregated += other.aggregated;
        self.in_flight += other.in_flight;
        self.skipped += other.skipped;
        self.replaced += other.replaced;
        self.n_bytes += other.n_bytes;
    }
}
