//! Rows in one order, whatever the threads: sorted by their first columns.

use arrow::array::RecordBatch;
use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::row::{RowConverter, SortField};

use crate::error::Result;

/// The rows sorted by their first `n` columns; in the order they are in where a type has no order.
pub(super) fn by_first_columns(rows: &RecordBatch, n: usize) -> Result<RecordBatch> {
    let n = n.min(rows.num_columns());
    let fields = rows.columns()[..n]
        .iter()
        .map(|c| SortField::new(c.data_type().clone()));
    let fields: Vec<SortField> = fields.collect();
    if n == 0 || rows.num_rows() < 2 || !RowConverter::supports_fields(&fields) {
        return Ok(rows.clone());
    }
    let sort_keys = RowConverter::new(fields)?.convert_columns(&rows.columns()[..n])?;
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by(|a, b| sort_keys.row(*a as usize).cmp(&sort_keys.row(*b as usize)));
    Ok(take_record_batch(rows, &UInt32Array::from(order))?)
}
