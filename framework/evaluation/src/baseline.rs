//! What is simple: what a use case has to be better than. A higher score is more suspicious.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use datashark_ml::forest::IsolationForest;
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::Micros;
use crate::role::{self, Role, is_constant};

/// Chance: each record has a random score.
pub fn random(n_records: usize, seed: u64) -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..n_records).map(|_| random.r#gen::<f64>()).collect()
}

/// Volume: how many records the same source has.
pub fn volume_of_records(records: &RecordBatch) -> Option<Vec<f64>> {
    let sources = role::texts(records, Role::Source)?;
    let mut counts: HashMap<&Option<String>, u64> = HashMap::new();
    for source in &sources {
        *counts.entry(source).or_default() += 1;
    }
    Some(sources.iter().map(|source| counts[source] as f64).collect())
}

/// Volume: how many bytes the record itself is about.
pub fn volume_of_bytes(records: &RecordBatch) -> Option<Vec<f64>> {
    let fields = records.schema_ref().fields().iter().zip(records.columns());
    let bytes = fields.filter(|(field, column)| {
        Role::of(field.name()).is_some_and(Role::is_bytes) && !is_constant(column)
    });
    let bytes: Vec<Vec<f64>> = bytes
        .filter_map(|(_, column)| numbers(column).ok())
        .collect();
    let sum = |row: usize| bytes.iter().map(|bytes| bytes[row]).sum();
    (!bytes.is_empty()).then(|| (0..records.num_rows()).map(sum).collect())
}

/// Rarity: how seldom everyone's training has the record's word; what it does not have is the rarest.
pub fn rarity(word_counts: &[Option<u64>]) -> Vec<f64> {
    let rarity = |count: &Option<u64>| -(count.unwrap_or_default() as f64);
    word_counts.iter().map(rarity).collect()
}

/// Trees of the forest and records of each, as F. T. Liu et al. (Isolation forest, ICDM 2008) have them.
const TREES: usize = 100;
const RECORDS_OF_TREE: usize = 256;

/// An isolation forest, grown of the training's records, over plain features of each record: the
/// logarithm of a number; of a text its length, its entropy, and the logarithm of how often the training
/// has it; and the hour. Columns in which all records say the same are left out.
///
/// # Errors
/// Columns that cannot be read as numbers or texts.
pub fn isolation_forest(
    training: (&RecordBatch, &[Option<Micros>]),
    scored: (&RecordBatch, &[Option<Micros>]),
    seed: u64,
) -> Result<Vec<f64>, ArrowError> {
    let (of_training, of_scored) = features(training, scored)?;
    let forest = IsolationForest::grow(of_training.view(), TREES, RECORDS_OF_TREE, seed);
    let rows = of_scored.rows().into_iter();
    Ok(rows.map(|row| forest.score(&row.to_vec())).collect())
}

/// The features of both, `(n_records, n_features)`.
fn features(
    training: (&RecordBatch, &[Option<Micros>]),
    scored: (&RecordBatch, &[Option<Micros>]),
) -> Result<(Array2<f64>, Array2<f64>), ArrowError> {
    let (mut of_training, mut of_scored) = (Vec::new(), Vec::new());
    for (field, column) in scored
        .0
        .schema_ref()
        .fields()
        .iter()
        .zip(scored.0.columns())
    {
        let Some(before) = training.0.column_by_name(field.name()) else {
            continue;
        };
        let is_time = Role::of(field.name()).is_some_and(Role::is_time);
        if is_time || is_constant(column) && is_constant(before) {
            continue;
        }
        match field.data_type() {
            data_type if data_type.is_numeric() => {
                of_training.push(logarithms(before)?);
                of_scored.push(logarithms(column)?);
            }
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
                let counts = counts(before)?;
                of_training.extend(of_texts(before, &counts)?);
                of_scored.extend(of_texts(column, &counts)?);
            }
            _ => {}
        }
    }
    if training.1.iter().chain(scored.1).any(Option::is_some) {
        of_training.push(hours(training.1));
        of_scored.push(hours(scored.1));
    }
    Ok((
        table(training.0.num_rows(), &of_training),
        table(scored.0.num_rows(), &of_scored),
    ))
}

fn table(n_records: usize, columns: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((n_records, columns.len()), |(row, column)| {
        columns[column][row]
    })
}

fn numbers(column: &ArrayRef) -> Result<Vec<f64>, ArrowError> {
    let column = cast(column, &DataType::Float64)?;
    let numbers = column.as_primitive::<Float64Type>().iter();
    let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
    Ok(numbers
        .map(|number| finite(number).unwrap_or_default())
        .collect())
}

fn logarithms(column: &ArrayRef) -> Result<Vec<f64>, ArrowError> {
    let numbers = numbers(column)?;
    Ok(numbers
        .iter()
        .map(|number| number.max(0.0).ln_1p())
        .collect())
}

fn counts(column: &ArrayRef) -> Result<HashMap<String, u64>, ArrowError> {
    let column = cast(column, &DataType::Utf8View)?;
    let mut counts = HashMap::new();
    for text in column.as_string_view().iter().flatten() {
        match counts.get_mut(text) {
            Some(count) => *count += 1,
            None => {
                counts.insert(text.to_owned(), 1);
            }
        }
    }
    Ok(counts)
}

fn of_texts(column: &ArrayRef, counts: &HashMap<String, u64>) -> Result<[Vec<f64>; 3], ArrowError> {
    let column = cast(column, &DataType::Utf8View)?;
    let texts = column.as_string_view();
    let texts = || {
        (0..texts.len()).map(|row| {
            if texts.is_valid(row) {
                texts.value(row)
            } else {
                ""
            }
        })
    };
    let count = |text: &str| counts.get(text).copied().unwrap_or_default() as f64;
    Ok([
        texts().map(|text| text.len() as f64).collect(),
        texts().map(entropy).collect(),
        texts().map(|text| count(text).ln_1p()).collect(),
    ])
}

/// Shannon's entropy of a text's bytes, in bits.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let n = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0);
    let shares = shares.map(|count| f64::from(*count) / n);
    shares.map(|share| -share * share.log2()).sum()
}

fn hours(times: &[Option<Micros>]) -> Vec<f64> {
    const HOUR: i64 = 3_600_000_000;
    let hour = |time: &Option<Micros>| time.unwrap_or_default().div_euclid(HOUR).rem_euclid(24);
    times.iter().map(|time| hour(time) as f64).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn records(bytes: Vec<i64>) -> RecordBatch {
        let n = bytes.len();
        let sources: Vec<&str> = (0..n).map(|row| if row == 0 { "b" } else { "a" }).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("sip", Arc::new(StringArray::from(sources))),
            ("ibyt", Arc::new(Int64Array::from(bytes))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn volume_is_of_the_source_or_of_the_record() {
        let records = records(vec![9, 1, 2]);
        assert_eq!(volume_of_records(&records).unwrap(), [1.0, 2.0, 2.0]);
        assert_eq!(volume_of_bytes(&records).unwrap(), [9.0, 1.0, 2.0]);
    }

    #[test]
    fn the_forest_finds_what_stands_alone_and_is_the_same_for_the_same_seed() {
        let mut bytes: Vec<i64> = (0..500).map(|n| 900 + n % 100).collect();
        bytes[0] = 4_000_000;
        let records = records(bytes);
        let times = vec![None; records.num_rows()];
        let forest = |seed| isolation_forest((&records, &times), (&records, &times), seed).unwrap();
        let scores = forest(1);
        let highest = scores.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(scores[0], highest);
        assert_eq!(scores, forest(1));
        assert_ne!(scores, forest(2));
    }
}
