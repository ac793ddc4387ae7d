//! What a run keeps in the use case's state folder, and the one place that writes it.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use datashark_sdk::input::{InputBatch, Micros, PartitionId, Resume};
use tracing::warn;

use super::arrivals::Arrivals;
use super::lane::Report;
use crate::aside::{AsideFile, AsideRecord};
use crate::checkpoint::{Checkpoint, CheckpointFile, PartitionCheckpoint};
use crate::error::{Error, Result};

/// Invalid records that are told one by one; after that, only when their number has grown tenfold.
const N_TOLD: u64 = 5;

/// Whether an earlier run is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resuming {
    /// Go on where the last checkpoint is.
    Yes,
    /// Start anew: a batch run, or a look with `-d`. The outputs' receipts count all the same, so
    /// that what a crashed run wrote by halves is cut off.
    No,
}

/// The state folder of a use case, while a run has it.
pub(crate) struct Durable {
    checkpoint: Checkpoint,
    file: CheckpointFile,
    resuming: Resuming,
    arrivals: Arrivals,
    invalid: AsideFile,
    late: AsideFile,
    n_invalid: u64,
    /// Held for as long as the run is: two runs on one state would both be wrong.
    _lock: File,
}

impl Durable {
    /// Takes a use case's state folder.
    pub(crate) fn open(folder: &Path, use_case: &str, resuming: Resuming) -> Result<Self> {
        let what = || format!("making the state folder {}", folder.display());
        fs::create_dir_all(folder).map_err(Error::io(what()))?;
        let lock = lock(folder)?;
        let file = CheckpointFile::in_folder(folder);
        let saved = file.load()?;
        let mut checkpoint = saved.unwrap_or_else(|| Checkpoint::new(use_case));
        if resuming == Resuming::No {
            let receipts = checkpoint.receipts;
            checkpoint = Checkpoint::new(use_case);
            checkpoint.receipts = receipts;
            let arrivals = folder.join("arrivals");
            if arrivals.exists() {
                fs::remove_file(&arrivals).map_err(Error::io(what()))?;
            }
        }
        Ok(Durable {
            arrivals: Arrivals::open(folder.join("arrivals"))?,
            invalid: AsideFile::open(folder.join("invalid.ndjson"), checkpoint.invalid_bytes)?,
            late: AsideFile::open(folder.join("late.ndjson"), checkpoint.late_bytes)?,
            checkpoint,
            file,
            resuming,
            n_invalid: 0,
            _lock: lock,
        })
    }

    /// Where each partition goes on.
    pub(crate) fn resume(&self) -> BTreeMap<PartitionId, Resume> {
        self.checkpoint.resume()
    }

    /// Where a partition goes on.
    pub(crate) fn resumed(&self, partition: &PartitionId) -> Option<&PartitionCheckpoint> {
        self.checkpoint.partitions.get(partition.as_str())
    }

    /// The partitions of an earlier run.
    pub(crate) fn earlier_partitions(
        &self,
    ) -> impl Iterator<Item = (PartitionId, &PartitionCheckpoint)> {
        let partitions = self.checkpoint.partitions.iter();
        partitions.map(|(id, place)| (PartitionId::new(id.as_str()), place))
    }

    /// Partitions with records whose arrival an earlier run has noted and that will be read again,
    /// and where those records end.
    pub(crate) fn replaying(&self) -> BTreeMap<PartitionId, u64> {
        let mut ends = self.arrivals.ends();
        ends.retain(|id, end| self.resumed(id).is_none_or(|place| place.offset < *end));
        ends
    }

    /// Windows that end at or before this were delivered by an earlier run.
    pub(crate) fn closed_until(&self) -> Option<Micros> {
        self.checkpoint.closed_until
    }

    /// The receipt of an output.
    pub(crate) fn receipt(&self, output: &str) -> Option<String> {
        self.checkpoint.receipts.get(output).cloned()
    }

