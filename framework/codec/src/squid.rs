//! `squid`: Squid's native access log, which other proxies write too.
//!
//! ```text
//! 1772366401.250     48 192.0.2.1 TCP_MISS/200 1242 GET http://example.com/ alice HIER_DIRECT/198.51.100.7 text/html
//! ```
//!
//! | column | type | |
//! |---|---|---|
//! | `timestamp` | time | when the request was done |
//! | `event_duration` | integer | how long it took, in nanoseconds as ECS has it |
//! | `source_ip` | text | the client as it stands, an address or a name |
//! | `event_action` | text | what the proxy did, `TCP_MISS` of `TCP_MISS/200` |
//! | `http_response_status_code` | integer | 0 where nothing was sent; null for `-` |
//! | `http_response_bytes` | integer | what the client was sent, with headers; null for `-` |
//! | `http_request_method` | text | null for `-` |
//! | `url_original` | text | host and port of a `CONNECT`; null for `-` |
//! | `user_name` | text | null for `-`; may hold spaces |
//! | `peer_status` | text | how the server was found, `HIER_DIRECT` of `HIER_DIRECT/198.51.100.7` |
//! | `destination_ip` | text | the server or the next proxy as it stands, an address or a name; null for `-` |
//! | `http_response_mime_type` | text | null for `-` and where the line lacks it |
//!
//! Fields stand between any number of spaces. The user goes on up to a field such as
//! `HIER_DIRECT/…`: upper-case letters, digits and `_`, then `/`; it is one field at least. What
//! stands behind the type, as Blue Coat's category and user agent, is passed over.
//!
//! A line is checked whole, whatever columns are asked for, and invalid otherwise; what is not
//! UTF-8 is replaced by U+FFFD and counted. Work is linear in a line's length.

mod line;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::column::{Column, micros_utc};
use crate::fixed_columns::check_columns;
use crate::place::Place;
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8};
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use line::Line;

const NAME: &str = "squid";

/// `[codec]` of `squid`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquidOptions {}

/// Squid's native access log.
#[derive(Debug, Clone, Default)]
pub struct Squid {}

impl Squid {
    /// The format.
    pub fn new() -> Self {
        Squid {}
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Time,
    Duration,
    Source,
    Action,
    Status,
    Size,
    Method,
    Url,
    User,
    PeerStatus,
    Peer,
    Type,
}

const COLUMNS: [(&str, Part); 12] = [
    ("timestamp", Part::Time),
    ("event_duration", Part::Duration),
    ("source_ip", Part::Source),
    ("event_action", Part::Action),
    ("http_response_status_code", Part::Status),
    ("http_response_bytes", Part::Size),
    ("http_request_method", Part::Method),
    ("url_original", Part::Url),
    ("user_name", Part::User),
    ("peer_status", Part::PeerStatus),
    ("destination_ip", Part::Peer),
    ("http_response_mime_type", Part::Type),
];

impl Format for Squid {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        let fields = COLUMNS.iter().map(|(name, part)| {
            let data_type = match part {
                Part::Time => micros_utc(),
                Part::Duration | Part::Status | Part::Size => DataType::Int64,
                _ => DataType::Utf8View,
            };
            Field::new(*name, data_type, true)
        });
        Columns::Fixed(fields.collect::<Fields>())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_columns(NAME, &self.columns(), columns)?;
        let part = |field: &Field| COLUMNS.iter().find(|(name, _)| name == field.name());
        let parts = columns.iter().filter_map(part).map(|(_, part)| *part);
        Ok(Box::new(SquidDecoder {
            lines: Lines(parts.collect()),
            rows: Rows::try_new(NAME, columns)?,
        }))
    }
}

struct SquidDecoder {
    rows: Rows,
    lines: Lines,
}

impl Decoder for SquidDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.lines, payloads, None)
    }
}

/// The asked columns.
struct Lines(Vec<Part>);

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let text = record.bytes();
        let line = Line::parse(text).map_err(|fault| fault.reason(text))?;
        for (part, column) in self.0.iter().zip(columns) {
            push(*part, &line, record, column);
        }
        Ok(())
    }
}

#[inline]
fn push(part: Part, line: &Line, record: &Record<'_>, column: &mut Column) {
    let number = match part {
        Part::Time => Some(line.micros),
        Part::Duration => Some(line.duration_ns),
        Part::Status => line.status,
        Part::Size => line.size,
        _ => None,
    };
    match column {
        Column::Int(numbers) | Column::Time(numbers, _) => numbers.push(number),
        Column::Text(text) => {
            let Place { start, end } = place(part, line);
            match &record.bytes()[start..end] {
                b"" | b"-" => text.push_null(),
                _ => text.push(record, start, end),
            }
        }
        other => other.push_null(),
    }
}

/// Where a text column's value stands.
#[inline]
fn place(part: Part, line: &Line) -> Place {
    match part {
        Part::Source => line.source,
        Part::Action => line.action,
        Part::Method => line.method,
        Part::Url => line.url,
        Part::User => line.user,
        Part::PeerStatus => line.peer_status,
        Part::Peer => line.peer,
        Part::Type => line.mime_type,
        Part::Time | Part::Duration | Part::Status | Part::Size => Place::default(),
    }
}

#[cfg(test)]
mod tests;
