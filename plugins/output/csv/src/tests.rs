//! The output as the engine uses it: windows, restarts, rotation, full disks.

use std::fs;
use std::path::Path;
use std::process::Command;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use chrono::{Local, NaiveDate, TimeZone};
use datashark_sdk::conf::{Section, Value};
use datashark_sdk::output::{DynOutput, OutputEntry};
use datashark_sdk::{Fault, Findings, Window};

use super::*;

/// Noon of a day in the local time zone.
fn noon(day: &str) -> i64 {
    let day: NaiveDate = day.parse().unwrap();
    let noon = day.and_hms_opt(12, 0, 0).unwrap();
    Local.from_local_datetime(&noon).unwrap().timestamp_micros()
}

fn batch(time: i64, keys: &[&str]) -> FindingsBatch {
    let scores = Float64Array::from_iter_values(keys.iter().map(|key| key.len() as f64));
    let columns: [(&str, ArrayRef); 2] = [
        ("key", Arc::new(StringArray::from_iter_values(keys))),
        ("score", Arc::new(scores)),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: time - 60_000_000,
        end: time,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time,
        findings,
        ids,
    }
}

async fn try_open(
    path: &str,
    entries: &[(&str, &str)],
    receipt: Option<String>,
) -> Result<Box<dyn DynOutput>> {
    let entries = entries.iter().copied().chain([("path", path)]);
    let section: Section = entries
        .map(|(key, value)| (key, Value::from(value)))
        .collect();
    let (schema, now) = (batch(0, &[]).findings.batch().schema(), noon("2016-10-14"));
    let open = OpenOutput {
        use_case: "test".into(),
        schema,
        receipt,
        now,
        stores: Default::default(),
    };
    OutputEntry::of::<Csv>().open(&section, open).await
}

async fn open(path: &Path, receipt: Option<String>) -> Box<dyn DynOutput> {
    try_open(path.to_str().unwrap(), &[], receipt)
        .await
        .unwrap()
}

/// Writes findings and gives the receipt of a sync behind them.
async fn write(csv: &mut Box<dyn DynOutput>, time: &str, keys: &[&str]) -> Option<String> {
    let outcome = csv.write(&[batch(noon(time), keys)]).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    csv.sync().await.unwrap()
}

/// The keys in a file, in order.
fn keys(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split(',').nth(1).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn rows_are_appended_with_local_time_and_the_message_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folders/out.csv");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "before\n").unwrap();
    let mut csv = open(&path, None).await;
    write(&mut csv, "2016-10-14", &["a", "bb"]).await;
    write(&mut csv, "2016-10-15", &["c"]).await;
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "before\n2016-10-14 12:00:00,a,1\n2016-10-14 12:00:00,bb,2\n2016-10-15 12:00:00,c,1\n"
    );
    let message = format!("Written 3 Documents to CSV File {}", path.display());
    assert_eq!(csv.delivered(3), message);
}

#[tokio::test]
async fn only_an_empty_file_gets_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/out.csv");
    for _ in 0..2 {
        let mut csv = try_open(path.to_str().unwrap(), &[("header", "true")], None)
            .await
            .unwrap();
        write(&mut csv, "2016-10-14", &["a"]).await;
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "timestamp,key,score\n2016-10-14 12:00:00,a,1\n2016-10-14 12:00:00,a,1\n"
    );
}

#[tokio::test]
async fn rows_behind_the_receipt_are_moved_away_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let mut csv = open(&path, None).await;
    let receipt = write(&mut csv, "2016-10-14", &["safe"]).await;
    write(&mut csv, "2016-10-14", &["lost", "lost too"]).await;
    drop(csv);
    let mut csv = open(&path, receipt).await;
    write(&mut csv, "2016-10-14", &["again"]).await;
    assert_eq!(keys(&path), ["safe", "again"]);
    assert_eq!(
        keys(&folder.path().join("out.csv.unacknowledged")),
        ["lost", "lost too"]
    );
}

#[tokio::test]
async fn a_sync_before_the_first_write_covers_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    fs::write(&path, "t,theirs,1\n").unwrap();
    let mut csv = open(&path, None).await;
    let receipt = csv.sync().await.unwrap();
    write(&mut csv, "2016-10-14", &["unacknowledged"]).await;
    open(&path, receipt).await;
    assert_eq!(keys(&path), ["theirs"]);
}

#[tokio::test]
async fn one_sync_covers_several_writes_on_several_days() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("{date}.csv");
    let mut csv = open(&path, None).await;
    for day in ["2015-05-17", "2015-05-17", "2015-05-18"] {
        assert!(matches!(
            csv.write(&[batch(noon(day), &["a"])]).await,
            Outcome::Safe
        ));
    }
    let receipt = csv.sync().await.unwrap();
    write(&mut csv, "2015-05-18", &["lost"]).await;
    open(&path, receipt).await;
    assert_eq!(keys(&folder.path().join("2015-05-17.csv")), ["a", "a"]);
    assert_eq!(keys(&folder.path().join("2015-05-18.csv")), ["a"]);
}

