//! A plugin that does what it should not ends in one clear line, and harms nobody.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datashark_sdk::{Batches, Error, Findings, Result, Window};

use crate::world::World;

fn rows() -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let scores: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    RecordBatch::try_from_iter([("key", keys), ("score", scores)]).unwrap()
}

/// What comes of a score of a plugin that does this.
fn score(world: &World, own: &[(&str, &str)], sandbox: &[(&str, &str)]) -> Result<Findings> {
    let use_case = world.use_case("unruly", own, sandbox)?;
    let model = use_case.load(&serde_json::Value::Null)?;
    let rows = [rows()];
    use_case.score(
        &model,
        &Window::WHOLE,
        Batches::new(&rows[0].schema(), &rows),
    )
}

fn world() -> World {
    World::new().with_unruly("libunruly.so", &[])
}

#[test]
fn one_that_behaves_gives_its_findings_in_either_place() {
    let world = world();
    for isolation in ["process", "none"] {
        let found = score(&world, &[("isolation", isolation)], &[]).unwrap();
        assert_eq!(
            found.batch(),
            Findings::try_from_rows(&rows()).unwrap().batch()
        );
    }
}

#[test]
fn one_that_ends_its_process_is_given_the_window_again_and_then_given_up() {
    let world = world();
    let cases = [
        ("segfault", "it was ended by SIGSEGV"),
        // Rust sees it in the process's first thread, and says it before it gives up.
        ("stack", "it was ended by SIGABRT"),
        ("exit", "it ended itself, with status 0"),
        ("close", "it "),
        ("memory", "it was ended by SIGABRT"),
    ];
    for (does, expected) in cases {
        let sandbox = [
            ("max_retries", "1"),
            ("memory", "64MiB"),
            ("timeout", "20s"),
        ];
        let error = score(&world, &[("does", does)], &sandbox).unwrap_err();
        assert!(matches!(error, Error::GaveUp(_)), "{does}: {error}");
        let library = world.path("plugins/libunruly.so");
        let line = format!(
            "the plugin {} does not survive `score`, tried 2 times: {expected}",
            library.display()
        );
        assert!(error.to_string().starts_with(&line), "{does}: {error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

#[test]
fn one_that_does_not_come_back_is_ended_after_its_time() {
    let world = world();
    let sandbox = [("timeout", "200ms"), ("max_retries", "0")];
    let error = score(&world, &[("does", "loop")], &sandbox)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("tried 1 times: it took longer than 200ms, and was ended"),
        "{error}"
    );
}

#[test]
fn one_that_writes_where_it_should_not_does_not_get_through() {
    let world = world();
    // Its standard output is no pipe of ours.
    score(&world, &[("does", "stdout")], &[]).unwrap();
    let error = score(
        &world,
        &[("does", "babble")],
        &[("max_retries", "0"), ("timeout", "5s")],
    );
    let error = error.unwrap_err();
    assert!(matches!(error, Error::GaveUp(_)), "{error}");
    // And what answers without an answer, or with one that nobody knows, is told so.
    let error = score(&world, &[("does", "garbage")], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a stream was released already, or lacks a function"),
        "{error}"
    );
    let error = score(&world, &[("does", "status")], &[])
        .unwrap_err()
        .to_string();
    assert_eq!(error, "internal error: unknown status 1234: ");
}

#[test]
fn what_is_not_granted_is_refused() {
    let world = world();
    let secret = world.path("secret");
    fs::write(&secret, "secret").unwrap();
    let library = world.path("plugins/libunruly.so");
    let cases = [
        ("read", secret.to_str().unwrap(), "read: Permission denied"),
        (
            "write",
            world.path("new").to_str().unwrap(),
            "write: Permission denied",
        ),
        (
            "remove",
            library.to_str().unwrap(),
            "remove: Permission denied",
        ),
        ("connect", "", "connect: Operation not permitted"),
        ("fork", "", "fork: Operation not permitted"),
        ("kill", "", "kill: Operation not permitted"),
        ("execute", "", "execute: Operation not permitted"),
    ]
    .map(|(does, path, expected)| (does, path.to_owned(), expected));
    for (does, path, expected) in &cases {
        let path = format!("'{path}'");
        let own = [("does", *does), ("path", path.trim_matches('\''))];
        let error = score(&world, &own, &[]).unwrap_err().to_string();
        assert_eq!(&error, expected, "{does}");
    }
    assert!(library.exists() && !world.path("new").exists());
}

#[test]
fn what_is_granted_is_allowed() {
    let world = world();
    let secret = world.path("secret");
    fs::write(&secret, "secret").unwrap();
    let folder = world.path("");
    let own = |does, path: &std::path::Path| {
        [("does", does), ("path", path.to_str().unwrap())]
            .map(|(k, v): (&str, &str)| (k.to_owned(), v.to_owned()))
    };
    let allowed = |own: [(String, String); 2], sandbox: &[(&str, &str)]| {
        let own = own
            .each_ref()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        score(&world, &own, sandbox).unwrap_err().to_string()
    };
    let granted = folder.to_str().unwrap().trim_end_matches('/').to_owned();
    assert_eq!(
        allowed(own("read", &secret), &[("read", &granted)]),
        "read: it worked"
    );
    assert_eq!(
        allowed(own("write", &secret), &[("read", &granted)]),
        "write: Permission denied"
    );
    assert_eq!(
        allowed(own("write", &secret), &[("write", &granted)]),
        "write: it worked"
    );
    assert_eq!(
        allowed(own("connect", &secret), &[("network", "yes")]),
        "connect: it worked"
    );
}
