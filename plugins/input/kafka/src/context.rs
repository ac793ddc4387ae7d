//! What librdkafka tells: which partitions are ours, and what went wrong.
//!
//! All of it is called by the thread that polls, within the poll. What the engine has to hear of it is
//! noted here, in order, and told by that thread before the record that the poll returns.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datashark_kafka_connection::{Complaints, Trouble};
use datashark_sdk::input::{Ends, OffsetUnit, PartitionId, Resume};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::statistics::{self, Statistics};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use tracing::{debug, info, warn};

use crate::start::{Start, Starts};

/// How long to wait before the brokers are asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// The context of the consumer.
pub(crate) struct Context {
    starts: Starts,
    pub(crate) complaints: Complaints,
    changes: Mutex<Vec<Change>>,
    owned: Mutex<BTreeMap<PartitionId, Owned>>,
    /// What was ours when the group was lost; it may be ours again.
    lost: Mutex<BTreeMap<PartitionId, Lost>>,
    /// Where partitions are to be read on, in the order in which that was asked for.
    seeks: Mutex<Vec<(PartitionId, u64)>>,
    /// The high watermarks, as of the last statistics.
    ends: Mutex<BTreeMap<PartitionId, u64>>,
    /// How our partitions stand by statistics that nobody has asked for yet.
    standings: Mutex<BTreeMap<PartitionId, Standing>>,
    /// Trouble that lasts until somebody acts.
    lasting: Mutex<Option<String>>,
    /// Why the input cannot go on.
    fatal: Mutex<Option<String>>,
    /// Whether the brokers have ever answered.
    answered: AtomicBool,
    stopping: AtomicBool,
}

/// A change of what is ours.
#[derive(Debug)]
pub(crate) enum Change {
    /// These came.
    Assigned(Vec<Start>),
    /// These went.
    Revoked(Vec<PartitionId>),
    /// The group was lost, and whose these are is not known: they come again as if nothing had been, or they
    /// are revoked.
    Lost(Vec<PartitionId>),
}

/// How a partition of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All before this offset was fetched, and its broker has said that there is nothing more.
    AtEnd(u64),
    /// There is more to come.
    Reading,
    /// There is no connection to its broker: nobody knows.
    Away,
}

impl Standing {
    fn of(
        partition: &statistics::Partition,
        brokers: &HashMap<String, statistics::Broker>,
    ) -> Self {
        let is_of = |broker: &&statistics::Broker| broker.nodeid == partition.broker;
        // Those that we were told of are numbered -1 until they have said who they are.
        let broker = brokers.values().filter(|it| it.nodeid >= 0).find(is_of);
        let is_connected = |broker: &statistics::Broker| matches!(&*broker.state, "UP" | "UPDATE");
        let end = u64::try_from(partition.eof_offset).ok();
        let end = end.filter(|_| partition.eof_offset == partition.next_offset);
        match (broker.is_some_and(is_connected), end) {
            (false, _) => Standing::Away,
            (true, Some(end)) => Standing::AtEnd(end),
            (true, None) => Standing::Reading,
        }
    }
}

/// A partition of ours, as far as commits go.
#[derive(Debug)]
struct Owned {
    topic: String,
    partition: i32,
    /// Where it began; less was never ours to commit.
    start: u64,
    committed: Option<Resume>,
    /// What the group has committed if nobody else did: what it had when the partition came, and the latest
    /// of ours, of which one or the other may not have arrived.
    ours: VecDeque<Option<Resume>>,
}

/// A partition that was ours when the group was lost.
#[derive(Debug)]
struct Lost {
    owned: Owned,
    /// Where it is to be read on, once the reader has said.
    position: Option<u64>,
}

/// How many of our latest commits are remembered; where none arrives, no more are made either.
const COMMITS: usize = 64;

