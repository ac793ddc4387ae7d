//! A use case through its table: what comes back is what the trait gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};

use crate::conf::{Problem, Section};
use crate::ffi::host::Library;
use crate::ffi::{abi, export};
use crate::prelude::*;
use crate::{DynUseCase, Files, RecordsFormat};

/// Counts lines by their first letter; its model is the greatest count of the training. Panics where its
/// conf says so.
struct Letters {
    conf: LettersConf,
}

#[derive(serde::Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct LettersConf {
    #[serde(default)]
    panic: String,
    #[serde(default)]
    at_least: u64,
}

impl LettersConf {
    fn panic_in(&self, callback: &str) {
        assert!(self.panic != callback, "told to panic in {callback}");
    }
}

impl UseCase for Letters {
    type Conf = LettersConf;
    type Model = u64;
    const NAME: &'static str = "letters";
    const ABOUT: &'static str = "first letters";

    fn new(conf: LettersConf) -> Result<Self> {
        conf.panic_in("new");
        if conf.at_least > 100 {
            let problem = Problem::at(["at_least"], "expected at most 100").help("less");
            return Err(Error::Conf(problem.into()));
        }
        Ok(Letters { conf })
    }

    fn input(&self) -> Records {
        self.conf.panic_in("input");
        Records::lines().columns([Field::new("line", DataType::Utf8View, false)])
    }

    fn aggregate(&self) -> Aggregate {
        self.conf.panic_in("aggregate");
        Aggregate::reduce(Count(self.conf.clone()))
    }

    fn train(&self, rows: Batches<'_>) -> Result<u64> {
        self.conf.panic_in("train");
        let counts = rows.column("count")?;
        let counts = counts.as_primitive::<arrow::datatypes::UInt64Type>();
        let most = arrow::compute::max(counts);
        most.ok_or_else(|| Error::data("nothing to learn from"))
    }

    fn score(&self, most: &u64, _: &Window, rows: Batches<'_>) -> Result<Findings> {
        self.conf.panic_in("score");
        let counts = rows.matrix(["count"])?;
        let share = counts.iter().map(|count| count / *most as f64);
        Findings::from(rows)
            .score(share.collect::<Vec<f64>>())
            .build()
    }
}

struct Count(LettersConf);

impl Reduce for Count {
    type State = BTreeMap<(char, u8), u64>;

    fn add(&self, state: &mut Self::State, batch: &RecordBatch) {
        self.0.panic_in("add");
        for line in batch.column(0).as_string_view().iter().flatten() {
            *state
                .entry((line.chars().next().unwrap_or(' '), 0))
                .or_default() += 1;
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        self.0.panic_in("merge");
        for (letter, count) in other {
            *state.entry(letter).or_default() += count;
        }
    }

    fn rows(&self, state: Self::State) -> Result<RecordBatch> {
        self.0.panic_in("rows");
        let letters = StringArray::from_iter_values(state.keys().map(|(c, _)| c.to_string()));
        let counts = UInt64Array::from_iter_values(state.into_values());
        Ok(RecordBatch::try_from_iter([
            ("letter", Arc::new(letters) as Arc<dyn Array>),
            ("count", Arc::new(counts)),
        ])?)
    }

    fn size_bytes(&self, state: &Self::State) -> usize {
        self.0.panic_in("size_bytes");
        state.len() * 24
    }
}

static LETTERS: abi::Plugin = export::use_case::<Letters>("1.2.3", "Ada");

pub(super) fn library(plugin: &'static abi::Plugin) -> Library {
    // SAFETY: the macro's own function gives just this.
    unsafe { Library::of(plugin) }.unwrap()
}

fn letters(conf: &[(&str, &str)]) -> Result<Box<dyn DynUseCase>> {
    library(&LETTERS).use_case(
        &conf.iter().copied().collect::<Section>(),
        &Files::default(),
    )
}

fn lines(lines: &[&str]) -> RecordBatch {
    let lines = arrow::array::StringViewArray::from_iter_values(lines);
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8View, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lines)]).unwrap()
}

#[test]
fn a_plugin_says_who_it_is() {
    let library = library(&LETTERS);
    let about = library.about();
    let texts = [&about.name, &about.about, &about.version, &about.author];
    assert_eq!(texts, ["letters", "first letters", "1.2.3", "Ada"]);
    assert_eq!(about.interface, (super::super::MAJOR, super::super::MINOR));
    let error = library
        .check_output(&Section::new())
        .unwrap_err()
        .to_string();
    assert_eq!(error, "the plugin `letters` is no output but a use case");
}

