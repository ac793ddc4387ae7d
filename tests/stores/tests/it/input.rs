//! The `batch` input, read to its end.

use std::collections::BTreeMap;

use datashark_input_file::Batch;
use datashark_sdk::Stores;
use datashark_sdk::arrow::array::RecordBatch;
use datashark_sdk::conf::{Section, Value};
use datashark_sdk::input::{
    Content, DynInput, InputEntry, InputEvent, Open, PartitionId, Resume, Source,
};

/// What an input gave of a partition.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Partition {
    pub name: String,
    /// Lines with their offsets.
    pub records: Vec<(u64, String)>,
    /// Rows of Parquet.
    pub rows: Vec<RecordBatch>,
    pub end_offset: u64,
    pub failed: Option<String>,
}

/// What an input gave.
pub(crate) type Read = BTreeMap<PartitionId, Partition>;

/// What a run is told: it reads what is there.
pub(crate) fn once(stores: &Stores) -> Open {
    Open {
        once: true,
        stores: stores.clone(),
        ..Open::default()
    }
}

/// Goes on where an earlier run ended, or at this offset.
pub(crate) fn resume(read: &Read, offset: u64) -> BTreeMap<PartitionId, Resume> {
    let ids = read.keys();
    ids.map(|id| (id.clone(), Resume::at(offset))).collect()
}

fn section(file: &str) -> Section {
    Section::from_iter([("file", Value::from(format!("\"{file}\"")))])
}

/// What a check says of `file`.
pub(crate) async fn problems(file: &str, stores: &Stores) -> Vec<(String, Option<String>)> {
    let (section, stores) = (section(file), stores.clone());
    let check = move || InputEntry::of::<Batch>().check(&section, &stores);
    let problems = tokio::task::spawn_blocking(check).await.unwrap();
    problems
        .into_iter()
        .map(|problem| (problem.message, problem.help))
        .collect()
}

/// What the source gives.
pub(crate) fn source(file: &str, stores: &Stores) -> Source {
    InputEntry::of::<Batch>()
        .source(&section(file), stores)
        .unwrap()
}

/// Opens the input.
pub(crate) async fn open(file: &str, open: Open) -> Box<dyn DynInput> {
    let entry = InputEntry::of::<Batch>();
    entry.open(&section(file), open).await.unwrap()
}

/// Reads `file` to its end.
pub(crate) async fn read(file: &str, told: Open) -> Read {
    let mut input = open(file, told).await;
    let mut read = Read::new();
    while let Some(event) = input.next().await.unwrap() {
        take(&mut read, event);
    }
    let progress = input.progress();
    let failed = read.values().any(|partition| partition.failed.is_some());
    assert!(
        failed || Some(progress.read_bytes) == progress.total_bytes,
        "{progress:?}"
    );
    read
}

/// Takes an event.
pub(crate) fn take(read: &mut Read, event: InputEvent) {
    match event {
        InputEvent::Assigned {
            partition, name, ..
        } => {
            read.entry(partition).or_default().name = name;
        }
        InputEvent::Batch(batch) => {
            let partition = read.get_mut(&batch.partition).unwrap();
            partition.end_offset = batch.end_offset;
            match batch.content {
                Content::Payloads(payloads) => {
                    let records = payloads.records.iter().zip(payloads.offsets.iter());
                    partition.records.extend(records.map(|(record, offset)| {
                        (
                            *offset,
                            String::from_utf8(record.unwrap().to_vec()).unwrap(),
                        )
                    }));
                }
                Content::Columns { rows, first_offset } => {
                    assert_eq!(first_offset + rows.num_rows() as u64, batch.end_offset);
                    partition.rows.push(rows);
                }
            }
        }
        InputEvent::Revoked(partition) => panic!("{partition} is nobody else's"),
        InputEvent::Failed { partition, reason } => {
            read.get_mut(&partition.unwrap()).unwrap().failed = Some(reason);
        }
        InputEvent::CaughtUp(_) | InputEvent::Ended { .. } => {}
    }
}

/// What was read of the only partition.
pub(crate) fn only(read: &Read) -> &Partition {
    assert_eq!(read.len(), 1, "{:?}", read.keys());
    read.values().next().unwrap()
}

/// Numbered lines, of uneven lengths, so that their ends fall anywhere.
pub(crate) fn numbered(n_lines: usize) -> String {
    let line = |i: usize| format!("{i:08} {}\n", "the quick brown fox ".repeat(i * 7919 % 13));
    (0..n_lines).map(line).collect()
}

/// Asserts that these are the lines of a text, each with its offset, from a place in it on.
pub(crate) fn assert_lines(partition: &Partition, text: &str, from: u64) {
    assert_eq!(partition.failed, None);
    let mut offset = from;
    let mut lines = text[usize::try_from(from).unwrap()..].lines();
    for record in &partition.records {
        let line = lines.next().unwrap();
        assert_eq!((record.0, record.1.as_str()), (offset, line));
        offset += line.len() as u64 + 1;
    }
    assert_eq!(lines.next(), None, "every line came");
    assert_eq!(partition.end_offset, text.len() as u64);
}

/// A text packed as gz.
pub(crate) fn gz(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}
