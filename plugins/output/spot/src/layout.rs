//! Which columns Spot's results have, by the kind of traffic.

use arrow::datatypes::Schema;

/// A kind's result file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// `flow`, `dns`, `proxy`.
    pub kind: &'static str,
    /// The columns in front of the score.
    pub(crate) columns: &'static [&'static str],
    /// Whether the word stands in front of the score.
    pub(crate) has_word: bool,
}

const LAYOUTS: [Layout; 3] = [
    Layout {
        kind: "flow",
        columns: &[
            "treceived",
            "tryear",
            "trmonth",
            "trday",
            "trhour",
            "trminute",
            "trsec",
            "tdur",
            "sip",
            "dip",
            "sport",
            "dport",
            "proto",
            "ipkt",
            "ibyt",
            "opkt",
            "obyt",
        ],
        has_word: false,
    },
    Layout {
        kind: "dns",
        columns: &[
            "frame_time",
            "unix_tstamp",
            "frame_len",
            "ip_dst",
            "dns_qry_name",
            "dns_qry_class",
            "dns_qry_type",
            "dns_qry_rcode",
        ],
        has_word: false,
    },
    Layout {
        kind: "proxy",
        columns: &[
            "p_date",
            "p_time",
            "clientip",
            "host",
            "reqmethod",
            "useragent",
            "resconttype",
            "duration",
            "username",
            "webcat",
            "referer",
            "respcode",
            "uriport",
            "uripath",
            "uriquery",
            "serverip",
            "scbytes",
            "csbytes",
            "fulluri",
        ],
        has_word: true,
    },
];

impl Layout {
    /// By the kind's name.
    pub fn of_kind(kind: &str) -> Option<Self> {
        LAYOUTS.into_iter().find(|layout| layout.kind == kind)
    }

    /// Of findings that have all of its columns.
    pub(crate) fn of_findings(findings: &Schema) -> Option<Self> {
        let has = |name: &&str| findings.index_of(name).is_ok();
        LAYOUTS.into_iter().find(|layout| {
            let word = layout.has_word.then_some("word");
            layout.columns.iter().chain(word.iter()).all(has)
        })
    }

    /// What Spot writes in place of a value that is missing.
    pub(crate) fn default_of(column: &str) -> &'static str {
        match column {
            "dns_qry_class" => "unknown",
            "dns_qry_type" | "dns_qry_rcode" => "-1",
            "useragent" | "resconttype" => "-",
            _ => "null",
        }
    }
}
