//! The three kinds of traffic and the columns of their records, named as Apache Spot names them.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

/// What the records are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Network flows: each has a document for its source and one for its destination.
    Flow,
    /// DNS answers; the document is who asked.
    Dns,
    /// Requests to a web proxy; the document is who asked.
    Proxy,
}

use ColumnKind::{Float, Integer, Text};

#[derive(Clone, Copy)]
enum ColumnKind {
    Text,
    Integer,
    Float,
}

/// A column: its name and type.
type Column = (&'static str, ColumnKind);

const FLOW: [Column; 17] = [
    ("treceived", Text),
    ("tryear", Integer),
    ("trmonth", Integer),
    ("trday", Integer),
    ("trhour", Integer),
    ("trminute", Integer),
    ("trsec", Integer),
    ("tdur", Float),
    ("sip", Text),
    ("dip", Text),
    ("sport", Integer),
    ("dport", Integer),
    ("proto", Text),
    ("ipkt", Integer),
    ("ibyt", Integer),
    ("opkt", Integer),
    ("obyt", Integer),
];

const DNS: [Column; 8] = [
    ("frame_time", Text),
    ("unix_tstamp", Integer),
    ("frame_len", Integer),
    ("ip_dst", Text),
    ("dns_qry_name", Text),
    ("dns_qry_class", Text),
    ("dns_qry_type", Integer),
    ("dns_qry_rcode", Integer),
];

const PROXY: [Column; 19] = [
    ("p_date", Text),
    ("p_time", Text),
    ("clientip", Text),
    ("host", Text),
    ("reqmethod", Text),
    ("useragent", Text),
    ("resconttype", Text),
    ("duration", Integer),
    ("username", Text),
    ("webcat", Text),
    ("referer", Text),
    ("respcode", Text),
    ("uriport", Text),
    ("uripath", Text),
    ("uriquery", Text),
    ("serverip", Text),
    ("scbytes", Integer),
    ("csbytes", Integer),
    ("fulluri", Text),
];

impl Kind {
    /// Its name: `flow`, `dns`, `proxy`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Flow => "flow",
            Kind::Dns => "dns",
            Kind::Proxy => "proxy",
        }
    }

    /// Its columns, in the order of Spot's results.
    pub fn columns(self) -> Vec<Field> {
        let columns: &[Column] = match self {
            Kind::Flow => &FLOW,
            Kind::Dns => &DNS,
            Kind::Proxy => &PROXY,
        };
        let field = |(name, kind): &Column| {
            let data_type = match kind {
                Text => DataType::Utf8View,
                Integer => DataType::Int64,
                Float => DataType::Float64,
            };
            Field::new(*name, data_type, true)
        };
        columns.iter().map(field).collect()
    }

    /// The columns that tell a record's time, the first to be looked at first.
    pub(crate) fn time_columns(self) -> &'static [&'static str] {
        match self {
            Kind::Flow => &["treceived"],
            Kind::Dns => &["unix_tstamp"],
            Kind::Proxy => &["p_date", "p_time"],
        }
    }
}
