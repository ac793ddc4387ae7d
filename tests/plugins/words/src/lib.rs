//! A use case for tests: counts lines, and dies or panics where a line or its conf says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field};
use datashark_sdk::prelude::*;

/// Counts equal lines.
pub struct Words {
    conf: Conf,
}

/// Its keys.
#[derive(serde::Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// The key that ends the process when it is scored; `panic` panics instead.
    #[serde(default)]
    dies_of: String,
}

impl UseCase for Words {
    type Conf = Conf;
    type Model = u64;
    const NAME: &'static str = "test-words";
    const ABOUT: &'static str = "lines and how often each occurs, for tests";

    fn new(conf: Conf) -> Result<Self> {
        Ok(Words { conf })
    }

    fn input(&self) -> Records {
        Records::lines().columns([Field::new("line", DataType::Utf8View, false)])
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(Count)
    }

    fn train(&self, rows: Batches<'_>) -> Result<u64> {
        Ok(rows.n_rows() as u64)
    }

    fn score(&self, factor: &u64, _: &Window, rows: Batches<'_>) -> Result<Findings> {
        let keys = rows.column("line")?;
        let keys = keys.as_string::<i32>();
        let is_there = |word: &str| keys.iter().flatten().any(|key| key == word);
        assert!(
            !(self.conf.dies_of == "panic" && is_there("panic")),
            "told to"
        );
        if !self.conf.dies_of.is_empty() && is_there(&self.conf.dies_of) {
            std::process::abort();
        }
        let counts = rows.matrix(["count"])?;
        let scores: Vec<f64> = counts.iter().map(|count| count * *factor as f64).collect();
        Findings::from(rows).score(scores).without("count").build()
    }
}

struct Count;

impl Reduce for Count {
    type State = BTreeMap<String, u64>;

    fn add(&self, state: &mut Self::State, batch: &RecordBatch) {
        for line in batch.column(0).as_string_view().iter().flatten() {
            // Once: the process that is started next finds the file and goes on.
            if let Some(path) = line.strip_prefix("abort unless ")
                && !std::path::Path::new(path).exists()
            {
                let _ = std::fs::write(path, "");
                std::process::abort();
            }
            *state.entry(line.to_owned()).or_default() += 1;
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        for (line, count) in other {
            *state.entry(line).or_default() += count;
        }
    }

    fn rows(&self, state: Self::State) -> Result<RecordBatch> {
        let lines: ArrayRef = Arc::new(StringArray::from_iter_values(state.keys()));
        let counts: ArrayRef = Arc::new(UInt64Array::from_iter_values(state.into_values()));
        Ok(RecordBatch::try_from_iter([
            ("line", lines),
            ("count", counts),
        ])?)
    }

    fn size_bytes(&self, state: &Self::State) -> usize {
        state.keys().map(|line| line.len() + 48).sum()
    }
}

datashark_sdk::plugin_symbol!(use_case, Words);
