//! `json`: a record is a JSON object on a line of its own (NDJSON).
//!
//! Any member may be asked for. A column's name is first the exact name of a member, then a path
//! of members by its dots: `http.request.method` is the member of that name, else `method` of
//! `request` of `http`. Names are case-sensitive. Of two members of one name the last counts.
//!
//! | column type | from | |
//! |---|---|---|
//! | text | a string | its text, escapes resolved; half a surrogate pair is U+FFFD |
//! | text | a number, boolean, array, object | its JSON text as it stands |
//! | integer, float, boolean, time | a number or boolean, or a string that holds one | else invalid |
//! | any | `null`, or no such member | null |
//!
//! A text column whose field carries the metadata [`JSON_NULL`] = `text` gives the text `null` for a
//! `null` that is there: a filter matches it so.
//!
//! The **whole** record is checked, whatever columns are asked for: one object of RFC 8259 and
//! nothing behind it but white space, in UTF-8, nested at most 128 deep. So which records are
//! invalid does not depend on the query, but for values that do not fit their column's type.
//! A byte order mark before the object is passed over. An empty line is invalid.
//!
//! # Hostile input
//! Work is linear in a record's length. Stack is bounded by the nesting limit, memory by the
//! record: an unescaped text is never longer than its source.

pub(crate) mod escape;
mod fields;
mod found;
mod scan;

use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::column::Column;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::view::Record;
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use fields::Fields;
pub(crate) use found::member_names;
use scan::{Fault, Found, Kind, Scan};

const NAME: &str = "json";

/// The key of a text field's metadata that, with the value `text`, makes a JSON `null` the text
/// `null` instead of a null.
pub const JSON_NULL: &str = "datashark.json_null";

/// A text field in which a JSON `null` is the text `null`, as `log_filter` matches it.
pub fn with_null_as_text(field: Field) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(JSON_NULL.to_owned(), "text".to_owned());
    field.with_metadata(metadata)
}

/// `[codec]` of `json`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonOptions {}

/// JSON objects, one a line.
#[derive(Debug, Clone, Default)]
pub struct Json {}

impl Json {
    /// The format.
    pub fn new() -> Self {
        Json {}
    }
}

// Not a cheap projection: a record is scanned whole for one column as for ten, which is most of
// the work, so decoding a filter's columns first pays only where few records pass.
impl Format for Json {
    fn name(&self) -> &'static str {
        NAME
    }

    /// A record is checked whole whatever is asked for, but columns cost as much again: a filter
    /// that few records pass saves up to half.
    fn cheap_projection(&self) -> bool {
        true
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        crate::found::columns(
            &arrow::datatypes::Fields::empty(),
            member_names(&payloads.records),
            |_| false,
        )
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(Box::new(JsonDecoder {
            rows: Rows::try_new(NAME, columns)?,
            parser: Objects::new(columns, |name| vec![name]),
        }))
    }
}

struct JsonDecoder {
    rows: Rows,
    parser: Objects,
}

impl Decoder for JsonDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads, selection: Option<&BooleanBuffer>) -> Decoded {
        self.rows.decode(&mut self.parser, payloads, selection)
    }
}

/// A column and where its value may stand, best first.
#[derive(Debug)]
struct Member {
    name: String,
    targets: Vec<u32>,
    null_as_text: bool,
    in_lower_case: bool,
}

/// Objects whose members become columns.
#[derive(Debug)]
pub(crate) struct Objects {
    members: Vec<Member>,
    fields: Fields,
    found: Vec<Found>,
    /// The last string that had its escapes resolved.
    plain: Vec<u8>,
}

impl Objects {
    /// A parser for these columns; `names` says which members a column may come from, best first.
    pub(crate) fn new<'a>(columns: &'a [Field], names: impl Fn(&'a str) -> Vec<&'a str>) -> Self {
        let of: Vec<Vec<&str>> = columns.iter().map(|field| names(field.name())).collect();
        let (fields, targets) = Fields::new(of.iter().flatten().copied());
        let mut targets = targets.into_iter();
        let members = columns.iter().zip(&of).map(|(field, names)| Member {
            name: field.name().clone(),
            targets: targets.by_ref().take(names.len()).flatten().collect(),
            null_as_text: field
                .metadata()
                .get(JSON_NULL)
                .is_some_and(|value| value == "text"),
            in_lower_case: false,
        });
        Objects {
            members: members.collect(),
            found: vec![Found::default(); fields.n_targets()],
            fields,
            plain: Vec::new(),
        }
    }

    /// Gives a column in small letters, as other formats have its values.
    pub(crate) fn in_lower_case(mut self, name: &str) -> Self {
        for member in &mut self.members {
            member.in_lower_case |= member.name == name;
        }
        self
    }
}

impl Parse for Objects {
    const UTF8: Utf8 = Utf8::Require;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let text = record.bytes();
        self.found.fill(Found::default());
        Scan::run(
            text,
            record.bytes_and_after(),
            &self.fields,
            &mut self.found,
        )
        .map_err(|fault| reason(fault, text))?;
        for (member, column) in self.members.iter().zip(columns) {
            let at = |target: &u32| self.found[*target as usize];
            let found = member
                .targets
                .iter()
                .map(at)
                .find(|found| found.kind != Kind::Missing);
            push(
                found.unwrap_or_default(),
                member,
                record,
                column,
                &mut self.plain,
            )?;
        }
        Ok(())
    }
}

/// Appends a value to its column.
#[inline]
fn push(
    found: Found,
    member: &Member,
    record: &Record<'_>,
    column: &mut Column,
    plain: &mut Vec<u8>,
) -> Result<(), String> {
    let (start, end) = (found.start as usize, found.end as usize);
    let as_null = found.kind == Kind::Missing || (found.kind == Kind::Null && !member.null_as_text);
    if as_null {
        column.push_null();
        return Ok(());
    }
    let text = &record.bytes()[start..end];
    let pushed = if found.kind == Kind::Escaped {
        plain.clear();
        escape::unescape(text, plain);
        column.push(plain, || None)
    } else if member.in_lower_case && text.iter().any(u8::is_ascii_uppercase) {
        plain.clear();
        plain.extend(text.iter().map(u8::to_ascii_lowercase));
        column.push(plain, || None)
    } else {
        column.push(text, || Some(record.view(start, end)))
    };
    if pushed {
        Ok(())
    } else {
        Err(misfit(member, text, column))
    }
}

#[cold]
fn misfit(member: &Member, text: &[u8], column: &Column) -> String {
    format!(
        "`{}` is {}, expected {}",
        member.name,
        quote(text),
        column.expects()
    )
}

#[cold]
fn reason(fault: Fault, text: &[u8]) -> String {
    if text.is_empty() {
        return "expected a JSON object, found an empty record".to_owned();
    }
    let Fault { expected, at } = fault;
    match text.get(at) {
        Some(_) => format!(
            "expected {expected} at byte {at}, found {}",
            quote_byte(text, at)
        ),
        None => format!("expected {expected} at byte {at}, found the end of the record"),
    }
}

/// The character at a byte, as a reason shows it.
fn quote_byte(text: &[u8], at: usize) -> String {
    let rest = &text[at..text.len().min(at + 4)];
    match String::from_utf8_lossy(rest).chars().next() {
        Some(character) if !character.is_control() => format!("`{character}`"),
        _ => format!("byte 0x{:02x}", text[at]),
    }
}

#[cfg(test)]
mod tests;
