//! Real logs of Zeek and Suricata against plain readings of them: a split at tabs, and serde_json.
//!
//! The logs lie in `$DATASHARK_DATA`, or `../shared/data` beside the project; what is not there is
//! skipped.

#![expect(clippy::unwrap_used, reason = "a log that is none shall stop the test")]

use arrow::array::{ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampMicrosecondType};
use datashark_codec::Format;
use datashark_codec::eve::Eve;
use datashark_codec::lines::split_lines;
use datashark_codec::zeek::Zeek;
use datashark_sdk::input::{Directives, Header, Payloads};
use serde_json::Value;

/// A log of the shared data.
fn log(name: &str) -> Option<String> {
    let bytes = datashark_test_data::read(name)?;
    Some(String::from_utf8(bytes).unwrap())
}

/// The columns of a log, all of whose records are valid.
fn decode(format: &dyn Format, log: &str, fields: &[Field]) -> Vec<ArrayRef> {
    let lines = split_lines(Buffer::from(log.as_bytes()), 0);
    let payloads = Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: Some(Header::Directives(Directives::new(b'#'))),
        beside: None,
        first_line: Some(1),
    };
    let decoded = format.decoder(fields).unwrap().decode(&payloads);
    assert_eq!(decoded.invalid, []);
    decoded.rows.columns().to_vec()
}

fn known(format: &dyn Format, names: &[&str]) -> Vec<Field> {
    let known = format.known_columns();
    let field = |name: &&str| known.find(name).unwrap().1.as_ref().clone();
    names.iter().map(field).collect()
}

