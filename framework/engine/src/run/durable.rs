//! What a run keeps in the use case's state folder, and the one place that writes it.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use datashark_sdk::input::{InputBatch, Micros, PartitionId, Resume};
use tracing::warn;

use super::arrivals::{self, Arrivals};
use super::orders::Report;
use crate::aside::{AsideFile, AsideRecord, LATE, Teller};
use crate::checkpoint::{Checkpoint, CheckpointFile, OutputCheckpoint, PartitionCheckpoint};
use crate::error::{Error, Result};
use crate::note;
use crate::quarantine::{self, Entry, Place, Quarantine, RECORDS};
use crate::state::write::{create_folder, remove_if_there};

/// The name of the file that a run holds locked.
pub(crate) const LOCK: &str = "lock";

/// Whether an earlier run is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resuming {
    /// Go on where the last checkpoint is.
    Yes,
    /// Start anew: a batch run, or a look with `-d`. The outputs' receipts count all the same, so
    /// that what a crashed run wrote by halves is cut off, and the quarantine is gone on with.
    No,
}

/// The state folder of a use case, while a run has it.
pub(crate) struct Durable {
    folder: PathBuf,
    checkpoint: Checkpoint,
    file: CheckpointFile,
    resuming: Resuming,
    arrivals: Arrivals,
    records: Quarantine,
    late: AsideFile,
    teller: Teller,
    /// Held for as long as the run is: two runs on one state would both be wrong.
    _lock: File,
}

impl Durable {
    /// Takes a use case's state folder.
    pub(crate) fn open(folder: &Path, use_case: &str, resuming: Resuming) -> Result<Self> {
        let what = || format!("making the state folder {}", folder.display());
        create_folder(folder).map_err(Error::io(what()))?;
        let lock = lock(folder)?;
        let file = CheckpointFile::in_folder(folder);
        let saved = file.load()?;
        let mut checkpoint = saved.unwrap_or_else(|| Checkpoint::new(use_case));
        if resuming == Resuming::No {
            let earlier = std::mem::replace(&mut checkpoint, Checkpoint::new(use_case));
            checkpoint.outputs = earlier.outputs;
            for output in checkpoint.outputs.values_mut() {
                output.delivered_until = None;
            }
            checkpoint.records = earlier.records;
            checkpoint.late_bytes = earlier.late_bytes;
            remove_if_there(&folder.join(arrivals::NAME)).map_err(Error::io(what()))?;
        }
        Ok(Durable {
            folder: folder.to_owned(),
            arrivals: Arrivals::open(folder.join(arrivals::NAME))?,
            records: Quarantine::open(folder, RECORDS, checkpoint.records)?,
            late: AsideFile::open(folder.join(LATE), checkpoint.late_bytes)?,
            checkpoint,
            file,
            resuming,
            teller: Teller::default(),
            _lock: lock,
        })
    }

    /// Where each partition goes on.
    pub(crate) fn resume(&self) -> BTreeMap<PartitionId, Resume> {
        self.checkpoint.resume()
    }

