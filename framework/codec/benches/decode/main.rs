//! Decoding: bytes and records per second of every format, with the limits in the same run.
//!
//! `limit/memcpy` is what moving the bytes costs and `limit/memchr` what finding the line ends
//! costs; peers, where there is one, stand beside ours. Run it with
//! `cargo bench -p datashark-codec`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

mod data;
mod formats;

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use datashark_codec::combined::AccessLog;
use datashark_codec::csv::{Csv, CsvOptions};
use datashark_codec::json::Json;
use datashark_codec::lines::split_lines;
use datashark_codec::regex::Regex;
use datashark_codec::text::Text;
use datashark_codec::{Columns, Format, RecordFilter};
use datashark_sdk::input::{Directives, Header, HeaderRule, Payloads};
use formats::{asa, cef, eve, grok, iptables, leef, logfmt, squid, syslog, w3c, zeek};

/// As much as an input gives at a time.
const BLOCK_BYTES: usize = 1 << 20;

const LAZY: &str = r#"^(?P<source>.+?) \[(?P<time>.+?)\] "(?P<request>.+?)" (?P<response_code>\d+) (?P<bytes>.+)$"#;
const PLAIN: &str = r#"(?P<source>\S+) \[[^\]]+\] \"[^\"]*\" (?P<response_code>\d{3}) .*"#;
/// As `conf/web-anomaly-detection` has it.
const GREEDY: &str =
    r#"(?P<source>[^ ]+) \[[0-9:]+\] \"(?P<request>.*)\" (?P<response_code>[0-9]{3}) ([^ ]+)"#;
/// The same, with an alternation that the scanner does not serve.
const CAPTURED: &str =
    r#"(?P<source>\S+) \[[^\]]+\] \"[^\"]*\" (?P<response_code>\d{3}) (?:\d+|-)"#;

/// A log in blocks that end at line ends.
fn blocks(log: &[u8]) -> Vec<Buffer> {
    let mut blocks = Vec::new();
    let mut rest = log;
    while !rest.is_empty() {
        let cut = &rest[..rest.len().min(BLOCK_BYTES)];
        let end = memchr::memrchr(b'\n', cut).unwrap() + 1;
        blocks.push(Buffer::from(&rest[..end]));
        rest = &rest[end..];
    }
    blocks
}

fn payloads(log: &[u8]) -> Vec<Payloads> {
    let lines = blocks(log).into_iter().map(|block| split_lines(block, 1));
    let payloads = lines.map(|lines| Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: None,
        beside: None,
        first_line: None,
    });
    payloads.collect()
}

/// The same, with the directives of the log.
fn marked_payloads(log: &[u8]) -> Vec<Payloads> {
    let mut header = Header::Directives(Directives::new(b'#'));
    let mut payloads = payloads(log);
    for payloads in &mut payloads {
        payloads.header = Some(header.clone());
        header.behind(&payloads.records);
    }
    payloads
}

fn fields(columns: &[&str]) -> Vec<Field> {
    columns
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8View, true))
        .collect()
}

/// Benches a format on a log, a row per record.
fn decode(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: &str,
    log: &[u8],
    format: &dyn Format,
    fields: &[Field],
) {
    let payloads = match format.header() {
        HeaderRule::Directives(_) => marked_payloads(log),
        HeaderRule::None | HeaderRule::FirstLine => payloads(log),
    };
    let n_records: usize = payloads.iter().map(|payloads| payloads.records.len()).sum();
    let mut decoder = format.decoder(fields).unwrap();
    group.throughput(Throughput::ElementsAndBytes {
        elements: n_records as u64,
        bytes: log.len() as u64,
    });
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            for payloads in &payloads {
                let decoded = decoder.decode(black_box(payloads));
                assert!(decoded.invalid.is_empty(), "{:?}", decoded.invalid.first());
                black_box(decoded);
            }
        });
    });
}

fn lines(criterion: &mut Criterion) {
    let log = data::text();
    let blocks = blocks(&log);
    let n_lines = memchr::memchr_iter(b'\n', &log).count();
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::ElementsAndBytes {
        elements: n_lines as u64,
        bytes: log.len() as u64,
    });
    let mut copy = vec![0; log.len()];
    group.bench_function("limit/memcpy", |bencher| {
        bencher.iter(|| black_box(&mut copy).copy_from_slice(black_box(&log)));
    });
    group.bench_function("limit/memchr", |bencher| {
        bencher.iter(|| {
            black_box(
                memchr::memchr_iter(b'\n', black_box(&log))
                    .map(black_box)
                    .count(),
            )
        });
    });
    group.bench_function("split_lines", |bencher| {
        bencher.iter(|| {
            for block in &blocks {
                black_box(split_lines(black_box(block.clone()), 0));
            }
        });
    });
    decode(&mut group, "text", &log, &Text::new(), &fields(&["line"]));
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let log = data::json();
    let mut group = criterion.benchmark_group("json");
    let asked: [(&str, &[&str]); 4] = [
        ("none", &[]),
        ("1_of_13", &["program"]),
        ("3_of_13", &["source_ip", "outcome", "user_name"]),
        (
            "8_of_13",
            &[
                "timestamp",
                "host",
                "program",
                "source_ip",
                "outcome",
                "url_path",
                "bytes",
                "message",
            ],
        ),
    ];
    for (id, columns) in asked {
        decode(&mut group, id, &log, &Json::new(), &fields(columns));
    }
    let typed = [
        Field::new("source_ip", DataType::Utf8View, true),
        Field::new("bytes", DataType::Int64, true),
        Field::new(
            "timestamp",
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
    ];
    decode(&mut group, "3_typed_of_13", &log, &Json::new(), &typed);
    filtered(&mut group, &log);
    peer(&mut group, &log);
    group.finish();
}

