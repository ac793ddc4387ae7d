//! The scores of the use case, of what it is with other settings, and of the baselines.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datashark_conf::{Code, Global};
use datashark_engine::{Job, Scratch, keep_rows};
use datashark_evaluation::matching::{Matched, are_records, by_keys, by_records};
use datashark_evaluation::measure::Method;
use datashark_evaluation::{Items, baseline};
use datashark_sdk::output::{DynOutput, FindingsBatch, Outcome};

use super::material::{Material, options};
use super::{checked, failed};
use crate::Failure;
use crate::args::Eval;
use crate::progress::Watcher;
use crate::standalone::stop_on_signal;

/// What is compared, and of what.
pub(super) struct Found {
    pub(super) items: Items,
    pub(super) methods: Vec<Method>,
}

/// Runs the use case and computes the baselines.
pub(super) async fn methods(
    args: &Eval,
    global: &Global,
    scratch: &Scratch,
    material: &Material,
) -> Result<Found, Failure> {
    let over = Over::keep(scratch, material)?;
    let items = items(args, material)?;
    let (mut methods, mut rarities) = (Vec::new(), Vec::new());
    for also in std::iter::once(None).chain(args.also.iter().map(Some)) {
        let run = run(args, also, global, &over, &items).await?;
        let name = |what: &str| match also {
            Some((key, value)) => format!("{what} {key}={value}"),
            None => what.to_owned(),
        };
        let scores = run.matched.scores.iter();
        let sign = if run.lowest_first { -1.0 } else { 1.0 };
        let score = |score: &Option<f64>| score.map_or(f64::NEG_INFINITY, |score| sign * score);
        methods.push(Method {
            name: name(&run.name),
            scores: scores.map(score).collect(),
            n_alerts: run.n_alerts,
        });
        if let Some(counts) = &run.matched.word_counts {
            rarities.push((name("rarity of the word"), baseline::rarity(counts)));
        }
    }
    let n_alerts = methods.first().map_or(0, |method| method.n_alerts);
    let simple = rarities.into_iter().chain(baselines(args, material)?);
    methods.extend(simple.map(|(name, scores)| Method {
        name,
        scores,
        n_alerts,
    }));
    Ok(Found { items, methods })
}

/// What is ranked.
fn items(args: &Eval, material: &Material) -> Result<Items, Failure> {
    let n_records = material.records.num_rows();
    let keys = match &args.key {
        Some(key) => Some(key_column(&material.records, key)?),
        None => material.groups.clone(),
    };
    let Some(keys) = keys else {
        return Ok(Items::records(n_records));
    };
    let keys = cast(&keys, &DataType::Utf8View).map_err(failed)?;
    Ok(Items::groups(keys.as_string_view().iter()))
}

fn key_column(records: &RecordBatch, name: &str) -> Result<ArrayRef, Failure> {
    let column = records.column_by_name(name);
    let column = column.ok_or_else(|| {
        let fields = records.schema_ref().fields().iter();
        let names: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        failed(format!(
            "the use case reads no column `{name}`; it reads {}",
            names.join(", ")
        ))
    })?;
    Ok(Arc::clone(column))
}

fn baselines(args: &Eval, material: &Material) -> Result<Vec<(String, Vec<f64>)>, Failure> {
    let records = &material.records;
    let mut baselines = Vec::new();
    if let Some(scores) = baseline::volume_of_records(records) {
        baselines.push(("volume: records of the source", scores));
    }
    if let Some(scores) = baseline::volume_of_bytes(records) {
        baselines.push(("volume: bytes", scores));
    }
    let scored = (records, material.times.as_slice());
    let training = material.training.as_ref();
    let training = training.map_or(scored, |(records, times)| (records, times.as_slice()));
    let forest = baseline::isolation_forest(training, scored, args.seed).map_err(failed)?;
    baselines.push(("isolation forest", forest));
    baselines.push(("random", baseline::random(records.num_rows(), args.seed)));
    let named = baselines.into_iter();
    Ok(named
        .map(|(name, scores)| (name.to_owned(), scores))
        .collect())
}

