//! An analyst's feedback over two days: what was marked as harmless is found later the next day, and no
//! attack with it.

use std::collections::{HashMap, HashSet};
use std::fs;

use datashark_test_data::shared_data;

use crate::shark::{Folder, root};

/// Whoever talks to this address is an attacker.
const BAD: &str = "198.51.100.99";
/// How far an attack may fall.
const MOST_RANKS: usize = 10;

/// A row, as a CSV file has it.
type Finding = HashMap<String, String>;

/// What a day's flows come to, the most suspicious first.
fn found(day: &str, feedback: Option<&str>) -> Vec<Finding> {
    let folder = Folder::new();
    folder.write("day.csv", day);
    folder.write("feedback.tsv", feedback.unwrap_or("sev\n"));
    folder.write(
        "day.conf",
        "name = Day\ntype = batch\nenabled = true\ncode = spot-lda\nfile = day.csv\n\
         training = day.csv\noutput = csv\nanalysis = flow\nthreshold = 1\nmax_results = 0\n\
         feedback = feedback.tsv\n[codec]\nformat = csv\n[out_csv]\npath = out.csv\nheader = true\nseparator = |\n",
    );
    folder.run(&["standalone", "day.conf"]).ends(0);
    rows(&folder.read("out.csv"))
}

/// The rows of a file with a header, of which no value has a `|`.
fn rows(text: &str) -> Vec<Finding> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split('|').collect();
    let row = |line: &str| {
        let values = line.split('|').map(str::to_owned);
        let names = names.iter().map(|name| (*name).to_owned());
        names.zip(values).collect()
    };
    lines.map(row).collect()
}

const RECORD: [&str; 8] = [
    "treceived",
    "sip",
    "dip",
    "sport",
    "dport",
    "ipkt",
    "ibyt",
    "proto",
];

fn record(finding: &Finding) -> [&str; 8] {
    RECORD.map(|name| finding[name].as_str())
}

/// Spot's file of feedback: these findings are of low risk.
fn marked(findings: &[&Finding]) -> String {
    let mut text = "sev\ttstart\tsrcIP\tdstIP\tsport\tdport\tipkt\tibyt\tproto\n".to_owned();
    for finding in findings {
        text.push_str(&format!("3\t{}\n", record(finding).join("\t")));
    }
    text
}

fn is_bad(finding: &Finding) -> bool {
    finding["sip"] == BAD || finding["dip"] == BAD
}

/// Marks the 50 most suspicious harmless findings of a day, and looks at the next one without and with.
fn feedback_helps(first_day: &str, second_day: &str) {
    let first = found(first_day, None);
    let harmless = first.iter().filter(|finding| !is_bad(finding));
    let harmless: Vec<&Finding> = harmless.take(50).collect();
    assert_eq!(harmless.len(), 50);
    let (before, after) = (
        found(second_day, None),
        found(second_day, Some(&marked(&harmless))),
    );
    assert_eq!(before.len(), after.len());
    // Records that say the same have the same score: the first of them stands for all.
    let mut places: HashMap<[&str; 8], usize> = HashMap::new();
    for (place, finding) in after.iter().enumerate() {
        places.entry(record(finding)).or_insert(place);
    }
    let like: HashSet<(&str, &str)> = harmless
        .iter()
        .map(|finding| (finding["key"].as_str(), finding["word"].as_str()))
        .collect();
    let (mut n_attacks, mut n_like, mut n_lower) = (0, 0, 0);
    let mut seen = HashSet::new();
    for (place, finding) in before.iter().enumerate() {
        if !seen.insert(record(finding)) {
            continue;
        }
        let now = places[&record(finding)];
        if is_bad(finding) {
            n_attacks += 1;
            assert!(now <= place + MOST_RANKS, "{place} to {now}: {finding:?}");
        } else if like.contains(&(finding["key"].as_str(), finding["word"].as_str())) {
            n_like += 1;
            n_lower += usize::from(now > place);
        }
    }
    assert!(
        n_attacks > 0 && n_like > 0,
        "{n_attacks} attacks, {n_like} like those marked"
    );
    assert_eq!(n_lower, n_like, "all that is like what was marked is lower");
}

