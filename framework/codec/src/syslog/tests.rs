//! Lines of both standards and of what programs write.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, decode_text, shown, values};

const COLUMNS: [&str; 6] = [
    "timestamp",
    "host_name",
    "process_name",
    "process_pid",
    "log_syslog_priority",
    "message",
];

fn format() -> Syslog {
    let options = TimeOptions {
        year: Some(2026),
        timezone: None,
    };
    Syslog::try_new(&options).unwrap()
}

#[test]
fn lines_of_rfc_3164_with_their_variants() {
    for (line, expected) in [
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            [
                "2026-10-11T22:14:15Z",
                "mymachine",
                "su",
                "-",
                "34",
                "'su root' failed",
            ],
        ),
        (
            "Oct  1 22:14:15 web-1 sshd[42]:  two spaces",
            [
                "2026-10-01T22:14:15Z",
                "web-1",
                "sshd",
                "42",
                "-",
                " two spaces",
            ],
        ),
        (
            "Oct  1 22:14:15 web-1 sshd(pam_unix)[42]: x",
            [
                "2026-10-01T22:14:15Z",
                "web-1",
                "sshd(pam_unix)",
                "42",
                "-",
                "x",
            ],
        ),
        (
            "Oct  1 22:14:15.25 web-1 Job `cron.daily' terminated",
            [
                "2026-10-01T22:14:15.250Z",
                "web-1",
                "-",
                "-",
                "-",
                "Job `cron.daily' terminated",
            ],
        ),
        (
            "<13>2024-02-29T23:59:59.5+01:00 ::1 app[x-1]: y",
            ["2024-02-29T22:59:59.500Z", "::1", "app", "-", "13", "y"],
        ),
        (
            "Oct  1 22:14:15: --- last message repeated 5 times ---",
            [
                "2026-10-01T22:14:15Z",
                "-",
                "-",
                "-",
                "-",
                "--- last message repeated 5 times ---",
            ],
        ),
        (
            "<6>Oct  1 22:14:15 kernel: [997.3] sda2: rw=0",
            [
                "2026-10-01T22:14:15Z",
                "-",
                "kernel",
                "-",
                "6",
                "[997.3] sda2: rw=0",
            ],
        ),
        (
            "Oct  1 22:14:15 mac daemon[7] <Info>: hello",
            [
                "2026-10-01T22:14:15Z",
                "mac",
                "daemon",
                "7",
                "-",
                "<Info>: hello",
            ],
        ),
        (
            "Oct  1 22:14:15 <auth.info> bsd sshd[7]: hello",
            ["2026-10-01T22:14:15Z", "bsd", "sshd", "7", "38", "hello"],
        ),
        (
            "<187>*Oct  1 2025 22:14:15.120 CEST: %SYS-5-CONFIG_I: Configured",
            [
                "2025-10-01T20:14:15.120Z",
                "-",
                "%SYS-5-CONFIG_I",
                "-",
                "187",
                "Configured",
            ],
        ),
        (
            "<189>17: sw-1: .Oct 21 2026 05:12:05.185 PDT: %SYS-5-CONFIG_P: by x",
            [
                "2026-10-21T12:12:05.185Z",
                "sw-1",
                "%SYS-5-CONFIG_P",
                "-",
                "189",
                "by x",
            ],
        ),
        (
            "<189>17: Oct 21 2026 05:12:05: %SYS-5-CONFIG_P: by x",
            [
                "2026-10-21T05:12:05Z",
                "-",
                "%SYS-5-CONFIG_P",
                "-",
                "189",
                "by x",
            ],
        ),
        ("<0>x", ["-", "-", "-", "-", "0", "x"]),
        ("<0>", ["-", "-", "-", "-", "0", ""]),
        ("<5>su[1]", ["-", "-", "su", "1", "5", ""]),
        (
            "<5>http://example.com/ [x y]",
            ["-", "-", "-", "-", "5", "http://example.com/ [x y]"],
        ),
    ] {
        assert_eq!(shown(&format(), COLUMNS, line), expected, "{line}");
    }
}

