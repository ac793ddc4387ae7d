//! The times of a batch's rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datashark_codec::timestamp::TimestampFormat;
use datashark_sdk::input::{Content, Micros, TIME_MAX};

use super::lane::aside;
use super::orders::Report;
use super::pipeline::{Pipeline, TimeSource};
use super::reading::{Rows, kept};
use crate::error::{Error, Result};

/// The rows that have a time, and their times; a record without one is invalid.
pub(super) fn timed(
    pipeline: &Pipeline,
    rows: Rows,
    content: &Content,
    arrival: Micros,
    report: &mut Report,
) -> Result<(Rows, Vec<Micros>)> {
    let (name, format) = match &pipeline.records.time {
        TimeSource::Column { name, format } => (name, format.as_ref()),
        TimeSource::ArrivalColumn(name) => (name, None),
        TimeSource::Arrival => {
            let n = rows.rows.num_rows();
            return Ok((rows, vec![arrival; n]));
        }
    };
    let column = rows.rows.column_by_name(name);
    let column = column.ok_or_else(|| Error::Internal(format!("no column `{name}`")))?;
    let times = times(column, format)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let has_time = |i: usize| times.is_valid(i) && is_time(times.value(i));
    let valid = BooleanBuffer::collect_bool(times.len(), has_time);
    if valid.count_set_bits() == times.len() {
        return Ok((rows, settled(pipeline, times.values().to_vec(), report)));
    }
    for row in (0..times.len()).filter(|i| !valid.value(*i)) {
        let reason = format!("`{name}` is no time that `timestamp_format` describes");
        report
            .invalid
            .push(aside(content, &rows, row as u32, reason));
    }
    let values = times
        .values()
        .iter()
        .zip(&valid)
        .filter(|(_, valid)| *valid);
    let values = values.map(|(time, _)| *time).collect();
    Ok((kept(rows, &valid)?, settled(pipeline, values, report)))
}

/// Whether windows can be reckoned with around a time.
fn is_time(micros: Micros) -> bool {
    (-TIME_MAX..=TIME_MAX).contains(&micros)
}

/// The rows whose times lie in the range; the others are filtered.
pub(super) fn in_range(
    pipeline: &Pipeline,
    rows: Rows,
    content: &Content,
    arrival: Micros,
    report: &mut Report,
) -> Result<Rows> {
    let (rows, times) = timed(pipeline, rows, content, arrival, report)?;
    let range = pipeline.range;
    let inside = BooleanBuffer::collect_bool(times.len(), |i| range.contains(times[i]));
    report.ledger.filtered += (times.len() - inside.count_set_bits()) as u64;
    kept(rows, &inside)
}

/// Times of arrivals in their order: one before the latest of its partition is moved to that.
fn settled(pipeline: &Pipeline, mut times: Vec<Micros>, report: &Report) -> Vec<Micros> {
    if let TimeSource::ArrivalColumn(_) = &pipeline.records.time {
        let mut latest = report.max_time;
        for time in &mut times {
            latest = latest.max(Some(*time));
            *time = latest.unwrap_or(*time);
        }
    }
    times
}

/// A column as times.
fn times(column: &ArrayRef, format: Option<&TimestampFormat>) -> Result<ArrayRef> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let Some(format) = format else {
        return Ok(cast(column, &micros)?);
    };
    match column.as_string_view_opt() {
        Some(texts) => Ok(Arc::new(format.column(texts))),
        // Numbers mean what they mean as text.
        None => {
            let texts = cast(column, &DataType::Utf8View)?;
            Ok(Arc::new(format.column(texts.as_string_view())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_numbers_are_no_times() {
        for micros in [0, 1_462_456_498_000_000, -TIME_MAX, TIME_MAX] {
            assert!(is_time(micros), "{micros}");
        }
        for micros in [Micros::MIN, Micros::MAX, -TIME_MAX - 1, TIME_MAX + 1] {
            assert!(!is_time(micros), "{micros}");
        }
    }
}
