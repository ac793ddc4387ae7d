//! Word count: the words of a text and how often each occurs.
//!
//! # Finds
//! The distinct words of a text file, each with its number of occurrences. It is the smallest use
//! case there is: what to read first when writing one with a [`Reduce`].
//!
//! # Why it matters
//! Nothing is found that is wrong. It shows that an installation works, and how fast it is.
//!
//! # Reads
//! Lines of text: the column `line` (`Utf8View`).
//!
//! A word is what Python's `str.split()` gives for a line, lower-cased as by `str.lower()`: white
//! space is what `str.isspace` says, case is mapped as Unicode says, with its final-sigma rule.
//!
//! # Parameters
//! None.
//!
//! # Findings
//! `key`: the word. `score`: how often it occurs, at least 1; neither end is suspicious. There is
//! no metadata.
//!
//! # Known limits
//! Memory grows with the number of distinct words: 32 bytes each, and its own bytes where it is
//! longer than 16. The case mapping is that of the Unicode version of the Rust toolchain, so that
//! a letter assigned since then keeps its case.
//!
//! # Run it
//! ```text
//! ./standalone.sh -d conf/wordcount/wordcount.conf
//! ```
//!
//! # References
//! Python's `str.split`, `str.lower` and `str.isspace`; the Unicode Standard, 3.13 (default case
//! conversion).

mod counts;
mod lines;
mod unicode;
mod words;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewBuilder, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use datashark_sdk::prelude::*;

pub use counts::Counts;

/// The column that is read.
const LINE: &str = "line";

/// The word count.
pub struct WordCount;

/// Its own keys of a conf: there are none.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {}

impl UseCase for WordCount {
    type Conf = Conf;
    type Model = ();
    const NAME: &'static str = "wordcount";
    const ABOUT: &'static str = "the words of a text and how often each occurs";

    fn new(_: Conf) -> Result<Self> {
        Ok(WordCount)
    }

    fn input(&self) -> Records {
        Records::lines().columns([Field::new(LINE, DataType::Utf8View, false)])
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(CountWords)
    }
}

/// The accumulator: a count for each word.
pub struct CountWords;

impl Reduce for CountWords {
    type State = Counts;

    /// # Panics
    /// The batch has no column `line` of type `Utf8View`: the engine broke its word.
    fn add(&self, counts: &mut Counts, batch: &RecordBatch) {
        let lines = batch
            .column_by_name(LINE)
            .and_then(|lines| lines.as_string_view_opt());
        let lines = lines.expect("the engine gives the column that was asked for: `line`");
        lines::for_each_run(lines, |text| words::count(text, counts));
    }

    fn merge(&self, counts: &mut Counts, other: Counts) {
        counts.merge(other);
    }

    fn rows(&self, counts: Counts) -> Result<RecordBatch> {
        let mut words = StringViewBuilder::with_capacity(counts.n_words());
        let mut numbers = Vec::with_capacity(counts.n_words());
        counts.for_each(|word, count| {
            words.append_value(word);
            numbers.push(count);
        });
        let schema = Schema::new(vec![
            Field::new("word", DataType::Utf8View, false),
            Field::new("count", DataType::UInt64, false),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(words.finish()),
            Arc::new(UInt64Array::from(numbers)),
        ];
        Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
    }

    fn size_bytes(&self, counts: &Counts) -> usize {
        counts.size_bytes()
    }
}

datashark_sdk::export_usecase!(WordCount);
