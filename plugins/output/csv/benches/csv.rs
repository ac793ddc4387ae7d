//! Bytes of rows a second: findings written to the null device, with the limit beside it, the same
//! bytes from memory.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_output_csv::Csv;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Stores, Window};

const N_FINDINGS: usize = 100_000;

fn findings() -> FindingsBatch {
    let rows = 0..N_FINDINGS as i64;
    let texts = |text: fn(i64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.clone().map(text)))
    };
    let columns: [(&str, ArrayRef); 5] = [
        (
            "key",
            texts(|n| format!("198.51.{}.{}", n / 256 % 256, n % 256)),
        ),
        (
            "score",
            Arc::new(Float64Array::from_iter_values(
                rows.clone().map(|n| n as f64 / 7.0),
            )),
        ),
        (
            "requests",
            Arc::new(Int64Array::from_iter_values(rows.clone())),
        ),
        (
            "url",
            texts(|n| format!("https://www.example.com/a/{n}/index.html")),
        ),
        (
            "agent",
            texts(|n| {
                format!(
                    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
                    n % 90
                )
            }),
        ),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: 0,
        end: 60_000_000,
    };
    let ids = findings.ids("bench", &window).into();
    FindingsBatch {
        use_case: "bench".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

async fn open(path: &str) -> Box<dyn DynOutput> {
    let open = OpenOutput {
        use_case: "bench".into(),
        schema: findings().findings.batch().schema(),
        receipt: None,
        now: 0,
        stores: Stores::default(),
    };
    let section = Section::from_iter([("path", path)]);
    OutputEntry::of::<Csv>().open(&section, open).await.unwrap()
}

async fn write(output: &mut dyn DynOutput, batch: &FindingsBatch) {
    let outcome = output.write(std::slice::from_ref(batch)).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
}

fn null_device(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let batch = findings();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("findings.csv");
    let rows = runtime.block_on(async {
        write(open(file.to_str().unwrap()).await.as_mut(), &batch).await;
        std::fs::read(&file).unwrap()
    });
    let mut group = criterion.benchmark_group("csv");
    group.throughput(Throughput::Bytes(rows.len() as u64));
    let mut output = runtime.block_on(open("/dev/null"));
    group.bench_function("written", |bencher| {
        bencher.iter(|| runtime.block_on(write(output.as_mut(), &batch)));
    });
    let mut null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    group.bench_function("limit: the same bytes copied", |bencher| {
        bencher.iter(|| null.write_all(black_box(&rows.clone())).unwrap());
    });
    group.finish();
}

criterion_group!(benches, null_device);
criterion_main!(benches);
