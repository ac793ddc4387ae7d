//! Bytes to columns: one log format a file; pure, without I/O.
//!
//! A [`Format`] says which columns a record has; [`Format::decoder`] gives a [`Decoder`] for just
//! the columns that somebody asked for, which turns [`Payloads`] into an Arrow batch and says of
//! each record that does not parse why. [`registry::format`] builds a format by its name in a conf.
//!
//! | format | module | columns |
//! |---|---|---|
//! | `text` | [`text`] | the line |
//! | `json` | [`json`] | the members of an object, nested ones by dots |
//! | `csv` | [`csv`] | the fields that a header or the conf names |
//! | `regex` | [`regex`] | the named groups of a pattern |
//! | `grok` | [`grok`] | what a pattern made of named patterns names |
//! | `combined`, `common` | [`combined`] | those of web servers' access logs |
//! | `w3c` | [`w3c`] | the fields that a header or the conf names; shared names |
//! | `squid` | [`squid`] | those of a proxy's access log |
//! | `syslog` | [`syslog`] | the header's, the message, the parameters of structured data |
//! | `cef` | [`cef`] | the header's, the keys of the extension; shared names |
//! | `leef` | [`leef`] | the header's, the attributes; shared names |
//! | `logfmt` | [`logfmt`] | the keys; shared names |
//! | `iptables` | [`iptables`] | the packet's, the rule's prefix; shared names |
//! | `asa` | [`asa`] | a message's id, level and text, both ends of a connection |
//! | `zeek` | [`zeek`] | the fields that a header names, or the members of an object; shared names |
//! | `eve` | [`eve`] | the members of an object, nested ones by dots; shared names |
//! | `dns` | [`dns`] | those of a DNS message and the packet it came in |
//! | `binetflow` | [`binetflow`] | those of a flow ([`flow`]) |
//! | `nfcapd` | [`nfcapd`] | those of a flow ([`flow`]) |
//!
//! Shared names are the columns that mean the same in every format that has them, so that one query
//! serves several: `timestamp`, `source_ip`, `destination_port`, `network_transport`,
//! `event_action`, `user_name` and so on. Each module says what fills them.
//!
//! What holds of every format:
//!
//! - A record gives one row or is invalid, but for a file's header lines, which are neither.
//! - Whether a record is well formed does not depend on the columns asked for, nor on a filter;
//!   only a value that does not fit its column's type depends on that column.
//! - A text of more than 64 bytes and a whole record share the record's block. Shorter parts are
//!   copied, and what does not stand in the block as it is (escapes resolved, bad bytes replaced).
//! - No input makes a decoder panic; each module says what hostile input can cost. There is no
//!   unsafe code: blocks are found to be UTF-8 as a whole, and Arrow checks every view into one.
//!
//! [`recognise`] says which of them a file is of, by how it begins.
//!
//! To add a format, write a file of its own as `text.rs` shows, and a line in `registry.rs`.

pub mod asa;
pub mod beside;
pub mod binetflow;
mod bits;
pub mod capture;
pub mod cef;
mod column;
pub mod combined;
pub mod csv;
mod directives;
pub mod dns;
pub mod eve;
mod fixed_columns;
pub mod flow;
mod found;
pub mod grok;
pub mod iptables;
pub mod json;
mod known_columns;
pub mod leef;
pub mod lines;
pub mod logfmt;
mod named;
pub mod netflow;
pub mod nfcapd;
mod place;
pub mod recognise;
mod record;
pub mod regex;
pub mod registry;
mod rows;
mod scalar;
mod scanner;
pub mod squid;
pub mod syslog;
pub mod text;
pub mod timestamp;
mod view;
pub mod w3c;
pub mod zeek;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::datatypes::{Field, Fields, SchemaRef};
use datashark_sdk::input::{Framing, HeaderRule, Payloads};

pub use column::TIMESTAMP_FORMAT;

/// Which columns a format's records have.
#[derive(Debug, Clone, PartialEq)]
pub enum Columns {
    /// Just these.
    Fixed(Fields),
    /// Whatever a record happens to name (JSON, a CSV with its own header): any name may be asked
    /// for and is text, unless the conf's `[columns]` gives it a type.
    Open,
}

