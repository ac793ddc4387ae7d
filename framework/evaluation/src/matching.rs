//! The finding of each record: by what both say, or by the finding's key.
//!
//! A finding of a use case that looks at each record has the record's columns; records that say the
//! same in all of them have the same finding. One of a use case that aggregates has a key; its records
//! are those that have the key in a column.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

/// The column of findings that tells how often everyone does that.
const WORD_COUNT: &str = "word_count_everyone";

/// What findings say of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// The score of each record; `None` where it has no finding.
    pub scores: Vec<Option<f64>>,
    /// How often everyone has the record's word, where findings tell that.
    pub word_counts: Option<Vec<Option<u64>>>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    score: f64,
    word_count: Option<u64>,
}

/// Whether these findings are of single records: they have all their columns.
pub fn are_records(findings: &RecordBatch, records: &RecordBatch) -> bool {
    let fields = records.schema_ref().fields();
    let metadata = findings.schema();
    let has = |name: &String| {
        metadata
            .fields()
            .iter()
            .skip(2)
            .any(|field| field.name() == name)
    };
    fields.iter().all(|field| has(field.name()))
}

/// The findings of records, by all that these say. Of several findings the more suspicious one counts.
///
/// # Errors
/// Columns cannot be compared.
pub fn by_records(
    findings: &[RecordBatch],
    records: &RecordBatch,
    lowest_first: bool,
) -> Result<Matched, ArrowError> {
    let columns = records.columns();
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let mut known: HashMap<Box<[u8]>, Found> = HashMap::new();
    for findings in findings {
        let rows = rows_like(&converter, findings, records)?;
        for (row, found) in found(findings)?.into_iter().enumerate() {
            let key = rows.row(row).as_ref().into();
            note(&mut known, key, found, lowest_first);
        }
    }
    let rows = converter.convert_columns(columns)?;
    Ok(matched(
        findings,
        rows.iter().map(|row| known.get(row.as_ref()).copied()),
    ))
}

/// The findings of records that have these keys.
///
/// # Errors
/// Keys are no text.
pub fn by_keys(
    findings: &[RecordBatch],
    keys: &ArrayRef,
    lowest_first: bool,
) -> Result<Matched, ArrowError> {
    let mut known: HashMap<Box<[u8]>, Found> = HashMap::new();
    for findings in findings {
        let of = cast(findings.column(0), &DataType::Utf8View)?;
        for (row, found) in found(findings)?.into_iter().enumerate() {
            let key = of.as_string_view().value(row).as_bytes().into();
            note(&mut known, key, found, lowest_first);
        }
    }
    let keys = cast(keys, &DataType::Utf8View)?;
    let keys = keys.as_string_view().iter();
    let found = keys.map(|key| known.get(key.unwrap_or_default().as_bytes()).copied());
    Ok(matched(findings, found))
}

fn note(known: &mut HashMap<Box<[u8]>, Found>, key: Box<[u8]>, found: Found, lowest_first: bool) {
    let before = known.entry(key).or_insert(found);
    let is_worse = match lowest_first {
        true => found.score < before.score,
        false => found.score > before.score,
    };
    if is_worse {
        *before = found;
    }
}

fn matched(findings: &[RecordBatch], found: impl Iterator<Item = Option<Found>>) -> Matched {
    let found: Vec<Option<Found>> = found.collect();
    let first = findings.first();
    let counts = first.is_some_and(|findings| findings.column_by_name(WORD_COUNT).is_some());
    Matched {
        scores: found
            .iter()
            .map(|found| found.map(|found| found.score))
            .collect(),
        word_counts: counts.then(|| {
            let counts = found
                .iter()
                .map(|found| found.and_then(|found| found.word_count));
            counts.collect()
        }),
    }
}

fn found(findings: &RecordBatch) -> Result<Vec<Found>, ArrowError> {
    let scores = cast(findings.column(1), &DataType::Float64)?;
    let scores = scores.as_primitive::<Float64Type>();
    let counts = findings.column_by_name(WORD_COUNT);
    let counts = counts
        .map(|counts| cast(counts, &DataType::UInt64))
        .transpose()?;
    let count = |row: usize| {
        let counts = counts.as_ref()?.as_primitive::<UInt64Type>();
        counts.is_valid(row).then(|| counts.value(row))
    };
    let found = |row| Found {
        score: scores.value(row),
        word_count: count(row),
    };
    Ok((0..findings.num_rows()).map(found).collect())
}

/// The columns of findings that records have, as the records have them.
fn rows_like(
    converter: &RowConverter,
    findings: &RecordBatch,
    records: &RecordBatch,
) -> Result<Rows, ArrowError> {
    let lacks = |name: &str| ArrowError::SchemaError(format!("findings lack `{name}`"));
    let metadata: HashMap<&str, &ArrayRef> = findings
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .zip(findings.columns())
        .skip(2)
        .collect();
    let fields = records.schema_ref().fields().iter();
    let column = |name: &str, of: &DataType| -> Result<ArrayRef, ArrowError> {
        let column = metadata.get(name).ok_or_else(|| lacks(name))?;
        match column.data_type() == of {
            true => Ok(Arc::clone(column)),
            false => cast(column, of),
        }
    };
    let columns = fields.map(|field| column(field.name(), field.data_type()));
    converter.convert_columns(&columns.collect::<Result<Vec<_>, _>>()?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray, StringViewArray};

    use super::*;

    fn findings() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("key", Arc::new(StringArray::from(vec!["x", "y"]))),
            ("score", Arc::new(Float64Array::from(vec![0.5, 0.1]))),
            ("port", Arc::new(Int64Array::from(vec![Some(80), None]))),
            ("name", Arc::new(StringArray::from(vec!["a", "b"]))),
            (WORD_COUNT, Arc::new(Int64Array::from(vec![7, 3]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn records_that_say_the_same_have_the_same_finding() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "name",
                Arc::new(StringViewArray::from(vec!["b", "a", "a", "b"])),
            ),
            (
                "port",
                Arc::new(Int64Array::from(vec![None, Some(80), Some(80), Some(1)])),
            ),
        ];
        let records = RecordBatch::try_from_iter(columns).unwrap();
        assert!(are_records(&findings(), &records));
        let matched = by_records(&[findings()], &records, true).unwrap();
        assert_eq!(matched.scores, [Some(0.1), Some(0.5), Some(0.5), None]);
        assert_eq!(
            matched.word_counts.unwrap(),
            [Some(3), Some(7), Some(7), None]
        );
    }

    #[test]
    fn of_several_findings_of_a_key_the_worst_counts() {
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["y", "z", "x"]));
        let mut more = findings();
        more = more.slice(0, 1);
        let columns = vec![
            Arc::clone(more.column(0)),
            Arc::new(Float64Array::from(vec![0.9])) as ArrayRef,
        ];
        let schema = more.schema().project(&[0, 1]).unwrap();
        let more = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
        let both = [more, findings().project(&[0, 1]).unwrap()];
        let scores = |lowest| by_keys(&both, &keys, lowest).unwrap().scores;
        assert_eq!(scores(false), [Some(0.1), None, Some(0.9)]);
        assert_eq!(scores(true), [Some(0.1), None, Some(0.5)]);
    }
}
