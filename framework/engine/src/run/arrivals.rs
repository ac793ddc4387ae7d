//! When records arrived, noted before they are used, so that a restart gives the same windows.
//!
//! Only for use cases without a timestamp field whose input does not know the time itself. In
//! `<state>/<use case>/arrivals` stand the format and its version, and then a line for each batch:
//! partition, end offset, microseconds, and a checksum. The first version had neither the first line
//! nor checksums.
//!
//! A note that is damaged is left out. What it was of counts as arrived with the records behind it, or
//! as new where there are none: it may come out in another window, and is not lost.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use datashark_sdk::input::{Content, InputBatch, Micros, PartitionId};
use tracing::warn;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::state::checksum::{self, Checked};
use crate::state::write::{keep_damaged, open_durably, write_atomically};

/// The file's name.
pub(crate) const NAME: &str = "arrivals";
/// The file's first line.
const FORMAT: &str = "datashark-arrivals 2";

/// The file grows to this before the notes that no restart will need are dropped.
const COMPACT_AT_BYTES: u64 = 1 << 20;

/// The notes of a use case.
#[derive(Debug)]
pub(crate) struct Arrivals {
    path: PathBuf,
    file: Option<File>,
    n_bytes: u64,
    /// For every partition, where what arrived at a time ends.
    noted: BTreeMap<PartitionId, BTreeMap<u64, Micros>>,
}

impl Arrivals {
    /// The notes of an earlier run, if there are any. Damaged ones are left out, which is said.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let (arrivals, notes) = Arrivals::read(path)?;
        if notes.n_damaged > 0 {
            let kept = keep_damaged(&arrivals.path)?;
            warn!(
                "{}: damaged ({}); records of these that are read again count as arrived later; the damaged file is kept as {}",
                arrivals.path.display(),
                notes.damage(),
                kept.display()
            );
        }
        arrivals.into_written(&notes)
    }

    /// Leaves the notes that are right.
    pub(crate) fn mend(path: &Path) -> Result<()> {
        let (arrivals, notes) = Arrivals::read(path.to_owned())?;
        arrivals.into_written(&notes).map(drop)
    }

    fn read(path: PathBuf) -> Result<(Self, Notes)> {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io(format!("reading {}", path.display()))(error)),
        };
        let mut notes = Notes::parse(&bytes);
        let arrivals = Arrivals {
            path,
            file: None,
            n_bytes: bytes.len() as u64,
            noted: std::mem::take(&mut notes.noted),
        };
        Ok((arrivals, notes))
    }

    /// With the file as we write it.
    fn into_written(mut self, notes: &Notes) -> Result<Self> {
        if !notes.is_as_written && self.n_bytes > 0 {
            self.rewrite()?;
        }
        Ok(self)
    }

    /// The parts of a batch, each with the time when it arrived: as noted by an earlier run, or now,
    /// which is noted durably before this returns.
    pub(crate) fn times(
        &mut self,
        batch: InputBatch,
        now: Micros,
    ) -> Result<Vec<(InputBatch, Micros)>> {
        let mut parts = Vec::new();
        let mut rest = batch;
        while let Some(start) = first_offset(&rest) {
            let noted = self.noted.get(&rest.partition);
            let note = noted.and_then(|noted| noted.range(start + 1..).next());
            let Some((end, time)) = note.map(|(end, time)| (*end, *time)) else {
                break;
            };
            let (head, tail) = split_at_offset(rest, end);
            parts.push((head, time));
            match tail {
                Some(tail) => rest = tail,
                None => return Ok(parts),
            }
        }
        self.note(&rest.partition, rest.end_offset, now)?;
        parts.push((rest, now));
        Ok(parts)
    }

    /// Where what is noted of each partition ends.
    pub(crate) fn ends(&self) -> BTreeMap<PartitionId, u64> {
        let end = |noted: &BTreeMap<u64, Micros>| noted.keys().next_back().copied();
        self.noted
            .iter()
            .filter_map(|(id, noted)| Some((id.clone(), end(noted)?)))
            .collect()
    }

    fn note(&mut self, partition: &PartitionId, end: u64, time: Micros) -> Result<()> {
        let what = format!("writing {}", self.path.display());
        if self.file.is_none() {
            let file = open_durably(&self.path, OpenOptions::new().append(true));
            self.file = Some(file.map_err(Error::io(what.as_str()))?);
        }
        let mut line = line(partition, end, time);
        if self.n_bytes == 0 {
            line.insert_str(0, &format!("{FORMAT}\n"));
        }
        if let Some(file) = &mut self.file {
            let written = file
                .write_all(line.as_bytes())
                .and_then(|()| file.sync_data());
            written.map_err(Error::io(what))?;
        }
        self.n_bytes += line.len() as u64;
        self.noted
            .entry(partition.clone())
            .or_default()
            .insert(end, time);
        Ok(())
    }

    /// Drops the notes that a restart from this checkpoint, or a later one, will not need.
    pub(crate) fn compact(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        if self.n_bytes < COMPACT_AT_BYTES {
            return Ok(());
        }
        self.noted.retain(|partition, noted| {
            let Some(place) = checkpoint.partitions.get(partition.as_str()) else {
                return false;
            };
            noted.retain(|end, _| *end > place.offset);
            !noted.is_empty()
        });
        self.rewrite()
    }

    /// Notes an arrival as [`Arrivals::times`] does.
    #[cfg(test)]
    pub(crate) fn note_for_test(&mut self, partition: &str, end: u64, time: Micros) {
        self.note(&PartitionId::new(partition), end, time).unwrap();
    }

    fn rewrite(&mut self) -> Result<()> {
        let mut text = format!("{FORMAT}\n");
        for (partition, noted) in &self.noted {
            for (end, time) in noted {
                text.push_str(&line(partition, *end, *time));
            }
        }
        self.file = None;
        self.n_bytes = text.len() as u64;
        write_atomically(&self.path, text.as_bytes())
    }
}

