//! Findings and records in, tables out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;
use datashark_sdk::conf::Section;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Findings, Stores, Window};
use deltalake::parquet::arrow::ArrowWriter;
use futures::TryStreamExt;
use tempfile::TempDir;

use super::*;

/// 2016-07-08 01:00 UTC.
const HOUR: i64 = 1_467_939_600;

/// The answers of a query, which are one number a row.
async fn numbers(store: &Path, sql: &str) -> Vec<i64> {
    let queries = Queries::open(&Store::new(store), QueryLimits::default())
        .await
        .unwrap();
    let rows: Vec<RecordBatch> = queries
        .run(sql)
        .await
        .unwrap()
        .rows
        .try_collect()
        .await
        .unwrap();
    let of = |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().to_vec();
    rows.iter().flat_map(of).collect()
}

async fn why_not(store: &Path, sql: &str) -> String {
    let queries = Queries::open(&Store::new(store), QueryLimits::default())
        .await
        .unwrap();
    queries.run(sql).await.err().unwrap().to_string()
}

/// Findings of an hour, with these keys.
fn findings(keys: &[&str], hour: i64) -> FindingsBatch {
    let n = keys.len();
    let columns: [(&str, ArrayRef); 5] = [
        ("key", Arc::new(StringArray::from(keys.to_vec()))),
        ("score", Arc::new(Float64Array::from(vec![0.5; n]))),
        ("sip", Arc::new(StringArray::from(keys.to_vec()))),
        ("unix_tstamp", Arc::new(Int64Array::from(vec![hour + 7; n]))),
        (
            "ibyt",
            Arc::new(Int64Array::from(vec![i64::from(u32::MAX) + 1; n])),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let findings = Findings::try_from_rows(&rows).unwrap();
    let window = Window {
        start: hour * 1_000_000,
        end: (hour + 60) * 1_000_000,
    };
    let ids = findings.ids("x", &window).into();
    FindingsBatch {
        use_case: "x".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

async fn open(store: &Path, table: &str, receipt: Option<String>) -> datashark_sdk::Result<Delta> {
    let conf = DeltaConf {
        store: store.display().to_string(),
        table: table.to_owned(),
    };
    let open = OpenOutput {
        use_case: "x".into(),
        schema: findings(&[], HOUR).findings.batch().schema(),
        receipt,
        now: 0,
        stores: Stores::default(),
    };
    Delta::open(conf, open).await
}

async fn write(output: &mut Delta, batch: FindingsBatch) {
    let outcome = Output::write(output, &[batch]).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path if path.extension().is_some_and(|it| it == "parquet") => found.push(path),
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn what_a_crash_left_unacknowledged_is_taken_back_and_comes_again() {
    let store = tempfile::tempdir().unwrap();
    let mut output = open(store.path(), "findings", None).await.unwrap();
    write(&mut output, findings(&["a", "b"], HOUR)).await;
    let receipt = output.sync().await.unwrap();
    // Committed, and the engine dies before it has the receipt.
    write(&mut output, findings(&["c"], HOUR + 60)).await;
    output.sync().await.unwrap();
    drop(output);
    let mut output = open(store.path(), "findings", receipt).await.unwrap();
    let count = "SELECT count(*) FROM findings";
    assert_eq!(numbers(store.path(), count).await, [2]);
    write(&mut output, findings(&["c"], HOUR + 60)).await;
    let receipt = output.sync().await.unwrap();
    drop(output);
    let output = open(store.path(), "findings", receipt).await.unwrap();
    drop(output);
    let sums = "SELECT sum(CASE key WHEN 'a' THEN 1 WHEN 'b' THEN 10 ELSE 100 END) FROM findings";
    assert_eq!(numbers(store.path(), sums).await, [111]);
    let times =
        "SELECT DISTINCT CAST(date_part('epoch', time) AS BIGINT) FROM findings WHERE key = 'c'";
    assert_eq!(numbers(store.path(), times).await, [HOUR + 120]);
}

#[tokio::test]
async fn what_is_not_committed_is_never_seen_and_leaves_no_file() {
    let store = tempfile::tempdir().unwrap();
    let mut output = open(store.path(), "findings", None).await.unwrap();
    write(&mut output, findings(&["a"], HOUR)).await;
    assert_eq!(files(store.path()).len(), 1);
    assert_eq!(
        numbers(store.path(), "SELECT count(*) FROM findings").await,
        [0]
    );
    drop(output);
    assert_eq!(files(store.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn records_go_into_the_table_of_their_kind_by_their_own_hour() {
    let store = tempfile::tempdir().unwrap();
    let mut output = open(store.path(), "flow", None).await.unwrap();
    write(&mut output, findings(&["192.0.2.1", "2001:db8::1"], HOUR)).await;
    output.sync().await.unwrap();
    assert!(files(&store.path().join("flow/y=2016/m=7/d=8/h=1")).len() == 1);
    let sql = "SELECT ibyt FROM flow WHERE y = 2016 AND m = 7 AND d = 8 AND h = 1";
    assert_eq!(numbers(store.path(), sql).await, [1 << 32, 1 << 32]);
    let event = "SELECT src_ip4 FROM event WHERE type = 'flow' AND src_ip6 IS NULL";
    assert_eq!(numbers(store.path(), event).await, [0xC000_0201]);
    let wrong = open(store.path(), "proxy", None).await.err().unwrap();
    assert_eq!(
        wrong.to_string(),
        "a table `proxy` is by the time of its records, and the findings have no column `p_date`, `p_time`"
    );
}

/// A store with a day of flows in two commits, and an older day.
async fn two_days() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let mut output = open(folder.path(), "flow", None).await.unwrap();
    for (keys, hour) in [(&["a"], HOUR), (&["b"], HOUR), (&["c"], HOUR - 48 * 3600)] {
        write(&mut output, findings(keys, hour)).await;
        output.sync().await.unwrap();
    }
    (folder, store)
}

#[tokio::test]
async fn a_table_that_is_looked_after_holds_what_it_held() {
    let (folder, store) = two_days().await;
    let day = NaiveDate::from_ymd_opt(2016, 7, 8).unwrap();
    let before = store.day(Kind::Flow, day).await.unwrap().unwrap();
    let compacted = store
        .compact("flow", NonZeroU64::new(1 << 30).unwrap())
        .await
        .unwrap();
    assert_eq!(
        compacted,
        Some(Compacted {
            n_before: 2,
            n_after: 1
        })
    );
    let after = store.day(Kind::Flow, day).await.unwrap().unwrap();
    assert_eq!((before.len(), after.len()), (2, 1), "{after:?}");
    assert!(after[0].is_file() && !before.contains(&after[0]));
    assert_eq!(store.forget("flow", day).await.unwrap(), Some(1));
    assert_eq!(
        numbers(folder.path(), "SELECT count(*) FROM flow").await,
        [2]
    );
    // The two that were compacted and the one that was forgotten.
    assert_eq!(store.vacuum("flow", Duration::ZERO).await.unwrap(), Some(3));
    assert_eq!(
        numbers(folder.path(), "SELECT count(*) FROM flow").await,
        [2]
    );
    let table = Table::open(&store.path("flow")).await.unwrap().unwrap();
    assert_eq!(table.position("use-case:x").await.unwrap(), Some(3));
}

#[tokio::test]
async fn of_two_runs_over_one_input_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let mut first = store.table(Kind::Dns).await.unwrap();
    let mut second = store.table(Kind::Dns).await.unwrap();
    let rows = |table: &Table| {
        let columns = table.columns().unwrap();
        let arrays = columns.fields().iter().map(|field| {
            let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
            arrow::compute::cast(&one, field.data_type()).unwrap()
        });
        RecordBatch::try_new(Arc::clone(&columns), arrays.collect()).unwrap()
    };
    let positions = BTreeMap::from([("file:a".to_owned(), 9)]);
    let (one, other) = (first.writer().unwrap(), second.writer().unwrap());
    one.write(rows(&first)).await.unwrap();
    other.write(rows(&second)).await.unwrap();
    one.commit(&mut first, &positions, BTreeMap::new())
        .await
        .unwrap();
    let error = other
        .commit(&mut second, &positions, BTreeMap::new())
        .await
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("another run has stored the same input"),
        "{error}"
    );
    assert_eq!(
        numbers(folder.path(), "SELECT count(*) FROM dns").await,
        [1]
    );
    assert_eq!(files(folder.path()).len(), 1);
}

/// Spot's files of flows in folders of hours, each with a flow of `ibyt` bytes.
fn spot(store: &Path, folders: &[(&str, i64)]) {
    for (folder, bytes) in folders {
        let folder = store.join("flow/hive").join(folder);
        fs::create_dir_all(&folder).unwrap();
        let columns: [(&str, ArrayRef); 2] = [
            ("sip", Arc::new(StringArray::from(vec!["192.0.2.1"]))),
            ("ibyt", Arc::new(Int64Array::from(vec![*bytes]))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        // Impala's files have no extension.
        let file = File::create(folder.join("000000_0")).unwrap();
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        fs::write(folder.join("_SUCCESS"), "").unwrap();
    }
}

#[tokio::test]
async fn partitions_of_spot_are_read_with_and_without_zeros() {
    let store = tempfile::tempdir().unwrap();
    spot(
        store.path(),
        &[
            ("y=2016/m=7/d=8/h=1", 1),
            ("y=2016/m=07/d=08/h=02", 10),
            ("y=2016/m=7/d=9/h=1", 100),
        ],
    );
    let all = "SELECT sum(ibyt) FROM flow";
    assert_eq!(numbers(store.path(), all).await, [111]);
    let day = "SELECT sum(ibyt) FROM flow WHERE y = 2016 AND m = 7 AND d = 8";
    assert_eq!(numbers(store.path(), day).await, [11]);
    let date = NaiveDate::from_ymd_opt(2016, 7, 8).unwrap();
    let files = Store::new(store.path())
        .day(Kind::Flow, date)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(files.len(), 2, "{files:?}");
    // A folder that the filter leaves out is not opened.
    fs::write(
        store.path().join("flow/hive/y=2016/m=7/d=9/h=1/000000_0"),
        "no Parquet",
    )
    .unwrap();
    assert_eq!(numbers(store.path(), day).await, [11]);
    let event = "SELECT in_bytes FROM event WHERE y = 2016 AND m = 7 AND d = 8 AND h = 2";
    assert_eq!(numbers(store.path(), event).await, [10]);
    let error = Store::new(store.path())
        .table(Kind::Flow)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("another tool wrote"), "{error}");
}

#[tokio::test]
async fn a_wrong_query_is_told_what_was_probably_meant() {
    let (folder, _) = two_days().await;
    let cases = [
        (
            "SELECT sipp FROM flow",
            "there is no column `sipp`; did you mean `sip`?",
        ),
        (
            "SELECT 1 FROM flwo",
            "there is no table `flwo`; did you mean `flow`?",
        ),
        (
            "SELECT 1 FROM x",
            "there is no table `x`; there are flow, dns, proxy, invalid, event",
        ),
        (
            "DROP TABLE flow",
            "a query only reads: `datashark ingest` writes tables",
        ),
        (
            "INSERT INTO flow SELECT * FROM flow",
            "a query only reads: `datashark ingest` writes tables",
        ),
    ];
    for (sql, said) in cases {
        assert_eq!(why_not(folder.path(), sql).await, said);
    }
    let syntax = why_not(folder.path(), "SELEC 1").await;
    assert!(syntax.starts_with("the query cannot be read: "), "{syntax}");
    let empty = tempfile::tempdir().unwrap();
    let none = Queries::open(&Store::new(empty.path()), QueryLimits::default()).await;
    let none = none.err().unwrap().to_string();
    assert!(none.contains("there is no store in"), "{none}");
}

#[test]
fn mistakes_name_their_keys() {
    let section = Section::from_iter([("store", "s3://bucket/x"), ("table", "Flow")]);
    let problems = OutputEntry::of::<Delta>().check(&section);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "store: a store is a folder of this machine, found `s3://bucket/x`",
            "table: expected small letters, digits and `_`, found `Flow`"
        ]
    );
}
