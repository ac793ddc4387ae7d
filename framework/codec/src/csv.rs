//! `csv`: a record is a line of separated fields.
//!
//! | `[codec]` key | default | |
//! |---|---|---|
//! | `separator` | `,` | one ASCII character; `\t` is a tab |
//! | `quote_char` | `"` | one ASCII character |
//! | `header` | `true` | whether each file's first line names its columns |
//! | `columns` | | the names, where there is no header |
//!
//! Any column may be asked for, as text, integer, float, boolean or time; in all but text columns
//! an empty field is null. With a header each file says for itself which columns it has and in
//! which order; the records of a file that lacks an asked column are invalid, with the nearest
//! name it does have. A byte order mark before the header is passed over; of two columns of one
//! name the first counts.
//!
//! Quoting is that of the csv crate: a quoted field may hold separators, and quotes where they are
//! doubled. A record with fewer or more fields than there are columns, or with a quote that is not
//! closed, is invalid; a line end inside quotes is not supported, since records are lines. All
//! fields of a record are split whatever is asked for. What is not UTF-8 is replaced by U+FFFD and
//! counted. Work is linear in a record's length.

mod split;

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datashark_sdk::conf::nearest;
use datashark_sdk::input::{Header, HeaderRule, Payloads};
use serde::Deserialize;

use crate::column::Column;
use crate::place::Place;
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::{CodecError, Columns, Decoded, Decoder, Format};
use split::Splitter;

const NAME: &str = "csv";

/// `[codec]` of `csv`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvOptions {
    /// What stands between fields.
    pub separator: char,
    /// What stands around a field that holds a separator.
    pub quote_char: char,
    /// Whether each file's first line names its columns.
    pub header: bool,
    /// The names of the columns, where there is no header.
    pub columns: Vec<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            separator: ',',
            quote_char: '"',
            header: true,
            columns: Vec::new(),
        }
    }
}

/// Options that contradict each other or cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CsvOptionError {
    /// The option that is wrong.
    pub option: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// Separated fields.
#[derive(Debug, Clone)]
pub struct Csv {
    separator: u8,
    quote_char: u8,
    /// The columns' names; none where each file has a header.
    columns: Option<Arc<[String]>>,
}

impl Csv {
    /// The format with these options.
    ///
    /// # Errors
    /// A separator or quote that is not ASCII, or that are the same; names beside a header, or
    /// neither.
    pub fn try_new(options: CsvOptions) -> Result<Self, CsvOptionError> {
        let separator = ascii("separator", options.separator)?;
        let quote_char = ascii("quote_char", options.quote_char)?;
        if separator == quote_char {
            let message = "`separator` and `quote_char` are the same".to_owned();
            return Err(CsvOptionError {
                option: "quote_char",
                message,
            });
        }
        let wrong = |message: &str| {
            Err(CsvOptionError {
                option: "columns",
                message: message.to_owned(),
            })
        };
        let columns = match (options.header, options.columns) {
            (true, names) if names.is_empty() => None,
            (true, _) => {
                return wrong("`columns` is for files without a header; set `header = false`");
            }
            (false, names) if names.is_empty() => {
                return wrong("without a header, `columns` has to name the columns");
            }
            (false, names) => Some(names.into()),
        };
        Ok(Csv {
            separator,
            quote_char,
            columns,
        })
    }
}

impl Csv {
    fn fields(&self, asked: Arc<[String]>, layout: Layout) -> Fields {
        Fields {
            splitter: Splitter::new(self.separator, self.quote_char),
            layout: Ok(layout),
            asked,
            places: Vec::new(),
            unquoted: Vec::new(),
        }
    }
}

fn ascii(option: &'static str, character: char) -> Result<u8, CsvOptionError> {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(byte),
        _ => Err(CsvOptionError {
            option,
            message: format!("`{character}` is not one ASCII character"),
        }),
    }
}

impl Format for Csv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        let names = match &self.columns {
            Some(names) => names.to_vec(),
            None => {
                let mut fields = self.fields(Arc::default(), Layout::default());
                fields.names(payloads.header.as_ref()).unwrap_or_default()
            }
        };
        let text = |name| Field::new(name, DataType::Utf8View, true);
        names.into_iter().map(text).collect()
    }

    fn header(&self) -> HeaderRule {
        match self.columns {
            None => HeaderRule::FirstLine,
            Some(_) => HeaderRule::None,
        }
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        let rows = Rows::try_new(NAME, columns)?;
        let asked: Arc<[String]> = columns.iter().map(|field| field.name().clone()).collect();
        let layout = match &self.columns {
            Some(names) => {
                if let Some(unknown) = asked.iter().find(|name| !names.contains(name)) {
                    return Err(CodecError::UnknownColumn {
                        format: NAME,
                        column: unknown.clone(),
                        known: names.to_vec(),
                    });
                }
                Some(Layout::new(names, &asked))
            }
            None => None,
        };
        let fields = self.fields(asked, layout.unwrap_or_default());
        Ok(Box::new(CsvDecoder {
            rows,
            fields,
            with_header: self.columns.is_none(),
            header: None,
        }))
    }
}

