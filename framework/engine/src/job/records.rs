//! Which format the records have, and which of its columns are wanted, with which types.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datashark_codec::timestamp::TimestampFormat;
use datashark_codec::{Columns, Format, TIMESTAMP_FORMAT, beside, json, registry};
use datashark_conf::{ColumnType, Conf};
use datashark_sdk::conf::{Problem, Problems, Section, nearest};
use datashark_sdk::input::Source;
use datashark_sdk::{Records, RecordsFormat};

use crate::aggregate::RecordsColumns;
use crate::run::pipeline::TimeSource;

/// What is known of the records before a query is planned over them.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) format: Option<Arc<dyn Format>>,
    /// The columns that there are; `None` where any name may be asked for.
    pub(super) fixed: Option<Vec<Field>>,
    /// The types that the conf gives to columns, and those that an open format's columns have
    /// where the conf does not say.
    pub(super) typed: Vec<Field>,
}

/// The records of a conf in a folder: its format and columns, with those that its input has beside them.
pub(super) fn known(
    conf: &Conf,
    folder: &Path,
    wanted: &Records,
    source: &Source,
    beside: Vec<Field>,
) -> Result<Known, Problems> {
    let mut typed: Vec<Field> = conf
        .columns
        .iter()
        .map(|(name, t)| field(conf, name, *t))
        .collect();
    if let Source::Columns(schema) = source {
        if conf.codec.is_some() {
            let message = "`[codec]` has no use: the file has columns of its own";
            return Err(problem(["codec"], message));
        }
        let fixed = schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone())
            .collect();
        return Ok(Known {
            format: None,
            fixed: Some(fixed),
            typed,
        });
    }
    let hint = match source {
        Source::Raw { format } => *format,
        Source::Columns(_) => None,
    };
    let format = beside::around(format(conf, folder, wanted, hint)?, beside);
    let fixed = match format.columns() {
        Columns::Fixed(fields) => Some(fields.iter().map(|f| f.as_ref().clone()).collect()),
        Columns::Open => {
            // A view's columns are not the records'.
            let wanted = wanted.columns.iter().filter(|_| wanted.view.is_none());
            let known = format.known_columns();
            for known in wanted.chain(known.iter().map(AsRef::as_ref)) {
                if !typed.iter().any(|typed| typed.name() == known.name()) {
                    typed.push(known.clone());
                }
            }
            None
        }
    };
    Ok(Known {
        format: Some(format),
        fixed,
        typed,
    })
}

fn problem<const N: usize>(path: [&str; N], message: impl Into<String>) -> Problems {
    Problems::from_iter([Problem::at(path, message)])
}

/// The format that the use case fixes, that the conf says, or that the source suggests.
fn format(
    conf: &Conf,
    folder: &Path,
    wanted: &Records,
    hint: Option<&'static str>,
) -> Result<Arc<dyn Format>, Problems> {
    let said = conf
        .codec
        .as_ref()
        .and_then(|codec| codec.format.as_deref());
    let options = conf
        .codec
        .as_ref()
        .map(|codec| codec.options.clone())
        .unwrap_or_default();
    let (name, options) = match &wanted.format {
        Some(_) if said.is_some() => {
            let message = "the use case itself says how its records are read";
            return Err(problem(["codec", "format"], message));
        }
        Some(RecordsFormat::Lines) => ("text", options),
        Some(RecordsFormat::Regex(pattern)) => ("regex", regex_options(options, pattern)),
        Some(RecordsFormat::Named(name)) => (name.as_str(), options),
        None => (said.or(hint).unwrap_or("text"), options),
    };
    let read = |file: &str| fs::read_to_string(folder.join(file));
    registry::format(name, &options, &read).map_err(|problems| problems.below(["codec"]))
}

fn regex_options(mut options: Section, pattern: &str) -> Section {
    // Quoted, so that a pattern that ends in quotes of its own keeps them.
    options.insert("pattern", format!("\"{pattern}\""));
    options
}

