//! Findings as bulk bodies, documents per second on one core: `cargo bench -p
//! datashark-output-elasticsearch`.
//!
//! A double that reads a request and answers at once stands for the server, so that what is measured
//! is the output's own work: encoding, sending, reading the answer. `encode` is the encoding alone,
//! through the same documents.
#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_output_elasticsearch::Elasticsearch;
use datashark_sdk::conf::Section;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::{FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Window};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const N_FINDINGS: usize = 20_000;

/// Findings as those of `top-sources`: an address, a score, two counts, a share and a time.
fn findings() -> FindingsBatch {
    let n = N_FINDINGS as i64;
    let column = |factor: i64| {
        Arc::new(Int64Array::from_iter_values(
            (0..n).map(|i| i * factor % 9973),
        ))
    };
    let keys = (0..n).map(|i| format!("198.51.{}.{}", i / 256 % 256, i % 256));
    let times = (0..n).map(|i| 1_476_450_099_000_000 + i * 1_000_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(StringArray::from_iter_values(keys))),
        ("score", column(7)),
        ("requests", column(31)),
        ("errors", column(3)),
        (
            "last_seen",
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        ),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: 1_476_450_000_000_000,
        end: 1_476_450_060_000_000,
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

/// Reads requests and says that all of the documents are there.
async fn serve(mut connection: TcpStream) {
    let mut read = Vec::with_capacity(8 << 20);
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if connection.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while read.len() < end + length {
            if connection.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        // All of them are in one request: 20,000 documents of some 190 bytes are below `bulk_size`.
        let items = vec![r#"{"index":{"status":201}}"#; N_FINDINGS].join(",");
        let body = format!(r#"{{"items":[{items}]}}"#);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        connection
            .write_all((head + &body).as_bytes())
            .await
            .unwrap();
        read.clear();
    }
}

fn bench(criterion: &mut Criterion) {
    let batch = findings();
    let mut group = criterion.benchmark_group("bulk");
    group.throughput(Throughput::Elements(N_FINDINGS as u64));
    group.bench_function("encode", |bencher| {
        let names = DocumentNames::default();
        let mut body = Vec::new();
        bencher.iter(|| {
            body.clear();
            let mut documents = Documents::try_new(&batch, &names).unwrap();
            for row in 0..N_FINDINGS {
                documents.encode(row, &mut body);
            }
            black_box(body.len())
        });
    });

    // The double has a thread of its own, the output the bench's.
    let double = Runtime::new().unwrap();
    let listener = double.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    double.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for compress in ["false", "true"] {
        let open = OpenOutput {
            use_case: Arc::clone(&batch.use_case),
            schema: batch.findings.batch().schema(),
            receipt: None,
            now: 0,
            stores: Default::default(),
        };
        let keys = [
            ("hosts", url.as_str()),
            ("template", "false"),
            ("compress", compress),
        ];
        let section = Section::from_iter(keys);
        let entry = OutputEntry::of::<Elasticsearch>();
        let mut output = runtime.block_on(entry.open(&section, open)).unwrap();
        group.bench_function(format!("write/compress={compress}"), |bencher| {
            bencher.iter(|| {
                let outcome = runtime.block_on(output.write(std::slice::from_ref(&batch)));
                assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
