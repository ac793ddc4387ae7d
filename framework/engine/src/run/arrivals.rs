//! When records arrived, noted before they are used, so that a restart gives the same windows.
//!
//! Only for use cases without a timestamp field whose input does not know the time itself. One line
//! for each batch in `<state>/<use case>/arrivals`: partition, end offset, microseconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use datashark_sdk::input::{Content, InputBatch, Micros, PartitionId};

use crate::checkpoint::{Checkpoint, write_atomically};
use crate::error::{Error, Result};

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
    /// The notes of an earlier run, if there are any.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io(format!("reading {}", path.display()))(error)),
        };
        let mut noted: BTreeMap<PartitionId, BTreeMap<u64, Micros>> = BTreeMap::new();
        // A crash may have cut the last line short: nothing of that batch was used.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        for line in whole.lines() {
            let mut parts = line.rsplitn(3, '\t');
            let time = parts.next().and_then(|text| text.parse().ok());
            let end = parts.next().and_then(|text| text.parse().ok());
            if let (Some(time), Some(end), Some(partition)) = (time, end, parts.next()) {
                noted
                    .entry(PartitionId::new(partition))
                    .or_default()
                    .insert(end, time);
            }
        }
        let mut arrivals = Arrivals {
            path,
            file: None,
            n_bytes: 0,
            noted,
        };
        if whole.len() < text.len() {
            arrivals.rewrite()?;
        }
        arrivals.n_bytes = whole.len() as u64;
        Ok(arrivals)
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
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path);
            self.file = Some(file.map_err(Error::io(what.as_str()))?);
        }
        let line = format!("{partition}\t{end}\t{time}\n");
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

    /// Drops the notes that a restart from this checkpoint will not need.
    pub(crate) fn committed(&mut self, checkpoint: &Checkpoint) -> Result<()> {
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

    fn rewrite(&mut self) -> Result<()> {
        let mut text = String::new();
        for (partition, noted) in &self.noted {
            for (end, time) in noted {
                let _ = writeln!(text, "{partition}\t{end}\t{time}");
            }
        }
        self.file = None;
        self.n_bytes = text.len() as u64;
        write_atomically(&self.path, text.as_bytes())
    }
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
}