fn field(conf: &Conf, name: &str, column: ColumnType) -> Field {
    let data_type = match column {
        ColumnType::Text => DataType::Utf8View,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    let field = Field::new(name, data_type, true);
    let is_event_time = conf.timestamp_field.as_deref() == Some(name);
    match &conf.timestamp_format {
        Some(format) if is_event_time && column == ColumnType::Timestamp => {
            field.with_metadata([(TIMESTAMP_FORMAT.to_owned(), format.clone())].into())
        }
        _ => field,
    }
}

impl Known {
    /// The columns that a query may name.
    pub(super) fn columns(&self) -> RecordsColumns {
        match &self.fixed {
            None => RecordsColumns::Open(self.typed.clone()),
            Some(fixed) => {
                let typed = |field: &Field| self.typed.iter().find(|t| t.name() == field.name());
                let columns = fixed
                    .iter()
                    .map(|field| typed(field).unwrap_or(field).clone());
                RecordsColumns::Fixed(columns.collect())
            }
        }
    }

    /// A column as it is decoded.
    ///
    /// # Errors
    /// There is none of this name; the names that there are.
    pub(super) fn column(&self, name: &str) -> Result<Field, Vec<String>> {
        let named = |fields: &[Field]| fields.iter().find(|field| field.name() == name).cloned();
        match &self.fixed {
            Some(fixed) => {
                let column = named(fixed);
                let column = column.ok_or_else(|| fixed.iter().map(|f| f.name().clone()).collect());
                // A regex's groups are read as the conf types them: what does not fit is invalid.
                let typed = named(&self.typed).filter(|_| self.is_regex());
                column.map(|column| typed.unwrap_or(column))
            }
            None => Ok(
                named(&self.typed).unwrap_or_else(|| Field::new(name, DataType::Utf8View, true))
            ),
        }
    }

    /// A column as a filter looks at it.
    ///
    /// # Errors
    /// As [`Known::column`].
    pub(super) fn filter_column(&self, name: &str) -> Result<Field, Vec<String>> {
        match &self.fixed {
            Some(_) => self.column(name),
            None => Ok(json::with_null_as_text(Field::new(
                name,
                DataType::Utf8View,
                true,
            ))),
        }
    }

    fn is_regex(&self) -> bool {
        self.format
            .as_ref()
            .is_some_and(|format| matches!(format.name(), "regex" | "grok"))
    }

    /// Whether the records have named fields, and not just a line of text.
    pub(super) fn has_fields(&self) -> bool {
        self.format
            .as_ref()
            .is_none_or(|format| format.name() != "text")
    }

    /// The columns that a conf types and the records do not have.
    pub(super) fn check_typed(&self, problems: &mut Problems) {
        for field in &self.typed {
            if let Err(known) = self.column(field.name()) {
                problems.push(no_column(["columns", field.name()], field.name(), &known));
            }
        }
    }

    /// Where the event time comes from.
    pub(super) fn time(&self, conf: &Conf, problems: &mut Problems) -> TimeSource {
        let Some(name) = &conf.timestamp_field else {
            if conf.timestamp_format.is_some() {
                let message = "`timestamp_format` without `timestamp_field`";
                problems.push(Problem::at(["timestamp_format"], message));
            }
            return TimeSource::Arrival;
        };
        let column = match self.column(name) {
            Ok(column) => column,
            Err(known) => {
                problems.push(no_column(["timestamp_field"], name, &known));
                return TimeSource::Arrival;
            }
        };
        let text = conf.timestamp_format.as_deref().unwrap_or("auto");
        let format = match column.data_type() {
            DataType::Timestamp(..) => None,
            _ => match TimestampFormat::parse_str(text) {
                Ok(format) => Some(format),
                Err(reason) => {
                    problems.push(Problem::at(["timestamp_format"], reason));
                    None
                }
            },
        };
        TimeSource::Column {
            name: name.clone(),
            format,
        }
    }
}

/// The problem of a column that is not there.
pub(super) fn no_column<const N: usize>(path: [&str; N], name: &str, known: &[String]) -> Problem {
    let help = match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the records have {}", known.join(", ")),
    };
    Problem::at(path, format!("the records have no field `{name}`")).help(help)
}
