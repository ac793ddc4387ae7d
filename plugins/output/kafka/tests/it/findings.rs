//! Findings, and a plain version of how the engine delivers them.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use datashark_output_kafka::Kafka;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, OpenOutput, Outcome, OutputEntry};
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

/// What a delivery came to.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// How many writes had to be repeated, and why.
    pub(crate) again: Vec<String>,
    /// Why findings were refused, in their order.
    pub(crate) refused: Vec<String>,
}

/// Delivers a batch as the engine does: again what is to be tried again, until all is settled.
pub(crate) async fn deliver(output: &mut dyn DynOutput, mut batch: FindingsBatch) -> Delivered {
    let mut delivered = Delivered::default();
    loop {
        let fates = match output.write(std::slice::from_ref(&batch)).await {
            Outcome::Safe => return delivered,
            Outcome::Each(fates) => fates,
            outcome => panic!("{outcome:?}"),
        };
        assert_eq!(fates.len(), batch.findings.len());
        let mut again = Vec::new();
        let mut reason = None;
        for fate in fates {
            again.push(matches!(fate, Fate::Again(_)));
            match fate {
                Fate::Safe => {}
                Fate::Refused(why) => delivered.refused.push(why),
                Fate::Again(why) => reason = Some(why),
            }
        }
        let Some(reason) = reason else {
            return delivered;
        };
        delivered.again.push(reason);
        let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
        let ids = ids.map(|(id, _)| id.clone()).collect();
        let rows = filter_record_batch(batch.findings.batch(), &BooleanArray::from(again)).unwrap();
        let findings = Findings::try_from_rows(&rows).unwrap();
        batch = FindingsBatch {
            findings,
            ids,
            ..batch
        };
        // As the engine waits between two tries.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
