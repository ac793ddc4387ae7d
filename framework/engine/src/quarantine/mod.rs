//! What could not be used, kept with the reason: records that did not parse, findings that an
//! output refused for good, and windows that a plugin's process did not survive.
//!
//! `<state>/<use case>/quarantine/<kind>-<number>.ndjson.zst`, where the kind is `records`, `windows` or
//! the name of the output: one JSON object a line, compressed, so that `zstdcat` and `jq` read it. A file
//! is a row of zstd frames with a checksum each, one for each checkpoint; what lies behind the last
//! checkpoint is cut off at a restart, since it is read and kept again. Behind a damaged frame nothing
//! can be read, so that a file with one is not written to any more.

mod entry;
mod folder;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

pub(crate) use self::entry::Entry;
pub use self::entry::{Kept, Origin};
pub use self::folder::{Contents, QuarantineFolder};
pub(crate) use self::folder::{damage, kind_and_number};
use crate::error::{Error, Result};
use crate::state::write::{create_folder, open_durably};

/// The folder's name.
pub(crate) const FOLDER: &str = "quarantine";
/// The kind of the files of records.
pub(crate) const RECORDS: &str = "records";
/// The kind of the files of windows that a plugin's process did not survive.
pub(crate) const WINDOWS: &str = "windows";

/// A file larger than this is not written to any more.
const FILE_BYTES: u64 = 64 << 20;
/// zstd's default: about five times smaller than the text, at some 300 MB/s.
const LEVEL: i32 = 3;

/// Which files of a kind count, and how much of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The number of the first file; earlier ones were replayed or dropped.
    pub(crate) first: u64,
    /// The number of the file that is written to.
    pub(crate) last: u64,
    /// The length of that file.
    pub(crate) bytes: u64,
}

impl Place {
    /// Behind all that there is, which no longer counts.
    pub(crate) fn next(self) -> Self {
        Place {
            first: self.last + 1,
            last: self.last + 1,
            bytes: 0,
        }
    }
}

/// Keeps the rows of a window, durably and at once. No checkpoint has a place in these files: after a
/// crash the window may be kept once more.
pub(crate) fn keep_window(state: &Path, entry: &Entry) -> Result<()> {
    let place = Place {
        first: 0,
        last: next_window_file(state)?,
        bytes: 0,
    };
    let mut quarantine = Quarantine::open(state, WINDOWS, place)?;
    quarantine.keep(entry)?;
    quarantine.sync()?;
    Ok(())
}

/// The number that the next file of a window gets.
pub(crate) fn next_window_file(state: &Path) -> Result<u64> {
    let files = folder::files(&state.join(FOLDER), WINDOWS)?;
    Ok(files
        .iter()
        .map(|(number, _)| number + 1)
        .max()
        .unwrap_or(0))
}

/// Removes the files of windows before a number: they were replayed or dropped.
pub(crate) fn remove_windows(state: &Path, before: u64) -> Result<()> {
    let place = Place {
        first: before,
        last: before,
        bytes: 0,
    };
    tidy(state, WINDOWS, place)
}

/// Removes the files before a place: what was in them was replayed or dropped.
pub(crate) fn tidy(state: &Path, kind: &str, place: Place) -> Result<()> {
    for (number, path) in folder::files(&state.join(FOLDER), kind)? {
        if number < place.first {
            let what = format!("removing {}", path.display());
            fs::remove_file(&path).map_err(Error::io(what))?;
        }
    }
    Ok(())
}

/// The files of one kind, being written.
pub(crate) struct Quarantine {
    folder: PathBuf,
    kind: String,
    place: Place,
    /// What the files before the last that count take.
    earlier_bytes: u64,
    frame: Option<zstd::Encoder<'static, File>>,
}

impl Quarantine {
    /// Goes on behind a place; what lies behind it is cut off.
    pub(crate) fn open(state: &Path, kind: &str, place: Place) -> Result<Self> {
        let mut quarantine = Quarantine {
            folder: state.join(FOLDER),
            kind: kind.to_owned(),
            place,
            earlier_bytes: 0,
            frame: None,
        };
        quarantine.earlier_bytes = quarantine.cut_back()?;
        if let Some(damage) = damage(&quarantine.path(), quarantine.place.bytes)? {
            warn!(
                "{}: damaged ({damage}); a new file is begun, and `datashark doctor --repair` puts this one aside",
                quarantine.path().display()
            );
            quarantine.next_file();
        }
        Ok(quarantine)
    }

    fn next_file(&mut self) {
        self.earlier_bytes += self.place.bytes;
        self.place.last += 1;
        self.place.bytes = 0;
    }

    /// How far it is, as of the last [`Quarantine::sync`].
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its files take on disk, as of the last [`Quarantine::sync`].
    pub(crate) fn n_bytes(&self) -> u64 {
        self.earlier_bytes + self.place.bytes
    }

    /// Cuts off what lies behind the place; gives the size of the files before its last.
    fn cut_back(&self) -> Result<u64> {
        let mut earlier_bytes = 0;
        for (number, path) in folder::files(&self.folder, &self.kind)? {
            let what = || format!("cutting back {}", path.display());
            if number > self.place.last {
                fs::remove_file(&path).map_err(Error::io(what()))?;
            } else if number == self.place.last {
                let file = OpenOptions::new().write(true).open(&path);
                let file = file.map_err(Error::io(what()))?;
                let length = file.metadata().map_err(Error::io(what()))?.len();
                // A user may have emptied it: it must not be filled up with zeros.
                let cut = file.set_len(self.place.bytes.min(length));
                cut.map_err(Error::io(what()))?;
            } else if number >= self.place.first {
                earlier_bytes += fs::metadata(&path).map_or(0, |file| file.len());
            }
        }
        Ok(earlier_bytes)
    }

