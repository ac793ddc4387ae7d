//! What the `batch` input reads of Parquet.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datashark_input_file::Batch;
use datashark_sdk::Stores;
use datashark_sdk::arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray,
};
use datashark_sdk::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use datashark_sdk::input::{Content, Input, InputEvent, Open, Resume, Source};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use support::{batch_conf, folder, once, timeout};

/// Writes `n_rows` rows in groups of 1000: a number and the same as text of three types.
fn write_rows(path: &Path, n_rows: i64) {
    let text = || (0..n_rows).map(|i| format!("text {i}"));
    let columns: [(&str, ArrayRef); 4] = [
        ("number", Arc::new(Int64Array::from_iter_values(0..n_rows))),
        ("text", Arc::new(StringArray::from_iter_values(text()))),
        (
            "large",
            Arc::new(LargeStringArray::from_iter_values(text())),
        ),
        (
            "word",
            Arc::new(
                (0..n_rows)
                    .map(|i| ["a", "b"][i as usize % 2])
                    .collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
    ];
    write_columns(path, columns);
}

fn write_columns<const N: usize>(path: &Path, columns: [(&str, ArrayRef); N]) {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let groups = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1000))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(groups)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

async fn read(path: &Path, open: Open) -> Vec<InputEvent> {
    let mut input = Batch::open(batch_conf(path), open).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = timeout(input.next()).await.unwrap() {
        events.push(event);
    }
    let progress = input.progress();
    assert_eq!(Some(progress.read_bytes), progress.total_bytes);
    events
}

/// The batches with their first offsets.
fn rows(events: &[InputEvent]) -> Vec<(u64, RecordBatch)> {
    let batches = events.iter().filter_map(|event| match event {
        InputEvent::Batch(batch) => Some(batch),
        InputEvent::Failed { reason, .. } => panic!("{reason}"),
        _ => None,
    });
    let rows = batches.map(|batch| match &batch.content {
        Content::Columns { rows, first_offset } => {
            assert_eq!(batch.end_offset, first_offset + rows.num_rows() as u64);
            (*first_offset, rows.clone())
        }
        Content::Payloads(_) => panic!("columns are expected"),
    });
    rows.collect()
}

fn numbers(events: &[InputEvent]) -> Vec<i64> {
    let numbers = |rows: &RecordBatch| rows["number"].as_primitive::<Int64Type>().values().to_vec();
    rows(events)
        .iter()
        .flat_map(|(_, rows)| numbers(rows))
        .collect()
}

#[tokio::test]
async fn all_rows_come_and_text_is_views() {
    let files = folder(&[]);
    let path = files.path().join("a.parquet");
    write_rows(&path, 5000);
    let Source::Columns(schema) = Batch::source(&batch_conf(&path), &Stores::default()).unwrap()
    else {
        panic!()
    };
    let text = |name| Field::new(name, DataType::Utf8View, true);
    let number = Field::new("number", DataType::Int64, true);
    let expected = Schema::new(vec![number, text("text"), text("large"), text("word")]);
    assert_eq!(*schema, expected);
    let events = read(
        &path,
        Open {
            block_bytes: 100_000,
            ..once()
        },
    )
    .await;
    assert_eq!(numbers(&events), (0..5000).collect::<Vec<_>>());
    let mut end = 0;
    let batches = rows(&events);
    assert!(batches.len() > 1);
    for (first, rows) in batches {
        assert_eq!((first, rows.schema()), (end, Arc::clone(&schema)));
        let texts = rows["large"].as_string_view();
        assert_eq!(texts.value(0), format!("text {first}"));
        end += rows.num_rows() as u64;
    }
    assert!(matches!(
        events.last(),
        Some(InputEvent::Ended { forget: false, .. })
    ));
}

#[tokio::test]
async fn only_the_columns_asked_for_are_read() {
    let files = folder(&[]);
    let path = files.path().join("a.parquet");
    write_rows(&path, 1000);
    let columns = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let open = Open {
        columns: columns(&["word", "number", "unheard of"]),
        ..once()
    };
    let (_, some) = rows(&read(&path, open).await).remove(0);
    let names: Vec<_> = some
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name())
        .collect();
    assert_eq!(names, ["number", "word"]);
    let none = rows(
        &read(
            &path,
            Open {
                columns: columns(&[]),
                ..once()
            },
        )
        .await,
    );
    assert_eq!(
        none.iter().map(|(_, rows)| rows.num_rows()).sum::<usize>(),
        1000
    );
    assert_eq!(none[0].1.num_columns(), 0);
}

