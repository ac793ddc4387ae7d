//! Every real capture against tshark: the same messages, or a difference that is explained.
//!
//! `captures/tshark.txt` is what tshark says of each file, as `captures/tshark.sh` writes it: how many
//! packets, queries and responses, and a digest of the responses' times, sizes, ids, types and codes.
//! `captures/ours.txt` is what we make of them, with what is damaged and why; where it differs from
//! tshark, [`DIFFERENCES`] says why. Write it anew with
//! `UPDATE_SAMPLES=1 cargo test -p datashark-codec --test captures`, and read the difference.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read shall stop the test"
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use datashark_codec::capture::{Capture, Found, Message};
use datashark_codec::dns::DnsPackets;
use datashark_codec::{Columns, Format};
use datashark_sdk::input::Payloads;
use sha2::{Digest, Sha256};

/// Where a file's counts or digest differ from tshark's, and why.
const DIFFERENCES: &[(&str, &str)] = &[(
    "dns/zeek_traces/dns__dns-invalid-names.pcap",
    "the question of each message is damaged, which tshark counts as malformed; here they are invalid",
)];

/// What is compared of a file.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    n_queries: usize,
    n_responses: usize,
    digest: String,
}

#[test]
fn captures_hold_what_tshark_finds_in_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let tshark = std::fs::read_to_string(folder.join("tshark.txt")).unwrap();
    let expected = std::fs::read_to_string(folder.join("ours.txt")).unwrap_or_default();
    let explained: BTreeMap<_, _> = DIFFERENCES.iter().copied().collect();
    let (mut ours, mut wrong, mut n_read) = (String::new(), Vec::new(), 0);
    for line in tshark.lines().filter(|line| !line.starts_with('#')) {
        let [file, _, queries, responses, digest] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let Some(bytes) = datashark_test_data::read(file) else {
            continue;
        };
        n_read += 1;
        let theirs = Seen {
            n_queries: queries.parse().unwrap(),
            n_responses: responses.parse().unwrap(),
            digest: digest.to_owned(),
        };
        let (seen, report) = see(&bytes);
        let (n_queries, n_responses) = (seen.n_queries, seen.n_responses);
        writeln!(ours, "{file}: {n_queries} queries, {n_responses} responses").unwrap();
        ours += &report;
        match explained.get(file) {
            Some(why) if seen != theirs => writeln!(ours, "  differs from tshark: {why}").unwrap(),
            Some(_) => wrong.push(format!("{file} does not differ any more")),
            None if seen != theirs => wrong.push(format!("{file}: {seen:?}, tshark {theirs:?}")),
            None => {}
        }
    }
    if std::env::var_os("UPDATE_SAMPLES").is_some() && n_read > 0 {
        std::fs::write(folder.join("ours.txt"), &ours).unwrap();
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        n_read == 0 || ours == expected,
        "expected\n{expected}found\n{ours}"
    );
}

/// What a capture holds, and what is damaged in it.
fn see(bytes: &[u8]) -> (Seen, String) {
    let mut damages: BTreeMap<String, usize> = BTreeMap::new();
    let mut damaged = |reason: String| *damages.entry(reason).or_default() += 1;
    let mut capture = Capture::new();
    let mut found = Found::from(0);
    match capture.take(bytes, 0, &mut found) {
        Ok(n_taken) => capture.finish(&bytes[n_taken..], n_taken as u64, &mut found),
        Err(damage) => damaged(damage.to_string()),
    }
    let (records, unreadable) = found.take();
    assert!(records.offsets.is_sorted());
    let payloads = Payloads {
        records: records.records,
        offsets: records.offsets,
        header: None,
        first_line: None,
        beside: None,
    };
    let format = DnsPackets::new();
    let Columns::Fixed(fields) = format.columns() else {
        panic!("columns of its own")
    };
    let fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let decoded = format.decoder(&fields).unwrap().decode(&payloads);
    unreadable
        .into_iter()
        .for_each(|(_, reason)| damaged(reason));
    decoded
        .invalid
        .into_iter()
        .for_each(|invalid| damaged(invalid.reason));
    let rows = decoded.rows;
    let record_of = |row| match &decoded.record_idx {
        Some(record_idx) => record_idx.value(row) as usize,
        None => row,
    };
    let responses = rows.column_by_name("dns_response").unwrap().as_boolean();
    let (mut n_responses, mut digest) = (0, Sha256::new());
    let malformed = texts(&rows, "dns_malformed");
    for row in 0..rows.num_rows() {
        if malformed.is_valid(row) {
            damaged(format!("row kept, {}", malformed.value(row)));
        }
        if responses.value(row) {
            n_responses += 1;
            let message = Message::decode(payloads.records.value(record_of(row))).unwrap();
            digest.update(line(&message, &rows, row));
        }
    }
    let report = damages
        .iter()
        .fold(String::new(), |mut report, (reason, n)| {
            writeln!(report, "  {n} x {reason}").unwrap();
            report
        });
    let digest = digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let n_queries = rows.num_rows() - n_responses;
    (
        Seen {
            n_queries,
            n_responses,
            digest,
        },
        report,
    )
}

/// A response as tshark prints its fields.
fn line(message: &Message<'_>, rows: &RecordBatch, row: usize) -> String {
    let number = |name: &str| {
        let column = rows.column_by_name(name).unwrap();
        assert_eq!(column.data_type(), &DataType::Int64);
        let numbers = column.as_primitive::<Int64Type>();
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    let text = |number: Option<i64>| number.map_or(String::new(), |number| number.to_string());
    format!(
        "{}.{:09} {} 0x{:04x} {} {}\n",
        message.time_ns / 1_000_000_000,
        message.time_ns % 1_000_000_000,
        text(number("frame_len")),
        number("dns_id").unwrap(),
        text(number("dns_qry_type")),
        text(number("dns_qry_rcode")),
    )
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> &'a arrow::array::StringViewArray {
    rows.column_by_name(name).unwrap().as_string_view()
}
