//! The conformance suite passes what is right and says what is wrong.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{Input, InputEntry, InputEvent, Open, PartitionId};
use datashark_sdk::output::{FindingsBatch, OpenOutput, Outcome, Output, OutputEntry};
use datashark_sdk::prelude::*;
use datashark_sdk::{DynReduce, Files, Refused, UseCaseEntry};
use datashark_testing::conformance::{
    InputSample, OutputSample, UseCaseSample, input, output, use_case,
};
use futures::StreamExt;

fn lines() -> RecordBatch {
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8View, false)]);
    let lines = StringViewArray::from(vec!["one two", "two", "three two", "one"]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lines)]).unwrap()
}

fn rows() -> RecordBatch {
    let sources: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
    let few: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 30, 31]));
    let many: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 9, 8]));
    RecordBatch::try_from_iter([("source", sources), ("twoxx", few), ("nxx", many)]).unwrap()
}

#[test]
fn the_built_in_use_cases_pass() {
    let sample = UseCaseSample {
        conf: Section::new(),
        files: Files::default(),
        records: Some(lines()),
        rows: None,
    };
    assert_eq!(use_case(datashark_wordcount::USE_CASE, &sample), [""; 0]);
    let pattern = r"'(?P<source>\S+) (?P<response_code>\d+)'";
    let sample = UseCaseSample {
        conf: Section::from_iter([("apache_access_logs_pattern", pattern)]),
        files: Files::default(),
        records: None,
        rows: Some(rows()),
    };
    assert_eq!(
        use_case(datashark_web_anomaly_detection::USE_CASE, &sample),
        [""; 0]
    );
}

/// Does about everything wrong that a use case can.
struct Wrong;

#[derive(serde::Deserialize)]
struct AnyKeys {}

static N_SCORES: AtomicU64 = AtomicU64::new(0);

impl UseCase for Wrong {
    type Conf = AnyKeys;
    type Model = ();
    const NAME: &'static str = "wrong";
    const ABOUT: &'static str = "wrong";

    fn new(_: AnyKeys) -> Result<Self> {
        Ok(Wrong)
    }

    fn score(&self, (): &(), _: &Window, rows: Batches<'_>) -> Result<Findings> {
        assert!(rows.n_rows() > 0, "no rows");
        let n = N_SCORES.fetch_add(1, Ordering::Relaxed);
        Findings::from(rows)
            .score(vec![n as f64; rows.n_rows()])
            .build()
    }
}

#[test]
fn a_wrong_use_case_is_told_all_that_is_wrong() {
    let sample = UseCaseSample {
        conf: Section::new(),
        files: Files::default(),
        records: None,
        rows: Some(rows()),
    };
    let wrongs = use_case(UseCaseEntry::of::<Wrong>(), &sample);
    let expected = [
        "an unknown key is not refused: derive `Deserialize` with `deny_unknown_fields`",
        "the same window, scored once more, gives other findings",
        "the same window in two batches gives other findings",
        "a model that was saved and loaded gives other findings",
        "another one of the same conf gives other findings",
        "scoring no rows: it panics",
    ];
    assert_eq!(wrongs, expected);
}

/// Refuses by the row's place, and screens so that the order of the records matters.
struct Moody;

struct First(bool);

impl UseCase for Moody {
    type Conf = NoKeys;
    type Model = ();
    const NAME: &'static str = "moody";
    const ABOUT: &'static str = "moody";

    fn new(_: NoKeys) -> Result<Self> {
        Ok(Moody)
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(First(false))
    }

    fn screen(&self, _: &Arc<()>) -> Option<Arc<dyn DynReduce>> {
        Some(Arc::new(First(true)))
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoKeys {}

impl Reduce for First {
    type State = Option<usize>;

    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        let first = Refused {
            row: 0,
            reason: "the first".to_owned(),
        };
        (!self.0 && batch.num_rows() > 0).then(|| vec![first])
    }

    fn add(&self, state: &mut Option<usize>, batch: &RecordBatch) {
        if self.0 && batch.num_rows() > 0 {
            state.get_or_insert(batch.num_rows());
        }
    }

    fn merge(&self, state: &mut Option<usize>, other: Option<usize>) {
        *state = state.or(other);
    }

    fn rows(&self, state: Option<usize>) -> Result<RecordBatch> {
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["all"]));
        let counts: ArrayRef = Arc::new(Int64Array::from(vec![state.unwrap_or(0) as i64]));
        Ok(RecordBatch::try_from_iter([
            ("key", keys),
            ("count", counts),
        ])?)
    }

    fn size_bytes(&self, _: &Option<usize>) -> usize {
        8
    }
}

#[test]
fn what_refuses_and_screens_by_the_order_of_records_is_told_so() {
    let sample = UseCaseSample {
        conf: Section::new(),
        files: Files::default(),
        records: Some(lines()),
        rows: None,
    };
    let wrongs = use_case(UseCaseEntry::of::<Moody>(), &sample);
    let expected = [
        "which records are refused depends on those beside them",
        "two batches give other rows than all records at once",
        "two merged states give other rows than all records at once",
        "the states merged the other way give other rows than all records at once",
    ];
    assert_eq!(wrongs, expected);
}