#[tokio::test]
async fn reading_goes_on_at_any_row() {
    let files = folder(&[]);
    let path = files.path().join("a.parquet");
    write_rows(&path, 3000);
    let events = read(&path, once()).await;
    let InputEvent::Assigned { partition, .. } = &events[0] else {
        panic!()
    };
    for offset in [1, 999, 1000, 1001, 2500, 2999, 3000] {
        let resume = [(partition.clone(), Resume::at(offset))].into();
        let events = read(&path, Open { resume, ..once() }).await;
        assert_eq!(numbers(&events), (offset as i64..3000).collect::<Vec<_>>());
        assert!(
            rows(&events)
                .first()
                .is_none_or(|(first, _)| *first == offset)
        );
    }
}

#[tokio::test]
async fn files_may_order_their_columns_as_they_like() {
    let files = folder(&[]);
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let (a, b) = (
        files.path().join("a.parquet"),
        files.path().join("b.parquet"),
    );
    write_columns(
        &a,
        [("number", Arc::clone(&number)), ("text", Arc::clone(&text))],
    );
    write_columns(&b, [("text", text), ("number", number)]);
    let events = read(files.path(), once()).await;
    assert_eq!(numbers(&events), [1, 1]);
    let schemas: Vec<_> = rows(&events)
        .iter()
        .map(|(_, rows)| rows.schema())
        .collect();
    assert_eq!(schemas[0], schemas[1]);
}

#[tokio::test]
async fn files_with_other_columns_are_an_error_that_names_file_and_column() {
    let files = folder(&[]);
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let (a, b) = (
        files.path().join("a.parquet"),
        files.path().join("b.parquet"),
    );
    write_columns(&a, [("x", Arc::clone(&one)), ("y", Arc::clone(&one))]);
    let error = |columns: &[(&str, &ArrayRef)]| {
        let rows = RecordBatch::try_from_iter(columns.iter().map(|(n, c)| (*n, Arc::clone(c))));
        let rows = rows.unwrap();
        let file = File::create(&b).unwrap();
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        Batch::source(&batch_conf(files.path()), &Stores::default())
            .unwrap_err()
            .to_string()
    };
    let start = format!(
        "`{}` has other columns than `{}`: ",
        b.display(),
        a.display()
    );
    assert_eq!(
        error(&[("x", &one)]),
        format!("{start}column `y` is missing")
    );
    let message = error(&[("x", &one), ("y", &text)]);
    assert_eq!(message, format!("{start}column `y` is Utf8View, not Int64"));
    let message = error(&[("x", &one), ("y", &one), ("z", &one)]);
    assert_eq!(message, format!("{start}column `z` is only there"));
    assert!(Batch::open(batch_conf(files.path()), once()).await.is_err());
}

#[tokio::test]
async fn a_corrupt_file_fails_and_the_others_go_on() {
    let files = folder(&[]);
    let (a, b) = (
        files.path().join("a.parquet"),
        files.path().join("b.parquet"),
    );
    write_rows(&a, 2000);
    write_rows(&b, 10);
    let mut bytes = std::fs::read(&a).unwrap();
    bytes[4..3000].fill(0xff);
    std::fs::write(&a, bytes).unwrap();
    let mut input = Batch::open(batch_conf(files.path()), once()).await.unwrap();
    let (mut reasons, mut n_rows, mut n_ended) = (Vec::new(), 0, 0);
    while let Some(event) = timeout(input.next()).await.unwrap() {
        match event {
            InputEvent::Failed {
                reason,
                partition: Some(_),
            } => reasons.push(reason),
            InputEvent::Batch(batch) => n_rows += batch.content.len(),
            InputEvent::Ended { .. } => n_ended += 1,
            _ => {}
        }
    }
    assert_eq!((reasons.len(), n_ended), (1, 2));
    assert!(reasons[0].contains("a.parquet"), "{reasons:?}");
    assert!(n_rows >= 10);
}

#[test]
fn what_is_no_parquet_is_told() {
    let files = folder(&[("a.parquet", b"no such thing")]);
    let error = Batch::source(&batch_conf(files.path()), &Stores::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("a.parquet` is no Parquet"), "{error}");
}
