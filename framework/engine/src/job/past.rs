//! The past of an input, as a replay reads it: noted how far, and where wanted no further than another
//! replay has read it.
//!
//! Two runs over the same past shall see the same records, though a topic and a file may have grown
//! between them. So the first notes which partitions there are and where each came to its end, and the
//! second is cut there. A partition that the first has left before its end, as it was past the time that
//! counts, is not cut: with another lateness the second may need more of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datashark_sdk::input::{Content, DynInput, InputBatch, InputEvent, PartitionId, Progress};

/// What of an input a replay has read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadPast {
    /// The partitions, each with the offset behind its last record where it was read to its end.
    ends: BTreeMap<PartitionId, Option<u64>>,
}

/// What is being read, where the replay can see it.
pub(super) type Noted = Arc<Mutex<ReadPast>>;

/// An input over its past.
pub(super) struct PastInput {
    input: Box<dyn DynInput>,
    noted: Noted,
    /// How far each partition has come.
    places: BTreeMap<PartitionId, u64>,
    /// What may be read.
    bounds: Option<ReadPast>,
}

impl PastInput {
    /// Reads an input, no further than the bounds where there are any.
    pub(super) fn new(input: Box<dyn DynInput>, bounds: Option<ReadPast>, noted: &Noted) -> Self {
        PastInput {
            input,
            noted: Arc::clone(noted),
            places: BTreeMap::new(),
            bounds,
        }
    }

    /// What an event is within the bounds.
    fn within_bounds(&self, event: InputEvent) -> Option<InputEvent> {
        let Some(bounds) = &self.bounds else {
            return Some(event);
        };
        let end = match partition(&event) {
            Some(partition) => bounds.ends.get(partition)?,
            None => return Some(event),
        };
        match (event, end) {
            (InputEvent::Batch(batch), Some(end)) => cut(batch, *end).map(InputEvent::Batch),
            (event, _) => Some(event),
        }
    }

    fn note(&mut self, event: &InputEvent) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            InputEvent::Assigned { partition, .. } => {
                noted.ends.insert(partition.clone(), None);
            }
            InputEvent::Batch(batch) => {
                let place = self.places.entry(batch.partition.clone()).or_default();
                *place = batch.end_offset.max(*place);
            }
            InputEvent::Ended { partition, .. } => {
                let place = self.places.get(partition).copied().unwrap_or_default();
                noted.ends.insert(partition.clone(), Some(place));
            }
            InputEvent::CaughtUp(_) | InputEvent::Revoked(_) | InputEvent::Failed { .. } => {}
        }
    }
}

#[async_trait]
// The past is nobody's to acknowledge: the default does nothing.
impl DynInput for PastInput {
    async fn next(&mut self) -> datashark_sdk::Result<Option<InputEvent>> {
        loop {
            let Some(event) = self.input.next().await? else {
                return Ok(None);
            };
            if let Some(event) = self.within_bounds(event) {
                self.note(&event);
                return Ok(Some(event));
            }
        }
    }

    fn is_shared(&self) -> bool {
        self.input.is_shared()
    }

    fn progress(&self) -> Progress {
        self.input.progress()
    }
}

/// The partition that an event is of.
fn partition(event: &InputEvent) -> Option<&PartitionId> {
    match event {
        InputEvent::Assigned { partition, .. }
        | InputEvent::CaughtUp(partition)
        | InputEvent::Revoked(partition)
        | InputEvent::Ended { partition, .. } => Some(partition),
        InputEvent::Batch(batch) => Some(&batch.partition),
        InputEvent::Failed { partition, .. } => partition.as_ref(),
    }
}

