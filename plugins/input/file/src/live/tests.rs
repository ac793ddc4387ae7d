//! What becomes of files that appear and grow, while we watch and while not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod operations;
mod rotation;

use std::fs;
use std::io::Write;

use datashark_sdk::input::{HeaderRule, Resume};

use self::harness::{Harness, gz, numbered, quick};
use crate::live::Timing;

#[tokio::test]
async fn what_is_there_is_read_and_what_is_appended_follows() {
    let mut it = Harness::new();
    it.append("a.log", "one\ntwo\n");
    it.start(quick()).await;
    it.expect("a.log", &["one", "two"]).await;
    it.append("a.log", "three\n");
    it.append("b.log", "four\n");
    it.expect("a.log", &["one", "two", "three"]).await;
    it.expect("b.log", &["four"]).await;
    assert_eq!(it.ended, []);
}

#[tokio::test]
async fn every_partition_that_is_there_is_assigned_before_the_first_record() {
    let mut it = Harness::new();
    for i in 0..20 {
        it.append(&format!("{i}.log"), "one\n");
    }
    it.start(quick()).await;
    it.until(|it| it.n_records() == 20).await;
    assert_eq!(it.n_assigned_before_first_batch, 20);
}

#[tokio::test]
async fn a_line_is_given_once_it_has_its_end() {
    let mut it = Harness::new();
    it.append("a.log", "one\ntw");
    it.start(quick()).await;
    it.expect("a.log", &["one"]).await;
    it.append("a.log", "o\nth");
    it.expect("a.log", &["one", "two"]).await;
    it.append("a.log", "ree\n");
    it.expect("a.log", &["one", "two", "three"]).await;
}

#[tokio::test]
async fn a_first_line_that_grows_by_bytes_is_one_line() {
    let mut it = Harness::new();
    it.start(quick()).await;
    for part in ["2", "0", "16 first", "\n"] {
        it.append("a.log", part);
        it.settle().await;
    }
    it.expect("a.log", &["2016 first"]).await;
    assert_eq!(it.n_assigned(), 1);
}

#[tokio::test]
async fn without_notifications_the_folder_is_polled() {
    let mut it = Harness::new();
    it.start(Timing {
        notify: false,
        ..quick()
    })
    .await;
    it.append("a.log", "one\n");
    it.expect("a.log", &["one"]).await;
}

#[tokio::test]
async fn notifications_alone_are_enough() {
    let mut it = Harness::new();
    let never = std::time::Duration::from_secs(3600);
    it.append("a.log", "one\n");
    it.start(Timing {
        poll: never,
        ..quick()
    })
    .await;
    it.expect("a.log", &["one"]).await;
    for i in 0..20 {
        it.append("a.log", "more\n");
        it.until(|it| it.n_records() == i + 2).await;
    }
}

#[tokio::test]
async fn a_last_line_without_an_end_is_a_record_after_a_while() {
    let mut it = Harness::new();
    it.append("a.log", "one\nlast");
    it.append("b.log", "only");
    it.start(Timing {
        quiet: quick().quiet_gone,
        ..quick()
    })
    .await;
    it.expect("a.log", &["one", "last"]).await;
    it.expect("b.log", &["only"]).await;
}

#[tokio::test]
async fn a_last_line_of_a_renamed_file_is_a_record_sooner() {
    let mut it = Harness::new();
    it.append("a.log", "one\nlast");
    it.start(quick()).await;
    it.expect("a.log", &["one"]).await;
    it.rename("a.log", "a.log.1");
    it.until(|it| it.n_records() == 2).await;
    assert_eq!(it.lines(), ["one", "last"]);
}

#[tokio::test]
async fn a_compressed_file_that_is_still_being_written_is_not_damaged() {
    let mut it = Harness::new();
    let text = numbered(5000);
    let packed = gz(text.as_bytes());
    it.start(quick()).await;
    let mut file = fs::File::create(it.path("a.log.gz")).unwrap();
    for part in packed.chunks(packed.len() / 4 + 1) {
        file.write_all(part).unwrap();
        it.settle().await;
    }
    it.until(|it| it.n_records() == 5000).await;
    assert_eq!(it.lines(), text.lines().collect::<Vec<_>>());
    assert_eq!(it.failed, [""; 0]);
    // Another member behind it, as some writers append.
    file.write_all(&gz(b"more\n")).unwrap();
    it.until(|it| it.n_records() == 5001).await;
}