    /// Keeps something.
    pub(crate) fn keep(&mut self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry)
            .map_err(|error| Error::Internal(format!("an entry cannot be written: {error}")))?;
        line.push(b'\n');
        let what = self.what();
        self.frame()?.write_all(&line).map_err(Error::io(what))
    }

    /// Makes durable what was kept; gives the place behind it.
    pub(crate) fn sync(&mut self) -> Result<Place> {
        if let Some(frame) = self.frame.take() {
            let what = self.what();
            let synced = frame.finish().and_then(|mut file| {
                file.sync_data()?;
                file.stream_position()
            });
            self.place.bytes = synced.map_err(Error::io(what))?;
        }
        Ok(self.place)
    }

    fn what(&self) -> String {
        format!("writing {}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        folder::path(&self.folder, &self.kind, self.place.last)
    }

    fn frame(&mut self) -> Result<&mut zstd::Encoder<'static, File>> {
        if self.frame.is_none() {
            if self.place.bytes > FILE_BYTES {
                self.next_file();
            }
            let what = self.what();
            let opened = create_folder(&self.folder).and_then(|()| {
                let mut file = open_durably(&self.path(), OpenOptions::new().write(true))?;
                file.seek(SeekFrom::End(0))?;
                let mut frame = zstd::Encoder::new(file, LEVEL)?;
                frame.include_checksum(true)?;
                Ok(frame)
            });
            self.frame = Some(opened.map_err(Error::io(what))?);
        }
        let gone = || Error::Internal("an open file is gone".to_owned());
        self.frame.as_mut().ok_or_else(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aside::AsideRecord;

    fn record(bytes: &[u8]) -> Entry {
        let record = AsideRecord {
            offset: 3,
            line: Some(2),
            reason: "no `{`".into(),
            header: None,
            is_cut: false,
            record: bytes.to_vec(),
        };
        Entry::record("a.log", "8-1", &record, 0)
    }

    fn kept(state: &Path) -> Vec<Vec<u8>> {
        let entries = QuarantineFolder::of(state).entries(RECORDS).unwrap();
        let bytes = |kept: Kept| match kept.origin {
            Origin::Record { bytes, .. } => bytes,
            _ => panic!("a record"),
        };
        entries.map(|kept| bytes(kept.unwrap())).collect()
    }

    #[test]
    fn a_kept_record_can_be_had_back_byte_for_byte() {
        let state = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::open(state.path(), RECORDS, Place::default()).unwrap();
        quarantine.keep(&record(b"text \"quoted\"")).unwrap();
        quarantine.sync().unwrap();
        quarantine.keep(&record(b"\xff\xfe")).unwrap();
        quarantine.sync().unwrap();
        assert_eq!(
            kept(state.path()),
            [b"text \"quoted\"".to_vec(), b"\xff\xfe".to_vec()]
        );
    }

    #[test]
    fn what_lies_behind_the_checkpoint_is_cut_off() {
        let state = tempfile::tempdir().unwrap();
        let open = |place| Quarantine::open(state.path(), RECORDS, place).unwrap();
        let mut quarantine = open(Place::default());
        quarantine.keep(&record(b"one")).unwrap();
        let place = quarantine.sync().unwrap();
        quarantine.keep(&record(b"two")).unwrap();
        quarantine.sync().unwrap();
        let mut quarantine = open(place);
        quarantine.keep(&record(b"three")).unwrap();
        quarantine.sync().unwrap();
        assert_eq!(kept(state.path()), [b"one".to_vec(), b"three".to_vec()]);
    }

    #[test]
    fn a_damaged_file_is_not_written_to_and_what_comes_after_it_can_be_read() {
        let state = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::open(state.path(), RECORDS, Place::default()).unwrap();
        quarantine.keep(&record(b"one")).unwrap();
        let place = quarantine.sync().unwrap();
        let path = folder::path(&state.path().join(FOLDER), RECORDS, 0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let mut quarantine = Quarantine::open(state.path(), RECORDS, place).unwrap();
        quarantine.keep(&record(b"two")).unwrap();
        let place = quarantine.sync().unwrap();
        assert_eq!((place.first, place.last), (0, 1));
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert!(damage(&path, bytes.len() as u64).unwrap().is_some());
        fs::rename(&path, path.with_extension("damaged")).unwrap();
        assert_eq!(kept(state.path()), [b"two".to_vec()]);
    }

    #[test]
    fn a_file_that_a_user_has_emptied_is_not_damaged() {
        let state = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::open(state.path(), RECORDS, Place::default()).unwrap();
        quarantine.keep(&record(b"one")).unwrap();
        let place = quarantine.sync().unwrap();
        let path = folder::path(&state.path().join(FOLDER), RECORDS, 0);
        assert_eq!(damage(&path, place.bytes).unwrap(), None);
        fs::write(&path, "").unwrap();
        assert_eq!(damage(&path, place.bytes).unwrap(), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(damage(&path, place.bytes).unwrap(), None);
    }
}
