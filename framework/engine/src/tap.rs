//! A tap: a sample of what flows through a use case, for somebody who wants to see it.
//!
//! Whoever runs a use case may keep its [`Taps`] and open some while it runs. Each batch looks at one
//! atomic number: where it is 0 nothing is done. Otherwise a few records of the batch, spread over it,
//! become lines of JSON and are put into the queues of those that listen; one whose queue is full
//! misses them. So a tap shows a sample, never all, and holds nothing up.
//!
//! # Untrusted input
//! A record is shown as text, cut at 4 KiB, with what is not UTF-8 replaced; JSON escapes the rest. A
//! listener's queue holds [`QUEUED`] lines, and [`MOST`] may listen at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::array::RecordBatch;
use arrow::json::LineDelimitedWriter;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::input::{Content, InputBatch};
use datashark_sdk::output::FindingsBatch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::run::reading::Rows;

/// How many may listen at one place.
const MOST: usize = 16;
/// How many lines may wait for one that listens.
const QUEUED: usize = 256;
/// How many records of a batch are shown, and how many findings of a window.
const SHOWN_PER_BATCH: usize = 16;
const SHOWN_PER_WINDOW: usize = 128;
/// How much of a record is shown.
const SHOWN_BYTES: usize = 4 << 10;

/// Where a tap may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TapPoint {
    /// Records as the input gives them.
    BeforeFilter,
    /// Records that pass the filter, with the columns that were decoded.
    #[default]
    AfterFilter,
    /// Findings, on their way to the outputs.
    Findings,
}

/// The places of a use case where taps may be opened.
#[derive(Debug, Default)]
pub struct Taps {
    before_filter: Arc<Point>,
    after_filter: Arc<Point>,
    findings: Arc<Point>,
}

#[derive(Debug, Default)]
struct Point {
    n_open: AtomicUsize,
    listeners: Mutex<Vec<mpsc::Sender<String>>>,
}

/// An open tap; it is closed when it is dropped.
#[derive(Debug)]
pub struct Tap {
    lines: mpsc::Receiver<String>,
    /// Not held, so that a tap ends with the use case that it is of.
    point: Weak<Point>,
}

impl Taps {
    /// Opens a tap; `None` where as many are open as may be.
    pub fn open(&self, at: TapPoint) -> Option<Tap> {
        let point = match at {
            TapPoint::BeforeFilter => &self.before_filter,
            TapPoint::AfterFilter => &self.after_filter,
            TapPoint::Findings => &self.findings,
        };
        let mut listeners = point.listeners();
        listeners.retain(|listener| !listener.is_closed());
        if listeners.len() >= MOST {
            return None;
        }
        let (sender, lines) = mpsc::channel(QUEUED);
        listeners.push(sender);
        point.n_open.fetch_add(1, Ordering::Relaxed);
        let point = Arc::downgrade(point);
        Some(Tap { lines, point })
    }

    /// Records are on their way; `rows` are those that passed the filter.
    pub(crate) fn records(&self, batch: &InputBatch, rows: &Rows) {
        if self.before_filter.is_open() {
            let sample = sample(batch.content.len(), SHOWN_PER_BATCH);
            let lines = sample.filter_map(|idx| record(batch, idx, None));
            self.before_filter.give(lines);
        }
        if self.after_filter.is_open() {
            let sample = sample(rows.rows.num_rows(), SHOWN_PER_BATCH);
            let lines = sample.filter_map(|row| {
                let idx = rows.record_idx.as_ref();
                let idx = idx.map_or(row, |idx| idx.value(row) as usize);
                record(batch, idx, Some(&rows.rows.slice(row, 1)))
            });
            self.after_filter.give(lines);
        }
    }