/// A log format, with what the conf says of it.
pub trait Format: Send + Sync + std::fmt::Debug {
    /// The name that the conf uses: `json`.
    fn name(&self) -> &'static str;

    /// The columns that may be asked for.
    fn columns(&self) -> Columns;

    /// Columns of [`Columns::Open`] that have a type of their own where the conf gives none.
    fn known_columns(&self) -> Fields {
        Fields::empty()
    }

    /// The columns that a look at these records is worth: those that there are, or of an open
    /// format the known ones, or those found in the records. For a person; not for speed.
    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        let _ = payloads;
        let fields = match self.columns() {
            Columns::Fixed(fields) => fields,
            Columns::Open => self.known_columns(),
        };
        fields.iter().map(|field| field.as_ref().clone()).collect()
    }

    /// What the records of a file are.
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    /// Which lines of a file say what the columns of the others are.
    fn header(&self) -> HeaderRule {
        HeaderRule::None
    }

    /// As [`Format::decoder`], of the records that pass a filter: one that is left out costs no value
    /// of any column. It must be well-formed as any other, but whether its values fit their
    /// columns is not looked at.
    ///
    /// `None` where the format has no such decoder: then decode the filter's columns too.
    ///
    /// # Errors
    /// As with [`Format::decoder`].
    fn filtering_decoder(
        &self,
        columns: &[Field],
        filter: &Arc<dyn RecordFilter>,
    ) -> Result<Option<Box<dyn Decoder>>, CodecError> {
        let _ = (columns, filter);
        Ok(None)
    }

    /// A decoder of these columns, in this order. Types are those of [`Format::columns`], or for
    /// [`Columns::Open`] any of `Utf8View`, `Int64`, `Float64`, `Boolean` and
    /// `Timestamp(Microsecond, "UTC")`.
    ///
    /// # Errors
    /// A column that the format does not have, or a type that it cannot give.
    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError>;
}

/// Which records are wanted, by the texts of some of their columns.
pub trait RecordFilter: std::fmt::Debug + Send + Sync {
    /// The columns that it looks at, as a decoder of text columns would be asked for them.
    fn columns(&self) -> &[Field];

    /// Whether a record may pass with this text in the column at `column_idx`, which is UTF-8;
    /// `None` is null. A record passes if it may by all columns.
    fn passes(&self, column_idx: usize, text: Option<&[u8]>) -> bool;
}

/// Turns records into rows.
pub trait Decoder: Send {
    /// The schema of the rows.
    fn schema(&self) -> SchemaRef;

    /// Decodes the records. One that does not parse gives no row; no input makes it panic. A file's
    /// header gives no row and is not invalid either.
    fn decode(&mut self, payloads: &Payloads) -> Decoded;
}

/// The rows of a block of records, and the records that gave none.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// A row for each record that parsed, in order.
    pub rows: RecordBatch,
    /// Which record each row is of; `None` where every record gave its row.
    pub record_idx: Option<UInt32Array>,
    /// The records that did not parse, in order.
    pub invalid: Vec<Invalid>,
    /// Records that a filter left out.
    pub n_filtered: usize,
    /// Records that were not UTF-8 and had bytes replaced by U+FFFD.
    pub n_replaced: usize,
}

/// A record that did not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Which record of the block.
    pub record_idx: u32,
    /// Why, for a person: `expected a quoted request, found end of line`.
    pub reason: String,
}

/// A decoder that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The format has no such column.
    #[error("format `{format}` has no column `{column}`{}", nearest(.known))]
    UnknownColumn {
        /// The format's name.
        format: &'static str,
        /// What was asked for.
        column: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The column is there, but cannot have the type.
    #[error("format `{format}` cannot give column `{column}` as {data_type}")]
    Type {
        /// The format's name.
        format: &'static str,
        /// The column.
        column: String,
        /// The type asked for.
        data_type: String,
    },
}

fn nearest(known: &[String]) -> String {
    format!("; it has {}", known.join(", "))
}
