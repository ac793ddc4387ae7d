//! `w3c`: the W3C's extended log format (ELFF), as IIS and Blue Coat's ProxySG write it.
//!
//! ```text
//! #Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)
//! 2026-03-01 12:00:01 192.0.2.1 GET /a b=1 200 Mozilla/5.0
//! ```
//!
//! | `[codec]` key | default | |
//! |---|---|---|
//! | `fields` | | the fields of records that no `#Fields` line stands before: `date time c-ip …` |
//!
//! Any of the file's own fields may be asked for, by its name (`cs-uri-stem`, `time-taken`): text,
//! unless `[columns]` gives it a type. Upper and lower case are the same. These columns have one
//! name in all formats and a type of their own:
//!
//! | column | type | field, the first that the file has |
//! |---|---|---|
//! | `timestamp` | time | `date` and `time`, which are UTC; without `date`, the day of the `#Date` line and `time` |
//! | `source_ip`, `source_port` | text, integer | `c-ip`, `c-port` |
//! | `destination_ip` | text | `r-ip`, `s-supplier-ip`, `s-ip` |
//! | `destination_port` | integer | `r-port`, `cs-uri-port`, `s-port` |
//! | `host_name` | text | `s-computername` |
//! | `user_name` | text | `cs-username`, `cs-user` |
//! | `event_action` | text | `s-action`: what a proxy did, `TCP_MISS` |
//! | `http_request_method` | text | `cs-method` |
//! | `http_version` | text | `cs-version`: `1.1` of `HTTP/1.1` |
//! | `url_original` | text | `cs-uri`; else `url_path`, and where there is a query `?` and `url_query` |
//! | `url_scheme`, `url_domain` | text | `cs-uri-scheme`; `cs-host`, `cs-uri-host` |
//! | `url_path`, `url_query` | text | `cs-uri-stem`, `cs-uri-path`; `cs-uri-query` |
//! | `http_request_referrer` | text | `cs(Referer)` |
//! | `http_request_bytes`, `http_response_bytes` | integer | `cs-bytes`, `sc-bytes` |
//! | `http_response_status_code` | integer | `sc-status` |
//! | `http_response_mime_type` | text | `rs(Content-Type)` |
//! | `user_agent_original` | text | `cs(User-Agent)` |
//!
//! They are null in a file without such a field. A file that lacks one of its own fields that is
//! asked for makes its records invalid, with the nearest name that it has.
//!
//! Lines that begin with `#` are directives and no records. `#Fields` and `#Date` (or
//! `#Start-Date`) hold for the records behind them, up to the next ones: a server that is started
//! anew writes them again. A file may be read from anywhere, since they come with each batch.
//!
//! Fields stand between spaces and tabs, any number of them. One that begins with `"` goes on to the
//! next `"` before a space or the line's end; quotes in it are doubled. A quote that is not closed
//! stands for itself. `-` is null. Values are given as they were logged: IIS's `+` for a space
//! stays. A record with fewer or more fields than `#Fields` names is invalid.
//!
//! # Hostile input
//! What is not UTF-8 is replaced by U+FFFD and counted. Work is linear in a record's length; where
//! directives change between records, they are read anew, at most 16 KiB each time.

mod layout;
mod split;

use std::sync::Arc;

use arrow::datatypes::{Field, Fields, SchemaRef};
use datashark_sdk::input::{Directives, HeaderRule, Payloads};
use serde::Deserialize;

use crate::column::Column;
use crate::directives::{Follow, common_names};
use crate::found;
use crate::known_columns::{KnownColumn, fields, integer, text, time};
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use layout::{Layout, Source, fields_of};
use split::Splitter;

const NAME: &str = "w3c";

/// What a directive begins with.
const MARK: u8 = b'#';

