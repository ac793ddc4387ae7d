//! Messages as Cisco's reference lists them.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, shown, values};

fn format() -> Asa {
    let options = TimeOptions {
        year: Some(2026),
        timezone: None,
    };
    Asa::try_new(&options).unwrap()
}

const FLOW: [&str; 8] = [
    "event_code",
    "event_action",
    "network_transport",
    "source_ip",
    "source_port",
    "destination_ip",
    "destination_port",
    "observer_ingress_interface_name",
];

#[test]
fn messages_of_flows_give_both_ends() {
    for (line, expected) in [
        (
            r#"%ASA-4-106023: Deny tcp src outside:192.0.2.1/4711 dst inside:198.51.100.2/80 by access-group "outside_in" [0x0, 0x0]"#,
            [
                "106023",
                "Deny",
                "tcp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "80",
                "outside",
            ],
        ),
        (
            r#"%ASA-4-106023: Deny icmp src outside:192.0.2.1 dst inside:198.51.100.2 (type 8, code 0) by access-group "outside_in""#,
            [
                "106023",
                "Deny",
                "icmp",
                "192.0.2.1",
                "-",
                "198.51.100.2",
                "-",
                "outside",
            ],
        ),
        (
            "%ASA-3-106010: Deny inbound protocol 47 src outside:192.0.2.1 dst inside:198.51.100.2",
            [
                "106010",
                "Deny",
                "gre",
                "192.0.2.1",
                "-",
                "198.51.100.2",
                "-",
                "outside",
            ],
        ),
        (
            "%ASA-2-106001: Inbound TCP connection denied from 192.0.2.1/901 to 198.51.100.2/111 flags SYN  on interface LAN",
            [
                "106001",
                "denied",
                "tcp",
                "192.0.2.1",
                "901",
                "198.51.100.2",
                "111",
                "LAN",
            ],
        ),
        (
            "%ASA-6-106015: Deny TCP (no connection) from 2001:db8::1/4711 to 2001:db8::2/443 flags FIN ACK on interface dmz",
            [
                "106015",
                "Deny",
                "tcp",
                "2001:db8::1",
                "4711",
                "2001:db8::2",
                "443",
                "dmz",
            ],
        ),
        (
            "%ASA-6-106100: access-list acl-1 permitted udp inside/192.0.2.1(42592) -> outside/2001:db8::2(161) hit-cnt 1 first hit [0x1, 0x2]",
            [
                "106100",
                "permitted",
                "udp",
                "192.0.2.1",
                "42592",
                "2001:db8::2",
                "161",
                "inside",
            ],
        ),
        (
            "%ASA-6-302013: Built inbound TCP connection 9 for outside:192.0.2.1/4711 (192.0.2.1/4711) to dmz:198.51.100.2/443 (203.0.113.2/443)",
            [
                "302013",
                "Built",
                "tcp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "443",
                "outside",
            ],
        ),
        (
            "%ASA-6-302013: Built outbound TCP connection 9 for outside:198.51.100.2/443 (198.51.100.2/443) to inside:192.0.2.1/4711 (203.0.113.1/4711)",
            [
                "302013",
                "Built",
                "tcp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "443",
                "inside",
            ],
        ),
        (
            "%FTD-6-302016: Teardown UDP connection 9 for outside:2001:db8::1/53 to inside:192.0.2.1/4711 duration 1:02:03 bytes 77",
            [
                "302016",
                "Teardown",
                "udp",
                "2001:db8::1",
                "53",
                "192.0.2.1",
                "4711",
                "outside",
            ],
        ),
        (
            "%ASA-6-302020: Built outbound ICMP connection for faddr 198.51.100.2/0 gaddr 203.0.113.1/1 laddr 192.0.2.1/1 type 8 code 0",
            [
                "302020",
                "Built",
                "icmp",
                "192.0.2.1",
                "1",
                "198.51.100.2",
                "0",
                "-",
            ],
        ),
        (
            "%ASA-6-305011: Built dynamic TCP translation from inside:192.0.2.1/4711 to outside:203.0.113.1/4711",
            [
                "305011",
                "Built",
                "tcp",
                "192.0.2.1",
                "4711",
                "203.0.113.1",
                "4711",
                "inside",
            ],
        ),
        (
            "%ASA-3-313001: Denied ICMP type=8, code=0 from 192.0.2.1 on interface outside",
            [
                "313001",
                "Denied",
                "icmp",
                "192.0.2.1",
                "-",
                "-",
                "-",
                "outside",
            ],
        ),
        (
            "%ASA-3-710003: TCP access denied by ACL from 192.0.2.1/4711 to outside:198.51.100.2/https",
            [
                "710003",
                "denied",
                "tcp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "443",
                "-",
            ],
        ),
        (
            "%ASA-7-710005: UDP request discarded from 192.0.2.1/4711 to outside:198.51.100.2/no-such-service",
            [
                "710005",
                "discarded",
                "udp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "-",
                "-",
            ],
        ),
        (
            "%FTD-1-430003: EventPriority: Low, SrcIP: 192.0.2.1, DstIP: 198.51.100.2, SrcPort: 4711, DstPort: 53, Protocol: udp, IngressInterface: LAN, AccessControlRuleAction: Allow",
            [
                "430003",
                "Allow",
                "udp",
                "192.0.2.1",
                "4711",
                "198.51.100.2",
                "53",
                "LAN",
            ],
        ),
        (
            "%ASA-5-111008: User 'admin' executed the 'write' command.",
            ["111008", "-", "-", "-", "-", "-", "-", "-"],
        ),
        (
            "%ASA-4-106023: Deny in words that are not those of the list",
            ["106023", "-", "-", "-", "-", "-", "-", "-"],
        ),
    ] {
        assert_eq!(shown(&format(), FLOW, line), expected, "{line}");
    }
}

