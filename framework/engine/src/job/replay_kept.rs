//! Gives what lies in a use case's quarantine another chance: refused findings to their output,
//! records to the pipeline, both as they are now.
//!
//! Replayed records make windows of their own, whose findings have ids of their own: they add to
//! what was delivered before and overwrite none of it. What fails again goes back to the quarantine.
//! Nothing is taken out before the outputs have what became of it; a replay that is cut off starts
//! over, with the same ids.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{BinaryViewArray, RecordBatch};
use arrow::compute::concat_batches;
use async_trait::async_trait;
use chrono::DateTime;
use datashark_sdk::input::{
    Content, Directives, DynInput, Header, HeaderRule, InputBatch, InputEvent, Micros, PartitionId,
    Payloads,
};
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Findings, Window};

use super::run::RunOptions;
use super::scoring::Scoring;
use super::{Job, folder_name};
use crate::aside::AsideRecord;
use crate::deliver::{Delivered, Delivery, Patience};
use crate::error::{Error, Result};
use crate::quarantine::{self, Kept, Origin, QuarantineFolder, RECORDS, WINDOWS};
use crate::run::orders::Report;
use crate::run::{Durable, MaybeHad, Observer, Resuming, Settings, Source, Until, WindowSink, run};

/// How often a delivery is tried.
const TRIES: u32 = 10;
/// Findings that are given to an output at a time, records that are read at a time.
const AT_A_TIME: usize = 10_000;

/// What of a quarantine is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayKept {
    /// The records that did not parse.
    pub records: bool,
    /// The findings that outputs refused.
    pub findings: bool,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayedKept {
    /// Records that were read again.
    pub n_records: u64,
    /// Those of them that are invalid again.
    pub n_invalid: u64,
    /// Windows that a plugin's process did not survive, and now did.
    pub n_windows: u64,
    /// Findings that the records and the windows gave.
    pub n_found: u64,
    /// Refused findings that were given to their outputs again.
    pub n_findings: u64,
    /// Findings that were refused, again or for the first time.
    pub n_refused: u64,
}

