//! Files to records.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BinaryViewArray;
use datashark_sdk::input::Payloads;
use serde_json::Value;

use super::kinds::{Records, Samples};

/// Records, the line of the file that each is of, and what others found in it.
pub(crate) struct Sample {
    pub(crate) payloads: Payloads,
    /// The file's first line, for formats whose columns it names.
    pub(crate) first_line: Arc<[u8]>,
    pub(crate) line_numbers: Vec<usize>,
    /// For each record; empty where nobody says.
    pub(crate) expected: Vec<Value>,
}

/// The files that match a pattern of a path with `*` in its last part, in order; the pattern
/// itself where none does.
pub(crate) fn files(pattern: &str) -> Vec<String> {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((start, end)) = name.split_once('*') else {
        return vec![pattern.to_owned()];
    };
    let entries = std::fs::read_dir(datashark_test_data::folder().join(folder))
        .into_iter()
        .flatten();
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        })
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    if names.is_empty() {
        names.push(pattern.to_owned());
    }
    names
}

/// The records of a file; `None`, said loudly, where it is not there.
pub(crate) fn records(samples: &Samples, name: &str) -> Option<Sample> {
    let mut bytes = datashark_test_data::read(name)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.map(|(i, line)| (i + 1, line.strip_suffix(b"\r").unwrap_or(line)));
    let mut sample = match samples.records {
        Records::Lines => sample(lines.map(|(n, line)| (n, line.to_vec(), Value::Null))),
        Records::Commented => sample(
            lines
                .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
                .map(|(n, line)| (n, line.to_vec(), Value::Null)),
        ),
        Records::Beside { csv } => {
            let rows = csv_rows(csv)?.into_iter();
            sample(
                lines
                    .zip(rows)
                    .map(|((n, line), row)| (n, line.to_vec(), row)),
            )
        }
        Records::Cases { product, having } => {
            sample(lines.filter_map(|(n, line)| case(n, line, product, having)))
        }
    };
    sample.first_line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .into();
    Some(sample)
}

/// The rows of a CSV file, by the names of their columns.
fn csv_rows(name: &str) -> Option<Vec<Value>> {
    let bytes = datashark_test_data::read(name)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows = reader
        .deserialize()
        .map(|row: Result<BTreeMap<String, String>, _>| {
            let mut row = row.unwrap();
            row.retain(|_, value| !value.is_empty());
            serde_json::to_value(row).unwrap()
        });
    Some(rows.collect())
}

/// The message of a case of a parser's tests, and the fields that it is expected to give.
fn case(n: usize, line: &[u8], product: &str, having: &str) -> Option<(usize, Vec<u8>, Value)> {
    let mut case: Value = serde_json::from_slice(line).unwrap();
    let message = case
        .pointer("/input/message")?
        .as_str()?
        .trim_end_matches(['\n', '\r']);
    let wanted = case["product"].as_str()?.contains(product) && message.contains(having);
    let message = message.as_bytes().to_vec();
    wanted.then(|| (n, message, case["expected"].take()))
}

fn sample(records: impl Iterator<Item = (usize, Vec<u8>, Value)>) -> Sample {
    let (mut line_numbers, mut texts, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for (n, text, value) in records {
        line_numbers.push(n);
        texts.push(text);
        expected.push(value);
    }
    let lengths = texts.iter().scan(0, |at, text| {
        let start = *at;
        *at += text.len() as u64 + 1;
        Some(start)
    });
    let payloads = Payloads {
        offsets: lengths.collect(),
        records: BinaryViewArray::from_iter_values(&texts),
        header: None,
        beside: None,
        first_line: None,
    };
    Sample {
        payloads,
        first_line: Arc::default(),
        line_numbers,
        expected,
    }
}
