//! A query that the records are read through: a row for each record, with other columns.

use std::sync::Arc;

use arrow::datatypes::{Field, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::{Aggregation, Query};
use crate::error::{Error, Result};

/// A planned view.
#[derive(Clone)]
pub(crate) struct View {
    query: Arc<Query>,
}

impl View {
    /// Of a planned query; `None` where it does more than compute columns.
    pub(crate) fn of(planned: Aggregation) -> Option<Self> {
        match planned {
            Aggregation::Query(query) if query.computes_columns() => Some(View { query }),
            _ => None,
        }
    }

    /// The columns of `records` that it reads.
    pub(crate) fn columns(&self) -> &SchemaRef {
        self.query.columns()
    }

    /// A column that it gives.
    ///
    /// # Errors
    /// There is none of this name; the names that there are.
    pub(crate) fn column(&self, name: &str) -> Result<Field, Vec<String>> {
        let schema = self.query.rows_schema();
        let found = schema.field_with_name(name).cloned();
        found.map_err(|_| schema.fields().iter().map(|f| f.name().clone()).collect())
    }

    /// The rows of a batch with [`Self::columns`]; blocks the thread.
    pub(crate) fn rows(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let n_rows = batch.num_rows();
        let rows = self.query.row_by_row(batch)?;
        match rows.num_rows() == n_rows {
            true => Ok(rows),
            false => Err(Error::Internal(
                "a view gave other rows than one a record".to_owned(),
            )),
        }
    }
}
