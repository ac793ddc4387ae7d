//! A folder, the input that watches it, and an engine that keeps its checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::Array;
use datashark_sdk::input::{
    Content, Header, HeaderRule, InputBatch, InputEvent, Open, PartitionId, Resume,
};

use crate::conf::{FolderConf, From};
use crate::live::{self, Timing};
use crate::outlet::Intake;
use crate::paths::matcher;
use crate::register::Register;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits as short as a test bears, but for the last line, which tests must not take too early.
pub(super) fn quick() -> Timing {
    Timing {
        poll: Duration::from_millis(200),
        poll_often: Duration::from_millis(20),
        pause: Duration::from_millis(2),
        settle: Duration::from_millis(20),
        settle_max: Duration::from_millis(100),
        quiet: Duration::from_secs(3600),
        quiet_gone: Duration::from_millis(100),
        n_open: 8,
        notify: true,
    }
}

pub(super) fn gz(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

/// Numbered lines that do not pack too well.
pub(super) fn numbered(n_lines: u64) -> String {
    let noise = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i << 7);
    (0..n_lines)
        .map(|i| format!("{i:06} {:016x}\n", noise(i)))
        .collect()
}

/// See the module's page.
pub(super) struct Harness {
    home: tempfile::TempDir,
    conf: FolderConf,
    open: Open,
    intake: Option<Intake>,
    /// Where each partition goes on.
    pub resume: BTreeMap<PartitionId, Resume>,
    /// The names of the partitions, and whether they were assigned since the last start.
    names: Vec<(PartitionId, String)>,
    /// The partitions, offsets and texts of the records, in the order they came.
    pub records: Vec<(PartitionId, u64, String)>,
    pub oversized: Vec<(u64, u64)>,
    pub headers: Vec<String>,
    /// The names of the partitions that ended, and whether they may be forgotten.
    pub ended: Vec<(String, bool)>,
    pub failed: Vec<String>,
    pub n_caught_up: usize,
    pub n_assigned_before_first_batch: usize,
    active: Vec<PartitionId>,
    /// How long to wait for what must happen.
    pub patience: Duration,
}

