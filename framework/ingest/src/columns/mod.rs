//! How the records of each format become rows of each table: a SQL expression for each column.
//!
//! Of columns that several formats have by one name, the shared names are read; of a format's own fields
//! those that a table needs and no other name has. A field that a file's header does not name is null.

mod dns;
mod flow;
mod proxy;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datashark_output_delta::Kind;

/// How the records of a format become rows of a kind.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// The columns that are decoded.
    pub(crate) fields: Vec<Field>,
    /// The columns of the table, each with its expression; what is not here is null.
    pub(crate) table: Vec<(String, String)>,
    /// Which records are of the kind; others are left out. `None` is all.
    pub(crate) wanted: Option<&'static str>,
    /// When the record was, in seconds since 1970, as an expression.
    pub(crate) seconds: &'static str,
}

/// The formats that have records of a kind.
pub(crate) fn formats(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Flow => &["nfcapd", "binetflow", "zeek", "eve"],
        Kind::Dns => &["dns", "zeek", "eve"],
        Kind::Proxy => &["w3c", "squid", "combined", "common", "zeek", "eve"],
    }
}

/// How a format's records become rows of a kind; `None` where it has no such records.
pub(crate) fn of(kind: Kind, format: &str) -> Option<Columns> {
    match (kind, format) {
        (Kind::Flow, "nfcapd" | "binetflow") => Some(as_they_are(kind, None)),
        (Kind::Flow, "zeek") => Some(flow::zeek()),
        (Kind::Flow, "eve") => Some(flow::eve()),
        (Kind::Dns, "dns") => Some(as_they_are(kind, Some("dns_response"))),
        (Kind::Dns, "zeek") => Some(dns::zeek()),
        (Kind::Dns, "eve") => Some(dns::eve()),
        (Kind::Proxy, "w3c") => Some(proxy::w3c()),
        (Kind::Proxy, "squid") => Some(proxy::squid()),
        (Kind::Proxy, "combined" | "common") => Some(proxy::access_log(format)),
        (Kind::Proxy, "zeek") => Some(proxy::zeek()),
        (Kind::Proxy, "eve") => Some(proxy::eve()),
        _ => None,
    }
}

/// The time of a record that has the shared column.
const SECONDS: &str = "CAST(floor(date_part('epoch', \"timestamp\")) AS BIGINT)";

/// Of a format whose columns are the table's own.
fn as_they_are(kind: Kind, wanted: Option<&'static str>) -> Columns {
    let names: Vec<String> = kind
        .columns()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let fields = names
        .iter()
        .map(|name| Field::new(name, decoded(kind, name), true));
    let fields = fields.chain(wanted.map(|name| Field::new(name, DataType::Boolean, true)));
    Columns {
        fields: fields.collect(),
        table: names
            .iter()
            .map(|name| (name.clone(), format!("\"{name}\"")))
            .collect(),
        wanted,
        seconds: "unix_tstamp",
    }
}

/// The type in which formats give a table's column.
fn decoded(kind: Kind, name: &str) -> DataType {
    let columns = kind.columns();
    match columns.field_with_name(name).map(Field::data_type) {
        Ok(DataType::Int32 | DataType::Int64) => DataType::Int64,
        Ok(DataType::Float64) => DataType::Float64,
        _ => DataType::Utf8View,
    }
}

/// A table's columns from pairs of names and expressions.
fn table(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()))
        .collect()
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

fn integer(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn float(name: &str) -> Field {
    Field::new(name, DataType::Float64, true)
}

fn time(name: &str) -> Field {
    let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Field::new(name, data_type, true)
}
