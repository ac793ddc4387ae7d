//! An input in memory: partitions of records, given in batches of a chosen size, that can stop the
//! run where a test wants it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::BinaryViewArray;
use async_trait::async_trait;
use datashark_engine::Stop;
use datashark_sdk::input::{
    Content, Directives, Header, HeaderRule, Input, InputBatch, InputEvent, Micros, Open,
    PartitionId, Payloads, Source,
};
use datashark_sdk::{Error, Result, Stores};
use serde::Deserialize;
use tokio::sync::watch;

tokio::task_local! {
    /// What the inputs opened in this task read.
    static SCRIPT: Arc<Script>;
}

/// The records of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Its records, in order.
    pub records: Vec<Vec<u8>>,
}

impl Partition {
    /// The lines of a text.
    pub fn of_lines(name: impl Into<String>, text: &str) -> Self {
        let records = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        Partition {
            name: name.into(),
            records,
        }
    }

    /// The offset of each record, and of the end: where its line would start in a file.
    fn offsets(&self) -> Vec<u64> {
        let mut offsets = vec![0];
        for record in &self.records {
            let last = offsets.last().copied().unwrap_or_default();
            offsets.push(last + record.len() as u64 + 1);
        }
        offsets
    }
}

/// How many records a batch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batches {
    /// A partition's records at once.
    Whole,
    /// So many; partitions take turns.
    Of(usize),
}

/// What an input in memory gives, and when it stops the run.
#[derive(Debug)]
pub struct Script {
    /// The partitions.
    pub partitions: Vec<Partition>,
    /// The size of batches.
    pub batches: Batches,
    /// After so many batches the run is stopped as this says, and nothing more is given.
    pub stop_after: Option<(usize, Stop)>,
    /// When the records arrived, for a run without event time.
    pub arrival: Option<Micros>,
    stop: watch::Sender<Stop>,
    given: Mutex<usize>,
}

impl Script {
    /// Gives these partitions to their ends.
    pub fn new(partitions: Vec<Partition>, batches: Batches) -> Self {
        let (stop, _) = watch::channel(Stop::Not);
        let given = Mutex::new(0);
        Script {
            partitions,
            batches,
            stop_after: None,
            arrival: Some(0),
            stop,
            given,
        }
    }

    /// Stops the run after so many batches.
    #[must_use]
    pub fn stopping_after(mut self, n_batches: usize, stop: Stop) -> Self {
        self.stop_after = Some((n_batches, stop));
        self
    }

    /// What stops the run.
    pub fn stop(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    /// How many batches have been given.
    pub fn n_given(&self) -> usize {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something in which inputs in memory give what this script says.
    pub async fn play<T>(self: Arc<Self>, run: impl Future<Output = T>) -> T {
        SCRIPT.scope(self, run).await
    }

    fn count(&self) -> usize {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        *given += 1;
        *given
    }
}

/// The keys of `[in_memory]`: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConf {}

/// The keys of a batch use case's `file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryBatchConf {
    /// The file that is named; its extension says the format.
    file: String,
}

/// `input = memory`.
#[derive(Debug)]
pub struct MemoryInput {
    reader: Reader,
}

/// `file = input/…` of a batch use case, out of memory; any other file, as a training file, is read
/// from the disk, as one partition.
#[derive(Debug)]
pub struct MemoryBatch {
    reader: Reader,
}

/// Events that are ready, and the batches behind them.
#[derive(Debug)]
struct Reader {
    script: Arc<Script>,
    events: VecDeque<InputEvent>,
    once: bool,
}

impl Reader {
    fn new(open: &Open) -> Self {
        Reader::of(SCRIPT.with(Arc::clone), open)
    }

    fn of(script: Arc<Script>, open: &Open) -> Self {
        let mut events = VecDeque::new();
        let mut queues: Vec<VecDeque<InputBatch>> = Vec::new();
        for partition in &script.partitions {
            let id = PartitionId::new(partition.name.as_str());
            let from = open.resume.get(&id).map_or(0, |resume| resume.offset);
            events.push_back(InputEvent::Assigned {
                partition: id,
                name: partition.name.clone(),
                resume: None,
            });
            queues.push(batches(partition, from, &script, open.header));
        }
        while queues.iter().any(|queue| !queue.is_empty()) {
            events.extend(
                queues
                    .iter_mut()
                    .filter_map(VecDeque::pop_front)
                    .map(InputEvent::Batch),
            );
        }
        for partition in &script.partitions {
            let partition = PartitionId::new(partition.name.as_str());
            events.push_back(match open.once {
                true => InputEvent::Ended {
                    partition,
                    forget: false,
                },
                false => InputEvent::CaughtUp(partition),
            });
        }
        Reader {
            script,
            events,
            once: open.once,
        }
    }

