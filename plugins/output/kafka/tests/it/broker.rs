//! A broker, its topics and what is in them.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Longer than any machine is busy.
const BOUND: Duration = Duration::from_secs(240);

/// A record as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) partition: i32,
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) millis: i64,
    pub(crate) json: String,
}

pub(crate) async fn create_topic(bootstrap: &str, name: &str, n_partitions: i32, n_copies: i32) {
    create_topic_with(bootstrap, name, n_partitions, n_copies, "1000000").await;
}

/// With a limit of a batch.
pub(crate) async fn create_topic_with(
    bootstrap: &str,
    name: &str,
    n_partitions: i32,
    n_copies: i32,
    max_bytes: &str,
) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .unwrap();
    let topic = NewTopic::new(name, n_partitions, TopicReplication::Fixed(n_copies))
        .set("max.message.bytes", max_bytes);
    let made = admin.create_topics([&topic], &AdminOptions::new()).await;
    made.unwrap().into_iter().for_each(|it| drop(it.unwrap()));
}

/// All records of a topic.
pub(crate) fn arrived(bootstrap: &str, topic: &str, n_partitions: i32) -> Vec<Arrived> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "reader")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    let mut ends = BTreeMap::new();
    for partition in 0..n_partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
        let (_, end) = consumer.fetch_watermarks(topic, partition, BOUND).unwrap();
        ends.insert(partition, end);
    }
    consumer.assign(&list).unwrap();
    let mut arrived = Vec::new();
    ends.retain(|_, end| *end > 0);
    while !ends.is_empty() {
        let Some(Ok(record)) = consumer.poll(BOUND) else {
            continue;
        };
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        let id = record.headers().unwrap().get(0);
        assert_eq!(id.key, "id");
        arrived.push(Arrived {
            partition: record.partition(),
            key: text(record.key()),
            id: text(id.value),
            millis: record.timestamp().to_millis().unwrap(),
            json: text(record.payload()),
        });
        if ends
            .get(&record.partition())
            .is_some_and(|end| record.offset() + 1 >= *end)
        {
            ends.remove(&record.partition());
        }
    }
    arrived
}
