//! Findings as rows of a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use chrono::NaiveDateTime;
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Error, Result};

use crate::hours::hours;
use crate::kind::{Kind, PARTITIONS, with_partitions};
use crate::table::storable;

/// The column of a finding's time.
const TIME: &str = "time";

/// What a table has of findings.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// The records of a kind: its columns, by their names.
    Records(Kind),
    /// Findings: their time, and all their columns.
    Findings(SchemaRef),
}

impl Layout {
    /// Of findings with this schema in a table of this name.
    pub(crate) fn of(table: &str, findings: &Schema) -> Result<Self> {
        let Some(kind) = Kind::of_name(table) else {
            let taken = |field: &&Arc<Field>| {
                field.name() == TIME || PARTITIONS.contains(&field.name().as_str())
            };
            if let Some(field) = findings.fields().iter().find(taken) {
                return Err(Error::data(format!(
                    "the findings have a column `{}`, which is the table's own; name it otherwise",
                    field.name()
                )));
            }
            let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let time = Arc::new(Field::new(TIME, time, true));
            let columns = [time].into_iter().chain(findings.fields().iter().cloned());
            let columns = Schema::new(columns.collect::<Vec<_>>());
            return Ok(Layout::Findings(Arc::new(storable(&columns))));
        };
        let lacks = |name: &&str| findings.field_with_name(name).is_err();
        let missing: Vec<&str> = time_columns(kind).iter().copied().filter(lacks).collect();
        match missing.is_empty() {
            true => Ok(Layout::Records(kind)),
            false => Err(Error::data(format!(
                "a table `{table}` is by the time of its records, and the findings have no column `{}`",
                missing.join("`, `")
            ))),
        }
    }

    /// The columns of the table, without those that partition it.
    pub(crate) fn columns(&self) -> SchemaRef {
        match self {
            Layout::Records(kind) => kind.columns(),
            Layout::Findings(columns) => Arc::clone(columns),
        }
    }

    /// The rows of a window's findings.
    pub(crate) fn rows(&self, batch: &FindingsBatch) -> Result<RecordBatch> {
        let findings = batch.findings.batch();
        let columns = self.columns();
        let column = |field: &Arc<Field>| -> Result<ArrayRef> {
            match findings.column_by_name(field.name()) {
                Some(column) => Ok(cast(column, field.data_type())?),
                None if matches!(self, Layout::Findings(_)) => {
                    let times = vec![batch.time; findings.num_rows()];
                    Ok(Arc::new(
                        TimestampMicrosecondArray::from(times).with_timezone("UTC"),
                    ))
                }
                None => Ok(arrow::array::new_null_array(
                    field.data_type(),
                    findings.num_rows(),
                )),
            }
        };
        let mut arrays: Vec<ArrayRef> =
            columns.fields().iter().map(column).collect::<Result<_>>()?;
        let seconds = match self {
            Layout::Records(kind) => seconds_of(*kind, &columns, &arrays)?,
            Layout::Findings(_) => {
                let time = match batch.window.is_whole() {
                    true => batch.time,
                    false => batch.window.start,
                };
                Int64Array::from(vec![time.div_euclid(1_000_000); findings.num_rows()])
            }
        };
        arrays.extend(hours(&seconds));
        Ok(RecordBatch::try_new(with_partitions(&columns), arrays)?)
    }
}

/// The columns that tell a record's time.
pub(crate) fn time_columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Flow | Kind::Dns => &["unix_tstamp"],
        Kind::Proxy => &["p_date", "p_time"],
    }
}

/// When records were, in seconds since 1970.
///
/// # Errors
/// The columns of the time are not there, or of other types than the table's.
pub fn seconds_of(kind: Kind, columns: &Schema, arrays: &[ArrayRef]) -> Result<Int64Array> {
    let array = |name: &str| -> Result<&ArrayRef> { Ok(&arrays[columns.index_of(name)?]) };
    let not_so = || Error::internal("a column of the time has another type than the table's");
    match kind {
        Kind::Flow | Kind::Dns => {
            let seconds = array("unix_tstamp")?.as_primitive_opt::<Int64Type>();
            Ok(seconds.ok_or_else(not_so)?.clone())
        }
        Kind::Proxy => {
            let dates = array("p_date")?.as_string_opt::<i32>().ok_or_else(not_so)?;
            let times = array("p_time")?.as_string_opt::<i32>().ok_or_else(not_so)?;
            let seconds = dates.iter().zip(times).map(|(date, time)| {
                let text = format!("{} {}", date?, time?);
                let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S").ok()?;
                Some(time.and_utc().timestamp())
            });
            Ok(seconds.collect())
        }
    }
}
