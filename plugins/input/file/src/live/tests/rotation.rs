//! Files that are rotated: renamed, emptied, written anew, deleted.

use super::harness::{Harness, quick};

#[tokio::test]
async fn rotation_by_renaming_loses_and_repeats_nothing() {
    let mut it = Harness::new();
    it.append("app.log", "one\n");
    it.start(quick()).await;
    it.expect("app.log", &["one"]).await;
    it.append("app.log", "two\n");
    it.rename("app.log", "app.log.1");
    it.append("app.log.1", "three: the writer has not noticed yet\n");
    it.append("app.log", "four\n");
    it.until(|it| it.n_records() == 4).await;
    it.settle().await;
    let mut lines = it.lines();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "four",
            "one",
            "three: the writer has not noticed yet",
            "two"
        ]
    );
    assert_eq!(it.n_assigned(), 2);
}

#[tokio::test]
async fn a_file_renamed_beyond_the_pattern_is_read_to_its_end() {
    let mut it = Harness::new();
    it.pattern("*.log");
    it.append("app.log", "one\n");
    it.append("app.txt", "not asked for\n");
    it.start(quick()).await;
    it.expect("app.log", &["one"]).await;
    it.rename("app.log", "app.log.1");
    it.append("app.log.1", "two\n");
    it.until(|it| it.n_records() == 2).await;
    // And if nobody looked meanwhile.
    it.stop();
    it.append("app.log.1", "three\n");
    it.start(quick()).await;
    it.until(|it| it.n_records() == 3).await;
    assert_eq!(it.lines(), ["one", "two", "three"]);
}

#[tokio::test]
async fn rotation_by_copying_and_emptying_begins_a_new_partition() {
    let mut it = Harness::new();
    it.append("app.log", "one\ntwo\n");
    it.start(quick()).await;
    it.expect("app.log", &["one", "two"]).await;
    it.truncate("app.log");
    it.append("app.log", "new\n");
    it.until(|it| it.n_records() == 3).await;
    assert_eq!(it.lines(), ["one", "two", "new"]);
    assert_eq!(it.n_assigned(), 2);
    assert_eq!(it.ended, [("app.log".to_owned(), true)]);
}

#[tokio::test]
async fn a_file_written_anew_beyond_its_old_end_is_read_from_its_start() {
    let mut it = Harness::new();
    it.append("app.log", "one\n");
    it.start(quick()).await;
    it.expect("app.log", &["one"]).await;
    for i in 0..10 {
        // Never seen empty, nor shorter than before.
        let text = format!("anew {i}\nlonger than before: {}\n", "x".repeat(20 * i));
        it.rewrite("app.log", &text);
        it.until(|it| it.n_records() == 3 + 2 * i).await;
    }
    it.settle().await;
    it.rewrite("app.log", "same 9\n");
    it.until(|it| it.n_records() == 23).await;
    it.stop();
    it.truncate("app.log");
    it.append("app.log", &format!("while away {}\n", "x".repeat(500)));
    it.start(quick()).await;
    it.until(|it| it.n_records() == 24).await;
}

#[tokio::test]
async fn a_heading_that_stays_the_same_does_not_make_two_contents_one() {
    let mut it = Harness::new();
    it.start(quick()).await;
    for i in 1..=3 {
        it.append("app.csv", "time,source\n");
        it.until(|it| it.n_records() == 2 * i - 1).await;
        it.append("app.csv", &format!("{i},x\n"));
        it.until(|it| it.n_records() == 2 * i).await;
        it.truncate("app.csv");
        it.until(|it| it.ended.len() == i).await;
    }
    let mut ids = it.ids();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn the_end_of_a_deleted_file_is_read_and_then_it_is_forgotten() {
    let mut it = Harness::new();
    it.append("a.log", "one\n");
    it.start(quick()).await;
    it.expect("a.log", &["one"]).await;
    it.append("a.log", "two\nlast");
    it.delete("a.log");
    it.until(|it| !it.ended.is_empty()).await;
    assert_eq!(it.lines(), ["one", "two", "last"]);
    assert_eq!(it.ended, [("a.log".to_owned(), true)]);
}

#[tokio::test]
async fn a_file_created_anew_under_a_deleted_ones_name_is_another_one() {
    let mut it = Harness::new();
    it.start(quick()).await;
    for i in 1..=5 {
        it.append("a.log", "the same text\n");
        it.until(|it| it.n_records() == i).await;
        it.delete("a.log");
    }
    it.until(|it| it.ended.len() == 5).await;
}
