//! Findings, and the output that they are for.

use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_output_kafka::Kafka;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, OutputEntry};
use datashark_sdk::{Findings, Window};

/// Now, to the millisecond: a broker forgets a producer with its records of long ago when it is started
/// again.
pub(crate) static TIME: LazyLock<i64> = LazyLock::new(|| {
    #[expect(
        clippy::disallowed_methods,
        reason = "the broker's clock is the system's"
    )]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_millis()).unwrap() * 1000
});

/// A finding of each key; its score is its place, and so is `place` in the metadata.
pub(crate) fn batch<S: AsRef<str>>(keys: &[S]) -> FindingsBatch {
    let places = || Int64Array::from_iter_values((0..).take(keys.len()));
    let columns: [(&str, ArrayRef); 3] = [
        ("key", Arc::new(StringArray::from_iter_values(keys))),
        ("score", Arc::new(places())),
        ("place", Arc::new(places())),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: *TIME - 60_000_000,
        end: *TIME,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time: *TIME,
        findings,
        ids,
    }
}

/// Opens the output of a section.
pub(crate) async fn open(entries: &[(&str, &str)]) -> Box<dyn DynOutput> {
    let open = OpenOutput {
        use_case: "test".into(),
        schema: batch(&[""; 0]).findings.batch().schema(),
        receipt: None,
        now: *TIME,
        stores: Default::default(),
    };
    let section = Section::from_iter(entries.iter().copied());
    OutputEntry::of::<Kafka>()
        .open(&section, open)
        .await
        .unwrap()
}