#[test]
fn messages_give_what_else_they_say() {
    let teardown = "%ASA-6-302014: Teardown TCP connection 9 for outside:192.0.2.1/4711(LOCAL\\alice) to dmz:198.51.100.2/443 duration 0:10:06 bytes 4666 TCP FINs from dmz";
    let built = "%ASA-6-302013: Built outbound TCP connection 9 for outside:198.51.100.2/443 (198.51.100.2/443) to inside:192.0.2.1/4711 (203.0.113.1/4711) (bob)";
    let denied = r#"%ASA-4-106023: Deny icmp src outside:192.0.2.1 dst inside:198.51.100.2 (type 8, code 0) by access-group "outside_in""#;
    let flags = "%ASA-6-106015: Deny TCP (no connection) from 192.0.2.1/1 to 192.0.2.2/2 flags FIN ACK on interface dmz";
    let command = "%ASA-5-111010: User 'dan', running 'CLI' from IP 192.0.2.1, executed 'write'";
    let vpn =
        "%ASA-6-722023: Group <staff> User <carol> IP <192.0.2.1> UDP SVC connection terminated";
    let ftd = "%FTD-1-430003: SrcIP: 192.0.2.1, URL: http://x/a, b, AccessControlRuleName: Default, deny, SrcPort: ";
    for (line, column, expected) in [
        (teardown, "event_duration", "606000000000"),
        (teardown, "network_bytes", "4666"),
        (teardown, "event_reason", "TCP FINs from dmz"),
        (teardown, "user_name", "LOCAL\\alice"),
        (teardown, "connection_id", "9"),
        (teardown, "observer_egress_interface_name", "dmz"),
        (teardown, "log_syslog_severity_code", "6"),
        (teardown, "observer_product", "ASA"),
        (built, "network_direction", "outbound"),
        (built, "source_nat_ip", "203.0.113.1"),
        (built, "source_nat_port", "4711"),
        (built, "destination_nat_ip", "198.51.100.2"),
        (denied, "rule_name", "outside_in"),
        (denied, "icmp_type", "8"),
        (denied, "icmp_code", "0"),
        (flags, "tcp_flags", "FIN ACK"),
        (flags, "event_reason", "no connection"),
        (command, "user_name", "dan"),
        (vpn, "user_name", "carol"),
        (vpn, "source_ip", "192.0.2.1"),
        (ftd, "rule_name", "Default, deny"),
        (ftd, "URL", "http://x/a, b"),
        (ftd, "source_port", "-"),
    ] {
        assert_eq!(
            shown(&format(), [column], line),
            [expected],
            "{column}: {line}"
        );
    }
}

