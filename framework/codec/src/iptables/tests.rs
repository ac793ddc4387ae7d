//! Packets as kernels and front ends log them.

use proptest::prelude::*;

use super::*;
use crate::testing::{check_verdicts, shown, values};

fn format() -> Iptables {
    let options = TimeOptions {
        year: Some(2026),
        timezone: None,
    };
    Iptables::try_new(&options).unwrap()
}

const MAC: &str = "MAC=00:00:5e:00:53:01:00:00:5e:00:53:02:08:00";

#[test]
fn a_packet_gives_its_columns() {
    let line = format!(
        "Oct 11 22:14:15 fw kernel: [  997.390602] [UFW BLOCK] IN=eth0 OUT= {MAC} SRC=192.0.2.1 DST=198.51.100.2 LEN=60 TOS=0x00 PREC=0x00 TTL=49 ID=1 DF PROTO=TCP SPT=4711 DPT=22 WINDOW=29200 RES=0x00 ACK SYN URGP=0 MARK=0x1"
    );
    for (column, expected) in [
        ("timestamp", "2026-10-11T22:14:15Z"),
        ("host_name", "fw"),
        ("netfilter_prefix", "[UFW BLOCK]"),
        ("event_action", "BLOCK"),
        ("observer_ingress_interface_name", "eth0"),
        ("observer_egress_interface_name", "-"),
        ("destination_mac", "00:00:5e:00:53:01"),
        ("source_mac", "00:00:5e:00:53:02"),
        ("source_ip", "192.0.2.1"),
        ("destination_ip", "198.51.100.2"),
        ("network_bytes", "60"),
        ("network_transport", "tcp"),
        ("source_port", "4711"),
        ("destination_port", "22"),
        ("tcp_flags", "ACK SYN"),
        ("TTL", "49"),
        ("DF", "true"),
        ("SYN", "true"),
        ("MARK", "0x1"),
        ("RST", "-"),
    ] {
        assert_eq!(shown(&format(), [column], &line), [expected], "{column}");
    }
}

#[test]
fn the_packet_in_an_icmp_error_is_not_looked_at() {
    let line = "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=88 PROTO=ICMP TYPE=3 CODE=1 [SRC=198.51.100.1 DST=198.51.100.2 LEN=60 PROTO=TCP SPT=1 DPT=2 ]";
    let columns = [
        "source_ip",
        "network_transport",
        "icmp_type",
        "icmp_code",
        "source_port",
        "SPT",
    ];
    assert_eq!(
        shown(&format(), columns, line),
        ["192.0.2.1", "icmp", "3", "1", "-", "-"]
    );
}

#[test]
fn the_prefix_may_be_anything_and_says_what_was_done() {
    let columns = ["netfilter_prefix", "event_action", "host_name"];
    let packet = "IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP";
    for (before, expected) in [
        ("", ["-", "-", "-"]),
        ("IPTABLES ", ["IPTABLES", "-", "-"]),
        ("a->b Dropped: ", ["a->b Dropped:", "Dropped", "-"]),
        (
            "Shorewall:net-fw:REJECT:",
            ["Shorewall:net-fw:REJECT:", "REJECT", "-"],
        ),
        (
            "<4>Oct 11 22:14:15 fw kernel: FINAL_REJECT: ",
            ["FINAL_REJECT:", "REJECT", "fw"],
        ),
        (
            "2026-10-11T22:14:15+00:00 fw kernel: [12.5] denied ",
            ["denied", "denied", "fw"],
        ),
        ("Oct 11 22:14:15 fw DROP: ", ["DROP:", "DROP", "fw"]),
        ("Oct 11 22:14:15 fw ulogd[7]: DROP ", ["DROP", "DROP", "fw"]),
        ("<4>[12.5] IN=x ", ["IN=x", "-", "-"]),
    ] {
        assert_eq!(
            shown(&format(), columns, &format!("{before}{packet}")),
            expected,
            "{before}"
        );
    }
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    for (line, expected) in [
        ("", "expected `IN=… OUT=…`, found the end of the line"),
        (
            "SRC=192.0.2.1 OUT=",
            "expected `IN=… OUT=…` at byte 0, found `SRC=192.0.2.1 OUT=`",
        ),
        (
            "IN=a b OUT=c",
            "expected `IN=… OUT=…` at byte 0, found `IN=a b OUT=c`",
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
            r"(<13>|Oct 11 22:14:15 h )?(\[[0-9. ]{0,5}\] ?)?[A-Z\[\] ]{0,8}(IN=[a-z]{0,3} ?)?( OUT= )?((MAC|SRC|SPT|ACK|\[)=?[0-9a-f:é]{0,50} ?){0,5}",
            1..20,
        )
    ) {
        check_verdicts(&format(), &["timestamp", "source_mac", "event_action", "netfilter_prefix", "SPT"], &records);
    }

    #[test]
    fn a_packet_made_of_its_parts_gives_them_back(
        prefix in "[A-Za-z]{1,9}",
        source in any::<std::net::IpAddr>(),
        port in any::<u16>(),
        len in any::<u16>(),
    ) {
        let line = format!("<4>Oct 11 22:14:15 fw kernel: {prefix}: IN=a OUT=b SRC={source} DST=:: LEN={len} PROTO=UDP SPT={port} DPT=53 LEN=8");
        let columns = ["netfilter_prefix", "source_ip", "source_port", "network_bytes"];
        let expected = [format!("{prefix}:"), source.to_string(), port.to_string(), len.to_string()];
        prop_assert_eq!(shown(&format(), columns, &line), expected);
    }
}