impl Job {
    /// Replays what lies in the use case's quarantine; [`Job::replay`] replays the past of its input.
    ///
    /// # Errors
    /// Another run has the state folder; a kept entry is damaged; an output does not take its
    /// findings. The quarantine is then as it was.
    pub async fn replay_kept(
        mut self,
        what: ReplayKept,
        options: RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<ReplayedKept> {
        let folder = options.state_folder.join(folder_name(self.name()));
        let mut durable = Durable::open(&folder, self.name(), Resuming::Yes)?;
        let quarantine = QuarantineFolder::of(&folder);
        let model = self.model(&folder, &options, &observer).await?;
        self.screen(&model)?;
        let rows_schema = self.records.aggregation.rows_schema()?;
        let schema = self.findings_schema(&model, &rows_schema);
        let checkpoint = |name: &str| durable.output(name);
        let mut outputs = self
            .open_outputs(&self.outputs, checkpoint, &schema, options.clock.as_ref())
            .await?;
        for output in &mut outputs {
            output.checkpoint.delivered_until = None;
            if what.findings {
                // What is refused now goes behind what is replayed.
                output.checkpoint.quarantine = output.checkpoint.quarantine.next();
            }
        }
        let names: Vec<String> = outputs.iter().map(|output| output.name.clone()).collect();
        let settings = self.delivering(&folder, Patience::Tries(TRIES), &options, &observer);
        let mut delivery = Delivery::start(outputs, &settings).await?;
        let mut replayed = ReplayedKept::default();
        if what.findings {
            for name in &names {
                let kept = quarantine.entries(name)?;
                replayed.n_findings += deliver_again(kept, name, &mut delivery).await?;
            }
        }
        // The same for a replay that starts over, another for the next one.
        let replay = durable.records().last;
        let mut scoring = self.scoring(model, rows_schema, delivery, &options, &observer);
        scoring.state_folder = Some(folder.clone());
        let mut windows = WindowsAgain::default();
        if what.records {
            // They were delivered to nobody: their findings have the ids that they would have had.
            windows = windows_again(&folder, &mut scoring).await?;
            replayed.n_windows = windows.n_scored;
        }
        scoring.id_name = format!("{}\u{0}replay {replay}", self.name()).into();
        if what.records && self.records.format.is_none() {
            // What was kept is how a person reads it: the columns cannot be made of it again.
            let message = "records of a source with columns of its own cannot be replayed";
            return Err(Error::Incomplete(vec![message.to_owned()]));
        }
        if what.records {
            let header = self.open().header;
            let input = ReplayedRecords::read(quarantine.entries(RECORDS)?, header)?;
            replayed.n_records = input.n_records;
            replayed.n_invalid = input.cut.len() as u64;
            durable.keep_records_behind(&folder)?;
            for (name, partition, record) in &input.cut {
                durable.keep_record(name, partition, record, options.clock.now())?;
            }
            let pipeline = self.pipeline(self.records.windowing, self.records.time.clone());
            let settings = Settings {
                n_lanes: 1,
                until: Until::End,
                idle_timeout: Micros::MAX,
                clock: Arc::clone(&options.clock),
                stop: options.stop.clone(),
                observer,
            };
            let mut sink = ReplaySink {
                scoring: &mut scoring,
                durable: &mut durable,
                now: options.clock.now(),
            };
            let outcome = run(
                Arc::new(pipeline),
                Source::Own(Box::new(input)),
                None,
                &mut sink,
                settings,
            );
            replayed.n_invalid += outcome.await?.ledger.invalid;
        } else {
            scoring.delivery.finish().await?;
        }
        replayed.n_found = scoring.n_findings;
        replayed.n_refused = scoring.delivery.n_refused();
        let delivered = scoring.delivery.delivered().await?;
        durable.commit_replay(delivered.outputs)?;
        durable.tidy()?;
        quarantine::remove_windows(&folder, windows.before)?;
        Ok(replayed)
    }
}

/// Which kept windows were scored again.
#[derive(Default)]
struct WindowsAgain {
    /// Files before this number have been read; what failed again is in those from there on.
    before: u64,
    n_scored: u64,
}

/// Scores the windows that are kept; one that the use case does not survive again is kept anew.
async fn windows_again(folder: &Path, scoring: &mut Scoring) -> Result<WindowsAgain> {
    let quarantine = QuarantineFolder::of(folder);
    let before = quarantine::next_window_file(folder)?;
    let n_before = (scoring.n_windows, scoring.n_given_up);
    for kept in quarantine.entries(WINDOWS)? {
        if let Origin::Window { window, rows } = kept?.origin {
            scoring.window(window, rows, MaybeHad::No).await?;
        }
    }
    let n_again = scoring.n_given_up - n_before.1;
    Ok(WindowsAgain {
        before,
        n_scored: scoring.n_windows - n_before.0 - n_again,
    })
}

/// Takes out of a use case's quarantine what is not wanted any more.
///
/// # Errors
/// Another run has the state folder, or it cannot be written.
pub fn drop_kept(state_folder: &Path, use_case: &str, what: ReplayKept) -> Result<()> {
    let folder = state_folder.join(folder_name(use_case));
    let mut durable = Durable::open(&folder, use_case, Resuming::Yes)?;
    durable.forget_kept(what.records, what.findings)?;
    if what.records {
        quarantine::remove_windows(&folder, u64::MAX)?;
    }
    durable.tidy()
}

/// Gives an output what it refused, in the order in which it did; gives how many.
async fn deliver_again(
    kept: impl Iterator<Item = Result<Kept>>,
    output: &str,
    delivery: &mut Delivery,
) -> Result<u64> {
    let mut n_findings = 0;
    let mut together: Vec<FindingsBatch> = Vec::new();
    for kept in kept {
        let Origin::Finding { batch, .. } = kept?.origin else {
            continue;
        };
        n_findings += batch.findings.len() as u64;
        let alike = together.first().is_none_or(|first| {
            let schemas = [first, &batch].map(|batch| batch.findings.batch().schema());
            (first.window, first.time) == (batch.window, batch.time) && schemas[0] == schemas[1]
        });
        if !alike || together.len() >= AT_A_TIME {
            deliver_together(&mut together, output, delivery).await?;
        }
        together.push(batch);
    }
    deliver_together(&mut together, output, delivery).await?;
    Ok(n_findings)
}

async fn deliver_together(
    together: &mut Vec<FindingsBatch>,
    output: &str,
    delivery: &mut Delivery,
) -> Result<()> {
    let Some(first) = together.first().cloned() else {
        return Ok(());
    };
    let rows: Vec<&RecordBatch> = together.iter().map(|one| one.findings.batch()).collect();
    let rows = concat_batches(&first.findings.batch().schema(), rows)?;
    let ids = together.iter().flat_map(|one| one.ids.iter().cloned());
    let batch = FindingsBatch {
        ids: ids.collect(),
        findings: Findings::try_from_rows(&rows)?,
        ..first
    };
    together.clear();
    delivery.deliver_to(output, &batch).await
}

/// The records of a quarantine as an input.
struct ReplayedRecords {
    events: VecDeque<InputEvent>,
    n_records: u64,
    /// Records that were too large to be kept whole, which no replay can mend: their input and
    /// partition.
    cut: Vec<(String, String, AsideRecord)>,
}

/// Records of a partition that were kept with one header.
#[derive(Default)]
struct Together {
    records: Vec<Vec<u8>>,
    offsets: Vec<u64>,
    arrival: Option<Micros>,
    header: Option<String>,
}

impl ReplayedRecords {
    fn read(kept: impl Iterator<Item = Result<Kept>>, rule: HeaderRule) -> Result<Self> {
        let mut partitions: BTreeMap<String, (String, Vec<Together>)> = BTreeMap::new();
        let (mut n_records, mut cut) = (0, Vec::new());
        for kept in kept {
            let Kept {
                time,
                reason,
                origin,
            } = kept?;
            let Origin::Record {
                input,
                partition,
                offset,
                line,
                header,
                is_cut,
                bytes,
            } = origin
            else {
                continue;
            };
            n_records += 1;
            if is_cut {
                let record = AsideRecord {
                    offset,
                    line,
                    reason,
                    header,
                    is_cut,
                    record: bytes,
                };
                cut.push((input, partition, record));
                continue;
            }
            let arrival = DateTime::parse_from_rfc3339(&time).ok();
            let arrival = arrival.map(|time| time.timestamp_micros());
            let (_, batches) = partitions
                .entry(partition)
                .or_insert_with(|| (input, Vec::new()));
            let fits = |last: &Together| {
                last.header == header && last.arrival == arrival && last.records.len() < AT_A_TIME
            };
            if !batches.last().is_some_and(fits) {
                batches.push(Together {
                    arrival,
                    header,
                    ..Together::default()
                });
            }
            if let Some(last) = batches.last_mut() {
                last.records.push(bytes);
                last.offsets.push(offset);
            }
        }
        let mut events = VecDeque::new();
        for (id, (name, batches)) in partitions {
            let partition = PartitionId::new(id.as_str());
            events.push_back(InputEvent::Assigned {
                partition: partition.clone(),
                name,
                resume: None,
            });
            for batch in batches {
                let batch = batch.into_batch(partition.clone(), rule);
                events.push_back(InputEvent::Batch(batch));
            }
            events.push_back(InputEvent::Ended {
                partition,
                forget: false,
            });
        }
        Ok(ReplayedRecords {
            events,
            n_records,
            cut,
        })
    }
}

impl Together {
    fn into_batch(self, partition: PartitionId, rule: HeaderRule) -> InputBatch {
        let header = match (rule, self.header) {
            (HeaderRule::FirstLine, Some(line)) => Some(line.as_bytes().into()),
            (HeaderRule::Directives(mark), lines) => {
                let mut directives = Directives::new(mark);
                for line in lines.as_deref().unwrap_or_default().lines() {
                    directives.push(line.as_bytes());
                }
                Some(Header::Directives(directives))
            }
            _ => None,
        };
        InputBatch {
            partition,
            end_offset: self.offsets.last().map_or(0, |last| last + 1),
            n_bytes: self.records.iter().map(|record| record.len() as u64).sum(),
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values(&self.records),
                offsets: self.offsets.into(),
                header,
                beside: None,
                first_line: None,
            }),
            unreadable: Vec::new(),
            oversized: Vec::new(),
            arrival: self.arrival,
        }
    }
}

#[async_trait]
impl DynInput for ReplayedRecords {
    async fn next(&mut self) -> datashark_sdk::Result<Option<InputEvent>> {
        Ok(self.events.pop_front())
    }
}

/// Scores and delivers, and keeps what is invalid once more.
struct ReplaySink<'a> {
    scoring: &'a mut Scoring,
    durable: &'a mut Durable,
    now: Micros,
}

#[async_trait]
impl WindowSink for ReplaySink<'_> {
    async fn window(
        &mut self,
        window: Window,
        rows: Vec<RecordBatch>,
        maybe_had: MaybeHad,
    ) -> Result<()> {
        self.scoring.window(window, rows, maybe_had).await
    }

    fn keep(&mut self, input: &str, report: &Report) -> Result<()> {
        self.durable.keep(input, report, self.now)
    }

    fn number(&self) -> u64 {
        self.scoring.number()
    }

    async fn delivered(&mut self) -> Result<Delivered> {
        self.scoring.delivered().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.scoring.finish().await
    }
}
