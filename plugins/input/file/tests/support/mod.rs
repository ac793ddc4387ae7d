//! What the tests of this crate share: folders with files, and an input read to its end.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datashark_input_file::{Batch, BatchConf, Folder, FolderConf};
use datashark_sdk::arrow::array::Array;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{
    Content, Header, Input, InputBatch, InputEvent, Open, Oversized, PartitionId, Resume,
};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an input said of one partition.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Partition {
    /// The name it was assigned by.
    pub name: String,
    /// Its records with their offsets.
    pub records: Vec<(u64, String)>,
    /// Its records that were too large.
    pub oversized: Vec<Oversized>,
    /// Where it ended.
    pub end_offset: u64,
    /// The header that came with its last batch.
    pub header: Option<String>,
    /// The reason why it failed.
    pub failed: Option<String>,
    /// Whether its end was reached.
    pub caught_up: bool,
    /// Whether it ended.
    pub ended: bool,
}

impl Partition {
    /// The records, without their offsets.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.records.iter().map(|(_, line)| line.as_str()).collect()
    }

    fn take(&mut self, batch: InputBatch) {
        let Content::Payloads(payloads) = &batch.content else {
            panic!("no payloads")
        };
        assert_eq!(payloads.records.len(), payloads.offsets.len());
        if let Some(line) = payloads.first_line {
            let before = self.records.len() + self.oversized.len();
            assert_eq!(
                line,
                before as u64 + 1,
                "lines are counted from the file's start"
            );
        }
        for (record, offset) in payloads.records.iter().zip(payloads.offsets.iter()) {
            let last = self.records.last().map_or(0, |(offset, _)| *offset + 1);
            assert!(*offset >= last, "offsets ascend");
            let record = String::from_utf8(record.unwrap().to_vec()).unwrap();
            self.records.push((*offset, record));
        }
        assert!(batch.end_offset >= self.end_offset, "offsets only grow");
        self.end_offset = batch.end_offset;
        self.header = payloads.header.as_ref().map(|header| match header {
            Header::FirstLine(line) => String::from_utf8_lossy(line).into(),
            Header::Directives(directives) => {
                let lines: Vec<_> = directives.lines().map(String::from_utf8_lossy).collect();
                lines.join("\n")
            }
        });
        self.oversized.extend(batch.oversized);
    }
}

/// All that an input said.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// By partition.
    pub partitions: BTreeMap<PartitionId, Partition>,
    /// Reasons of failures without a partition.
    pub failed: Vec<String>,
    /// The names of the partitions as they were assigned.
    pub assigned: Vec<String>,
    /// Partitions that were ended without having been assigned.
    pub forgotten: Vec<PartitionId>,
    /// The bytes that all batches counted.
    pub n_bytes: u64,
}

impl Read {
    /// What came of the only file of this name.
    pub(crate) fn of(&self, name: &str) -> &Partition {
        let mut named = self
            .partitions
            .values()
            .filter(|it| it.name.ends_with(name));
        let found = named
            .next()
            .unwrap_or_else(|| panic!("no partition {name} in {self:#?}"));
        assert!(named.next().is_none(), "two partitions {name}");
        found
    }

    /// All records, sorted.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self
            .partitions
            .values()
            .flat_map(Partition::lines)
            .collect();
        lines.sort_unstable();
        lines
    }

    /// Where each partition goes on.
    pub(crate) fn resume(&self) -> BTreeMap<PartitionId, Resume> {
        let resume = |partition: &Partition| Resume::at(partition.end_offset);
        self.partitions
            .iter()
            .map(|(id, partition)| (id.clone(), resume(partition)))
            .collect()
    }

    /// Takes an event.
    pub(crate) fn take(&mut self, event: InputEvent) {
        match event {
            InputEvent::Assigned {
                partition, name, ..
            } => {
                assert_eq!(self.n_bytes, 0, "all are assigned before the first batch");
                self.assigned.push(name.clone());
                self.partitions.insert(
                    partition,
                    Partition {
                        name,
                        ..Partition::default()
                    },
                );
            }
            InputEvent::Batch(batch) => {
                self.n_bytes += batch.n_bytes;
                self.partitions
                    .get_mut(&batch.partition)
                    .expect("assigned")
                    .take(batch);
            }
            InputEvent::CaughtUp(id) => {
                self.partitions.get_mut(&id).expect("assigned").caught_up = true;
            }
            InputEvent::Ended { partition, forget } => match self.partitions.get_mut(&partition) {
                Some(it) => {
                    assert!(!forget && !it.ended);
                    it.ended = true;
                }
                None => self.forgotten.push(partition),
            },
            InputEvent::Revoked(partition) => panic!("{partition} is nobody else's"),
            InputEvent::Failed {
                partition: Some(id),
                reason,
            } => {
                self.partitions.get_mut(&id).expect("assigned").failed = Some(reason);
            }
            InputEvent::Failed {
                partition: None,
                reason,
            } => self.failed.push(reason),
        }
    }
}

/// Reads an input to its end.
pub(crate) async fn read_all<I: Input>(conf: I::Conf, open: Open) -> Read {
    let mut input = I::open(conf, open).await.expect("opens");
    let mut read = Read::default();
    while let Some(event) = timeout(input.next()).await.expect("goes on") {
        read.take(event);
    }
    for partition in read.partitions.values() {
        assert!(partition.ended, "all end: {partition:?}");
    }
    read
}

/// Reads what `file =` names.
pub(crate) async fn read_batch(file: impl AsRef<Path>) -> Read {
    read_all::<Batch>(batch_conf(file), once()).await
}

/// The conf of a batch.
pub(crate) fn batch_conf(file: impl AsRef<Path>) -> BatchConf {
    BatchConf {
        files: vec![file.as_ref().to_str().unwrap().to_owned()],
    }
}

/// Reads what is in a folder.
pub(crate) async fn read_folder(folder: &Path, open: Open) -> Read {
    read_all::<Folder>(folder_conf(folder, &[]), open).await
}

/// The section `[in_file]` of a folder, as a conf gives it.
pub(crate) fn folder_conf(folder: &Path, more: &[(&str, &str)]) -> FolderConf {
    let path = folder.to_str().unwrap().to_owned();
    let keys = [("folder_path", path.as_str())];
    Section::from_iter(keys.into_iter().chain(more.iter().copied()))
        .parse()
        .unwrap()
}

/// A run over what is there.
pub(crate) fn once() -> Open {
    Open {
        once: true,
        ..Open::default()
    }
}

/// Waits, but not for ever.
pub(crate) async fn timeout<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it happens in time")
}

/// A folder with files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

/// Writes a file, and the folders it lies in.
pub(crate) fn write(folder: &Path, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// Packs text as one member, frame or stream.
pub(crate) fn pack(extension: &str, text: &[u8]) -> Vec<u8> {
    match extension {
        "gz" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            packer.write_all(text).unwrap();
            packer.finish().unwrap()
        }
        "zst" => {
            let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
            packer.include_checksum(true).unwrap();
            packer.write_all(text).unwrap();
            packer.finish().unwrap()
        }
        "bz2" => {
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            packer.write_all(text).unwrap();
            packer.finish().unwrap()
        }
        "xz" => liblzma::encode_all(text, 0).unwrap(),
        other => panic!("{other}"),
    }
}

/// Numbered lines of some length.
pub(crate) fn numbered(n_lines: usize) -> String {
    (0..n_lines)
        .map(|i| {
            format!(
                "{i:08} the quick brown fox {}\n",
                i.wrapping_mul(2_654_435_761)
            )
        })
        .collect()
}
