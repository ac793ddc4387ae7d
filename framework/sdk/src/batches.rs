//! Rows handed to a use case: a list of batches of one schema, read as one table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use ndarray::Array2;

use crate::{Error, Result};

/// Aggregated rows, as `train` and `score` get them: sorted by key, so that the same records give
/// the same rows in the same order whatever the number of threads.
#[derive(Debug, Clone, Copy)]
pub struct Batches<'a> {
    schema: &'a SchemaRef,
    batches: &'a [RecordBatch],
}

impl<'a> Batches<'a> {
    /// The rows of these batches, which all have this schema.
    pub fn new(schema: &'a SchemaRef, batches: &'a [RecordBatch]) -> Self {
        Batches { schema, batches }
    }

    /// The columns.
    pub fn schema(&self) -> &'a SchemaRef {
        self.schema
    }

    /// The batches one by one.
    pub fn iter(&self) -> std::slice::Iter<'a, RecordBatch> {
        self.batches.iter()
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.n_rows() == 0
    }

    /// All rows as one batch.
    pub fn concat(&self) -> RecordBatch {
        match self.batches {
            [one] => one.clone(),
            many => concat_batches(self.schema, many)
                .unwrap_or_else(|_| RecordBatch::new_empty(Arc::clone(self.schema))),
        }
    }

    /// A column of all rows.
    ///
    /// # Errors
    /// There is no such column.
    pub fn column(&self, name: &str) -> Result<ArrayRef> {
        let idx = self
            .schema
            .index_of(name)
            .map_err(|_| self.no_column(name))?;
        Ok(Arc::clone(self.concat().column(idx)))
    }

    /// Numeric columns as a matrix of shape `(n_rows, names.len())`; a null is 0.
    ///
    /// # Errors
    /// A column is not there or is no number.
    pub fn matrix<const N: usize>(&self, names: [&str; N]) -> Result<Array2<f64>> {
        let mut matrix = Array2::zeros((self.n_rows(), N));
        for (j, name) in names.into_iter().enumerate() {
            let values = cast(&self.column(name)?, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            for (i, value) in values.iter().enumerate() {
                matrix[(i, j)] = value.unwrap_or(0.0);
            }
        }
        Ok(matrix)
    }

    fn no_column(&self, name: &str) -> Error {
        let known: Vec<&str> = self
            .schema
            .fields()
            .iter()
            .map(|f| f.name().as_str())
            .collect();
        Error::data(format!(
            "the rows have no column `{name}`; they have {}",
            known.join(", ")
        ))
    }
}