#[test]
fn lines_of_rfc_5424_give_their_structured_data() {
    let line = r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 17 ID47 [exampleSDID@32473 iut="3" eventSource="Appli\"ca\]tion" eventID="1011"][examplePriority@32473.1 class="high" iut="4"] BOMAn entry"#;
    let line = line.replace("BOM", "\u{FEFF}");
    let columns = [
        "timestamp",
        "host_name",
        "process_name",
        "process_pid",
        "log_syslog_msgid",
        "log_syslog_version",
        "message",
        "iut",
        "exampleSDID@32473.eventSource",
        "examplePriority@32473.1.iut",
        "other",
    ];
    assert_eq!(
        shown(&format(), columns, &line),
        [
            "2003-10-11T22:14:15.003Z",
            "mymachine.example.com",
            "evntslog",
            "17",
            "ID47",
            "1",
            "An entry",
            "3",
            "Appli\"ca]tion",
            "4",
            "-",
        ]
    );
    let nil = [
        "timestamp",
        "host_name",
        "log_syslog_structured_data",
        "message",
    ];
    assert_eq!(
        shown(&format(), nil, "<13>1 - - - - - -"),
        ["-", "-", "-", ""]
    );
    assert_eq!(
        shown(&format(), nil, "<13>1 - - - - - - a"),
        ["-", "-", "-", "a"]
    );
    assert_eq!(
        shown(&format(), nil, "<13>1 - h a - - [x]"),
        ["-", "h", "[x]", ""]
    );
}

#[test]
fn a_priority_is_a_facility_and_a_severity() {
    let columns = [
        "log_syslog_facility_code",
        "log_syslog_facility_name",
        "log_syslog_severity_code",
        "log_syslog_severity_name",
    ];
    assert_eq!(
        shown(&format(), columns, "<34>x"),
        ["4", "auth", "2", "crit"]
    );
    assert_eq!(
        shown(&format(), columns, "<191>x"),
        ["23", "local7", "7", "debug"]
    );
    // As text, too, as a filter asks for it.
    let decoded = decode_text(&format(), &["log_syslog_priority"], &["<34>x", "<0>x"]);
    assert_eq!(
        crate::testing::texts(&decoded.rows, 0),
        [Some("34"), Some("0")]
    );
}

#[test]
fn an_octet_count_is_passed_over_if_it_is_right() {
    let message = "<13>1 - - - - - - caf\u{e9}";
    for cut_off in [0, 1] {
        let line = format!("{} {message}", message.len() + cut_off);
        assert_eq!(shown(&format(), ["message"], &line), ["caf\u{e9}"]);
    }
    assert_eq!(
        values(&format(), &["message"], &format!("99 {message}")),
        Err("expected a count of the octets behind it at byte 0, found `99 <13>1 - - - - - - caf\u{e9}`".to_owned())
    );
}