#[tokio::test]
async fn a_rotated_file_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let mut csv = open(&path, None).await;
    write(&mut csv, "2016-10-14", &["first"]).await;
    fs::rename(&path, folder.path().join("out.csv.1")).unwrap();
    let receipt = write(&mut csv, "2016-10-14", &["second"]).await;
    assert_eq!(keys(&path), ["second"]);
    fs::write(&path, "").unwrap();
    let mut csv = open(&path, receipt).await;
    write(&mut csv, "2016-10-14", &["third"]).await;
    assert_eq!(keys(&path), ["third"]);
    assert!(!folder.path().join("out.csv.unacknowledged").exists());
}

#[tokio::test]
async fn the_receipt_of_another_path_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.csv"), folder.path().join("new.csv"));
    fs::write(&new, "t,theirs,1\n").unwrap();
    let mut csv = open(&old, None).await;
    let receipt = csv.sync().await.unwrap();
    write(&mut csv, "2016-10-14", &["a"]).await;
    open(&new, receipt).await;
    assert_eq!(
        (keys(&old), keys(&new)),
        (vec!["a".to_owned()], vec!["theirs".to_owned()])
    );
}

#[tokio::test]
async fn a_dated_path_turns_with_the_day_of_the_findings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("{date}.csv");
    let mut csv = open(&path, None).await;
    write(&mut csv, "2015-05-17", &["a"]).await;
    let receipt = write(&mut csv, "2015-05-18", &["b"]).await.unwrap();
    assert_eq!(keys(&folder.path().join("2015-05-17.csv")), ["a"]);
    assert_eq!(keys(&folder.path().join("2015-05-18.csv")), ["b"]);
    assert!(!receipt.contains("2015-05-17"), "{receipt}");
    let message = format!(
        "Written 1 Documents to CSV File {}/2015-05-18.csv",
        folder.path().display()
    );
    assert_eq!(csv.delivered(1), message);
}

#[tokio::test]
async fn an_unacknowledged_file_of_a_new_day_is_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("{date}.csv");
    for (day, theirs) in [("2015-05-16", "x"), ("2015-05-19", "y")] {
        fs::write(
            folder.path().join(format!("{day}.csv")),
            format!("t,{theirs},1\n"),
        )
        .unwrap();
    }
    let mut csv = open(&path, None).await;
    let at_first = csv.sync().await.unwrap();
    let receipt = write(&mut csv, "2015-05-17", &["safe"]).await;
    write(&mut csv, "2015-05-18", &["lost"]).await;
    open(&path, receipt).await;
    let day = |day: &str| keys(&folder.path().join(format!("2015-05-{day}.csv")));
    assert_eq!([day("16"), day("17"), day("19")], [["x"], ["safe"], ["y"]]);
    assert_eq!(day("18"), [] as [&str; 0]);
    open(&path, at_first).await;
    assert_eq!([day("16"), day("19")], [["x"], ["y"]]);
    assert_eq!(day("17"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_full_device_stops_the_run_and_names_the_path() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: there is no /dev/full");
        return;
    }
    let mut csv = open(Path::new("/dev/full"), None).await;
    let Outcome::Stop(error) = csv.write(&[batch(0, &["a"])]).await else {
        panic!()
    };
    let message = error.to_string();
    assert!(
        message.starts_with("cannot write `/dev/full`: No space left on device"),
        "{message}"
    );
    assert_eq!(error.fault(), Fault::External);
}

/// Mounts a file system of 64 KiB; unmounts it in the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64k", "none"])
            .arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn rows_that_did_not_fit_are_cut_off_again() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: a small file system cannot be mounted here");
        return;
    };
    let path = disk.0.path().join("out.csv");
    let mut csv = open(&path, None).await;
    write(&mut csv, "2016-10-14", &["fits"]).await;
    let many = vec!["a key of some length"; 10_000];
    let outcome = csv.write(&[batch(0, &many)]).await;
    assert!(matches!(outcome, Outcome::Stop(_)), "{outcome:?}");
    assert_eq!(keys(&path), ["fits"]);
    write(&mut csv, "2016-10-14", &["fits too"]).await;
    assert_eq!(keys(&path), ["fits", "fits too"]);
}

#[tokio::test]
async fn a_path_that_cannot_be_is_refused_at_the_opening() {
    for path in ["/etc/passwd/x.csv", "/etc/passwd/{date}.csv"] {
        let error = try_open(path, &[], None).await.err().unwrap().to_string();
        assert!(error.starts_with("cannot write `/etc/passwd/"), "{error}");
    }
}

#[test]
fn files_are_absolute_so_that_two_use_cases_on_one_file_are_told_apart() {
    let section = Section::from_iter([("path", "./out.csv")]);
    let files = OutputEntry::of::<Csv>().files(&section).unwrap();
    assert_eq!(files, [std::env::current_dir().unwrap().join("out.csv")]);
}
