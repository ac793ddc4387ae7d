//! Datagrams of each version, and the rows that they give.

use std::net::IpAddr;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;
use crate::testing::printed;

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));
const RECEIVED: i64 = 1_462_456_498_250_000;

fn read(collector: &mut Collector, bytes: &[u8]) {
    collector.read(&Datagram {
        exporter: FROM,
        received: RECEIVED,
        bytes,
    });
}

/// The rows of datagrams as text, `-` for null, and the reasons.
fn rows(columns: &[&str], datagrams: &[Vec<u8>]) -> (Vec<Vec<String>>, Vec<String>) {
    let asked: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut collector = Collector::try_new(Some(&asked)).unwrap();
    for datagram in datagrams {
        read(&mut collector, datagram);
    }
    let taken = collector.take();
    let value = |name: &&str, row| printed(taken.rows.column_by_name(name).unwrap(), row);
    let row = |row| columns.iter().map(|name| value(name, row)).collect();
    (
        (0..taken.rows.num_rows()).map(row).collect(),
        taken.unreadable,
    )
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn set(id: u16, body: &[u8]) -> Vec<u8> {
    [words(&[id, body.len() as u16 + 4]), body.to_vec()].concat()
}

/// A datagram of NetFlow 9 that was sent 1,000 s after the start of its exporter.
fn v9(sequence: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let mut datagram = words(&[9, sets.len() as u16]);
    for long in [1_000_000, 1_462_456_497, sequence, 7] {
        datagram.extend_from_slice(&u32::to_be_bytes(long));
    }
    datagram.extend(sets.concat());
    datagram
}

fn ipfix(sequence: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let mut datagram = words(&[10, 16 + sets.concat().len() as u16]);
    for long in [1_462_456_497, sequence, 7] {
        datagram.extend_from_slice(&u32::to_be_bytes(long));
    }
    datagram.extend(sets.concat());
    datagram
}

/// Template 256: addresses, ports, protocol, packets, bytes, first and last.
fn template() -> Vec<u8> {
    words(&[
        256, 9, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 2, 4, 1, 4, 22, 4, 21, 4,
    ])
}

fn flow(n_packets: u8) -> Vec<u8> {
    let ends = [172, 16, 0, 129, 10, 0, 2, 202, 4, 0, 0, 80, 6];
    let counts = [0, 0, 0, n_packets, 0, 0, 0x30, 0xEA];
    let times = [999_000_u32, 999_972].map(u32::to_be_bytes).concat();
    [&ends[..], &counts, &times].concat()
}

#[test]
fn a_flow_of_netflow_9_is_a_row_of_spots_table() {
    let columns = [
        "treceived",
        "unix_tstamp",
        "tryear",
        "trmonth",
        "trday",
        "trhour",
        "trminute",
        "trsec",
        "tdur",
        "sip",
        "dip",
        "sport",
        "dport",
        "proto",
        "ipkt",
        "ibyt",
        "opkt",
        "obyt",
        "rip",
        "event_start",
        "fwd",
    ];
    let (rows, unreadable) = rows(
        &columns,
        &[v9(1, &[set(0, &template()), set(256, &flow(39))])],
    );
    assert_eq!(unreadable, Vec::<String>::new());
    assert_eq!(
        rows,
        [[
            "2016-05-05 13:54:58",
            "1462456498",
            "2016",
            "5",
            "5",
            "13",
            "54",
            "58",
            "0.972",
            "172.16.0.129",
            "10.0.2.202",
            "1024",
            "80",
            "TCP",
            "39",
            "12522",
            "0",
            "0",
            "192.0.2.254",
            "2016-05-05T13:54:56Z",
            "-",
        ]]
    );
}

#[test]
fn flows_wait_for_no_template_and_are_told() {
    let (flows, unreadable) = rows(
        &["ipkt"],
        &[
            v9(1, &[set(256, &flow(1))]),
            v9(2, &[set(0, &template())]),
            v9(3, &[set(256, &[flow(2), flow(3), vec![0; 3]].concat())]),
        ],
    );
    assert_eq!(flows, [["2"], ["3"]]);
    assert_eq!(
        unreadable,
        ["29 bytes of flows of 192.0.2.254: their template 256 was not received yet"]
    );
}

#[test]
fn an_exporters_clock_that_jumps_moves_neither_when_a_flow_came_nor_how_long_it_took() {
    let at = |uptime: u32, seconds: u32, sequence: u32| {
        let mut datagram = v9(sequence, &[set(256, &flow(1))]);
        datagram[4..8].copy_from_slice(&uptime.to_be_bytes());
        datagram[8..12].copy_from_slice(&seconds.to_be_bytes());
        datagram
    };
    // Set to 1970, to 2106, and started anew while the flow was under way.
    let jumps = [(1_000_000, 0), (1_000_000, u32::MAX), (0, 1_462_456_497)];
    let jumped = (2..)
        .zip(jumps)
        .map(|(sequence, (uptime, seconds))| at(uptime, seconds, sequence));
    let datagrams: Vec<Vec<u8>> = std::iter::once(v9(1, &[set(0, &template())]))
        .chain(jumped)
        .collect();
    let (flows, unreadable) = rows(&["treceived", "tdur"], &datagrams);
    assert_eq!(flows, [["2016-05-05 13:54:58", "0.972"]; 3]);
    assert_eq!(unreadable, [""; 0]);
}

#[test]
fn templates_are_each_exporters_own() {
    let mut collector = Collector::try_new(None).unwrap();
    read(&mut collector, &v9(1, &[set(0, &template())]));
    let other = Datagram {
        exporter: IpAddr::from([192, 0, 2, 1]),
        received: RECEIVED,
        bytes: &v9(1, &[set(256, &flow(1))]),
    };
    collector.read(&other);
    assert_eq!(collector.n_rows(), 0);
    read(&mut collector, &v9(2, &[set(256, &flow(1))]));
    assert_eq!(collector.n_rows(), 1);
}

#[test]
fn what_the_network_lost_is_counted_and_what_came_late_is_not() {
    let datagram = |sequence| v9(sequence, &[]);
    let told = |order: &[u32]| {
        let datagrams: Vec<Vec<u8>> = order.iter().map(|sequence| datagram(*sequence)).collect();
        rows(&[], &datagrams).1
    };
    let n = |n| {
        format!(
            "{n} datagrams of 192.0.2.254 were sent and not received, as its sequence numbers tell"
        )
    };
    assert_eq!(told(&[7, 8, 9]), Vec::<String>::new());
    assert_eq!(told(&[7, 10, 11, 13]), [n(2), n(1)]);
    assert_eq!(told(&[u32::MAX, 0, 1, 3]), [n(1)]);
    assert_eq!(told(&[7_000, 6_999, 7_001]), Vec::<String>::new());
    assert_eq!(told(&[7_000, 1, 2, 3]), Vec::<String>::new());
}

#[test]
fn ipfix_has_elements_of_any_length_and_of_enterprises() {
    let template = words(&[
        300,
        5,
        8,
        4,
        0x8000 | 99,
        0xFFFF,
        0,
        9,
        82,
        0xFFFF,
        1,
        3,
        4,
        1,
    ]);
    let record = |name: &[u8]| {
        let name = [&[name.len() as u8][..], name].concat();
        [&[10, 0, 0, 1][..], &[2, 1, 2], &name, &[1, 0, 0], &[17]].concat()
    };
    let body = [record(b"eth0"), record(b"")].concat();
    let (flows, unreadable) = rows(
        &["sip", "ibyt", "proto"],
        &[
            ipfix(0, &[set(2, &template), set(300, &body)]),
            ipfix(5, &[]),
        ],
    );
    assert_eq!(
        flows,
        [["10.0.0.1", "65536", "UDP"], ["10.0.0.1", "65536", "UDP"]]
    );
    assert_eq!(
        unreadable,
        ["3 flows of 192.0.2.254 were sent and not received, as its sequence numbers tell"]
    );
}

#[test]
fn sampling_is_what_the_exporters_options_say() {
    // The scope is the system; then the sampler's number and its interval.
    let options = words(&[257, 4, 8, 1, 4, 48, 1, 34, 4]);
    let said = [&[0, 0, 0, 0][..], &[3], &[0, 0, 0, 100]].concat();
    let template = words(&[256, 2, 48, 1, 2, 1]);
    let (flows, _) = rows(
        &["ipkt", "sampling_interval"],
        &[v9(
            1,
            &[
                set(1, &options),
                set(257, &said),
                set(0, &template),
                set(256, &[3, 9, 4, 8]),
            ],
        )],
    );
    assert_eq!(flows, [["9", "100"], ["8", "-"]]);
}

#[test]
fn a_datagram_that_is_none_is_told() {
    let reasons = |bytes: &[u8]| rows(&[], &[bytes.to_vec()]).1.remove(0);
    assert_eq!(
        reasons(&[0, 7, 1]),
        "a datagram of 3 bytes of 192.0.2.254: version 7 is not read; 5, 9 and 10 (IPFIX) are"
    );
    let cut = [words(&[5, 2]), vec![0; 68]].concat();
    assert_eq!(
        reasons(&cut),
        "a datagram of 72 bytes of 192.0.2.254: with 2 flows it has 120 bytes"
    );
    let short = v9(1, &[words(&[256, 900])]);
    assert_eq!(
        reasons(&short),
        "a datagram of 24 bytes of 192.0.2.254: a set of 900 bytes where 4 are left"
    );
}

#[test]
fn an_exporter_has_no_more_templates_than_fit() {
    let template = |id: u16| {
        let fields = [1, 4].repeat(2_000);
        set(0, &words(&[&[id, 2_000], &fields[..]].concat()))
    };
    let (_, unreadable) = rows(
        &[],
        &(256..262)
            .map(|id| v9(id.into(), &[template(id)]))
            .collect::<Vec<_>>(),
    );
    let expected = |id| {
        format!(
            "a datagram of 8028 bytes of 192.0.2.254: with template {id} its templates have more than 8192 fields"
        )
    };
    assert_eq!(unreadable, [expected(260), expected(261)]);
    // The same template again takes no more room.
    let again = [
        v9(1, &[template(256), template(257)]),
        v9(2, &[template(256), template(257), template(258)]),
    ];
    assert_eq!(rows(&[], &again).1, Vec::<String>::new());
}

#[test]
fn an_unknown_column_is_refused() {
    let error = Collector::try_new(Some(&["ibytes".to_owned()]))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .starts_with("format `netflow` has no column `ibytes`")
    );
}

proptest! {
    /// Nothing that is received does harm, and what is read of it is sound.
    #[test]
    fn any_datagrams_give_rows_or_reasons(
        version in prop_oneof![Just(5_u16), Just(9), Just(10), any::<u16>()],
        flips in proptest::collection::vec((0..200_usize, any::<u8>()), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut datagram = match version {
            10 => ipfix(1, &[set(2, &template()), set(256, &flow(1)), tail]),
            _ => v9(1, &[set(0, &template()), set(256, &flow(1)), tail]),
        };
        datagram[..2].copy_from_slice(&version.to_be_bytes());
        for (at, byte) in flips {
            let at = at % datagram.len();
            datagram[at] ^= byte;
        }
        let mut collector = Collector::try_new(None).unwrap();
        read(&mut collector, &datagram);
        read(&mut collector, &datagram);
        let n_rows = collector.n_rows();
        let taken = collector.take();
        prop_assert_eq!(taken.rows.num_rows(), n_rows);
        let bytes = taken.rows.column_by_name("ibyt").unwrap().as_primitive::<Int64Type>();
        prop_assert_eq!(bytes.null_count(), 0);
    }
}