/// The records of a batch before an offset; `None` where it has none.
fn cut(mut batch: InputBatch, end: u64) -> Option<InputBatch> {
    if batch.end_offset <= end {
        return Some(batch);
    }
    batch.content = match batch.content {
        Content::Payloads(payloads) => {
            let n = payloads.offsets.partition_point(|offset| *offset < end);
            Content::Payloads(payloads.slice(0, n))
        }
        Content::Columns { rows, first_offset } => {
            let n = end.saturating_sub(first_offset);
            let n = usize::try_from(n).map_or(rows.num_rows(), |n| n.min(rows.num_rows()));
            let rows = rows.slice(0, n);
            Content::Columns { rows, first_offset }
        }
    };
    batch.oversized.retain(|record| record.offset < end);
    batch.unreadable.retain(|record| record.offset < end);
    batch.end_offset = end;
    (!batch.is_empty()).then_some(batch)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use arrow::array::BinaryViewArray;
    use datashark_sdk::input::{Payloads, Resume};

    use super::*;

    /// Gives what it was given.
    struct Given(VecDeque<InputEvent>);

    #[async_trait]
    impl DynInput for Given {
        async fn next(&mut self) -> datashark_sdk::Result<Option<InputEvent>> {
            Ok(self.0.pop_front())
        }

        async fn acknowledge(
            &mut self,
            _: &BTreeMap<PartitionId, Resume>,
        ) -> datashark_sdk::Result<()> {
            panic!("the past is not acknowledged")
        }

        fn is_shared(&self) -> bool {
            false
        }

        fn progress(&self) -> Progress {
            Progress::default()
        }
    }

    fn assigned(name: &str) -> InputEvent {
        InputEvent::Assigned {
            partition: PartitionId::new(name),
            name: name.to_owned(),
            resume: None,
        }
    }

    fn batch(name: &str, offsets: std::ops::Range<u64>) -> InputEvent {
        let records = BinaryViewArray::from_iter_values(offsets.clone().map(|o| o.to_string()));
        InputEvent::Batch(InputBatch {
            partition: PartitionId::new(name),
            content: Content::Payloads(Payloads {
                records,
                offsets: offsets.clone().collect::<Vec<u64>>().into(),
                header: None,
                first_line: None,
                beside: None,
            }),
            end_offset: offsets.end,
            n_bytes: 0,
            oversized: Vec::new(),
            unreadable: Vec::new(),
            arrival: None,
        })
    }

    fn ended(name: &str) -> InputEvent {
        InputEvent::Ended {
            partition: PartitionId::new(name),
            forget: false,
        }
    }

    /// What is read of these events, as partition, number of records and where it ends; and the note.
    async fn read(
        events: Vec<InputEvent>,
        bounds: Option<ReadPast>,
    ) -> (Vec<(String, usize, u64)>, ReadPast) {
        let noted = Noted::default();
        let mut input = PastInput::new(Box::new(Given(events.into())), bounds, &noted);
        let mut found = Vec::new();
        while let Some(event) = input.next().await.unwrap() {
            if let InputEvent::Batch(batch) = event {
                found.push((batch.partition.to_string(), batch.len(), batch.end_offset));
            }
        }
        let noted = noted.lock().unwrap().clone();
        (found, noted)
    }

    #[tokio::test]
    async fn a_second_reading_ends_where_the_first_did_though_there_is_more_by_then() {
        let first = vec![assigned("a"), batch("a", 0..3), ended("a")];
        let (_, noted) = read(first, None).await;
        let second = vec![
            assigned("a"),
            assigned("new"),
            batch("a", 0..2),
            batch("a", 2..5),
            batch("new", 0..9),
            batch("a", 5..7),
            ended("a"),
            ended("new"),
        ];
        let (found, again) = read(second, Some(noted.clone())).await;
        assert_eq!(found, [("a".to_owned(), 2, 2), ("a".to_owned(), 1, 3)]);
        assert_eq!(again, noted);
    }

    #[tokio::test]
    async fn a_partition_that_was_left_before_its_end_is_not_cut() {
        let (_, noted) = read(vec![assigned("a"), batch("a", 0..3)], None).await;
        let second = vec![assigned("a"), batch("a", 0..5), ended("a")];
        let (found, _) = read(second, Some(noted)).await;
        assert_eq!(found, [("a".to_owned(), 5, 5)]);
    }
}
