//! `datashark ingest`: captures, flows and logs into a store, each record once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datashark_test_data::{shared_data, skipped};

use crate::shark::{Folder, Ran, root, wait_until};

/// The account that an ingest ends with: read, stored, of another kind, invalid.
#[track_caller]
pub(crate) fn account(ran: &Ran) -> [u64; 4] {
    let line = ran.stderr.lines().find(|line| line.starts_with("Read "));
    let line = line.unwrap_or_else(|| panic!("{}", ran.stderr));
    let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
    let of = |name: &str| {
        let before = line.split(&format!(" {name}")).next().unwrap();
        number(before.rsplit(' ').next().unwrap())
    };
    let account = [
        of("record"),
        of("stored"),
        of("of another kind"),
        of("invalid"),
    ];
    assert_eq!(account[0], account[1..].iter().sum::<u64>(), "{line}");
    account
}

/// What a query prints as CSV, without the header.
#[track_caller]
pub(crate) fn asked(folder: &Folder, sql: &str) -> String {
    let ran = folder.run(&["sql", sql, "--format", "csv"]).ends(0);
    ran.stdout.split_once('\n').unwrap().1.trim_end().to_owned()
}

/// Real files, as arguments; none where they are not there.
pub(crate) fn real(names: &[&str]) -> Vec<String> {
    let found = names.iter().filter_map(|name| shared_data(name));
    found.map(|path| path.display().to_string()).collect()
}

pub(crate) fn ingest(folder: &Folder, kind: &str, files: &[String]) -> Ran {
    let files = files.iter().map(String::as_str);
    folder.run(
        &["ingest", kind]
            .into_iter()
            .chain(files)
            .collect::<Vec<_>>(),
    )
}

#[test]
fn the_table_holds_as_many_answers_as_tshark_finds() {
    let listed = root().join("framework/codec/tests/captures/tshark.txt");
    let listed = fs::read_to_string(listed).unwrap();
    let (mut files, mut n_responses) = (Vec::new(), 0);
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        // Of that one tshark counts damaged questions, which are invalid here.
        if fields[0].ends_with("dns__dns-invalid-names.pcap") {
            continue;
        }
        if let [file] = &real(&[fields[0]])[..] {
            files.push(file.clone());
            n_responses += fields[3].parse::<u64>().unwrap();
        }
    }
    if files.is_empty() {
        return;
    }
    let folder = Folder::new();
    let ran = ingest(&folder, "dns", &files).ends(0);
    assert_eq!(account(&ran)[1], n_responses);
    let count = "SELECT count(*) FROM dns";
    assert_eq!(asked(&folder, count), n_responses.to_string());
    // The same again stores nothing, and reads nothing.
    let again = ingest(&folder, "dns", &files)
        .ends(0)
        .says(&["it is in the store already"]);
    assert_eq!(account(&again), [0; 4]);
    assert_eq!(asked(&folder, count), n_responses.to_string());
    // Partitions are of the packets' own hours.
    let wrong = "SELECT count(*) FROM dns WHERE y <> date_part('year', to_timestamp(unix_tstamp)) \
                 OR m <> date_part('month', to_timestamp(unix_tstamp)) \
                 OR d <> date_part('day', to_timestamp(unix_tstamp)) \
                 OR h <> date_part('hour', to_timestamp(unix_tstamp))";
    assert_eq!(asked(&folder, wrong), "0");
}

#[test]
fn the_table_holds_as_many_flows_as_nfdump_prints() {
    let names = [
        "v2-none.nfcapd",
        "v2-lzo.nfcapd",
        "nfcapd-small-lzo",
        "slips-test1-malicious.nfdump",
    ];
    let names = names.map(|name| format!("netflow/nfcapd/{name}"));
    let files = real(&names.each_ref().map(String::as_str));
    let mut n_flows = 0;
    for file in &files {
        let printed = Command::new("nfdump")
            .args(["-q", "-6", "-o", "fmt:%ts", "-r", file])
            .output();
        let Ok(printed) = printed else {
            skipped("nfdump is not installed");
            return;
        };
        let printed = String::from_utf8(printed.stdout).unwrap();
        n_flows += printed
            .lines()
            .filter(|line| line.starts_with("20"))
            .count();
    }
    if files.is_empty() {
        return;
    }
    let folder = Folder::new();
    ingest(&folder, "flow", &files).ends(0);
    assert_eq!(
        asked(&folder, "SELECT count(*) FROM flow"),
        n_flows.to_string()
    );
}

