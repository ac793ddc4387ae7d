//! Where a partition begins: at the later of the group's commit and what the state folder says, else by
//! `from`.
//!
//! The group's commit is later where another instance has gone on since, the state folder's offset where
//! a commit was lost. Where the engine has gone back to an earlier checkpoint, the state folder's offset
//! counts alone. Where the past is read neither counts, and the group is not even asked.

use std::collections::BTreeMap;
use std::time::Duration;

use datashark_sdk::input::{Micros, Open, PartitionId, Resume};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::conf::From;
use crate::context::Context;
use crate::ownership::id;

/// How long a broker may take to answer before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a partition begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) id: PartitionId,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// The first offset to read.
    pub(crate) offset: u64,
    /// What the group has committed.
    pub(crate) committed: Option<Resume>,
    /// The same, where it begins there.
    pub(crate) resume: Option<Resume>,
    /// Where it ended when it was asked, if that matters.
    pub(crate) end: Option<u64>,
}

/// How it is found where partitions begin.
#[derive(Debug)]
pub(crate) struct Starts {
    from: From,
    resume: BTreeMap<PartitionId, u64>,
    rewind: bool,
    once: bool,
    /// Whether the past is read.
    past: bool,
}

impl Starts {
    /// By a conf's `from` and what the engine knows.
    pub(crate) fn new(from: From, open: &Open) -> Self {
        let offsets = open
            .resume
            .iter()
            .map(|(id, resume)| (id.clone(), resume.offset));
        Starts {
            from,
            resume: offsets.collect(),
            rewind: open.rewind,
            once: open.once,
            past: open.past.is_some(),
        }
    }

    /// Where these partitions begin.
    ///
    /// # Errors
    /// The brokers do not say.
    pub(crate) fn of(
        &self,
        consumer: &BaseConsumer<Context>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<Vec<Start>> {
        let committed = match self.past {
            true => partitions.clone(),
            false => consumer.committed_offsets(partitions.clone(), PATIENCE)?,
        };
        let mut starts = Vec::with_capacity(committed.count());
        for element in committed.elements() {
            element.error()?;
            let (topic, partition) = (element.topic(), element.partition());
            let committed = match element.offset() {
                Offset::Offset(offset) => Some(Resume {
                    offset: unsigned(offset),
                    note: element.metadata().to_owned(),
                }),
                _ => None,
            };
            let id = id(topic, partition);
            let of_group = committed.as_ref().map(|resume| resume.offset);
            let known = self.known(&id, of_group);
            let edges = match known.is_none() || self.once {
                true => Some(consumer.fetch_watermarks(topic, partition, PATIENCE)?),
                false => None,
            };
            let (low, high) = edges.map_or((0, 0), |(low, high)| (unsigned(low), unsigned(high)));
            let offset = match (known, self.from) {
                (Some(offset), _) => offset,
                (None, From::Earliest) => low,
                (None, From::Latest) => high,
                (None, From::Time(time)) => {
                    at_time(consumer, topic, partition, time)?.unwrap_or(high)
                }
            };
            let is_rewound = self.rewind && self.resume.contains_key(&id);
            let begins_there = |it: &&Resume| it.offset == offset && !is_rewound;
            starts.push(Start {
                id,
                resume: committed.as_ref().filter(begins_there).cloned(),
                topic: topic.to_owned(),
                partition,
                offset,
                committed,
                end: self.once.then_some(high),
            });
        }
        Ok(starts)
    }
}

impl Starts {
    /// Where a partition goes on that was read before, by what the group has committed and by the state
    /// folder.
    fn known(&self, id: &PartitionId, committed: Option<u64>) -> Option<u64> {
        let resumed = self.resume.get(id).copied();
        match self.rewind {
            true => resumed.or(committed),
            false => committed.max(resumed),
        }
    }
}

/// The first offset of this time or later.
fn at_time(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    partition: i32,
    time: Micros,
) -> KafkaResult<Option<u64>> {
    let mut list = TopicPartitionList::new();
    // Kafka counts milliseconds, and before 1970 there is nothing.
    let millis = Offset::Offset(time.div_euclid(1000).max(0));
    list.add_partition_offset(topic, partition, millis)?;
    let found = consumer.offsets_for_times(list, PATIENCE)?;
    let element = found.find_partition(topic, partition);
    let Some(element) = element else {
        return Ok(None);
    };
    element.error()?;
    Ok(match element.offset() {
        Offset::Offset(offset) => Some(unsigned(offset)),
        _ => None,
    })
}

/// The list to assign.
///
/// # Errors
/// An offset that Kafka does not know.
pub(crate) fn list(starts: &[Start]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for start in starts {
        let offset = i64::try_from(start.offset)
            .map_err(|_| KafkaError::Seek(format!("{} is no offset", start.offset)))?;
        list.add_partition_offset(&start.topic, start.partition, Offset::Offset(offset))?;
    }
    Ok(list)
}

/// An offset of Kafka's, none of which is negative.
fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use datashark_sdk::input::Resume;

    use super::*;

    #[test]
    fn the_later_offset_counts_but_where_the_engine_has_gone_back() {
        let of = |rewind, resumed: Option<u64>, committed| {
            let id = id("logs", 0);
            let resumed = resumed.map(|offset| (id.clone(), Resume::at(offset)));
            let open = Open {
                resume: resumed.into_iter().collect(),
                rewind,
                ..Open::default()
            };
            Starts::new(From::Earliest, &open).known(&id, committed)
        };
        assert_eq!(of(false, Some(5), Some(9)), Some(9));
        assert_eq!(of(false, Some(9), Some(5)), Some(9));
        assert_eq!(of(false, None, None), None);
        assert_eq!(of(true, Some(5), Some(9)), Some(5));
        assert_eq!(of(true, None, Some(9)), Some(9));
    }
}
