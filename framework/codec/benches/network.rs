//! Captures and exports: DNS messages and flows per second of one core, beside tshark in the same run.
//!
//! The DNS messages are the real ones of `dns/tunnel_pcaps/normal_*` below `$DATASHARK_DATA` or
//! `../shared/data`, one file of them; without them, and for tshark where it is not installed, those benches
//! are left out. tshark prints the ten fields of Apache Spot's ingest, of responses alone; we make columns of
//! the same of all messages. `cargo bench -p datashark-codec --bench network`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::hint::black_box;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use arrow::datatypes::Field;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_codec::capture::{Capture, Found};
use datashark_codec::dns::DnsPackets;
use datashark_codec::netflow::{Collector, Datagram};
use datashark_codec::{Columns, Format};
use datashark_sdk::input::Payloads;

/// As much of a file as an input takes at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// What Spot's table has of DNS.
const DNS_COLUMNS: [&str; 10] = [
    "frame_time",
    "unix_tstamp",
    "frame_len",
    "ip_dst",
    "ip_src",
    "dns_qry_name",
    "dns_qry_class",
    "dns_qry_type",
    "dns_qry_rcode",
    "dns_a",
];

/// What Spot's analysis reads of flows.
const FLOW_COLUMNS: [&str; 17] = [
    "treceived",
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
];

/// Reads a capture and decodes it; gives the number of messages.
fn read(file: &[u8], fields: &[Field]) -> usize {
    let (mut capture, mut found) = (Capture::new(), Found::from(0));
    let mut decoder = DnsPackets::new().decoder(fields).unwrap();
    let (mut start, mut end, mut n) = (0, 0, 0);
    while end < file.len() {
        end = file.len().min(end + BLOCK_BYTES);
        start += capture
            .take(&file[start..end], start as u64, &mut found)
            .unwrap();
        let (lines, unreadable) = found.take();
        assert!(unreadable.is_empty());
        let decoded = decoder.decode(&Payloads {
            records: lines.records,
            offsets: lines.offsets,
            header: None,
            first_line: None,
            beside: None,
        });
        n += black_box(decoded).rows.num_rows();
    }
    n
}

fn dns(criterion: &mut Criterion) {
    let files = (0..6).map_while(|n| {
        let times = ["150331", "152732", "155315", "162300", "165638", "173251"];
        datashark_test_data::read(&format!(
            "dns/tunnel_pcaps/normal_0000{n}_20230805{}.pcap.gz",
            times[n]
        ))
    });
    // Sections of pcapng may follow one another.
    let file: Vec<u8> = files.flatten().collect();
    if file.is_empty() {
        return;
    }
    let format = DnsPackets::new();
    let Columns::Fixed(all) = format.columns() else {
        return;
    };
    let fields = DNS_COLUMNS.map(|name| all.find(name).unwrap().1.as_ref().clone());
    let n = read(&file, &fields);
    let mut group = criterion.benchmark_group("dns");
    group.sample_size(10);
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("spot's columns", |bencher| {
        bencher.iter(|| assert_eq!(read(black_box(&file), &fields), n));
    });
    let path = std::env::temp_dir().join(format!("datashark-bench-{}.pcapng", std::process::id()));
    std::fs::write(&path, &file).unwrap();
    let tshark = || {
        let mut command = Command::new("tshark");
        command.args([
            "-Y",
            "dns.flags.response == 1",
            "-T",
            "fields",
            "-E",
            "separator=,",
        ]);
        command
            .args(["-E", "header=y", "-E", "occurrence=f", "-r"])
            .arg(&path);
        for field in [
            "frame.time",
            "frame.time_epoch",
            "frame.len",
            "ip.src",
            "ip.dst",
            "dns.qry.name",
            "dns.qry.type",
            "dns.qry.class",
            "dns.flags.rcode",
            "dns.a",
        ] {
            command.args(["-e", field]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    if tshark().is_ok() {
        group.bench_function("peer/tshark", |bencher| {
            bencher.iter(|| assert!(tshark().unwrap().success()));
        });
    }
    let _ = std::fs::remove_file(&path);
}

/// A template of NetFlow 9 as a router sends it, 18 fields, and datagrams of 24 flows of it.
fn exports() -> Vec<Vec<u8>> {
    const TEMPLATE: [(u16, u16); 18] = [
        (8, 4),
        (12, 4),
        (15, 4),
        (10, 2),
        (14, 2),
        (2, 4),
        (1, 4),
        (22, 4),
        (21, 4),
        (7, 2),
        (11, 2),
        (6, 1),
        (4, 1),
        (5, 1),
        (16, 2),
        (17, 2),
        (9, 1),
        (13, 1),
    ];
    const N_FLOWS: usize = 24;
    let header = |sequence: u32| {
        let mut datagram = vec![0, 9, 0, 1];
        for long in [1_000_000_u32, 1_462_456_497, sequence, 7] {
            datagram.extend_from_slice(&long.to_be_bytes());
        }
        datagram
    };
    let words = |words: &[u16]| {
        words
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let fields = TEMPLATE
        .iter()
        .flat_map(|(number, len)| words(&[*number, *len]));
    let template: Vec<u8> = words(&[256, 18]).into_iter().chain(fields).collect();
    let first = [header(0), words(&[0, template.len() as u16 + 4]), template].concat();
    let flow_bytes: usize = TEMPLATE.iter().map(|(_, len)| usize::from(*len)).sum();
    let datagram = |sequence: u32| {
        let mut state = u64::from(sequence) + 1;
        let mut byte = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let mut flows: Vec<u8> = (0..N_FLOWS * flow_bytes).map(|_| byte()).collect();
        for flow in flows.chunks_exact_mut(flow_bytes) {
            // TCP or UDP, as most flows are.
            flow[37] = if flow[37] & 1 == 0 { 6 } else { 17 };
        }
        [
            header(sequence),
            words(&[256, flows.len() as u16 + 4]),
            flows,
        ]
        .concat()
    };
    std::iter::once(first)
        .chain((1..=4_096).map(datagram))
        .collect()
}

fn netflow(criterion: &mut Criterion) {
    let datagrams = exports();
    let mut group = criterion.benchmark_group("netflow 9");
    group.sample_size(20);
    let asked = FLOW_COLUMNS.map(str::to_owned);
    for (id, asked) in [("spot's columns", Some(&asked[..])), ("all columns", None)] {
        let mut collector = Collector::try_new(asked).unwrap();
        let mut read = || {
            let mut n = 0;
            for (idx, bytes) in datagrams.iter().enumerate() {
                collector.read(&Datagram {
                    exporter: IpAddr::from([192, 0, 2, 1]),
                    received: 1_462_456_498_000_000 + idx as i64 * 100,
                    bytes: black_box(bytes),
                });
                if collector.n_rows() >= 16_384 || idx + 1 == datagrams.len() {
                    n += black_box(collector.take()).rows.num_rows();
                }
            }
            n
        };
        group.throughput(Throughput::Elements(read() as u64));
        group.bench_function(id, |bencher| bencher.iter(&mut read));
    }
}

criterion_group!(benches, netflow, dns);
criterion_main!(benches);