struct CsvDecoder {
    rows: Rows,
    fields: Fields,
    with_header: bool,
    /// The header that the layout is of.
    header: Option<Header>,
}

impl Decoder for CsvDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        if !self.with_header {
            return self.rows.decode(&mut self.fields, payloads, None);
        }
        if self.header != payloads.header {
            self.fields.layout = self.fields.read_header(payloads.header.as_ref());
            self.header = payloads.header.clone();
        }
        if payloads.header.is_none() {
            self.fields.layout = Err("the file has no header".to_owned());
        }
        // The record at offset 0 is the header.
        let first = payloads.offsets.first() == Some(&0);
        let others =
            first.then(|| BooleanBuffer::collect_bool(payloads.offsets.len(), |idx| idx > 0));
        self.rows
            .decode(&mut self.fields, payloads, others.as_ref())
    }
}

/// Which fields of a record the columns are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Layout {
    n_fields: usize,
    /// The field of each asked column.
    picked: Vec<usize>,
}

impl Layout {
    /// Where the asked names stand; all are there.
    fn new(names: &[String], asked: &[String]) -> Self {
        let picked = asked
            .iter()
            .filter_map(|name| names.iter().position(|known| known == name));
        Layout {
            n_fields: names.len(),
            picked: picked.collect(),
        }
    }
}

struct Fields {
    splitter: Splitter,
    asked: Arc<[String]>,
    /// The layout, or why the records of this file have none.
    layout: Result<Layout, String>,
    places: Vec<Place>,
    /// The fields of a record that does not hold them as they are.
    unquoted: Vec<u8>,
}

impl Fields {
    fn read_header(&mut self, header: Option<&Header>) -> Result<Layout, String> {
        let names = self.names(header)?;
        match self.asked.iter().find(|asked| !names.contains(asked)) {
            Some(missing) => Err(no_such_column(missing, &names)),
            None => Ok(Layout::new(&names, &self.asked)),
        }
    }

    /// The names that a header line has.
    fn names(&mut self, header: Option<&Header>) -> Result<Vec<String>, String> {
        let line = header.and_then(Header::first_line).unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let line = line.strip_prefix('\u{FEFF}').unwrap_or(&line);
        let line = line.trim_end_matches(['\r', '\n']).as_bytes();
        let in_place = self
            .splitter
            .split(line, &mut self.places, &mut self.unquoted)?;
        let source = if in_place { line } else { &self.unquoted };
        let name =
            |place: &Place| String::from_utf8_lossy(&source[place.start..place.end]).into_owned();
        Ok(self.places.iter().map(name).collect())
    }
}

fn no_such_column(missing: &str, names: &[String]) -> String {
    match nearest(missing, names) {
        Some(near) => format!("the file has no column `{missing}`, did you mean `{near}`?"),
        None => format!(
            "the file has no column `{missing}`; it has {}",
            names.join(", ")
        ),
    }
}

impl Parse for Fields {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let layout = self.layout.as_ref().map_err(Clone::clone)?;
        let text = record.bytes();
        let in_place = self
            .splitter
            .split(text, &mut self.places, &mut self.unquoted)?;
        if self.places.len() != layout.n_fields {
            let (found, expected) = (self.places.len(), layout.n_fields);
            return Err(format!("expected {expected} fields, found {found}"));
        }
        for ((column, picked), name) in columns.iter_mut().zip(&layout.picked).zip(&*self.asked) {
            let Place { start, end } = self.places[*picked];
            if start == end && !matches!(column, Column::Text(_)) {
                column.push_null();
                continue;
            }
            let pushed = match in_place {
                true => column.push(record, start, end),
                false => column.push_made(&self.unquoted[start..end]),
            };
            if !pushed {
                let source = if in_place { text } else { &self.unquoted };
                return Err(format!(
                    "`{name}` is {}, expected {}",
                    quote(&source[start..end]),
                    column.expects()
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