#[test]
fn logs_of_every_kind_are_known_by_what_is_in_them() {
    let folder = Folder::new();
    let cases: [(&str, &[&str], &str, &str); 8] = [
        (
            "flow",
            &["zeek/slips_test9_mixed/conn.log"],
            "SELECT count(*) FROM flow",
            "576",
        ),
        (
            "flow",
            &["netflow/binetflow/test5-mixed.binetflow"],
            "SELECT count(*) > 0 FROM flow WHERE y = 1970",
            "true",
        ),
        (
            "flow",
            &["suricata/slips_test6_eve_part1.json.gz"],
            "SELECT count(*) FROM flow WHERE y = 2021",
            "1512",
        ),
        (
            "dns",
            &["zeek/wrccdc/dns_part1.json.gz"],
            "SELECT count(*) = count(dns_qry_name) FROM dns WHERE y = 2018",
            "true",
        ),
        (
            "proxy",
            &["access_logs/elastic_apache_combined.log.gz"],
            "SELECT count(*) FROM proxy WHERE y = 2015",
            // A user agent of one line does not end.
            "9999",
        ),
        (
            "proxy",
            &["zeek/beacon_missing_host/2024-04-19_http.log.gz"],
            "SELECT count(*) FROM proxy WHERE y = 2024",
            "9873",
        ),
        (
            "proxy",
            &["proxy/squid_access.log"],
            "SELECT min(fulluri) FROM proxy WHERE clientip = '10.105.21.199' AND reqmethod = 'GET'",
            "",
        ),
        (
            "proxy",
            &["access_logs/w3c_iis/iis6.log"],
            "SELECT uripath FROM proxy WHERE serverip = '10.10.10.100' LIMIT 1",
            "",
        ),
    ];
    for (kind, names, sql, expected) in cases {
        let files = real(names);
        if files.is_empty() {
            return;
        }
        let ran = ingest(&folder, kind, &files).ends(0);
        assert!(account(&ran)[1] > 0, "{names:?}: {}", ran.stderr);
        let found = asked(&folder, sql);
        match expected {
            "" => assert!(!found.is_empty(), "{names:?}: {found}"),
            expected => assert_eq!(found, expected, "{names:?}"),
        }
    }
    // What tables and JSON say of the same events is the same.
    let digest = "SELECT count(*), sum(unix_tstamp), sum(dns_qry_type), count(dns_a), count(dns_qry_class), \
                  max(dns_qry_name) FROM dns";
    let of_json = asked(&folder, digest);
    let table = Folder::new();
    ingest(&table, "dns", &real(&["zeek/wrccdc/dns_part1.log.gz"])).ends(0);
    assert_eq!(asked(&table, digest), of_json);
}

#[test]
fn flows_have_their_duration_in_seconds_and_the_flags_that_the_log_has() {
    let (Some(zeek), Some(eve)) = (
        shared_data("zeek/slips_test9_mixed/conn.log"),
        shared_data("suricata/slips_test6_eve_part1.json.gz"),
    ) else {
        return;
    };
    let flow = "SELECT tdur, proto, flag, ipkt, ibyt, opkt, obyt FROM flow WHERE ";
    let folder = Folder::new();
    ingest(&folder, "flow", &[zeek.display().to_string()]).ends(0);
    let first = asked(&folder, &format!("{flow} sport = 61099"));
    assert_eq!(first, "0.09628199999999865,UDP,,2,50,0,0");
    // Ten of its connections have no duration.
    let durations = "SELECT count(*), count(tdur), max(tdur) FROM flow";
    assert_eq!(asked(&folder, durations), "576,566,118.46484799999999");
    let folder = Folder::new();
    ingest(&folder, "flow", &[eve.display().to_string()]).ends(0);
    let scan = asked(
        &folder,
        &format!("{flow} sip = '91.238.203.56' AND sport = 48938"),
    );
    assert_eq!(scan, "0.000253,TCP,.A.RS.,2,120,2,120");
    let answered = asked(
        &folder,
        &format!("{flow} sip = '192.168.1.132' AND dport = 44232"),
    );
    assert_eq!(answered, "1.107183,UDP,,12,4056,0,0");
    let durations = "SELECT count(*), count(tdur), max(tdur) FROM flow";
    assert_eq!(asked(&folder, durations), "1512,1512,1126.410169");
}

/// A log of a proxy whose lines are told apart, with an invalid one in every fifty.
pub(crate) fn log(number: u64, n_lines: u64) -> String {
    let line = |line: u64| match line % 50 {
        49 => format!("2026-08-27 10:00:00 no request {number} {line}\n"),
        _ => format!(
            "192.0.2.{number} - - [27/Aug/2026:{:02}:{:02}:{:02} +0000] \"GET /{number}/{line} HTTP/1.1\" 200 7 \"-\" \"x\"\n",
            line / 600 % 24,
            line / 10 % 60,
            line % 60,
        ),
    };
    (0..n_lines).map(line).collect()
}