/// Columns and the fields that they are. `timestamp`, `url_original` and `http_version` are made of
/// theirs.
const KNOWN: [KnownColumn; 21] = [
    time("timestamp", &[]),
    text("source_ip", &["c-ip"]),
    integer("source_port", &["c-port"]),
    text("destination_ip", &["r-ip", "s-supplier-ip", "s-ip"]),
    integer("destination_port", &["r-port", "cs-uri-port", "s-port"]),
    text("host_name", &["s-computername"]),
    text("user_name", &["cs-username", "cs-user"]),
    text("event_action", &["s-action"]),
    text("http_request_method", &["cs-method"]),
    text("http_version", &["cs-version"]),
    text("url_original", &["cs-uri"]),
    text("url_scheme", &["cs-uri-scheme"]),
    text("url_domain", &["cs-host", "cs-uri-host"]),
    text("url_path", &["cs-uri-stem", "cs-uri-path"]),
    text("url_query", &["cs-uri-query"]),
    text("http_request_referrer", &["cs(Referer)"]),
    integer("http_request_bytes", &["cs-bytes"]),
    integer("http_response_bytes", &["sc-bytes"]),
    integer("http_response_status_code", &["sc-status"]),
    text("http_response_mime_type", &["rs(Content-Type)"]),
    text("user_agent_original", &["cs(User-Agent)"]),
];

/// `[codec]` of `w3c`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct W3cOptions {
    /// The fields of records without a `#Fields` line before them, as that line would name them.
    pub fields: String,
}

/// The extended log format.
#[derive(Debug, Clone, Default)]
pub struct W3c {
    /// The fields where no line names them; none if there must be one.
    fields: Arc<[String]>,
}

impl W3c {
    /// The format with these options.
    pub fn new(options: &W3cOptions) -> Self {
        let text = options.fields.trim();
        let text = text.strip_prefix("#Fields:").unwrap_or(text);
        let names = text.split([' ', '\t', ',']).filter(|name| !name.is_empty());
        W3c {
            fields: names.map(str::to_owned).collect(),
        }
    }
}

impl Format for W3c {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn known_columns(&self) -> Fields {
        fields(&KNOWN)
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        let names =
            |directives: &Directives| fields_of(directives).unwrap_or_else(|| self.fields.to_vec());
        let mut others = common_names(MARK, payloads, names);
        // They are `timestamp`.
        others.retain(|name| !matches!(&*name.to_ascii_lowercase(), "date" | "time"));
        found::columns_beside(&KNOWN, others)
    }

    fn header(&self) -> HeaderRule {
        HeaderRule::Directives(MARK)
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        let asked: Vec<String> = columns.iter().map(|field| field.name().clone()).collect();
        let follow = Follow::new(MARK);
        let lines = Lines {
            layout: Layout::read(follow.directives(), &self.fields, &asked),
            follow,
            fields: Arc::clone(&self.fields),
            asked,
            splitter: Splitter::default(),
            made: Vec::new(),
        };
        Ok(Box::new(W3cDecoder {
            rows: Rows::try_new(NAME, columns)?,
            lines,
        }))
    }
}

struct W3cDecoder {
    rows: Rows,
    lines: Lines,
}

impl Decoder for W3cDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        if self.lines.follow.start(payloads) {
            self.lines.read_layout();
        }
        let records = self.lines.follow.others();
        self.rows
            .decode(&mut self.lines, payloads, records.as_ref())
    }
}

struct Lines {
    follow: Follow,
    fields: Arc<[String]>,
    asked: Vec<String>,
    /// How the lines at hand are read, or why they cannot be.
    layout: Result<Layout, String>,
    splitter: Splitter,
    /// The last value that does not stand in its record as it is.
    made: Vec<u8>,
}

