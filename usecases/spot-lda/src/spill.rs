//! Counted pairs that memory has no room for: runs in a file, each ascending and each pair once.
//!
//! The file has no name, so that nothing is left of it, whatever ends the process. A run is 16 bytes a pair: the
//! pair and its count, little-endian. A pair may be in several runs; what reads them adds its counts up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pair and its count.
const ENTRY_BYTES: usize = 16;

/// How much is written at a time, and read at a time of all runs together.
const BUFFER_BYTES: usize = 4 << 20;

/// Runs, and where more of them go.
#[derive(Debug)]
pub(crate) struct Spilled {
    folder: PathBuf,
    /// How large a table is that is put into a run.
    table_bytes: usize,
    runs: Vec<Run>,
    /// The file that nobody else adds to, and its length.
    own: Option<(Arc<File>, u64)>,
}

#[derive(Debug, Clone)]
struct Run {
    file: Arc<File>,
    start: u64,
    n_pairs: u64,
}

/// A copy reads the same runs, and adds to a file of its own.
impl Clone for Spilled {
    fn clone(&self) -> Self {
        Spilled {
            runs: self.runs.clone(),
            ..self.beside()
        }
    }
}

impl Spilled {
    /// No runs yet; they will be in this folder, each made of a table of about so many bytes.
    pub(crate) fn new(folder: &Path, table_bytes: usize) -> Self {
        Spilled {
            folder: folder.to_owned(),
            table_bytes,
            runs: Vec::new(),
            own: None,
        }
    }

    /// The same folder and size, without the runs.
    pub(crate) fn beside(&self) -> Self {
        Spilled::new(&self.folder, self.table_bytes)
    }

    /// How large a table is that is put into a run.
    pub(crate) fn table_bytes(&self) -> usize {
        self.table_bytes
    }

    /// How many pairs all runs have; one that several have counts several times.
    pub(crate) fn n_pairs(&self) -> u64 {
        self.runs.iter().map(|run| run.n_pairs).sum()
    }

    /// Adds a run.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn push(&mut self, mut pairs: Vec<(u64, u64)>) -> io::Result<()> {
        pairs.sort_unstable();
        let (file, start) = match self.own.take() {
            Some(own) => own,
            None => {
                fs::create_dir_all(&self.folder)?;
                (Arc::new(tempfile::tempfile_in(&self.folder)?), 0)
            }
        };
        let mut at = start;
        for some in pairs.chunks(BUFFER_BYTES / ENTRY_BYTES) {
            let mut bytes = Vec::with_capacity(some.len() * ENTRY_BYTES);
            for (pair, count) in some {
                bytes.extend_from_slice(&pair.to_le_bytes());
                bytes.extend_from_slice(&count.to_le_bytes());
            }
            file.write_all_at(&bytes, at)?;
            at += bytes.len() as u64;
        }
        self.runs.push(Run {
            file: Arc::clone(&file),
            start,
            n_pairs: pairs.len() as u64,
        });
        self.own = Some((file, at));
        Ok(())
    }

    /// Gives each pair of the runs and of these once, ascending, with all its counts.
    ///
    /// # Errors
    /// A run cannot be read; what `each` says.
    pub(crate) fn each(
        &self,
        mut pairs: Vec<(u64, u64)>,
        mut each: impl FnMut(u64, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        pairs.sort_unstable();
        let buffer = BUFFER_BYTES / self.runs.len().max(1) / ENTRY_BYTES;
        let mut readers: Vec<Reader<'_>> = self
            .runs
            .iter()
            .map(|run| Reader::new(run, buffer.max(256)))
            .collect();
        let mut in_memory = pairs.into_iter();
        let n_runs = readers.len();
        let mut next_of = |idx: usize| match readers.get_mut(idx) {
            Some(reader) => reader.next(),
            None => Ok(in_memory.next()),
        };
        let mut heads = BinaryHeap::new();
        for idx in 0..=n_runs {
            heads.extend(next_of(idx)?.map(|head| Reverse((head, idx))));
        }
        let mut sum: Option<(u64, u64)> = None;
        while let Some(Reverse(((pair, count), idx))) = heads.pop() {
            heads.extend(next_of(idx)?.map(|head| Reverse((head, idx))));
            match &mut sum {
                Some((last, known)) if *last == pair => *known += count,
                _ => {
                    if let Some((last, known)) = sum.replace((pair, count)) {
                        each(last, known)?;
                    }
                }
            }
        }
        sum.map_or(Ok(()), |(last, known)| each(last, known))
    }
}

