//! Appends to the file and keeps account of how long it is: every change of the file is here.
//!
//! The file is opened anew for every append, so that one that was renamed or deleted meanwhile (by
//! logrotate) is begun again under its name. Its length before the append is what a failed append
//! goes back to, and its length after it goes into the receipt of the next sync.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local, NaiveDate};
use datashark_sdk::input::Micros;
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::CsvConf;
use crate::objects;
use crate::path::PathPattern;
use crate::rows::Dialect;

/// What is put behind a file's name for its unacknowledged rows.
const UNACKNOWLEDGED: &str = ".unacknowledged";

/// The file that findings go to, or with a `{date}` the files.
pub(crate) struct CsvFile {
    pattern: PathPattern,
    dialect: Dialect,
    header: bool,
    /// The file written last, or to be written.
    current: PathBuf,
    /// How far the files are.
    account: Receipt,
    unsynced: Unsynced,
}

/// What was written since the last sync.
#[derive(Default)]
struct Unsynced {
    /// Files by device and inode: one that was rotated is another than its successor.
    files: BTreeMap<(u64, u64), (PathBuf, File)>,
    /// Folders in which a file was begun.
    folders: BTreeSet<PathBuf>,
}

/// How long the files are that findings may still go to.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    /// Lengths in bytes by absolute path. A file of the pattern that is not named had no length.
    files: BTreeMap<String, u64>,
    /// The day of the last write, `2016-10-14`; empty before it. Windows come in order, so files
    /// of earlier days are done with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    since: String,
}

impl CsvFile {
    /// Makes sure that the file can be written, and moves away what an earlier run wrote behind its
    /// last receipt.
    pub(crate) fn open(conf: &CsvConf, receipt: Option<&str>, now: Micros) -> Result<Self> {
        let pattern = PathPattern::new(&conf.path);
        let today = local(now).map_or(NaiveDate::MIN, |time| time.date_naive());
        let current = pattern.on(today);
        prepare(&pattern, &current).map_err(|error| cannot_write(&current, error))?;
        let existing = pattern.existing();
        // The conf may have named an object store before.
        let receipt = receipt.filter(|receipt| objects::Receipt::parse(receipt).is_none());
        if let Some(receipt) = receipt {
            Receipt::parse(receipt)?.move_unacknowledged(&existing)?;
        }
        let account = Receipt::of(&existing).map_err(|error| cannot_write(&current, error))?;
        let (dialect, header) = (Dialect::of(conf), conf.header);
        Ok(CsvFile {
            pattern,
            dialect,
            header,
            current,
            account,
            unsynced: Unsynced::default(),
        })
    }

    /// The file written last.
    pub(crate) fn current(&self) -> &Path {
        &self.current
    }

    /// Appends findings.
    pub(crate) fn append(&mut self, batch: &FindingsBatch) -> Result<()> {
        let time = local(batch.time);
        let rows = self.dialect.rows(batch, &shown(batch.time))?;
        let header = self
            .header
            .then(|| self.dialect.header(&batch.findings))
            .transpose()?;
        if let Some(time) = time.filter(|_| self.pattern.is_dated()) {
            self.turn_to(time.date_naive());
        }
        let appended = append(
            &self.current,
            &header.unwrap_or_default(),
            &rows,
            &mut self.unsynced,
        );
        let length = appended.map_err(|error| cannot_write(&self.current, error))?;
        self.account.files.insert(absolute(&self.current), length);
        Ok(())
    }

    /// Makes durable what was appended, and gives the receipt of it.
    pub(crate) fn sync(&mut self) -> Result<Option<String>> {
        let unsynced = std::mem::take(&mut self.unsynced);
        for (path, file) in unsynced.files.values() {
            file.sync_data()
                .map_err(|error| cannot_write(path, error))?;
        }
        for folder in unsynced.folders {
            // A new name is safe once its folder is; some file systems have no such thing.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(serde_json::to_string(&self.account).ok())
    }

    /// Goes on in the file of a day; files of earlier days are done with.
    fn turn_to(&mut self, day: NaiveDate) {
        let pattern = &self.pattern;
        self.account
            .files
            .retain(|path, _| pattern.day_of(path).is_some_and(|of| of >= day));
        self.account.since = day.to_string();
        self.current = self.pattern.on(day);
    }
}

impl Receipt {
    fn parse(receipt: &str) -> Result<Self> {
        serde_json::from_str(receipt)
            .map_err(|error| Error::data(format!("not a receipt of the csv output: {error}")))
    }

