//! A use case for tests: counts lines, and dies or panics where a line or its conf says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field};
use datashark_sdk::prelude::*;
use datashark_sdk::{DynReduce, Files, Refused};

/// Counts equal lines.
pub struct Words {
    conf: Conf,
    unwanted: BTreeSet<String>,
}

/// Its keys.
#[derive(serde::Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// The key that ends the process when it is scored; `panic` panics instead.
    #[serde(default)]
    dies_of: String,
    /// A file of lines that are refused.
    #[serde(default, rename = "unwanted")]
    _unwanted: String,
}

impl UseCase for Words {
    type Conf = Conf;
    type Model = u64;
    const NAME: &'static str = "test-words";
    const ABOUT: &'static str = "lines and how often each occurs, for tests";

    const FILES: &'static [&'static str] = &["unwanted"];

    fn new(conf: Conf) -> Result<Self> {
        Self::with_files(conf, &Files::default())
    }

    fn with_files(conf: Conf, files: &Files) -> Result<Self> {
        let unwanted = files.text("unwanted").unwrap_or_default();
        let unwanted = unwanted.lines().map(str::to_owned).collect();
        Ok(Words { conf, unwanted })
    }

    fn input(&self) -> Records {
        Records::lines().columns([Field::new("line", DataType::Utf8View, false)])
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(self.count(0))
    }

    // A model of 100 or more counts longer lines alone.
    fn screen(&self, factor: &Arc<u64>) -> Option<Arc<dyn DynReduce>> {
        let count = self.count(usize::try_from(**factor).unwrap_or(usize::MAX) / 100);
        (count.longer_than > 0).then(|| Arc::new(count) as Arc<dyn DynReduce>)
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

impl Words {
    fn count(&self, longer_than: usize) -> Count {
        Count {
            longer_than,
            unwanted: self.unwanted.clone(),
        }
    }
}

struct Count {
    longer_than: usize,
    unwanted: BTreeSet<String>,
}

impl Reduce for Count {
    type State = BTreeMap<String, u64>;

    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        let lines = batch
            .column(0)
            .as_string_view()
            .iter()
            .flatten()
            .enumerate();
        let unwanted = lines.filter(|(_, line)| self.unwanted.contains(*line));
        let refused = unwanted.map(|(row, line)| Refused {
            row,
            reason: format!("`{line}` is unwanted"),
        });
        (!self.unwanted.is_empty()).then(|| refused.collect())
    }

    fn add(&self, state: &mut Self::State, batch: &RecordBatch) {
        let lines = batch.column(0).as_string_view().iter().flatten();
        for line in lines.filter(|line| line.len() > self.longer_than) {
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
