//! Runs a use case over the past of its input: with the engine that runs live, and without a trace.
//!
//! The run has no state folder, so that it resumes, commits and acknowledges nothing; the input is told
//! that it reads the past ([`Open::past`]). Of the live state the trained model alone is read, where it
//! is of the same training; one that is trained here is not kept. Nor are invalid and late records.
//!
//! # What counts
//! - In a stream a window counts if it lies wholly between `from` and `to`. It has then the records that a
//!   live run has in it, and by the same rule of lateness. What is read before them only moves the
//!   watermark.
//! - A batch is one window over everything, with the records whose `timestamp_field` lies between the two.
//! - Without a `timestamp_field` a record's time is its arrival as the source tells it: the file's
//!   modification time, Kafka's timestamp. A live run takes the time at which it reads the record, so
//!   that near a window's end the two may differ.
//!
//! # Where reading begins and ends
//! The input may begin with what arrived `allowed_lateness` before `from`, and ends where it ended when it
//! was opened. It is left earlier where the watermark has passed `to`: every record that is still to come
//! is then late for all windows that count.

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datashark_sdk::Window;
use datashark_sdk::conf::{Problem, Problems, nearest};
use datashark_sdk::input::{DynInput, Micros, Open, Past};
use datashark_sdk::output::{Backfill, DynOutput, Gather};

use super::past::{Noted, PastInput, ReadPast};
use super::run::{BATCH_TRIES, RunOptions, Summary};
use super::scoring::Scoring;
use super::{Job, folder_name};
use crate::aside::Teller;
use crate::checkpoint::OutputCheckpoint;
use crate::deliver::{Delivered, Delivery, OpenedOutput, Patience};
use crate::error::Result;
use crate::run::orders::Report;
use crate::run::pipeline::{Pipeline, TimeSource};
use crate::run::{MaybeHad, Observer, Settings, Source, Until, WindowSink, micros, run};
use crate::scratch::Scratch;
use crate::window::Windowing;

/// What of the past to run over, and where its findings go.
pub struct Replay<'a> {
    /// Nothing that begins before this counts; `None` is from the beginning of what is there.
    pub from: Option<Micros>,
    /// Nothing that ends behind this counts; `None` is to the end of what is there.
    pub to: Option<Micros>,
    /// Read no more than another replay of the same input has.
    pub bounds: Option<ReadPast>,
    /// Takes the findings; `None` gives them to the conf's outputs, with the ids of a live run.
    pub output: Option<Box<dyn DynOutput>>,
    /// For what has to wait on disk.
    pub scratch: &'a Scratch,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// What a run says of itself.
    pub summary: Summary,
    /// What was read, for another replay that is to read the same.
    pub read: ReadPast,
}

