//! What could not be used, kept with the reason: records that did not parse, and findings that an
//! output refused for good.
//!
//! `<state>/<use case>/quarantine/<kind>-<number>.ndjson.zst`, where the kind is `records` or the
//! name of the output: one JSON object a line, compressed, so that `zstdcat` and `jq` read it. A file
//! is a row of zstd frames, one for each checkpoint; what lies behind the last checkpoint is cut off
//! at a restart, since it is read and kept again.

mod entry;
mod folder;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::entry::Entry;
pub use self::entry::{Kept, Origin};
pub use self::folder::{Contents, QuarantineFolder};
use crate::error::{Error, Result};

/// The kind of the files of records.
pub(crate) const RECORDS: &str = "records";

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

/// Removes the files before a place: what was in them was replayed or dropped.
pub(crate) fn tidy(state: &Path, kind: &str, place: Place) -> Result<()> {
    for (number, path) in folder::files(&state.join("quarantine"), kind)? {
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
            folder: state.join("quarantine"),
            kind: kind.to_owned(),
            place,
            earlier_bytes: 0,
            frame: None,
        };
        quarantine.earlier_bytes = quarantine.cut_back()?;
        Ok(quarantine)
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
                self.earlier_bytes += self.place.bytes;
                self.place.last += 1;
                self.place.bytes = 0;
            }
            let what = self.what();
            let opened = fs::create_dir_all(&self.folder).and_then(|()| {
                let mut options = OpenOptions::new();
                let mut file = options
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(self.path())?;
                file.seek(SeekFrom::End(0))?;
                zstd::Encoder::new(file, LEVEL)
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
            Origin::Finding { .. } => panic!("a record"),
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
}