/// How many commits a table has had.
fn n_commits(folder: &Folder) -> usize {
    let log = folder.path("state/store/proxy/_delta_log");
    let entries = fs::read_dir(log).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "json"))
        .count()
}

#[test]
fn an_ingest_that_is_killed_at_twenty_points_stores_each_record_once() {
    const N_LINES: u64 = 12_000;
    let folder = Folder::new();
    folder.write(
        "datashark.conf",
        "[engine]\nblock_size = 16KiB\nworkers = 2\n",
    );
    for number in 0..4 {
        folder.write(&format!("in/{number}.log"), log(number, N_LINES));
    }
    let args = ["ingest", "proxy", "in", "--commit-every", "1us"];
    // The same numbers in each run of the test; when a commit is under way is chance enough.
    let mut random = 7_u64;
    let mut n_killed = 0;
    while n_killed < 20 {
        let before = n_commits(&folder);
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let n_more = 1 + (random >> 33) as usize % 5;
        let mut running = folder.start(&args);
        let mut has_ended = false;
        wait_until("there are commits enough", || {
            has_ended = running.has_ended();
            has_ended || n_commits(&folder) >= before + n_more
        });
        assert!(
            !has_ended,
            "it came to its end before it was killed twenty times"
        );
        std::thread::sleep(std::time::Duration::from_micros((random >> 40) % 20_000));
        running.kill();
        n_killed += 1;
        if n_killed == 10 {
            folder.run(&["store", "compact"]).ends(0);
        }
    }
    folder.run(&args[..3]).ends(0);
    let n_invalid = 4 * N_LINES / 50;
    let n_valid = 4 * N_LINES - n_invalid;
    let stored = "SELECT count(*), count(DISTINCT fulluri) FROM proxy";
    assert_eq!(asked(&folder, stored), format!("{n_valid},{n_valid}"));
    let kept = "SELECT count(*), count(DISTINCT record), count(DISTINCT file) FROM invalid";
    assert_eq!(asked(&folder, kept), format!("{n_invalid},{n_invalid},4"));
    let again = folder.run(&args[..3]).ends(0);
    assert_eq!(account(&again), [0; 4]);
    // What the killed ones left is found and removed.
    folder
        .run(&["store", "vacuum", "--older-than", "0s"])
        .ends(0);
    assert_eq!(asked(&folder, stored), format!("{n_valid},{n_valid}"));
}

#[test]
fn a_file_that_moves_or_grows_is_gone_on_with() {
    let folder = Folder::new();
    folder.write("a.log", log(1, 100));
    folder.run(&["ingest", "proxy", "a.log"]).ends(0);
    fs::create_dir(folder.path("done")).unwrap();
    fs::rename(folder.path("a.log"), folder.path("done/a.log")).unwrap();
    let moved = folder.run(&["ingest", "proxy", "done"]).ends(0);
    assert_eq!(account(&moved), [0; 4]);
    folder.write("done/a.log", log(1, 150));
    let grown = folder.run(&["ingest", "proxy", "done"]).ends(0);
    assert_eq!(account(&grown), [50, 49, 0, 1]);
    // The same in two places is stored once.
    folder.write("b/a.log", log(2, 100));
    folder.write("c/a.log", log(2, 100));
    let twice = folder
        .run(&["ingest", "proxy", "b", "c"])
        .ends(0)
        .says(&["it is the same file as"]);
    assert_eq!(account(&twice), [100, 98, 0, 2]);
}

#[test]
fn a_stop_commits_what_was_read() {
    let folder = Folder::new();
    folder.write(
        "datashark.conf",
        "[engine]\nblock_size = 16KiB\nworkers = 2\n",
    );
    folder.write("in/a.log", log(1, 60_000));
    let args = ["ingest", "proxy", "in", "--commit-every", "1us"];
    let running = folder.start(&args);
    wait_until("there are commits", || n_commits(&folder) > 3);
    running.signal("INT");
    running.finish().ends(1).says(&[
        "stopping: committing what was read",
        "stopped before the end",
    ]);
    folder.run(&args[..3]).ends(0);
    let stored = "SELECT count(*), count(DISTINCT fulluri) FROM proxy";
    assert_eq!(asked(&folder, stored), "58800,58800");
}

/// Where the store is by default.
pub(crate) fn store(folder: &Folder) -> PathBuf {
    Path::new(&folder.path("state")).join("store")
}
