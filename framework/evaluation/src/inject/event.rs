//! An event of an attack: what it says, and what is left as in the record that it is made of.

use crate::Micros;

/// What an event says; what is `None` stays as in the record that it is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Event {
    /// The real record that it begins as.
    pub(super) template: usize,
    pub(super) time: Option<Micros>,
    pub(super) destination: Option<String>,
    pub(super) source_port: Option<i64>,
    pub(super) destination_port: Option<i64>,
    pub(super) is_tcp: bool,
    /// Seconds.
    pub(super) duration: Option<f64>,
    pub(super) packets_out: Option<i64>,
    pub(super) bytes_out: Option<i64>,
    pub(super) packets_in: Option<i64>,
    pub(super) bytes_in: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) query_type: Option<Code>,
    pub(super) response: Option<Code>,
    pub(super) frame_bytes: Option<i64>,
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
    pub(super) method: Option<&'static str>,
    pub(super) status: Option<i64>,
    pub(super) request_bytes: Option<i64>,
    pub(super) response_bytes: Option<i64>,
}

/// A number that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) number: i64,
    pub(super) name: &'static str,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Float(f64),
    Time(Micros),
}
