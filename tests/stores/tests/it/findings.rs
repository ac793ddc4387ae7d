//! The csv output, as the engine uses it.

use std::sync::Arc;

use datashark_output_csv::Csv;
use datashark_sdk::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datashark_sdk::conf::{Section, Value};
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Error, Findings, Stores, Window};

/// 2016-10-14 12:00:00 UTC, which is that day wherever tests run.
pub(crate) const NOON: i64 = 1_476_446_400_000_000;
pub(crate) const MINUTE: i64 = 60_000_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// Findings of the minute that ends at a time.
pub(crate) fn batch<S: AsRef<str>>(time: i64, keys: &[S]) -> FindingsBatch {
    let scores = Float64Array::from_iter_values(keys.iter().map(|key| key.as_ref().len() as f64));
    let keys = StringArray::from_iter_values(keys.iter().map(AsRef::as_ref));
    let columns: [(&str, ArrayRef); 2] = [("key", Arc::new(keys)), ("score", Arc::new(scores))];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: time - MINUTE,
        end: time,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time,
        findings,
        ids,
    }
}

/// Opens the output.
pub(crate) async fn open(
    path: &str,
    stores: &Stores,
    receipt: Option<String>,
) -> Result<Box<dyn DynOutput>, Error> {
    let section = Section::from_iter([("path", Value::from(path)), ("header", "true".into())]);
    let open = OpenOutput {
        use_case: "test".into(),
        schema: batch::<&str>(NOON, &[]).findings.batch().schema(),
        receipt,
        now: NOON,
        stores: stores.clone(),
    };
    OutputEntry::of::<Csv>().open(&section, open).await
}

/// Writes a window and gives the receipt of a sync behind it.
pub(crate) async fn write<S: AsRef<str>>(
    csv: &mut Box<dyn DynOutput>,
    time: i64,
    keys: &[S],
) -> Option<String> {
    let outcome = csv.write(&[batch(time, keys)]).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    csv.sync().await.unwrap()
}

/// The keys in the rows of a file, which has a header.
pub(crate) fn keys_of(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("timestamp,key,score"));
    lines.map(|line| line.split(',').nth(1).unwrap()).collect()
}
