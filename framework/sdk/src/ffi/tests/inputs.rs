//! An input through its table: what comes back is what the trait gives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BinaryViewArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;

use super::plugins::library;
use crate::conf::Section;
use crate::ffi::cross_input::event_from_wire;
use crate::ffi::wire::{BatchJson, InputOpening, Next, Place};
use crate::ffi::{abi, export};
use crate::input::{
    Content, Input, InputBatch, InputEvent, Open, PartitionId, Payloads, Resume, TIME_MAX,
    Unreadable,
};
use crate::prelude::*;

static COUNTER: abi::Plugin = export::input::<Counter>("0.1.0", "");

/// An input that counts from where it goes on up to three, one record a batch.
struct Counter {
    next: u64,
    is_told: bool,
    acknowledged: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterConf {}

#[async_trait]
impl Input for Counter {
    type Conf = CounterConf;
    const NAME: &'static str = "counter";
    const ABOUT: &'static str = "counts";
    const IS_SHARED: bool = true;

    fn beside() -> Vec<Field> {
        vec![Field::new("_n", DataType::Int64, false)]
    }

    fn arrival_column() -> Option<&'static str> {
        Some("_n")
    }

    async fn open(_: CounterConf, open: Open) -> Result<Self> {
        let resume = open.resume.get(&PartitionId::new("p"));
        Ok(Counter {
            next: resume.map_or(0, |resume| resume.offset),
            is_told: false,
            acknowledged: 0,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        let partition = PartitionId::new("p");
        if !self.is_told {
            self.is_told = true;
            let name = "the only one".to_owned();
            return Ok(Some(InputEvent::Assigned {
                partition,
                name,
                resume: Some(Resume {
                    offset: 1,
                    note: "n".to_owned(),
                }),
            }));
        }
        if self.next == 3 {
            return std::future::pending().await;
        }
        self.next += 1;
        let text = self.next.to_string();
        let beside = Int64Array::from(vec![self.next as i64]);
        let schema = Arc::new(Schema::new(Self::beside()));
        Ok(Some(InputEvent::Batch(InputBatch {
            partition,
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values([text]),
                offsets: vec![self.next - 1].into(),
                header: Some(b"header".as_slice().into()),
                first_line: Some(self.next),
                beside: Some(RecordBatch::try_new(schema, vec![Arc::new(beside)])?),
            }),
            end_offset: self.next,
            n_bytes: 1,
            oversized: Vec::new(),
            unreadable: vec![Unreadable {
                offset: 0,
                reason: "none".to_owned(),
            }],
            arrival: Some(7),
        })))
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        self.acknowledged = done[&PartitionId::new("p")].offset;
        Ok(())
    }

    fn progress(&self) -> crate::input::Progress {
        crate::input::Progress {
            read_bytes: self.acknowledged,
            total_bytes: Some(3),
        }
    }
}

#[test]
fn an_input_gives_its_events_and_waits_no_longer_than_it_is_told() {
    let library = library(&COUNTER);
    let (described, beside) = library.describe_input().unwrap();
    assert!(described.is_shared && described.arrival_column.as_deref() == Some("_n"));
    assert_eq!(beside, Counter::beside());
    assert!(
        library
            .check_input(&Section::new())
            .unwrap()
            .0
            .problems
            .is_empty()
    );
    let opening = InputOpening {
        resume: BTreeMap::from([(
            "p".to_owned(),
            Place {
                offset: 2,
                note: String::new(),
            },
        )]),
        ..InputOpening::default()
    };
    let mut input = library.open_input(&opening).unwrap();
    let wait = Duration::from_secs(10);
    let (said, _) = input.next(wait).unwrap();
    let Next::Assigned {
        partition,
        name,
        resume,
    } = said
    else {
        panic!("a partition")
    };
    assert_eq!((partition.as_str(), name.as_str()), ("p", "the only one"));
    assert_eq!(
        resume.map(|place| (place.offset, place.note)),
        Some((1, "n".to_owned()))
    );
    let (said, rows) = input.next(wait).unwrap();
    let Ok(Some(Some(InputEvent::Batch(batch)))) = event_from_wire(said, rows, 1) else {
        panic!("a batch")
    };
    assert_eq!(
        (batch.end_offset, batch.n_bytes, batch.arrival),
        (3, 1, Some(7))
    );
    assert_eq!(batch.unreadable[0].reason, "none");
    let Content::Payloads(payloads) = batch.content else {
        panic!("records")
    };
    assert_eq!(payloads.records.value(0), b"3");
    assert_eq!((payloads.offsets[0], payloads.first_line), (2, Some(3)));
    assert_eq!(
        payloads.header.unwrap().first_line(),
        Some(b"header".as_slice())
    );
    assert_eq!(payloads.beside.unwrap().schema().fields()[0].name(), "_n");
    assert!(matches!(
        input.next(Duration::from_millis(1)).unwrap(),
        (Next::Nothing, None)
    ));
    input
        .acknowledge(BTreeMap::from([(
            "p".to_owned(),
            Place {
                offset: 3,
                note: String::new(),
            },
        )]))
        .unwrap();
    let status = input.status().unwrap();
    assert_eq!((status.read_bytes, status.total_bytes), (3, Some(3)));
}

#[test]
fn a_batch_whose_numbers_cannot_be_reckoned_with_is_refused() {
    let rows = || {
        let records: ArrayRef = Arc::new(BinaryViewArray::from_iter_values(["a", "b"]));
        let offsets: ArrayRef = Arc::new(UInt64Array::from(vec![7, 8]));
        RecordBatch::try_from_iter([("record", records), ("offset", offsets)]).unwrap()
    };
    let said = |change: fn(&mut BatchJson)| {
        let mut json = BatchJson {
            end_offset: 9,
            ..BatchJson::default()
        };
        change(&mut json);
        let event = event_from_wire(Next::Batch(Box::new(json)), Some(rows()), 0);
        event.map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |what: &str| Err(format!("internal error: the input gave {what}"));
    let no_time = "an arrival that is no time";
    let beyond = "rows that are not before `end_offset`";
    assert_eq!(said(|_| ()), Ok(()));
    assert_eq!(said(|json| json.arrival = Some(TIME_MAX)), Ok(()));
    assert_eq!(said(|json| json.arrival = Some(i64::MIN)), refused(no_time));
    assert_eq!(said(|json| json.arrival = Some(i64::MAX)), refused(no_time));
    assert_eq!(said(|json| json.first_offset = Some(7)), Ok(()));
    assert_eq!(said(|json| json.first_offset = Some(8)), refused(beyond));
    assert_eq!(
        said(|json| json.first_offset = Some(u64::MAX)),
        refused(beyond)
    );
    assert_eq!(
        said(|json| json.first_line = Some(u64::MAX)),
        refused("lines beyond the last number")
    );
    assert_eq!(
        said(|json| json.n_bytes = u64::MAX),
        refused("more bytes than a batch has")
    );
    assert_eq!(
        said(|json| json.end_offset = 8),
        refused("offsets that are not ascending, or not before `end_offset`")
    );
}
