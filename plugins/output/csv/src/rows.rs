//! Findings as the bytes of CSV rows; pure.
//!
//! Each column is made ready once for a batch, then values are shown one by one into one text that
//! is used again and again: nothing is allocated for a row.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Error, Findings, Result};

use crate::CsvConf;

/// The names of the columns before the metadata.
const NAMES: [&str; 3] = ["timestamp", "key", "score"];

/// How a row is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    separator: u8,
    quote: u8,
    spreadsheet_safe: bool,
}

/// What a text begins with that a spreadsheet takes for a formula (OWASP, CSV Injection).
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

impl Dialect {
    /// The dialect of a conf that has no problems: both characters are ASCII.
    pub(crate) fn of(conf: &CsvConf) -> Self {
        Dialect {
            separator: conf.separator as u8,
            quote: conf.quote_char as u8,
            spreadsheet_safe: conf.spreadsheet_safe,
        }
    }

    /// The line of the columns' names.
    pub(crate) fn header(self, findings: &Findings) -> Result<Vec<u8>> {
        let metadata = sorted_metadata(findings).into_iter().map(|(name, _)| name);
        let mut writer = self.writer(0);
        writer
            .write_record(NAMES.into_iter().chain(metadata))
            .map_err(not_written)?;
        finish(writer)
    }

    /// The rows of findings, each with this time before it.
    pub(crate) fn rows(self, batch: &FindingsBatch, time: &str) -> Result<Vec<u8>> {
        let findings = &batch.findings;
        let prepared = prepare(findings)?;
        let mut columns: Vec<Column<'_>> = prepared
            .iter()
            .map(|column| column.column(self.spreadsheet_safe))
            .collect::<Result<_>>()?;
        let mut writer = self.writer(findings.len() * 16 * (columns.len() + 2));
        let mut cell = Cell::default();
        for row in 0..findings.len() {
            writer.write_field(time).map_err(not_written)?;
            for column in &mut columns {
                writer
                    .write_field(cell.show(column, row)?)
                    .map_err(not_written)?;
            }
            writer.write_record(None::<&[u8]>).map_err(not_written)?;
        }
        finish(writer)
    }

    fn writer(self, n_bytes: usize) -> csv::Writer<Vec<u8>> {
        csv::WriterBuilder::new()
            .delimiter(self.separator)
            .quote(self.quote)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(Vec::with_capacity(n_bytes))
    }
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>> {
    writer
        .into_inner()
        .map_err(|error| Error::internal(format!("a row cannot be written: {error}")))
}

fn not_written(error: csv::Error) -> Error {
    Error::internal(format!("a row cannot be written: {error}"))
}

/// The metadata in the order of its names.
fn sorted_metadata(findings: &Findings) -> Vec<(&str, &ArrayRef)> {
    let mut metadata: Vec<(&str, &ArrayRef)> = findings.metadata().collect();
    metadata.sort_by_key(|(name, _)| *name);
    metadata
}

/// The key, the score and the metadata.
fn prepare(findings: &Findings) -> Result<Vec<Prepared>> {
    let first = findings.batch().columns().iter().take(2);
    let metadata = sorted_metadata(findings)
        .into_iter()
        .map(|(_, column)| column);
    first.chain(metadata).map(Prepared::new).collect()
}

/// A column without a dictionary, text as views, and what its JSON needs to outlive.
struct Prepared {
    array: ArrayRef,
    field: FieldRef,
    options: EncoderOptions,
}

impl Prepared {
    fn new(array: &ArrayRef) -> Result<Self> {
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => cast(array, values)?,
            _ => Arc::clone(array),
        };
        let array = match array.data_type() {
            text if text.is_string() => cast(&array, &DataType::Utf8View)?,
            _ => array,
        };
        let field = Arc::new(Field::new("", array.data_type().clone(), true));
        Ok(Prepared {
            array,
            field,
            options: EncoderOptions::default(),
        })
    }

    fn column(&self, spreadsheet_safe: bool) -> Result<Column<'_>> {
        let data_type = self.array.data_type();
        Ok(match data_type {
            _ if data_type.is_nested() => {
                Column::Json(make_encoder(&self.field, &self.array, &self.options)?)
            }
            _ if data_type.is_floating() => Column::Float(shown(&self.array)?),
            _ if data_type.is_string() => Column::Text {
                texts: self.array.as_string_view(),
                spreadsheet_safe,
            },
            _ => Column::Shown(shown(&self.array)?),
        })
    }
}

fn shown(array: &dyn Array) -> Result<ArrayFormatter<'_>> {
    Ok(ArrayFormatter::try_new(
        array,
        &FormatOptions::new().with_null(""),
    )?)
}

/// How the values of a column are shown.
enum Column<'a> {
    /// As it is, or with a `'` before what would be a formula.
    Text {
        texts: &'a StringViewArray,
        spreadsheet_safe: bool,
    },
    /// As Arrow shows them: times in ISO 8601.
    Shown(ArrayFormatter<'a>),
    /// As short as possible, a whole number without `.0`.
    Float(ArrayFormatter<'a>),
    /// As JSON.
    Json(NullableEncoder<'a>),
}

/// The value that is being shown.
#[derive(Default)]
struct Cell {
    text: String,
    json: Vec<u8>,
}

impl Cell {
    fn show<'c>(&'c mut self, column: &'c mut Column<'_>, row: usize) -> Result<&'c [u8]> {
        self.text.clear();
        self.json.clear();
        match column {
            Column::Text { texts, .. } if texts.is_null(row) => {}
            Column::Text {
                texts,
                spreadsheet_safe,
            } => {
                let text = texts.value(row);
                if !*spreadsheet_safe || !text.starts_with(FORMULA_STARTS) {
                    return Ok(text.as_bytes());
                }
                self.text.push('\'');
                self.text.push_str(text);
            }
            Column::Shown(shown) => self.format(shown, row)?,
            Column::Float(shown) => {
                self.format(shown, row)?;
                let whole = self.text.strip_suffix(".0").map(str::len);
                self.text.truncate(whole.unwrap_or(self.text.len()));
            }
            Column::Json(json) => {
                if !json.is_null(row) {
                    json.encode(row, &mut self.json);
                }
                return Ok(&self.json);
            }
        }
        Ok(self.text.as_bytes())
    }

    fn format(&mut self, shown: &ArrayFormatter<'_>, row: usize) -> Result<()> {
        write!(self.text, "{}", shown.value(row)).map_err(|_| {
            Error::data(format!(
                "row {row} has a value that cannot be shown as text"
            ))
        })
    }
}

#[cfg(test)]
mod tests;
