//! Access logs as the rows that the use case gets, aggregated here in place of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_sdk::prelude::*;
use datashark_web_anomaly_detection::{Centres, WebAnomaly};
use regex::Regex;

/// Lines of a source: 2xx, 3xx, 4xx, 5xx, all.
pub(crate) type Counts = [i64; 5];

/// The counts of each source of a log, all of whose lines match the pattern.
pub(crate) fn counts(log: &str, pattern: &str) -> BTreeMap<String, Counts> {
    let pattern = Regex::new(&format!("^(?:{pattern})")).unwrap();
    let mut sources: BTreeMap<String, Counts> = BTreeMap::new();
    for line in log.lines() {
        let groups = pattern.captures(line).unwrap();
        let counts = sources.entry(groups["source"].to_owned()).or_default();
        counts[4] += 1;
        if let class @ 0..4 = usize::from(groups["response_code"].as_bytes()[0] - b'2') {
            counts[class] += 1;
        }
    }
    sources
}

/// Rows as the use case's query gives them, sorted by key.
pub(crate) fn rows(sources: &BTreeMap<String, Counts>) -> RecordBatch {
    let column = |idx: usize| -> ArrayRef {
        Arc::new(
            sources
                .values()
                .map(|counts| Some(counts[idx]))
                .collect::<Int64Array>(),
        )
    };
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(sources.keys()));
    let names = ["twoxx", "threexx", "fourxx", "nxx", "total"];
    let columns = names
        .into_iter()
        .enumerate()
        .map(|(idx, name)| (name, column(idx)));
    RecordBatch::try_from_iter([("key", keys)].into_iter().chain(columns)).unwrap()
}

pub(crate) fn train(use_case: &WebAnomaly, rows: &RecordBatch) -> Centres {
    let batches = std::slice::from_ref(rows);
    UseCase::train(use_case, Batches::new(rows.schema_ref(), batches)).unwrap()
}

pub(crate) fn score(use_case: &WebAnomaly, model: &Centres, rows: &RecordBatch) -> Findings {
    let batches = Batches::new(rows.schema_ref(), std::slice::from_ref(rows));
    UseCase::score(
        use_case,
        model,
        &Window {
            start: 0,
            end: 60_000_000,
        },
        batches,
    )
    .unwrap()
}