#[test]
fn a_time_without_a_year_matters_only_if_it_is_asked_for() {
    let format = Syslog::try_new(&TimeOptions::default()).unwrap();
    let line = "Oct 11 22:14:15 web-1 su: x";
    assert_eq!(shown(&format, ["message"], line), ["x"]);
    assert_eq!(
        values(&format, &["timestamp"], line),
        Err(
            "`timestamp` is `Oct 11 22:14:15`, a time without a year; set `year` in `[codec]`"
                .to_owned()
        )
    );
    // As text it is what stands there.
    let decoded = decode_text(&format, &["timestamp"], &[line]);
    assert_eq!(
        crate::testing::texts(&decoded.rows, 0),
        [Some("Oct 11 22:14:15")]
    );
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        (
            "",
            "expected a priority in `<>` or a time, found the end of the line",
        ),
        (
            "MMM 22 07:54:32 h x",
            "expected a priority in `<>` or a time at byte 0, found `MMM 22 07:54:32 h x`",
        ),
        (
            "<192>x",
            "expected a priority from 0 to 191 in `<>` at byte 0, found `<192>x`",
        ),
        (
            "<>x",
            "expected a priority from 0 to 191 in `<>` at byte 0, found `<>x`",
        ),
        (
            "<13>1 - h",
            "expected an application or `-`, found the end of the line",
        ),
        (
            "<13>1 2026-99 h a - - - x",
            "expected a time of RFC 3339 or `-` at byte 6, found `2026-99 h a - - - x`",
        ),
        (
            "<13>1 - h a - - x",
            "expected structured data or `-` at byte 16, found `x`",
        ),
        (
            "<13>1 - h a - - -x",
            "expected a space behind the structured data at byte 17, found `x`",
        ),
        (
            "<13>1 - h a - - [id k=\"v] x",
            "expected the end of a value, found the end of the line",
        ),
        (
            "<13>1 - h a - - [id k=v] x",
            "expected `=` and a value in quotes at byte 21, found `=v] x`",
        ),
        (
            "<13>1 - h a - - [] x",
            "expected the name of an element at byte 17, found `] x`",
        ),
    ] {
        assert_eq!(
            values(&format(), &[], line),
            Err(expected.to_owned()),
            "{line}"
        );
    }
}

#[test]
fn every_format_with_such_a_header_has_its_options() {
    use datashark_sdk::conf::Section;
    for name in ["syslog", "cef", "leef", "logfmt", "iptables", "asa"] {
        let wrong = |key: &str, value: &str| {
            let options = Section::from_iter([(key, value)]);
            crate::registry::format(name, &options, &crate::registry::no_files)
                .unwrap_err()
                .0[0]
                .to_string()
        };
        let unknown = wrong("timezone", "Europe/Pari");
        assert_eq!(
            unknown,
            "timezone: unknown time zone `Europe/Pari`, did you mean `Europe/Paris`?"
        );
        assert_eq!(
            wrong("year", "1066"),
            "year: `year` is not between 1970 and 9999"
        );
        assert!(
            wrong("yaer", "2026").contains("did you mean `year`?"),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        records in prop::collection::vec(
            r#"([0-9]{1,2} )?(<[0-9]{0,3}>)?(1 )?(-|Oct +[0-9]{1,2} ([0-9]{4} )?22:14:15(\.[0-9]{0,3})?( CET)?|2003-10-11T22:14:15(\.003)?(Z|\+02:00)?)?:? ?([a-z:\[\]1-]{0,5} ?){0,4}(-|\[[a-z@ ]{0,3}( [a-z]="[a-z\\"\]]{0,4}")?\])? ?\PC{0,9}"#,
            1..20,
        )
    ) {
        check_verdicts(&format(), &["timestamp", "host_name", "process_name", "message", "a", "x.a"], &records);
    }

    #[test]
    fn a_line_made_of_its_parts_gives_them_back(
        priority in 0..=191i64,
        host in "[a-z0-9.-]{1,12}",
        process in "[a-zA-Z0-9_/-]{1,12}",
        pid in 0..100_000i64,
        value in r#"[ -~]{0,12}"#,
        message in "[ -~]{0,40}",
    ) {
        prop_assume!(host != "-" && process != "-");
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        let new = format!(
            "<{priority}>1 2026-10-11T22:14:15Z {host} {process} {pid} - [a@1 k=\"{escaped}\"] {message}"
        );
        let old = format!("<{priority}>Oct 11 22:14:15 {host} {process}[{pid}]: {message}");
        let expected = [
            "2026-10-11T22:14:15Z".to_owned(),
            host,
            process,
            pid.to_string(),
            priority.to_string(),
            message,
        ];
        prop_assert_eq!(shown(&format(), COLUMNS, &new), expected.clone());
        prop_assert_eq!(shown(&format(), COLUMNS, &old), expected);
        prop_assert_eq!(shown(&format(), ["k"], &new), [value.clone()]);
        prop_assert_eq!(shown(&format(), ["a@1.k"], &new), [value]);
    }
}