    /// The lengths of these files as they are.
    fn of(existing: &[(NaiveDate, PathBuf)]) -> io::Result<Self> {
        let length = |path: &PathBuf| Ok((absolute(path), fs::metadata(path)?.len()));
        let files = existing
            .iter()
            .map(|(_, path)| length(path))
            .collect::<io::Result<_>>()?;
        Ok(Receipt {
            files,
            since: String::new(),
        })
    }

    /// Moves what each file has behind its acknowledged length to a file of its own.
    fn move_unacknowledged(&self, existing: &[(NaiveDate, PathBuf)]) -> Result<()> {
        for (day, path) in existing {
            let acknowledged = self.files.get(&absolute(path)).copied();
            // Without a date there is one file; a conf that names another one since is not to
            // lose what that has.
            let dated = *day != NaiveDate::MIN;
            let begun_since = dated && day.to_string() >= self.since;
            let Some(acknowledged) = acknowledged.or(begun_since.then_some(0)) else {
                tracing::info!(path = %path.display(), "the last receipt is not of this file");
                continue;
            };
            move_tail(path, acknowledged).map_err(|error| cannot_write(path, error))?;
        }
        Ok(())
    }
}

/// Makes the file, or where its name is still to come the folders.
fn prepare(pattern: &PathPattern, current: &Path) -> io::Result<()> {
    if pattern.is_dated() {
        fs::create_dir_all(folder_of(current))
    } else {
        open_to_append(current).map(drop)
    }
}

/// A time as a row shows it.
pub(crate) fn shown(time: Micros) -> String {
    local(time).map_or_else(
        || time.to_string(),
        |time| time.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// A time where dataShark runs.
pub(crate) fn local(time: Micros) -> Option<DateTime<Local>> {
    DateTime::from_timestamp_micros(time).map(|time| time.with_timezone(&Local))
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::io(format!("cannot write `{}`", path.display()), error)
}

fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

/// Opens a file for appending; makes it and its folders where they are missing.
fn open_to_append(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().append(true).create(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder_of(path))?;
            open()
        }
        opened => opened,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Appends rows, after the header where the file is empty, and gives the new length; all or
/// nothing.
fn append(path: &Path, header: &[u8], rows: &[u8], unsynced: &mut Unsynced) -> io::Result<u64> {
    let mut file = open_to_append(path)?;
    let metadata = file.metadata()?;
    let before = metadata.len();
    let header = if before == 0 { header } else { &[] };
    if let Err(error) = file.write_all(header).and_then(|()| file.write_all(rows)) {
        // What cannot be cut off now is behind the receipt, and is moved away at the next start.
        if let Err(error) = file.set_len(before) {
            tracing::warn!(path = %path.display(), %error, "failed to cut off unfinished rows");
        }
        return Err(error);
    }
    // A pipe or a terminal has nothing to sync.
    if metadata.is_file() {
        unsynced
            .files
            .insert((metadata.dev(), metadata.ino()), (path.to_owned(), file));
        unsynced
            .folders
            .extend((before == 0).then(|| folder_of(path).to_owned()));
    }
    Ok(before + (header.len() + rows.len()) as u64)
}

/// Moves what a file has behind its first `acknowledged` bytes.
fn move_tail(path: &Path, acknowledged: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let metadata = file.metadata()?;
    let length = metadata.len();
    if !metadata.is_file() || length == acknowledged {
        return Ok(());
    }
    if length < acknowledged {
        tracing::info!(path = %path.display(), length, acknowledged, "the file was rotated");
        return Ok(());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(UNACKNOWLEDGED);
    let mut tail = OpenOptions::new().append(true).create(true).open(&name)?;
    file.seek(SeekFrom::Start(acknowledged))?;
    io::copy(&mut file, &mut tail)?;
    tail.sync_data()?;
    file.set_len(acknowledged)?;
    file.sync_data()?;
    let (path, moved) = (path.display(), length - acknowledged);
    tracing::warn!(%path, bytes = moved, "moved rows that were not acknowledged; they come again");
    Ok(())
}