/// Reads a run.
struct Reader<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    /// What was read and not yet given, in reverse.
    ready: Vec<(u64, u64)>,
    n_at_once: usize,
}

impl<'a> Reader<'a> {
    fn new(run: &'a Run, n_at_once: usize) -> Self {
        Reader {
            file: &run.file,
            at: run.start,
            end: run.start + run.n_pairs * ENTRY_BYTES as u64,
            ready: Vec::new(),
            n_at_once,
        }
    }

    fn next(&mut self) -> io::Result<Option<(u64, u64)>> {
        if self.ready.is_empty() && self.at < self.end {
            let n_left = (self.end - self.at) / ENTRY_BYTES as u64;
            let n = n_left.min(self.n_at_once as u64) as usize;
            let mut bytes = vec![0; n * ENTRY_BYTES];
            self.file.read_exact_at(&mut bytes, self.at)?;
            self.at += bytes.len() as u64;
            let (numbers, _) = bytes.as_chunks::<8>();
            let (entries, _) = numbers.as_chunks::<2>();
            let entry = |entry: &[[u8; 8]; 2]| {
                let [pair, count] = entry.map(u64::from_le_bytes);
                (pair, count)
            };
            self.ready.extend(entries.iter().rev().map(entry));
        }
        Ok(self.ready.pop())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn all(spilled: &Spilled, pairs: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        let read = spilled.each(pairs, |pair, count| {
            all.push((pair, count));
            Ok(())
        });
        read.unwrap();
        all
    }

    proptest! {
        #[test]
        fn counts_of_runs_and_of_memory_add_up(
            runs in prop::collection::vec(prop::collection::btree_map(0_u64..40, 1_u64..9, 0..30), 0..6)
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut expected: BTreeMap<u64, u64> = BTreeMap::new();
            for (pair, count) in runs.iter().flatten() {
                *expected.entry(*pair).or_default() += count;
            }
            let expected: Vec<(u64, u64)> = expected.into_iter().collect();
            let mut spilled = Spilled::new(folder.path(), 0);
            let mut runs = runs.into_iter().map(|run| run.into_iter().collect::<Vec<_>>());
            let in_memory = runs.next().unwrap_or_default();
            for run in runs {
                spilled.push(run).unwrap();
            }
            prop_assert_eq!(all(&spilled, in_memory), expected);
        }
    }

    #[test]
    fn a_copy_adds_to_a_file_of_its_own_and_no_file_has_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("not/yet");
        let mut first = Spilled::new(&below, 0);
        first.push(vec![(1, 1)]).unwrap();
        let mut copy = first.clone();
        copy.push(vec![(2, 20)]).unwrap();
        first.push(vec![(3, 30)]).unwrap();
        assert_eq!(all(&copy, vec![(1, 4)]), [(1, 5), (2, 20)]);
        assert_eq!(all(&first, Vec::new()), [(1, 1), (3, 30)]);
        assert_eq!(fs::read_dir(&below).unwrap().count(), 0);
    }

    #[test]
    fn more_than_a_buffer_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut spilled = Spilled::new(folder.path(), 0);
        let n = (BUFFER_BYTES / ENTRY_BYTES) as u64 + 7;
        for run in 0..3 {
            let pairs = (0..n).map(|pair| (pair * 3 + run, pair + 1));
            spilled.push(pairs.collect()).unwrap();
        }
        let found = all(&spilled, Vec::new());
        assert_eq!(found.len() as u64, 3 * n);
        assert!(found.iter().all(|(pair, count)| pair / 3 + 1 == *count));
        assert!(found.is_sorted());
    }
}
