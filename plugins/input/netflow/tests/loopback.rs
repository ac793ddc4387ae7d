//! What the input makes of datagrams that are sent to it over loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use arrow::array::AsArray;
use datashark_input_netflow::{Netflow, NetflowConf};
use datashark_sdk::conf::Section;
use datashark_sdk::input::{Content, Input, InputBatch, InputEvent, Open, PartitionId, Resume};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

fn conf(more: &[(&str, &str)]) -> NetflowConf {
    let keys = [("listen", "127.0.0.1:0")];
    Section::from_iter(keys.into_iter().chain(more.iter().copied()))
        .parse()
        .unwrap()
}

/// An input, its partition, and where it receives.
async fn open(conf: NetflowConf, open: Open) -> (Netflow, PartitionId, String) {
    let mut input = Netflow::open(conf, open).await.unwrap();
    let Some(InputEvent::Assigned {
        partition, name, ..
    }) = input.next().await.unwrap()
    else {
        panic!("assigned first")
    };
    let address = name.strip_prefix("udp ").unwrap().to_owned();
    (input, partition, address)
}

async fn batch(input: &mut Netflow) -> InputBatch {
    let event = tokio::time::timeout(PATIENCE, input.next())
        .await
        .expect("it comes in time");
    match event.unwrap() {
        Some(InputEvent::Batch(batch)) => batch,
        other => panic!("{other:?}"),
    }
}

/// NetFlow 5 with 30 flows, whose numbering begins at `sequence`.
fn v5(sequence: u32) -> Vec<u8> {
    let mut datagram = vec![0; 24 + 30 * 48];
    datagram[..4].copy_from_slice(&[0, 5, 0, 30]);
    datagram[16..20].copy_from_slice(&sequence.to_be_bytes());
    datagram
}

