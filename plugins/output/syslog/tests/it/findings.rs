//! Findings, and a plain version of how the engine delivers them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use datashark_output_syslog::Syslog;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Window};

/// 2016-10-14 13:01:39 UTC.
pub(crate) const TIME: i64 = 1_476_450_099_000_000;

/// Keys that would end a message, a line, a parameter or a text, or that name another sender.
pub(crate) const HOSTILE: [&str; 18] = [
    "../../etc/passwd",
    "a\0b",
    "two\nlines\r\n",
    "\n<13>Oct 11 22:14:15 evil su: owned",
    "<13>1 2020-01-01T00:00:00Z evil su - - - owned",
    "12 <13>1 - - - - - -",
    "]",
    "a\"] [x@1 y=\"z\"] ",
    "\"",
    "back\\slash\\",
    "\\n \\u0000 \\\"",
    "%n%s $(id) ${HOME} $MESSAGE",
    "日本語 é 🦈 \u{2028}",
    "\u{feff}mark",
    "\u{1b}[31m\u{7f}\u{9b}31m\u{85}",
    "\ttab and space ",
    "{\"source_ip\":\"nested\"}",
    "",
];

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
        start: TIME - 60_000_000,
        end: TIME,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time: TIME,
        findings,
        ids,
    }
}

/// Opens the output of a section.
pub(crate) async fn open(entries: &[(&str, &str)]) -> Box<dyn DynOutput> {
    try_open(entries).await.unwrap()
}

/// As [`open`], where it may fail.
pub(crate) async fn try_open(
    entries: &[(&str, &str)],
) -> datashark_sdk::Result<Box<dyn DynOutput>> {
    let open = OpenOutput {
        use_case: "test".into(),
        schema: batch(&[""; 0]).findings.batch().schema(),
        receipt: None,
        now: TIME,
        stores: Default::default(),
    };
    // No machine is so busy that a server that reads takes longer.
    let patient = [("timeout", "300s")];
    let section = Section::from_iter(patient.iter().chain(entries).copied());
    OutputEntry::of::<Syslog>().open(&section, open).await
}

/// What a delivery came to.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// How many writes had to be repeated, and why.
    pub(crate) again: Vec<String>,
    /// Why findings were refused, in their order.
    pub(crate) refused: Vec<String>,
}

impl Delivered {
    /// Adds what another delivery came to.
    pub(crate) fn add(&mut self, other: Delivered) {
        self.again.extend(other.again);
        self.refused.extend(other.refused);
    }
}

/// Delivers a batch as the engine does: again what is to be tried again, until all is settled.
pub(crate) async fn deliver(output: &mut dyn DynOutput, batch: FindingsBatch) -> Delivered {
    deliver_and_tell(output, batch, || ()).await
}

/// As [`deliver`], telling of each write that has to be repeated.
pub(crate) async fn deliver_and_tell(
    output: &mut dyn DynOutput,
    mut batch: FindingsBatch,
    on_again: impl Fn(),
) -> Delivered {
    let mut delivered = Delivered::default();
    loop {
        let reason = match output.write(std::slice::from_ref(&batch)).await {
            Outcome::Safe => return delivered,
            Outcome::Stop(error) => panic!("{error}"),
            Outcome::Again(reason) => reason,
            Outcome::Each(fates) => {
                assert_eq!(fates.len(), batch.findings.len());
                let refused = fates.iter().filter_map(|fate| match fate {
                    Fate::Refused(reason) => Some(reason.clone()),
                    _ => None,
                });
                delivered.refused.extend(refused);
                let again = fates.iter().find_map(|fate| match fate {
                    Fate::Again(reason) => Some(reason.clone()),
                    _ => None,
                });
                let Some(reason) = again else {
                    return delivered;
                };
                batch = only_again(batch, &fates);
                reason
            }
        };
        delivered.again.push(reason);
        on_again();
        // As the engine waits between two tries.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn only_again(batch: FindingsBatch, fates: &[Fate]) -> FindingsBatch {
    let again: Vec<bool> = fates
        .iter()
        .map(|fate| matches!(fate, Fate::Again(_)))
        .collect();
    let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
    let ids = ids.map(|(id, _)| id.clone()).collect();
    let rows = filter_record_batch(batch.findings.batch(), &BooleanArray::from(again)).unwrap();
    FindingsBatch {
        findings: Findings::try_from_rows(&rows).unwrap(),
        ids,
        ..batch
    }
}
