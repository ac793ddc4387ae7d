//! What use cases have had since version 1.1 of the interface: files, a view, refused records, screening.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};

use crate::conf::Section;
use crate::ffi::host::Library;
use crate::ffi::{abi, export};
use crate::prelude::*;
use crate::{DynReduce, DynUseCase, Files, Refused};

/// Counts lines: for training those that its file does not name, then those longer than its model.
struct Picky {
    unwanted: String,
    refuses: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PickyConf {
    #[serde(default)]
    unwanted: String,
    #[serde(default)]
    refuses: bool,
}

impl UseCase for Picky {
    type Conf = PickyConf;
    type Model = usize;
    const NAME: &'static str = "picky";
    const ABOUT: &'static str = "wants few lines";
    const FILES: &'static [&'static str] = &["unwanted"];

    fn new(conf: PickyConf) -> Result<Self> {
        Ok(Picky {
            unwanted: String::new(),
            refuses: conf.refuses,
        })
    }

    fn with_files(conf: PickyConf, files: &Files) -> Result<Self> {
        if !conf.unwanted.is_empty() && files.get("unwanted").is_none() {
            return Err(Error::data("the file is not there"));
        }
        let unwanted = files.text("unwanted").unwrap_or_default().into_owned();
        let made = Self::new(conf)?;
        Ok(Picky { unwanted, ..made })
    }

    fn input(&self) -> Records {
        let line = Field::new("line", DataType::Utf8View, false);
        Records::as_configured()
            .columns([line])
            .view("SELECT lower(text) AS line FROM records")
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(Lines {
            longer_than: 0,
            unwanted: self.unwanted.clone(),
            refuses: self.refuses,
        })
    }

    fn screen(&self, model: &Arc<usize>) -> Option<Arc<dyn DynReduce>> {
        let lines = Lines {
            longer_than: **model,
            unwanted: String::new(),
            refuses: self.refuses,
        };
        (**model > 0).then(|| Arc::new(lines) as Arc<dyn DynReduce>)
    }
}

struct Lines {
    longer_than: usize,
    unwanted: String,
    refuses: bool,
}

impl Reduce for Lines {
    type State = u64;

    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        let refused = |(row, line): (usize, Option<&str>)| Refused {
            row,
            reason: format!("`{}` is unwanted", line.unwrap_or_default()),
        };
        let lines = batch.column(0).as_string_view().iter().enumerate();
        let unwanted = lines.filter(|(_, line)| *line == Some(self.unwanted.as_str()));
        self.refuses.then(|| unwanted.map(refused).collect())
    }

    fn add(&self, state: &mut u64, batch: &RecordBatch) {
        let lines = batch.column(0).as_string_view().iter().flatten();
        *state += lines.filter(|line| line.len() > self.longer_than).count() as u64;
    }

    fn merge(&self, state: &mut u64, other: u64) {
        *state += other;
    }

    fn rows(&self, state: u64) -> Result<RecordBatch> {
        let columns: [(&str, Arc<dyn Array>); 2] = [
            ("key", Arc::new(StringArray::from(vec!["all"]))),
            ("count", Arc::new(UInt64Array::from(vec![state]))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }

    fn size_bytes(&self, _: &u64) -> usize {
        8
    }
}

static PICKY: abi::Plugin = export::use_case::<Picky>("1.0.0", "");

fn library() -> Library {
    // SAFETY: the macro's own function gives just this.
    unsafe { Library::of(&PICKY) }.unwrap()
}

fn picky(conf: &[(&str, &str)], files: &Files) -> Result<Box<dyn DynUseCase>> {
    library().use_case(&conf.iter().copied().collect::<Section>(), files)
}

fn lines(lines: &[&str]) -> RecordBatch {
    let lines = arrow::array::StringViewArray::from_iter_values(lines);
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8View, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lines)]).unwrap()
}

fn counted(reduce: &dyn DynReduce, batch: &RecordBatch) -> u64 {
    let mut state = reduce.empty().unwrap();
    reduce.add(&mut state, batch).unwrap();
    let (mut copy, other) = (reduce.copy(&state).unwrap(), reduce.empty().unwrap());
    reduce.merge(&mut copy, other).unwrap();
    let rows = reduce.rows(copy).unwrap();
    rows.column(1)
        .as_primitive::<arrow::datatypes::UInt64Type>()
        .value(0)
}

#[test]
fn files_and_a_view_reach_the_other_side() {
    assert_eq!(library().about().files, ["unwanted"]);
    let use_case = picky(&[], &Files::default()).unwrap();
    let view = "SELECT lower(text) AS line FROM records";
    assert_eq!(use_case.input().view.as_deref(), Some(view));
    let conf = [("unwanted", "words.txt"), ("refuses", "true")];
    let missing = picky(&conf, &Files::default()).map(|_| ()).unwrap_err();
    assert_eq!(missing.to_string(), "the file is not there");
    // Not UTF-8: what a file holds is bytes.
    let files = Files::from_iter([("unwanted", b"b\xff".as_slice())]);
    let use_case = picky(&conf, &files).unwrap();
    let Aggregate::Reduce(reduce) = use_case.aggregate() else {
        panic!("a reduce")
    };
    let refused = reduce.refused(&lines(&["a", "b\u{fffd}", "c"])).unwrap();
    let expected = Refused {
        row: 1,
        reason: "`b\u{fffd}` is unwanted".to_owned(),
    };
    assert_eq!(refused, Some(vec![expected]));
}

#[test]
fn one_that_refuses_nothing_says_so() {
    let use_case = picky(&[], &Files::default()).unwrap();
    let Aggregate::Reduce(reduce) = use_case.aggregate() else {
        panic!("a reduce")
    };
    assert_eq!(reduce.refused(&lines(&["a"])).unwrap(), None);
}

#[test]
fn records_are_screened_with_the_model_that_was_given() {
    let use_case = picky(&[], &Files::default()).unwrap();
    let batch = lines(&["a", "bbb", "ccccc"]);
    let none = use_case.load(&serde_json::json!(0)).unwrap();
    assert!(use_case.screen(&none).unwrap().is_none());
    let two = use_case.load(&serde_json::json!(2)).unwrap();
    let four = use_case.load(&serde_json::json!(4)).unwrap();
    let screens = [&two, &four].map(|model| use_case.screen(model).unwrap().unwrap());
    // What screens keeps its model, whoever else has it.
    drop((two, four));
    assert_eq!(counted(screens[0].as_ref(), &batch), 2);
    assert_eq!(counted(screens[1].as_ref(), &batch), 1);
    let Aggregate::Reduce(reduce) = use_case.aggregate() else {
        panic!("a reduce")
    };
    assert_eq!(counted(reduce.as_ref(), &batch), 3);
    // A state of one is none of another.
    let mut state = screens[0].empty().unwrap();
    assert!(screens[1].add(&mut state, &batch).is_err());
    let another = picky(&[], &Files::default()).unwrap();
    let model = another.load(&serde_json::json!(2)).unwrap();
    assert!(use_case.screen(&model).is_err());
}
