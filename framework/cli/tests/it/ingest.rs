//! `datashark ingest`: captures, flows and logs into a store, each record once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datashark_test_data::{shared_data, skipped};

use crate::shark::{Folder, Ran, root, wait_until};

/// The account that an ingest ends with: read, stored, of another kind, invalid.
#[track_caller]
fn account(ran: &Ran) -> [u64; 4] {
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
fn real(names: &[&str]) -> Vec<String> {
    let found = names.iter().filter_map(|name| shared_data(name));
    found.map(|path| path.display().to_string()).collect()
}

fn ingest(folder: &Folder, kind: &str, files: &[String]) -> Ran {
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
fn log(number: u64, n_lines: u64) -> String {
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

/// A capture of a real tunnel, with its bytes changed.
fn capture(folder: &Folder, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Option<PathBuf> {
    let path = shared_data("dns/tunnel_pcaps/elastic-dns-tunnel-iodine.pcap")?;
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    Some(folder.write(name, bytes))
}

#[test]
fn damaged_captures_say_what_is_wrong_and_keep_what_is_whole() {
    let folder = Folder::new();
    let Some(_) = capture(&folder, "cut.pcap", |bytes| {
        bytes.truncate(bytes.len() - 37)
    }) else {
        return;
    };
    let cut = folder.run(&["ingest", "dns", "cut.pcap"]).ends(0);
    assert_eq!(account(&cut), [434, 211, 222, 1]);
    let reason = "SELECT reason FROM invalid WHERE file = 'cut.pcap'";
    assert_eq!(
        asked(&folder, reason),
        "\"the capture ends within a packet, after 72 bytes of it\""
    );
    // Wireless frames, which Ethernet's reader would make nonsense of.
    capture(&folder, "wifi.pcap", |bytes| bytes[20] = 105).unwrap();
    let wifi = folder.run(&["ingest", "dns", "wifi.pcap"]).ends(0);
    assert_eq!(account(&wifi), [438, 0, 0, 438]);
    let reason = "SELECT DISTINCT split_part(reason, ';', 1) FROM invalid WHERE file = 'wifi.pcap'";
    assert_eq!(asked(&folder, reason), "link type 105 is not read");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_stored() {
    let folder = Folder::new();
    folder.write("good.log", log(1, 10));
    folder.write("empty.log", "");
    folder.write("words.log", "no such thing\n");
    folder.write(
        "conn.log",
        "#separator \\x09\n#path\tconn\n#fields\tts\tconn_state\n",
    );
    folder.write("nfcapd.202608271200", b"\x0c\xa5\x02\x00");
    let files = [
        "good.log",
        "empty.log",
        "words.log",
        "conn.log",
        "nfcapd.202608271200",
        "not.there",
    ];
    let args = [&["ingest", "proxy"][..], &files[..]].concat();
    let ran = folder.run(&args).ends(1).says(&[
        "error: `empty.log`: it is empty",
        "error: `words.log`: its format is none that is known: it begins with `no such thing`; `--format` names one of w3c, squid",
        "error: `conn.log`: it is Zeek's log `conn`: `datashark ingest flow` reads it",
        "error: `nfcapd.202608271200`: it holds flows of nfcapd: `datashark ingest flow` reads it",
        "error: `not.there`: it cannot be read: No such file or directory",
    ]);
    assert_eq!(account(&ran), [10, 10, 0, 0]);
    folder
        .run(&["ingest", "dns", "good.log", "--format", "zeke"])
        .ends(2)
        .says(&["error: format `zeke` has no records of dns; did you mean `zeek`?"]);
    folder.run(&["ingest", "mail", "good.log"]).ends(2);
}

#[test]
fn a_file_that_only_looks_like_a_log_is_refused_in_one_line_and_leaves_nothing() {
    let folder = Folder::new();
    let readme = root().join("README.md").display().to_string();
    for kind in ["flow", "dns", "proxy"] {
        let ran = folder.run(&["ingest", kind, &readme]).ends(1);
        let errors: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|it| it.contains("error"))
            .collect();
        let begins =
            format!("error: `{readme}`: its format is none that is known: it begins with `# ");
        assert!(
            errors.len() == 1 && errors[0].starts_with(&begins),
            "{errors:?}"
        );
    }
    // A header that names fewer fields than the records have: which value is whose nobody can say.
    let header = "#Fields: date time c-ip cs-method cs-uri-path sc-status\n";
    let record = "2026-08-27 10:00:00 192.0.2.1 GET /a \"Mozilla/5.0 (X11)\" 200\n";
    folder.write("proxy.log", format!("{header}{}", record.repeat(11)));
    let refused = "error: `proxy.log`: it seems to be of the format `w3c`, but 11 of its first 11 records \
                   cannot be stored: line 2: expected 6 fields, found 7; `--format w3c` reads it all the same";
    let ran = folder
        .run(&["ingest", "proxy", "proxy.log"])
        .ends(1)
        .says(&[refused]);
    assert_eq!(account(&ran), [0; 4]);
    // Whoever says the format has the reasons in the store.
    let args = ["ingest", "proxy", "proxy.log", "--format", "w3c"];
    assert_eq!(account(&folder.run(&args).ends(0)), [11, 0, 0, 11]);
    // With the header mended it is stored.
    let mended = header.replace("cs-uri-path", "cs-uri-path cs(User-Agent)");
    folder.write("proxy.log", format!("{mended}{}", record.repeat(11)));
    let ran = folder.run(&["ingest", "proxy", "proxy.log"]).ends(0);
    assert_eq!(account(&ran), [11, 11, 0, 0]);
    let agents = "SELECT DISTINCT useragent FROM proxy";
    assert_eq!(asked(&folder, agents), "Mozilla/5.0 (X11)");
}

#[test]
fn a_real_log_whose_header_lacks_a_field_says_so_and_is_stored_once_it_has_it() {
    let Some(path) = shared_data("proxy/proxysg_main_elff.log") else {
        return;
    };
    let text = fs::read_to_string(&path).unwrap();
    let path = path.display().to_string();
    let folder = Folder::new();
    folder.run(&["ingest", "proxy", &path]).ends(1).says(&[
        "11 of its first 11 records cannot be stored: line 7: expected 23 fields, found 24",
    ]);
    // What its records have between the referrer and the filter's result is the user agent.
    let lacking = "cs(Referer) sc-filter-result";
    assert!(text.contains(lacking));
    let mended = text.replace(lacking, "cs(Referer) cs(User-Agent) sc-filter-result");
    folder.write("mended.log", mended);
    let ran = folder.run(&["ingest", "proxy", "mended.log"]).ends(0);
    assert_eq!(account(&ran), [11, 10, 0, 1]);
    let found =
        "SELECT count(*) FROM proxy WHERE serverip = '81.2.69.144' AND filterresult = 'OBSERVED'";
    assert_eq!(asked(&folder, found), "10");
}

#[test]
fn files_of_nfcapd_need_nfdump_and_a_version_that_it_knows() {
    let Some(path) = shared_data("netflow/nfcapd/v2-none.nfcapd") else {
        return;
    };
    let folder = Folder::new();
    let mut bytes = fs::read(&path).unwrap();
    bytes[2] = 9;
    let future = folder
        .write("nfcapd.209901010000", bytes)
        .display()
        .to_string();
    let path = path.display().to_string();
    let mut without = folder.command(&["ingest", "flow", &path]);
    let without = String::from_utf8(without.env("PATH", "").output().unwrap().stderr).unwrap();
    let missing =
        "the tool `nfdump` is not installed: it is in the package `nfdump` of Debian and Ubuntu";
    let errors: Vec<&str> = without
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors, [format!("error: `{path}`: {missing}")]);
    if Command::new("nfdump").arg("-V").output().is_err() {
        skipped("nfdump is not installed");
        return;
    }
    folder.run(&["ingest", "flow", &future]).ends(1).says(&[
        "error: `",
        "nfcapd.209901010000`: `nfdump` cannot read it: ",
    ]);
    // Once it is there the file is stored: nothing of it was taken for done.
    let ran = folder.run(&["ingest", "flow", &path]).ends(0);
    assert!(account(&ran)[1] > 0, "{}", ran.stderr);
}

#[test]
fn a_full_disk_ends_the_ingest_and_what_was_committed_stays() {
    let folder = Folder::new();
    folder.write("in/a.log", log(1, 200));
    folder.write("in/b.log", log(2, 60_000));
    // A file system of its own needs no privileges in a user's own namespace.
    let script = "unshare --user --map-root-user --mount bash -c '
        mkdir small && mount -t tmpfs -o size=200k none small || exit 9
        $datashark ingest proxy in/a.log --store small/s || exit 8
        $datashark ingest proxy in/b.log --store small/s; echo \"status $?\"
        $datashark sql \"SELECT count(*) FROM proxy\" --store small/s --format csv
        find small/s/proxy -name \"*.parquet\" | wc -l'";
    let ran = folder.script(script);
    if ran.status == Some(9) || ran.stderr.contains("unshare") {
        skipped(&format!("no file system can be mounted: {}", ran.stderr));
        return;
    }
    let ran = ran
        .ends(0)
        .says(&["error: writing `small/s/proxy/", "No space left on device"]);
    assert_eq!(ran.stdout, "status 1\ncount(*)\n196\n1\n", "{}", ran.stderr);
}

#[test]
fn a_clock_that_jumps_from_record_to_record_makes_a_row_of_each_in_its_hour() {
    // Each record is of another hour than the one before it, some 700 hours from 2000 on.
    const N_HOURS: u64 = 700;
    let folder = Folder::new();
    let flow = |row: u64| {
        let hour = row * 7_919 % N_HOURS;
        let (ts, port) = (946_684_800 + hour * 3_600, 1_024 + row);
        format!(
            "{{\"ts\":{ts}.5,\"uid\":\"C\",\"id.orig_h\":\"192.0.2.1\",\"id.orig_p\":{port},\"conn_state\":\"SF\",\"proto\":\"tcp\"}}\n"
        )
    };
    // Before 1970, and further ahead than a clock can be.
    let odd = "{\"ts\":-1.5,\"conn_state\":\"S0\",\"proto\":\"udp\"}\n\
               {\"ts\":1e300,\"conn_state\":\"S0\",\"proto\":\"udp\"}\n";
    let flows: String = (0..N_HOURS).map(flow).collect();
    folder.write("conn.log", flows + odd);
    // Fewer files may be open than there are hours.
    let ran = folder
        .script("ulimit -n 400; exec $datashark ingest flow conn.log")
        .ends(0);
    assert_eq!(account(&ran), [N_HOURS + 2, N_HOURS + 1, 0, 1]);
    let hours = "SELECT count(*), count(DISTINCT concat(y, '-', m, '-', d, '-', h)) FROM flow WHERE y >= 2000";
    assert_eq!(asked(&folder, hours), format!("{N_HOURS},{N_HOURS}"));
    let wrong = "SELECT count(*) FROM flow WHERE h <> date_part('hour', to_timestamp(unix_tstamp))";
    assert_eq!(asked(&folder, wrong), "0");
    assert_eq!(
        asked(&folder, "SELECT y, m, d, h FROM flow WHERE y < 2000"),
        "1969,12,31,23"
    );
    assert!(asked(&folder, "SELECT reason FROM invalid").contains("expected a time"));
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
