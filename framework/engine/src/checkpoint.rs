//! The checkpoint: how far a use case has come, made durable after its findings were.
//!
//! The input's log is the state: a checkpoint holds offsets, not records. After a crash the records
//! behind the offsets are read again; windows are assigned by the records' own time, so that the
//! same windows come out again.
//!
//! `<state>/<use case>/checkpoint.json` is written whole beside the old one, made durable, and
//! renamed over it, so that there is always a whole one. The one before it stays as
//! `checkpoint.previous.json`: where the last one is damaged, it is gone back to, and what came since
//! is read and delivered again, as after a crash. [`crate::state`] says what holds for all files.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use datashark_sdk::input::{Micros, PartitionId};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::error::{Error, Result};
use crate::quarantine::Place;
use crate::state::checksum::{self, Checked};
use crate::state::write::{keep_damaged, name_also, remove_if_there, write_atomically};

/// The version of the format that this build writes. It reads versions 1 and 2, too.
const VERSION: u32 = 3;
/// The first version that has a checksum.
const FIRST_WITH_CHECKSUM: u32 = 3;

/// The last checkpoint, and the one before it.
pub(crate) const LAST: &str = "checkpoint.json";
pub(crate) const PREVIOUS: &str = "checkpoint.previous.json";

/// How far a use case has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    version: u32,
    /// The version that it was read in; an earlier one than ours is written in ours.
    #[serde(skip)]
    pub(crate) written_as: u32,
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
    /// Whether this is an earlier checkpoint that was gone back to: the input's own mark, where its
    /// source keeps one, may be further and does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_rewound: bool,
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
            written_as: 1,
            use_case: old.use_case,
            closed_until: old.closed_until,
            partitions: old.partitions,
            outputs: receipts
                .map(|(name, receipt)| (name, output(receipt)))
                .collect(),
            records: Place::default(),
            late_bytes: old.late_bytes,
            is_rewound: false,
        }
    }
}

impl Checkpoint {
    /// The first one of a use case.
    pub(crate) fn new(use_case: &str) -> Self {
        Checkpoint {
            version: VERSION,
            written_as: VERSION,
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

/// Why the bytes of a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// They are not what was written; what is wrong with them.
    Damaged(String),
    /// A later build wrote them, in this version.
    Later(u32),
}

/// Reads a checkpoint of any version up to ours.
pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Checkpoint, Unusable> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let damaged =
        |error: serde_json::Error| Unusable::Damaged(format!("not a checkpoint: {error}"));
    let sealed = checksum::check_json(bytes);
    if sealed == Checked::Wrong {
        return Err(Unusable::Damaged("its checksum does not match".to_owned()));
    }
    let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    if sealed == Checked::Without && version >= FIRST_WITH_CHECKSUM {
        return Err(Unusable::Damaged("its checksum is missing".to_owned()));
    }
    let checkpoint = match version {
        1 => serde_json::from_slice::<Version1>(bytes).map(Checkpoint::from),
        2..=VERSION => serde_json::from_slice(bytes),
        _ => return Err(Unusable::Later(version)),
    };
    let checkpoint = checkpoint.map_err(damaged)?;
    Ok(Checkpoint {
        version: VERSION,
        written_as: version,
        ..checkpoint
    })
}

/// Where the checkpoint of a use case lies.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
    previous: PathBuf,
}

impl CheckpointFile {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        CheckpointFile {
            path: folder.join(LAST),
            previous: folder.join(PREVIOUS),
        }
    }

    /// The last checkpoint, or the one before it where that is damaged; `None` where there is none yet,
    /// or where the last one was removed.
    pub(crate) fn load(&self) -> Result<Option<Checkpoint>> {
        let Some(bytes) = read(&self.path)? else {
            return Ok(None);
        };
        match parse(&bytes) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(Unusable::Damaged(what)) => self.replace_damaged(&what).map(Some),
            Err(Unusable::Later(version)) => Err(self.unusable(format!(
                "written in format {version} and this build reads formats 1 to {VERSION}; run the build that wrote it, or remove the file to read the input from its start"
            ))),
        }
    }

    /// Puts a damaged checkpoint aside, and says so.
    fn replace_damaged(&self, what: &str) -> Result<Checkpoint> {
        let kept = match self.previous()? {
            Some(_) => keep_damaged(&self.path)?,
            None => {
                return Err(self.unusable(format!(
                    "damaged ({what}), and there is no right one before it; `datashark doctor --repair` puts it aside, and the next start reads the input from its start"
                )));
            }
        };
        warn!(
            "{}: damaged ({what}); going on from the checkpoint before it, so that what came since is read and delivered again; the damaged file is kept as {}",
            self.path.display(),
            kept.display()
        );
        let gone = || Error::Internal("the previous checkpoint is gone".to_owned());
        self.go_back()?.ok_or_else(gone)
    }

    /// The checkpoint before the last, where it is right.
    fn previous(&self) -> Result<Option<Checkpoint>> {
        Ok(read(&self.previous)?.and_then(|bytes| parse(&bytes).ok()))
    }

    /// Makes the checkpoint before the last the last one; `None` where there is none that is right.
    pub(crate) fn go_back(&self) -> Result<Option<Checkpoint>> {
        let Some(mut checkpoint) = self.previous()? else {
            return Ok(None);
        };
        checkpoint.is_rewound = true;
        write_atomically(&self.path, &bytes_of(&checkpoint)?)?;
        Ok(Some(checkpoint))
    }

    fn unusable(&self, reason: String) -> Error {
        Error::State {
            path: self.path.display().to_string(),
            reason,
        }
    }

    /// Makes a checkpoint durable, and keeps the one before it.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        let json = bytes_of(checkpoint)?;
        let what = || format!("writing {}", self.previous.display());
        let is_kept = name_also(&self.path, &self.previous).map_err(Error::io(what()))?;
        if !is_kept {
            // It is of what was before the last one was removed.
            remove_if_there(&self.previous).map_err(Error::io(what()))?;
        }
        write_atomically(&self.path, &json)
    }

    /// Makes a checkpoint durable that none before it can stand in for: from there, what was delivered
    /// since would be taken back and not come again.
    pub(crate) fn save_twice(&self, checkpoint: &Checkpoint) -> Result<()> {
        let json = bytes_of(checkpoint)?;
        write_atomically(&self.path, &json)?;
        write_atomically(&self.previous, &json)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("reading {}", path.display()))(error)),
    }
}

fn bytes_of(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(checkpoint)
        .map_err(|error| Error::Internal(format!("a checkpoint cannot be written: {error}")))?;
    checksum::seal_json(&mut json);
    Ok(json)
}

#[cfg(test)]
mod damage;

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
                .contains("`datashark doctor --repair`")
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
    #[test]
    fn the_third_format_has_a_checksum() {
        let bytes = include_bytes!("../test-data/checkpoint.v3.json");
        assert_eq!(checksum::check_json(bytes), Checked::Right);
        let checkpoint = parse(bytes).unwrap();
        assert!(checkpoint.is_rewound);
        assert_eq!(checkpoint.partitions["8-15-1"].accounted, 2097152);
        assert_eq!(checkpoint.outputs["csv"].quarantine.bytes, 0);
    }
}
