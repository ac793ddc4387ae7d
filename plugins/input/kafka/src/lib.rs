//! The input `kafka`: topics of Apache Kafka, read as a member of a consumer group.
//!
//! `input = kafka`, `[in_kafka]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `topic` | needed | the topics: `logs`, `web, proxy`, or `^logs-.*`, a regex over all names |
//! | `group` | `datashark-` and the use case's name | the consumer group; instances of one group share the partitions |
//! | `from` | `earliest` | where to begin with a partition that the group has not read yet: `earliest`, `latest`, or by Kafka's timestamps a time, `2026-01-31` or `2026-01-31T12:00:00Z` |
//! | `partitions` | | accepted for old confs' sake and not used: all partitions are read |
//!
//! and [how to connect](datashark_kafka_connection): `bootstrap_servers` (or `host` and `port`), `tls`,
//! `ca_file`, `sasl`, `user`, `password`, …, and any property of librdkafka under `[[options]]`.
//!
//! ```ini
//! input = kafka
//! [in_kafka]
//!     bootstrap_servers = kafka-1:9093, kafka-2:9093
//!     topic    = access-logs
//!     tls      = true
//!     sasl     = scram-sha-512
//!     user     = datashark
//!     password = ${env:KAFKA_PASSWORD}
//!     [[options]]
//!         fetch.max.bytes = 10485760
//! ```
//!
//! # A record
//! A record is a Kafka record's value, a partition one of Kafka's, named `topic[3]`; an offset is
//! Kafka's. An empty value is a record like others. A null value (a tombstone) has nothing to decode: it
//! is counted as invalid. One larger than the engine's limit is passed over with its first 4 KiB.
//! Beside the value there are the columns `_key` (text), `_timestamp`, `_partition`, `_offset` and
//! `_headers` (a JSON object as text), made only where they are used. A record arrives when dataShark
//! reads it; `timestamp_field = _timestamp` takes Kafka's time.
//!
//! # Where a partition begins
//! 1. At the group's committed offset or at that in the state folder, whichever is later: another
//!    instance may have gone on since this one stopped, and a commit may have been lost with a crash.
//!    The group has none where it is new, and where Kafka has dropped it after
//!    `offsets.retention.minutes`. Where a damaged checkpoint made the engine go back to the one before
//!    it, at the state folder's, and the group goes back with it.
//! 2. Else by `from`. The offset found is committed at once: `latest` is the end at the first start.
//!
//! An offset that Kafka no longer has (retention) is said in a warning; the partition goes on at its
//! first record, with `from = latest` at its end.
//!
//! # Delivery
//! Auto-commit is off. An offset is committed when the engine acknowledges it: every record before it is
//! delivered, filtered, late or kept aside. Records behind it come again after a restart. Nobody
//! waits for a commit; one that failed is repeated with the next. A commit for a partition that is
//! no longer ours is left out.
//!
//! Partitions are shared out by `cooperative-sticky`: one that stays where it is goes on undisturbed.
//! What was made of one that is taken from us and is not delivered is dropped: its new owner starts at
//! the commit and makes it again, with the same ids. With the offset goes a note (the commit's metadata)
//! of which of its windows were delivered and how far its time was.
//!
//! # Several instances
//! Instances of one group, each with a state folder of its own, share the work out by partitions: each
//! makes the windows of the partitions that it has. So all records of a key have to be in one partition,
//! as a producer sees to that sends them with that key; else each instance has a finding of its own
//! for the key, with one id, and of these the last counts. Time has to be the records' (`timestamp_field`):
//! by arrival, what is read again arrives again.
//!
//! An instance that is killed keeps its partitions until `session.timeout.ms` (45 s) is over; with a name of
//! its own, `group.instance.id` under `[[options]]`, it has them again as soon as it is started again.
//!
//! A window that was delivered and whose commit a rebalance has cut off comes out twice, with one id:
//! an output that overwrites by id holds it once. Where the group was lost to all, as when its brokers were
//! away for longer than `session.timeout.ms`, and nobody else has committed for a partition since, it is read
//! on where it was, with its open windows, and nothing comes out twice.
//!
//! Dropping the input waits, ten seconds at most, for commits to be answered and the group to be left.
//!
//! # Several use cases
//! Use cases of one process whose sections are the same and name a `group` read together, as do those on the
//! stream of `datashark.conf`: with one consumer, which the engine has read on where the least far of them
//! is ([`Input::seek`]). The note then says where each of them is.
//!
//! # A run over what is there
//! With `--once` all partitions are read up to where they end at the start, without joining the group
//! (nobody else may be in it), and commits are made for the group.
//!
//! # The past
//! A replay reads all partitions from the first record of its `--from` on, by Kafka's timestamps, or
//! from the first that is there, up to where they end at the start. `from` and the group's commits do not
//! matter; the group is neither joined nor asked, and nothing is committed for it. A record arrived at
//! its `_timestamp`.
//!
//! # What goes wrong
//! Brokers that are away are waited for, with one line when they go and one when they come again; so is a
//! topic that is not there, but with `--once`, where that ends the run. A login that is refused, or a
//! certificate that is not trusted or has expired, ends the run if it was never otherwise, and is
//! tried again if it was.
//!
//! While a partition's broker is away, or has not said that all of the partition was read, the partition is
//! not idle: the windows of all wait for it, however long `idle_timeout` is, and what it has is in them when
//! it comes. Of the partitions for which `datashark_partition_idle` is 0, the one whose
//! `datashark_partition_event_time_seconds` is least, or missing, is the one they wait for. One that is empty
//! is waited for, too, for `idle_timeout` from the start.
//!
//! # Limits
//! In memory: librdkafka's queue (`queued.max.messages.kbytes`, 32 MiB), four blocks in the making, and
//! four on their way. A record of up to 1 GiB at most, and of what the brokers take.
//! While the engine takes nothing, as when an output is away for long and its spool is full, the
//! partitions stay ours and are paused.
//! OAUTHBEARER and Kerberos are not built in. The consumer protocol is the
//! classic one: `group.protocol = consumer` does not go together with `cooperative-sticky`.

