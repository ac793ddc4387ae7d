//! A topic of 400-byte JSON records of 12 members, a million a minute of their own time.
//!
//! A source's records are all in one partition. Seven of eight records are `GET`, and of a hundred paths
//! one is `/health`: something for a filter to include and to exclude.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// How many different sources there are.
pub(crate) const N_SOURCES: u64 = 10_000;
/// How many records a second of event time has.
pub(crate) const PER_SECOND: u64 = 1_000_000 / 60;
const BOUND: Duration = Duration::from_secs(600);

/// The source of the n-th record: neither evenly nor in turns.
pub(crate) fn source(n: u64) -> u64 {
    (n * 7919 + n / 13) % N_SOURCES
}

/// Whether the filter of the benchmark lets the n-th record pass.
pub(crate) fn passes(n: u64) -> bool {
    !n.is_multiple_of(8) && !n.is_multiple_of(100)
}

/// The n-th record, at a second of the day.
pub(crate) fn record(n: u64, second: u64) -> String {
    let source = source(n);
    let path = match n.is_multiple_of(100) {
        true => "/health".to_owned(),
        false => format!("/articles/{}/comments", n % 100_000),
    };
    format!(
        r#"{{"timestamp":"2026-01-01T{:02}:{:02}:{:02}Z","source_ip":"198.51.{}.{}","source_port":{},"destination_ip":"203.0.113.7","destination_port":443,"method":"{}","path":"{path}","status":{},"bytes":{},"referrer":"https://www.example.com/articles?page={}&sort=date","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0","duration_ms":{}}}"#,
        second / 3600 % 24,
        second / 60 % 60,
        second % 60,
        source / 100,
        source % 100,
        1024 + n % 60_000,
        if n.is_multiple_of(8) { "POST" } else { "GET" },
        200 + n % 5 * 100,
        n * 7 % 100_000,
        n % 10_000_000,
        n % 900,
    )
}

/// What writes to a topic.
pub(crate) struct Filler {
    producer: BaseProducer,
    topic: String,
    n_partitions: u64,
}

impl Filler {
    /// A writer to a topic of so many partitions.
    pub(crate) fn new(broker: &str, topic: &str, n_partitions: u64) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", broker)
            .set("linger.ms", "50")
            .set("compression.type", "lz4")
            .set("message.max.bytes", "30000000");
        Filler {
            producer: config.create().expect("a producer"),
            topic: topic.to_owned(),
            n_partitions,
        }
    }

    /// Writes the n-th record where its source's are.
    pub(crate) fn send(&self, n: u64, second: u64) {
        let payload = record(n, second);
        self.put(source(n) % self.n_partitions, Some(payload.as_bytes()));
    }

    /// Writes a value, or a null, to a partition.
    pub(crate) fn put(&self, partition: u64, payload: Option<&[u8]>) {
        let partition = i32::try_from(partition).expect("few partitions");
        let mut unsent: BaseRecord<'_, (), [u8]> = BaseRecord::to(&self.topic).partition(partition);
        unsent.payload = payload;
        while let Err((_, again)) = self.producer.send(unsent) {
            self.producer.poll(Duration::from_millis(10));
            unsent = again;
        }
    }

    /// Writes so many records, and in each partition one that is so late that all windows before it are
    /// due; gives how many there are.
    pub(crate) fn fill(&self, n_records: u64) -> u64 {
        (0..n_records).for_each(|n| self.send(n, n / PER_SECOND));
        n_records + self.close(n_records / PER_SECOND + 120)
    }

    /// Writes a record of this second to each partition; gives how many those are.
    pub(crate) fn close(&self, second: u64) -> u64 {
        let passing = (0..).filter(|n| passes(*n));
        let mut wanted: Vec<u64> = (0..self.n_partitions).collect();
        for n in passing {
            if let Some(idx) = wanted
                .iter()
                .position(|it| *it == source(n) % self.n_partitions)
            {
                wanted.swap_remove(idx);
                self.send(n, second);
            }
            if wanted.is_empty() {
                break;
            }
        }
        self.flush();
        self.n_partitions
    }

    /// Waits until all is written.
    pub(crate) fn flush(&self) {
        self.producer.flush(BOUND).expect("all is written");
    }
}

/// What librdkafka can read: polls so many records, and looks at the length of each; gives all their bytes.
pub(crate) fn poll_all(broker: &str, topic: &str, n_partitions: i32, n_records: u64) -> u64 {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config
        .set("bootstrap.servers", broker)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
        // As the input has them.
        .set("queued.max.messages.kbytes", "32768")
        .set("fetch.queue.backoff.ms", "5")
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    for partition in 0..n_partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("a partition");
    }
    consumer.assign(&list).expect("they are assigned");
    let (mut n_read, mut n_bytes) = (0, 0);
    while n_read < n_records {
        if let Some(record) = consumer.poll(BOUND) {
            let record = record.expect("a record");
            n_bytes += record.payload().map_or(0, <[u8]>::len) as u64;
            n_read += 1;
        }
    }
    n_bytes
}
