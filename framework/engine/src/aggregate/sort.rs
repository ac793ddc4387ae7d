//! Rows in one order, whatever the threads: sorted by their first columns.

use std::cmp::Ordering;

use arrow::array::{DynComparator, RecordBatch, UInt32Array, make_comparator};
use arrow::compute::{SortOptions, take_record_batch};
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
    if is_sorted(rows, n)? {
        return Ok(rows.clone());
    }
    let sort_keys = RowConverter::new(fields)?.convert_columns(&rows.columns()[..n])?;
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by(|a, b| sort_keys.row(*a as usize).cmp(&sort_keys.row(*b as usize)));
    Ok(take_record_batch(rows, &UInt32Array::from(order))?)
}

/// Whether they are in this order already: a copy of many rows takes twice their memory.
fn is_sorted(rows: &RecordBatch, n: usize) -> Result<bool> {
    let columns = rows.columns()[..n].iter();
    let compare = columns.map(|column| make_comparator(column, column, SortOptions::default()));
    let compare: Vec<DynComparator> = compare.collect::<Result<_, _>>()?;
    let order = |row: usize| {
        let of_columns = compare.iter().map(|compare| compare(row, row + 1));
        of_columns.fold(Ordering::Equal, Ordering::then)
    };
    Ok((0..rows.num_rows() - 1).all(|row| order(row) != Ordering::Greater))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_that_are_in_order_stay_and_others_come_into_it(
            values in prop::collection::vec((
                prop::option::of("[ab]{0,2}"),
                prop::option::of(prop_oneof![Just(f64::NAN), Just(-0.0), Just(0.0), any::<f64>()]),
            ), 2..8)
        ) {
            let keys: StringViewArray = values.iter().map(|(key, _)| key.as_deref()).collect();
            let scores: Float64Array = values.iter().map(|(_, score)| *score).collect();
            let places = Int64Array::from_iter_values(0..values.len() as i64);
            let columns: [ArrayRef; 3] = [Arc::new(keys), Arc::new(scores), Arc::new(places)];
            let names = ["key", "score", "place"].into_iter().zip(columns);
            let rows = RecordBatch::try_from_iter_with_nullable(
                names.map(|(name, column)| (name, column, true))
            ).unwrap();
            let sorted = by_first_columns(&rows, 2).unwrap();
            prop_assert!(is_sorted(&sorted, 2).unwrap());
            prop_assert_eq!(is_sorted(&rows, 2).unwrap(), sorted == rows);
            prop_assert_eq!(by_first_columns(&sorted, 2).unwrap(), sorted);
        }
    }
}