impl Job {
    /// Runs over the past.
    ///
    /// # Errors
    /// As with [`Job::run`].
    pub async fn replay(
        mut self,
        replay: Replay<'_>,
        options: RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<Replayed> {
        let live = options.state_folder.join(folder_name(self.name()));
        let (model, _) = self.model_of(&live, &options, &observer).await?;
        self.screen(&model)?;
        self.time_by_arrival_column();
        let rows_schema = self.records.aggregation.rows_schema()?;
        let outputs = match replay.output {
            Some(output) => vec![OpenedOutput {
                name: "findings".to_owned(),
                output,
                gather: Gather::default(),
                checkpoint: OutputCheckpoint::default(),
            }],
            None => {
                let schema = self.findings_schema(&model, &rows_schema);
                let from_nothing = |_: &str| OutputCheckpoint::default();
                self.open_outputs(&self.outputs, from_nothing, &schema, options.clock.as_ref())
                    .await?
            }
        };
        let patience = Patience::Tries(BATCH_TRIES);
        let delivering = self.delivering(replay.scratch.path(), patience, &options, &observer);
        let delivery = Delivery::start(outputs, &delivering).await?;
        let range = Window {
            start: replay.from.unwrap_or(Micros::MIN),
            end: replay.to.unwrap_or(Micros::MAX),
        };
        let mut sink = PastSink {
            scoring: self.scoring(model, rows_schema, delivery, &options, &observer),
            range,
            teller: Teller::default(),
        };
        let noted = Noted::default();
        let input = self.open_past(replay.from).await?;
        let input = Box::new(PastInput::new(input, replay.bounds, &noted));
        let pipeline = Pipeline {
            range,
            ..self.pipeline(self.records.windowing, self.records.time.clone())
        };
        let settings = Settings {
            n_lanes: self.n_lanes(&options),
            until: Until::End,
            idle_timeout: Micros::MAX,
            clock: Arc::clone(&options.clock),
            stop: options.stop.clone(),
            observer,
        };
        let outcome = run(
            Arc::new(pipeline),
            Source::Own(input),
            None,
            &mut sink,
            settings,
        )
        .await?;
        let mut failures = outcome.failures;
        match sink.scoring.delivery.n_refused() {
            0 => {}
            n => failures.push(format!("{n} findings were refused, and are not kept")),
        }
        let read = noted.lock().map(|read| read.clone()).unwrap_or_default();
        Ok(Replayed {
            summary: Summary {
                ledger: outcome.ledger,
                n_findings: sink.scoring.n_findings,
                n_windows: sink.scoring.n_windows,
                failures,
                quarantine: None,
            },
            read,
        })
    }

    /// Why it cannot be replayed so, and what is to be known if it can. `bounded` is a replay of a part
    /// of the past; `deliver_to` names the outputs that get its findings, none of them all of the
    /// conf's. The others are then no outputs of this job any more.
    pub fn check_replay(&mut self, bounded: bool, deliver_to: Option<&[String]>) -> Problems {
        let mut problems = Problems::new();
        let is_timeless = matches!(self.records.time, TimeSource::Arrival);
        if bounded && !self.is_streaming() && is_timeless {
            let message = "a batch use case without a `timestamp_field` cannot be replayed in part";
            let help = "name the field with a record's time, or replay all of it";
            problems.push(Problem::at(["type"], message).help(help));
        }
        let Some(names) = deliver_to else {
            return problems;
        };
        problems.extend(names.iter().filter_map(|name| self.no_output(name)));
        if !names.is_empty() {
            self.outputs
                .retain(|(entry, _)| names.iter().any(|name| name == entry.name));
        }
        if !self.is_streaming() {
            let message = "a batch use case is not delivered by a replay: its findings would have the ids of those of its whole input";
            let help = "`datashark standalone` runs it and delivers";
            problems.push(Problem::at(["type"], message).help(help));
        }
        for (entry, _) in &self.outputs {
            let name = entry.name;
            match entry.backfill {
                Backfill::Overwrites => {}
                Backfill::Repeats => {
                    let message = format!(
                        "output `{name}` does not overwrite: findings that it was given before come again, with the same ids"
                    );
                    problems.push(Problem::at(["output"], message).warning());
                }
                Backfill::Harms => {
                    let message = format!(
                        "output `{name}` takes no findings of the past: a live run would take back what is added behind its own"
                    );
                    let help =
                        "name the other outputs, or write the findings into a file of their own";
                    problems.push(Problem::at(["output"], message).help(help));
                }
            }
        }
        problems
    }

    /// What is said of a name that none of the outputs has.
    fn no_output(&self, name: &str) -> Option<Problem> {
        let known: Vec<&str> = self.outputs.iter().map(|(entry, _)| entry.name).collect();
        if known.contains(&name) {
            return None;
        }
        let problem = Problem::at(["output"], format!("the conf has no output `{name}`"));
        Some(problem.help(match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it has {}", known.join(", ")),
        }))
    }

    /// Whether another use case reads the same input.
    pub fn reads_the_same_as(&self, other: &Job) -> bool {
        let (ours, theirs) = (&self.input, &other.input);
        ours.0.name == theirs.0.name && ours.1 == theirs.1
    }

    /// Without a time of its own a record has that at which it arrived at the source.
    fn time_by_arrival_column(&mut self) {
        let records = &mut self.records;
        let (TimeSource::Arrival, Windowing::Timed(_)) = (&records.time, records.windowing) else {
            return;
        };
        let entry = &self.input.0;
        let Some(name) = entry.arrival_column() else {
            return;
        };
        let mut beside = entry.beside().into_iter();
        let Some(field) = beside.find(|field| field.name() == name) else {
            return;
        };
        if !records.columns.iter().any(|column| column.name() == name) {
            records.columns.push(field);
        }
        records.time = TimeSource::ArrivalColumn(name.to_owned());
    }

    async fn open_past(&self, from: Option<Micros>) -> Result<Box<dyn DynInput>> {
        let lateness = micros(self.conf.allowed_lateness.unwrap_or_default());
        let from = from.filter(|_| self.is_streaming());
        let open = Open {
            once: true,
            past: Some(Past {
                from: from.map(|from| from.saturating_sub(lateness)),
            }),
            ..self.open()
        };
        let (entry, section) = &self.input;
        Ok(entry.open(section, open).await?)
    }
}

/// Scores and delivers the windows that count.
struct PastSink {
    scoring: Scoring,
    range: Window,
    teller: Teller,
}

#[async_trait]
impl WindowSink for PastSink {
    async fn window(
        &mut self,
        window: Window,
        rows: Vec<RecordBatch>,
        maybe_had: MaybeHad,
    ) -> Result<()> {
        match window.is_whole() || self.range.encloses(&window) {
            true => self.scoring.window(window, rows, maybe_had).await,
            false => Ok(()),
        }
    }

    fn keep(&mut self, input: &str, report: &Report) -> Result<()> {
        for record in &report.invalid {
            self.teller.tell(input, record);
        }
        Ok(())
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