#[tokio::test]
async fn a_truncated_compressed_file_is_reported_once_and_goes_on_if_it_grows() {
    let mut it = Harness::new();
    let text = numbered(5000);
    let packed = gz(text.as_bytes());
    let (head, rest) = packed.split_at(packed.len() / 2);
    fs::write(it.path("a.log.gz"), head).unwrap();
    it.start(Timing {
        quiet: quick().quiet_gone,
        ..quick()
    })
    .await;
    it.until(|it| !it.failed.is_empty()).await;
    it.settle().await;
    let end = format!("the file is truncated after {} bytes", head.len());
    assert_eq!(it.failed.len(), 1);
    assert!(it.failed[0].ends_with(&end), "{:?}", it.failed);
    assert!(it.n_records() > 100 && it.n_records() < 5000);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(it.path("a.log.gz"))
        .unwrap();
    file.write_all(rest).unwrap();
    it.until(|it| it.n_records() == 5000).await;
    assert_eq!(it.lines(), text.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn from_end_passes_over_what_is_there_at_the_first_start_only() {
    let mut it = Harness::new();
    it.begin_at_end();
    it.append("a.log", "old\nold too\nhalf a l");
    fs::write(it.path("b.gz"), gz(b"old\n")).unwrap();
    it.start(quick()).await;
    it.until(|it| it.n_caught_up == 2).await;
    it.append("a.log", "ine\n");
    it.append("c.log", "appeared\n");
    it.expect("a.log", &["half a line"]).await;
    it.expect("c.log", &["appeared"]).await;
    it.stop();
    it.append("a.log", "while away\n");
    it.append("d.log", "appeared while away\n");
    it.start(quick()).await;
    it.expect("a.log", &["half a line", "while away"]).await;
    it.expect("d.log", &["appeared while away"]).await;
    assert_eq!(it.n_records(), 4);
}

#[tokio::test]
async fn a_restart_before_anything_came_begins_at_the_end_of_the_first_start() {
    let mut it = Harness::new();
    it.begin_at_end();
    it.append("a.log", "old\n");
    fs::write(it.path("b.gz"), gz(b"old\n")).unwrap();
    it.start(quick()).await;
    it.until(|it| it.n_caught_up == 2).await;
    it.stop();
    it.append("a.log", "new\n");
    it.start(quick()).await;
    it.until(|it| it.n_caught_up == 4).await;
    assert_eq!(it.lines(), ["new"]);
}

#[tokio::test]
async fn folders_below_are_read_if_asked_for_and_hidden_files_never() {
    for recursive in [false, true] {
        let mut it = Harness::new();
        it.recursive(recursive);
        it.start(quick()).await;
        for name in ["x/y/a.log", ".hidden", ".git/config"] {
            fs::create_dir_all(it.path(name).parent().unwrap()).unwrap();
            it.append(name, "one\n");
        }
        it.append("b.log", "two\n");
        it.expect("b.log", &["two"]).await;
        if recursive {
            it.expect("a.log", &["one"]).await;
        }
        it.settle().await;
        assert_eq!(it.n_assigned(), 1 + usize::from(recursive));
    }
}

#[tokio::test]
async fn what_is_no_text_file_is_left_alone_or_reported() {
    let mut it = Harness::new();
    let mkfifo = std::process::Command::new("mkfifo")
        .arg(it.path("pipe"))
        .status();
    assert!(mkfifo.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(it.path("socket")).unwrap();
    std::os::unix::fs::symlink("/nowhere", it.path("dangling")).unwrap();
    it.append("a.parquet", "PAR1");
    it.start(quick()).await;
    it.append("b.log", "one\n");
    it.expect("b.log", &["one"]).await;
    it.settle().await;
    assert_eq!(it.failed.len(), 1);
    assert!(
        it.failed[0].contains("a.parquet` is not read"),
        "{:?}",
        it.failed
    );
}

#[tokio::test]
async fn a_file_of_two_names_is_read_once() {
    let mut it = Harness::new();
    it.append("a.log", "one\n");
    fs::hard_link(it.path("a.log"), it.path("b.log")).unwrap();
    std::os::unix::fs::symlink(it.path("a.log"), it.path("c.log")).unwrap();
    it.start(quick()).await;
    it.append("a.log", "two\n");
    it.until(|it| it.n_records() == 2).await;
    it.settle().await;
    assert_eq!(it.n_assigned(), 1);
}

#[tokio::test]
async fn more_files_than_may_be_open_are_all_followed() {
    let mut it = Harness::new();
    let n_files = 300;
    for i in 0..n_files {
        it.append(&format!("{i:03}.log"), "one\n");
    }
    it.start(Timing {
        n_open: 4,
        ..quick()
    })
    .await;
    it.until(|it| it.n_records() == n_files).await;
    for i in 0..n_files {
        it.rename(&format!("{i:03}.log"), &format!("{i:03}.log.1"));
        it.append(&format!("{i:03}.log.1"), "two\n");
    }
    it.until(|it| it.n_records() == 2 * n_files).await;
    it.settle().await;
    assert_eq!(it.n_assigned(), n_files);
    assert_eq!(it.ended, []);
}

#[tokio::test]
async fn a_record_too_large_is_followed_while_it_grows() {
    let mut it = Harness::new();
    it.record_bytes(100);
    it.append("a.log", "one\n");
    it.start(quick()).await;
    it.expect("a.log", &["one"]).await;
    for _ in 0..5 {
        it.append("a.log", &"x".repeat(70));
        it.settle().await;
    }
    it.append("a.log", "\ntwo\n");
    it.expect("a.log", &["one", "two"]).await;
    assert_eq!(it.oversized, [(4, 350)]);
}

#[tokio::test]
async fn a_header_comes_with_what_is_appended_after_a_restart() {
    let mut it = Harness::new();
    it.header(HeaderRule::FirstLine);
    it.append("a.csv", "time,source\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 1).await;
    it.stop();
    it.append("a.csv", "1,x\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 2).await;
    assert_eq!(it.headers, ["time,source", "time,source"]);
}

#[tokio::test]
async fn the_directives_that_hold_come_with_what_is_appended() {
    let mut it = Harness::new();
    it.header(HeaderRule::Directives(b'#'));
    it.append("a.log", "#Version: 1.0\n#Fields: a\n1\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 3).await;
    it.append("a.log", "2\n#Fields: b\n3\n");
    it.until(|it| it.n_records() == 6).await;
    it.stop();
    it.append("a.log", "4\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 7).await;
    let (first, second) = ("#Version: 1.0\n#Fields: a", "#Version: 1.0\n#Fields: b");
    assert_eq!(it.headers, ["", first, second]);
}

#[tokio::test]
async fn files_deleted_while_away_are_forgotten_unless_the_folder_looks_unmounted() {
    let mut it = Harness::new();
    it.append("a.log", "one\n");
    it.append("b.log", "two\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 2).await;
    it.stop();
    let resume = it.resume.clone();
    it.delete("a.log");
    it.start(quick()).await;
    it.until(|it| it.ended.len() == 1).await;
    it.stop();
    it.delete("b.log");
    it.resume = resume;
    it.append("c.log", "three\n");
    it.start(quick()).await;
    it.expect("c.log", &["three"]).await;
    it.settle().await;
    assert_eq!(it.ended.len(), 1, "no file is known: nothing is forgotten");
}

#[tokio::test]
async fn a_checkpoint_of_a_rewritten_file_is_not_used() {
    let mut it = Harness::new();
    it.append("a.log", "one\ntwo\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 2).await;
    it.stop();
    it.resume
        .values_mut()
        .for_each(|resume: &mut Resume| resume.offset = 1000);
    it.append("a.log", "three\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 5).await;
    let ids = it.ids();
    assert!(ids[1].contains("#2-"), "a new generation: {ids:?}");
}

#[tokio::test]
async fn a_folder_that_vanishes_is_reported_and_read_again_when_it_is_back() {
    let mut it = Harness::new();
    it.append("a.log", "one\n");
    it.start(quick()).await;
    it.expect("a.log", &["one"]).await;
    let away = it.path("").with_file_name("away-from-here");
    fs::rename(it.path(""), &away).unwrap();
    it.until(|it| it.failed.len() == 1).await;
    assert!(it.failed[0].contains("cannot be read"), "{:?}", it.failed);
    fs::rename(&away, it.path("")).unwrap();
    it.append("a.log", "two\n");
    it.expect("a.log", &["one", "two"]).await;
    assert_eq!(it.ended, []);
}
