//! An input as the engine drives it, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arrow::array::RecordBatch;
use datashark_input_kafka::Kafka;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{
    Content, DynInput, InputEntry, InputEvent, OffsetUnit, Open, Oversized, PartitionId, Resume,
    Unreadable,
};
use tokio::time::timeout;

use crate::broker::BOUND;

/// An input and all that came of it so far.
pub(crate) struct Seen {
    input: Box<dyn DynInput>,
    /// For each partition the records in the order that they came, with their offsets.
    pub(crate) records: BTreeMap<String, Vec<(u64, Vec<u8>)>>,
    pub(crate) oversized: Vec<Oversized>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) beside: Vec<RecordBatch>,
    /// Where each partition of ours goes on.
    pub(crate) ends: BTreeMap<PartitionId, u64>,
    pub(crate) active: BTreeSet<PartitionId>,
    pub(crate) caught_up: BTreeSet<PartitionId>,
    /// Those that have ended, as often as they did.
    pub(crate) ended: Vec<String>,
    /// Where partitions began that the group had committed.
    pub(crate) resumed: BTreeMap<PartitionId, Resume>,
}

/// A section `[in_kafka]` and its `[[options]]`.
pub(crate) fn section(entries: &[(&str, &str)], options: &[(&str, &str)]) -> Section {
    let mut section = Section::from_iter(entries.iter().copied());
    section.insert("options", Section::from_iter(options.iter().copied()));
    section
}

pub(crate) fn once() -> Open {
    Open {
        once: true,
        ..Open::default()
    }
}

pub(crate) fn resume(places: &[(&str, u64)]) -> Open {
    let place = |(id, offset): &(&str, u64)| (PartitionId::new(*id), Resume::at(*offset));
    Open {
        resume: places.iter().map(place).collect(),
        ..Open::default()
    }
}

/// An offset with the note that tests give to it.
pub(crate) fn noted(offset: u64) -> Resume {
    Resume {
        offset,
        note: format!("up to {offset}"),
    }
}

impl Seen {
    pub(crate) async fn open(entries: &[(&str, &str)], open: Open) -> Self {
        Seen::open_with(entries, &[], open).await
    }

    pub(crate) async fn open_with(
        entries: &[(&str, &str)],
        options: &[(&str, &str)],
        open: Open,
    ) -> Self {
        let entry = InputEntry::of::<Kafka>();
        let input = entry.open(&section(entries, options), open).await.unwrap();
        Seen {
            input,
            records: BTreeMap::new(),
            oversized: Vec::new(),
            unreadable: Vec::new(),
            beside: Vec::new(),
            ends: BTreeMap::new(),
            active: BTreeSet::new(),
            caught_up: BTreeSet::new(),
            ended: Vec::new(),
            resumed: BTreeMap::new(),
        }
    }

    /// Takes the next event; false at the end.
    pub(crate) async fn next(&mut self) -> datashark_sdk::Result<bool> {
        let Some(event) = self.input.next().await? else {
            return Ok(false);
        };
        match event {
            InputEvent::Assigned {
                partition,
                name,
                resume,
            } => {
                if let Some(resume) = resume {
                    self.resumed.insert(partition.clone(), resume);
                }
                assert_eq!(name, partition.as_str());
                assert!(self.active.insert(partition), "assigned twice");
            }
            InputEvent::CaughtUp(partition) => {
                self.caught_up.insert(partition);
            }
            InputEvent::Ended { partition, forget } => {
                assert!(!forget && self.active.remove(&partition), "ended twice");
                self.ends.remove(&partition);
                self.ended.push(partition.to_string());
            }
            InputEvent::Revoked(partition) => {
                assert!(self.active.remove(&partition), "revoked twice");
                self.ends.remove(&partition);
                self.ended.push(partition.to_string());
            }
            InputEvent::Failed { reason, .. } => panic!("{reason}"),
            InputEvent::Batch(batch) => {
                assert!(
                    self.active.contains(&batch.partition),
                    "a batch of what is not ours"
                );
                self.caught_up.remove(&batch.partition);
                let end = self.ends.insert(batch.partition.clone(), batch.end_offset);
                let Content::Payloads(payloads) = batch.content else {
                    panic!("bytes")
                };
                let first = payloads.offsets.first().copied();
                assert!(first.is_none_or(|first| end.is_none_or(|end| first >= end)));
                let records = self.records.entry(batch.partition.to_string()).or_default();
                for (offset, record) in payloads.offsets.iter().zip(payloads.records.iter()) {
                    records.push((*offset, record.unwrap().to_vec()));
                }
                self.beside.extend(payloads.beside);
                self.oversized.extend(batch.oversized);
                self.unreadable.extend(batch.unreadable);
            }
        }
        Ok(true)
    }

    /// Takes events until a condition holds.
    pub(crate) async fn until(&mut self, holds: impl Fn(&Seen) -> bool) {
        let taking = async {
            while !holds(self) {
                assert!(self.next().await.unwrap(), "the input has ended");
            }
        };
        timeout(BOUND, taking).await.expect("in good time");
    }

    /// Waits until the input knows where its partitions end.
    pub(crate) async fn until_ends_are(&mut self, expected: &[(&str, u64)]) {
        let expected = expected
            .iter()
            .map(|(id, end)| (PartitionId::new(*id), *end));
        let expected: BTreeMap<PartitionId, u64> = expected.collect();
        let asking = async {
            loop {
                let ends = self.input.ends();
                assert_eq!(ends.unit, OffsetUnit::Records);
                if ends.offsets == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(BOUND, asking).await.expect("in good time");
    }

    /// Takes events to the end.
    pub(crate) async fn read_all(&mut self) {
        let taking = async { while self.next().await.unwrap() {} };
        timeout(BOUND, taking).await.expect("in good time");
    }

    /// The error that the input ends with.
    pub(crate) async fn error(&mut self) -> String {
        let failing = async {
            loop {
                match self.next().await {
                    Ok(goes_on) => assert!(goes_on, "the input has ended well"),
                    Err(error) => return error.to_string(),
                }
            }
        };
        timeout(BOUND, failing).await.expect("in good time")
    }

    /// Acknowledges these offsets.
    pub(crate) async fn acknowledge(&mut self, offsets: &[(&str, u64)]) {
        let offsets = offsets
            .iter()
            .map(|(id, offset)| (PartitionId::new(*id), noted(*offset)));
        self.input.acknowledge(&offsets.collect()).await.unwrap();
    }

    /// Acknowledges all that came.
    pub(crate) async fn acknowledge_all(&mut self) {
        let ends = self.ends.iter();
        let done = ends.map(|(id, end)| (id.clone(), noted(*end)));
        self.input.acknowledge(&done.collect()).await.unwrap();
    }

    pub(crate) fn n_records(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// All records as text, sorted.
    pub(crate) fn texts(&self) -> Vec<String> {
        let records = self.records.values().flatten();
        let text = |(_, record): &(u64, Vec<u8>)| String::from_utf8(record.clone()).unwrap();
        let mut texts: Vec<String> = records.map(text).collect();
        texts.sort();
        texts
    }
}
