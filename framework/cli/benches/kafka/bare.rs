//! The limit: a consumer of librdkafka that polls every record and looks at its length.
//!
//! It is a process of its own, so that what it takes of the machine is its own.

use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::rates::Measured;
use crate::usage::Usage;

const ASKED: &str = "DATASHARK_BARE";
const BOUND: Duration = Duration::from_secs(600);

/// What this process is asked to read, where it is one that reads.
pub(crate) fn asked() -> Option<String> {
    std::env::var(ASKED).ok()
}

/// Reads a topic in a process of its own.
pub(crate) fn measure(broker: &str, topic: &str, n_partitions: u64, n_records: u64) -> Measured {
    let asked = format!("{broker} {topic} {n_partitions} {n_records}");
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ASKED, asked)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let values: Vec<f64> = text
        .split_whitespace()
        .map(|value| value.parse().unwrap())
        .collect();
    Measured {
        n_records,
        seconds: values[0],
        cpu_seconds: values[1],
        peak_bytes: values[2] as u64,
    }
}

/// Reads a topic and says what that took: seconds, seconds of the processors, bytes.
pub(crate) fn run(asked: &str) {
    let asked: Vec<&str> = asked.split(' ').collect();
    let (broker, topic) = (asked[0], asked[1]);
    let n_partitions: i32 = asked[2].parse().unwrap();
    let n_records: u64 = asked[3].parse().unwrap();
    let started = Instant::now();
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config
        .set("bootstrap.servers", broker)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
        // As the input has them; with librdkafka's own it is not faster.
        .set("queued.max.messages.kbytes", "32768")
        .set("fetch.queue.backoff.ms", "5")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..n_partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut n_read, mut n_bytes) = (0, 0);
    while n_read < n_records {
        if let Some(record) = consumer.poll(BOUND) {
            n_bytes += record.unwrap().payload().map_or(0, <[u8]>::len);
            n_read += 1;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let usage = Usage::of(std::process::id());
    assert!(n_bytes > 0);
    println!("{seconds} {} {}", usage.cpu_seconds, usage.peak_bytes);
}
