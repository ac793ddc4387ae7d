//! What a use case found: a batch of `key`, `score` and metadata columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};

use crate::{Batches, Error, Result, Window};

/// The name of the first column of findings.
pub const KEY: &str = "key";
/// The name of the second column of findings.
pub const SCORE: &str = "score";

/// Findings of one window: the columns `key` (`Utf8`, never null), `score` (`Float64`, never null)
/// and the metadata, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    batch: RecordBatch,
}

impl Findings {
    /// Takes a batch whose first two columns are the key and the score, whatever their names and
    /// types are, as a SQL use case gives it; the rest is metadata.
    ///
    /// # Errors
    /// Fewer than two columns; a key or a score that is null or cannot be text or a number.
    pub fn try_from_rows(rows: &RecordBatch) -> Result<Self> {
        let schema = Self::schema_of(rows.schema_ref())?;
        let mut columns = vec![key_column(rows.column(0))?, score_column(rows.column(1))?];
        columns.extend(rows.columns().iter().skip(2).map(Arc::clone));
        Ok(Findings {
            batch: RecordBatch::try_new(schema, columns)?,
        })
    }

    /// The schema that [`Findings::try_from_rows`] gives for rows of this schema.
    ///
    /// # Errors
    /// Fewer than two columns, or types that cannot be a key and a score.
    pub fn schema_of(rows: &Schema) -> Result<SchemaRef> {
        let [_, score, metadata @ ..] = &rows.fields()[..] else {
            return Err(Error::data(format!(
                "findings need a key and a score: expected at least two columns, found {}",
                rows.fields().len()
            )));
        };
        if !score.data_type().is_numeric() && *score.data_type() != DataType::Null {
            return Err(Error::data(format!(
                "the second column is the score: expected a number, found `{}` of type {}",
                score.name(),
                score.data_type()
            )));
        }
        let mut fields = vec![
            Arc::new(Field::new(KEY, DataType::Utf8, false)),
            Arc::new(Field::new(SCORE, DataType::Float64, false)),
        ];
        fields.extend(metadata.iter().map(Arc::clone));
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Starts findings from aggregated rows: their first column is the key, and every further
    /// column is metadata unless [`FindingsBuilder::without`] drops it.
    pub fn from(rows: Batches<'_>) -> FindingsBuilder {
        FindingsBuilder {
            rows: rows.concat(),
            score: None,
            extra: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// No finding, of this schema.
    ///
    /// # Errors
    /// As [`Findings::schema_of`].
    pub fn empty(rows: &Schema) -> Result<Self> {
        Ok(Findings {
            batch: RecordBatch::new_empty(Self::schema_of(rows)?),
        })
    }

    /// The whole batch: key, score, metadata.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The number of findings.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys.
    pub fn keys(&self) -> &StringArray {
        self.batch.column(0).as_string()
    }

    /// The scores.
    pub fn scores(&self) -> &Float64Array {
        self.batch.column(1).as_primitive::<Float64Type>()
    }

    /// The names and values of the metadata columns.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &ArrayRef)> {
        let fields = self.batch.schema_ref().fields();
        fields
            .iter()
            .map(|field| field.name().as_str())
            .zip(self.batch.columns())
            .skip(2)
    }

    /// The id of each finding: the same for the same use case, window and key, so that an output
    /// that can overwrite by id holds a finding once however often it is delivered. 32 hexadecimal
    /// digits of 128 bits of FNV-1a over the three, and where a key comes more than once in a window,
    /// over which time it is.
    pub fn ids(&self, use_case: &str, window: &Window) -> Vec<String> {
        let prefix = fnv1a(FNV_BASIS, use_case.as_bytes());
        let prefix = fnv1a(prefix, &[0xff]);
        let prefix = fnv1a(prefix, &window.start.to_be_bytes());
        let mut times: HashMap<u128, u32> = HashMap::with_capacity(self.len());
        let id = |key: &str| {
            let first = fnv1a(prefix, key.as_bytes());
            let n = times.entry(first).or_insert(0);
            let id = match *n {
                0 => first,
                n => fnv1a(fnv1a(first, &[0xff]), &n.to_be_bytes()),
            };
            *n += 1;
            format!("{id:032x}")
        };
        let keys = self.keys().iter();
        keys.map(|key| key.unwrap_or_default()).map(id).collect()
    }
}

/// Offset basis of 128-bit FNV-1a (draft-eastlake-fnv).
const FNV_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
/// Prime of 128-bit FNV-1a (draft-eastlake-fnv).
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

fn fnv1a(basis: u128, bytes: &[u8]) -> u128 {
    bytes.iter().fold(basis, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

fn key_column(column: &ArrayRef) -> Result<ArrayRef> {
    let keys = cast(column, &DataType::Utf8)?;
    if keys.null_count() > 0 {
        let keys = keys.as_string::<i32>();
        // A key of a group that has no value: kept, and shown as such, rather than lost.
        let shown = StringArray::from_iter_values(keys.iter().map(|key| key.unwrap_or("null")));
        return Ok(Arc::new(shown));
    }
    Ok(keys)
}

fn score_column(column: &ArrayRef) -> Result<ArrayRef> {
    let scores = cast(column, &DataType::Float64)?;
    if scores.null_count() > 0 {
        let scores = scores.as_primitive::<Float64Type>();
        let shown = Float64Array::from_iter_values(scores.iter().map(|s| s.unwrap_or(f64::NAN)));
        return Ok(Arc::new(shown));
    }
    Ok(scores)
}

/// Findings in the making; see [`Findings::from`].
#[derive(Debug)]
pub struct FindingsBuilder {
    rows: RecordBatch,
    score: Option<ArrayRef>,
    extra: Vec<(String, ArrayRef)>,
    dropped: Vec<String>,
}

impl FindingsBuilder {
    /// The score of each row.
    #[must_use]
    pub fn score(mut self, score: impl Into<Float64Array>) -> Self {
        self.score = Some(Arc::new(score.into()));
        self
    }

    /// A further metadata column, before those of the rows.
    #[must_use]
    pub fn with(mut self, name: &str, column: impl Array + 'static) -> Self {
        self.extra.push((name.to_owned(), Arc::new(column)));
        self
    }

    /// Drops a column of the rows from the metadata.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.dropped.push(name.to_owned());
        self
    }

    /// The findings.
    ///
    /// # Errors
    /// No score was given, or a column's length is not that of the rows.
    pub fn build(self) -> Result<Findings> {
        let score = self
            .score
            .ok_or_else(|| Error::internal("findings were built without a score"))?;
        let schema = self.rows.schema();
        let Some(key) = self.rows.columns().first() else {
            return Err(Error::internal(
                "findings were built from rows without a key",
            ));
        };
        let mut fields = vec![
            Field::new(KEY, key.data_type().clone(), true),
            Field::new(SCORE, DataType::Float64, true),
        ];
        let mut columns = vec![Arc::clone(key), score];
        for (name, column) in self.extra {
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        for (field, column) in schema.fields().iter().zip(self.rows.columns()).skip(1) {
            if !self.dropped.contains(field.name()) {
                fields.push(field.as_ref().clone());
                columns.push(Arc::clone(column));
            }
        }
        Findings::try_from_rows(&RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }
}
