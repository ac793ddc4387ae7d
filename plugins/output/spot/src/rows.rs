//! Findings as lines of Spot's result file.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datashark_sdk::{Error, Result, SCORE};

use crate::layout::Layout;
use crate::number::push_double;

/// The lines of findings.
pub(crate) fn text(layout: Layout, findings: &RecordBatch, delimiter: char) -> Result<String> {
    let word = layout.has_word.then_some("word");
    let names = layout.columns.iter().copied().chain(word).chain([SCORE]);
    let columns: Vec<Column> = names
        .map(|name| Column::of(findings, name))
        .collect::<Result<_>>()?;
    let mut text = String::new();
    for row in 0..findings.num_rows() {
        for (idx, column) in columns.iter().enumerate() {
            if idx > 0 {
                text.push(delimiter);
            }
            column.push(row, delimiter, &mut text);
        }
        text.push('\n');
    }
    Ok(text)
}

/// A column and what stands for its missing values.
struct Column {
    values: ArrayRef,
    missing: &'static str,
}

impl Column {
    fn of(findings: &RecordBatch, name: &str) -> Result<Self> {
        let column = findings.column_by_name(name);
        let column =
            column.ok_or_else(|| Error::internal(format!("the findings lack `{name}`")))?;
        let data_type = match column.data_type().is_floating() {
            true => DataType::Float64,
            false => DataType::Utf8,
        };
        Ok(Column {
            values: cast(column, &data_type)?,
            missing: Layout::default_of(name),
        })
    }

    fn push(&self, row: usize, delimiter: char, text: &mut String) {
        if self.values.is_null(row) {
            text.push_str(self.missing);
        } else if let Some(numbers) = self.values.as_primitive_opt::<Float64Type>() {
            push_double(numbers.value(row), text);
        } else {
            let value = self.values.as_string::<i32>().value(row);
            let breaks = |c: char| c == delimiter || matches!(c, '\t' | '\r' | '\n');
            text.extend(value.chars().map(|c| if breaks(c) { ' ' } else { c }));
        }
    }
}
