//! `file = s3://…`.

use datashark_sdk::Stores;
use datashark_sdk::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datashark_sdk::arrow::datatypes::Int64Type;
use datashark_sdk::input::{Open, Source};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

use crate::input::{
    Read, assert_lines, gz, numbered, once, only, open, problems, read, resume, source, take,
};
use crate::server::{S3, stores};

const RANGE: usize = 4 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_read_in_ranges_and_every_line_comes_once() {
    let s3 = S3::start().await;
    let text = numbered(80_000);
    assert!(
        text.len() > 2 * RANGE && text.as_bytes()[RANGE - 1] != b'\n',
        "a line straddles"
    );
    s3.put("a.log", &text);
    let read = read("s3://logs/a.log", once(&s3.stores())).await;
    assert_lines(only(&read), &text, 0);
    assert_eq!(only(&read).name, "s3://logs/a.log");
    // The first bytes say how it is packed.
    let ranges = s3.ranges("a.log");
    assert_eq!(ranges.len(), 1 + text.len().div_ceil(RANGE), "{ranges:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_objects_and_patterns_and_folders_are_read_as_files_are() {
    let s3 = S3::start().await;
    let text = numbered(20_000);
    s3.put("2016/10/a.log.gz", gz(&text));
    s3.put("2016/10/b.log", &text);
    s3.put("2016/10/_SUCCESS", "x\n");
    s3.put("2016/11/c.log", &text);
    s3.put("2016/11/c.txt", "x\n");
    let names = async |file: &str| -> Vec<String> {
        let read = read(file, once(&s3.stores())).await;
        read.values()
            .for_each(|partition| assert_lines(partition, &text, 0));
        read.into_values().map(|partition| partition.name).collect()
    };
    let both = ["s3://logs/2016/10/a.log.gz", "s3://logs/2016/10/b.log"];
    assert_eq!(names("s3://logs/2016/10/").await, both);
    // Without the `/`, this server looks for an object in the place of its folder, and fails.
    assert_eq!(
        names("s3a://logs/2016/10/*.log").await,
        ["s3a://logs/2016/10/b.log"]
    );
    let all = [both[0], both[1], "s3://logs/2016/11/c.log"];
    assert_eq!(names("s3://logs/**/*.log*").await, all);
    assert_eq!(
        names("s3://logs/2016/1[01]/{a,c}.log*").await,
        [all[0], all[2]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_is_no_failure() {
    let s3 = S3::start().await;
    s3.put("a.log", "");
    let read = read("s3://logs/a.log", once(&s3.stores())).await;
    assert_lines(only(&read), "", 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_in_the_middle() {
    let s3 = S3::start().await;
    let text = numbered(40_000);
    s3.put("a.log", &text);
    s3.put("a.log.gz", gz(&text));
    let middle = only(&read("s3://logs/a.log", once(&s3.stores())).await).records[20_000].0;
    let asked = s3.ranges("a.log").len();
    for file in ["s3://logs/a.log", "s3://logs/a.log.gz"] {
        let first = read(file, once(&s3.stores())).await;
        let told = Open {
            resume: resume(&first, middle),
            ..once(&s3.stores())
        };
        assert_lines(only(&read(file, told).await), &text, middle);
    }
    let ranges = &s3.ranges("a.log")[2 * asked..];
    assert!(
        ranges[1].starts_with(&format!("bytes={middle}-")),
        "{ranges:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changed_since_it_was_begun_is_not_gone_on_with() {
    let s3 = S3::start().await;
    s3.put("a.log", "one\ntwo\n");
    let first = read("s3://logs/a.log", once(&s3.stores())).await;
    s3.put("a.log", "six\nten\nmore\n");
    let told = Open {
        resume: resume(&first, 4),
        ..once(&s3.stores())
    };
    let second = read("s3://logs/a.log", told).await;
    let partition = only(&second);
    let reason = partition.failed.as_deref().unwrap();
    assert!(
        reason.starts_with("`s3://logs/a.log` was written anew since an earlier run read 4 bytes"),
        "{reason}"
    );
    assert_eq!(
        (partition.records.len(), second.keys().eq(first.keys())),
        (0, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_while_it_is_read_fails_and_mixes_nothing() {
    let s3 = S3::start().await;
    let text = "old old old old\n".repeat(8 * RANGE / 16);
    s3.put("a.log", &text);
    let mut input = open(
        "s3://logs/a.log",
        Open {
            n_partitions: 1,
            ..once(&s3.stores())
        },
    )
    .await;
    let mut read = Read::new();
    // It is assigned, and begun; what is read ahead is less than half of it.
    for _ in 0..2 {
        take(&mut read, input.next().await.unwrap().unwrap());
    }
    let renamed = s3.path("new");
    std::fs::write(&renamed, "new new new new\n".repeat(8 * RANGE / 16)).unwrap();
    std::fs::rename(renamed, s3.path("a.log")).unwrap();
    while let Some(event) = input.next().await.unwrap() {
        take(&mut read, event);
    }
    let partition = only(&read);
    assert_eq!(
        partition.failed.as_deref(),
        Some("`s3://logs/a.log` was written anew while it was read")
    );
    assert!(
        partition
            .records
            .iter()
            .all(|(_, line)| line == "old old old old")
    );
}

/// Writes rows in groups of 10,000.
fn write_rows(s3: &S3, key: &str, n_rows: i64) {
    let columns: [(&str, ArrayRef); 2] = [
        ("number", Arc::new(Int64Array::from_iter_values(0..n_rows))),
        (
            "text",
            Arc::new(StringArray::from_iter_values(
                (0..n_rows).map(|i| format!("text {i}")),
            )),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let groups = WriterProperties::builder()
        .set_max_row_group_row_count(Some(10_000))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(groups)).unwrap();
    writer.write(&rows).unwrap();
    s3.put(key, writer.into_inner().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_gives_the_columns_that_are_used_from_any_row_on() {
    let s3 = S3::start().await;
    for key in ["a.parquet", "b.parquet"] {
        write_rows(&s3, key, 100_000);
    }
    let Source::Columns(schema) = source("s3://logs/*.parquet", &s3.stores()) else {
        panic!("columns are expected")
    };
    let names: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["number", "text"]);
    let told = Open {
        columns: Some(vec!["number".to_owned()]),
        ..once(&s3.stores())
    };
    let first = read("s3://logs/*.parquet", told.clone()).await;
    let numbers = |rows: &[RecordBatch]| -> Vec<i64> {
        let columns = rows
            .iter()
            .map(|rows| rows["number"].as_primitive::<Int64Type>());
        columns
            .flat_map(|column| column.values().to_vec())
            .collect()
    };
    for partition in first.values() {
        assert_eq!(partition.failed, None);
        assert_eq!(partition.rows[0].num_columns(), 1);
        assert!(numbers(&partition.rows).into_iter().eq(0..100_000));
    }
    let resume = resume(&first, 54_321);
    let rest = read("s3://logs/*.parquet", Open { resume, ..told }).await;
    for partition in rest.values() {
        assert!(numbers(&partition.rows).into_iter().eq(54_321..100_000));
    }
}

/// The one mistake that a check finds.
async fn problem(file: &str, stores: &Stores) -> (String, String) {
    let mut problems = problems(file, stores).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let (message, help) = problems.remove(0);
    assert!(!message.contains('\n'), "{message}");
    (message, help.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_with_what_is() {
    let s3 = S3::start().await;
    s3.put("2016/access.log", "x\n");
    let stores = s3.stores();
    let (message, help) = problem("s3://logs/2016/acess.log", &stores).await;
    assert_eq!(message, "`s3://logs/2016/acess.log` does not exist");
    assert_eq!(help, "did you mean `s3://logs/2016/access.log`?");
    let (message, _) = problem("s3://lags/2016/access.log", &stores).await;
    assert_eq!(
        message,
        "`s3://lags/2016/access.log` does not exist: there is no such bucket"
    );
    let (message, help) = problem("s3://logs/2016/*.json", &stores).await;
    assert_eq!(message, "no object matches `s3://logs/2016/*.json`");
    assert_eq!(help, "`s3://logs/2016` has 1 objects that were looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_with_what_to_set() {
    let s3 = S3::start().await;
    s3.put("a.log", "x\n");
    for wrong in [
        ("aws_secret_access_key", "guess"),
        ("aws_access_key_id", "nobody"),
    ] {
        let (message, help) = problem("s3://logs/a.log", &s3.stores_with(&[wrong])).await;
        assert!(
            message.starts_with("`s3://logs/a.log` is refused: "),
            "{message}"
        );
        assert!(
            help.contains("`aws_access_key_id` and `aws_secret_access_key`"),
            "{help}"
        );
        assert!(!message.contains("guess") && !help.contains("guess"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_urls_and_settings_are_told_without_asking_a_store() {
    let (message, _) = problem("s4://logs/a.log", &Stores::default()).await;
    assert_eq!(message, "unknown scheme `s4://`, did you mean `s3://`?");
    let (message, help) = problem("file:///a.log", &Stores::default()).await;
    assert_eq!(message, "unknown scheme `file://`");
    assert_eq!(help, "a local file is named by its path alone");
    let (message, _) = problem("s3://logs/a.log", &stores([("aws_regoin", "x")])).await;
    assert_eq!(
        message,
        "`[engine] [[object_store]]`: unknown setting `aws_regoin`, did you mean `aws_region`?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_and_plain_http_are_told() {
    let s3 = S3::start().await;
    let away = [("aws_endpoint", "http://127.0.0.1:1")];
    let (message, _) = problem("s3://logs/a.log", &s3.stores_with(&away)).await;
    assert!(message.starts_with("`s3://logs/a.log`: "), "{message}");
    assert!(message.contains("onnect"), "{message}");
    let (_, help) = problem(
        "s3://logs/a.log",
        &s3.stores_with(&[("allow_http", "false")]),
    )
    .await;
    assert_eq!(
        help,
        "set `allow_http = true` in `[engine] [[object_store]]`"
    );
}
