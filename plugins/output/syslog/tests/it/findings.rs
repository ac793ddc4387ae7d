//! Findings, and the output that they are for.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_output_syslog::Syslog;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, OutputEntry};
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
