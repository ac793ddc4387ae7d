//! Looks at a use case's state folder as `datashark doctor` does, and mends what is damaged.
//!
//! Looking changes nothing and may be done while a run has the folder: what is replaced is replaced
//! whole, and what is appended to counts up to where the checkpoint says. Mending takes the folder's
//! lock.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::checksum::{self, Checked};
use super::write::{keep_damaged, sync_folder_of};
use crate::aside::LATE;
use crate::checkpoint::{self, Checkpoint, CheckpointFile, Unusable};
use crate::error::{Error, Result};
use crate::model;
use crate::quarantine::{self, Place, RECORDS};
use crate::run::{ARRIVALS, Arrivals, LOCK, Notes, lock};

/// A file of a state folder, as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is for.
    pub what: &'static str,
    /// The version of its format; `None` where that is the checkpoint's, or it has none.
    pub version: Option<u32>,
    /// Its length.
    pub n_bytes: u64,
    /// How it is.
    pub condition: Condition,
}

/// How a file of a state folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// As it was written, as far as it can be told.
    Right,
    /// There is something to know about it, and nothing to mend.
    Note(&'static str),
    /// Not what was written.
    Damaged {
        /// What is wrong with it.
        what: String,
        /// What mending it means.
        remedy: &'static str,
    },
}

/// What mending a damaged file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The file.
    pub path: PathBuf,
    /// What it is called now.
    pub kept: PathBuf,
}

/// The files of a use case's state folder, in the order of their names.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn inspect(folder: &Path) -> Result<Vec<StateFile>> {
    let checkpoint = read(&folder.join(checkpoint::LAST))?;
    let checkpoint = checkpoint.and_then(|bytes| checkpoint::parse(&bytes).ok());
    let is_held = is_held(folder)?;
    let mut files = Vec::new();
    for path in paths(folder)? {
        if path.is_dir() && path.ends_with(quarantine::FOLDER) {
            files.extend(quarantined(folder, checkpoint.as_ref())?);
        } else {
            files.push(look(&path, checkpoint.as_ref(), is_held)?);
        }
    }
    Ok(files)
}

/// Mends what is damaged in a use case's state folder: each damaged file is put aside, and what can be
/// gone on from takes its place. The next run reads the rest again from the input.
///
/// # Errors
/// A run has the folder; it cannot be read or written.
pub fn repair(folder: &Path) -> Result<Vec<Repaired>> {
    let _lock = lock(folder)?;
    let mut repaired = Vec::new();
    for file in inspect(folder)? {
        if !matches!(file.condition, Condition::Damaged { .. }) {
            continue;
        }
        let kept = keep_damaged(&file.path)?;
        let name = file.path.file_name().unwrap_or_default();
        // These two mend themselves, as at the start of a run.
        let is_mended = match name.to_str() {
            Some(checkpoint::LAST) => CheckpointFile::in_folder(folder).go_back()?.is_some(),
            Some(ARRIVALS) => Arrivals::mend(&file.path).map(|()| true)?,
            _ => false,
        };
        if !is_mended {
            let removed = fs::remove_file(&file.path).and_then(|()| sync_folder_of(&file.path));
            removed.map_err(Error::io(format!("putting {} aside", file.path.display())))?;
        }
        repaired.push(Repaired {
            path: file.path,
            kept,
        });
    }
    Ok(repaired)
}

/// Whether a run has the folder.
fn is_held(folder: &Path) -> Result<bool> {
    match File::open(folder.join(LOCK)) {
        Ok(file) => Ok(matches!(
            file.try_lock_shared(),
            Err(TryLockError::WouldBlock)
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(format!("reading {}", folder.display()))(error)),
    }
}

fn look(path: &Path, checkpoint: Option<&Checkpoint>, is_held: bool) -> Result<StateFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = || Ok::<_, Error>(read(path)?.unwrap_or_default());
    let mut version = None;
    let (what, condition) = match &*name {
        LOCK if is_held => ("locked by a run", Condition::Note("a run has the folder")),
        LOCK => ("locked by a run", Condition::Right),
        checkpoint::LAST => {
            let remedy =
                "it is gone on from the one before it, or the input is read from its start";
            (
                "how far it has come",
                of_checkpoint(&bytes()?, remedy, &mut version),
            )
        }
        checkpoint::PREVIOUS => {
            let remedy = "the next commit writes another";
            (
                "how far it had come before",
                of_checkpoint(&bytes()?, remedy, &mut version),
            )
        }
        model::NAME => ("the model", of_model(&bytes()?, &mut version)),
        ARRIVALS => ("when records arrived", of_arrivals(&bytes()?, &mut version)),
        LATE => {
            let n_bytes = checkpoint.map_or(u64::MAX, |checkpoint| checkpoint.late_bytes);
            ("late records", of_late(path, n_bytes)?)
        }
        name if name.contains(".damaged") => (
            "put aside",
            Condition::Note("it was damaged; nothing reads it"),
        ),
        name if name.ends_with(".spool") && is_held => ("findings that wait", Condition::Right),
        name if name.ends_with(".spool") || name.ends_with(".new") => {
            ("left by a crash", Condition::Note("nothing reads it"))
        }
        _ => ("unknown", Condition::Note("it is not dataShark's")),
    };
    let n_bytes = fs::metadata(path).map_or(0, |file| file.len());
    Ok(StateFile {
        path: path.to_owned(),
        what,
        version,
        n_bytes,
        condition,
    })
}