/// The material as files.
struct Over<'a> {
    scratch: &'a Scratch,
    material: &'a Material,
    records: PathBuf,
    training: Option<PathBuf>,
}

impl<'a> Over<'a> {
    fn keep(scratch: &'a Scratch, material: &'a Material) -> Result<Self, Failure> {
        let records = scratch.path().join("records.parquet");
        keep_rows(&material.records, &records).map_err(failed)?;
        let training = match &material.training {
            Some((rows, _)) => {
                let training = scratch.path().join("training.parquet");
                keep_rows(rows, &training).map_err(failed)?;
                Some(training)
            }
            None => material.trains.then(|| records.clone()),
        };
        Ok(Over {
            scratch,
            material,
            records,
            training,
        })
    }

    /// All that a use case finds.
    async fn findings(&self, job: Job) -> Result<Vec<RecordBatch>, Failure> {
        let job = job.over(&self.records, self.training.as_deref());
        let job = job.map_err(failed)?;
        let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
        let kept = Kept::default();
        let options = options(self.scratch, stop_on_signal());
        let output = Box::new(kept.clone());
        let run = job.debug(output, options, Arc::clone(&watcher) as _);
        let done = Box::pin(run).await;
        watcher.finish();
        let summary = done.map_err(failed)?;
        match summary.failures.is_empty() {
            true => Ok(kept.take()),
            false => Err(failed(summary.failures.join("; "))),
        }
    }
}

/// What came of a use case.
struct Run {
    name: String,
    matched: Matched,
    n_alerts: usize,
    lowest_first: bool,
}

async fn run(
    args: &Eval,
    also: Option<&(String, String)>,
    global: &Global,
    over: &Over<'_>,
    items: &Items,
) -> Result<Run, Failure> {
    let job = checked(args, also, true, global).await?;
    let name = match &job.conf().code {
        Code::Named(name) => name.clone(),
        _ => job.name().to_owned(),
    };
    let ranking = job.ranking();
    let lowest_first = ranking.lowest_first || args.lowest_first;
    let findings = over.findings(job).await?;
    let matched = matched(args, &findings, over.material, lowest_first)?;
    let alerts = match ranking.everything.is_empty() {
        true => matched.clone(),
        false => {
            let job = checked(args, also, false, global).await?;
            let findings = over.findings(job).await?;
            self::matched(args, &findings, over.material, lowest_first)?
        }
    };
    let mut is_alert = vec![false; items.n_items];
    for (item, score) in items.of_record.iter().zip(&alerts.scores) {
        is_alert[*item as usize] |= score.is_some();
    }
    Ok(Run {
        name,
        matched,
        n_alerts: is_alert.into_iter().filter(|is_alert| *is_alert).count(),
        lowest_first,
    })
}

fn matched(
    args: &Eval,
    findings: &[RecordBatch],
    material: &Material,
    lowest_first: bool,
) -> Result<Matched, Failure> {
    let records = &material.records;
    if let Some(key) = &args.key {
        let keys = key_column(records, key)?;
        return by_keys(findings, &keys, lowest_first).map_err(failed);
    }
    match findings.first() {
        Some(first) if !are_records(first, records) => Err(failed(
            "the findings are not of single records: say with `--key` which column of the records has their keys",
        )),
        _ => by_records(findings, records, lowest_first).map_err(failed),
    }
}

/// Keeps findings in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<RecordBatch>>>);

impl Kept {
    fn take(&self) -> Vec<RecordBatch> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl DynOutput for Kept {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(batches.iter().map(|batch| batch.findings.batch().clone()));
        Outcome::Safe
    }

    async fn sync(&mut self) -> datashark_sdk::Result<Option<String>> {
        Ok(None)
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}
