//! An ingest from its files to its last commit.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::Array;
use datashark_codec::{Decoder, Format};
use datashark_output_delta::{INVALID, Kind, Store, Table};
use datashark_sdk::input::{
    Content, InputBatch, InputEntry, InputEvent, Micros, Open, PartitionId, Payloads, Progress,
    Resume,
};
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt};
use tokio::sync::watch;

use crate::error::{IngestError, Result};
use crate::identity::end_of;
use crate::mapping::{Mapped, Mapping};
use crate::plan::{Group, Plan, Planned, plan};
use crate::recognise::{self, Said, check_format, section};
use crate::write::{Invalid, Write};

/// Batches on their way for each thread: one in work, one waiting.
const BATCHES_PER_WORKER: usize = 2;

/// How much of a record that cannot be stored is kept.
const KEPT_BYTES: usize = 64 << 10;

/// What became of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records that were read.
    pub read: u64,
    /// Rows of the table.
    pub stored: u64,
    /// Records of another kind: DNS queries, other events of Suricata.
    pub others: u64,
    /// Records that cannot be stored; they are in the table `invalid`.
    pub invalid: u64,
}

/// Is told how an ingest goes on.
pub trait Watch: Send + Sync {
    /// The time, in microseconds since 1970.
    fn now(&self) -> Micros;
    /// How far the files are.
    fn progress(&self, progress: Progress, counts: &Counts);
    /// Something that the user reads.
    fn message(&self, text: &str);
}

/// What is to be stored, and where.
pub struct Ingest {
    /// What the records are of.
    pub kind: Kind,
    /// The files.
    pub files: Vec<PathBuf>,
    /// The store.
    pub store: Store,
    /// How the files are read, where they are not to show it themselves.
    pub said: Said,
    /// The input that reads files.
    pub entry: InputEntry,
    /// How many threads decode.
    pub n_workers: usize,
    /// The longest record that is read; a longer one is invalid.
    pub max_record_bytes: usize,
    /// About how much is read at a time.
    pub block_bytes: usize,
    /// How long what was read may wait for its commit.
    pub commit_every: Duration,
    /// Ends it: what was read is committed.
    pub stop: watch::Receiver<bool>,
}

/// What came of an ingest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// What became of the records of this run.
    pub counts: Counts,
    /// Files that were read to their end.
    pub n_files: u64,
    /// Files that could not be read, or not to their end, and why.
    pub failures: Vec<String>,
    /// Files that were passed over: they are in the store already, or not finished.
    pub passed_over: Vec<String>,
    /// Whether it was stopped before the end.
    pub is_stopped: bool,
}

impl Ingest {
    /// Stores the files.
    ///
    /// # Errors
    /// What ends it before the files do: the disk is full, the store is no store. What was committed
    /// stays, and the next run goes on behind it.
    pub async fn run(self, watch: &dyn Watch) -> Result<Summary> {
        if let Some(format) = &self.said.format {
            check_format(self.kind, format)?;
        }
        let table = self.store.table(self.kind).await?;
        let invalid = Table::open(&self.store.path(INVALID)).await?;
        let files = self.files.clone();
        let tables = (&table, invalid.as_ref());
        let plan = plan(files, self.kind, &self.said, &self.entry, tables).await?;
        let mut summary = Summary::default();
        let named =
            |(path, reason): &(PathBuf, String)| match reason.contains(&*path.to_string_lossy()) {
                true => reason.clone(),
                false => format!("`{}`: {reason}", path.display()),
            };
        summary.failures.extend(plan.refused.iter().map(named));
        summary
            .passed_over
            .extend(plan.passed_over.iter().map(named));
        let write = Write::new(
            self.kind,
            self.store.clone(),
            table,
            self.commit_every,
            watch.now(),
        )?;
        self.read(plan, write, watch, &mut summary).await?;
        Ok(summary)
    }

    /// How the input is opened for files that are read together.
    fn open(&self, reading: &recognise::Reading, files: &Files<'_>) -> Open {
        let resume = files
            .iter()
            .map(|(id, file)| (id.clone(), Resume::at(file.offset)));
        Open {
            use_case: "ingest".to_owned(),
            resume: resume.collect::<BTreeMap<_, _>>(),
            once: true,
            framing: reading.format.framing(),
            header: reading.format.header(),
            n_partitions: self.n_workers,
            max_record_bytes: self.max_record_bytes,
            block_bytes: self.block_bytes,
            ..Open::default()
        }
    }

    async fn read(
        &self,
        plan: Plan,
        write: Write,
        watch: &dyn Watch,
        summary: &mut Summary,
    ) -> Result<()> {
        let files = || plan.groups.iter().flat_map(|group| &group.files);
        let total_bytes = files().map(|file| file.n_bytes).sum();
        let mut reading = Reading {
            write,
            watch,
            summary,
            progress: Progress {
                read_bytes: 0,
                total_bytes: Some(total_bytes),
            },
            ends: HashMap::new(),
        };
        for group in &plan.groups {
            if *self.stop.borrow() {
                reading.summary.is_stopped = true;
                break;
            }
            reading.group(self, group).await?;
        }
        reading.write.commit(watch.now()).await
    }
}