/// A note as it stands in the file.
fn line(partition: &PartitionId, end: u64, time: Micros) -> String {
    let mut line = format!("{partition}\t{end}\t{time}");
    checksum::seal_line(&mut line);
    line.push('\n');
    line
}

/// What stands in the file.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// For every partition, where what arrived at a time ends.
    noted: BTreeMap<PartitionId, BTreeMap<u64, Micros>>,
    n_notes: usize,
    /// Notes, or the first line, that are not what was written.
    pub(crate) n_damaged: usize,
    /// The version of the format.
    pub(crate) version: u32,
    /// Whether it can be gone on with as it is.
    is_as_written: bool,
}

impl Notes {
    /// Reads the bytes of a file. A last line without an end is no note: a crash cut it short, and
    /// nothing of that batch was used.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let (whole, rest) = bytes.split_at(end.map_or(0, |end| end + 1));
        let mut lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
        lines.pop();
        let has_format = lines.first() == Some(&FORMAT.as_bytes());
        // A damaged first line must not make all others old ones.
        let is_old = !has_format
            && !lines.iter().any(|line| {
                let text = std::str::from_utf8(line).unwrap_or_default();
                checksum::check_line(text).0 != Checked::Without
            });
        let mut notes = Notes {
            version: if is_old { 1 } else { 2 },
            is_as_written: has_format && rest.is_empty(),
            ..Notes::default()
        };
        for line in lines.iter().skip(usize::from(has_format)) {
            notes.n_notes += 1;
            match read(line) {
                Some((sealed, partition, end, time))
                    if sealed == Checked::Right || (is_old && sealed == Checked::Without) =>
                {
                    notes.noted.entry(partition).or_default().insert(end, time);
                }
                _ => notes.n_damaged += 1,
            }
        }
        notes.is_as_written &= notes.n_damaged == 0;
        notes
    }

    /// What is damaged.
    pub(crate) fn damage(&self) -> String {
        format!("{} of {} notes", self.n_damaged, self.n_notes)
    }
}

