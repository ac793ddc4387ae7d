//! `json`: a record is valid exactly where serde_json says so, and its members are the same.
#![no_main]

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field};
use datashark_codec::Format;
use datashark_codec::json::{Json, with_null_as_text};
use datashark_fuzz::{check, lines, text_field, time};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

const ASKED: [&str; 4] = ["a", "b", "a.b", "a_longer_name"];

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, false);
    let mut typed = Json::new()
        .decoder(&[
            with_null_as_text(text_field("a.b.c")),
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Float64, true),
            Field::new("a.b", time(), true),
            Field::new("c", DataType::Boolean, true),
        ])
        .expect("types that the format has");
    check(&mut *typed, &payloads, 0);

    let mut decoder = Json::new()
        .decoder(&ASKED.map(text_field))
        .expect("text columns");
    let decoded = check(&mut *decoder, &payloads, 0);
    let mut invalid = decoded
        .invalid
        .iter()
        .map(|invalid| invalid.record_idx as usize)
        .peekable();
    let mut row = 0;
    for (record_idx, record) in payloads.records.iter().flatten().enumerate() {
        let record = record.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(record);
        let is_invalid = invalid.next_if_eq(&record_idx).is_some();
        assert_eq!(
            !is_invalid,
            is_object(record),
            "{}",
            String::from_utf8_lossy(record)
        );
        if is_invalid {
            continue;
        }
        // Half a surrogate pair has no value for serde_json.
        if let Ok(value) = serde_json::from_slice::<Value>(record) {
            for (column, name) in ASKED.iter().enumerate() {
                let ours = decoded.rows.column(column).as_string_view();
                let ours = ours.iter().nth(row).flatten();
                compare(ours, lookup(&value, name).filter(|value| !value.is_null()));
            }
        }
        row += 1;
    }
});

fn is_object(record: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(record).is_ok_and(|raw| raw.get().starts_with('{'))
}

fn lookup<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        lookup(object.get(first)?, rest)
    })
}

fn compare(ours: Option<&str>, theirs: Option<&Value>) {
    match (ours, theirs) {
        (ours, Some(Value::String(text))) => assert_eq!(ours, Some(text.as_str())),
        (Some(ours), Some(value)) => {
            let ours: Value = serde_json::from_str(ours).expect("JSON text");
            assert_eq!(ours, *value);
        }
        (ours, theirs) => assert!(ours.is_none() && theirs.is_none(), "{ours:?} {theirs:?}"),
    }
}
