//! What the `file` input reads of a folder in a run over what is there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use datashark_input_file::{Folder, FolderConf, From};
use datashark_sdk::Stores;
use datashark_sdk::conf::{Problem, Section};
use datashark_sdk::input::{Input, InputEvent, Open, PartitionId, Resume, Source};
use proptest::prelude::*;
use support::{
    Read, folder, folder_conf, numbered, once, pack, read_all, read_folder, timeout, write,
};

fn set_modified(folder: &std::path::Path, name: &str, secs: u64) {
    let file = File::options().write(true).open(folder.join(name)).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(secs))
        .unwrap();
}

fn names(read: &Read) -> Vec<&str> {
    read.assigned
        .iter()
        .map(|path| path.rsplit('/').next().unwrap())
        .collect()
}

fn problem(conf: &FolderConf) -> Problem {
    let mut problems = Folder::check(conf, &Stores::default()).0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[tokio::test]
async fn files_come_in_the_order_of_their_last_change_and_then_of_their_names() {
    let files = folder(&[
        ("c", b"3\n"),
        ("a", b"1\n"),
        ("b", b"2\n"),
        (".d", b"4\n"),
        ("e", b""),
    ]);
    for (name, secs) in [("a", 200), ("b", 100), ("c", 100)] {
        set_modified(files.path(), name, secs);
    }
    let conf = folder_conf(files.path(), &[("partitions", "1")]);
    let mut input = Folder::open(conf, once()).await.unwrap();
    let mut arrivals = Vec::new();
    let mut read = Read::default();
    while let Some(event) = timeout(input.next()).await.unwrap() {
        if let InputEvent::Batch(batch) = &event {
            arrivals.push(batch.arrival.unwrap());
        }
        read.take(event);
    }
    assert_eq!(
        names(&read),
        ["b", "c", "a"],
        "an empty file has nothing to say yet"
    );
    assert_eq!(arrivals, [100_000_000, 100_000_000, 200_000_000]);
    assert_eq!(read.lines(), ["1", "2", "3"]);
    let progress = input.progress();
    assert_eq!((progress.read_bytes, progress.total_bytes), (6, Some(6)));
}

#[tokio::test]
async fn only_names_that_match_the_pattern_are_read() {
    let files = folder(&[("a.log", b"1\n"), ("a.txt", b"2\n"), ("x/b.log", b"3\n")]);
    let read =
        |keys: &'static [(&str, &str)]| read_all::<Folder>(folder_conf(files.path(), keys), once());
    assert_eq!(read(&[("pattern", "*.log")]).await.lines(), ["1"]);
    assert_eq!(
        read(&[("pattern", "*.{log,txt}")]).await.lines(),
        ["1", "2"]
    );
    assert_eq!(
        read(&[("pattern", "*.log"), ("recursive", "true")])
            .await
            .lines(),
        ["1", "3"]
    );
}

#[tokio::test]
async fn all_is_read_whatever_from_says() {
    let files = folder(&[("a.log", b"one\nlast")]);
    let conf = folder_conf(files.path(), &[("from", "end")]);
    assert_eq!(conf.from, From::End);
    assert_eq!(
        read_all::<Folder>(conf, once()).await.lines(),
        ["last", "one"]
    );
}

#[tokio::test]
async fn a_second_run_reads_what_was_added() {
    let files = folder(&[("a.log", b"one\n"), ("b.log", b"two\n")]);
    let first = read_folder(files.path(), once()).await;
    assert_eq!(first.lines(), ["one", "two"]);
    fs::rename(files.path().join("a.log"), files.path().join("a.log.1")).unwrap();
    write(files.path(), "a.log", b"three\n");
    write(files.path(), "b.log", b"two\nfour\n");
    let open = Open {
        resume: first.resume(),
        ..once()
    };
    let second = read_folder(files.path(), open).await;
    assert_eq!(second.lines(), ["four", "three"]);
    assert_eq!(second.partitions.len(), 3);
    assert_eq!(second.forgotten, []);
}

#[tokio::test]
async fn what_was_emptied_or_deleted_since_is_forgotten() {
    let files = folder(&[
        ("a.log", b"one\ntwo\n"),
        ("b.log", b"three\n"),
        ("c.log", b"four\n"),
    ]);
    let first = read_folder(files.path(), once()).await;
    let id = |read: &Read, name: &str| -> PartitionId {
        let found = read
            .partitions
            .iter()
            .find(|(_, it)| it.name.ends_with(name));
        found.unwrap().0.clone()
    };
    // Written anew in place, longer than it was.
    write(files.path(), "a.log", b"another text\n");
    fs::remove_file(files.path().join("b.log")).unwrap();
    let second = read_folder(
        files.path(),
        Open {
            resume: first.resume(),
            ..once()
        },
    )
    .await;
    assert_eq!(second.lines(), ["another text"]);
    let mut gone = [id(&first, "a.log"), id(&first, "b.log")];
    gone.sort();
    assert_eq!(second.forgotten, gone);
    assert!(
        id(&second, "a.log").as_str().contains("#2-"),
        "another generation"
    );
}

#[tokio::test]
async fn a_thousand_files_are_each_read_once() {
    let files = folder(&[]);
    for i in 0..1000 {
        write(
            files.path(),
            &format!("{i:04}.log"),
            format!("{i:04}\n").as_bytes(),
        );
    }
    let read = read_folder(
        files.path(),
        Open {
            n_partitions: 8,
            ..once()
        },
    )
    .await;
    assert_eq!(read.partitions.len(), 1000);
    assert_eq!(
        read.lines(),
        (0..1000).map(|i| format!("{i:04}")).collect::<Vec<_>>()
    );
    let again = read_folder(
        files.path(),
        Open {
            resume: read.resume(),
            ..once()
        },
    )
    .await;
    assert_eq!(again.lines(), [""; 0]);
}

#[tokio::test]
async fn a_damaged_file_fails_and_the_others_go_on() {
    let text = numbered(20_000);
    let packed = pack("gz", text.as_bytes());
    let files: [(&str, &[u8]); 3] = [
        ("a.gz", &packed[..1000]),
        ("b.log", b"one\n"),
        ("c.parquet", b"PAR1"),
    ];
    let files = folder(&files);
    let read = read_folder(files.path(), once()).await;
    let reason = read.of("a.gz").failed.as_ref().unwrap();
    assert!(
        reason.ends_with("the file is truncated after 1000 bytes"),
        "{reason}"
    );
    assert_eq!(read.of("b.log").lines(), ["one"]);
    assert!(
        read.failed[0].contains("c.parquet` is not read"),
        "{:?}",
        read.failed
    );
}

#[tokio::test]
async fn a_pipe_in_the_folder_is_left_alone() {
    let files = folder(&[("a.log", b"one\n")]);
    let mkfifo = std::process::Command::new("mkfifo")
        .arg(files.path().join("pipe"))
        .status();
    assert!(mkfifo.unwrap().success());
    assert_eq!(read_folder(files.path(), once()).await.lines(), ["one"]);
}

#[test]
fn a_folder_that_is_missing_or_none_is_reported() {
    let files = folder(&[("logs/a.log", b"")]);
    let missing = problem(&folder_conf(&files.path().join("lgos"), &[]));
    assert_eq!(missing.path, ["folder_path"]);
    assert!(
        missing.message.ends_with("lgos` does not exist"),
        "{}",
        missing.message
    );
    assert!(missing.help.unwrap().ends_with("/logs`?"));

    let none = problem(&folder_conf(&files.path().join("logs/a.log"), &[]));
    assert!(
        none.message.ends_with("a.log` is not a folder"),
        "{}",
        none.message
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let files = folder(&[]);
    let keys = [("pattern", "[a"), ("partitions", "0")];
    let problems = Folder::check(
        &folder_conf(&files.path().join("gone"), &keys),
        &Stores::default(),
    )
    .0;
    let paths: Vec<_> = problems
        .iter()
        .map(|problem| problem.path[0].as_str())
        .collect();
    assert_eq!(paths, ["folder_path", "pattern", "partitions"]);
    let path = problem(&folder_conf(files.path(), &[("pattern", "x/*.log")]));
    assert_eq!(path.message, "`x/*.log` is more than a file name");
}

#[test]
fn a_conf_has_its_defaults_and_refuses_unknown_keys() {
    let conf: FolderConf = Section::from_iter([("folder_path", "/opt/logs")])
        .parse()
        .unwrap();
    let expected = FolderConf {
        folder_path: "/opt/logs".into(),
        pattern: "*".into(),
        from: From::Beginning,
        recursive: false,
        partitions: None,
    };
    assert_eq!(conf, expected);
    let section = Section::from_iter([("folder_pth", "/opt/logs"), ("from", "start")]);
    let problems = section.parse::<FolderConf>().unwrap_err();
    assert_eq!(
        problems.0[0].message,
        "unknown key `folder_pth`, did you mean `folder_path`?"
    );
}

#[test]
fn the_format_is_suggested_by_the_pattern_or_else_by_the_names() {
    let files = folder(&[("a.json", b""), (".b", b""), ("c.json.1.gz", b"")]);
    let source = |keys: &[(&str, &str)]| {
        Folder::source(&folder_conf(files.path(), keys), &Stores::default()).unwrap()
    };
    assert_eq!(
        source(&[("pattern", "*.csv")]),
        Source::Raw {
            format: Some("csv")
        }
    );
    assert_eq!(
        source(&[]),
        Source::Raw {
            format: Some("json")
        }
    );
    write(files.path(), "d.log", b"");
    assert_eq!(source(&[]), Source::Raw { format: None });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn a_restart_at_any_record_gives_exactly_the_remaining_lines(
        lens in prop::collection::vec(prop::collection::vec(0_usize..40, 1..60), 1..5),
        packed: bool,
        block_bytes in 1_usize..300,
        crlf: bool,
        at in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let files = folder(&[]);
        let end = if crlf { "\r\n" } else { "\n" };
        for (i, lens) in lens.iter().enumerate() {
            let text: String = lens.iter().map(|n| format!("{i}{}{end}", "x".repeat(*n))).collect();
            let bytes = if packed { pack("gz", text.as_bytes()) } else { text.into_bytes() };
            write(files.path(), &format!("{i}.log"), &bytes);
        }
        runtime.block_on(async {
            let open = Open { block_bytes, ..once() };
            let all = read_folder(files.path(), open.clone()).await;
            let mut resume = BTreeMap::new();
            let mut expected = Vec::new();
            for (id, partition) in &all.partitions {
                let n_read = at.index(partition.records.len() + 1);
                let rest = &partition.records[n_read..];
                let offset = rest.first().map_or(partition.end_offset, |(offset, _)| *offset);
                resume.insert(id.clone(), Resume::at(offset));
                expected.extend(rest.iter().map(|(_, line)| line.as_str()));
            }
            expected.sort_unstable();
            let rest = read_folder(files.path(), Open { resume, ..open }).await;
            assert_eq!(rest.lines(), expected);
        });
    }
}