#[test]
fn a_user_stands_right_behind_the_port() {
    for (behind, user) in [
        ("(u)", "u"),
        ("\u{e9}(u)", "-"),
        ("(", "-"),
        ("()", "-"),
        ("", "-"),
    ] {
        let line = format!(
            "%ASA-6-106100: access-list a permitted udp in/192.0.2.1(5){behind} -> out/192.0.2.2(6) hit-cnt 1"
        );
        let found = shown(&format(), ["user_name", "source_port"], &line);
        assert_eq!(found, [user, "5"], "{line}");
    }
}

#[test]
fn a_syslog_header_may_be_of_any_kind_or_missing() {
    let columns = ["timestamp", "host_name", "log_syslog_priority", "message"];
    for (before, expected) in [
        ("", ["-", "-", "-"]),
        ("<166>", ["-", "-", "166"]),
        (
            "<166>Oct 11 2025 22:14:15: ",
            ["2025-10-11T22:14:15Z", "-", "166"],
        ),
        (
            "<166>Oct 11 2025 22:14:15 fw : ",
            ["2025-10-11T22:14:15Z", "fw", "166"],
        ),
        (
            "<166>:Oct 11 22:14:15 UTC: ",
            ["2026-10-11T22:14:15Z", "-", "166"],
        ),
        (
            "Oct 11 22:14:15 192.0.2.1 ",
            ["2026-10-11T22:14:15Z", "192.0.2.1", "-"],
        ),
        (
            "<166>2026-10-11T22:14:15Z fw : ",
            ["2026-10-11T22:14:15Z", "fw", "166"],
        ),
        (
            "<166>1 2026-10-11T22:14:15Z fw - - - - ",
            ["2026-10-11T22:14:15Z", "fw", "166"],
        ),
        (
            "Oct 11 22:14:15 relay 100% sure: ",
            ["2026-10-11T22:14:15Z", "relay", "-"],
        ),
    ] {
        for tag in ["%ASA-6-199001", "%ASA-session-6-199001"] {
            let found = shown(&format(), columns, &format!("{before}{tag}: a message"));
            assert_eq!(found[..3], expected, "{before}{tag}");
            assert_eq!(found[3], "a message");
        }
    }
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        ("", "expected `%ASA-LEVEL-ID:`, found the end of the line"),
        (
            "%ASA-9-302013: x",
            "expected `%ASA-LEVEL-ID:` at byte 0, found `%ASA-9-302013: x`",
        ),
        (
            "%ASA-6-30201: x",
            "expected `%ASA-LEVEL-ID:` at byte 0, found `%ASA-6-30201: x`",
        ),
        (
            "%SYS-5-CONFIG_I: x",
            "expected `%ASA-LEVEL-ID:` at byte 0, found `%SYS-5-CONFIG_I: x`",
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
fn every_hole_of_the_list_has_a_name_and_room() {
    for (_, text) in messages::MESSAGES {
        let holes = text.matches('{').count();
        assert!(holes <= 16 && holes == text.matches('}').count(), "{text}");
        for hole in text.split('{').skip(1) {
            let name = hole
                .split(['}', ':'])
                .next()
                .unwrap()
                .trim_start_matches('*');
            let is_known = name == "_" || template::is_known(name);
            assert!(is_known, "`{name}` of `{text}`");
        }
    }
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        message in prop::sample::select(messages::MESSAGES.to_vec()),
        fillings in prop::collection::vec(
            r"[a-z0-9:/.()é]{0,9}|outside:192\.0\.2\.1/80(\(u\))?|in/::1\(53\)[é(]?(\(u\))?|[0-9:]{1,9}", 16),
        cut in 0usize..200,
    ) {
        let id = message.0.first().copied().unwrap_or(722_051);
        let mut fillings = fillings.iter();
        let mut text = String::new();
        for part in message.1.split('{') {
            match part.split_once('}') {
                Some((hole, behind)) => {
                    text += hole.split_once(':').map_or_else(|| fillings.next().unwrap().as_str(), |(_, stated)| stated);
                    text += behind;
                }
                None => text += part,
            }
        }
        let whole = format!("%ASA-6-{id}: {text}");
        let cut: String = whole.chars().take(cut).collect();
        let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
        check_verdicts(&format(), &known, &[whole.as_str(), &cut]);
        // No number of a message makes a line invalid.
        prop_assert!(values(&format(), &known[2..], &whole).is_ok(), "{}", whole);
    }
}