impl Harness {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder_path = home.path().join("logs");
        fs::create_dir(&folder_path).unwrap();
        let (pattern, from, recursive) = ("*".to_owned(), From::Beginning, false);
        let conf = FolderConf {
            folder_path,
            pattern,
            from,
            recursive,
            partitions: Some(2),
        };
        Harness {
            home,
            conf,
            open: Open::default(),
            intake: None,
            resume: BTreeMap::new(),
            names: Vec::new(),
            records: Vec::new(),
            oversized: Vec::new(),
            headers: Vec::new(),
            ended: Vec::new(),
            failed: Vec::new(),
            n_caught_up: 0,
            n_assigned_before_first_batch: 0,
            active: Vec::new(),
            patience: PATIENCE,
        }
    }

    pub(super) fn pattern(&mut self, pattern: &str) {
        pattern.clone_into(&mut self.conf.pattern);
    }

    pub(super) fn begin_at_end(&mut self) {
        self.conf.from = From::End;
    }

    pub(super) fn recursive(&mut self, recursive: bool) {
        self.conf.recursive = recursive;
    }

    pub(super) fn record_bytes(&mut self, n_bytes: usize) {
        self.open.max_record_bytes = n_bytes;
    }

    pub(super) fn block_bytes(&mut self, n_bytes: usize) {
        self.open.block_bytes = n_bytes;
    }

    pub(super) fn header(&mut self, rule: HeaderRule) {
        self.open.header = rule;
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join("logs");
        if name.is_empty() {
            folder
        } else {
            folder.join(name)
        }
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Writes over what a file has, from its start on.
    pub(super) fn rewrite(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn truncate(&self, name: &str) {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(self.path(name))
            .unwrap();
        file.set_len(0).unwrap();
    }

    pub(super) fn delete(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(super) fn open(&self, timing: Timing) -> Intake {
        let open = Open {
            resume: self.resume.clone(),
            ..self.open.clone()
        };
        let register = Register::new(matcher(&self.conf.pattern).unwrap(), &open);
        live::start(self.conf.clone(), register, &open, timing).unwrap()
    }

    pub(super) async fn start(&mut self, timing: Timing) {
        self.intake = Some(self.open(timing));
    }

    pub(super) fn stop(&mut self) {
        self.intake = None;
        self.active.clear();
    }

    /// Takes events until something holds.
    pub(super) async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let event = tokio::time::timeout(self.patience, self.intake.as_mut().unwrap().next());
            let Ok(event) = event.await else {
                panic!("it did not happen: {self:#?}")
            };
            self.take(event.unwrap().expect("a watched folder has no end"));
        }
    }

    /// Takes events until none came for longer than all quick waits but that for the last line.
    pub(super) async fn settle(&mut self) {
        self.settle_for(Duration::from_millis(400)).await;
    }

    /// Takes events until none came for so long.
    pub(super) async fn settle_for(&mut self, quiet: Duration) {
        loop {
            let next = self.intake.as_mut().unwrap().next();
            let Ok(event) = tokio::time::timeout(quiet, next).await else {
                return;
            };
            self.take(event.unwrap().expect("a watched folder has no end"));
        }
    }

    /// Waits for the lines of the file that last had a name.
    pub(super) async fn expect(&mut self, name: &str, lines: &[&str]) {
        self.until(|it| it.lines_of(name).len() >= lines.len())
            .await;
        assert_eq!(self.lines_of(name), lines, "{name}");
    }

    fn lines_of(&self, name: &str) -> Vec<&str> {
        let mut found = self.names.iter().rev();
        let Some((id, _)) = found.find(|(_, it)| it == name) else {
            return Vec::new();
        };
        let records = self
            .records
            .iter()
            .filter(|(partition, ..)| partition == id);
        records.map(|(_, _, line)| line.as_str()).collect()
    }

    pub(super) fn lines(&self) -> Vec<&str> {
        self.records
            .iter()
            .map(|(_, _, line)| line.as_str())
            .collect()
    }

    pub(super) fn n_records(&self) -> usize {
        self.records.len()
    }

    /// How many partitions there were, those of earlier starts included.
    pub(super) fn n_assigned(&self) -> usize {
        self.names.len()
    }

    pub(super) fn ids(&self) -> Vec<&str> {
        self.names.iter().map(|(id, _)| id.as_str()).collect()
    }

    fn name(&self, partition: &PartitionId) -> String {
        let found = self.names.iter().find(|(id, _)| id == partition);
        found.map_or_else(|| partition.to_string(), |(_, name)| name.clone())
    }

    fn take(&mut self, event: InputEvent) {
        match event {
            InputEvent::Assigned {
                partition, name, ..
            } => {
                assert!(
                    !self.active.contains(&partition),
                    "{name} is assigned twice"
                );
                self.active.push(partition.clone());
                let name = Path::new(&name)
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                if !self.names.iter().any(|(id, _)| *id == partition) {
                    self.names.push((partition, name));
                }
                if self.records.is_empty() {
                    self.n_assigned_before_first_batch += 1;
                }
            }
            InputEvent::Batch(batch) => self.take_batch(batch),
            InputEvent::CaughtUp(partition) => {
                assert!(self.active.contains(&partition));
                self.n_caught_up += 1;
            }
            InputEvent::Ended { partition, forget } => {
                self.active.retain(|id| *id != partition);
                if forget {
                    self.resume.remove(&partition);
                }
                self.ended.push((self.name(&partition), forget));
            }
            InputEvent::Revoked(partition) => panic!("{partition} is nobody else's"),
            InputEvent::Failed { reason, .. } => self.failed.push(reason),
        }
    }

    fn take_batch(&mut self, batch: InputBatch) {
        let InputBatch {
            partition,
            content,
            end_offset,
            oversized,
            ..
        } = batch;
        assert!(
            self.active.contains(&partition),
            "a batch of what is not assigned"
        );
        let Content::Payloads(payloads) = content else {
            panic!("no payloads")
        };
        let before = self
            .resume
            .get(&partition)
            .map_or(0, |resume| resume.offset);
        let first = payloads.offsets.first().copied().unwrap_or(end_offset);
        assert!(first >= before && end_offset >= first, "offsets only grow");
        for (record, offset) in payloads.records.iter().zip(payloads.offsets.iter()) {
            let record = String::from_utf8(record.unwrap().to_vec()).unwrap();
            self.records.push((partition.clone(), *offset, record));
        }
        assert_eq!(payloads.records.len(), payloads.offsets.len());
        self.oversized
            .extend(oversized.iter().map(|it| (it.offset, it.n_bytes)));
        let header = payloads.header.map(|header| match header {
            Header::FirstLine(line) => String::from_utf8_lossy(&line).into_owned(),
            Header::Directives(directives) => {
                let lines: Vec<_> = directives.lines().map(String::from_utf8_lossy).collect();
                lines.join("\n")
            }
        });
        self.headers.extend(header);
        self.resume.insert(partition, Resume::at(end_offset));
    }
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness")
            .field("names", &self.names)
            .field("records", &self.records.len())
            .field("ended", &self.ended)
            .field("failed", &self.failed)
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}
