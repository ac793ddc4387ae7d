//! Files of `nfcapd` by the tool `nfdump`: every layout that the real ones have gives the flows that are
//! known to be in it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use datashark_codec::Format;
use datashark_codec::nfcapd::Nfcapd;
use datashark_input_file::Batch;
use datashark_sdk::arrow::array::{ArrayRef, AsArray};
use datashark_sdk::arrow::compute::cast;
use datashark_sdk::arrow::datatypes::{DataType, Field};
use datashark_sdk::input::{Content, Input, InputEvent};
use datashark_test_data::{shared_data, skipped};
use support::{batch_conf, folder, once, timeout};

/// The folder of real files, where it is there and `nfdump` can read them.
fn data() -> Option<PathBuf> {
    let folder = shared_data("netflow/nfcapd")?;
    if Command::new("nfdump").arg("-V").output().is_err() {
        skipped("nfdump is not installed");
        return None;
    }
    Some(folder)
}

/// The flows of a file as text, and why it failed.
async fn read(path: &Path) -> (Vec<String>, Option<String>) {
    const COLUMNS: [(&str, DataType); 9] = [
        ("treceived", DataType::Utf8View),
        ("sip", DataType::Utf8View),
        ("dip", DataType::Utf8View),
        ("sport", DataType::Int64),
        ("dport", DataType::Int64),
        ("proto", DataType::Utf8View),
        ("ipkt", DataType::Int64),
        ("ibyt", DataType::Int64),
        ("rip", DataType::Utf8View),
    ];
    let fields: Vec<Field> = COLUMNS
        .map(|(name, data_type)| Field::new(name, data_type, true))
        .into();
    let mut decoder = Nfcapd::new().decoder(&fields).unwrap();
    let mut input = Batch::open(batch_conf(path), once()).await.unwrap();
    let (mut flows, mut failed) = (Vec::new(), None);
    while let Some(event) = timeout(input.next()).await.unwrap() {
        match event {
            InputEvent::Batch(batch) => {
                let Content::Payloads(payloads) = &batch.content else {
                    panic!("no payloads")
                };
                let decoded = decoder.decode(payloads);
                assert_eq!(decoded.invalid, []);
                let text = |column: &ArrayRef| cast(column, &DataType::Utf8).unwrap();
                let columns: Vec<ArrayRef> = decoded.rows.columns().iter().map(text).collect();
                flows.extend((0..decoded.rows.num_rows()).map(|row| {
                    let values = columns
                        .iter()
                        .map(|column| column.as_string::<i32>().value(row));
                    values.collect::<Vec<_>>().join(",")
                }));
            }
            InputEvent::Failed { reason, .. } => failed = Some(reason),
            _ => {}
        }
    }
    (flows, failed)
}

/// What `nfdump` 1.7.1 printed of a file, in the columns that are compared.
fn golden(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let packed = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let idx = |name: &str| names.iter().position(|it| *it == name).unwrap();
    let flow = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        // A file that does not say when a flow was received has the beginning of 1970.
        let received = Some(fields[idx("tr")]).filter(|time| !time.starts_with("1970"));
        let received = &received.unwrap_or(fields[idx("te")])[..19];
        let others =
            ["sa", "da", "sp", "dp", "pr", "ipkt", "ibyt", "ra"].map(|name| fields[idx(name)]);
        format!("{received},{}", others.join(","))
    };
    lines.map(flow).collect()
}

#[tokio::test]
async fn every_layout_gives_the_flows_that_nfdump_prints() {
    let Some(folder) = data() else { return };
    let slips = golden(&folder.join("slips-test1-malicious.nfdump.golden.csv.gz"));
    let small = golden(&folder.join("nfcapd-small-lzo.golden.csv.gz"));
    assert_eq!((slips.len(), small.len()), (4593, 10));
    for (name, expected) in [
        ("slips-test1-malicious.nfdump", &slips),
        ("v2-none.nfcapd", &slips),
        ("v2-bz2.nfcapd", &slips),
        ("v2-lz4.nfcapd", &slips),
        ("v2-lzo.nfcapd", &slips),
        ("nfcapd-small-lzo", &small),
        ("nfcapd-empty", &Vec::new()),
    ] {
        let (flows, failed) = read(&folder.join(name)).await;
        assert_eq!(failed, None, "{name}");
        assert_eq!(&flows, expected, "{name}");
    }
}

/// `nfcapd_counts/nfdump.txt` is what `nfdump -I` says of each file, as the script beside it writes it.
#[tokio::test]
async fn flows_packets_and_bytes_are_those_that_nfdump_counts() {
    let Some(folder) = data() else { return };
    for line in include_str!("nfcapd_counts/nfdump.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (name, counts) = line.split_once(' ').unwrap();
        let (flows, _) = read(&folder.join(name)).await;
        let sum = |idx| -> u64 {
            let field = |flow: &String| flow.split(',').nth(idx).unwrap().parse::<u64>().unwrap();
            flows.iter().map(field).sum()
        };
        assert_eq!(
            format!("{} {} {}", flows.len(), sum(6), sum(7)),
            counts,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_file_that_nfdump_cannot_read_fails_although_it_ends_well() {
    let Some(data) = data() else { return };
    let mut bytes = std::fs::read(data.join("v2-none.nfcapd")).unwrap();
    let cut = bytes[..bytes.len() / 2].to_vec();
    bytes[2] = 9;
    let folder = folder(&[("unknown", &bytes), ("cut", &cut)]);
    for (name, reason) in [
        ("unknown", "bad version: 9"),
        ("cut", "appendix offset error"),
    ] {
        let (flows, failed) = read(&folder.path().join(name)).await;
        let failed = failed.unwrap();
        assert!(
            flows.is_empty() && failed.contains("`nfdump` cannot read it: "),
            "{failed}"
        );
        assert!(failed.contains(reason), "{failed}");
    }
}
