//! The examples of the format's description, and what products write.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, shown, values};

fn format() -> Cef {
    let options = TimeOptions {
        year: Some(2026),
        timezone: None,
    };
    Cef::try_new(&options).unwrap()
}

#[test]
fn header_and_extension_give_their_columns() {
    let line = "Sep 19 08:26:10 host CEF:0|Security|threatmanager|1.0|100|worm successfully stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232 proto=TCP act=blocked cs1Label=Rule Name cs1=Default rule  rt=1789806370123";
    let columns = [
        "timestamp",
        "host_name",
        "observer_vendor",
        "event_code",
        "cef_name",
        "event_severity",
        "source_ip",
        "source_port",
        "destination_port",
        "network_transport",
        "event_action",
        "cs1",
        "cs1Label",
        "src",
    ];
    assert_eq!(
        shown(&format(), columns, line),
        [
            "2026-09-19T08:26:10.123Z",
            "host",
            "Security",
            "100",
            "worm successfully stopped",
            "10",
            "10.0.0.1",
            "1232",
            "-",
            "tcp",
            "blocked",
            "Default rule",
            "Rule Name",
            "10.0.0.1",
        ]
    );
}

#[test]
fn a_syslog_header_may_be_of_any_kind_or_missing() {
    let columns = ["timestamp", "host_name", "log_syslog_priority", "cef_name"];
    let event = "CEF:0|v|p|1|2|n|3|dvchost=own";
    for (before, expected) in [
        ("", ["-", "own", "-"]),
        ("<13>", ["-", "own", "13"]),
        (
            "<13>Oct 11 22:14:15 web-1 ",
            ["2026-10-11T22:14:15Z", "web-1", "13"],
        ),
        (
            "2026-10-11T22:14:15Z web-1 app[1]: ",
            ["2026-10-11T22:14:15Z", "web-1", "-"],
        ),
        (
            "<13>1 2026-10-11T22:14:15Z web-1 app - - - ",
            ["2026-10-11T22:14:15Z", "web-1", "13"],
        ),
        ("no header at all: ", ["-", "own", "-"]),
    ] {
        let found = shown(&format(), columns, &format!("{before}{event}"));
        assert_eq!(found[..3], expected, "{before}");
        assert_eq!(found[3], "n");
    }
}

#[test]
fn escapes_are_resolved_in_header_and_extension() {
    let line = r"CEF:0|ven\|dor|pro\\duct|1|2|na=me|Low|act=blocked a \= b request=C:\\x\y msg=one\ntwo url=http://x/?a=b&c=d e=f";
    let columns = [
        "observer_vendor",
        "observer_product",
        "cef_name",
        "cef_severity",
        "event_severity",
        "event_action",
        "url_original",
        "message",
        "url",
        "e",
    ];
    assert_eq!(
        shown(&format(), columns, line),
        [
            "ven|dor",
            r"pro\duct",
            "na=me",
            "Low",
            "-",
            "blocked a = b",
            r"C:\x\y",
            "one\ntwo",
            "http://x/?a=b&c=d",
            "f",
        ]
    );
}

#[test]
fn what_products_write_is_read() {
    let columns = ["observer_product", "event_action", "cs2", "event_severity"];
    // A field too many, a space behind the colon, no extension, empty values.
    for (line, expected) in [
        (
            "CEF:0||a|b|c|d|e|f|act=Accept cs2=x",
            ["a", "Accept", "x", "-"],
        ),
        (
            "CEF: 0|a|b|c|d|e|5|cs2= act=  Drop ",
            ["b", "Drop", "", "5"],
        ),
        ("CEF:0|a|b|c|d|e|5|", ["b", "-", "-", "5"]),
        ("CEF:0|a|b|c|d|e|5", ["b", "-", "-", "5"]),
        (
            "CEF:0|a|b|c|d|e|5| ad.field[0]=y act=x act=z",
            ["b", "x", "-", "5"],
        ),
    ] {
        assert_eq!(shown(&format(), columns, line), expected, "{line}");
    }
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        ("", "expected `CEF:`, found the end of the line"),
        (
            "LEEF:1.0|a",
            "expected `CEF:` at byte 0, found `LEEF:1.0|a`",
        ),
        (
            "CEF:0|a|b|c|d|e",
            "expected seven fields with `|` between them, found the end of the line",
        ),
        (
            "CEF:0|a|b|c|d|e|5|no key",
            "expected `key=value` behind the header at byte 18, found `no key`",
        ),
    ] {
        assert_eq!(
            values(&format(), &[], line),
            Err(expected.to_owned()),
            "{line}"
        );
    }
    let line = "CEF:0|a|b|c|d|e|5|spt=ssh rt=now";
    assert_eq!(shown(&format(), ["spt"], line), ["ssh"]);
    let wrong = values(&format(), &["source_port"], line);
    assert_eq!(
        wrong,
        Err("`source_port` is `ssh`, expected an integer".to_owned())
    );
    let wrong = values(&format(), &["timestamp"], line);
    assert_eq!(
        wrong,
        Err("`timestamp` is `now`, expected a time".to_owned())
    );
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        records in prop::collection::vec(
            r"(<13>|Oct 11 22:14:15 h )?(CEF: ?0)?(\|?[a-z\\]{0,3}){0,8}\|?([ |]?[a-z1\[]{0,3}[=\\] ?){0,6}\PC{0,5}",
            1..20,
        )
    ) {
        check_verdicts(&format(), &["timestamp", "host_name", "observer_vendor", "a", "message"], &records);
    }

    #[test]
    fn what_is_escaped_is_given_back(
        fields in prop::collection::vec("[ -~]{0,8}", 6),
        value in "[ -~]{0,20}",
        other in "[!-~]([ -~]{0,8}[!-~])?",
    ) {
        let field = |text: &str| text.replace('\\', r"\\").replace('|', r"\|");
        let extension = |text: &str| text.replace('\\', r"\\").replace('=', r"\=");
        let fields: Vec<String> = fields.iter().map(|text| field(text)).collect();
        let line = format!(
            "CEF:0|{}|msg={} one={}",
            fields.join("|"),
            extension(value.trim()),
            extension(&other)
        );
        let found = shown(&format(), ["message", "one"], &line);
        prop_assert_eq!(&found[0], value.trim());
        prop_assert_eq!(&found[1], &other);
    }
}
