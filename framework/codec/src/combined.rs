//! `combined` and `common`: the access logs of Apache httpd and nginx.
//!
//! ```text
//! 127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "http://x/" "Mozilla"
//! ```
//!
//! | column | type | |
//! |---|---|---|
//! | `source_ip` | text | the first field as it stands, an address or a name |
//! | `user_name` | text | null for `-`; may hold spaces, but `- ` begins none: that is a virtual host's field too many |
//! | `timestamp` | time | |
//! | `http_request_method` | text | null unless the request is `METHOD URL VERSION` |
//! | `url_original` | text | the URL; the whole request where it is not of that form |
//! | `http_version` | text | `1.0` of `HTTP/1.0`; null as the method |
//! | `http_response_status_code` | integer | |
//! | `http_response_body_bytes` | integer | null for `-` |
//! | `http_request_referrer` | text | `combined` only; null for `-` and where the line lacks it |
//! | `user_agent_original` | text | `combined` only; null for `-` and where the line lacks it |
//!
//! Quoted fields are given as they were logged: `\"` does not end one, and is not resolved; the
//! request goes on over a bare quote too if no status follows it. It is of the form when it has a name of letters, a space, a URL without spaces, and
//! `HTTP/` with a version. Further fields behind a space are passed over; so `common` reads the
//! lines of `combined`, and a virtual host's mix of both can be read with `combined`, which takes a
//! line that ends after the size. A line that stands in one more pair of double quotes, as some
//! tools export it, is read without them.
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
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use line::Line;

/// `[codec]` of `combined` and `common`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CombinedOptions {}

/// The lines of an access log.
#[derive(Debug, Clone)]
pub struct AccessLog {
    name: &'static str,
    n_columns: usize,
}

impl AccessLog {
    /// Apache's `combined`, which nginx has too.
    pub fn combined() -> Self {
        AccessLog {
            name: "combined",
            n_columns: COLUMNS.len(),
        }
    }

    /// Apache's `common`: without referrer and user agent.
    pub fn common() -> Self {
        AccessLog {
            name: "common",
            n_columns: COLUMNS.len() - 2,
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Source,
    User,
    Time,
    Method,
    Url,
    Version,
    Status,
    Size,
    Referrer,
    Agent,
}

const COLUMNS: [(&str, Part); 10] = [
    ("source_ip", Part::Source),
    ("user_name", Part::User),
    ("timestamp", Part::Time),
    ("http_request_method", Part::Method),
    ("url_original", Part::Url),
    ("http_version", Part::Version),
    ("http_response_status_code", Part::Status),
    ("http_response_body_bytes", Part::Size),
    ("http_request_referrer", Part::Referrer),
    ("user_agent_original", Part::Agent),
];

impl Format for AccessLog {
    fn name(&self) -> &'static str {
        self.name
    }

    fn columns(&self) -> Columns {
        let fields = COLUMNS[..self.n_columns].iter().map(|(name, part)| {
            let data_type = match part {
                Part::Time => micros_utc(),
                Part::Status | Part::Size => DataType::Int64,
                _ => DataType::Utf8View,
            };
            Field::new(*name, data_type, true)
        });
        Columns::Fixed(fields.collect::<Fields>())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_columns(self.name, &self.columns(), columns)?;
        let part = |field: &Field| COLUMNS.iter().find(|(name, _)| name == field.name());
        let parts = columns
            .iter()
            .filter_map(part)
            .map(|(_, part)| *part)
            .collect();
        let lines = Lines {
            parts,
            last_time: ([0; 26], None),
        };
        Ok(Box::new(AccessLogDecoder {
            rows: Rows::try_new(self.name, columns)?,
            lines,
        }))
    }
}

struct AccessLogDecoder {
    rows: Rows,
    lines: Lines,
}

impl Decoder for AccessLogDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.lines, payloads, None)
    }
}

struct Lines {
    parts: Vec<Part>,
    /// The last time read: many lines of a second stand together.
    last_time: ([u8; 26], Option<i64>),
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let text = record.bytes();
        let line = match Line::parse(text) {
            Ok(line) => line,
            Err(fault) => return Err(fault.reason(text)),
        };
        let micros = self.micros(&text[line.time.start..line.time.end]);
        let Some(micros) = micros else {
            return Err(format!(
                "{} is no time",
                quote(&text[line.time.start..line.time.end])
            ));
        };
        for (part, column) in self.parts.iter().zip(columns) {
            push(*part, &line, micros, record, column);
        }
        Ok(())
    }
}

impl Lines {
    #[inline]
    fn micros(&mut self, text: &[u8]) -> Option<i64> {
        let text: &[u8; 26] = text.try_into().ok()?;
        if self.last_time.0 != *text || self.last_time.1.is_none() {
            self.last_time = (*text, crate::timestamp::access_log(text));
        }
        self.last_time.1
    }
}

#[inline]
fn push(part: Part, line: &Line, micros: i64, record: &Record<'_>, column: &mut Column) {
    let number = match part {
        Part::Time => Some(micros),
        Part::Status => Some(line.status),
        Part::Size => line.size,
        _ => None,
    };
    match column {
        Column::Int(numbers) | Column::Time(numbers, _) => numbers.push(number),
        Column::Text(text) => match place(part, line, record.bytes()) {
            Some(Place { start, end }) => text.push(record, start, end),
            None => text.push_null(),
        },
        other => other.push_null(),
    }
}

/// Where a text column's value stands.
#[inline]
fn place(part: Part, line: &Line, text: &[u8]) -> Option<Place> {
    match part {
        Part::Source => Some(line.source),
        Part::User => line.user.unless_dash(text),
        Part::Method => Some(line.request_parts(text)?.method),
        Part::Version => Some(line.request_parts(text)?.version),
        Part::Url => Some(
            line.request_parts(text)
                .map_or(line.request, |parts| parts.url),
        ),
        Part::Referrer => line.referrer?.unless_dash(text),
        Part::Agent => line.agent?.unless_dash(text),
        Part::Time | Part::Status | Part::Size => None,
    }
}

#[cfg(test)]
mod tests;
