//! What a conf names, and what is wrong with that.

use datashark_input_file::{Batch, BatchConf};
use datashark_sdk::Stores;
use datashark_sdk::conf::{Problem, Section};
use datashark_sdk::input::{Input, Source};

use crate::support::{batch_conf, folder, once, read_all, write};

fn problem(file: impl AsRef<std::path::Path>) -> Problem {
    let mut problems = Batch::check(&batch_conf(file), &Stores::default()).0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems.remove(0);
    assert_eq!(problem.path, ["file"]);
    problem
}

#[test]
fn a_missing_file_is_reported_with_the_nearest_name() {
    let files = folder(&[("access.log", b""), ("logs/x", b"")]);
    let problem = problem(files.path().join("acces.log"));
    assert!(
        problem.message.ends_with("acces.log` does not exist"),
        "{}",
        problem.message
    );
    let near = files.path().join("access.log").display().to_string();
    assert_eq!(problem.help.unwrap(), format!("did you mean `{near}`?"));

    let problem = self::problem(files.path().join("lgos/x.log"));
    assert!(
        problem
            .message
            .contains("lgos/x.log` does not exist: there is no `")
    );
    assert!(problem.help.unwrap().ends_with("/logs`?"));
}

#[test]
fn a_glob_or_folder_without_a_file_is_reported() {
    let files = folder(&[("a.log", b""), ("empty/.hidden", b"")]);
    let glob = files.path().join("*.json");
    let message = problem(&glob).message;
    assert_eq!(message, format!("no file matches `{}`", glob.display()));
    assert!(
        problem(files.path().join("empty"))
            .message
            .ends_with("has no file to read")
    );
    assert!(
        problem(files.path().join("gone/*.json"))
            .message
            .contains("does not exist")
    );
    assert!(
        problem(files.path().join("[a.log"))
            .message
            .contains("is no glob")
    );
    assert_eq!(problem("").message, "no file is named");
}

/// What `file = …` of a conf reads as.
fn listed(list: &str) -> BatchConf {
    Section::from_iter([("file", list)]).parse().unwrap()
}

#[tokio::test]
async fn a_list_is_read_in_its_order_and_what_two_items_name_once() {
    let files: [(&str, &[u8]); 4] = [
        ("b, c.log", b"comma\n"),
        ("logs/a.log", b"a\n"),
        ("logs/b.log", b"b\n"),
        ("z.log", b"z\n"),
    ];
    let files = folder(&files);
    let root = files.path().display();
    let list = format!("{root}/z.log, \"{root}/b, c.log\", {root}/logs/b.log, {root}//logs/*.log");
    let read = read_all::<Batch>(listed(&list), once()).await;
    let names: Vec<&str> = read
        .assigned
        .iter()
        .map(|name| name.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["z.log", "b, c.log", "b.log", "a.log"]);
    let mut lines = read.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["a", "b", "comma", "z"]);
}

#[test]
fn every_item_that_is_not_there_is_reported() {
    let files = folder(&[("a.log", b""), ("b.log.gz", b"")]);
    let root = files.path().display();
    let list = format!("{root}/a.lg, {root}/a.log, s4://logs/x, {root}/*.txt, {root}/*.{{log,gz}}");
    let problems = Batch::check(&listed(&list), &Stores::default());
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        format!("file: `{root}/a.lg` does not exist"),
        "file: unknown scheme `s4://`, did you mean `s3://`?".to_owned(),
        format!("file: no file matches `{root}/*.txt`"),
        format!("file: `{root}/*.{{log` is no glob: "),
        "file: `gz}` does not exist".to_owned(),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.starts_with(expected.as_str()), "{found:#?}");
    }
    let help = problems.iter().nth(3).unwrap().help.as_deref();
    assert_eq!(
        help,
        Some("a comma divides the list: write what has one in quotes")
    );
}

#[test]
fn the_format_is_suggested_by_the_names() {
    let files = folder(&[("a.json", b""), ("b.jsonl.gz", b""), ("c.csv", b"")]);
    let source = |name: &str| {
        Batch::source(&batch_conf(files.path().join(name)), &Stores::default()).unwrap()
    };
    assert_eq!(
        source("*.json*"),
        Source::Raw {
            format: Some("json")
        }
    );
    assert_eq!(
        source("c.csv"),
        Source::Raw {
            format: Some("csv")
        }
    );
    assert_eq!(source("*"), Source::Raw { format: None });
}

#[test]
fn an_unknown_key_is_refused() {
    let section = Section::from_iter([("file", "x"), ("fiel", "y")]);
    let problems = section.parse::<BatchConf>().unwrap_err();
    assert_eq!(
        problems.0[0].message,
        "unknown key `fiel`, did you mean `file`?"
    );
}

#[test]
fn parquet_and_text_are_not_mixed() {
    let files = folder(&[("a.log", b""), ("b.parquet", b"")]);
    let problem = problem(files.path());
    assert!(
        problem.message.contains("mixes Parquet and text"),
        "{}",
        problem.message
    );
}

#[test]
fn a_link_to_a_file_is_followed() {
    let files = folder(&[("a.log", b"one\n")]);
    std::os::unix::fs::symlink(files.path().join("a.log"), files.path().join("b.log")).unwrap();
    write(files.path(), "x/c.log", b"");
    assert!(Batch::check(&batch_conf(files.path().join("b.log")), &Stores::default()).is_empty());
}