    /// Where invalid records are kept.
    pub(crate) fn invalid_path(&self) -> PathBuf {
        self.invalid.path().to_path_buf()
    }

    /// The parts of a batch with the times when they arrived.
    pub(crate) fn arrivals(
        &mut self,
        batch: InputBatch,
        now: Micros,
    ) -> Result<Vec<(InputBatch, Micros)>> {
        self.arrivals.times(batch, now)
    }

    /// Keeps the records of a batch that are to be kept aside.
    pub(crate) fn keep(&mut self, input: &str, report: &Report) -> Result<()> {
        for record in &report.invalid {
            self.invalid.keep(input, record)?;
            self.n_invalid += 1;
            self.tell_invalid(input, record);
        }
        for record in &report.late {
            self.late.keep(input, record)?;
        }
        Ok(())
    }

    fn tell_invalid(&self, input: &str, record: &AsideRecord) {
        let n = self.n_invalid;
        if n <= N_TOLD || (n >= 10 && n.is_multiple_of(10u64.pow(n.ilog10()))) {
            let place = match record.line {
                Some(line) => format!("{input}:{line}"),
                None => format!("{input} at byte {}", record.offset),
            };
            warn!(n_so_far = n, reason = %record.reason, "invalid record in {place}");
        }
    }

    /// A partition is gone for good.
    pub(crate) fn forget(&mut self, partition: &PartitionId) {
        self.checkpoint.partitions.remove(partition.as_str());
    }

    /// Makes durable how far the run is; gives the offsets that the input may commit.
    pub(crate) fn commit(
        &mut self,
        partitions: BTreeMap<String, PartitionCheckpoint>,
        closed_until: Option<Micros>,
        receipts: BTreeMap<String, String>,
    ) -> Result<BTreeMap<PartitionId, u64>> {
        let offsets = partitions
            .iter()
            .map(|(id, p)| (PartitionId::new(id.as_str()), p.offset));
        let offsets = offsets.collect();
        if self.resuming == Resuming::Yes {
            self.checkpoint.partitions.extend(partitions);
            self.checkpoint.closed_until = closed_until;
        }
        self.checkpoint.receipts.extend(receipts);
        self.checkpoint.invalid_bytes = self.invalid.sync()?;
        self.checkpoint.late_bytes = self.late.sync()?;
        self.file.save(&self.checkpoint)?;
        self.arrivals.committed(&self.checkpoint)?;
        Ok(offsets)
    }
}

/// Takes the lock of a state folder.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let what = || format!("locking {}", path.display());
    let file = File::create(&path).map_err(Error::io(what()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::State {
            path: folder.display().to_string(),
            reason: "another run of this use case has this state folder; stop that one, or give this one another with `--state`".to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::io(what())(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_cannot_have_one_state_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Durable::open(folder.path(), "x", Resuming::Yes).unwrap();
        let second = Durable::open(folder.path(), "x", Resuming::Yes)
            .err()
            .unwrap();
        assert!(second.to_string().contains("another run"), "{second}");
        drop(first);
        assert!(Durable::open(folder.path(), "x", Resuming::Yes).is_ok());
    }

    #[test]
    fn a_run_that_starts_anew_keeps_only_the_receipts() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Durable::open(folder.path(), "x", Resuming::Yes).unwrap();
        let place = PartitionCheckpoint {
            offset: 9,
            ..PartitionCheckpoint::default()
        };
        let receipts = BTreeMap::from([("csv".to_owned(), "7".to_owned())]);
        first
            .commit(BTreeMap::from([("p".to_owned(), place)]), Some(5), receipts)
            .unwrap();
        drop(first);
        let again = Durable::open(folder.path(), "x", Resuming::No).unwrap();
        assert_eq!(again.receipt("csv").as_deref(), Some("7"));
        assert!(again.resume().is_empty());
        assert_eq!(again.closed_until(), None);
    }
}
