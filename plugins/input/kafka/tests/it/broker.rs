//! A broker, its topics and what is written to them.

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

/// Longer than any machine is busy.
pub(crate) const BOUND: Duration = Duration::from_secs(240);

/// Records of the past are kept: Kafka removes those of more than seven days ago within a minute else.
const SETTINGS: [(&str, &str); 1] = [("SETTINGS", "log.retention.ms=-1")];

static SHARED: LazyLock<Option<Service>> =
    LazyLock::new(|| Service::start_with("kafka", &SETTINGS));

/// The address of a broker that tests share; `None` where it cannot be had, which has been said.
pub(crate) fn shared() -> Option<&'static str> {
    Some(SHARED.as_ref()?.value("bootstrap"))
}

/// A record to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) partition: i32,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) key: Option<String>,
    pub(crate) millis: Option<i64>,
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Written {
    pub(crate) fn text(partition: i32, text: impl Into<String>) -> Self {
        Written {
            partition,
            payload: Some(text.into().into_bytes()),
            ..Written::default()
        }
    }
}

/// Numbered records, spread evenly.
pub(crate) fn numbered(numbers: std::ops::Range<usize>, n_partitions: usize) -> Vec<Written> {
    let record = |n: usize| Written::text((n % n_partitions) as i32, format!("record number {n}"));
    numbers.map(record).collect()
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    config(bootstrap).create().unwrap()
}

pub(crate) async fn create_topic(bootstrap: &str, name: &str, n_partitions: i32) {
    let topic = NewTopic::new(name, n_partitions, TopicReplication::Fixed(1))
        .set("max.message.bytes", "30000000");
    let made = admin(bootstrap)
        .create_topics([&topic], &AdminOptions::new())
        .await;
    made.unwrap().into_iter().for_each(|it| drop(it.unwrap()));
}

/// Deletes the records before an offset, as retention does.
pub(crate) async fn delete_records(bootstrap: &str, topic: &str, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(before))
        .unwrap();
    admin(bootstrap)
        .delete_records(&list, &AdminOptions::new())
        .await
        .unwrap();
}

/// Writes records and waits until the broker has them.
pub(crate) fn write(bootstrap: &str, topic: &str, records: &[Written]) {
    let producer: BaseProducer = config(bootstrap)
        .set("message.max.bytes", "30000000")
        .set("acks", "all")
        .create()
        .unwrap();
    for written in records {
        let mut record: BaseRecord<'_, String, Vec<u8>> =
            BaseRecord::to(topic).partition(written.partition);
        record.payload = written.payload.as_ref();
        record.key = written.key.as_ref();
        record.timestamp = written.millis;
        record.headers = written.header.map(|(key, value)| {
            let value = Some(value);
            OwnedHeaders::new().insert(Header { key, value })
        });
        while let Err((error, again)) = producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full);
            producer.poll(Duration::from_millis(100));
            record = again;
        }
    }
    producer.flush(BOUND).unwrap();
}

/// Writes records to partition 0 in a transaction, whose mark stands behind them.
pub(crate) fn write_in_transaction(bootstrap: &str, topic: &str, records: &[&str]) {
    let producer: BaseProducer = config(bootstrap)
        .set("transactional.id", topic)
        .create()
        .unwrap();
    producer.init_transactions(BOUND).unwrap();
    producer.begin_transaction().unwrap();
    for record in records {
        let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(0).payload(record);
        producer.send(record).unwrap();
    }
    producer.commit_transaction(BOUND).unwrap();
}

/// What a group has committed of a partition.
pub(crate) fn committed(bootstrap: &str, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let consumer: BaseConsumer = config(bootstrap).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let found = consumer.committed_offsets(list, BOUND).unwrap();
    match found.find_partition(topic, partition).unwrap().offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

/// What was logged by the tests' process.
static LOGGED: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on.
pub(crate) fn keep_log() {
    let _ = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| Log)
        .try_init();
}

/// The lines that were logged and hold a text.
pub(crate) fn logged(text: &str) -> Vec<String> {
    let log = String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned();
    let lines = log.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}
