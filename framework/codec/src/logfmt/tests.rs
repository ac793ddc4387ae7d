//! What programs and firewalls write.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, shown, values};

fn format() -> Logfmt {
    Logfmt::try_new(&TimeOptions::default()).unwrap()
}

#[test]
fn keys_of_one_meaning_are_one_column() {
    let columns = [
        "timestamp",
        "host_name",
        "log_level",
        "message",
        "source_ip",
        "source_port",
        "destination_port",
        "network_transport",
        "event_action",
    ];
    for (line, expected) in [
        (
            r#"time=2026-10-11T22:14:15Z level=info msg="a text" src=192.0.2.1 sport=4711 protocol=TCP"#,
            [
                "2026-10-11T22:14:15Z",
                "-",
                "info",
                "a text",
                "192.0.2.1",
                "4711",
                "-",
                "tcp",
                "-",
            ],
        ),
        (
            r#"<189>date=2022-11-09 time=14:18:39 devname="fw-1" eventtime=1668002319383195535 level="notice" srcip=192.0.2.1 dstport=443 proto=6 action="deny""#,
            [
                "2022-11-09T13:58:39.383195Z",
                "fw-1",
                "notice",
                "-",
                "192.0.2.1",
                "-",
                "443",
                "tcp",
                "deny",
            ],
        ),
        (
            r#"<13>1 2026-10-11T22:14:15Z fw-2 asqd - - - id=firewall time="2026-10-11 22:14:16" ipproto=udp proto=dns action=pass"#,
            [
                "2026-10-11T22:14:16Z",
                "fw-2",
                "-",
                "-",
                "-",
                "-",
                "-",
                "udp",
                "pass",
            ],
        ),
        (
            "2026-10-11T22:14:15Z level=warn",
            [
                "2026-10-11T22:14:15Z",
                "-",
                "warn",
                "-",
                "-",
                "-",
                "-",
                "-",
                "-",
            ],
        ),
    ] {
        assert_eq!(shown(&format(), columns, line), expected, "{line}");
    }
}

#[test]
fn values_are_bare_or_in_quotes() {
    let line = "a=1  b=\"x y\" c= d=\"\" flag e=\"q\\\"\\u00e9\\n\" f=\"C:\\dir\\x\" g=\"say \"hi\", now\" h=a=b\t i=\"x\"";
    assert_eq!(
        shown(
            &format(),
            ["a", "b", "c", "d", "flag", "e", "f", "g", "h", "i", "j"],
            line
        ),
        [
            "1",
            "x y",
            "",
            "",
            "true",
            "q\"\u{e9}\n",
            "C:\\dir\\x",
            "say \"hi\", now",
            "a=b",
            "x",
            "-",
        ]
    );
    assert_eq!(shown(&format(), ["a"], "a=1 a=2"), ["1"]);
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        ("", "expected `key=value`, found the end of the line"),
        (
            "just some words",
            "expected `key=value` at byte 0, found `just some words`",
        ),
        ("a=1 =2", "expected a key at byte 4, found `=2`"),
        (
            "a=\"1 b=2",
            "expected the end of a value in quotes, found the end of the line",
        ),
        (
            "a=\"1\\\"",
            "expected the end of a value in quotes, found the end of the line",
        ),
    ] {
        assert_eq!(
            values(&format(), &[], line),
            Err(expected.to_owned()),
            "{line}"
        );
    }
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        records in prop::collection::vec(
            r#"(<13>|Oct 11 22:14:15 h )?([a-z]{0,4}=?("?[a-z\\"= ]{0,5}"?)? ?){0,6}\PC{0,5}"#,
            1..20,
        )
    ) {
        check_verdicts(&format(), &["timestamp", "host_name", "message", "a", "b"], &records);
    }

    #[test]
    fn what_is_quoted_is_given_back(values in prop::collection::vec(any::<String>(), 1..5)) {
        let quoted = |value: &String| serde_json::to_string(value).unwrap();
        let pairs = values.iter().enumerate().map(|(i, value)| format!("k{i}={}", quoted(value)));
        let line = pairs.collect::<Vec<_>>().join(" ");
        for (i, value) in values.iter().enumerate() {
            let found = shown(&format(), [format!("k{i}").as_str()], &line);
            prop_assert_eq!(&found[0], value);
        }
    }
}