#[tokio::test]
async fn the_csv_output_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let held = || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        // Time, key, score, note; a note goes over two lines.
        let keys = text.lines().filter_map(|line| line.split(',').nth(1));
        keys.map(str::to_owned).collect()
    };
    let path = path.display().to_string();
    let sample = OutputSample {
        section: Section::from_iter([("path", path.as_str())]),
        held: &held,
    };
    assert_eq!(
        output(OutputEntry::of::<datashark_output_csv::Csv>(), &sample).await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delta_output_passes() {
    let folder = tempfile::tempdir().unwrap();
    let store = datashark_output_delta::Store::new(folder.path());
    let keys = async || {
        let limits = datashark_output_delta::QueryLimits::default();
        let queries = datashark_output_delta::Queries::open(&store, limits).await;
        let answer = queries.unwrap().run("SELECT key FROM findings").await;
        let mut rows = answer.unwrap().rows;
        let mut keys = Vec::new();
        while let Some(rows) = rows.next().await {
            let rows = arrow::compute::cast(rows.unwrap().column(0), &DataType::Utf8).unwrap();
            keys.extend(rows.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        keys
    };
    let held = || {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| runtime.block_on(keys()))
    };
    let sample = OutputSample {
        section: Section::from_iter([("store", folder.path().display().to_string())]),
        held: &held,
    };
    assert_eq!(
        output(OutputEntry::of::<datashark_output_delta::Delta>(), &sample).await,
        [""; 0]
    );
}

/// Says that it has findings which it forgets.
struct Forgetful;

#[async_trait]
impl Output for Forgetful {
    type Conf = AnyKeys;
    const NAME: &'static str = "forgetful";
    const ABOUT: &'static str = "forgets";

    async fn open(_: AnyKeys, _: OpenOutput) -> Result<Self> {
        Ok(Forgetful)
    }

    async fn write(&mut self, _: &[FindingsBatch]) -> Outcome {
        Outcome::Each(Vec::new())
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

#[tokio::test]
async fn a_wrong_output_is_told_what_is_wrong() {
    let sample = OutputSample {
        section: Section::new(),
        held: &Vec::new,
    };
    let mut wrongs = output(OutputEntry::of::<Forgetful>(), &sample).await;
    wrongs.dedup();
    let expected = [
        "an unknown key is not refused: derive `Deserialize` with `deny_unknown_fields`",
        "it does not answer for each finding",
        "it says nothing of what it delivered",
        "findings that it said to be safe are not there, or others are",
    ];
    assert_eq!(wrongs, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_input_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let text: String = (0..3000).map(|i| format!("record {i}\n")).collect();
    fs::write(&path, text).unwrap();
    let sample = InputSample {
        section: Section::from_iter([("file", format!("\"{}\"", path.display()))]),
        n_records: 3000,
    };
    assert_eq!(
        input(InputEntry::of::<datashark_input_file::Batch>(), &sample).await,
        [""; 0]
    );
}

/// Ends without a word.
struct Mute;

#[async_trait]
impl Input for Mute {
    type Conf = AnyKeys;
    const NAME: &'static str = "mute";
    const ABOUT: &'static str = "says nothing";

    async fn open(_: AnyKeys, _: Open) -> Result<Self> {
        Ok(Mute)
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_wrong_input_is_told_what_is_wrong() {
    let sample = InputSample {
        section: Section::new(),
        n_records: 1,
    };
    let wrongs = input(InputEntry::of::<Mute>(), &sample).await;
    let expected = [
        "an unknown key is not refused: derive `Deserialize` with `deny_unknown_fields`",
        "it gives 0 records, expected 1",
    ];
    assert_eq!(wrongs, expected);
}

/// Has a partition that is empty, and says that of it where `SAYS` is.
struct Empty<const SAYS: bool> {
    events: std::vec::IntoIter<InputEvent>,
}

#[async_trait]
impl<const SAYS: bool> Input for Empty<SAYS> {
    type Conf = NoKeys;
    const NAME: &'static str = "empty";
    const ABOUT: &'static str = "nothing";
    const IS_SHARED: bool = true;

    async fn open(_: NoKeys, open: Open) -> Result<Self> {
        let partition = PartitionId::new("p");
        let end = match open.once {
            true => Some(InputEvent::Ended {
                partition: partition.clone(),
                forget: false,
            }),
            false => SAYS.then(|| InputEvent::CaughtUp(partition.clone())),
        };
        let begin = InputEvent::Assigned {
            partition,
            name: "p".to_owned(),
            resume: None,
        };
        let events: Vec<_> = [begin].into_iter().chain(end).collect();
        Ok(Empty {
            events: events.into_iter(),
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Ok(self.events.next())
    }
}

#[tokio::test]
async fn a_shared_input_has_to_say_when_all_was_read() {
    let sample = InputSample {
        section: Section::new(),
        n_records: 0,
    };
    let right = input(InputEntry::of::<Empty<true>>(), &sample).await;
    assert_eq!(right, [""; 0]);
    let wrong = input(InputEntry::of::<Empty<false>>(), &sample).await;
    let expected =
        ["instances share it, and it does not say `CaughtUp` where all of a partition was read"];
    assert_eq!(wrong, expected);
}