/// How a partition is named, to the checkpoint and to a person.
pub(crate) fn id(topic: &str, partition: i32) -> PartitionId {
    PartitionId::new(format!("{topic}[{partition}]"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    /// The context of an input that is about to open.
    pub(crate) fn new(starts: Starts, complaints: Complaints) -> Self {
        Context {
            starts,
            complaints,
            changes: Mutex::default(),
            owned: Mutex::default(),
            lost: Mutex::default(),
            seeks: Mutex::default(),
            ends: Mutex::default(),
            standings: Mutex::default(),
            lasting: Mutex::default(),
            fatal: Mutex::default(),
            answered: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }
    }

    /// What changed since this was last asked.
    pub(crate) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut *locked(&self.changes))
    }

    /// Partitions are to be read on at these offsets.
    pub(crate) fn seek(&self, to: &BTreeMap<PartitionId, u64>) {
        let to = to.iter().map(|(id, offset)| (id.clone(), *offset));
        locked(&self.seeks).extend(to);
    }

    /// What of that was asked for since this was last called.
    pub(crate) fn seeks(&self) -> Vec<(PartitionId, u64)> {
        std::mem::take(&mut *locked(&self.seeks))
    }

    /// Where our partitions end, as far as the brokers have said lately.
    pub(crate) fn ends(&self) -> Ends {
        Ends {
            unit: OffsetUnit::Records,
            offsets: locked(&self.ends).clone(),
        }
    }

    /// How our partitions stand, where that was told since this was last called.
    pub(crate) fn standings(&self) -> BTreeMap<PartitionId, Standing> {
        std::mem::take(&mut *locked(&self.standings))
    }

    /// Why the input cannot go on, if that is so.
    pub(crate) fn fatal(&self) -> Option<String> {
        locked(&self.fatal).take()
    }

    /// The brokers answer.
    pub(crate) fn well(&self) {
        self.answered.store(true, Ordering::Relaxed);
        *locked(&self.lasting) = None;
        self.complaints.well();
    }

    /// The input is dropped.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the input was dropped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Finds where partitions begin and takes them for ours; `None` where the input was stopped before the
    /// brokers said.
    pub(crate) fn begin(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Option<Vec<Start>> {
        while !self.is_stopping() {
            match self.starts.of(consumer, partitions) {
                Ok(starts) => {
                    self.well();
                    return Some(self.own(starts));
                }
                Err(error) => self.trouble(&error, &error.to_string()),
            }
            std::thread::sleep(PAUSE);
        }
        None
    }

    /// Partitions are ours from now on. Those that were lost and that nobody else has read since are read on
    /// where we were, and the engine hears nothing of it.
    fn own(&self, mut starts: Vec<Start>) -> Vec<Start> {
        let (mut owned, mut lost) = (locked(&self.owned), locked(&self.lost));
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for start in &mut starts {
            match lost.remove(&start.id) {
                Some(Lost {
                    owned: mut before,
                    position: Some(position),
                }) if before.ours.contains(&start.committed) => {
                    start.offset = position;
                    // The last of ours may not have arrived.
                    before.committed = start.committed.clone();
                    owned.insert(start.id.clone(), before);
                    continue;
                }
                Some(_) => went.push(start.id.clone()),
                None => {}
            }
            let partition = Owned {
                topic: start.topic.clone(),
                partition: start.partition,
                start: start.offset,
                committed: start.committed.clone(),
                ours: VecDeque::from([start.committed.clone()]),
            };
            owned.insert(start.id.clone(), partition);
            came.push(start.clone());
        }
        // The others are somebody else's now.
        went.extend(std::mem::take(&mut *lost).into_keys());
        let mut changes = locked(&self.changes);
        if !went.is_empty() {
            changes.push(Change::Revoked(went));
        }
        changes.push(Change::Assigned(came));
        drop(changes);
        starts
    }

    /// Partitions are no longer ours, or nobody knows.
    fn disown(&self, partitions: &TopicPartitionList, is_lost: bool) {
        let elements = partitions.elements();
        let ids = elements
            .iter()
            .map(|element| id(element.topic(), element.partition()));
        let ids: Vec<_> = ids.collect();
        let (mut owned, mut lost) = (locked(&self.owned), locked(&self.lost));
        for id in &ids {
            let owned = owned.remove(id).filter(|_| is_lost);
            lost.extend(owned.map(|owned| {
                let position = None;
                (id.clone(), Lost { owned, position })
            }));
        }
        drop(owned);
        drop(lost);
        locked(&self.changes).push(match is_lost {
            true => Change::Lost(ids),
            false => Change::Revoked(ids),
        });
    }

    /// Should a partition that was lost be ours again, it is to be read on here; whether it was lost.
    pub(crate) fn read_lost_on_at(&self, id: &PartitionId, position: u64) -> bool {
        let mut lost = locked(&self.lost);
        let lost = lost.get_mut(id);
        lost.map(|lost| lost.position = Some(position)).is_some()
    }

    /// What to commit of this: what is of partitions that are still ours, as far as it says something
    /// new.
    pub(crate) fn to_commit(&self, done: &BTreeMap<PartitionId, Resume>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        let mut owned = locked(&self.owned);
        for (id, resume) in done {
            let Some(partition) = owned.get_mut(id) else {
                continue;
            };
            if resume.offset < partition.start || partition.committed.as_ref() == Some(resume) {
                continue;
            }
            let Ok(place) = i64::try_from(resume.offset) else {
                continue;
            };
            let mut element = list.add_partition(&partition.topic, partition.partition);
            element.set_metadata(&resume.note);
            if element.set_offset(Offset::Offset(place)).is_ok() {
                partition.committed = Some(resume.clone());
                partition.ours.push_back(Some(resume.clone()));
                if partition.ours.len() > COMMITS {
                    partition.ours.pop_front();
                }
            }
        }
        list
    }

    /// A commit did not come about: the next acknowledgement repeats it.
    pub(crate) fn not_committed(&self, list: &TopicPartitionList, error: &KafkaError) {
        let mut owned = locked(&self.owned);
        for element in list.elements() {
            if let Some(partition) = owned.get_mut(&id(element.topic(), element.partition())) {
                partition.committed = None;
            }
        }
        drop(owned);
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            // The partition is no longer ours or is about to go: its next owner starts at the last
            // commit, and makes the same windows again.
            Some(
                Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::FencedInstanceId
                | Code::AssignmentLost
                | Code::State,
            ) => debug!(%error, "offsets are not committed"),
            code => {
                let reason = format!("offsets are not committed: {error}");
                let trouble = Trouble::of(code.unwrap_or(Code::Fail), &reason);
                self.complaints.again(trouble, &reason);
            }
        }
    }

    /// Something went wrong.
    pub(crate) fn trouble(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if matches!(
            code,
            RDKafkaErrorCode::PartitionEOF | RDKafkaErrorCode::NoOffset
        ) {
            return;
        }
        let trouble = Trouble::of(code, reason);
        let answered = self.answered.load(Ordering::Relaxed);
        if trouble.is_lasting() && !answered {
            *locked(&self.lasting) = Some(self.complaints.line(trouble, reason));
            return;
        }
        // It was never well, and no broker takes us: somebody has to act.
        if code == RDKafkaErrorCode::AllBrokersDown
            && !answered
            && let Some(line) = locked(&self.lasting).take()
        {
            *locked(&self.fatal) = Some(line);
            return;
        }
        self.complaints.again(trouble, reason);
    }
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        let owned = locked(&self.owned);
        let (mut ends, mut standings) = (BTreeMap::new(), BTreeMap::new());
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values() {
                let id = id(&topic.topic, partition.partition);
                if !owned.contains_key(&id) {
                    continue;
                }
                standings.insert(id.clone(), Standing::of(partition, &statistics.brokers));
                // Negative where it is not known yet.
                if let Ok(end) = u64::try_from(partition.hi_offset) {
                    ends.insert(id, end);
                }
            }
        }
        drop(owned);
        *locked(&self.ends) = ends;
        *locked(&self.standings) = standings;
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble(&error, reason);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let done = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let Some(starts) = self.begin(consumer, partitions) else {
                    return;
                };
                info!("Kafka gives us {}", names(partitions));
                match crate::start::list(&starts) {
                    Ok(list) => consumer.incremental_assign(&list),
                    Err(error) => Err(error),
                }
            }
            _ => {
                self.disown(partitions, consumer.assignment_lost());
                info!("Kafka takes {} from us", names(partitions));
                consumer.incremental_unassign(partitions)
            }
        };
        if let Err(error) = done {
            warn!(%error, "a rebalance failed");
        }
    }
}

