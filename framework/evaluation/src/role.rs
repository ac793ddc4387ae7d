//! What columns say, by their names: Apache Spot's and those that several formats share.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A part of the record's time.
    Time(TimePart),
    /// The address that began it: of a DNS answer, the one that asked.
    Source,
    /// The address that it went to.
    Destination,
    /// The port of the source.
    SourcePort,
    /// The port of the destination.
    DestinationPort,
    /// `TCP`, as Spot has it.
    ProtocolUpper,
    /// `tcp`, as several formats have it.
    ProtocolLower,
    /// Seconds that it took.
    Duration,
    /// Packets from the source.
    PacketsOut,
    /// Bytes from the source.
    BytesOut,
    /// Packets to the source.
    PacketsIn,
    /// Bytes to the source.
    BytesIn,
    /// Name that was asked for.
    QueryName,
    /// Type that was asked for, as a number.
    QueryType,
    /// The same as a name.
    QueryTypeName,
    /// Code of the answer, as a number.
    ResponseCode,
    /// The same as a name.
    ResponseCodeName,
    /// Bytes of a DNS message's frame.
    FrameBytes,
    /// Host that a request is for.
    Host,
    /// Path and query of a request.
    Path,
    /// Host, path and query of a request.
    Uri,
    /// Method of a request.
    Method,
    /// Code of a request's answer.
    Status,
    /// Bytes of a request.
    RequestBytes,
    /// Bytes of its answer.
    ResponseBytes,
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// The whole, as a timestamp.
    Timestamp,
    /// Seconds since 1970.
    Seconds,
    /// A text, in this form of `chrono`'s.
    Text(&'static str),
    /// A number that is this text.
    Number(&'static str),
}

const ROLES: [(&str, Role); 52] = [
    ("treceived", Role::Time(TimePart::Text("%Y-%m-%d %H:%M:%S"))),
    ("tryear", Role::Time(TimePart::Number("%Y"))),
    ("trmonth", Role::Time(TimePart::Number("%m"))),
    ("trday", Role::Time(TimePart::Number("%d"))),
    ("trhour", Role::Time(TimePart::Number("%H"))),
    ("trminute", Role::Time(TimePart::Number("%M"))),
    ("trsec", Role::Time(TimePart::Number("%S"))),
    (
        "frame_time",
        Role::Time(TimePart::Text("%b %e %Y %H:%M:%S%.9f UTC")),
    ),
    ("unix_tstamp", Role::Time(TimePart::Seconds)),
    ("p_date", Role::Time(TimePart::Text("%Y-%m-%d"))),
    ("p_time", Role::Time(TimePart::Text("%H:%M:%S"))),
    ("timestamp", Role::Time(TimePart::Timestamp)),
    ("sip", Role::Source),
    ("ip_dst", Role::Source),
    ("clientip", Role::Source),
    ("source_ip", Role::Source),
    ("dip", Role::Destination),
    ("destination_ip", Role::Destination),
    ("sport", Role::SourcePort),
    ("source_port", Role::SourcePort),
    ("dport", Role::DestinationPort),
    ("destination_port", Role::DestinationPort),
    ("proto", Role::ProtocolUpper),
    ("network_transport", Role::ProtocolLower),
    ("tdur", Role::Duration),
    ("ipkt", Role::PacketsOut),
    ("source_packets", Role::PacketsOut),
    ("ibyt", Role::BytesOut),
    ("source_bytes", Role::BytesOut),
    ("opkt", Role::PacketsIn),
    ("destination_packets", Role::PacketsIn),
    ("obyt", Role::BytesIn),
    ("destination_bytes", Role::BytesIn),
    ("dns_qry_name", Role::QueryName),
    ("dns_question_name", Role::QueryName),
    ("dns_qry_type", Role::QueryType),
    ("dns_question_type", Role::QueryTypeName),
    ("dns_qry_rcode", Role::ResponseCode),
    ("dns_response_code", Role::ResponseCodeName),
    ("frame_len", Role::FrameBytes),
    ("host", Role::Host),
    ("url_domain", Role::Host),
    ("url_original", Role::Path),
    ("fulluri", Role::Uri),
    ("reqmethod", Role::Method),
    ("http_request_method", Role::Method),
    ("respcode", Role::Status),
    ("http_response_status_code", Role::Status),
    ("csbytes", Role::RequestBytes),
    ("http_request_body_bytes", Role::RequestBytes),
    ("scbytes", Role::ResponseBytes),
    ("http_response_body_bytes", Role::ResponseBytes),
];

impl Role {
    /// What a column of this name says, if that is known.
    pub fn of(name: &str) -> Option<Role> {
        let mut roles = ROLES.iter();
        let found = roles.find(|(known, _)| *known == name);
        found.map(|(_, role)| *role)
    }

    /// Whether it is part of the time.
    pub fn is_time(self) -> bool {
        matches!(self, Role::Time(_))
    }

    /// Whether it counts bytes.
    pub fn is_bytes(self) -> bool {
        use Role::{BytesIn, BytesOut, FrameBytes, RequestBytes, ResponseBytes};
        matches!(
            self,
            BytesIn | BytesOut | FrameBytes | RequestBytes | ResponseBytes
        )
    }
}

/// An expression of SQL that gives a record's time, of the columns that it has; `None` where none tells.
pub fn time_expression(columns: &[&str]) -> Option<&'static str> {
    const TIMES: [(&[&str], &str); 4] = [
        (&["timestamp"], "CAST(\"timestamp\" AS TIMESTAMP)"),
        (&["unix_tstamp"], "to_timestamp_seconds(unix_tstamp)"),
        (&["treceived"], "to_timestamp(treceived)"),
        (
            &["p_date", "p_time"],
            "to_timestamp(concat(p_date, ' ', p_time))",
        ),
    ];
    let is_there = |of: &&(&[&str], &str)| of.0.iter().all(|name| columns.contains(name));
    TIMES
        .iter()
        .find(is_there)
        .map(|(_, expression)| *expression)
}

/// The first column of a role.
pub fn column(records: &RecordBatch, role: Role) -> Option<&ArrayRef> {
    name(records.schema_ref(), role).and_then(|name| records.column_by_name(name))
}

fn name(schema: &SchemaRef, role: Role) -> Option<&str> {
    let mut names = schema.fields().iter().map(|field| field.name().as_str());
    names.find(|name| Role::of(name) == Some(role))
}

/// The texts of a column of a role.
pub fn texts(records: &RecordBatch, role: Role) -> Option<Vec<Option<String>>> {
    let column = cast(column(records, role)?, &DataType::Utf8View).ok()?;
    let texts = column.as_string_view().iter();
    Some(texts.map(|text| text.map(str::to_owned)).collect())
}

/// The numbers of a column of a role; 0 where there is none.
pub fn numbers(records: &RecordBatch, role: Role) -> Option<Vec<i64>> {
    let column = cast(column(records, role)?, &DataType::Int64).ok()?;
    let numbers = column.as_primitive::<Int64Type>();
    Some(numbers.iter().map(Option::unwrap_or_default).collect())
}

/// Whether all values of a column are the same: then it says nothing.
pub fn is_constant(column: &ArrayRef) -> bool {
    let Ok(texts) = cast(column, &DataType::Utf8View) else {
        return true;
    };
    let texts = texts.as_string_view();
    let first = (!texts.is_empty() && texts.is_valid(0)).then(|| texts.value(0));
    texts.iter().all(|text| text == first)
}
