//! Flows of a real exporter, in each version, counted by the daemon and by a collector beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use datashark_test_data::shared_data;
use datashark_test_services::Service;

use crate::http::{ask, start_at};
use crate::shark::{Folder, wait_until};

const CONF: &str = "name = Flows\ntype = streaming\nenabled = true\ncode = flows.sql\ninput = netflow\noutput = csv\nwindow = 1h\n[in_netflow]\nlisten = 127.0.0.1:0\n[out_csv]\npath = flows.csv\n";
const QUERY: &str = "SELECT sip || ' ' || dip AS key, sum(ibyt) AS score, sum(ipkt) AS packets, count(*) AS flows FROM records GROUP BY sip, dip";

/// Bytes, packets and flows, by who sent them to whom.
type Sums = BTreeMap<String, [u64; 3]>;

fn add(sums: &mut Sums, key: String, counts: [u64; 3]) {
    let sum = sums.entry(key).or_default();
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Captures of lookups and of a browser.
fn captures(folder: &Folder) -> Option<[PathBuf; 2]> {
    let packed = shared_data("dns/tunnel_pcaps/normal_00067_20230806152800.pcap.gz")?;
    let unpack = format!("gzip -dc '{}' > lookups.pcap", packed.display());
    folder.script(&unpack).ends(0);
    let browsing = shared_data("dns/zeek_traces/wikipedia.pcap")?;
    Some([folder.path("lookups.pcap"), browsing])
}

/// Sends the flows of a capture to a collector, as a router would.
fn export(collector: &Service, capture: &Path, version: &str, to: &str) {
    let exported = Command::new(collector.value("softflowd"))
        .env("LD_LIBRARY_PATH", collector.value("libraries"))
        .arg("-r")
        .arg(capture)
        .args(["-n", to, "-v", version, "-d", "-c", "none", "-p"])
        .arg(collector.folder().join("softflowd.pid"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&exported.stderr).into_owned();
    assert!(exported.status.success(), "{said}");
}

/// What the collector has, as its own tool prints it.
fn collected(collector: &Service) -> Sums {
    let printed = Command::new(collector.value("nfdump"))
        .env("LD_LIBRARY_PATH", collector.value("libraries"))
        .args([
            "-q",
            "-N",
            "-6",
            "-o",
            "fmt:%sa,%da,%byt,%pkt",
            "-R",
            collector.value("flows"),
        ])
        .output()
        .unwrap();
    let mut sums = Sums::new();
    for line in String::from_utf8(printed.stdout).unwrap().lines() {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [source, destination, bytes, packets] = fields[..] else {
            panic!("{line}")
        };
        let counts = [bytes.parse().unwrap(), packets.parse().unwrap(), 1];
        add(&mut sums, format!("{source} {destination}"), counts);
    }
    sums
}

/// The one partition of the daemon: its name, and how many records it gave and were not flows.
fn partition(http: &str) -> Option<(String, u64, u64)> {
    let (_, answer) = ask(http, "/api/usecases", None);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let partition = answer.pointer("/use_cases/0/run/partitions/0")?;
    let count = |of: &str| partition["ledger"][of].as_u64().unwrap();
    let name = partition["name"].as_str().unwrap();
    Some((name.to_owned(), count("read"), count("invalid")))
}

/// The rows of the csv file, in as many windows as it took.
fn found(folder: &Folder) -> Sums {
    let mut sums = Sums::new();
    for row in folder.read("flows.csv").lines() {
        let fields: Vec<&str> = row.split(',').collect();
        let number = |n: usize| fields[n].parse().unwrap();
        // The columns beside key and score are in the order of their names.
        let counts = [number(2), number(4), number(3)];
        add(&mut sums, fields[1].to_owned(), counts);
    }
    sums
}

#[test]
fn flows_of_an_exporter_are_those_that_a_collector_beside_has() {
    let folder = Folder::new();
    let Some(captures) = captures(&folder) else {
        return;
    };
    let Some(mut collector) = Service::start("nfcapd") else {
        return;
    };
    folder.write("conf/flows/flows.conf", CONF);
    folder.write("conf/flows/flows.sql", QUERY);
    let (running, http) = start_at(&folder, "127.0.0.1:0");
    let mut address = String::new();
    wait_until("it receives", || {
        let name = partition(&http).map(|(name, _, _)| name);
        address = name.map_or_else(String::new, |name| name.replace("udp ", ""));
        !address.is_empty()
    });
    for capture in &captures {
        for version in ["5", "9", "10"] {
            for to in [collector.value("address"), &address] {
                export(&collector, capture, version, to);
            }
        }
    }
    collector.stop();
    let expected = collected(&collector);
    let n_flows: u64 = expected.values().map(|sum| sum[2]).sum();
    assert!(n_flows > 2_500, "{n_flows}");
    wait_until("all flows are there", || {
        partition(&http).is_some_and(|(_, read, invalid)| read - invalid >= n_flows)
    });
    // Nobody can receive these again: a stop closes the window.
    running.signal("TERM");
    running.finish().ends(0);
    assert_eq!(found(&folder), expected);
}