fn of_checkpoint(bytes: &[u8], remedy: &'static str, version: &mut Option<u32>) -> Condition {
    match checkpoint::parse(bytes) {
        Ok(checkpoint) => {
            *version = Some(checkpoint.written_as);
            match checkpoint.is_rewound {
                true => Condition::Note("it was gone back to, since the one behind it was damaged"),
                false => Condition::Right,
            }
        }
        Err(Unusable::Later(later)) => {
            *version = Some(later);
            Condition::Note("a later version of dataShark has written it, and only that reads it")
        }
        Err(Unusable::Damaged(what)) => Condition::Damaged { what, remedy },
    }
}

fn of_model(bytes: &[u8], version: &mut Option<u32>) -> Condition {
    match model::check(bytes) {
        Ok(found) => {
            *version = Some(found);
            Condition::Right
        }
        Err(what) => Condition::Damaged {
            what,
            remedy: "it is trained anew",
        },
    }
}

fn of_arrivals(bytes: &[u8], version: &mut Option<u32>) -> Condition {
    let notes = Notes::parse(bytes);
    *version = Some(notes.version);
    match notes.n_damaged {
        0 => Condition::Right,
        _ => Condition::Damaged {
            what: notes.damage(),
            remedy: "records of these that are read again count as arrived later",
        },
    }
}

/// The lines of the late records, the first of which may be of a version without checksums.
fn of_late(path: &Path, n_bytes: u64) -> Result<Condition> {
    let failed = |error| Error::io(format!("reading {}", path.display()))(error);
    let file = File::open(path).map_err(failed)?;
    let there = file.metadata().map_err(failed)?.len();
    let (mut n_lines, mut n_damaged, mut has_checksums) = (0, 0, false);
    for line in BufReader::new(file.take(n_bytes)).split(b'\n') {
        let line = line.map_err(failed)?;
        let sealed = checksum::check_json(&line);
        has_checksums |= sealed == Checked::Right;
        let is_right = match sealed {
            Checked::Right => true,
            Checked::Wrong => false,
            Checked::Without => !has_checksums && is_json(&line),
        };
        n_lines += 1;
        n_damaged += usize::from(!is_right);
    }
    // A user may have emptied it.
    let is_cut = n_bytes != u64::MAX && (1..n_bytes).contains(&there);
    if n_damaged == 0 && !is_cut {
        return Ok(Condition::Right);
    }
    Ok(Condition::Damaged {
        what: match is_cut {
            true => format!("{there} bytes are left of {n_bytes}"),
            false => format!("{n_damaged} of {n_lines} lines"),
        },
        remedy: "a new file is begun",
    })
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// The files of the quarantine.
fn quarantined(folder: &Path, checkpoint: Option<&Checkpoint>) -> Result<Vec<StateFile>> {
    let mut found = Vec::new();
    for path in paths(&folder.join(quarantine::FOLDER))? {
        let there = fs::metadata(&path).map_or(0, |file| file.len());
        let counts = quarantine::kind_and_number(&path)
            .map(|(kind, number)| counted(checkpoint, kind, number, there));
        let condition = match counts {
            None => Condition::Note("nothing reads it"),
            Some(0) if there > 0 => Condition::Note("the next start removes it"),
            Some(n_bytes) => match quarantine::damage(&path, n_bytes)? {
                None => Condition::Right,
                Some(what) => Condition::Damaged {
                    what,
                    remedy: "what is kept from now on goes into a new file",
                },
            },
        };
        found.push(StateFile {
            path,
            what: "what could not be used",
            version: None,
            n_bytes: there,
            condition,
        });
    }
    Ok(found)
}

/// How many bytes of a quarantine's file count.
fn counted(checkpoint: Option<&Checkpoint>, kind: &str, number: u64, there: u64) -> u64 {
    let place = checkpoint.and_then(|checkpoint| match kind {
        RECORDS => Some(checkpoint.records),
        output => Some(checkpoint.outputs.get(output)?.quarantine),
    });
    match place {
        Some(Place { first, last, .. }) if number < first || number > last => 0,
        Some(Place { last, bytes, .. }) if number == last => bytes,
        _ => there,
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("reading {}", path.display()))(error)),
    }
}

/// What is in a folder, in order.
fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("reading {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(failed()))? {
        paths.push(entry.map_err(Error::io(failed()))?.path());
    }
    paths.sort();
    Ok(paths)
}
