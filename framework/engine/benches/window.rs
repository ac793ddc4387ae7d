//! A use case's window over many keys, records a second through the whole engine: assign,
//! aggregate, fold, finish, score, deliver. The rows come decoded and nothing is written, so that
//! the engine is what is measured; beside it the plain hash map that counts the same keys.
#![allow(missing_docs, reason = "a benchmark's entry points have no readers")]

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datashark_conf::Global;
use datashark_engine::{Observer, Registry, RunOptions, Stop, SystemClock, check};
use datashark_sdk::input::{
    Content, Input, InputBatch, InputEntry, InputEvent, Open, PartitionId, Source,
};
use datashark_sdk::output::{FindingsBatch, OpenOutput, Outcome, Output, OutputEntry};
use datashark_sdk::{Result, Stores};
use serde::Deserialize;

const N_RECORDS: usize = 4 << 20;
const BATCH: usize = 64 * 1024;

static ROWS: OnceLock<Vec<RecordBatch>> = OnceLock::new();

/// Records of so many keys within one minute, from a fixed linear congruential generator.
fn rows(n_keys: u64) -> Vec<RecordBatch> {
    let mut state = 42u64;
    let mut batch = |start: usize| {
        let keys = (0..BATCH).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) % n_keys) as i64
        });
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
        let times = (start..start + BATCH).map(|i| i as i64 * 14);
        let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
        let times: ArrayRef = Arc::new(times);
        RecordBatch::try_from_iter([("key", keys), ("time", times)]).expect("two columns")
    };
    (0..N_RECORDS).step_by(BATCH).map(&mut batch).collect()
}

#[derive(Deserialize)]
struct Nothing {}

struct Decoded {
    next: usize,
}

#[async_trait]
impl Input for Decoded {
    type Conf = Nothing;
    const NAME: &'static str = "decoded";
    const ABOUT: &'static str = "rows that a benchmark holds";

    fn source(_: &Nothing, _: &Stores) -> Result<Source> {
        Ok(Source::Columns(
            ROWS.get().expect("rows are made first")[0].schema(),
        ))
    }

    async fn open(_: Nothing, _: Open) -> Result<Self> {
        Ok(Decoded { next: 0 })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        let partition = PartitionId::new("p");
        let i = self.next;
        self.next += 1;
        if i == 0 {
            return Ok(Some(InputEvent::Assigned {
                partition,
                name: "p".to_owned(),
                resume: None,
            }));
        }
        let rows = ROWS.get().and_then(|rows| rows.get(i - 1)).cloned();
        Ok(rows.map(|rows| {
            let first_offset = ((i - 1) * BATCH) as u64;
            InputEvent::Batch(InputBatch {
                partition,
                content: Content::Columns { rows, first_offset },
                end_offset: first_offset + BATCH as u64,
                n_bytes: 0,
                unreadable: Vec::new(),
                oversized: Vec::new(),
                arrival: None,
            })
        }))
    }
}

struct Counted;

#[async_trait]
impl Output for Counted {
    type Conf = Nothing;
    const NAME: &'static str = "counted";
    const ABOUT: &'static str = "findings are counted and dropped";

    async fn open(_: Nothing, _: OpenOutput) -> Result<Self> {
        Ok(Counted)
    }

    async fn write(&mut self, _: &[FindingsBatch]) -> Outcome {
        Outcome::Safe
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

struct Nobody;

impl Observer for Nobody {}

/// Runs the use case over all rows; gives the number of findings.
async fn run(conf: &std::path::Path, state: &std::path::Path) -> u64 {
    let registry = Registry {
        use_cases: Vec::new(),
        inputs: vec![InputEntry::of::<Decoded>()],
        outputs: vec![OutputEntry::of::<Counted>()],
        third_party: None,
    };
    let checked = check(conf, &Global::default_in(state), &registry).await;
    let job = checked
        .job
        .unwrap_or_else(|| panic!("{}", checked.diagnostics));
    let (_stop, stop) = tokio::sync::watch::channel(Stop::Not);
    let folder = tempfile::tempdir_in(state).expect("a folder can be made");
    let options = RunOptions {
        once: true,
        retrain: false,
        state_folder: folder.path().to_path_buf(),
        clock: Arc::new(SystemClock),
        stop,
        n_workers: Some(1),
    };
    job.run(options, Arc::new(Nobody))
        .await
        .expect("the run ends well")
        .n_findings
}

fn windows(c: &mut Criterion) {
    let n_keys = 1_000_000;
    ROWS.get_or_init(|| rows(n_keys));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let conf = folder.path().join("bench.conf");
    let text = "name = bench\ntype = streaming\nenabled = true\ncode = bench.sql\ninput = decoded\n\
                output = counted\nwindow = 60s\ntimestamp_field = time\n";
    std::fs::write(&conf, text).expect("a file can be written");
    let sql = "SELECT key, count(*) AS score, min(time) AS first FROM records GROUP BY key";
    std::fs::write(folder.path().join("bench.sql"), sql).expect("a file can be written");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");

    let mut group = c.benchmark_group("window");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(N_RECORDS as u64));
    group.bench_function(BenchmarkId::new("limit: hash map", n_keys), |b| {
        b.iter(|| {
            let mut counts: HashMap<i64, (u64, i64)> = HashMap::new();
            for batch in ROWS.get().into_iter().flatten() {
                for key in batch.column(0).as_primitive::<Int64Type>().values() {
                    counts.entry(*key).or_default().0 += 1;
                }
            }
            counts.len()
        });
    });
    group.bench_function(BenchmarkId::new("incremental, one lane", n_keys), |b| {
        b.iter(|| runtime.block_on(run(&conf, folder.path())));
    });
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
