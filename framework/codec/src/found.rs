//! The columns that a look at a log of an open format is worth: the known ones, and what the first
//! records have beside them.

use arrow::datatypes::{DataType, Field, Fields};

use crate::known_columns::KnownColumn;

/// Records that are looked into.
pub(crate) const N_RECORDS: usize = 1_000;
/// Columns that are named.
const N_COLUMNS: usize = 200;

/// The known columns, then a column of text for each other name. `is_known` tells the names whose
/// values a known column has.
pub(crate) fn columns(
    known: &Fields,
    others: impl IntoIterator<Item = String>,
    is_known: impl Fn(&str) -> bool,
) -> Vec<Field> {
    let mut columns: Vec<Field> = known.iter().map(|field| field.as_ref().clone()).collect();
    for name in others {
        let is_there = |field: &Field| *field.name() == name;
        if columns.len() < N_COLUMNS && !is_known(&name) && !columns.iter().any(is_there) {
            columns.push(Field::new(name, DataType::Utf8View, true));
        }
    }
    columns
}

/// As [`columns`], for formats whose known columns have other names in the log.
pub(crate) fn columns_beside(
    known: &[KnownColumn],
    others: impl IntoIterator<Item = String>,
) -> Vec<Field> {
    let is_known = |name: &str| {
        known
            .iter()
            .any(|column| column.of.iter().any(|of| of.eq_ignore_ascii_case(name)))
    };
    columns(&crate::known_columns::fields(known), others, is_known)
}