/// A line's checksum and fields.
fn read(line: &[u8]) -> Option<(Checked, PartitionId, u64, Micros)> {
    let (sealed, fields) = checksum::check_line(std::str::from_utf8(line).ok()?);
    let mut parts = fields.rsplitn(3, '\t');
    let time = parts.next()?.parse().ok()?;
    let end = parts.next()?.parse().ok()?;
    Some((sealed, PartitionId::new(parts.next()?), end, time))
}

fn first_offset(batch: &InputBatch) -> Option<u64> {
    let first = match &batch.content {
        Content::Payloads(payloads) => payloads.offsets.first().copied(),
        Content::Columns { rows, first_offset } => (rows.num_rows() > 0).then_some(*first_offset),
    };
    let oversized = batch.oversized.first().map(|oversized| oversized.offset);
    let unreadable = batch.unreadable.first().map(|unreadable| unreadable.offset);
    [first, oversized, unreadable].into_iter().flatten().min()
}

/// Cuts a batch before the first record at or behind an offset.
fn split_at_offset(batch: InputBatch, offset: u64) -> (InputBatch, Option<InputBatch>) {
    if offset >= batch.end_offset {
        return (batch, None);
    }
    let (head, tail) = match &batch.content {
        Content::Payloads(payloads) => {
            let n = payloads.offsets.partition_point(|o| *o < offset);
            (Content::Payloads(payloads.slice(0, n)), {
                Content::Payloads(payloads.slice(n, payloads.offsets.len() - n))
            })
        }
        Content::Columns { rows, first_offset } => {
            let n = usize::try_from(offset - first_offset).unwrap_or(usize::MAX);
            let n = n.min(rows.num_rows());
            let head = Content::Columns {
                rows: rows.slice(0, n),
                first_offset: *first_offset,
            };
            let tail = rows.slice(n, rows.num_rows() - n);
            (
                head,
                Content::Columns {
                    rows: tail,
                    first_offset: first_offset + n as u64,
                },
            )
        }
    };
    let (before, behind) = batch
        .oversized
        .into_iter()
        .partition(|over| over.offset < offset);
    let (empty_before, empty_behind) = batch
        .unreadable
        .into_iter()
        .partition(|unreadable| unreadable.offset < offset);
    let head = InputBatch {
        partition: batch.partition.clone(),
        content: head,
        end_offset: offset,
        n_bytes: batch.n_bytes,
        oversized: before,
        unreadable: empty_before,
        arrival: batch.arrival,
    };
    let tail = InputBatch {
        partition: batch.partition,
        content: tail,
        end_offset: batch.end_offset,
        n_bytes: 0,
        oversized: behind,
        unreadable: empty_behind,
        arrival: batch.arrival,
    };
    (head, Some(tail))
}

#[cfg(test)]
mod tests {
    use arrow::array::BinaryViewArray;
    use datashark_sdk::input::Payloads;
    use proptest::prelude::*;

    use super::*;

