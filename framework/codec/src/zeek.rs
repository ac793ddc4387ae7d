//! `zeek`: the logs of Zeek, as tables with a header and as JSON, one object a line.
//!
//! Which of the two a line is shows in itself: one that begins with `{` is JSON. There are no
//! options. Any of the file's own fields may be asked for, by its name (`id.orig_h`, `uid`,
//! `conn_state`): text, unless `[columns]` gives it a type. These columns have one name in all
//! formats and a type of their own:
//!
//! | column | type | field, the first that the log has |
//! |---|---|---|
//! | `timestamp` | time | `ts` |
//! | `event_start`, `event_end` | time | none: `ts` and `duration` say it |
//! | `tdur` | number | `duration`: of a connection, in seconds |
//! | `source_ip` | text | `id.orig_h`, `src`, `client_addr` |
//! | `source_port` | integer | `id.orig_p` |
//! | `destination_ip` | text | `id.resp_h`, `dst`, `server_addr` |
//! | `destination_port` | integer | `id.resp_p` |
//! | `network_transport` | text | `proto` |
//! | `network_protocol` | text | `service`; in the log `kerberos` that is what a ticket is for |
//! | `source_bytes`, `destination_bytes` | integer | `orig_bytes`, `resp_bytes` |
//! | `source_packets`, `destination_packets` | integer | `orig_pkts`, `resp_pkts` |
//! | `http_request_method` | text | `method` |
//! | `url_original` | text | `uri` |
//! | `url_domain` | text | `host` |
//! | `http_request_referrer` | text | `referrer` |
//! | `http_request_body_bytes`, `http_response_body_bytes` | integer | `request_body_len`, `response_body_len` |
//! | `http_response_status_code` | integer | `status_code` |
//! | `user_agent_original` | text | `user_agent` |
//! | `user_name` | text | `username`, `user` |
//! | `dns_question_name` | text | `query` |
//! | `dns_question_type` | text | `qtype_name` |
//! | `dns_response_code` | text | `rcode_name` |
//! | `tls_client_server_name` | text | `server_name` |
//!
//! They are null in a log without such a field, so that one query may read several kinds of logs. A
//! table that lacks one of its own fields that is asked for makes its records invalid, with the
//! nearest name that it has; in JSON, where Zeek leaves out what is unset, it is null.
//!
//! # Tables
//! Lines that begin with `#` are no records. `#separator`, `#unset_field`, `#empty_field`,
//! `#fields` and `#types` say how the lines behind them are read, also where they come again in the
//! midst of a file; a file may be read from anywhere, since they come with each batch. Other such
//! lines are passed over. What they leave out is Zeek's default: a tab, `-` and `(empty)`.
//!
//! An unset field is null. An empty one is empty text, and null as any other type. A record with
//! fewer or more fields than `#fields` names, or without a `#fields` line before it, is invalid.
//! `T` and `F` are booleans where a boolean is asked for.
//!
//! Of Zeek's escapes, `\\` and those of printable ASCII, tab, line feed and the like (`\x09`) are
//! resolved; those of other bytes stay as they are (`\x00`), as they do in Zeek's JSON. Sets and
//! vectors (by `#types`) are given as they stand, `a,b`, escapes and all.
//!
//! # JSON
//! As the format `json` has it: nested names by dots, the whole record checked. A set is a JSON array.
//!
//! # Hostile input
//! What is not UTF-8 is replaced by U+FFFD and counted. Work is linear in a record's length; where
//! directives change between records, they are read anew, at most 16 KiB each time.

mod escape;
mod table;

use arrow::datatypes::{Field, Fields, SchemaRef};
use datashark_sdk::input::{HeaderRule, Payloads};
use serde::Deserialize;

use crate::column::Column;
use crate::directives::common_names;
use crate::found;
use crate::json::{Objects, member_names};
use crate::known_columns::{KnownColumn, fields, float, integer, names, text, time};
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8};
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use table::Table;

const NAME: &str = "zeek";

/// What a line that is no record begins with.
const MARK: u8 = b'#';

/// Columns and the fields that they are, by Zeek's base scripts.
const KNOWN: [KnownColumn; 27] = [
    time("timestamp", &["ts"]),
    time("event_start", &[]),
    time("event_end", &[]),
    float("tdur", &["duration"]),
    text("source_ip", &["id.orig_h", "src", "client_addr"]),
    integer("source_port", &["id.orig_p"]),
    text("destination_ip", &["id.resp_h", "dst", "server_addr"]),
    integer("destination_port", &["id.resp_p"]),
    text("network_transport", &["proto"]),
    text("network_protocol", &["service"]),
    integer("source_bytes", &["orig_bytes"]),
    integer("destination_bytes", &["resp_bytes"]),
    integer("source_packets", &["orig_pkts"]),
    integer("destination_packets", &["resp_pkts"]),
    text("http_request_method", &["method"]),
    text("url_original", &["uri"]),
    text("url_domain", &["host"]),
    text("http_request_referrer", &["referrer"]),
    integer("http_request_body_bytes", &["request_body_len"]),
    integer("http_response_body_bytes", &["response_body_len"]),
    integer("http_response_status_code", &["status_code"]),
    text("user_agent_original", &["user_agent"]),
    text("user_name", &["username", "user"]),
    text("dns_question_name", &["query"]),
    text("dns_question_type", &["qtype_name"]),
    text("dns_response_code", &["rcode_name"]),
    text("tls_client_server_name", &["server_name"]),
];

/// `[codec]` of `zeek`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeekOptions {}

/// The logs of Zeek.
#[derive(Debug, Clone, Default)]
pub struct Zeek {}

impl Zeek {
    /// The format.
    pub fn new() -> Self {
        Zeek {}
    }
}

impl Format for Zeek {
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
        let mut others = common_names(MARK, payloads, table::fields_of);
        others.extend(member_names(&payloads.records));
        found::columns_beside(&KNOWN, others)
    }

    fn header(&self) -> HeaderRule {
        HeaderRule::Directives(MARK)
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(Box::new(ZeekDecoder {
            rows: Rows::try_new(NAME, columns)?,
            lines: Lines {
                table: Table::new(MARK, columns),
                objects: Objects::new(columns, |name| names(&KNOWN, name)),
            },
        }))
    }
}

struct ZeekDecoder {
    rows: Rows,
    lines: Lines,
}

impl Decoder for ZeekDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        let records = self.lines.table.start(payloads);
        self.rows
            .decode(&mut self.lines, payloads, records.as_ref())
    }
}

/// Lines of either kind.
struct Lines {
    table: Table,
    objects: Objects,
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline(always)]
    fn reach(&mut self, record_idx: usize) {
        self.table.reach(record_idx);
    }

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        match record.bytes().first() {
            Some(b'{') => self.objects.parse(record, columns),
            _ => self.table.parse(record, columns),
        }
    }
}

#[cfg(test)]
mod tests;
