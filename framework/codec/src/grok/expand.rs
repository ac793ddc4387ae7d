//! A pattern with named ones in it to a regex with groups.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::datatypes::DataType;
use datashark_sdk::conf::nearest;

use super::translate::{translate, without_look_around};
use crate::column::micros_utc;
use crate::regex::PatternError;

/// How deep patterns may hold others; a library of 300 has no deeper one, so it is a ring.
const DEPTH_MAX: usize = 50;

/// A longer regex is too large to compile anyway.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Patterns of the library that count how long a name may be. A regex has states for each of those
/// lengths: `%{COMBINEDAPACHELOG}` becomes ten times as large and as slow. Longer names match too.
const UNCOUNTED: [(&str, &str); 2] = [
    (
        "EMAILLOCALPART",
        r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]+)*",
    ),
    (
        "HOSTNAME",
        r"\b[0-9A-Za-z][0-9A-Za-z-]*(?:\.[0-9A-Za-z][0-9A-Za-z-]*)*(\.?|\b)",
    ),
];

/// What the groups of columns are called, before a number.
const GROUP: &str = "_column";

/// A regex, and the columns that its groups are.
#[derive(Debug)]
pub(super) struct Expanded {
    pub(super) regex: String,
    pub(super) columns: Vec<Named>,
}

/// A column of a pattern.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) data_type: DataType,
}

impl Expanded {
    /// The column that a group is, if it was made here.
    pub(super) fn column(&self, group: &str) -> Option<&Named> {
        self.columns
            .get(group.strip_prefix(GROUP)?.parse::<usize>().ok()?)
    }
}

/// The regex of a pattern.
///
/// # Errors
/// A name that no pattern has; a ring of patterns; a regex that becomes too long.
pub(super) fn expand(
    pattern: &str,
    own: &BTreeMap<String, String>,
) -> Result<Expanded, PatternError> {
    let mut expander = Expander {
        own,
        out: Expanded {
            regex: String::new(),
            columns: Vec::new(),
        },
    };
    expander.expand(pattern, true, 0)?;
    Ok(expander.out)
}

struct Expander<'a> {
    own: &'a BTreeMap<String, String>,
    out: Expanded,
}

impl Expander<'_> {
    /// Appends a pattern; `is_own` if a user wrote it.
    fn expand(&mut self, pattern: &str, is_own: bool, depth: usize) -> Result<(), PatternError> {
        let mut at = 0;
        while let Some(reference) = Reference::find(pattern, at) {
            self.push(&pattern[at..reference.span.start]);
            at = reference.span.end;
            self.reference(&reference, depth)
                .map_err(|error| PatternError {
                    // A place in a pattern that is part of another is no place in the conf's value.
                    span: error.span.filter(|_| is_own && depth == 0),
                    ..error
                })?;
        }
        self.push(&pattern[at..]);
        Ok(())
    }

    fn push(&mut self, regex: &str) {
        self.out.regex.push_str(&translate(regex));
    }

    fn reference(&mut self, reference: &Reference<'_>, depth: usize) -> Result<(), PatternError> {
        let fault = |message: String| PatternError {
            message,
            span: Some(reference.span.clone()),
            help: None,
        };
        let name = reference.name;
        if depth == DEPTH_MAX {
            return Err(fault(format!("the pattern `{name}` holds itself")));
        }
        match reference.column {
            Some(column) => {
                let n = self.out.columns.len();
                self.out.regex.push_str(&format!("(?P<{GROUP}{n}>"));
                self.out.columns.push(Named {
                    name: column_name(column),
                    data_type: data_type(reference.data_type).map_err(fault)?,
                });
            }
            None => self.out.regex.push_str("(?:"),
        }
        match self.own.get(name) {
            Some(own) => self.expand(own, true, depth + 1)?,
            None => {
                let mut known = UNCOUNTED.iter().chain(::grok::patterns());
                let found = known.find(|(known, _)| *known == name);
                let (_, pattern) = found.ok_or_else(|| self.unknown(reference))?;
                self.expand(&without_look_around(pattern), false, depth + 1)?;
            }
        }
        self.out.regex.push(')');
        if self.out.regex.len() > REGEX_BYTES_MAX {
            return Err(fault(format!("the regex is too long with `{name}`")));
        }
        Ok(())
    }

    fn unknown(&self, reference: &Reference<'_>) -> PatternError {
        let name = reference.name;
        let library = ::grok::patterns().iter().map(|(known, _)| *known);
        let known = self.own.keys().map(String::as_str).chain(library);
        let near = nearest(name, known);
        PatternError {
            message: match near {
                Some(near) => format!("there is no pattern `{name}`, did you mean `{near}`?"),
                None => format!("there is no pattern `{name}`"),
            },
            span: Some(reference.span.clone()),
            help: near
                .is_none()
                .then(|| format!("define it: `{name} = …` in `[[patterns]]`")),
        }
    }
}

/// `%{NAME:column:type}`.
struct Reference<'a> {
    span: Range<usize>,
    name: &'a str,
    column: Option<&'a str>,
    data_type: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// The next one; what has no closing brace, or no name, is none.
    fn find(pattern: &'a str, from: usize) -> Option<Self> {
        let start = from + pattern[from..].find("%{")?;
        let inside = &pattern[start + 2..];
        let end = inside.find('}')?;
        let mut parts = inside[..end].splitn(3, ':');
        let name = parts.next()?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return Self::find(pattern, start + 2);
        }
        Some(Reference {
            span: start..start + 2 + end + 1,
            name,
            column: parts.next().filter(|column| !column.is_empty()),
            data_type: parts.next(),
        })
    }
}

/// `source_ip` of `[source][ip]`.
fn column_name(name: &str) -> String {
    match name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inside) => inside.replace("][", "_"),
        None => name.to_owned(),
    }
}

fn data_type(name: Option<&str>) -> Result<DataType, String> {
    const KNOWN: [&str; 6] = ["int", "float", "integer", "text", "boolean", "timestamp"];
    Ok(match name {
        None | Some("text") => DataType::Utf8View,
        Some("int" | "integer") => DataType::Int64,
        Some("float") => DataType::Float64,
        Some("boolean") => DataType::Boolean,
        Some("timestamp") => micros_utc(),
        Some(other) => {
            let near = nearest(other, &KNOWN).map(|near| format!(", did you mean `{near}`?"));
            let known = || format!("; it is one of {}", KNOWN.join(", "));
            return Err(format!(
                "unknown type `{other}`{}",
                near.unwrap_or_else(known)
            ));
        }
    })
}