    fn batch(offsets: &[u64], end_offset: u64) -> InputBatch {
        InputBatch {
            partition: PartitionId::new("p"),
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values(offsets.iter().map(|_| b"x")),
                offsets: offsets.to_vec().into(),
                header: None,
                beside: None,
                first_line: Some(1),
            }),
            end_offset,
            n_bytes: 1,
            unreadable: Vec::new(),
            oversized: Vec::new(),
            arrival: None,
        }
    }

    #[test]
    fn records_read_again_have_the_time_when_they_first_arrived() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrivals");
        let mut first = Arrivals::open(path.clone()).unwrap();
        first.times(batch(&[0, 5], 10), 100).unwrap();
        first.times(batch(&[10, 15], 20), 200).unwrap();

        let mut second = Arrivals::open(path).unwrap();
        let parts = second.times(batch(&[5, 10, 15, 20, 25], 30), 300).unwrap();
        let shown: Vec<(usize, u64, Micros)> = parts
            .iter()
            .map(|(part, time)| (part.content.len(), part.end_offset, *time))
            .collect();
        assert_eq!(shown, [(1, 10, 100), (2, 20, 200), (2, 30, 300)]);
    }

    #[test]
    fn a_note_that_a_crash_cut_short_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrivals");
        Arrivals::open(path.clone())
            .unwrap()
            .times(batch(&[0], 10), 100)
            .unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"p\t20\t20").unwrap();
        drop(file);
        let mut again = Arrivals::open(path.clone()).unwrap();
        let parts = again.times(batch(&[10], 20), 300).unwrap();
        assert_eq!(parts[0].1, 300);
        let parts = Arrivals::open(path)
            .unwrap()
            .times(batch(&[10], 20), 400)
            .unwrap();
        assert_eq!(parts[0].1, 300);
    }

    /// A file of four notes and its bytes.
    fn four_notes() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut arrivals = Arrivals::open(path.clone()).unwrap();
        for end in [10, 20, 30, 40] {
            arrivals
                .times(batch(&[end - 10], end), end as i64 * 10)
                .unwrap();
        }
        let bytes = fs::read(&path).unwrap();
        (folder, path, bytes)
    }

    #[test]
    fn a_file_of_the_first_version_is_gone_on_with_in_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, "topic\t1\t10\t100\np\t20\t200\n").unwrap();
        let arrivals = Arrivals::open(path.clone()).unwrap();
        let ends = [("p", 20), ("topic\t1", 10)].map(|(id, end)| (PartitionId::new(id), end));
        assert_eq!(arrivals.ends(), BTreeMap::from(ends));
        let notes = Notes::parse(&fs::read(&path).unwrap());
        assert_eq!((notes.version, notes.n_notes, notes.n_damaged), (2, 2, 0));
    }

    #[test]
    fn a_damaged_note_is_left_out_and_the_file_kept() {
        let (folder, path, bytes) = four_notes();
        let damaged = String::from_utf8(bytes)
            .unwrap()
            .replace("\t20\t200", "\t20\t300");
        fs::write(&path, &damaged).unwrap();
        let mut arrivals = Arrivals::open(path).unwrap();
        let parts = arrivals.times(batch(&[0, 10, 20], 30), 900).unwrap();
        let times: Vec<(u64, Micros)> = parts
            .iter()
            .map(|(part, time)| (part.end_offset, *time))
            .collect();
        assert_eq!(times, [(10, 100), (30, 300)]);
        let kept = fs::read_to_string(folder.path().join("arrivals.damaged")).unwrap();
        assert_eq!(kept, damaged);
    }

    proptest! {
        /// What is left is what was noted, and what is not left is counted.
        #[test]
        fn no_damage_of_a_byte_gives_another_time(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (_folder, path, mut bytes) = four_notes();
            let right = bytes.clone();
            *at.get_mut(&mut bytes) = to;
            let notes = Notes::parse(&bytes);
            let all = Notes::parse(&right).noted.remove(&PartitionId::new("p")).unwrap();
            let left = notes.noted.get(&PartitionId::new("p")).cloned().unwrap_or_default();
            prop_assert!(left.iter().all(|(end, time)| all.get(end) == Some(time)), "{left:?}");
            // The last line's end is the one byte whose loss looks like a crash.
            let is_cut = at.index(bytes.len()) + 1 == bytes.len();
            prop_assert_eq!(notes.n_damaged > 0, bytes != right && !is_cut);
            fs::write(&path, &bytes).unwrap();
            prop_assert!(Arrivals::open(path.clone()).is_ok());
            prop_assert_eq!(Notes::parse(&fs::read(&path).unwrap()).n_damaged, 0);
        }
    }
}