/// Files being read.
struct Reading<'a> {
    write: Write,
    watch: &'a dyn Watch,
    summary: &'a mut Summary,
    /// Of the groups before this one.
    progress: Progress,
    /// How far each file of this group is.
    ends: HashMap<PartitionId, End>,
}

/// The files that are read together.
type Files<'a> = HashMap<PartitionId, &'a Planned>;

/// How far a file is.
enum End {
    /// Behind the last record that was read.
    At(u64),
    /// It cannot be read on.
    Failed,
}

/// What the next in order is.
enum Step {
    Rows(Box<Decoded>),
    Ended(PartitionId),
    Failed(Option<PartitionId>, String),
}

/// A batch, decoded and mapped.
struct Decoded {
    partition: PartitionId,
    end_offset: u64,
    rows: Mapped,
    n_read: u64,
    n_others: u64,
    invalid: Vec<Invalid>,
}

impl Reading<'_> {
    /// Reads files of one format, several at a time; what they give is written in the order in which it
    /// was read.
    async fn group(&mut self, ingest: &Ingest, group: &Group) -> Result<()> {
        let files: Files<'_> = group
            .files
            .iter()
            .map(|file| (partition_of(file), file))
            .collect();
        let paths = group.files.iter().map(|file| file.path.as_path());
        let open = ingest.open(&group.reading, &files);
        let mut input = ingest.entry.open(&section(paths), open).await?;
        let work = Arc::new(Work {
            format: Arc::clone(&group.reading.format),
            mapping: Arc::clone(&group.reading.mapping),
            decoders: Mutex::default(),
        });
        let mut stop = ingest.stop.clone();
        let mut steps = FuturesOrdered::new();
        let most = ingest.n_workers.max(1) * BATCHES_PER_WORKER;
        let mut has_ended = false;
        self.ends.clear();
        while !(has_ended && steps.is_empty()) {
            tokio::select! {
                biased;
                changed = stop.changed(), if !self.summary.is_stopped => {
                    self.summary.is_stopped = changed.is_err() || *stop.borrow_and_update();
                    has_ended |= self.summary.is_stopped;
                }
                Some(step) = steps.next(), if !steps.is_empty() => {
                    self.step(step?, &files).await?;
                    self.tell(input.progress());
                }
                event = input.next(), if !has_ended && steps.len() < most => match event? {
                    None => has_ended = true,
                    Some(event) => steps.extend(step_of(event, &work)),
                },
            }
        }
        self.progress.read_bytes += input.progress().read_bytes;
        Ok(())
    }

    async fn step(&mut self, step: Step, files: &Files<'_>) -> Result<()> {
        match step {
            Step::Rows(decoded) => self.take(*decoded, files).await?,
            Step::Failed(partition, reason) => {
                if let Some(partition) = partition {
                    self.ends.insert(partition, End::Failed);
                }
                self.watch.message(&reason);
                self.summary.failures.push(reason);
            }
            Step::Ended(partition) => self.ended(&partition, files),
        }
        self.write.commit_if_due(self.watch.now()).await
    }

    /// Writes what a batch became.
    async fn take(&mut self, decoded: Decoded, files: &Files<'_>) -> Result<()> {
        let counts = &mut self.summary.counts;
        counts.read += decoded.n_read;
        counts.stored += decoded.rows.rows.num_rows() as u64;
        counts.others += decoded.n_others;
        let file = files.get(&decoded.partition);
        let file = file.ok_or_else(|| {
            IngestError::Internal(format!("an unknown partition `{}`", decoded.partition))
        })?;
        // A file that fails before it has given anything is read from its beginning when it can be.
        let has_any = decoded.rows.rows.num_rows() > 0 || !decoded.invalid.is_empty();
        self.write
            .rows(decoded.rows.rows, decoded.rows.hours)
            .await?;
        counts.invalid += decoded.invalid.len() as u64;
        let kept: Vec<Invalid> = decoded
            .invalid
            .into_iter()
            .filter(|invalid| invalid.offset >= file.invalid_offset)
            .collect();
        let name = file.path.to_string_lossy();
        let now = self.watch.now();
        self.write
            .invalid(&name, &file.identity, &kept, now)
            .await?;
        if has_any {
            self.write
                .reached(file.identity.clone(), decoded.end_offset);
        }
        self.ends
            .insert(decoded.partition, End::At(decoded.end_offset));
        Ok(())
    }

    /// Nothing more comes of a file.
    fn ended(&mut self, partition: &PartitionId, files: &Files<'_>) {
        let (Some(file), end) = (files.get(partition), self.ends.get(partition)) else {
            return;
        };
        match end {
            Some(End::Failed) => return,
            Some(End::At(end)) => self.write.reached(file.identity.clone(), *end),
            None => {}
        }
        self.write.reached(end_of(&file.identity), file.n_bytes);
        self.summary.n_files += 1;
    }

    fn tell(&self, progress: Progress) {
        let progress = Progress {
            read_bytes: self.progress.read_bytes + progress.read_bytes,
            ..self.progress
        };
        self.watch.progress(progress, &self.summary.counts);
    }
}

