//! Decoding: bytes and records per second of every format, with the limits in the same run.
//!
//! `limit/memcpy` is what moving the bytes costs and `limit/memchr` what finding the line ends
//! costs; peers, where there is one, stand beside ours. Run it with
//! `cargo bench -p datashark-codec`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

mod data;

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use datashark_codec::asa::Asa;
use datashark_codec::cef::Cef;
use datashark_codec::combined::AccessLog;
use datashark_codec::csv::{Csv, CsvOptions};
use datashark_codec::eve::Eve;
use datashark_codec::grok::{Grok, GrokOptions};
use datashark_codec::iptables::Iptables;
use datashark_codec::json::Json;
use datashark_codec::leef::Leef;
use datashark_codec::lines::split_lines;
use datashark_codec::logfmt::Logfmt;
use datashark_codec::regex::Regex;
use datashark_codec::squid::Squid;
use datashark_codec::syslog::Syslog;
use datashark_codec::text::Text;
use datashark_codec::timestamp::TimeOptions;
use datashark_codec::w3c::W3c;
use datashark_codec::zeek::Zeek;
use datashark_codec::{Columns, Format, RecordFilter};
use datashark_sdk::input::{Directives, Header, HeaderRule, Payloads};

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

/// Benches a format with its known columns and these others, and with few of the known.
fn named(criterion: &mut Criterion, id: &str, log: &[u8], format: &dyn Format, others: &[&str]) {
    let known = match format.columns() {
        Columns::Fixed(fields) => fields,
        Columns::Open => format.known_columns(),
    };
    let all: Vec<Field> = known.iter().map(|field| field.as_ref().clone()).collect();
    let all: Vec<Field> = all.into_iter().chain(fields(others)).collect();
    let few = [
        "timestamp",
        "host_name",
        "source_ip",
        "event_action",
        "message",
    ];
    let few: Vec<Field> = all
        .iter()
        .filter(|field| few.contains(&field.name().as_str()))
        .cloned()
        .collect();
    let mut group = criterion.benchmark_group(id);
    decode(
        &mut group,
        &format!("{}_of_{}", few.len(), all.len()),
        log,
        format,
        &few,
    );
    decode(&mut group, "all", log, format, &all);
    group.finish();
}

/// The year of times without one.
fn in_2026() -> TimeOptions {
    TimeOptions {
        year: Some(2026),
        timezone: None,
    }
}

fn syslog(criterion: &mut Criterion) {
    let format = Syslog::try_new(&in_2026()).unwrap();
    named(criterion, "syslog/3164", &data::syslog(), &format, &[]);
    named(
        criterion,
        "syslog/5424",
        &data::syslog_5424(),
        &format,
        &["meta@32473.user", "ip"],
    );
}

fn cef(criterion: &mut Criterion) {
    let format = Cef::try_new(&in_2026()).unwrap();
    named(
        criterion,
        "cef",
        &data::cef(),
        &format,
        &["cs1", "deviceExternalId"],
    );
}

fn leef(criterion: &mut Criterion) {
    let format = Leef::try_new(&in_2026()).unwrap();
    named(criterion, "leef", &data::leef(), &format, &["policy"]);
}

fn logfmt(criterion: &mut Criterion) {
    let format = Logfmt::try_new(&in_2026()).unwrap();
    named(
        criterion,
        "logfmt",
        &data::logfmt(),
        &format,
        &["fw", "duration"],
    );
}

fn iptables(criterion: &mut Criterion) {
    let format = Iptables::try_new(&in_2026()).unwrap();
    named(criterion, "iptables", &data::iptables(), &format, &["TTL"]);
}

fn asa(criterion: &mut Criterion) {
    let format = Asa::try_new(&in_2026()).unwrap();
    named(criterion, "asa", &data::asa(), &format, &[]);
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

/// The known columns of these names.
fn known(format: &dyn Format, names: &[&str]) -> Vec<Field> {
    let known = format.known_columns();
    let field = |name: &&str| known.find(name).unwrap().1.as_ref().clone();
    names.iter().map(field).collect()
}

fn eve(criterion: &mut Criterion) {
    let log = data::eve();
    let mut group = criterion.benchmark_group("eve");
    let format = Eve::new();
    let typed = ["timestamp", "source_ip", "destination_port", "source_bytes"];
    let typed = known(&format, &typed);
    decode(&mut group, "4_typed", &log, &format, &typed);
    let texts = fields(&["src_ip", "alert.signature"]);
    decode(&mut group, "2_members", &log, &format, &texts);
    group.finish();
}

fn grok(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("grok");
    let fields = fields(&["clientip", "response"]);
    for pattern in ["%{COMBINEDAPACHELOG}", "^%{COMBINEDAPACHELOG}"] {
        let format = grok_of(pattern);
        decode(&mut group, pattern, &data::combined(), &format, &fields);
    }
    let plain = "^%{NOTSPACE:clientip} \\[[^\\]]+\\] \"[^\"]*\" %{NOTSPACE:response} ";
    decode(&mut group, "plain", &data::epa(), &grok_of(plain), &fields);
    group.finish();
}

fn grok_of(pattern: &str) -> Grok {
    let options = GrokOptions {
        pattern: pattern.to_owned(),
        patterns: Default::default(),
        patterns_file: Vec::new(),
    };
    Grok::try_new(&options).unwrap()
}

fn squid(criterion: &mut Criterion) {
    let log = data::squid();
    let mut group = criterion.benchmark_group("squid");
    let format = Squid::new();
    let Columns::Fixed(all) = format.columns() else {
        return;
    };
    let all: Vec<Field> = all.iter().map(|field| field.as_ref().clone()).collect();
    decode(&mut group, "3_of_12", &log, &format, &all[..3]);
    decode(&mut group, "all", &log, &format, &all);
    group.finish();
}

fn w3c(criterion: &mut Criterion) {
    let log = data::w3c();
    let mut group = criterion.benchmark_group("w3c");
    let format = W3c::default();
    let typed = ["timestamp", "source_ip", "http_response_status_code"];
    let typed = known(&format, &typed);
    decode(&mut group, "3_typed_of_15", &log, &format, &typed);
    let joined = known(&format, &["source_ip", "url_original"]);
    decode(&mut group, "joined_url", &log, &format, &joined);
    group.finish();
}

fn zeek(criterion: &mut Criterion) {
    let log = data::zeek();
    let mut group = criterion.benchmark_group("zeek");
    let format = Zeek::new();
    let typed = ["timestamp", "source_ip", "source_port", "destination_bytes"];
    let typed = known(&format, &typed);
    decode(&mut group, "table/4_typed_of_21", &log, &format, &typed);
    let texts = fields(&["uid", "id.orig_h", "service"]);
    decode(&mut group, "table/3_of_21", &log, &format, &texts);
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
