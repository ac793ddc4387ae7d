//! What a use case reads does not depend on who reads it too.

use std::sync::Arc;

use arrow::array::{BinaryViewArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datashark_codec::registry;
use datashark_sdk::Reduce;
use datashark_sdk::input::{Content, PartitionId, Payloads};
use proptest::prelude::*;

use super::*;
use crate::aggregate::Aggregation;
use crate::ledger::Ledger;
use crate::run::pipeline::{Records, TimeSource};
use crate::stream::shared;
use crate::window::Windowing;

/// An aggregation that nobody asks for anything.
struct Nothing;

impl Reduce for Nothing {
    type State = ();
    fn add(&self, (): &mut (), _: &RecordBatch) {}
    fn merge(&self, (): &mut (), (): ()) {}
    fn rows(&self, (): ()) -> datashark_sdk::Result<RecordBatch> {
        Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
    }
    fn size_bytes(&self, (): &()) -> usize {
        0
    }
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

/// A use case that reads these columns of JSON records that pass a filter.
fn records(columns: &[Field], filter: Filter, filter_columns: &[Field]) -> Records {
    Records {
        format: Some(registry::format("json", &Default::default(), &registry::no_files).unwrap()),
        filter,
        filter_columns: filter_columns.to_vec(),
        columns: columns.to_vec(),
        time: TimeSource::Arrival,
        view: None,
        windowing: Windowing::Whole,
        aggregation: Aggregation::Reduce {
            reduce: Arc::new(Nothing),
            columns: Arc::new(Schema::empty()),
        },
    }
}

/// Use cases that read one stream: one reads as a number what another has as text, filters differ, and
/// one reads no column at all.
fn use_cases() -> Vec<Records> {
    let mut hosts = Filter::default();
    hosts.include("host", "a").unwrap();
    hosts.exclude("status", "5").unwrap();
    let mut ok = Filter::default();
    ok.include("status", "200|null").unwrap();
    let as_text = |name| datashark_codec::json::with_null_as_text(text(name));
    vec![
        records(&[text("host"), number("status")], Filter::default(), &[]),
        records(
            &[text("status")],
            hosts,
            &[as_text("host"), as_text("status")],
        ),
        records(&[number("bytes")], ok, &[as_text("status")]),
        records(&[], Filter::default(), &[]),
    ]
}

fn payloads(records: &[String]) -> Payloads {
    Payloads {
        records: BinaryViewArray::from_iter_values(records.iter().map(String::as_bytes)),
        offsets: (0..records.len() as u64).map(|it| 100 + it * 10).collect(),
        header: None,
        first_line: None,
        beside: None,
    }
}

/// What was read: the rows as text, the record of each, the account, and the invalid records.
type Seen = (String, Vec<u32>, Ledger, Vec<(u64, String)>);

fn read(records: &Records, payloads: &Payloads, shared: Option<&SharedBatch>) -> Seen {
    let mut reading = Reading::of(records).unwrap();
    let mut report = Report::new(PartitionId::new("p"));
    let content = Content::Payloads(payloads.clone());
    let rows = reading.rows(&content, shared, &mut report).unwrap();
    let n_rows = rows.rows.num_rows();
    let all = || UInt32Array::from_iter_values(0..n_rows as u32);
    let idx = rows.record_idx.clone().unwrap_or_else(all);
    assert_eq!(idx.len(), n_rows);
    let columns = rows.rows.columns();
    let shown = columns.iter().map(|column| format!("{column:?}")).collect();
    let invalid = report.invalid.iter();
    let mut invalid: Vec<(u64, String)> =
        invalid.map(|it| (it.offset, it.reason.clone())).collect();
    invalid.sort();
    (shown, idx.values().to_vec(), report.ledger, invalid)
}

fn record() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just(r#""a1""#),
        Just(r#""b\u0041""#),
        Just("null"),
        Just("7")
    ];
    let status = prop_oneof![
        Just("200"),
        Just(r#""500""#),
        Just("null"),
        Just(r#""x""#),
        Just("[1]")
    ];
    let bytes = prop_oneof![Just("12"), Just("1e99"), Just(r#""many""#), Just("null")];
    let whole = (host, status, bytes)
        .prop_map(|(h, s, b)| format!(r#"{{"host":{h},"status":{s},"bytes":{b}}}"#));
    prop_oneof![6 => whole, 1 => Just("no JSON".to_owned()), 1 => Just("{}".to_owned())]
}

proptest! {
    #[test]
    fn records_read_together_are_read_as_by_each_alone(records in prop::collection::vec(record(), 0..40)) {
        let (payloads, use_cases) = (payloads(&records), use_cases());
        let shared = shared(use_cases.iter().filter_map(wanted)).unwrap();
        for use_case in &use_cases {
            let alone = read(use_case, &payloads, None);
            prop_assert_eq!(read(use_case, &payloads, Some(&shared)), alone);
        }
    }
}
