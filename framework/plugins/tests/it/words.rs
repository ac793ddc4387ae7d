//! A use case in Rust, in a process of its own: it gives what it gives when it is linked in, and a process
//! that ends loses nothing.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use datashark_sdk::conf::Section;
use datashark_sdk::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Findings, Result, Window,
};

use crate::world::World;

fn world() -> World {
    World::new().with_built("datashark_test_plugin_words", "libwords.so")
}

fn lines(lines: &[&str]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8View, false)]);
    let lines = StringViewArray::from_iter_values(lines);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lines)]).unwrap()
}

fn reduce_of(use_case: &dyn DynUseCase) -> Arc<dyn DynReduce> {
    match use_case.aggregate() {
        Aggregate::Reduce(reduce) => reduce,
        _ => panic!("a reduce"),
    }
}

/// The whole life of a use case over these lines.
fn found(use_case: &dyn DynUseCase, first: &[&str], then: &[&str]) -> Result<Findings> {
    let reduce = reduce_of(use_case);
    let (mut state, mut other) = (reduce.empty()?, reduce.empty()?);
    reduce.add(&mut state, &lines(first))?;
    let copy = reduce.copy(&state)?;
    reduce.add(&mut other, &lines(then))?;
    reduce.merge(&mut state, other)?;
    reduce.merge(&mut state, copy)?;
    let rows = reduce.rows(state)?;
    let (schema, rows) = (rows.schema(), [rows]);
    let model = use_case.train(Batches::new(&schema, &rows))?;
    use_case.score(&model, &Window::WHOLE, Batches::new(&schema, &rows))
}

fn shown(findings: &Findings) -> Vec<(String, f64)> {
    let keys = findings.keys().iter().flatten().map(str::to_owned);
    keys.zip(findings.scores().values().iter().copied())
        .collect()
}

#[test]
fn it_gives_the_same_in_either_place() {
    let world = world();
    for isolation in ["process", "none"] {
        let use_case = world
            .use_case("words", &[("isolation", isolation)], &[])
            .unwrap();
        assert!(use_case.trains());
        assert_eq!(use_case.input().columns[0].name(), "line");
        let found = found(use_case.as_ref(), &["a", "b", "a"], &["c", "a"]).unwrap();
        let expected = [("a", 15.0), ("b", 6.0), ("c", 3.0)];
        assert_eq!(
            shown(&found),
            expected.map(|(key, score)| (key.to_owned(), score))
        );
    }
}

#[test]
fn a_process_that_ends_over_records_is_started_again_and_loses_none() {
    let world = world();
    let mark = world.path("mark");
    let line = format!("abort unless {}", mark.display());
    let folder = world.path("");
    let sandbox = [("write", folder.to_str().unwrap().trim_end_matches('/'))];
    let use_case = world.use_case("words", &[], &sandbox).unwrap();
    let found = found(use_case.as_ref(), &["a", "b", "a"], &[&line, "a"]).unwrap();
    assert!(mark.exists(), "it was to end once");
    let expected = [("a", 15.0), (line.as_str(), 3.0), ("b", 6.0)];
    assert_eq!(
        shown(&found),
        expected.map(|(key, score)| (key.to_owned(), score))
    );
}

#[test]
fn a_file_refusals_and_screening_reach_it_in_either_place() {
    let world = world();
    let entry = world.entry("words").unwrap().unwrap();
    assert_eq!(entry.files, ["unwanted"]);
    for isolation in ["process", "none"] {
        let own = [("isolation", isolation), ("unwanted", "unwanted.txt")];
        let own: Section = own.into_iter().collect();
        let files = Files::from_iter([("unwanted", "bad\nworse\n")]);
        let use_case = entry.build_with(&own, &files).unwrap();
        let reduce = reduce_of(use_case.as_ref());
        let refused = reduce
            .refused(&lines(&["a", "worse", "b"]))
            .unwrap()
            .unwrap();
        let refused: Vec<(usize, &str)> = refused.iter().map(|r| (r.row, &*r.reason)).collect();
        assert_eq!(refused, [(1, "`worse` is unwanted")]);
        let none = entry.build(&own).unwrap();
        assert_eq!(
            reduce_of(none.as_ref())
                .refused(&lines(&["worse"]))
                .unwrap(),
            None
        );
        // A model that screens, and one that does not.
        let load = |model: u64| use_case.load(&model.into()).unwrap();
        assert!(use_case.screen(&load(1)).unwrap().is_none());
        let screen = use_case.screen(&load(200)).unwrap().unwrap();
        let mut state = screen.empty().unwrap();
        screen
            .add(&mut state, &lines(&["a", "bb", "ccc", "ccc"]))
            .unwrap();
        assert!(
            reduce.add(&mut state, &lines(&["a"])).is_err(),
            "it is none of that one"
        );
        assert_eq!(screen.rows(state).unwrap().num_rows(), 1);
    }
}

#[test]
fn what_screens_goes_on_in_the_next_process_with_its_model() {
    let world = world();
    let mark = world.path("mark");
    let line = format!("abort unless {}", mark.display());
    let folder = world.path("");
    let sandbox = [("write", folder.to_str().unwrap().trim_end_matches('/'))];
    let use_case = world.use_case("words", &[], &sandbox).unwrap();
    let model = use_case.load(&serde_json::json!(200)).unwrap();
    let screen = use_case.screen(&model).unwrap().unwrap();
    drop(model);
    let mut state = screen.empty().unwrap();
    screen.add(&mut state, &lines(&["a", "ccc"])).unwrap();
    screen.add(&mut state, &lines(&[&line, "b"])).unwrap();
    assert!(mark.exists(), "it was to end once");
    let rows = screen.rows(state).unwrap();
    assert_eq!(rows.num_rows(), 2, "{rows:?}");
}

#[test]
fn a_window_that_it_does_not_survive_is_given_up_and_the_next_one_scored() {
    let world = world();
    let use_case = world
        .use_case("words", &[("dies_of", "b")], &[("max_retries", "1")])
        .unwrap();
    let error = found(use_case.as_ref(), &["a", "b"], &["c"]).unwrap_err();
    assert!(
        matches!(&error, Error::GaveUp(why) if why.contains("tried 2 times")),
        "{error}"
    );
    let found = found(use_case.as_ref(), &["a"], &["c"]).unwrap();
    assert_eq!(
        shown(&found),
        [("a".to_owned(), 4.0), ("c".to_owned(), 2.0)]
    );
}

#[test]
fn a_panic_is_an_error_with_its_place_in_either_place() {
    let world = world();
    for isolation in ["process", "none"] {
        let own = [("dies_of", "panic"), ("isolation", isolation)];
        let use_case = world.use_case("words", &own, &[]).unwrap();
        let error = found(use_case.as_ref(), &["panic"], &[])
            .unwrap_err()
            .to_string();
        let expected = "internal error: a panic: told to, at tests/plugins/words/src/lib.rs:";
        assert!(error.starts_with(expected), "{error}");
        // And it goes on.
        assert_eq!(found(use_case.as_ref(), &["a"], &[]).unwrap().len(), 1);
    }
}

#[test]
fn mistakes_in_its_keys_and_in_ours_are_problems() {
    let world = world();
    let problems = |own: &[(&str, &str)], sandbox: &[(&str, &str)]| {
        world
            .use_case("words", own, sandbox)
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        problems(&[("dies", "x")], &[]),
        "dies: unknown key `dies`, did you mean `dies_of`?"
    );
    assert_eq!(
        problems(&[], &[("timeot", "1s")]),
        "sandbox.timeot: unknown key `timeot`, did you mean `timeout`?"
    );
}