/// Wants about a record in ten, by the last digit of its source.
#[derive(Debug)]
struct Tenth([Field; 1]);

impl RecordFilter for Tenth {
    fn columns(&self) -> &[Field] {
        &self.0
    }

    fn passes(&self, _: usize, text: Option<&[u8]>) -> bool {
        text.is_some_and(|text| text.ends_with(b"3"))
    }
}

/// Three columns of the records that a filter wants.
fn filtered(group: &mut BenchmarkGroup<'_, WallTime>, log: &[u8]) {
    let payloads = payloads(log);
    let asked = fields(&["source_ip", "outcome", "user_name"]);
    let [of_filter] = &fields(&["source_ip"])[..] else {
        return;
    };
    let filter: Arc<dyn RecordFilter> = Arc::new(Tenth([of_filter.clone()]));
    let decoder = Json::new().filtering_decoder(&asked, &filter);
    let mut decoder = decoder.unwrap().unwrap();
    group.bench_function("3_of_13/tenth_wanted", |bencher| {
        bencher.iter(|| {
            for payloads in &payloads {
                black_box(decoder.decode(black_box(payloads)));
            }
        });
    });
}

/// sonic-rs finding the same three members, without making columns of them.
fn peer(group: &mut BenchmarkGroup<'_, WallTime>, log: &[u8]) {
    let mut tree = sonic_rs::PointerTree::new();
    for name in ["source_ip", "outcome", "user_name"] {
        tree.add_path(&[name]);
    }
    let payloads = payloads(log);
    group.bench_function("peer/sonic_get_many_3_of_13", |bencher| {
        bencher.iter(|| {
            for payloads in &payloads {
                for record in payloads.records.iter().flatten() {
                    black_box(sonic_rs::get_many(black_box(record), &tree).unwrap());
                }
            }
        });
    });
}

fn regex(criterion: &mut Criterion) {
    let log = data::epa();
    let mut group = criterion.benchmark_group("regex");
    let fields = fields(&["source", "response_code"]);
    for (id, pattern) in [
        ("scanner/plain", PLAIN),
        ("scanner/greedy", GREEDY),
        ("scanner/lazy", LAZY),
        ("captures", CAPTURED),
    ] {
        decode(
            &mut group,
            id,
            &log,
            &Regex::try_new(pattern).unwrap(),
            &fields,
        );
    }
    group.finish();
}

fn combined(criterion: &mut Criterion) {
    let log = data::combined();
    let mut group = criterion.benchmark_group("combined");
    let format = AccessLog::combined();
    let Columns::Fixed(all) = format.columns() else {
        return;
    };
    let all: Vec<Field> = all.iter().map(|field| field.as_ref().clone()).collect();
    let few: Vec<Field> = [0, 2, 6]
        .iter()
        .map(|column| all[*column].clone())
        .collect();
    decode(&mut group, "3_of_10", &log, &format, &few);
    decode(&mut group, "all", &log, &format, &all);
    group.finish();
}

fn csv(criterion: &mut Criterion) {
    let log = data::csv();
    let mut group = criterion.benchmark_group("csv");
    let columns = [
        "time", "source", "method", "path", "code", "bytes", "comment", "word",
    ];
    let columns = columns.map(str::to_owned).to_vec();
    let format = CsvOptions {
        header: false,
        columns,
        ..CsvOptions::default()
    };
    let format = Csv::try_new(format).unwrap();
    decode(
        &mut group,
        "3_of_8",
        &log,
        &format,
        &fields(&["source", "code", "comment"]),
    );
    group.bench_function("peer/csv_crate", |bencher| {
        bencher.iter(|| {
            let mut builder = csv::ReaderBuilder::new();
            let mut reader = builder.has_headers(false).from_reader(log.as_slice());
            let mut record = csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).unwrap() {
                black_box(&record);
            }
        });
    });
    group.finish();
}

fn timestamps(criterion: &mut Criterion) {
    let log = data::json();
    let payloads = payloads(&log);
    let mut decoder = Json::new().decoder(&fields(&["timestamp"])).unwrap();
    let decoded = decoder.decode(&payloads[0]);
    let texts = decoded.rows.column(0).as_string_view();
    let format = datashark_codec::timestamp::TimestampFormat::parse_str("rfc3339").unwrap();
    let mut group = criterion.benchmark_group("timestamp");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("rfc3339", |bencher| {
        bencher.iter(|| format.column(black_box(texts)))
    });
    group.finish();
}

criterion_group!(
    benches, lines, json, csv, regex, grok, combined, w3c, squid, syslog, cef, leef, logfmt,
    iptables, asa, zeek, eve, timestamps
);
criterion_main!(benches);