fn names(partitions: &TopicPartitionList) -> String {
    let elements = partitions.elements();
    let names = elements
        .iter()
        .map(|element| format!("{}[{}]", element.topic(), element.partition()));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use datashark_sdk::input::Open;

    use super::*;
    use crate::conf::From;

    fn resume(offset: u64) -> Resume {
        let note = format!("up to {offset}");
        Resume { offset, note }
    }

    /// A partition as the group gives it: from its commit on.
    fn start(partition: i32, committed: Option<u64>) -> Start {
        Start {
            id: id("logs", partition),
            topic: "logs".to_owned(),
            partition,
            offset: committed.unwrap_or(0),
            committed: committed.map(resume),
            resume: committed.map(resume),
            end: None,
        }
    }

    /// A context that had two partitions, has committed 10 and 20 of the first, and has read both up to 30
    /// when the group was lost.
    fn lost() -> Context {
        let starts = Starts::new(From::Earliest, &Open::default());
        let context = Context::new(starts, Complaints::new(String::new()));
        context.own(vec![start(0, None), start(1, Some(5))]);
        for offset in [10, 20] {
            let done = BTreeMap::from([(id("logs", 0), resume(offset))]);
            assert_eq!(context.to_commit(&done).count(), 1);
        }
        let mut all = TopicPartitionList::new();
        all.add_partition_range("logs", 0, 1);
        context.disown(&all, true);
        context.changes();
        for partition in [0, 1] {
            assert!(context.read_lost_on_at(&id("logs", partition), 30));
        }
        context
    }

    /// What the engine is to hear: which partitions went, and which came.
    fn told(context: &Context) -> (Vec<String>, Vec<String>) {
        let (mut went, mut came) = (Vec::new(), Vec::new());
        for change in context.changes() {
            match change {
                Change::Revoked(ids) => went.extend(ids.iter().map(ToString::to_string)),
                Change::Assigned(starts) => {
                    came.extend(starts.iter().map(|start| start.id.to_string()));
                }
                Change::Lost(ids) => panic!("{ids:?}"),
            }
        }
        (went, came)
    }

    fn offsets(starts: &[Start]) -> Vec<u64> {
        starts.iter().map(|start| start.offset).collect()
    }

    #[test]
    fn what_was_lost_and_comes_again_unread_by_others_is_read_on_where_it_was() {
        // Whichever of our commits has arrived.
        for arrived in [None, Some(10), Some(20)] {
            let context = lost();
            let starts = context.own(vec![start(0, arrived), start(1, Some(5))]);
            assert_eq!(offsets(&starts), [30, 30]);
            assert_eq!(told(&context), (vec![], vec![]));
            let done = BTreeMap::from([(id("logs", 0), resume(20))]);
            let n_missing = usize::from(arrived != Some(20));
            assert_eq!(context.to_commit(&done).count(), n_missing);
        }
    }

    #[test]
    fn what_others_have_read_or_have_now_went_and_begins_anew() {
        let context = lost();
        let starts = context.own(vec![start(0, Some(25))]);
        assert_eq!(offsets(&starts), [25]);
        let [both, first] = [&["logs[0]", "logs[1]"][..], &["logs[0]"]]
            .map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(told(&context), (both, first));
        assert!(!context.read_lost_on_at(&id("logs", 1), 30));
    }
}
