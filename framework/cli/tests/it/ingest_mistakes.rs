//! `datashark ingest` of what cannot be stored: damaged and wrong files, a full disk, clocks that jump.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use datashark_test_data::{shared_data, skipped};

use crate::ingest::{account, asked, log};
use crate::shark::{Folder, root};

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