/// The number that a reason begins with.
fn n_of(reason: &str) -> u64 {
    reason.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_vendors_flows_come_as_nfcapd_stores_them() {
    let Some(folder) = datashark_test_data::shared_data("netflow/export_packets") else {
        return;
    };
    let said = std::fs::read(folder.join("EXPECTED.json")).unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let (mut input, _, address) = open(conf(&[]), Open::default()).await;
    // Each group is an exporter of its own.
    let mut expected = BTreeMap::new();
    for (n, (group, said)) in said.as_object().unwrap().iter().enumerate() {
        let exporter = format!("127.0.1.{}", n + 1);
        let socket = UdpSocket::bind((exporter.as_str(), 0)).unwrap();
        for file in said["order"].as_array().unwrap() {
            let datagram = std::fs::read(folder.join(file.as_str().unwrap())).unwrap();
            socket.send_to(&datagram, &address).unwrap();
        }
        let n_flows = said["nfcapd_flows_packets_bytes"][0].as_u64().unwrap();
        // It holds several messages, of which nfcapd reads the first.
        let n_flows = if group == "ipfix" { 12 } else { n_flows };
        if n_flows > 0 {
            expected.insert(exporter, n_flows);
        }
    }
    let total: u64 = expected.values().sum();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut reasons = Vec::new();
    // Two of NetFlow 5, of which a header says more flows than there are.
    while found.values().sum::<u64>() < total || reasons.len() < 2 {
        let batch = batch(&mut input).await;
        reasons.extend(batch.unreadable.into_iter().map(|bad| bad.reason));
        let Content::Columns { rows, .. } = batch.content else {
            panic!("no columns")
        };
        let exporters = rows.column_by_name("rip").unwrap().as_string_view();
        for exporter in exporters.iter().flatten() {
            *found.entry(exporter.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(found, expected);
    let n_damaged = reasons
        .iter()
        .filter(|reason| reason.starts_with("a datagram of 1464 bytes"))
        .count();
    assert_eq!(n_damaged, 2, "{reasons:?}");
}

#[tokio::test]
async fn flows_without_a_template_are_told_and_those_behind_it_come() {
    let words =
        |words: &[u16]| -> Vec<u8> { words.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let v9 = |sequence: u16, set: &[u8]| {
        let header = words(&[9, 1, 0, 1_000, 0x572B, 0x5071, 0, sequence, 0, 7]);
        [header, set.to_vec()].concat()
    };
    // Template 256: a source, and how many bytes.
    let template = words(&[0, 16, 256, 2, 8, 4, 1, 4]);
    let flow = words(&[256, 12, 0xC000, 0x0201, 0, 700]);
    let (mut input, _, address) = open(conf(&[]), Open::default()).await;
    let exporter = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (sequence, set) in [(1, &flow), (2, &template), (3, &flow)] {
        exporter.send_to(&v9(sequence, set), &address).unwrap();
    }
    let (mut sources, mut reasons) = (Vec::new(), Vec::new());
    while sources.is_empty() || reasons.is_empty() {
        let batch = batch(&mut input).await;
        reasons.extend(batch.unreadable.into_iter().map(|bad| bad.reason));
        let Content::Columns { rows, .. } = batch.content else {
            panic!("no columns")
        };
        let column = rows.column_by_name("sip").unwrap().as_string_view();
        sources.extend(column.iter().flatten().map(str::to_owned));
    }
    assert_eq!(sources, ["192.0.2.1"]);
    assert_eq!(
        reasons,
        ["8 bytes of flows of 127.0.0.1: their template 256 was not received yet"]
    );
}

#[tokio::test]
async fn what_the_socket_drops_is_counted_to_the_last_datagram() {
    const N: u32 = 30_000;
    let small = conf(&[("receive_buffer", "64KiB")]);
    let columns = Some(vec!["ipkt".to_owned()]);
    let (mut input, _, address) = open(
        small,
        Open {
            columns,
            ..Open::default()
        },
    )
    .await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Nobody takes what was received: first the queue is full, then the socket's buffer.
    for n in 0..N {
        socket.send_to(&v5(n * 30), &address).unwrap();
    }
    let (mut n_sent, mut n_flows, mut n_dropped, mut n_missing) = (N, 0, 0, 0);
    while n_flows / 30 + n_dropped < u64::from(n_sent) {
        let batch = batch(&mut input).await;
        let Content::Columns { rows, first_offset } = &batch.content else {
            panic!("no columns")
        };
        n_flows += rows.num_rows() as u64;
        let n_rows = rows.num_rows() as u64 + batch.unreadable.len() as u64;
        assert_eq!(first_offset + n_rows, batch.end_offset);
        for bad in &batch.unreadable {
            match bad
                .reason
                .contains("were dropped: the socket's buffer was full")
            {
                true => n_dropped += n_of(&bad.reason),
                false => n_missing += n_of(&bad.reason),
            }
        }
        if n_flows / 30 + n_dropped < u64::from(n_sent) {
            // The kernel says with the next datagram how many it dropped before it.
            socket.send_to(&v5(n_sent * 30), &address).unwrap();
            n_sent += 1;
        }
    }
    assert!(n_dropped > 0, "the buffer was never full");
    assert_eq!(n_flows / 30 + n_dropped, u64::from(n_sent));
    assert_eq!(
        n_missing,
        n_dropped * 30,
        "the exporter's numbering says the same"
    );
}

#[tokio::test]
async fn a_restart_begins_above_what_was_there() {
    let (mut input, partition, address) = open(conf(&[]), Open::default()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&v5(0), &address).unwrap();
    let end = batch(&mut input).await.end_offset;
    assert_eq!(end, 30);
    drop(input);
    let resume = BTreeMap::from([(partition, Resume::at(end))]);
    let (mut input, _, address) = open(
        conf(&[]),
        Open {
            resume,
            ..Open::default()
        },
    )
    .await;
    socket.send_to(&v5(30), &address).unwrap();
    let Content::Columns { first_offset, .. } = batch(&mut input).await.content else {
        panic!("no columns")
    };
    assert!(first_offset > end);
}

#[tokio::test]
async fn there_is_nothing_to_be_read_once() {
    let once = Open {
        once: true,
        ..Open::default()
    };
    let error = Netflow::open(conf(&[]), once).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has nothing that is there already"),
        "{error}"
    );
}
