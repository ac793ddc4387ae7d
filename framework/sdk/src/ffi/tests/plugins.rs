//! A use case, an output and an input through their tables: what comes back is what the traits give.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, AsArray, BinaryViewArray, Float64Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use async_trait::async_trait;

use crate::conf::{Problem, Problems, Section};
use crate::ffi::cross_input::event_from_wire;
use crate::ffi::host::Library;
use crate::ffi::wire::{InputOpening, Next, OutputOpening, Place};
use crate::ffi::{abi, export};
use crate::input::{
    Content, Input, InputBatch, InputEvent, Open, PartitionId, Payloads, Resume, Unreadable,
};
use crate::output::{Backfill, Fate, FindingsBatch, OpenOutput, Outcome, Output};
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
static KEPT: abi::Plugin = export::output::<Kept>("0.1.0", "");
static COUNTER: abi::Plugin = export::input::<Counter>("0.1.0", "");

fn library(plugin: &'static abi::Plugin) -> Library {
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

/// An output that answers with what it was given, in the receipt.
struct Kept {
    given: Vec<String>,
    refuse: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptConf {
    #[serde(default)]
    refuse: String,
}

#[async_trait]
impl Output for Kept {
    type Conf = KeptConf;
    const NAME: &'static str = "kept";
    const ABOUT: &'static str = "keeps";
    const BACKFILL: Backfill = Backfill::Overwrites;

    fn check(conf: &KeptConf) -> Problems {
        match conf.refuse.as_str() {
            "all" => Problem::at(["refuse"], "not all").warning().into(),
            _ => Problems::new(),
        }
    }

    async fn open(conf: KeptConf, open: OpenOutput) -> Result<Self> {
        let names = open
            .schema
            .fields()
            .iter()
            .map(|field| field.name().clone());
        let receipt = open.receipt.unwrap_or_default();
        Ok(Kept {
            given: [open.use_case.to_string(), receipt]
                .into_iter()
                .chain(names)
                .collect(),
            refuse: conf.refuse,
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        // A client of a server would wait here: there is a runtime to do that with.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut fates = Vec::new();
        for batch in batches {
            for (key, id) in batch.findings.keys().iter().flatten().zip(batch.ids.iter()) {
                self.given.push(format!(
                    "{} {} {key} {id}",
                    batch.use_case, batch.window.end
                ));
                fates.push(match key == self.refuse {
                    true => Fate::Refused("not this one".to_owned()),
                    false => Fate::Safe,
                });
            }
        }
        Outcome::Each(fates)
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(Some(self.given.join(";")))
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Kept {n_findings}")
    }
}

#[test]
fn an_output_is_given_findings_with_their_ids_and_answers_for_each() {
    let library = library(&KEPT);
    let checked = library
        .check_output(&Section::from_iter([("refuse", "all")]))
        .unwrap();
    assert_eq!(
        (checked.problems.len(), checked.problems[0].warning),
        (1, true)
    );
    assert_eq!(Backfill::from(checked.backfill), Backfill::Overwrites);
    let rows = RecordBatch::try_from_iter([
        (
            "who",
            Arc::new(StringArray::from(vec!["x", "y"])) as Arc<dyn Array>,
        ),
        ("n", Arc::new(Int64Array::from(vec![1, 2]))),
        ("why", Arc::new(StringArray::from(vec![None, Some("z")]))),
    ]);
    let findings = Findings::try_from_rows(&rows.unwrap()).unwrap();
    let opening = OutputOpening {
        section: Section::from_iter([("refuse", "y")]),
        use_case: "u".to_owned(),
        receipt: Some("r".to_owned()),
        now: 5,
    };
    let mut output = library
        .open_output(&opening, &findings.batch().schema())
        .unwrap();
    let window = Window { start: 0, end: 60 };
    let batch = FindingsBatch {
        use_case: "u".into(),
        window,
        time: 60,
        ids: ["1".to_owned(), "2".to_owned()].into(),
        findings,
    };
    let Outcome::Each(fates) = output.write(&[batch.clone(), batch]) else {
        panic!("a fate for each")
    };
    let refused = Fate::Refused("not this one".to_owned());
    assert_eq!(fates, [Fate::Safe, refused.clone(), Fate::Safe, refused]);
    let receipt = output.sync().unwrap().unwrap();
    assert_eq!(
        receipt,
        "u;r;key;score;why;u 60 x 1;u 60 y 2;u 60 x 1;u 60 y 2"
    );
    assert_eq!(output.delivered(4).unwrap(), "Kept 4");
    let wrong = OutputOpening {
        section: Section::from_iter([("refus", "y")]),
        ..opening
    };
    let schema: SchemaRef = Arc::new(Schema::empty());
    assert!(matches!(
        library.open_output(&wrong, &schema),
        Err(Error::Conf(_))
    ));
}

/// An input that counts from where it goes on up to three, one record a batch.
struct Counter {
    next: u64,
    is_told: bool,
    acknowledged: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterConf {}

#[async_trait]
impl Input for Counter {
    type Conf = CounterConf;
    const NAME: &'static str = "counter";
    const ABOUT: &'static str = "counts";
    const IS_SHARED: bool = true;

    fn beside() -> Vec<Field> {
        vec![Field::new("_n", DataType::Int64, false)]
    }

    fn arrival_column() -> Option<&'static str> {
        Some("_n")
    }

    async fn open(_: CounterConf, open: Open) -> Result<Self> {
        let resume = open.resume.get(&PartitionId::new("p"));
        Ok(Counter {
            next: resume.map_or(0, |resume| resume.offset),
            is_told: false,
            acknowledged: 0,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        let partition = PartitionId::new("p");
        if !self.is_told {
            self.is_told = true;
            let name = "the only one".to_owned();
            return Ok(Some(InputEvent::Assigned {
                partition,
                name,
                resume: Some(Resume {
                    offset: 1,
                    note: "n".to_owned(),
                }),
            }));
        }
        if self.next == 3 {
            return std::future::pending().await;
        }
        self.next += 1;
        let text = self.next.to_string();
        let beside = Int64Array::from(vec![self.next as i64]);
        let schema = Arc::new(Schema::new(Self::beside()));
        Ok(Some(InputEvent::Batch(InputBatch {
            partition,
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values([text]),
                offsets: vec![self.next - 1].into(),
                header: Some(b"header".as_slice().into()),
                first_line: Some(self.next),
                beside: Some(RecordBatch::try_new(schema, vec![Arc::new(beside)])?),
            }),
            end_offset: self.next,
            n_bytes: 1,
            oversized: Vec::new(),
            unreadable: vec![Unreadable {
                offset: 0,
                reason: "none".to_owned(),
            }],
            arrival: Some(7),
        })))
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        self.acknowledged = done[&PartitionId::new("p")].offset;
        Ok(())
    }

    fn progress(&self) -> crate::input::Progress {
        crate::input::Progress {
            read_bytes: self.acknowledged,
            total_bytes: Some(3),
        }
    }
}

#[test]
fn an_input_gives_its_events_and_waits_no_longer_than_it_is_told() {
    let library = library(&COUNTER);
    let (described, beside) = library.describe_input().unwrap();
    assert!(described.is_shared && described.arrival_column.as_deref() == Some("_n"));
    assert_eq!(beside, Counter::beside());
    assert!(
        library
            .check_input(&Section::new())
            .unwrap()
            .0
            .problems
            .is_empty()
    );
    let opening = InputOpening {
        resume: BTreeMap::from([(
            "p".to_owned(),
            Place {
                offset: 2,
                note: String::new(),
            },
        )]),
        ..InputOpening::default()
    };
    let mut input = library.open_input(&opening).unwrap();
    let wait = Duration::from_secs(10);
    let (said, _) = input.next(wait).unwrap();
    let Next::Assigned {
        partition,
        name,
        resume,
    } = said
    else {
        panic!("a partition")
    };
    assert_eq!((partition.as_str(), name.as_str()), ("p", "the only one"));
    assert_eq!(
        resume.map(|place| (place.offset, place.note)),
        Some((1, "n".to_owned()))
    );
    let (said, rows) = input.next(wait).unwrap();
    let Ok(Some(Some(InputEvent::Batch(batch)))) = event_from_wire(said, rows, 1) else {
        panic!("a batch")
    };
    assert_eq!(
        (batch.end_offset, batch.n_bytes, batch.arrival),
        (3, 1, Some(7))
    );
    assert_eq!(batch.unreadable[0].reason, "none");
    let Content::Payloads(payloads) = batch.content else {
        panic!("records")
    };
    assert_eq!(payloads.records.value(0), b"3");
    assert_eq!((payloads.offsets[0], payloads.first_line), (2, Some(3)));
    assert_eq!(
        payloads.header.unwrap().first_line(),
        Some(b"header".as_slice())
    );
    assert_eq!(payloads.beside.unwrap().schema().fields()[0].name(), "_n");
    assert!(matches!(
        input.next(Duration::from_millis(1)).unwrap(),
        (Next::Nothing, None)
    ));
    input
        .acknowledge(BTreeMap::from([(
            "p".to_owned(),
            Place {
                offset: 3,
                note: String::new(),
            },
        )]))
        .unwrap();
    let status = input.status().unwrap();
    assert_eq!((status.read_bytes, status.total_bytes), (3, Some(3)));
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
