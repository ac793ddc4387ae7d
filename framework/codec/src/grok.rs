//! `grok`: a record is what a pattern says it is, made of named ones as in Logstash.
//!
//! ```text
//! [codec]
//!     format  = grok
//!     pattern = %{IP:source_ip} %{WORD:http_request_method} %{NUMBER:bytes:int} %{TICKET:ticket}
//!     [[patterns]]
//!         TICKET = [A-Z]+-%{POSINT}
//! ```
//!
//! | `[codec]` key | |
//! |---|---|
//! | `pattern` | the pattern |
//! | `[[patterns]]` | patterns of one's own, by name; they come before Logstash's of the same name |
//! | `patterns_file` | files of patterns as Logstash has them, a `NAME pattern` a line; several with commas between, from the conf's folder. What `[[patterns]]` has goes before them |
//!
//! `%{NAME}` stands for the pattern of that name, `%{NAME:column}` makes what it matches a column,
//! and `%{NAME:column:type}` one of a type: `int` and `float` as in Logstash, or `integer`, `text`,
//! `boolean`, `timestamp`. All else is a regex, in which `(?<column>…)` makes a column, too. Names of
//! the form `[source][ip]` become `source_ip`. Named patterns may hold columns: `%{COMBINEDAPACHELOG}`
//! has `clientip`, `ident`, `auth`, `timestamp`, `verb`, `request`, `httpversion`, `rawrequest`,
//! `response`, `bytes`, `referrer` and `agent`. Of two places with one column the first that took
//! part in the match counts. A column is text unless the pattern or `[columns]` types it, and null
//! where its part took no part. A line in which the pattern matches nowhere is invalid, and so is one
//! with a value that does not fit its column's type.
//!
//! The pattern becomes a regex that the format `regex` runs, with its syntax and its promise: time is
//! linear in the line's length, whatever the line. Differences from Logstash follow from that:
//!
//! - Its own patterns are used without their look-around, as IPV4's that no digit follows, and with
//!   plain groups for atomic ones. So they match what they do there, and in rare cases more. Look-
//!   around in a pattern of one's own is refused. Names of hosts and mailboxes may be of any length.
//! - `\d`, `\w`, `\s`, `\b` and `\h` are about ASCII, as they are there.
//! - The patterns are those of Logstash without ECS compatibility: columns are named as above.
//!
//! A pattern that begins with `^` is tried at a line's start alone, which is faster. What is not
//! UTF-8 is matched as U+FFFD and counted.

mod expand;
mod pattern_files;
mod translate;

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Fields};
use serde::Deserialize;

use crate::fixed_columns::check_names;
use crate::regex::{PatternError, Regex};
use crate::{CodecError, Columns, Decoder, Format};
use expand::{Expanded, expand};

pub use pattern_files::ReadFile;

const NAME: &str = "grok";

/// `[codec]` of `grok`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrokOptions {
    /// The pattern.
    pub pattern: String,
    /// Patterns of one's own.
    #[serde(default)]
    pub patterns: BTreeMap<String, String>,
    /// Files with more, which [`GrokOptions::read_files`] reads.
    #[serde(default)]
    pub patterns_file: Vec<String>,
}

/// Lines that match a pattern of named patterns.
#[derive(Debug, Clone)]
pub struct Grok {
    regex: Regex,
    columns: Vec<Column>,
}

/// A column and the groups that it may come from.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    data_type: DataType,
    groups: Vec<usize>,
}

impl Grok {
    /// The format with these options, whose files have been read.
    ///
    /// # Errors
    /// A pattern that is not there or holds itself; one that is no regex, too large or without a
    /// column.
    pub fn try_new(options: &GrokOptions) -> Result<Self, PatternError> {
        let expanded = expand(&options.pattern, &options.patterns)?;
        let regex =
            Regex::try_unanchored(&expanded.regex).map_err(|error| in_words(error, &expanded))?;
        Ok(Grok {
            columns: columns(&regex, expanded),
            regex,
        })
    }

    fn groups(&self, name: &str) -> Vec<usize> {
        let named = self.columns.iter().find(|column| column.name == name);
        named
            .map(|column| column.groups.clone())
            .unwrap_or_default()
    }
}

/// The error without places, which are those of the regex, and with a part of the pattern.
fn in_words(error: PatternError, expanded: &Expanded) -> PatternError {
    let message = match error.span.and_then(|span| expanded.regex.get(span)) {
        Some(part) if !part.is_empty() => format!("{}: `{part}`", error.message),
        _ => error.message,
    };
    let help = match expanded.columns.is_empty() && error.help.is_some() {
        true => Some("name what is to be a column: `%{IP:source_ip}`".to_owned()),
        false => error.help,
    };
    PatternError {
        message,
        span: None,
        help,
    }
}

/// The columns, in the order in which they first stand in the pattern.
fn columns(regex: &Regex, expanded: Expanded) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (group, group_idx) in regex.groups() {
        let (name, data_type) = match expanded.column(group) {
            Some(column) => (column.name.clone(), column.data_type.clone()),
            None => (group.to_owned(), DataType::Utf8View),
        };
        match columns.iter_mut().find(|column| column.name == name) {
            Some(column) => column.groups.push(group_idx),
            None => columns.push(Column {
                name,
                data_type,
                groups: vec![group_idx],
            }),
        }
    }
    columns
}

impl Format for Grok {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        let field = |column: &Column| Field::new(&column.name, column.data_type.clone(), true);
        Columns::Fixed(self.columns.iter().map(field).collect::<Fields>())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_names(NAME, &self.columns(), columns)?;
        let groups = columns.iter().map(|field| self.groups(field.name()));
        self.regex.decoder_of(NAME, columns, groups.collect())
    }
}

#[cfg(test)]
mod tests;
