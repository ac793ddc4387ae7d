//! The formats that name their own columns.

use arrow::datatypes::Field;
use criterion::Criterion;
use datashark_codec::asa::Asa;
use datashark_codec::cef::Cef;
use datashark_codec::eve::Eve;
use datashark_codec::grok::{Grok, GrokOptions};
use datashark_codec::iptables::Iptables;
use datashark_codec::leef::Leef;
use datashark_codec::logfmt::Logfmt;
use datashark_codec::squid::Squid;
use datashark_codec::syslog::Syslog;
use datashark_codec::timestamp::TimeOptions;
use datashark_codec::w3c::W3c;
use datashark_codec::zeek::Zeek;
use datashark_codec::{Columns, Format};

use crate::{data, decode, fields};

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

pub(super) fn syslog(criterion: &mut Criterion) {
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

pub(super) fn cef(criterion: &mut Criterion) {
    let format = Cef::try_new(&in_2026()).unwrap();
    named(
        criterion,
        "cef",
        &data::cef(),
        &format,
        &["cs1", "deviceExternalId"],
    );
}

pub(super) fn leef(criterion: &mut Criterion) {
    let format = Leef::try_new(&in_2026()).unwrap();
    named(criterion, "leef", &data::leef(), &format, &["policy"]);
}

pub(super) fn logfmt(criterion: &mut Criterion) {
    let format = Logfmt::try_new(&in_2026()).unwrap();
    named(
        criterion,
        "logfmt",
        &data::logfmt(),
        &format,
        &["fw", "duration"],
    );
}

pub(super) fn iptables(criterion: &mut Criterion) {
    let format = Iptables::try_new(&in_2026()).unwrap();
    named(criterion, "iptables", &data::iptables(), &format, &["TTL"]);
}

pub(super) fn asa(criterion: &mut Criterion) {
    let format = Asa::try_new(&in_2026()).unwrap();
    named(criterion, "asa", &data::asa(), &format, &[]);
}

/// The known columns of these names.
fn known(format: &dyn Format, names: &[&str]) -> Vec<Field> {
    let known = format.known_columns();
    let field = |name: &&str| known.find(name).unwrap().1.as_ref().clone();
    names.iter().map(field).collect()
}

pub(super) fn eve(criterion: &mut Criterion) {
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

pub(super) fn grok(criterion: &mut Criterion) {
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

pub(super) fn squid(criterion: &mut Criterion) {
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

pub(super) fn w3c(criterion: &mut Criterion) {
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

pub(super) fn zeek(criterion: &mut Criterion) {
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
