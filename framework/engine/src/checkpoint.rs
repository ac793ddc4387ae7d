//! The checkpoint: how far a use case has come, made durable after its findings were.
//!
//! The input's log is the state: a checkpoint holds offsets, not records. After a crash the records
//! behind the offsets are read again; windows are assigned by the records' own time, so that the
//! same windows come out again.
//!
//! `<state>/<use case>/checkpoint.json` is written whole beside the old one, made durable, and
//! renamed over it, so that there is always a whole one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use datashark_sdk::input::{Micros, PartitionId};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::quarantine::Place;

/// The version of the format that this build writes. It reads version 1, too.
const VERSION: u32 = 2;

/// How far a use case has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    version: u32,
    /// The use case's name, for whoever reads the file.
    pub(crate) use_case: String,
    /// Windows that end at or before this time were delivered, in microseconds since 1970.
    pub(crate) closed_until: Option<Micros>,
    /// How far each partition is.
    pub(crate) partitions: BTreeMap<String, PartitionCheckpoint>,
    /// How far each output is.
    pub(crate) outputs: BTreeMap<String, OutputCheckpoint>,
    /// The quarantine of records.
    pub(crate) records: Place,
    /// The length of the file of late records.
    pub(crate) late_bytes: u64,
}

/// How far a partition is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct PartitionCheckpoint {
    /// How it is named to a person.
    pub(crate) name: String,
    /// Where to read on: the first record of a window that was not delivered.
    pub(crate) offset: u64,
    /// The latest event time before that offset.
    pub(crate) max_time: Option<Micros>,
    /// Everything before this offset was accounted for: it is filtered, invalid, late, or in a
    /// window.
    pub(crate) accounted: u64,
    /// Its windows that end at or before this time were delivered.
    #[serde(default)]
    pub(crate) closed_until: Option<Micros>,
}

/// How far an output is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct OutputCheckpoint {
    /// What it gave as its receipt.
    pub(crate) receipt: Option<String>,
    /// Windows that end at or before this it has: it may be ahead of the others.
    pub(crate) delivered_until: Option<Micros>,
    /// The quarantine of what it refused.
    pub(crate) quarantine: Place,
}

/// A checkpoint of version 1: all outputs were equally far.
#[derive(Deserialize)]
struct Version1 {
    use_case: String,
    closed_until: Option<Micros>,
    partitions: BTreeMap<String, PartitionCheckpoint>,
    receipts: BTreeMap<String, String>,
    late_bytes: u64,
}

impl From<Version1> for Checkpoint {
    fn from(old: Version1) -> Self {
        let output = |receipt| OutputCheckpoint {
            receipt: Some(receipt),
            delivered_until: old.closed_until,
            quarantine: Place::default(),
        };
        let receipts = old.receipts.into_iter();
        Checkpoint {
            version: VERSION,
            use_case: old.use_case,
            closed_until: old.closed_until,
            partitions: old.partitions,
            outputs: receipts
                .map(|(name, receipt)| (name, output(receipt)))
                .collect(),
            records: Place::default(),
            late_bytes: old.late_bytes,
        }
    }
}

impl Checkpoint {
    /// The first one of a use case.
    pub(crate) fn new(use_case: &str) -> Self {
        Checkpoint {
            version: VERSION,
            use_case: use_case.to_owned(),
            ..Checkpoint::default()
        }
    }

    /// Where each partition goes on.
    pub(crate) fn resume(&self) -> BTreeMap<PartitionId, datashark_sdk::input::Resume> {
        let resume = |p: &PartitionCheckpoint| datashark_sdk::input::Resume::at(p.offset);
        let partitions = self.partitions.iter();
        partitions
            .map(|(id, p)| (PartitionId::new(id.as_str()), resume(p)))
            .collect()
    }
}

/// Where the checkpoint of a use case lies.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
}

impl CheckpointFile {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        CheckpointFile {
            path: folder.join("checkpoint.json"),
        }
    }

    /// The last checkpoint; `None` where there is none yet.
    pub(crate) fn load(&self) -> Result<Option<Checkpoint>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("reading {}", self.path.display()))(error)),
        };
        let state = |reason: String| Error::State {
            path: self.path.display().to_string(),
            reason,
        };
        let damaged = |error| {
            state(format!(
                "not a checkpoint ({error}); remove the file to read the input from its start"
            ))
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        let checkpoint = match version {
            1 => serde_json::from_slice::<Version1>(&bytes).map(Checkpoint::from),
            VERSION => serde_json::from_slice(&bytes),
            _ => {
                return Err(state(format!(
                    "written in format {version} and this build reads formats 1 to {VERSION}; run the build that wrote it, or remove the file to read the input from its start"
                )));
            }
        };
        checkpoint.map(Some).map_err(damaged)
    }

    /// Makes a checkpoint durable.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        let json = serde_json::to_vec_pretty(checkpoint)
            .map_err(|error| Error::Internal(format!("a checkpoint cannot be written: {error}")))?;
        write_atomically(&self.path, &json)
    }
}

/// Writes a file whole or not at all, durably.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("writing {}", path.display());
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(Error::io(what()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_data())
        .map_err(Error::io(what()))?;
    fs::rename(&new, path).map_err(Error::io(what()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io(what()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_comes_back_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::in_folder(folder.path());
        assert_eq!(file.load().unwrap(), None);
        let mut checkpoint = Checkpoint::new("Word Count");
        checkpoint.closed_until = Some(-5);
        checkpoint.partitions.insert(
            "p".into(),
            PartitionCheckpoint {
                name: "a".into(),
                offset: 7,
                max_time: None,
                accounted: 9,
                closed_until: Some(-5),
            },
        );
        file.save(&checkpoint).unwrap();
        file.save(&checkpoint).unwrap();
        assert_eq!(file.load().unwrap(), Some(checkpoint));
    }

    #[test]
    fn a_damaged_or_newer_checkpoint_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::in_folder(folder.path());
        fs::write(&file.path, "{").unwrap();
        assert!(
            file.load()
                .unwrap_err()
                .to_string()
                .contains("remove the file")
        );
        let mut newer = Checkpoint::new("x");
        newer.version = 99;
        file.save(&newer).unwrap();
        assert!(file.load().unwrap_err().to_string().contains("format 99"));
    }

    #[test]
    fn the_first_format_can_still_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::in_folder(folder.path());
        fs::write(
            &file.path,
            include_bytes!("../test-data/checkpoint.v1.json"),
        )
        .unwrap();
        let checkpoint = file.load().unwrap().unwrap();
        assert_eq!(checkpoint.use_case, "Web Anomaly Detection");
        assert_eq!(checkpoint.partitions["8-15-1"].offset, 1048576);
        let csv = &checkpoint.outputs["csv"];
        assert!(csv.receipt.is_some());
        assert_eq!(csv.delivered_until, checkpoint.closed_until);
    }

    #[test]
    fn the_second_format_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::in_folder(folder.path());
        fs::write(
            &file.path,
            include_bytes!("../test-data/checkpoint.v2.json"),
        )
        .unwrap();
        let checkpoint = file.load().unwrap().unwrap();
        let elasticsearch = &checkpoint.outputs["elasticsearch"];
        assert_eq!(elasticsearch.receipt, None);
        assert_eq!(elasticsearch.delivered_until, checkpoint.closed_until);
        assert!(checkpoint.outputs["csv"].delivered_until > checkpoint.closed_until);
        assert_eq!(elasticsearch.quarantine.bytes, 4096);
        assert_eq!(checkpoint.records.last, 3);
    }
}
