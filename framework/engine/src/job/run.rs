//! Runs a checked use case.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datashark_sdk::conf::Section;
use datashark_sdk::input::Open;
use datashark_sdk::output::{DynOutput, Gather, OpenOutput, OutputEntry};
use datashark_sdk::{Batches, Findings, Model, Window};
use tokio::sync::watch;

use super::scoring::Scoring;
use super::{Job, folder_name};
use crate::aside;
use crate::checkpoint::{self, OutputCheckpoint};
use crate::clock::Clock;
use crate::deliver::{self, Delivery, OpenedOutput, Patience};
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::quarantine;
use crate::run::pipeline::{Pipeline, Records, TimeSource};
use crate::run::reading::wanted;
use crate::run::{Durable, Observer, Settings, Source, Stop, Until, micros, run};
use crate::state::write::remove_if_there;
use crate::window::Windowing;

/// How long a partition may be silent before it no longer holds the watermark back, where the conf
/// does not say.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of findings may wait in memory where there is no `memory_limit`.
const WAITING_BYTES: usize = 64 << 20;
/// How often a delivery of a run over what is there is tried.
pub(super) const BATCH_TRIES: u32 = 10;

/// How to run, beyond the conf.
pub struct RunOptions {
    /// Read what is there now to its end, then end.
    pub once: bool,
    /// Train anew even if nothing changed.
    pub retrain: bool,
    /// The folder that holds every use case's state.
    pub state_folder: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends the run.
    pub stop: watch::Receiver<Stop>,
    /// Threads for the work on records, where not what `[engine] workers` says.
    pub n_workers: Option<usize>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// What became of every record.
    pub ledger: Ledger,
    /// Findings delivered.
    pub n_findings: u64,
    /// Windows that had rows.
    pub n_windows: u64,
    /// What could not be read; the rest was delivered.
    pub failures: Vec<String>,
    /// Where invalid records and refused findings are kept; `None` where they are not.
    pub quarantine: Option<PathBuf>,
}

impl Job {
    /// Runs until the input ends or it is stopped.
    ///
    /// # Errors
    /// Something that stops the run: an output that cannot be written, the memory limit, a query
    /// that fails on the data, a defect. What was acknowledged before stays so.
    pub async fn run(self, options: RunOptions, observer: Arc<dyn Observer>) -> Result<Summary> {
        self.run_into(None, options, observer).await
    }

