//! The vectors of `spot-ml-vectors.json`: what Apache Spot 1.1 makes of records, and what the mends of
//! `v2` change in that.
//!
//! They are read where they lie, in `../shared/spec` beside the tree; without them the tests say
//! `SKIPPED:`. The topic model's own vectors are looked at where that is.

mod records;
mod words;

use serde_json::Value;

/// The vectors of a section; none, said loudly, where the file is not there.
fn vectors(section: &str) -> Vec<Value> {
    let Some(text) = datashark_test_data::spot_vectors() else {
        return Vec::new();
    };
    let all: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    let found = all[section].as_array().cloned().unwrap_or_default();
    assert!(!found.is_empty(), "no vectors of `{section}`");
    found
}

/// A record of the file's `_meta` that the vectors start from.
fn fixture(kind: &str) -> Value {
    let text = datashark_test_data::spot_vectors().expect("the vectors are there");
    let all: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    all["_meta"]["fixtures"][kind].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("NaN") => f64::NAN,
        _ => value
            .as_f64()
            .unwrap_or_else(|| panic!("no number: {value}")),
    }
}

fn whole(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("no whole number: {value}"))
}

fn texts(value: &Value) -> Vec<&str> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(text).collect()
}