    /// Whether the input is to go back to there, however far its own mark is.
    pub(crate) fn is_rewound(&self) -> bool {
        self.checkpoint.is_rewound
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

    /// Says where records that an earlier run has used, and that will be read again, have no note of
    /// when they arrived: the notes were lost.
    pub(crate) fn tell_missing_arrivals(&self) {
        let ends = self.arrivals.ends();
        for (id, place) in self.earlier_partitions() {
            let end = ends.get(&id).copied().unwrap_or(0).max(place.offset);
            if end < place.accounted {
                warn!(
                    "{}: notes are missing; what {} holds from {end} to {} is read again and counts as arriving now",
                    self.folder.join(arrivals::NAME).display(),
                    place.name,
                    place.accounted
                );
            }
        }
    }

    /// Windows that end at or before this were delivered by an earlier run.
    pub(crate) fn closed_until(&self) -> Option<Micros> {
        self.checkpoint.closed_until
    }

    /// How far an output is.
    pub(crate) fn output(&self, name: &str) -> OutputCheckpoint {
        let output = self.checkpoint.outputs.get(name);
        output.cloned().unwrap_or_default()
    }

    /// Where invalid records and refused findings are kept.
    pub(crate) fn quarantine_folder(&self) -> PathBuf {
        self.records.folder().to_path_buf()
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
    pub(crate) fn keep(&mut self, input: &str, report: &Report, now: Micros) -> Result<()> {
        for record in &report.invalid {
            self.keep_record(input, report.partition.as_str(), record, now)?;
            self.teller.tell(input, record);
        }
        for record in &report.late {
            self.late.keep(input, record)?;
        }
        Ok(())
    }

    /// Keeps a record in the quarantine.
    pub(crate) fn keep_record(
        &mut self,
        input: &str,
        partition: &str,
        record: &AsideRecord,
        now: Micros,
    ) -> Result<()> {
        let entry = Entry::record(input, partition, record, now);
        self.records.keep(&entry)
    }

    /// What the quarantine of records takes on disk.
    pub(crate) fn records_bytes(&self) -> u64 {
        self.records.n_bytes()
    }

    /// Where the quarantine of records is.
    pub(crate) fn records(&self) -> Place {
        self.checkpoint.records
    }

    /// Records that are invalid from now on go behind those that are there, which no longer count
    /// once this is committed.
    pub(crate) fn keep_records_behind(&mut self, folder: &Path) -> Result<()> {
        self.records = Quarantine::open(folder, RECORDS, self.checkpoint.records.next())?;
        Ok(())
    }

    /// Makes durable what a replay has changed: what the outputs say, and what is in quarantine.
    pub(crate) fn commit_replay(
        &mut self,
        outputs: BTreeMap<String, OutputCheckpoint>,
    ) -> Result<()> {
        for (name, replayed) in outputs {
            let output = self.checkpoint.outputs.entry(name).or_default();
            output.receipt = replayed.receipt;
            output.quarantine = replayed.quarantine;
        }
        self.checkpoint.records = self.records.sync()?;
        self.file.save_twice(&self.checkpoint)
    }

    /// What is in quarantine no longer counts.
    pub(crate) fn forget_kept(&mut self, records: bool, findings: bool) -> Result<()> {
        if records {
            self.checkpoint.records = self.checkpoint.records.next();
        }
        let outputs = self.checkpoint.outputs.values_mut();
        for output in outputs.filter(|_| findings) {
            output.quarantine = output.quarantine.next();
        }
        self.file.save_twice(&self.checkpoint)
    }

    /// Removes what no longer counts of the quarantine.
    pub(crate) fn tidy(&self) -> Result<()> {
        quarantine::tidy(&self.folder, RECORDS, self.checkpoint.records)?;
        for (name, output) in &self.checkpoint.outputs {
            quarantine::tidy(&self.folder, name, output.quarantine)?;
        }
        Ok(())
    }

    /// A partition is gone for good.
    pub(crate) fn forget(&mut self, partition: &PartitionId) {
        self.checkpoint.partitions.remove(partition.as_str());
    }

    /// Makes durable how far the run is; gives what the input may commit.
    pub(crate) fn commit(
        &mut self,
        partitions: BTreeMap<String, PartitionCheckpoint>,
        closed_until: Option<Micros>,
        outputs: BTreeMap<String, OutputCheckpoint>,
    ) -> Result<BTreeMap<PartitionId, Resume>> {
        let done = partitions
            .iter()
            .map(|(id, place)| (PartitionId::new(id.as_str()), note::resume(place)));
        let done = done.collect();
        // By the checkpoint before this one, which a damaged one is gone back from.
        self.arrivals.compact(&self.checkpoint)?;
        if self.resuming == Resuming::Yes {
            let earlier = &self.checkpoint.partitions;
            let has_moved = partitions.iter().any(|(id, p)| {
                let before = earlier.get(id);
                before.is_none_or(|before| before.offset != p.offset)
            });
            // From there on the input's mark is what we told it.
            self.checkpoint.is_rewound &= !has_moved;
            self.checkpoint.partitions.extend(partitions);
            self.checkpoint.closed_until = closed_until;
        }
        self.checkpoint.outputs = outputs;
        self.checkpoint.records = self.records.sync()?;
        self.checkpoint.late_bytes = self.late.sync()?;
        match self.resuming {
            Resuming::Yes => self.file.save(&self.checkpoint)?,
            // What it has delivered does not come again.
            Resuming::No => self.file.save_twice(&self.checkpoint)?,
        }
        Ok(done)
    }
}

/// Takes the lock of a state folder.
pub(crate) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
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
    use proptest::prelude::*;

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
        let csv = OutputCheckpoint {
            receipt: Some("7".to_owned()),
            delivered_until: Some(9),
            ..OutputCheckpoint::default()
        };
        let outputs = BTreeMap::from([("csv".to_owned(), csv)]);
        first
            .commit(BTreeMap::from([("p".to_owned(), place)]), Some(5), outputs)
            .unwrap();
        drop(first);
        let again = Durable::open(folder.path(), "x", Resuming::No).unwrap();
        let csv = again.output("csv");
        assert_eq!(
            (csv.receipt.as_deref(), csv.delivered_until),
            (Some("7"), None)
        );
        assert!(again.resume().is_empty());
        assert_eq!(again.closed_until(), None);
    }

    /// A folder with all that a run keeps: two checkpoints, a note of an arrival, a late and an invalid
    /// record.
    fn kept(folder: &Path) {
        let mut durable = Durable::open(folder, "x", Resuming::Yes).unwrap();
        for offset in [10, 20] {
            durable.arrivals.note_for_test("p", offset, 1_000);
            let record = AsideRecord {
                offset,
                line: None,
                reason: "why".to_owned(),
                header: None,
                is_cut: false,
                record: b"a record".to_vec(),
            };
            durable.keep_record("a.log", "p", &record, 0).unwrap();
            durable.late.keep("a.log", &record).unwrap();
            let place = PartitionCheckpoint {
                offset,
                accounted: offset,
                ..PartitionCheckpoint::default()
            };
            let partitions = BTreeMap::from([("p".to_owned(), place)]);
            let closed_until = Some(i64::try_from(offset).unwrap());
            durable
                .commit(partitions, closed_until, BTreeMap::new())
                .unwrap();
        }
    }

    proptest! {
        /// Whatever is damaged, a run goes on from the last checkpoint or from the one before it.
        #[test]
        fn any_damaged_byte_leaves_a_state_that_was(
            file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), to in any::<u8>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            kept(folder.path());
            let quarantined = "quarantine/records-000000.ndjson.zst";
            let names = ["checkpoint.json", "checkpoint.previous.json", "arrivals", "late.ndjson", quarantined];
            let path = folder.path().join(file.get(&names));
            let mut bytes = std::fs::read(&path).unwrap();
            *at.get_mut(&mut bytes) = to;
            std::fs::write(&path, bytes).unwrap();
            let durable = Durable::open(folder.path(), "x", Resuming::Yes).unwrap();
            let offset = durable.resumed(&PartitionId::new("p")).unwrap().offset;
            prop_assert!([10, 20].contains(&offset));
            prop_assert_eq!(durable.closed_until(), Some(offset as i64));
            prop_assert_eq!(durable.is_rewound(), offset == 10);
            let end = durable.arrivals.ends().get(&PartitionId::new("p")).copied();
            prop_assert!([None, Some(10), Some(20)].contains(&end), "{end:?}");
        }
    }
}