    /// As [`Job::run`], but gives the findings to a console in place of the conf's outputs and leaves
    /// no trace that a later run would go on from.
    ///
    /// # Errors
    /// As with [`Job::run`].
    pub async fn debug(
        self,
        console: Box<dyn DynOutput>,
        options: RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<Summary> {
        self.run_into(Some(console), options, observer).await
    }

    async fn run_into(
        mut self,
        debug: Option<Box<dyn DynOutput>>,
        options: RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<Summary> {
        let is_debug = debug.is_some();
        let folder = self.state_folder(&options, is_debug)?;
        let resuming = match self.is_streaming() && !is_debug {
            true => crate::run::Resuming::Yes,
            false => crate::run::Resuming::No,
        };
        let durable = Durable::open(&folder, self.name(), resuming)?;
        let quarantine = durable.quarantine_folder();
        let model = self.model(&folder, &options, &observer).await?;
        self.screen(&model)?;
        let rows_schema = self.records.aggregation.rows_schema()?;
        let schema = self.findings_schema(&model, &rows_schema);
        let outputs = match debug {
            Some(console) => vec![OpenedOutput {
                name: "console".to_owned(),
                output: console,
                gather: Gather::default(),
                checkpoint: OutputCheckpoint::default(),
            }],
            None => {
                let checkpoint = |name: &str| durable.output(name);
                self.open_outputs(&self.outputs, checkpoint, &schema, options.clock.as_ref())
                    .await?
            }
        };
        let patience = match self.is_streaming() && !options.once {
            true => Patience::Endless,
            false => Patience::Tries(BATCH_TRIES),
        };
        durable.tidy()?;
        let settings = self.delivering(&folder, patience, &options, &observer);
        let delivery = Delivery::start(outputs, &settings).await?;
        let mut scoring = self.scoring(model, rows_schema, delivery, &options, &observer);
        scoring.state_folder = Some(folder);
        let mut outcome = self.read(durable, &mut scoring, &options, observer).await?;
        let n_refused = scoring.delivery.n_refused();
        if n_refused > 0 {
            let refused = format!(
                "{n_refused} findings were refused; they are in {}",
                quarantine.display()
            );
            outcome.failures.push(refused);
        }
        if scoring.n_given_up > 0 {
            let given_up = format!(
                "{} windows could not be scored; they are in {}",
                scoring.n_given_up,
                quarantine.display()
            );
            outcome.failures.push(given_up);
        }
        Ok(Summary {
            ledger: outcome.ledger,
            n_findings: scoring.n_findings,
            n_windows: scoring.n_windows,
            failures: outcome.failures,
            quarantine: Some(quarantine),
        })
    }

    /// From here on the records are aggregated for scoring, and no longer for training.
    pub(super) fn screen(&mut self, model: &Model) -> Result<()> {
        if let Some(reduce) = self.use_case.screen(model)? {
            self.records.aggregation = self.records.aggregation.with_reduce(reduce)?;
        }
        Ok(())
    }

    /// How to deliver.
    pub(super) fn delivering(
        &self,
        folder: &Path,
        patience: Patience,
        options: &RunOptions,
        observer: &Arc<dyn Observer>,
    ) -> deliver::Settings {
        let engine = &self.global.engine;
        let memory_limit = engine.memory_limit_bytes.map(|limit| limit / 4);
        deliver::Settings {
            folder: folder.to_owned(),
            limits: deliver::Limits {
                memory_bytes: memory_limit.map_or(WAITING_BYTES, |limit| {
                    usize::try_from(limit).unwrap_or(usize::MAX)
                }),
                spool_bytes: engine.spool_limit_bytes,
            },
            patience,
            clock: Arc::clone(&options.clock),
            stop: options.stop.clone(),
            observer: Arc::clone(observer),
        }
    }

    async fn read(
        &self,
        durable: Durable,
        scoring: &mut Scoring,
        options: &RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<crate::run::Outcome> {
        let once = options.once || !self.is_streaming();
        if !once && matches!(self.records.time, TimeSource::Arrival) {
            durable.tell_missing_arrivals();
        }
        let (entry, section) = &self.input;
        let open = Open {
            resume: durable.resume(),
            rewind: durable.is_rewound(),
            once,
            ..self.open()
        };
        let input = match &self.joined {
            Some(stream) => {
                let wanted = wanted(&self.records);
                let clock = Arc::clone(&options.clock);
                Source::Stream(stream.attach(open, wanted, clock)?)
            }
            None => Source::Own(entry.open(section, open).await?),
        };
        let pipeline = self.pipeline(self.records.windowing, self.records.time.clone());
        let settings = Settings {
            n_lanes: self.n_lanes(options),
            until: if once { Until::End } else { Until::Stopped },
            idle_timeout: micros(self.conf.idle_timeout.unwrap_or(IDLE_TIMEOUT)),
            clock: Arc::clone(&options.clock),
            stop: options.stop.clone(),
            observer,
        };
        run(Arc::new(pipeline), input, Some(durable), scoring, settings).await
    }

    /// The state folder of the use case; of a debug run, one that starts empty.
    fn state_folder(&self, options: &RunOptions, debug: bool) -> Result<PathBuf> {
        let name = folder_name(self.name());
        if !debug {
            return Ok(options.state_folder.join(name));
        }
        let folder = options.state_folder.join(format!("{name}.debug"));
        let quarantine = folder.join(quarantine::FOLDER);
        if quarantine.exists() {
            let what = format!("removing {}", quarantine.display());
            fs::remove_dir_all(&quarantine).map_err(Error::io(what))?;
        }
        for file in [checkpoint::LAST, aside::LATE] {
            let file = folder.join(file);
            let what = format!("removing {}", file.display());
            remove_if_there(&file).map_err(Error::io(what))?;
        }
        Ok(folder)
    }

    /// The columns of the findings: what scoring no rows gives.
    pub(super) fn findings_schema(&self, model: &Model, rows_schema: &SchemaRef) -> SchemaRef {
        let rows = Batches::new(rows_schema, &[]);
        let scored = crate::run::lane::guarded(|| {
            Ok(self
                .use_case
                .score(model, &Window { start: 0, end: 1 }, rows)?)
        });
        match scored {
            Ok(findings) => findings.batch().schema(),
            Err(_) => Findings::schema_of(rows_schema).unwrap_or_else(|_| Arc::clone(rows_schema)),
        }
    }

    /// Opens outputs, each where its checkpoint is.
    pub(super) async fn open_outputs(
        &self,
        outputs: &[(OutputEntry, Section)],
        checkpoint: impl Fn(&str) -> OutputCheckpoint,
        schema: &SchemaRef,
        clock: &dyn Clock,
    ) -> Result<Vec<OpenedOutput>> {
        let mut opened = Vec::new();
        for (entry, section) in outputs {
            let checkpoint = checkpoint(entry.name);
            let open = OpenOutput {
                use_case: self.name().into(),
                schema: Arc::clone(schema),
                receipt: checkpoint.receipt.clone(),
                now: clock.now(),
                stores: self.global.engine.stores.clone(),
            };
            let gather = entry.gather(section).map_err(datashark_sdk::Error::from)?;
            let output = entry.open(section, open).await?;
            opened.push(OpenedOutput {
                name: entry.name.to_owned(),
                output,
                gather,
                checkpoint,
            });
        }
        Ok(opened)
    }

    /// What an input is told, whatever it reads.
    pub(crate) fn open(&self) -> Open {
        let engine = &self.global.engine;
        let format = self.records.format.as_ref();
        let names = || self.columns().into_iter().map(str::to_owned).collect();
        Open {
            use_case: self.conf.name.clone(),
            framing: format.map(|format| format.framing()).unwrap_or_default(),
            header: format.map(|format| format.header()).unwrap_or_default(),
            columns: format.is_none().then(names),
            beside: self.beside(),
            max_record_bytes: usize::try_from(engine.max_record_size_bytes).unwrap_or(usize::MAX),
            block_bytes: usize::try_from(engine.block_size_bytes).unwrap_or(usize::MAX),
            n_partitions: engine.workers,
            stores: engine.stores.clone(),
            ..Open::default()
        }
    }

    /// The columns beside the records that are used.
    fn beside(&self) -> Vec<String> {
        let fields = self.input.0.beside();
        let names = fields.iter().map(|field| field.name().as_str());
        let used = self.columns();
        names
            .filter(|name| used.contains(name))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn n_lanes(&self, options: &RunOptions) -> usize {
        options
            .n_workers
            .unwrap_or(self.global.engine.workers)
            .max(1)
    }

    pub(super) fn pipeline(&self, windowing: Windowing, time: TimeSource) -> Pipeline {
        let memory_limit = self.global.engine.memory_limit_bytes;
        Pipeline {
            records: Records {
                windowing,
                time,
                ..self.records.clone()
            },
            allowed_lateness: micros(self.conf.allowed_lateness.unwrap_or_default()),
            keep_late: self.conf.keep_late,
            memory_limit: memory_limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            used_bytes: AtomicUsize::new(0),
            spill_folder: self.global.engine.state_folder.clone(),
            range: Window::WHOLE,
        }
    }
}

/// A text as a conf's value.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    format!("{quote}{text}{quote}")
}