impl Lines {
    #[cold]
    fn read_layout(&mut self) {
        self.layout = Layout::read(self.follow.directives(), &self.fields, &self.asked);
    }
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline(always)]
    fn reach(&mut self, record_idx: usize) {
        if self.follow.reach(record_idx) {
            self.read_layout();
        }
    }

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let layout = self.layout.as_ref().map_err(Clone::clone)?;
        self.splitter.split(record.bytes());
        let (expected, found) = (layout.n_fields, self.splitter.n_fields());
        if found != expected {
            return Err(format!("expected {expected} fields, found {found}"));
        }
        for ((source, column), name) in layout.sources.iter().zip(columns).zip(&self.asked) {
            let mut values = Values {
                bytes: record.bytes(),
                fields: &self.splitter,
                made: &mut self.made,
            };
            match values.of(*source, layout) {
                Value::Null => column.push_null(),
                Value::At(start, end) => {
                    if !column.push(record, start, end) {
                        return Err(misfit(name, &record.bytes()[start..end], column));
                    }
                }
                Value::Made if column.push_made(&self.made) => {}
                Value::Made => return Err(misfit(name, &self.made, column)),
            }
        }
        Ok(())
    }
}

#[cold]
fn misfit(name: &str, text: &[u8], column: &Column) -> String {
    let (found, expected) = (quote(text), column.expects());
    format!("`{name}` is {found}, expected {expected}")
}

/// A record's values.
struct Values<'a> {
    bytes: &'a [u8],
    fields: &'a Splitter,
    made: &'a mut Vec<u8>,
}

/// Where a value is.
enum Value {
    Null,
    /// In the record.
    At(usize, usize),
    /// In [`Lines::made`].
    Made,
}

impl Values<'_> {
    #[inline]
    fn of(&mut self, source: Source, layout: &Layout) -> Value {
        match source {
            Source::Missing => Value::Null,
            Source::Field(idx) => self.field(idx),
            Source::Version(idx) => match self.field(idx) {
                Value::At(start, end) if self.bytes[start..end].starts_with(b"HTTP/") => {
                    Value::At(start + b"HTTP/".len(), end)
                }
                other => other,
            },
            Source::Time { date, time } => self.time(date, time, layout.day.as_deref()),
            Source::Url { path, query } => self.url(path, query),
        }
    }

    #[inline]
    fn field(&mut self, idx: usize) -> Value {
        let (start, end) = self.fields.place(idx);
        let text = &self.bytes[start..end];
        if text == b"-" {
            return Value::Null;
        }
        if self.fields.is_quoted(start) && memchr::memchr(b'"', text).is_some() {
            self.made.clear();
            split::undouble(text, self.made);
            return Value::Made;
        }
        Value::At(start, end)
    }

    /// A date and a time of day with a space between them.
    #[inline]
    fn time(&mut self, date: Option<usize>, time: usize, day: Option<&str>) -> Value {
        let (start, end) = self.fields.place(time);
        let date_place = date.map(|date| self.fields.place(date));
        let date = match date_place {
            Some((start, end)) => &self.bytes[start..end],
            None => day.unwrap_or_default().as_bytes(),
        };
        let time = &self.bytes[start..end];
        if time == b"-" || date == b"-" || date.is_empty() {
            return Value::Null;
        }
        match date_place {
            Some((date_start, date_end))
                if date_end + 1 == start && self.bytes[date_end] == b' ' =>
            {
                Value::At(date_start, end)
            }
            _ => {
                self.made.clear();
                self.made.extend_from_slice(date);
                self.made.push(b' ');
                self.made.extend_from_slice(time);
                Value::Made
            }
        }
    }

    /// A path and its query with a `?` between them.
    #[inline]
    fn url(&mut self, path: usize, query: Option<usize>) -> Value {
        let query = query.map_or((0, 0), |query| self.fields.place(query));
        let query = &self.bytes[query.0..query.1];
        if matches!(query, b"" | b"-" | b"?") {
            return self.field(path);
        }
        let (start, end) = self.fields.place(path);
        let path = &self.bytes[start..end];
        self.made.clear();
        if path != b"-" {
            self.made.extend_from_slice(path);
        }
        if query[0] != b'?' {
            self.made.push(b'?');
        }
        self.made.extend_from_slice(query);
        Value::Made
    }
}

#[cfg(test)]
mod tests;
