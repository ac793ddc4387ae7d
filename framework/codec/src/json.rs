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

use std::sync::Arc;

use arrow::datatypes::{Field, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::column::Column;
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::{CodecError, Columns, Decoded, Decoder, Format, RecordFilter};
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

impl Format for Json {
    fn name(&self) -> &'static str {
        NAME
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

    fn filtering_decoder(
        &self,
        columns: &[Field],
        filter: &Arc<dyn RecordFilter>,
    ) -> Result<Option<Box<dyn Decoder>>, CodecError> {
        Ok(Some(Box::new(JsonDecoder {
            rows: Rows::try_new(NAME, columns)?,
            parser: Objects::filtered(columns, filter, |name| vec![name]),
        })))
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

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.parser, payloads, None)
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
    filter: Option<(Arc<dyn RecordFilter>, Vec<Member>)>,
    /// Whether the last object is not wanted.
    left_out: bool,
    fields: Fields,
    found: Vec<Found>,
    /// The last text that does not stand in its record as it is.
    made: Vec<u8>,
}

impl Objects {
    /// A parser for these columns; `names` says which members a column may come from, best first.
    pub(crate) fn new<'a>(columns: &'a [Field], names: impl Fn(&'a str) -> Vec<&'a str>) -> Self {
        Objects::with_filter(columns, None, names)
    }

    /// A parser for these columns of the objects that a filter wants.
    pub(crate) fn filtered<'a>(
        columns: &'a [Field],
        filter: &'a Arc<dyn RecordFilter>,
        names: impl Fn(&'a str) -> Vec<&'a str>,
    ) -> Self {
        Objects::with_filter(columns, Some(filter), names)
    }

    fn with_filter<'a>(
        columns: &'a [Field],
        filter: Option<&'a Arc<dyn RecordFilter>>,
        names: impl Fn(&'a str) -> Vec<&'a str>,
    ) -> Self {
        let of_filter = filter.map_or(&[][..], |filter| filter.columns());
        let all = || columns.iter().chain(of_filter);
        let of: Vec<Vec<&str>> = all().map(|field| names(field.name())).collect();
        let (fields, targets) = Fields::new(of.iter().flatten().copied());
        let mut targets = targets.into_iter();
        let members = all().zip(&of).map(|(field, names)| Member {
            name: field.name().clone(),
            targets: targets.by_ref().take(names.len()).flatten().collect(),
            null_as_text: field
                .metadata()
                .get(JSON_NULL)
                .is_some_and(|value| value == "text"),
            in_lower_case: false,
        });
        let mut members: Vec<Member> = members.collect();
        let of_filter = members.split_off(columns.len());
        Objects {
            members,
            filter: filter.map(|filter| (Arc::clone(filter), of_filter)),
            left_out: false,
            found: vec![Found::default(); fields.n_targets()],
            fields,
            made: Vec::new(),
        }
    }

    /// Gives a column in small letters, as other formats have its values.
    pub(crate) fn in_lower_case(mut self, name: &str) -> Self {
        let of_filter = self.filter.iter_mut().flat_map(|(_, members)| members);
        for member in self.members.iter_mut().chain(of_filter) {
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
        if let Some((filter, members)) = &self.filter {
            let mut passes = |(idx, member): (usize, &Member)| {
                let value = member.value(&self.found, text, &mut self.made);
                filter.passes(idx, value.text(text, &self.made))
            };
            self.left_out = !members.iter().enumerate().all(&mut passes);
            if self.left_out {
                return Ok(());
            }
        }
        for (member, column) in self.members.iter().zip(columns) {
            let pushed = match member.value(&self.found, text, &mut self.made) {
                Value::Null => {
                    column.push_null();
                    true
                }
                Value::At(start, end) => column.push(record, start, end),
                Value::Made => column.push_made(&self.made),
            };
            if !pushed {
                let value = member.value(&self.found, text, &mut self.made);
                let text = value.text(text, &self.made).unwrap_or_default();
                return Err(misfit(member, text, column));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn left_out(&self) -> bool {
        self.left_out
    }
}

/// The value of a column.
#[derive(Debug, Clone, Copy)]
enum Value {
    Null,
    /// What stands there in the record.
    At(usize, usize),
    /// What was made of it, in [`Objects::made`].
    Made,
}

impl Value {
    #[inline]
    fn text<'t>(self, record: &'t [u8], made: &'t [u8]) -> Option<&'t [u8]> {
        match self {
            Value::Null => None,
            Value::At(start, end) => Some(&record[start..end]),
            Value::Made => Some(made),
        }
    }
}

impl Member {
    /// The value of the first of its places where something stands.
    #[inline]
    fn value(&self, found: &[Found], record: &[u8], made: &mut Vec<u8>) -> Value {
        let at = |target: &u32| found[*target as usize];
        let is_there = |found: &Found| found.kind != Kind::Missing;
        let found = self.targets.iter().map(at).find(is_there);
        let Found { kind, start, end } = found.unwrap_or_default();
        let (start, end) = (start as usize, end as usize);
        if kind == Kind::Missing || (kind == Kind::Null && !self.null_as_text) {
            return Value::Null;
        }
        let text = &record[start..end];
        if kind == Kind::Escaped {
            made.clear();
            escape::unescape(text, made);
            return Value::Made;
        }
        if self.in_lower_case && text.iter().any(u8::is_ascii_uppercase) {
            made.clear();
            made.extend(text.iter().map(u8::to_ascii_lowercase));
            return Value::Made;
        }
        Value::At(start, end)
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
