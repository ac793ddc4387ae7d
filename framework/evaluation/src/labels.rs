//! Which records are of an attack, and of which.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use thiserror::Error;

use crate::inject::Injected;

/// What is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Nothing: it is left out of what is measured.
    Unknown,
    /// It is harmless.
    Harmless,
    /// It is of this attack.
    Attack(u32),
}

/// The labels of records, and the attacks that there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Of each record.
    pub labels: Vec<Label>,
    /// The kind of each attack.
    pub kinds: Vec<String>,
}

/// Why labels cannot be told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelsError {
    /// The list is no CSV.
    #[error("the list of labels: {0}")]
    Csv(#[from] csv::Error),
    /// The list has no column of the records.
    #[error("the list of labels has no column that the records have; they have {0}")]
    NoColumn(String),
    /// A column of the list is none of the records'.
    #[error("the list of labels has a column `{found}`, and the records have {known}")]
    Column {
        /// The column.
        found: String,
        /// What there is.
        known: String,
    },
    /// Columns could not be compared.
    #[error(transparent)]
    Values(#[from] ArrowError),
}

/// The kind of an attack that has none.
const ATTACK: &str = "attack";
/// The column of a list that tells the kind.
const KIND: &str = "kind";

impl Labels {
    /// All records are harmless.
    pub fn harmless(n_records: usize) -> Self {
        Labels {
            labels: vec![Label::Harmless; n_records],
            kinds: Vec::new(),
        }
    }

    /// Of a column that says whether a record is of an attack (null: nobody knows), and one that says of
    /// which kind. Records of one kind are one attack.
    ///
    /// # Errors
    /// The first column cannot be read as true and false, or the second as text.
    pub fn of_columns(is_attack: &ArrayRef, kind: Option<&ArrayRef>) -> Result<Self, LabelsError> {
        let is_attack = cast(is_attack, &DataType::Boolean)?;
        let is_attack = is_attack.as_boolean();
        let kind = kind
            .map(|kind| cast(kind, &DataType::Utf8View))
            .transpose()?;
        let kind_of = |row: usize| {
            let kind = kind.as_ref()?.as_string_view();
            kind.is_valid(row).then(|| kind.value(row))
        };
        let mut labels = Labels::default();
        let mut known = HashMap::new();
        for row in 0..is_attack.len() {
            let label = match is_attack.is_valid(row) {
                false => Label::Unknown,
                true if !is_attack.value(row) => Label::Harmless,
                true => labels.attack(kind_of(row).unwrap_or(ATTACK), &mut known),
            };
            labels.labels.push(label);
        }
        Ok(labels)
    }

    /// Of a list in CSV with a header: a record is of an attack if it has all values of a line. The
    /// column `kind` tells the attack's kind, if there is one; all others are columns of the records.
    ///
    /// # Errors
    /// The list is no CSV, or has columns that the records lack.
    pub fn of_list(records: &RecordBatch, list: &str) -> Result<Self, LabelsError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(list.as_bytes());
        let header = reader.headers()?.clone();
        let names = || {
            records
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.name().as_str())
        };
        let known = || names().collect::<Vec<_>>().join(", ");
        let (mut columns, mut places) = (Vec::new(), Vec::new());
        for (place, name) in header.iter().enumerate().filter(|(_, name)| *name != KIND) {
            let column = records
                .column_by_name(name)
                .ok_or_else(|| LabelsError::Column {
                    found: name.to_owned(),
                    known: known(),
                })?;
            columns.push(cast(column, &DataType::Utf8View)?);
            places.push(place);
        }
        if columns.is_empty() {
            return Err(LabelsError::NoColumn(known()));
        }
        let kind = header.iter().position(|name| name == KIND);
        let mut lines = HashMap::new();
        for line in reader.records() {
            let line = line?;
            let values: Vec<String> = places.iter().map(|place| line[*place].to_owned()).collect();
            let kind = kind.map_or(ATTACK, |place| &line[place]);
            lines.insert(values, kind.to_owned());
        }
        let mut labels = Labels::default();
        let mut known = HashMap::new();
        for row in 0..records.num_rows() {
            let value = |column: &ArrayRef| {
                let column = column.as_string_view();
                let value = column.is_valid(row).then(|| column.value(row));
                value.unwrap_or_default().to_owned()
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let label = match lines.get(&values) {
                Some(kind) => labels.attack(kind, &mut known),
                None => Label::Harmless,
            };
            labels.labels.push(label);
        }
        Ok(labels)
    }

    fn attack(&mut self, kind: &str, known: &mut HashMap<String, u32>) -> Label {
        if let Some(attack) = known.get(kind) {
            return Label::Attack(*attack);
        }
        let attack = self.kinds.len() as u32;
        self.kinds.push(kind.to_owned());
        known.insert(kind.to_owned(), attack);
        Label::Attack(attack)
    }

    /// Adds the labels of records that were planted behind these.
    pub fn add(&mut self, injected: &Injected) {
        let first = self.kinds.len() as u32;
        let kinds = injected.attacks.iter();
        self.kinds.extend(kinds.map(|kind| kind.name().to_owned()));
        let labels = injected.attack_of.iter();
        self.labels
            .extend(labels.map(|attack| Label::Attack(first + attack)));
    }

    /// The labels of some of the records, in this order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        Labels {
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            kinds: self.kinds.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Int64Array, StringArray};

    use super::*;

    fn records() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "source_ip",
                Arc::new(StringArray::from(vec!["a", "b", "a"])),
            ),
            (
                "destination_port",
                Arc::new(Int64Array::from(vec![Some(80), Some(80), None])),
            ),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn a_record_that_nobody_knows_of_has_no_label() {
        let is_attack: ArrayRef = Arc::new(BooleanArray::from(vec![
            Some(true),
            None,
            Some(false),
            Some(true),
        ]));
        let kinds: ArrayRef = Arc::new(StringArray::from(vec![
            Some("scan"),
            None,
            Some("scan"),
            None,
        ]));
        let labels = Labels::of_columns(&is_attack, Some(&kinds)).unwrap();
        assert_eq!(labels.kinds, ["scan", "attack"]);
        assert_eq!(
            labels.labels,
            [
                Label::Attack(0),
                Label::Unknown,
                Label::Harmless,
                Label::Attack(1)
            ]
        );
    }

    #[test]
    fn a_list_labels_the_records_that_have_all_values_of_a_line() {
        let list = "source_ip, destination_port, kind\na, 80, beacon\nb,443,scan\n";
        let labels = Labels::of_list(&records(), list).unwrap();
        assert_eq!(labels.kinds, ["beacon"]);
        assert_eq!(
            labels.labels,
            [Label::Attack(0), Label::Harmless, Label::Harmless]
        );
    }

    #[test]
    fn a_list_with_a_column_that_the_records_lack_is_refused() {
        let error = Labels::of_list(&records(), "source,kind\na,b\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the list of labels has a column `source`, and the records have source_ip, destination_port"
        );
        assert!(Labels::of_list(&records(), "kind\na\n").is_err());
    }
}