    /// Findings are on their way.
    pub(crate) fn findings(&self, batch: &FindingsBatch) {
        if !self.findings.is_open() {
            return;
        }
        let names = DocumentNames {
            title: batch.use_case.to_string(),
            key: "key".to_owned(),
            score: "score".to_owned(),
        };
        // What JSON cannot show no output can either, and it says so.
        let Ok(mut documents) = Documents::try_new(batch, &names) else {
            return;
        };
        let lines = sample(batch.findings.len(), SHOWN_PER_WINDOW).filter_map(|row| {
            let mut json = Vec::new();
            documents.encode(row, &mut json);
            String::from_utf8(json).ok()
        });
        self.findings.give(lines);
    }
}

impl Tap {
    /// The next line, a JSON object; `None` once the use case is gone.
    pub async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(point) = self.point.upgrade() {
            point.n_open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Point {
    fn is_open(&self) -> bool {
        self.n_open.load(Ordering::Relaxed) > 0
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<mpsc::Sender<String>>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives lines to all that listen and have room.
    fn give(&self, lines: impl Iterator<Item = String>) {
        let mut listeners = self.listeners();
        listeners.retain(|listener| !listener.is_closed());
        for line in lines {
            for listener in listeners.iter() {
                // One that is slow misses it.
                let _ = listener.try_send(line.clone());
            }
        }
    }
}

/// At most so many of the first `n` numbers, spread evenly.
fn sample(n: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(n.div_ceil(most).max(1))
}

/// A record as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    partition: &'a str,
    offset: u64,
    /// Its text, where the input gives bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    /// Whether the text goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Value>,
}

fn record(batch: &InputBatch, idx: usize, columns: Option<&RecordBatch>) -> Option<String> {
    let partition = batch.partition.as_str();
    let shown = match &batch.content {
        Content::Payloads(payloads) => {
            let bytes = payloads.records.value(idx);
            let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
            let text = String::from_utf8_lossy(shown);
            let shown = Shown {
                partition,
                offset: *payloads.offsets.get(idx)?,
                record: Some(&text),
                is_cut: bytes.len() > SHOWN_BYTES,
                columns: columns.and_then(json),
            };
            return serde_json::to_string(&shown).ok();
        }
        Content::Columns { rows, first_offset } => Shown {
            partition,
            offset: first_offset + idx as u64,
            record: None,
            is_cut: false,
            columns: match columns {
                Some(columns) => json(columns),
                None => json(&rows.slice(idx, 1)),
            },
        },
    };
    serde_json::to_string(&shown).ok()
}

/// One row as a JSON object.
fn json(row: &RecordBatch) -> Option<Value> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(row).ok()?;
    writer.finish().ok()?;
    serde_json::from_slice(&writer.into_inner()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_and_has_no_more_than_asked() {
        let of = |n, most| sample(n, most).collect::<Vec<_>>();
        assert_eq!(of(0, 4), [0; 0]);
        assert_eq!(of(3, 4), [0, 1, 2]);
        assert_eq!(of(8, 4), [0, 2, 4, 6]);
        assert_eq!(of(9, 4), [0, 3, 6]);
    }

    #[tokio::test]
    async fn who_is_slow_misses_lines_and_whoever_is_gone_costs_nothing() {
        let taps = Taps::default();
        let mut tap = taps.open(TapPoint::Findings).unwrap();
        let n = QUEUED + 10;
        taps.findings.give((0..n).map(|i| i.to_string()));
        for i in 0..QUEUED {
            assert_eq!(tap.next().await, Some(i.to_string()));
        }
        drop(tap);
        assert!(!taps.findings.is_open());
        taps.findings.give(["x".to_owned()].into_iter());
        assert!(taps.findings.listeners().is_empty());
    }

    #[tokio::test]
    async fn no_more_than_the_most_may_listen_and_all_end_with_the_use_case() {
        let taps = Taps::default();
        let open = || taps.open(TapPoint::BeforeFilter);
        let mut open_taps: Vec<Tap> = (0..MOST).filter_map(|_| open()).collect();
        assert_eq!(open_taps.len(), MOST);
        assert!(open().is_none());
        open_taps.pop();
        let mut last = open().unwrap();
        drop(taps);
        assert_eq!(last.next().await, None);
    }
}