fn sum(column: &ArrayRef) -> i64 {
    column.as_primitive::<Int64Type>().iter().flatten().sum()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[test]
fn zeeks_tables_are_what_a_split_at_tabs_finds() {
    let names = [
        "source_ip",
        "source_port",
        "source_bytes",
        "destination_packets",
    ];
    let of = ["id.orig_h", "id.orig_p", "orig_bytes", "resp_pkts"];
    for name in [
        "zeek/beacon_missing_host/2024-04-19_conn.log.gz",
        "zeek/rita_proxy/conn.log",
        "zeek/slips_labelled_remcos/conn.log.labeled",
    ] {
        let Some(log) = log(name) else { return };
        let columns = decode(&Zeek::new(), &log, &known(&Zeek::new(), &names));
        let fields = log.lines().find_map(|line| line.strip_prefix("#fields\t"));
        let fields: Vec<&str> = fields.unwrap().split('\t').collect();
        let at = of.map(|name| fields.iter().position(|field| *field == name).unwrap());
        let records = log.lines().filter(|line| !line.starts_with('#'));
        let records: Vec<Vec<&str>> = records.map(|line| line.split('\t').collect()).collect();
        let sources: Vec<Option<&str>> = columns[0].as_string_view().iter().collect();
        let expected: Vec<_> = records.iter().map(|record| Some(record[at[0]])).collect();
        assert_eq!(sources, expected, "{name}");
        for i in 1..names.len() {
            let numbers = records.iter().map(|record| record[at[i]]);
            let expected: i64 = numbers.filter_map(|text| text.parse::<i64>().ok()).sum();
            assert_eq!(sum(&columns[i]), expected, "{} of {name}", names[i]);
        }
    }
}

/// Every field of a log that was written both as a table and as JSON is the same in both, but for
/// sets and the letters that stand for booleans.
#[test]
fn zeeks_tables_and_json_say_the_same() {
    for kind in ["analyzer", "dns", "ssl"] {
        let table = log(&format!("zeek/wrccdc/{kind}_part1.log.gz"));
        let json = log(&format!("zeek/wrccdc/{kind}_part1.json.gz"));
        let (Some(table), Some(json)) = (table, json) else {
            return;
        };
        let directive = |kind: &str| {
            let line = table.lines().find_map(|line| line.strip_prefix(kind));
            line.unwrap().split('\t').collect::<Vec<&str>>()
        };
        let (names, types) = (directive("#fields\t"), directive("#types\t"));
        let named = names.iter().zip(&types);
        let fields = named
            .filter(|(_, kind)| !kind.contains('['))
            .map(|(name, kind)| {
                let data_type = match *kind {
                    "count" | "port" => DataType::Int64,
                    "interval" | "double" => DataType::Float64,
                    "bool" => DataType::Boolean,
                    "time" => DataType::Timestamp(
                        arrow::datatypes::TimeUnit::Microsecond,
                        Some("UTC".into()),
                    ),
                    _ => DataType::Utf8View,
                };
                Field::new(*name, data_type, true)
            });
        let fields: Vec<Field> = fields.collect();
        let from_table = decode(&Zeek::new(), &table, &fields);
        let from_json = decode(&Zeek::new(), &json, &fields);
        for ((field, ours), theirs) in fields.iter().zip(&from_table).zip(&from_json) {
            if *field.data_type() == DataType::Float64 {
                assert_near(ours, theirs);
            } else {
                assert_eq!(ours, theirs, "{} of {kind}", field.name());
            }
        }
    }
}

/// Tables have six digits of an interval.
fn assert_near(ours: &ArrayRef, theirs: &ArrayRef) {
    let pairs = ours.as_primitive::<Float64Type>().iter();
    for (ours, theirs) in pairs.zip(theirs.as_primitive::<Float64Type>()) {
        assert_eq!(ours.is_some(), theirs.is_some());
        let difference = ours.unwrap_or(0.0) - theirs.unwrap_or(0.0);
        assert!(difference.abs() < 1e-6, "{ours:?} {theirs:?}");
    }
}

#[test]
fn zeeks_json_is_what_serde_json_reads() {
    let format = Zeek::new();
    let names = ["source_ip", "destination_port", "source_bytes", "timestamp"];
    let Some(log) = log("zeek/slips_test9_mixed/conn.log") else {
        return;
    };
    let columns = decode(&format, &log, &known(&format, &names));
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts: Vec<_> = columns[0]
        .as_string_view()
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect();
    let expected: Vec<_> = records
        .iter()
        .map(|record| text(&record["id.orig_h"]))
        .collect();
    assert_eq!(texts, expected);
    for (column, name) in [(1, "id.resp_p"), (2, "orig_bytes")] {
        let expected: i64 = records
            .iter()
            .filter_map(|record| record[name].as_i64())
            .sum();
        assert_eq!(sum(&columns[column]), expected, "{name}");
    }
    let times = columns[3].as_primitive::<TimestampMicrosecondType>();
    for (time, record) in times.values().iter().zip(&records) {
        let expected = record["ts"].as_f64().unwrap() * 1e6;
        assert!(
            (*time as f64 - expected).abs() <= 1.0,
            "{time} for {record}"
        );
    }
}

#[test]
fn suricatas_events_are_what_serde_json_reads() {
    let format = Eve::new();
    let names = ["source_ip", "destination_port", "source_bytes", "timestamp"];
    let Some(log) = log("suricata/slips_test6_eve_part1.json.gz") else {
        return;
    };
    let columns = decode(&format, &log, &known(&format, &names));
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sources: Vec<_> = columns[0].as_string_view().iter().collect();
    let expected: Vec<_> = records
        .iter()
        .map(|record| record["src_ip"].as_str())
        .collect();
    assert_eq!(sources, expected);
    for (column, pointer) in [(1, "/dest_port"), (2, "/flow/bytes_toserver")] {
        let numbers = records.iter().filter_map(|record| record.pointer(pointer));
        let expected: i64 = numbers.filter_map(Value::as_i64).sum();
        assert_eq!(sum(&columns[column]), expected, "{pointer}");
    }
    let times = columns[3].as_primitive::<TimestampMicrosecondType>();
    for (time, record) in times.values().iter().zip(&records) {
        let text = record["timestamp"].as_str().unwrap();
        let expected = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
        assert_eq!(*time, expected.unwrap().timestamp_micros(), "{text}");
    }
}
