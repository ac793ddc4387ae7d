//! What librdkafka tells: which partitions are ours, and what went wrong.
//!
//! All of it is called by the thread that polls, within the poll. What the engine has to hear of it is
//! noted here, in order, and told by that thread before the record that the poll returns.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datashark_kafka_connection::{Complaints, Trouble};
use datashark_sdk::input::{Ends, OffsetUnit, PartitionId};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::statistics::{self, Statistics};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use tracing::{debug, info, warn};

use crate::ownership::{Change, Ownership, id, ids};
use crate::start::{Start, Starts};

/// How long to wait before the brokers are asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// The context of the consumer.
pub(crate) struct Context {
    starts: Starts,
    pub(crate) complaints: Complaints,
    changes: Mutex<Vec<Change>>,
    ownership: Mutex<Ownership>,
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
            ownership: Mutex::default(),
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

    /// Which partitions are ours.
    pub(crate) fn ownership(&self) -> MutexGuard<'_, Ownership> {
        locked(&self.ownership)
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
                    let (starts, changes) = self.ownership().own(starts);
                    locked(&self.changes).extend(changes);
                    return Some(starts);
                }
                Err(error) => self.trouble(&error, &error.to_string()),
            }
            std::thread::sleep(PAUSE);
        }
        None
    }

    /// A commit did not come about: the next acknowledgement repeats it.
    pub(crate) fn not_committed(&self, list: &TopicPartitionList, error: &KafkaError) {
        self.ownership().not_committed(list);
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
        let ours = self.ownership();
        let (mut ends, mut standings) = (BTreeMap::new(), BTreeMap::new());
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values() {
                let id = id(&topic.topic, partition.partition);
                if !ours.has(&id) {
                    continue;
                }
                standings.insert(id.clone(), Standing::of(partition, &statistics.brokers));
                // Negative where it is not known yet.
                if let Ok(end) = u64::try_from(partition.hi_offset) {
                    ends.insert(id, end);
                }
            }
        }
        drop(ours);
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
                let ids = ids(partitions);
                let change = self.ownership().disown(ids, consumer.assignment_lost());
                locked(&self.changes).push(change);
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
    let names = ids(partitions);
    let names: Vec<&str> = names.iter().map(PartitionId::as_str).collect();
    names.join(", ")
}
