//! DNS answers. Who asked is `ip_dst`, as in the packet of an answer.

use super::{Columns, SECONDS, integer, table, text, time};

const FRAME_TIME: &str = "to_char(\"timestamp\", '%b %e %Y %H:%M:%S.%f UTC')";

/// A class as the packets' reader writes it.
const CLASS: &str =
    "CASE WHEN qclass IS NOT NULL THEN concat('0x', lpad(to_hex(qclass), 8, '0')) END";

/// Zeek's `dns`, a record for each question. It does not say how long a frame was: 0.
pub(super) fn zeek() -> Columns {
    Columns {
        fields: vec![
            time("timestamp"),
            text("source_ip"),
            text("destination_ip"),
            text("dns_question_name"),
            integer("qclass"),
            integer("qtype"),
            integer("rcode"),
            text("answers"),
        ],
        table: table(&[
            ("frame_time", FRAME_TIME),
            ("unix_tstamp", SECONDS),
            ("frame_len", "0"),
            ("ip_dst", "source_ip"),
            ("ip_src", "destination_ip"),
            ("dns_qry_name", "dns_question_name"),
            ("dns_qry_class", CLASS),
            ("dns_qry_type", "qtype"),
            ("dns_qry_rcode", "rcode"),
            ("dns_a", "first_address(answers)"),
        ]),
        wanted: None,
        seconds: SECONDS,
    }
}

/// Which end asked: Suricata's events have either end as their source, and a server's port is 53.
const SERVER_IS_SOURCE: &str = "coalesce(source_port = 53 AND destination_port <> 53, false)";

/// Suricata's events of DNS answers. Those of version 3 have the question in a list.
pub(super) fn eve() -> Columns {
    let name = "coalesce(dns_question_name, CASE WHEN \"dns.queries\" LIKE '%\"rrname\"%' THEN \
                regexp_replace(\"dns.queries\", '^.*?\"rrname\":\\s*\"([^\"]*)\".*$', '\\1') END)";
    let kind = "coalesce(dns_question_type, CASE WHEN \"dns.queries\" LIKE '%\"rrtype\"%' THEN \
                regexp_replace(\"dns.queries\", '^.*?\"rrtype\":\\s*\"([^\"]*)\".*$', '\\1') END)";
    let client = format!("CASE WHEN {SERVER_IS_SOURCE} THEN destination_ip ELSE source_ip END");
    let server = format!("CASE WHEN {SERVER_IS_SOURCE} THEN source_ip ELSE destination_ip END");
    let (kind, code) = (number_of_type(kind), number_of_code("dns_response_code"));
    let addresses = "concat_ws(' ', \"dns.rdata\", \"dns.grouped\", \"dns.answers\")";
    Columns {
        fields: vec![
            text("event_type"),
            text("dns.type"),
            time("timestamp"),
            text("source_ip"),
            integer("source_port"),
            text("destination_ip"),
            integer("destination_port"),
            text("dns_question_name"),
            text("dns_question_type"),
            text("dns_response_code"),
            text("dns.queries"),
            text("dns.rdata"),
            text("dns.grouped"),
            text("dns.answers"),
        ],
        table: table(&[
            ("frame_time", FRAME_TIME),
            ("unix_tstamp", SECONDS),
            ("frame_len", "0"),
            ("ip_dst", &client),
            ("ip_src", &server),
            ("dns_qry_name", name),
            ("dns_qry_type", &kind),
            ("dns_qry_rcode", &code),
            ("dns_a", &format!("first_address({addresses})")),
        ]),
        wanted: Some("event_type = 'dns' AND \"dns.type\" IN ('answer', 'response')"),
        seconds: SECONDS,
    }
}

/// Types of questions by name, of IANA's registry those that are seen; others are null.
const TYPES: [(&str, u32); 32] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("NULL", 10),
    ("WKS", 11),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AFSDB", 18),
    ("SIG", 24),
    ("KEY", 25),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("OPT", 41),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3", 50),
    ("TLSA", 52),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("AXFR", 252),
    ("ANY", 255),
    ("CAA", 257),
];

/// Response codes by name.
const CODES: [(&str, u32); 11] = [
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
];

fn number_of_type(sql: &str) -> String {
    numbers(sql, &TYPES)
}

fn number_of_code(sql: &str) -> String {
    numbers(sql, &CODES)
}

fn numbers(sql: &str, names: &[(&str, u32)]) -> String {
    let cases = names.iter();
    let cases: Vec<String> = cases
        .map(|(name, number)| format!("WHEN '{name}' THEN {number}"))
        .collect();
    format!("CASE upper({sql}) {} END", cases.join(" "))
}
