//! Findings to write, and an engine that writes them: what is to be tried again is, until all have a
//! fate.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use datashark_output_elasticsearch::Elasticsearch;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Result, Window};

/// 2016-10-14T13:01:39Z
pub(crate) const TIME: i64 = 1_476_450_099_000_000;

/// The most tries before a test fails: far more than any of them needs.
const TRIES_MAX: usize = 200;

/// Findings of a window with these columns; the first is the key, the second the score.
pub(crate) fn batch_of(time: i64, columns: Vec<(&str, ArrayRef)>) -> FindingsBatch {
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let findings = Findings::try_from_rows(&rows).unwrap();
    let window = Window {
        start: time - 60_000_000,
        end: time,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time,
        findings,
        ids,
    }
}

/// Findings with these keys, whose scores count up.
pub(crate) fn batch(time: i64, keys: &[&str]) -> FindingsBatch {
    let scores: Vec<i64> = (0..).take(keys.len()).collect();
    batch_of(
        time,
        vec![
            ("key", Arc::new(StringArray::from_iter_values(keys))),
            ("score", Arc::new(Int64Array::from(scores))),
        ],
    )
}

/// `n` findings with keys of their own.
pub(crate) fn many(time: i64, n: usize) -> FindingsBatch {
    let keys: Vec<String> = (0..n).map(|i| format!("192.0.2.{i}")).collect();
    batch(time, &keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Opens the output with these keys of its section; those of es-hadoop are options.
pub(crate) async fn try_open(
    entries: &[(&str, &str)],
    batch: &FindingsBatch,
) -> Result<Box<dyn DynOutput>> {
    let open = OpenOutput {
        use_case: Arc::clone(&batch.use_case),
        schema: batch.findings.batch().schema(),
        receipt: None,
        now: TIME,
        stores: Default::default(),
    };
    let is_option = |(name, _): &&(&str, &str)| name.starts_with("es.");
    let options: Section = entries.iter().filter(is_option).copied().collect();
    let keys = entries.iter().filter(|entry| !is_option(entry)).copied();
    let mut section: Section = keys.collect();
    section.insert("options", options);
    OutputEntry::of::<Elasticsearch>()
        .open(&section, open)
        .await
}

/// As [`try_open`], of a conf that is right.
pub(crate) async fn open(entries: &[(&str, &str)], batch: &FindingsBatch) -> Box<dyn DynOutput> {
    try_open(entries, batch).await.unwrap()
}

/// What became of findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// How many are safe.
    pub(crate) n_safe: usize,
    /// Why each of the others was refused, by its id.
    pub(crate) refused: BTreeMap<String, String>,
    /// Why tries were repeated, in order.
    pub(crate) again: Vec<String>,
}

/// Writes as the engine does: what is to be tried again is, and only that. Waiting is left out, as
/// it changes nothing but the time; a server that is away is waited for by `between`.
pub(crate) async fn deliver_with(
    output: &mut Box<dyn DynOutput>,
    batches: &[FindingsBatch],
    mut between: impl AsyncFnMut(&str),
) -> Delivered {
    let mut waiting = batches.to_vec();
    let mut delivered = Delivered::default();
    while !waiting.is_empty() {
        let n_waiting: usize = waiting.iter().map(|batch| batch.findings.len()).sum();
        match output.write(&waiting).await {
            Outcome::Safe => {
                delivered.n_safe += n_waiting;
                break;
            }
            Outcome::Stop(error) => panic!("stopped: {error}"),
            Outcome::Again(reason) => delivered.again.push(reason),
            Outcome::Each(fates) => {
                assert_eq!(fates.len(), n_waiting, "a fate for each");
                waiting = rest(&waiting, &fates, &mut delivered);
            }
        }
        assert!(
            delivered.again.len() < TRIES_MAX,
            "{:?}",
            delivered.again.last()
        );
        if !waiting.is_empty() {
            between(delivered.again.last().unwrap()).await;
        }
    }
    delivered
}

/// As [`deliver_with`], with nothing between two tries.
pub(crate) async fn deliver(
    output: &mut Box<dyn DynOutput>,
    batches: &[FindingsBatch],
) -> Delivered {
    deliver_with(output, batches, async |_| ()).await
}

fn rest(
    batches: &[FindingsBatch],
    fates: &[Fate],
    delivered: &mut Delivered,
) -> Vec<FindingsBatch> {
    let mut fates = fates.iter();
    let mut reason = None;
    let mut rest = Vec::new();
    for batch in batches {
        let mut again = Vec::new();
        for (id, fate) in batch.ids.iter().zip(fates.by_ref().take(batch.ids.len())) {
            again.push(matches!(fate, Fate::Again(_)));
            match fate {
                Fate::Safe => delivered.n_safe += 1,
                Fate::Refused(why) => {
                    let before = delivered.refused.insert(id.clone(), why.clone());
                    assert_eq!(before, None, "refused once");
                }
                Fate::Again(why) => reason = Some(why.clone()),
            }
        }
        let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
        let ids: Vec<String> = ids.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            continue;
        }
        let rows = filter_record_batch(batch.findings.batch(), &BooleanArray::from(again)).unwrap();
        let findings = Findings::try_from_rows(&rows).unwrap();
        rest.push(FindingsBatch {
            findings,
            ids: ids.into(),
            ..batch.clone()
        });
    }
    delivered.again.extend(reason);
    rest
}

/// The key of a row.
pub(crate) fn key(batch: &FindingsBatch, row: usize) -> &str {
    let keys = batch.findings.keys();
    assert!(!keys.is_null(row));
    keys.value(row)
}