    async fn next(&mut self) -> Option<InputEvent> {
        let stopped = self
            .script
            .stop_after
            .filter(|(n, _)| self.script.n_given() >= *n);
        if let Some((_, stop)) = stopped {
            let _ = self.script.stop.send(stop);
            return std::future::pending().await;
        }
        match self.events.pop_front() {
            Some(event) => {
                if matches!(event, InputEvent::Batch(_)) {
                    self.script.count();
                }
                Some(event)
            }
            None if self.once => None,
            None => std::future::pending().await,
        }
    }
}

/// The batches of a partition from an offset on.
fn batches(
    partition: &Partition,
    from: u64,
    script: &Script,
    rule: HeaderRule,
) -> VecDeque<InputBatch> {
    let offsets = partition.offsets();
    let first = offsets
        .partition_point(|offset| *offset < from)
        .min(partition.records.len());
    let len = match script.batches {
        Batches::Whole => partition.records.len().max(1),
        Batches::Of(len) => len.max(1),
    };
    let starts = (first..partition.records.len()).step_by(len);
    let batch = |start: usize| {
        let end = (start + len).min(partition.records.len());
        let records = BinaryViewArray::from_iter_values(&partition.records[start..end]);
        InputBatch {
            partition: PartitionId::new(partition.name.as_str()),
            content: Content::Payloads(Payloads {
                records,
                offsets: offsets[start..end].to_vec().into(),
                header: header(&partition.records, start, rule),
                beside: None,
                first_line: Some(start as u64 + 1),
            }),
            end_offset: offsets[end],
            n_bytes: offsets[end] - offsets[start],
            unreadable: Vec::new(),
            oversized: Vec::new(),
            arrival: script.arrival,
        }
    };
    starts.map(batch).collect()
}

/// The header lines that hold for the record at `start`.
fn header(records: &[Vec<u8>], start: usize, rule: HeaderRule) -> Option<Header> {
    match rule {
        HeaderRule::None => None,
        HeaderRule::FirstLine => records.first().map(|record| record.as_slice().into()),
        HeaderRule::Directives(mark) => {
            let mut directives = Directives::new(mark);
            directives.read(&BinaryViewArray::from_iter_values(&records[..start]));
            Some(Header::Directives(directives))
        }
    }
}

#[async_trait]
impl Input for MemoryInput {
    type Conf = MemoryConf;
    const NAME: &'static str = "memory";
    const ABOUT: &'static str = "records that a test holds";

    async fn open(_: MemoryConf, open: Open) -> Result<Self> {
        Ok(MemoryInput {
            reader: Reader::new(&open),
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Ok(self.reader.next().await)
    }
}

#[async_trait]
impl Input for MemoryBatch {
    type Conf = MemoryBatchConf;
    const NAME: &'static str = datashark_engine::BATCH_INPUT;
    const ABOUT: &'static str = "a file that a test holds";

    fn source(conf: &MemoryBatchConf, _: &Stores) -> Result<Source> {
        let extension = conf.file.rsplit_once('.').map(|(_, extension)| extension);
        let format = match extension {
            Some("json" | "ndjson" | "jsonl") => Some("json"),
            Some("csv") => Some("csv"),
            _ => None,
        };
        Ok(Source::Raw { format })
    }

    async fn open(conf: MemoryBatchConf, open: Open) -> Result<Self> {
        let path = Path::new(&conf.file);
        if path
            .parent()
            .is_some_and(|folder| folder.ends_with("input"))
        {
            return Ok(MemoryBatch {
                reader: Reader::new(&open),
            });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::io(format!("reading {}", conf.file), error))?;
        let script = Script::new(vec![Partition::of_lines(conf.file, &text)], Batches::Whole);
        Ok(MemoryBatch {
            reader: Reader::of(Arc::new(script), &open),
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Ok(self.reader.next().await)
    }
}
