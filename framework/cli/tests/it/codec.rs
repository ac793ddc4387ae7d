//! What a format makes of a file, shown.

use crate::shark::Folder;

#[test]
fn a_log_is_shown_as_a_table_with_its_bad_lines_and_why() {
    let folder = Folder::new();
    folder.write(
        "access.log",
        "192.0.2.1 - - [01/Mar/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 5\n\
         192.0.2.2 - - [01/Mar/2026:12:00:01 +0000] nonsense\n\
         192.0.2.3 - - [01/Mar/2026:12:00:02 +0000] \"GET /\u{1b}[2J HTTP/1.1\" 404 -\n",
    );
    let ran = folder.run(&["codec", "combined", "access.log"]).ends(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[1].starts_with("| source_ip | timestamp "), "{ran:?}");
    assert!(!lines[1].contains("user_name"), "no column without a value");
    assert!(
        lines[3].contains("| 2026-03-01T12:00:00Z | GET "),
        "{ran:?}"
    );
    assert!(
        lines[4].contains("/\\u{1b}[2J"),
        "no terminal is told what to do"
    );
    let summary = lines
        .iter()
        .position(|line| *line == "3 records: 2 parsed, 1 invalid");
    let invalid = lines[summary.expect(&ran.stdout) + 1];
    assert!(invalid.starts_with("  line 2: expected"), "{invalid}");
}

#[test]
fn the_columns_of_a_file_are_found_or_chosen() {
    let folder = Folder::new();
    folder.write(
        "a.json",
        "{\"b\": {\"c\": 1}, \"a\": \"x\"}\n{\"d\": true}\n",
    );
    let all = folder.run(&["codec", "json", "a.json"]).ends(0).stdout;
    assert!(all.contains("| b.c | a | d    |"), "{all}");
    let some = folder.run(&["codec", "json", "a.json", "-c", "a", "-n", "1"]);
    let some = some.ends(0).stdout;
    assert!(some.contains("| a |\n") && !some.contains("b.c"), "{some}");
    folder.write("a.csv", "one;two\n1;2\n");
    let csv = folder
        .run(&["codec", "csv", "a.csv", "-o", "separator=;"])
        .ends(0);
    assert!(csv.stdout.contains("| one | two |"), "{csv:?}");
    assert!(
        csv.stdout.contains("1 record: 1 parsed, 0 invalid"),
        "{csv:?}"
    );
}

#[test]
fn a_wrong_format_or_option_or_file_is_named() {
    let folder = Folder::new();
    folder.write("a.log", "x\n");
    let unknown = folder.run(&["codec", "jsn", "a.log"]).ends(2);
    unknown.says(&["unknown format `jsn`, did you mean `json`?"]);
    let option = folder
        .run(&["codec", "csv", "a.log", "-o", "seperator=;"])
        .ends(2);
    option.says(&["unknown key `seperator`, did you mean `separator`?"]);
    let missing = folder.run(&["codec", "csv", "b.log"]).ends(2);
    missing.says(&["b.log"]);
}

#[test]
fn what_an_open_format_has_beside_the_known_columns_is_shown() {
    let folder = Folder::new();
    let show = |format: &str, text: &str| {
        folder.write("a.log", text);
        let shown = folder.run(&["codec", format, "a.log"]).ends(0).stdout;
        let titles = shown.lines().nth(1).unwrap_or_default().to_owned();
        titles
            .split('|')
            .map(str::trim)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let w3c = show(
        "w3c",
        "#Fields: date time c-ip x-team\n2026-03-01 12:00:01 192.0.2.1 red\n",
    );
    assert_eq!(w3c, ["", "timestamp", "source_ip", "x-team", ""]);
    let zeek = show("zeek", "#fields\tts\tuid\tproto\n1772366401.5\tCx1\ttcp\n");
    assert_eq!(zeek, ["", "timestamp", "network_transport", "uid", ""]);
    let eve = show("eve", "{\"src_ip\":\"192.0.2.1\",\"flow_id\":5}\n");
    assert_eq!(eve, ["", "source_ip", "flow_id", ""]);
    let logfmt = show("logfmt", "level=info src=192.0.2.1 team=red\n");
    assert_eq!(logfmt, ["", "log_level", "source_ip", "team", ""]);
    let cef = show("cef", "CEF:0|v|p|1|100|n|5|src=192.0.2.1 team=red\n");
    assert!(
        cef.contains(&"team".to_owned()) && !cef.contains(&"src".to_owned()),
        "{cef:?}"
    );
    let leef = show("leef", "LEEF:1.0|v|p|1|100|src=192.0.2.1\tteam=red\n");
    assert!(
        leef.contains(&"team".to_owned()) && !leef.contains(&"src".to_owned()),
        "{leef:?}"
    );
    let syslog = show(
        "syslog",
        "<13>1 2026-03-01T12:00:00Z h app - - [x@1 team=\"red\"] hello\n",
    );
    assert!(
        syslog.iter().any(|title| title.ends_with("team")),
        "{syslog:?}"
    );
}

/// A capture of raw IP with a DNS response of `www.example.com` in each packet, `rcode` as given.
fn capture(rcodes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, 101_u32] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for rcode in rcodes {
        let header = [0, 7, 0x81, 0x80 | rcode, 0, 1, 0, 0, 0, 0, 0, 0];
        let dns = [
            &header[..],
            b"\x03www\x07example\x03com\x00\x00\x01\x00\x01",
        ]
        .concat();
        let udp = [&[0, 53, 0x10, 0, 0, 8 + dns.len() as u8, 0, 0][..], &dns].concat();
        let length = 20 + udp.len() as u8;
        let ip = [
            0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 53, 192, 0, 2, 1,
        ];
        for word in [1_483_504_866, 337_519, u32::from(length), u32::from(length)] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&[&ip[..], &udp].concat());
    }
    file
}

#[test]
fn a_capture_is_shown_by_its_name_with_what_is_damaged_in_it() {
    let folder = Folder::new();
    let mut file = capture(&[0, 3]);
    file.truncate(file.len() - 1);
    folder.write("a.pcap", file);
    let columns = ["-c", "dns_qry_name", "-c", "dns_qry_rcode", "-c", "ip_dst"];
    let ran = folder
        .run(&[&["codec", "dns", "a.pcap"][..], &columns].concat())
        .ends(1);
    assert!(
        ran.stdout
            .contains("| www.example.com | 0             | 192.0.2.1 |"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("2 records: 1 parsed, 1 invalid"),
        "{ran:?}"
    );
    let cut = "  byte 101: the capture ends within a packet, after 76 bytes of it";
    assert!(ran.stdout.contains(cut), "{ran:?}");
}

#[test]
fn a_query_over_a_capture_has_names_that_do_not_exist() {
    let folder = Folder::new();
    folder.write("a.pcap", capture(&[0, 3, 3]));
    folder.write(
        "nxdomain.sql",
        "SELECT dns_qry_name AS key, count(*) AS score FROM records WHERE dns_qry_rcode = 3 GROUP BY dns_qry_name",
    );
    folder.write(
        "nxdomain.conf",
        "name = NXDOMAIN\ntype = batch\nenabled = true\ncode = nxdomain.sql\nfile = a.pcap\noutput = csv\n\
         [out_csv]\npath = out.csv\n",
    );
    folder.run(&["standalone", "nxdomain.conf"]).ends(0);
    assert_eq!(folder.rows("out.csv"), ["www.example.com,2"]);
}