#[test]
fn a_use_case_reads_reduces_learns_and_scores_as_if_it_were_linked_in() {
    let use_case = letters(&[]).unwrap();
    assert!(use_case.trains());
    assert_eq!(use_case.input().format, Some(RecordsFormat::Lines));
    assert_eq!(
        use_case.input().columns,
        [Field::new("line", DataType::Utf8View, false)]
    );
    let Aggregate::Reduce(reduce) = use_case.aggregate() else {
        panic!("a reduce")
    };
    let mut state = reduce.empty().unwrap();
    reduce
        .add(&mut state, &lines(&["ant", "bee", "ape"]))
        .unwrap();
    let copy = reduce.copy(&state).unwrap();
    let mut other = reduce.load(&reduce.save(&copy).unwrap()).unwrap();
    reduce.add(&mut other, &lines(&["bat"])).unwrap();
    reduce.merge(&mut state, other).unwrap();
    assert_eq!(reduce.size_bytes(&state), 48);
    let rows = reduce.rows(state).unwrap();
    let schema = rows.schema();
    let rows = [rows];
    let model = use_case.train(Batches::new(&schema, &rows)).unwrap();
    assert_eq!(model.to_json(), &serde_json::json!(4));
    let model = use_case.load(&serde_json::json!(8)).unwrap();
    let found = use_case
        .score(&model, &Window::WHOLE, Batches::new(&schema, &rows))
        .unwrap();
    assert_eq!(found.keys(), &StringArray::from(vec!["a", "b"]));
    assert_eq!(found.scores(), &Float64Array::from(vec![0.5, 0.375]));
    // The copy is its own, and so is the model of another use case.
    assert_eq!(reduce.rows(copy).unwrap().num_rows(), 2);
    let another = letters(&[]).unwrap().load(&serde_json::json!(8)).unwrap();
    assert!(
        use_case
            .score(&another, &Window::WHOLE, Batches::new(&schema, &rows))
            .is_err()
    );
}

#[test]
fn mistakes_in_a_conf_come_back_with_their_keys() {
    let Err(Error::Conf(problems)) = letters(&[("at_lest", "3")]).map(|_| ()) else {
        panic!("a wrong conf")
    };
    assert_eq!(
        problems.0[0].message,
        "unknown key `at_lest`, did you mean `at_least`?"
    );
    assert!(problems.0[0].of_key);
    let Err(Error::Conf(problems)) = letters(&[("at_least", "101")]).map(|_| ()) else {
        panic!("a wrong conf")
    };
    assert_eq!(
        problems.0[0],
        Problem::at(["at_least"], "expected at most 100").help("less")
    );
}

/// Runs every callback in turn, up to the first error.
fn all_callbacks(panic: &str) -> Result<usize> {
    let use_case = letters(&[("panic", panic)])?;
    let Aggregate::Reduce(reduce) = use_case.aggregate() else {
        panic!("a reduce")
    };
    let (mut state, other) = (reduce.empty()?, reduce.empty()?);
    reduce.add(&mut state, &lines(&["ant"]))?;
    reduce.merge(&mut state, other)?;
    let size = reduce.size_bytes(&state);
    let rows = reduce.rows(state)?;
    let (schema, rows) = (rows.schema(), [rows]);
    let model = use_case.train(Batches::new(&schema, &rows))?;
    use_case.score(&model, &Window::WHOLE, Batches::new(&schema, &rows))?;
    Ok(size)
}

#[test]
fn a_panic_in_any_callback_is_an_error_with_its_place() {
    assert_eq!(all_callbacks("none").unwrap(), 24);
    for callback in [
        "new",
        "input",
        "aggregate",
        "add",
        "merge",
        "rows",
        "train",
        "score",
    ] {
        let error = all_callbacks(callback).unwrap_err().to_string();
        let expected = format!("internal error: a panic: told to panic in {callback}, at ");
        assert!(error.starts_with(&expected), "{callback}: {error}");
        assert!(error.contains("ffi/tests/plugins.rs:"), "{error}");
    }
    // This one has no way to say it.
    assert_eq!(all_callbacks("size_bytes").unwrap(), 0);
}

#[test]
fn what_is_no_number_is_a_nan_and_crosses_as_one() {
    let use_case = letters(&[]).unwrap();
    let model = use_case.load(&serde_json::json!(0)).unwrap();
    let rows = RecordBatch::try_from_iter([
        (
            "letter",
            Arc::new(StringArray::from(vec!["a"])) as Arc<dyn Array>,
        ),
        ("count", Arc::new(UInt64Array::from(vec![0]))),
    ]);
    let rows = [rows.unwrap()];
    let found = use_case.score(
        &model,
        &Window::WHOLE,
        Batches::new(&rows[0].schema(), &rows),
    );
    let found = found.unwrap();
    assert!(
        found
            .batch()
            .column(1)
            .as_primitive::<Float64Type>()
            .value(0)
            .is_nan()
    );
}
