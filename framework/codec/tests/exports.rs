//! The real export datagrams of many vendors against what `nfcapd` 1.7.1 stored of them: flows, packets
//! and bytes, or a difference that is explained.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read shall stop the test"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datashark_codec::netflow::{Collector, Datagram};

/// Where ours differ: `[flows, packets, bytes]` that are read here, and why.
const DIFFERENCES: &[(&str, [i64; 3], &str)] = &[(
    "ipfix",
    [12, 54, 13_279],
    "the datagram holds three IPFIX messages one behind the other, of which nfcapd reads the first",
)];

/// What there is in all of a column.
fn sum(rows: &RecordBatch, column: &str) -> i64 {
    let numbers = rows
        .column_by_name(column)
        .unwrap()
        .as_primitive::<Int64Type>();
    numbers.iter().flatten().sum()
}

#[test]
fn exports_hold_the_flows_that_nfcapd_stores() {
    const FOLDER: &str = "netflow/export_packets";
    let Some(expected) = datashark_test_data::read(&format!("{FOLDER}/EXPECTED.json")) else {
        return;
    };
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let explained: BTreeMap<_, _> = DIFFERENCES.iter().map(|it| (it.0, it.1)).collect();
    let mut wrong = Vec::new();
    for (group, said) in expected.as_object().unwrap() {
        let mut collector = Collector::try_new(None).unwrap();
        for file in said["order"].as_array().unwrap() {
            let bytes =
                datashark_test_data::read(&format!("{FOLDER}/{}", file.as_str().unwrap())).unwrap();
            collector.read(&Datagram {
                exporter: IpAddr::from([127, 0, 0, 1]),
                received: 0,
                bytes: &bytes,
            });
        }
        let taken = collector.take();
        let rows = &taken.rows;
        let packets = sum(rows, "ipkt") + sum(rows, "opkt");
        let found = [
            rows.num_rows() as i64,
            packets,
            sum(rows, "ibyt") + sum(rows, "obyt"),
        ];
        let stored = said["nfcapd_flows_packets_bytes"].as_array().unwrap();
        let stored: Vec<i64> = stored.iter().map(|n| n.as_i64().unwrap()).collect();
        let right = explained
            .get(group.as_str())
            .map_or(&stored[..], |it| &it[..]);
        if right != found {
            wrong.push(format!(
                "{group}: {found:?}, nfcapd {stored:?}; {:?}",
                taken.unreadable
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
