//! The records with the lowest scores, of which no more are kept than are wanted.
//!
//! Where scores are the same the earlier record goes first, and where the times are the same, too,
//! what stands in the records decides: which of two records came first does not, since several files
//! are read at a time.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, UInt32Array,
};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::row::{RowConverter, SortField};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kind::Kind;

/// The columns that stand before a record's own.
pub(crate) const KEY: &str = "key";
/// See [`KEY`].
pub(crate) const SCORE: &str = "score";

/// More rows than these are never kept beyond what is wanted.
const SLACK: usize = 8192;

/// The records with the lowest scores.
#[derive(Clone, Default)]
pub(crate) struct Top {
    rows: Vec<RecordBatch>,
    n_rows: usize,
    /// The highest score that still counts, once enough records are known.
    cutoff: Option<f64>,
}

impl Top {
    /// The highest score that still counts.
    #[inline]
    pub(crate) fn cutoff(&self) -> f64 {
        self.cutoff.unwrap_or(f64::INFINITY)
    }

    /// Adds records with their keys and scores.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        records: &RecordBatch,
        chosen: &BooleanArray,
        keys: ArrayRef,
        scores: Float64Array,
        limit: Option<usize>,
    ) -> Result<(), ArrowError> {
        let chosen = filter_record_batch(records, chosen)?;
        let mut columns = vec![keys, Arc::new(scores) as ArrayRef];
        columns.extend(chosen.columns().iter().map(compacted));
        let rows = RecordBatch::try_new(schema(kind), columns)?;
        self.n_rows += rows.num_rows();
        self.rows.push(rows);
        self.cut(kind, limit)
    }

    /// Adds what another knows.
    pub(crate) fn merge(
        &mut self,
        kind: Kind,
        other: Top,
        limit: Option<usize>,
    ) -> Result<(), ArrowError> {
        self.n_rows += other.n_rows;
        self.rows.extend(other.rows);
        self.cut(kind, limit)
    }

    /// Drops what is no longer wanted, once there is much of it.
    fn cut(&mut self, kind: Kind, limit: Option<usize>) -> Result<(), ArrowError> {
        let Some(limit) = limit.filter(|limit| self.n_rows > 2 * limit + SLACK) else {
            return Ok(());
        };
        let rows = sorted(kind, &self.concat(kind)?, Some(limit))?;
        let scores = rows.column(1).as_primitive::<Float64Type>();
        self.cutoff = (rows.num_rows() == limit).then(|| scores.value(limit - 1));
        self.n_rows = rows.num_rows();
        self.rows = vec![rows];
        Ok(())
    }

    fn concat(&self, kind: Kind) -> Result<RecordBatch, ArrowError> {
        concat_batches(&schema(kind), &self.rows)
    }

    /// The records, the lowest scores first.
    pub(crate) fn rows(&self, kind: Kind, limit: Option<usize>) -> Result<RecordBatch, ArrowError> {
        sorted(kind, &self.concat(kind)?, limit)
    }

    /// About how many bytes it holds.
    pub(crate) fn size_bytes(&self) -> usize {
        self.rows
            .iter()
            .map(RecordBatch::get_array_memory_size)
            .sum()
    }
}

/// Key, score, and a record's own columns.
fn schema(kind: Kind) -> SchemaRef {
    let mut fields = vec![
        Field::new(KEY, DataType::Utf8View, false),
        Field::new(SCORE, DataType::Float64, false),
    ];
    fields.extend(kind.columns());
    Arc::new(Schema::new(fields))
}

/// Rows that are kept must not hold on to the blocks of bytes that their text points into.
fn compacted(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => Arc::clone(column),
    }
}

/// The rows by score, time and all else; no more than wanted.
pub(crate) fn sorted(
    kind: Kind,
    rows: &RecordBatch,
    limit: Option<usize>,
) -> Result<RecordBatch, ArrowError> {
    let times = kind
        .time_columns()
        .iter()
        .filter_map(|name| rows.column_by_name(name));
    let columns: Vec<ArrayRef> = std::iter::once(rows.column(1))
        .chain(times)
        .chain(rows.columns().iter())
        .map(Arc::clone)
        .collect();
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()));
    let keys = RowConverter::new(fields.collect())?.convert_columns(&columns)?;
    let order =
        |a: &u32, b: &u32| -> Ordering { keys.row(*a as usize).cmp(&keys.row(*b as usize)) };
    let mut idx: Vec<u32> = (0..rows.num_rows() as u32).collect();
    if let Some(limit) = limit.filter(|limit| *limit < idx.len()) {
        idx.select_nth_unstable_by(limit, order);
        idx.truncate(limit);
    }
    idx.sort_unstable_by(order);
    let sorted = take_record_batch(rows, &UInt32Array::from(idx))?;
    let columns = sorted.columns().iter().map(compacted).collect();
    RecordBatch::try_new(sorted.schema(), columns)
}

