//! Every format over real logs: what parses, what does not and why, as snapshots that a person reads.
//!
//! A row of [`SAMPLES`] says how some files are read. What comes out is compared with
//! `samples/<format>.txt`: counts, the line numbers of invalid records and the reasons without what
//! they quote, so that no snapshot holds a line of somebody's log. Write them anew with
//! `UPDATE_SAMPLES=1 cargo test -p datashark-codec --test samples`, and read the difference.
//!
//! The logs lie in `$DATASHARK_DATA`, or `../shared/data` beside the project; a file that is not
//! there is skipped, and its part of the snapshot with it.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read as the table says shall stop the test"
)]

mod samples {
    pub(crate) mod kinds;
    pub(crate) mod read;
    pub(crate) mod report;
    pub(crate) mod table;
}

use std::collections::BTreeMap;
use std::path::Path;

use samples::kinds::Samples;
use samples::table::SAMPLES;
use samples::{read, report};

#[test]
fn real_logs_decode_as_the_snapshots_say() {
    let mut formats: BTreeMap<&str, Vec<&Samples>> = BTreeMap::new();
    for samples in SAMPLES {
        formats.entry(samples.format).or_default().push(samples);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let update = std::env::var_os("UPDATE_SAMPLES").is_some();
    let has_data = datashark_test_data::folder().is_dir();
    let mut differences = Vec::new();
    for (format, rows) in formats {
        let path = folder.join(format!("{format}.txt"));
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let mut expected_parts = parts(&expected);
        let mut written = String::new();
        for samples in rows {
            for name in read::files(samples.files) {
                let title = report::title(samples, &name);
                let part = match read::records(samples, &name) {
                    Some(records) => report::part(samples, &title, &records),
                    None => expected_parts.get(&title).cloned().unwrap_or_default(),
                };
                let known = expected_parts.remove(&title).unwrap_or_default();
                if known != part {
                    differences.push(format!("{format}: expected\n{known}found\n{part}"));
                }
                written += &part;
            }
        }
        // What no row names any more, unless its files are not there.
        if has_data {
            differences.extend(
                expected_parts
                    .values()
                    .map(|part| format!("{format}: no file gives\n{part}")),
            );
        }
        if update && has_data {
            std::fs::write(&path, written).unwrap();
        }
    }
    assert!(
        update || differences.is_empty(),
        "{}",
        differences.join("\n")
    );
}

/// A snapshot's parts by their titles: the lines that are not indented.
fn parts(snapshot: &str) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut title = String::new();
    for line in snapshot.lines() {
        if !line.starts_with(' ') {
            title = line.to_owned();
        }
        let part: &mut String = parts.entry(title.clone()).or_default();
        part.push_str(line);
        part.push('\n');
    }
    parts
}
