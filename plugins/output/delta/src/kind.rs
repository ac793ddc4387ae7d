//! The three kinds of traffic and the columns of their tables, named as Apache Spot names them.
//!
//! Integers are wide where Spot's are too small for what they count (bytes, AS numbers), and the
//! partition columns are numbers for all three.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// The columns that partition every table: year, month, day and hour of the event, in UTC.
pub const PARTITIONS: [&str; 4] = ["y", "m", "d", "h"];

/// What the records of a table are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Network flows.
    Flow,
    /// DNS answers.
    Dns,
    /// Requests to a web proxy or server.
    Proxy,
}

/// A column: its name and type.
type Column = (&'static str, DataType);

const FLOW: [Column; 28] = [
    ("treceived", DataType::Utf8),
    ("unix_tstamp", DataType::Int64),
    ("tryear", DataType::Int32),
    ("trmonth", DataType::Int32),
    ("trday", DataType::Int32),
    ("trhour", DataType::Int32),
    ("trminute", DataType::Int32),
    ("trsec", DataType::Int32),
    ("tdur", DataType::Float64),
    ("sip", DataType::Utf8),
    ("dip", DataType::Utf8),
    ("sport", DataType::Int32),
    ("dport", DataType::Int32),
    ("proto", DataType::Utf8),
    ("flag", DataType::Utf8),
    ("fwd", DataType::Int32),
    ("stos", DataType::Int32),
    ("ipkt", DataType::Int64),
    ("ibyt", DataType::Int64),
    ("opkt", DataType::Int64),
    ("obyt", DataType::Int64),
    ("input", DataType::Int64),
    ("output", DataType::Int64),
    ("sas", DataType::Int64),
    ("das", DataType::Int64),
    ("dtos", DataType::Int32),
    ("dir", DataType::Int32),
    ("rip", DataType::Utf8),
];

const DNS: [Column; 10] = [
    ("frame_time", DataType::Utf8),
    ("unix_tstamp", DataType::Int64),
    ("frame_len", DataType::Int32),
    ("ip_dst", DataType::Utf8),
    ("ip_src", DataType::Utf8),
    ("dns_qry_name", DataType::Utf8),
    ("dns_qry_class", DataType::Utf8),
    ("dns_qry_type", DataType::Int32),
    ("dns_qry_rcode", DataType::Int32),
    ("dns_a", DataType::Utf8),
];

const PROXY: [Column; 28] = [
    ("p_date", DataType::Utf8),
    ("p_time", DataType::Utf8),
    ("clientip", DataType::Utf8),
    ("host", DataType::Utf8),
    ("reqmethod", DataType::Utf8),
    ("useragent", DataType::Utf8),
    ("resconttype", DataType::Utf8),
    ("duration", DataType::Int64),
    ("username", DataType::Utf8),
    ("authgroup", DataType::Utf8),
    ("exceptionid", DataType::Utf8),
    ("filterresult", DataType::Utf8),
    ("webcat", DataType::Utf8),
    ("referer", DataType::Utf8),
    ("respcode", DataType::Utf8),
    ("action", DataType::Utf8),
    ("urischeme", DataType::Utf8),
    ("uriport", DataType::Utf8),
    ("uripath", DataType::Utf8),
    ("uriquery", DataType::Utf8),
    ("uriextension", DataType::Utf8),
    ("serverip", DataType::Utf8),
    ("scbytes", DataType::Int64),
    ("csbytes", DataType::Int64),
    ("virusid", DataType::Utf8),
    ("bcappname", DataType::Utf8),
    ("bcappoper", DataType::Utf8),
    ("fulluri", DataType::Utf8),
];

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Flow, Kind::Dns, Kind::Proxy];

    /// Its name, which is its table's: `flow`, `dns`, `proxy`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Flow => "flow",
            Kind::Dns => "dns",
            Kind::Proxy => "proxy",
        }
    }

    /// The kind of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The columns of its table without those that partition it; all may be null.
    pub fn columns(self) -> SchemaRef {
        let columns: &[Column] = match self {
            Kind::Flow => &FLOW,
            Kind::Dns => &DNS,
            Kind::Proxy => &PROXY,
        };
        let field = |(name, data_type): &Column| Field::new(*name, data_type.clone(), true);
        Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The columns of its table, those that partition it last.
    pub fn table_columns(self) -> SchemaRef {
        with_partitions(&self.columns())
    }
}

/// Columns, and behind them those that partition a table.
pub fn with_partitions(columns: &Schema) -> SchemaRef {
    let fields = columns.fields().iter().cloned();
    let partitions = partition_fields().into_iter().map(Arc::new);
    Arc::new(Schema::new(fields.chain(partitions).collect::<Vec<_>>()))
}

/// The columns that partition a table: `smallint` and three times `tinyint`, as Spot has them.
pub(crate) fn partition_fields() -> [Field; 4] {
    PARTITIONS.map(|name| {
        let data_type = match name {
            "y" => DataType::Int16,
            _ => DataType::Int8,
        };
        Field::new(name, data_type, true)
    })
}