/// As it goes to another machine: Arrow's stream format.
impl Serialize for Top {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        if let Some(first) = self.rows.first() {
            let mut write = || {
                let mut writer = StreamWriter::try_new(&mut bytes, first.schema_ref())?;
                self.rows.iter().try_for_each(|rows| writer.write(rows))?;
                writer.finish()
            };
            write().map_err(S::Error::custom)?;
        }
        (bytes, self.cutoff).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (bytes, cutoff): (Vec<u8>, Option<f64>) = Deserialize::deserialize(deserializer)?;
        let read = || match bytes.is_empty() {
            true => Ok(Vec::new()),
            false => StreamReader::try_new(bytes.as_slice(), None)?.collect(),
        };
        let rows: Vec<RecordBatch> = read().map_err(|error: ArrowError| D::Error::custom(error))?;
        let n_rows = rows.iter().map(RecordBatch::num_rows).sum();
        Ok(Top {
            rows,
            n_rows,
            cutoff,
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    /// DNS answers of which only name and time differ.
    fn records(rows: &[(u8, u8)]) -> RecordBatch {
        let columns = Kind::Dns.columns();
        let arrays = columns.iter().map(|field| -> ArrayRef {
            match field.name().as_str() {
                "unix_tstamp" => Arc::new(
                    rows.iter()
                        .map(|row| Some(i64::from(row.1)))
                        .collect::<Int64Array>(),
                ),
                "dns_qry_name" => {
                    let names = rows.iter().map(|row| Some(format!("{}.{}", row.0, row.1)));
                    Arc::new(names.collect::<StringViewArray>())
                }
                _ => arrow::array::new_null_array(field.data_type(), rows.len()),
            }
        });
        let arrays = arrays.collect();
        RecordBatch::try_new(Arc::new(Schema::new(columns)), arrays).unwrap()
    }

    fn add(top: &mut Top, rows: &[(u8, u8)], limit: Option<usize>) {
        let keys: StringViewArray = rows.iter().map(|_| Some("a")).collect();
        let scores: Float64Array = rows.iter().map(|row| Some(f64::from(row.0 % 4))).collect();
        let chosen = BooleanArray::from(vec![true; rows.len()]);
        let added = top.add(
            Kind::Dns,
            &records(rows),
            &chosen,
            Arc::new(keys),
            scores,
            limit,
        );
        added.unwrap();
    }

    proptest! {
        #[test]
        fn how_records_are_spread_changes_nothing(
            rows in prop::collection::vec((any::<u8>(), 0u8..4), 0..60),
            cut in any::<prop::sample::Index>(),
            limit in prop::option::of(1usize..50),
        ) {
            let mut whole = Top::default();
            add(&mut whole, &rows, limit);
            let (one, other) = rows.split_at(cut.index(rows.len() + 1));
            let (mut first, mut second) = (Top::default(), Top::default());
            add(&mut first, one, limit);
            add(&mut second, other, limit);
            let sent = serde_json::to_string(&first).unwrap();
            let received: Top = serde_json::from_str(&sent).unwrap();
            second.merge(Kind::Dns, received, limit).unwrap();
            let rows = |top: &Top| top.rows(Kind::Dns, limit).unwrap();
            prop_assert_eq!(rows(&whole), rows(&second));
        }
    }

    #[test]
    fn no_more_than_are_wanted_are_kept() {
        let mut top = Top::default();
        let rows: Vec<(u8, u8)> = (0..=255).map(|n| (n, 0)).collect();
        for _ in 0..200 {
            add(&mut top, &rows, Some(3));
        }
        assert!(top.n_rows <= 2 * 3 + SLACK);
        assert_eq!(top.cutoff(), 0.0);
        assert_eq!(top.rows(Kind::Dns, Some(3)).unwrap().num_rows(), 3);
    }
}
