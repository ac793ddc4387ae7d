//! The examples of the format's description, and what products write.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, shown, values};

fn format() -> Leef {
    let options = TimeOptions {
        year: Some(2026),
        timezone: None,
    };
    Leef::try_new(&options).unwrap()
}

const COLUMNS: [&str; 7] = [
    "leef_version",
    "observer_product",
    "event_code",
    "source_ip",
    "destination_port",
    "event_severity",
    "policy",
];

#[test]
fn both_versions_give_their_columns() {
    for (line, version) in [
        (
            "LEEF:1.0|Example|Wall|4.0|15345|src=192.0.2.1\tdstPort=443\tsev=5\tpolicy=a b ",
            "1.0",
        ),
        (
            "LEEF:1.0|Example|Wall|4.0|15345|src=192.0.2.1#011dstPort=443#011sev=5#011policy=a b",
            "1.0",
        ),
        (
            "LEEF:2.0|Example|Wall|4.0|15345|src=192.0.2.1\tdstPort=443\tsev=5\tpolicy=a b",
            "2.0",
        ),
        (
            "LEEF:2.0|Example|Wall|4.0|15345||src=192.0.2.1\tdstPort=443\tsev=5\tpolicy=a b",
            "2.0",
        ),
        (
            "LEEF:2.0|Example|Wall|4.0|15345|^|src=192.0.2.1^dstPort=443^sev=5^policy=a b",
            "2.0",
        ),
        (
            "LEEF:2.0|Example|Wall|4.0|15345|x5E|src=192.0.2.1^dstPort=443^sev=5^policy=a b",
            "2.0",
        ),
        (
            "LEEF:2.0|Example|Wall|4.0|15345|0x7C|src=192.0.2.1|dstPort=443|sev=5|policy=a b|",
            "2.0",
        ),
    ] {
        let expected = [version, "Wall", "15345", "192.0.2.1", "443", "5", "a b"];
        let found = shown(&format(), COLUMNS, line);
        let last = found[6].trim_end_matches('|');
        assert_eq!(
            (&found[..6], last),
            (&expected.map(str::to_owned)[..6], "a b"),
            "{line}"
        );
    }
}

#[test]
fn the_time_is_the_events_or_else_the_headers() {
    let columns = [
        "timestamp",
        "host_name",
        "event_action",
        "network_transport",
    ];
    for (line, expected) in [
        (
            "<13>Jan 18 11:07:53 web-1 LEEF:1.0|a|b|c|d|devTime=Aug 06 2025 14:15:28\tdisp=Allow\tproto=6",
            ["2025-08-06T14:15:28Z", "web-1", "Allow", "tcp"],
        ),
        (
            "Jan 18 11:07:53 web-1 LEEF:1.0|a|b|c|d|disp=Allow\taction=Deny\tproto=carp",
            ["2026-01-18T11:07:53Z", "web-1", "Deny", "carp"],
        ),
        (
            "LEEF:1.0|a|b|c|d|devTime=1754489728000\tidentHostName=own",
            ["2025-08-06T14:15:28Z", "own", "-", "-"],
        ),
    ] {
        assert_eq!(shown(&format(), columns, line), expected, "{line}");
    }
}

#[test]
fn a_part_without_an_equals_sign_is_of_the_value_before_it() {
    let line = "LEEF:2.0|a|b|c|d|;|msg=one; two;url=http://x/?a=b;c=";
    assert_eq!(
        shown(&format(), ["message", "url_original", "c"], line),
        ["one; two", "http://x/?a=b", ""]
    );
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        ("", "expected `LEEF:`, found the end of the line"),
        ("1.0|a|b", "expected `LEEF:` at byte 0, found `1.0|a|b`"),
        (
            "LEEF:1.0|a|b|c",
            "expected five fields with `|` behind each, found the end of the line",
        ),
        (
            "LEEF:1.0|a|b|c|d|no key\ta=b",
            "expected `key=value` behind the header at byte 17, found `no key\ta=b`",
        ),
    ] {
        assert_eq!(
            values(&format(), &[], line),
            Err(expected.to_owned()),
            "{line}"
        );
    }
    assert_eq!(shown(&format(), ["event_code"], "LEEF:1.0|a|b|c|d|"), ["d"]);
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        records in prop::collection::vec(
            r"(<13>|Oct 11 22:14:15 h )?(LEEF:[12]\.0)?(\|[a-z]{0,3}){0,6}(\|(\^|x5E|0x|x))?\|?([a-z]{0,3}=[a-z ]{0,3}(\t|\^|#011)){0,5}\PC{0,5}",
            1..20,
        )
    ) {
        check_verdicts(&format(), &["timestamp", "host_name", "event_code", "a", "message"], &records);
    }

    #[test]
    fn attributes_are_given_back(
        values in prop::collection::vec("[!-~]([ -~]{0,10}[!-~])?", 1..6),
        separator in prop::sample::select(vec!["\t", "\u{1}"]),
    ) {
        let attributes = values.iter().enumerate().map(|(i, value)| format!("k{i}={value}"));
        let attributes: Vec<String> = attributes.collect();
        let line = format!("LEEF:2.0|a|b|c|d|x{:02x}|{}", separator.as_bytes()[0], attributes.join(separator));
        for (i, value) in values.iter().enumerate() {
            let found = shown(&format(), [format!("k{i}").as_str()], &line);
            // Alone it may hold what rsyslog writes for a tab.
            if !line.contains("#011") {
                prop_assert_eq!(&found[0], value);
            }
        }
    }
}