mod beside;
mod block;
mod commits;
mod conf;
mod context;
mod intake;
mod ownership;
mod reader;
mod start;
mod topics;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arrow::datatypes::Field;
use async_trait::async_trait;
use crossbeam_channel::{Receiver, bounded};
use datashark_kafka_connection::Complaints;
use datashark_sdk::conf::Problems;
use datashark_sdk::input::{Ends, Input, InputEvent, Open, PartitionId, Progress, Resume};
use datashark_sdk::{Error, Result, Stores};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use beside::BesideColumn;
use block::Limits;
use commits::Commits;
pub use conf::KafkaInputConf;
use context::Context;
use intake::{Intake, Told};
use reader::Reader;
use start::Starts;

/// How long the drop waits for commits, and then for the group to be left.
const LEAVE: Duration = Duration::from_secs(5);

/// What is set where the options do not say otherwise.
const USUAL: [(&str, &str); 3] = [
    // Half of librdkafka's, as the engine has blocks of its own.
    ("queued.max.messages.kbytes", "32768"),
    // librdkafka waits a second once its queue is full, in which a fast reader empties it.
    ("fetch.queue.backoff.ms", "5"),
    // How soon a topic that appears is found; librdkafka's is five minutes.
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// The kafka input.
#[derive(Debug)]
pub struct Kafka {
    /// `None` once it is being dropped.
    intake: Option<Intake>,
    /// How many answers are still to come for partitions that are to be read on elsewhere.
    seeking: BTreeMap<PartitionId, usize>,
    commits: Commits,
    consumer: Weak<BaseConsumer<Context>>,
    left: Receiver<()>,
}

#[async_trait]
impl Input for Kafka {
    type Conf = KafkaInputConf;

    const NAME: &'static str = "kafka";

    const ABOUT: &'static str = "topics of Apache Kafka, as a member of a consumer group";

    const IS_SHARED: bool = true;

    fn check(conf: &KafkaInputConf, _: &Stores) -> Problems {
        conf.problems()
    }

    fn is_joint(conf: &KafkaInputConf) -> bool {
        conf.group.is_some()
    }

    fn beside() -> Vec<Field> {
        BesideColumn::ALL
            .into_iter()
            .map(BesideColumn::field)
            .collect()
    }

    fn arrival_column() -> Option<&'static str> {
        Some(BesideColumn::TIMESTAMP)
    }

    async fn open(conf: KafkaInputConf, open: Open) -> Result<Self> {
        conf.problems().or_ok(())?;
        let from = match open.past {
            Some(past) => conf::From::of_past(past),
            None => conf.from().map_err(Problems::from)?,
        };
        let connection = conf.connection();
        let group = conf.group(&open.use_case);
        let mut client = connection.client(&conf::OWN)?;
        client.set("group.id", &group);
        client.set("auto.offset.reset", from.reset());
        set_usual(&mut client);
        let complaints = Complaints::new(connection.servers());
        let context = Context::new(Starts::new(from, &open), complaints);
        let consumer: BaseConsumer<Context> = client
            .create_with_context(context)
            .map_err(|error| Error::data(format!("Kafka: {error}")))?;
        let consumer = Arc::new(consumer);
        let weak = Arc::downgrade(&consumer);
        let commits = Commits::start(Arc::clone(&consumer))?;
        let (outlet, intake) = intake::queue();
        let reader = Reader {
            consumer,
            outlet,
            topics: conf.topic,
            once: open.once,
            limits: Limits::of(&open),
            beside: BesideColumn::named(&open.beside),
            partitions: Vec::new(),
            last_idx: 0,
            pending_bytes: 0,
        };
        let (leaving, left) = bounded(1);
        std::thread::Builder::new()
            .name("read-kafka".to_owned())
            .spawn(move || {
                reader.run();
                // Nobody may wait for it any more.
                let _ = leaving.send(());
            })
            .map_err(|error| Error::io("no thread to read Kafka with", error))?;
        Ok(Kafka {
            intake: Some(intake),
            seeking: BTreeMap::new(),
            commits,
            consumer: weak,
            left,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        loop {
            let told = match &self.intake {
                Some(intake) => intake.next().await?,
                None => None,
            };
            match told {
                None => return Ok(None),
                Some(Told::Event(event)) if !self.is_of_before(&event) => return Ok(Some(event)),
                Some(Told::Event(_)) => {}
                Some(Told::Sought(partition)) => self.sought(&partition),
            }
        }
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        self.commits.commit(done);
        Ok(())
    }

    async fn seek(&mut self, to: &BTreeMap<PartitionId, u64>) -> Result<()> {
        if let Some(consumer) = self.consumer.upgrade() {
            for partition in to.keys() {
                *self.seeking.entry(partition.clone()).or_default() += 1;
            }
            consumer.context().seek(to);
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress {
            read_bytes: self.intake.as_ref().map_or(0, Intake::read_bytes),
            total_bytes: None,
        }
    }

    fn ends(&self) -> Ends {
        let consumer = self.consumer.upgrade();
        consumer.map_or_else(Ends::default, |consumer| consumer.context().ends())
    }
}

impl Kafka {
    /// Whether this was said before the reading thread had heard where to read on.
    fn is_of_before(&self, event: &InputEvent) -> bool {
        match event {
            InputEvent::Batch(batch) => self.seeking.contains_key(&batch.partition),
            InputEvent::CaughtUp(partition) => self.seeking.contains_key(partition),
            _ => false,
        }
    }

    fn sought(&mut self, partition: &PartitionId) {
        if let Some(n_open) = self.seeking.get_mut(partition) {
            *n_open -= 1;
        }
        self.seeking.retain(|_, n_open| *n_open > 0);
    }

    /// Waits until all is committed and the group is left. A broker that is away is not waited for.
    fn leave(&mut self) {
        self.commits.finish(LEAVE);
        if let Some(consumer) = self.consumer.upgrade() {
            consumer.context().stop();
        }
        self.intake = None;
        let _ = self.left.recv_timeout(LEAVE);
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        // Others of the runtime go on meanwhile.
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => block_in_place(|| self.leave()),
            _ => self.leave(),
        }
    }
}

fn set_usual(client: &mut ClientConfig) {
    for (name, value) in USUAL {
        if client.get(name).is_none() {
            client.set(name, value);
        }
    }
}
