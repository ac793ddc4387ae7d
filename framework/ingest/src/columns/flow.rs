//! Flows.

use super::{Columns, SECONDS, float, integer, table, text, time};

/// The columns that Zeek's and Suricata's connections have by shared names.
const SHARED: [(&str, &str); 18] = [
    ("treceived", "to_char(\"timestamp\", '%Y-%m-%d %H:%M:%S')"),
    ("unix_tstamp", SECONDS),
    ("tryear", "date_part('year', \"timestamp\")"),
    ("trmonth", "date_part('month', \"timestamp\")"),
    ("trday", "date_part('day', \"timestamp\")"),
    ("trhour", "date_part('hour', \"timestamp\")"),
    ("trminute", "date_part('minute', \"timestamp\")"),
    ("trsec", "floor(date_part('second', \"timestamp\"))"),
    ("sip", "source_ip"),
    ("dip", "destination_ip"),
    ("sport", "coalesce(source_port, 0)"),
    ("dport", "coalesce(destination_port, 0)"),
    ("proto", "upper(network_transport)"),
    ("ipkt", "coalesce(source_packets, 0)"),
    ("ibyt", "coalesce(source_bytes, 0)"),
    ("opkt", "coalesce(destination_packets, 0)"),
    ("obyt", "coalesce(destination_bytes, 0)"),
    ("rip", "CAST(NULL AS VARCHAR)"),
];

fn shared(
    own: Vec<arrow::datatypes::Field>,
    duration: &str,
    wanted: Option<&'static str>,
) -> Columns {
    let mut fields = vec![
        time("timestamp"),
        text("source_ip"),
        integer("source_port"),
        text("destination_ip"),
        integer("destination_port"),
        text("network_transport"),
        integer("source_packets"),
        integer("source_bytes"),
        integer("destination_packets"),
        integer("destination_bytes"),
    ];
    fields.extend(own);
    let mut table = table(&SHARED);
    table.push(("tdur".to_owned(), duration.to_owned()));
    Columns {
        fields,
        table,
        wanted,
        seconds: SECONDS,
    }
}

/// Zeek's `conn`: when a flow was received is when it began, the one time that all its logs have.
pub(super) fn zeek() -> Columns {
    shared(vec![float("tdur")], "tdur", None)
}

/// Suricata's events of flows: when a flow was received is when it was logged.
pub(super) fn eve() -> Columns {
    let own = vec![
        text("event_type"),
        time("event_start"),
        time("event_end"),
        text("tcp.tcp_flags"),
    ];
    // As integers: of the seconds since 1970 a float keeps no microseconds.
    let duration = "(CAST(event_end AS BIGINT) - CAST(event_start AS BIGINT)) / 1000000.0";
    let mut columns = shared(own, duration, Some("event_type = 'flow'"));
    let flags = ("flag".to_owned(), "tcp_flags(\"tcp.tcp_flags\")".to_owned());
    columns.table.push(flags);
    columns
}
