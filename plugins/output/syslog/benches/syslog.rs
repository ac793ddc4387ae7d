//! Messages a second: encoded, and delivered over TCP on this machine with the limit beside it, the
//! same bytes written from memory to the same reader.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_output_syslog::Syslog;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Window};

const N_FINDINGS: usize = 100_000;
const CHUNK_BYTES: usize = 256 * 1024;

fn findings() -> FindingsBatch {
    let rows = 0..N_FINDINGS as i64;
    let address = |n: i64| format!("198.51.{}.{}", n / 256 % 256, n % 256);
    let columns: [(&str, ArrayRef); 5] = [
        (
            "key",
            Arc::new(StringArray::from_iter_values(rows.clone().map(address))),
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
            "errors",
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|n| n % 11))),
        ),
        (
            "path",
            Arc::new(StringArray::from_iter_values(
                rows.map(|n| format!("/a/{n}.html")),
            )),
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

/// A server that reads each connection to its end; the port.
fn reader() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 20];
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            while stream.read(&mut bytes).unwrap() > 0 {}
        }
    });
    port
}

/// What the output sends for the findings, frames and all.
async fn bytes_sent(format: &str, batch: &FindingsBatch) -> Vec<u8> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut bytes) = (stream.unwrap(), Vec::new());
            stream.read_to_end(&mut bytes).unwrap();
            // Before it is closed, which ends the write.
            if send.send(bytes).is_err() {
                return;
            }
        }
    });
    write(open(format, port).await.as_mut(), batch).await;
    received.try_iter().flatten().collect()
}

async fn open(format: &str, port: u16) -> Box<dyn DynOutput> {
    let port = port.to_string();
    let section = Section::from_iter([
        ("transport", "tcp"),
        ("port", port.as_str()),
        ("format", format),
    ]);
    let open = OpenOutput {
        use_case: "bench".into(),
        schema: findings().findings.batch().schema(),
        receipt: None,
        now: 0,
        stores: Default::default(),
    };
    OutputEntry::of::<Syslog>()
        .open(&section, open)
        .await
        .unwrap()
}

async fn write(output: &mut dyn DynOutput, batch: &FindingsBatch) {
    let outcome = output.write(std::slice::from_ref(batch)).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
}

fn write_raw(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    bytes
        .chunks(CHUNK_BYTES)
        .for_each(|chunk| stream.write_all(chunk).unwrap());
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

fn tcp(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let batch = findings();
    for format in ["rfc3164", "rfc5424"] {
        let bytes = runtime.block_on(bytes_sent(format, &batch));
        let mut group =
            criterion.benchmark_group(format!("tcp/{format}/{}MB", bytes.len() / 1_000_000));
        group
            .sample_size(10)
            .throughput(Throughput::Elements(N_FINDINGS as u64));
        let port = reader();
        let mut output = runtime.block_on(open(format, port));
        group.bench_function("delivered", |bencher| {
            bencher.iter(|| runtime.block_on(write(output.as_mut(), &batch)));
        });
        group.bench_function("limit: the same bytes", |bencher| {
            bencher.iter(|| write_raw(port, &bytes));
        });
        group.finish();
    }
}

/// Encoding alone: every message is longer than allowed, so that each is made and none is sent.
fn encode(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let batch = findings();
    let port = reader().to_string();
    let mut group = criterion.benchmark_group("encode");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(N_FINDINGS as u64));
    for (name, format, body) in [
        ("rfc3164/json", "rfc3164", "json"),
        ("rfc5424/json", "rfc5424", "json"),
        ("rfc5424/structured", "rfc5424", "structured"),
    ] {
        let section = Section::from_iter([
            ("transport", "tcp"),
            ("port", port.as_str()),
            ("format", format),
            ("body", body),
            ("max_size", "1"),
        ]);
        let open = OpenOutput {
            use_case: "bench".into(),
            schema: batch.findings.batch().schema(),
            receipt: None,
            now: 0,
            stores: Default::default(),
        };
        let mut output = runtime
            .block_on(OutputEntry::of::<Syslog>().open(&section, open))
            .unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(output.write(std::slice::from_ref(&batch))));
        });
    }
    group.finish();
}

criterion_group!(benches, encode, tcp);
criterion_main!(benches);