#[test]
fn what_was_marked_as_harmless_is_lower_the_next_day_and_no_attack_is() {
    let sample = root().join("conf/spot-flow");
    let first = fs::read_to_string(sample.join("yesterday.csv")).unwrap();
    let mut second = fs::read_to_string(sample.join("logs/today.csv")).unwrap();
    // Beside what the sample has: something carried out by FTP, one try, and a beacon.
    for attack in [
        "2026-08-27 04:10:00,2026,8,27,4,10,0,0.5,10.0.0.14,198.51.100.99,41001,21,TCP,20000,25165824,9000,400000",
        "2026-08-27 05:10:00,2026,8,27,5,10,0,0.5,10.0.0.17,198.51.100.99,41002,445,TCP,1,60,1,40",
        "2026-08-27 09:10:00,2026,8,27,9,10,0,0.5,10.0.0.19,198.51.100.99,41003,8443,TCP,7,700,7,900",
    ] {
        second.push_str(attack);
        second.push('\n');
    }
    feedback_helps(&first, &second);
}

/// The flows of a real Zeek log as Spot has them, each half of the day as a day.
fn real_days() -> Option<[String; 2]> {
    let log = shared_data("zeek/beacon_missing_host/2024-04-19_conn.log.gz")?;
    let folder = Folder::new();
    folder.write(
        "flows.sql",
        "SELECT source_ip AS key, 0 AS score, to_char(\"timestamp\", '%Y-%m-%d,%H:%M:%S') AS \"time\",\n\
         destination_ip, coalesce(source_port, 0) AS sport, coalesce(destination_port, 0) AS dport,\n\
         upper(network_transport) AS proto, coalesce(source_packets, 0) AS ipkt,\n\
         coalesce(source_bytes, 0) AS ibyt FROM records",
    );
    folder.write(
        "flows.conf",
        format!(
            "name = Flows\ntype = batch\nenabled = true\ncode = flows.sql\nfile = \"{}\"\noutput = csv\n\
             [codec]\nformat = zeek\n[out_csv]\npath = flows.csv\nheader = true\nseparator = |\n",
            log.display()
        ),
    );
    folder.run(&["standalone", "flows.conf"]).ends(0);
    let mut days = [0, 1].map(|_| {
        "treceived,tryear,trmonth,trday,trhour,trminute,trsec,tdur,sip,dip,sport,dport,proto,ipkt,ibyt,opkt,obyt\n"
            .to_owned()
    });
    for flow in rows(&folder.read("flows.csv")) {
        let (date, clock) = flow["time"].split_once(',').unwrap();
        let hour: usize = clock[..2].parse().unwrap();
        let (year, month, day) = (&date[..4], &date[5..7], &date[8..]);
        let (minute, second) = (&clock[3..5], &clock[6..]);
        let behind = [
            "key",
            "destination_ip",
            "sport",
            "dport",
            "proto",
            "ipkt",
            "ibyt",
        ];
        days[hour / 12].push_str(&format!(
            "{date} {clock},{year},{month},{day},{hour},{minute},{second},0,{},0,0\n",
            behind.map(|name| flow[name].as_str()).join(",")
        ));
    }
    for (bytes, port, hour) in [
        (31_000_000, 21, 13),
        (900_000_000, 22, 15),
        (64_000_000, 443, 19),
    ] {
        days[1].push_str(&format!(
            "2024-04-19 {hour}:01:00,2024,4,19,{hour},1,0,9,64.225.56.201,{BAD},40001,{port},TCP,{},{bytes},100,4000\n",
            bytes / 1460
        ));
    }
    Some(days)
}

#[test]
fn on_a_real_log_no_attack_is_pushed_down_by_feedback() {
    let Some([first, second]) = real_days() else {
        return;
    };
    feedback_helps(&first, &second);
}