/// What the input says, as the next in order.
fn step_of(event: InputEvent, work: &Arc<Work>) -> Option<BoxFuture<'static, Result<Step>>> {
    Some(match event {
        InputEvent::Batch(batch) => {
            let work = Arc::clone(work);
            let step = tokio::task::spawn_blocking(move || work.step(batch));
            Box::pin(async move {
                let step = step.await;
                step.map_err(|error| IngestError::Internal(error.to_string()))?
            })
        }
        InputEvent::Ended { partition, .. } => Box::pin(async { Ok(Step::Ended(partition)) }),
        InputEvent::Failed { partition, reason } => {
            Box::pin(async { Ok(Step::Failed(partition, reason)) })
        }
        _ => return None,
    })
}

/// The partition that the input makes of a file.
fn partition_of(file: &Planned) -> PartitionId {
    PartitionId::new(file.path.to_string_lossy().into_owned())
}

/// What threads do with the batches of a format.
struct Work {
    format: Arc<dyn Format>,
    mapping: Arc<Mapping>,
    /// Those that no batch uses just now.
    decoders: Mutex<Vec<Box<dyn Decoder>>>,
}

impl Work {
    fn step(&self, batch: InputBatch) -> Result<Step> {
        let n_read = batch.len();
        let Content::Payloads(payloads) = &batch.content else {
            return Err(IngestError::Internal("an input gave columns".to_owned()));
        };
        let mut decoder = self.decoder()?;
        let decoded = decoder.decode(payloads);
        self.idle().push(decoder);
        let n_told = decoded.rows.num_rows() + decoded.n_filtered + decoded.invalid.len();
        // A file's header lines are no records.
        let n_headers = payloads.records.len() - n_told;
        let rows = self.mapping.rows(&decoded.rows)?;
        let invalid = invalid(&batch, payloads, &decoded, &rows);
        Ok(Step::Rows(Box::new(Decoded {
            partition: batch.partition,
            end_offset: batch.end_offset,
            n_read: (n_read - n_headers) as u64,
            n_others: rows.n_others + decoded.n_filtered as u64,
            rows,
            invalid,
        })))
    }

    fn decoder(&self) -> Result<Box<dyn Decoder>> {
        if let Some(decoder) = self.idle().pop() {
            return Ok(decoder);
        }
        let decoder = self.format.decoder(self.mapping.fields());
        decoder.map_err(|error| IngestError::Internal(error.to_string()))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Decoder>>> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What cannot be stored of a batch, in order.
fn invalid(
    batch: &InputBatch,
    payloads: &Payloads,
    decoded: &datashark_codec::Decoded,
    rows: &Mapped,
) -> Vec<Invalid> {
    let record_of = |row: usize| match &decoded.record_idx {
        Some(record_idx) => record_idx.value(row) as usize,
        None => row,
    };
    let undecoded = decoded.invalid.iter();
    let undecoded = undecoded.map(|it| kept(payloads, it.record_idx as usize, it.reason.clone()));
    let unmapped = rows.invalid.iter();
    let unmapped = unmapped.map(|(row, why)| kept(payloads, record_of(*row), (*why).to_owned()));
    let oversized = batch.oversized.iter().map(|it| Invalid {
        line: it.line,
        offset: it.offset,
        reason: format!("the record has {} bytes, more than are read", it.n_bytes),
        record: String::from_utf8_lossy(&it.head).into_owned(),
    });
    let unreadable = batch.unreadable.iter().map(|it| Invalid {
        line: None,
        offset: it.offset,
        reason: it.reason.clone(),
        record: String::new(),
    });
    let all = undecoded.chain(unmapped).chain(oversized).chain(unreadable);
    let mut invalid: Vec<Invalid> = all.collect();
    invalid.sort_by_key(|it| it.offset);
    invalid
}

/// A record that cannot be stored.
fn kept(payloads: &Payloads, record: usize, reason: String) -> Invalid {
    let bytes = payloads.records.value(record);
    Invalid {
        line: payloads.first_line.map(|line| line + record as u64),
        offset: payloads.offsets[record],
        reason,
        record: String::from_utf8_lossy(&bytes[..bytes.len().min(KEPT_BYTES)]).into_owned(),
    }
}
