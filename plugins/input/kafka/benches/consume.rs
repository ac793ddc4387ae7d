//! Records a second: the input's, and beside it, in the same run over the same topic, those of a bare
//! consumer that looks at each record's length and at nothing else.
//!
//! 400-byte JSON of 12 members, one partition and four; everything is on this machine, broker included.
//! `cargo bench -p datashark-input-kafka`; N_RECORDS is how many records a partition has (1,000,000).

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]
#![expect(clippy::disallowed_methods, reason = "time is measured")]

use std::time::{Duration, Instant};

use datashark_input_kafka::Kafka;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{InputEntry, InputEvent, Open};
use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const BOUND: Duration = Duration::from_secs(600);
const ROUNDS: usize = 3;

fn record(n: u64) -> String {
    format!(
        r#"{{"timestamp":"2026-01-01T00:00:{:02}Z","source_ip":"198.51.{}.{}","source_port":{},"destination_ip":"203.0.113.7","destination_port":443,"method":"GET","path":"/articles/{n}/comments?page=2","status":{},"bytes":{},"referrer":"https://www.example.com/articles/{n}","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0","duration_ms":{}}}"#,
        n % 60,
        n / 256 % 256,
        n % 256,
        n % 60_000,
        200 + n % 5 * 100,
        n * 7 % 100_000,
        n % 900
    )
}

fn config(broker: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker);
    config
}

fn fill(broker: &str, topic: &str, n_partitions: i32, n_records: u64) {
    let producer: BaseProducer = config(broker)
        .set("linger.ms", "50")
        .set("compression.type", "lz4")
        .create()
        .unwrap();
    for n in 0..n_records * n_partitions as u64 {
        let payload = record(n);
        let partition = (n % n_partitions as u64) as i32;
        let mut unsent: BaseRecord<'_, (), String> =
            BaseRecord::to(topic).payload(&payload).partition(partition);
        while let Err((_, again)) = producer.send(unsent) {
            producer.poll(Duration::from_millis(10));
            unsent = again;
        }
    }
    producer.flush(BOUND).unwrap();
}

/// The limit: every record is polled.
fn bare(broker: &str, topic: &str, n_partitions: i32, n_records: u64) -> (u64, u64) {
    let consumer: BaseConsumer = config(broker)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
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
    while n_read < n_records * n_partitions as u64 {
        if let Some(record) = consumer.poll(BOUND) {
            n_bytes += record.unwrap().payload().map_or(0, <[u8]>::len) as u64;
            n_read += 1;
        }
    }
    (n_read, n_bytes)
}

async fn ours(broker: &str, topic: &str) -> (u64, u64) {
    let section = Section::from_iter([
        ("bootstrap_servers", broker),
        ("topic", topic),
        ("group", "ours"),
    ]);
    let open = Open {
        once: true,
        ..Open::default()
    };
    let mut input = InputEntry::of::<Kafka>()
        .open(&section, open)
        .await
        .unwrap();
    let (mut n_read, mut n_bytes) = (0, 0);
    while let Some(event) = input.next().await.unwrap() {
        if let InputEvent::Batch(batch) = event {
            n_read += batch.len() as u64;
            n_bytes += batch.n_bytes;
        }
    }
    (n_read, n_bytes)
}

fn tell(name: &str, started: Instant, (n_records, n_bytes): (u64, u64)) {
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{name:<24} {:>10.0} records/s {:>8.0} MB/s",
        n_records as f64 / seconds,
        n_bytes as f64 / seconds / 1e6
    );
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` only looks whether it runs.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let usual = if is_test { 1000 } else { 1_000_000 };
    let n_records = std::env::var("N_RECORDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual);
    let Some(service) = Service::start("kafka") else {
        return;
    };
    let broker = service.value("bootstrap");
    for n_partitions in [1, 4] {
        let topic = format!("bench-{n_partitions}");
        let admin: AdminClient<DefaultClientContext> = config(broker).create().unwrap();
        let new = NewTopic::new(&topic, n_partitions, TopicReplication::Fixed(1));
        admin
            .create_topics([&new], &AdminOptions::new())
            .await
            .unwrap();
        fill(broker, &topic, n_partitions, n_records);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            tell(
                &format!("bare/{n_partitions}"),
                started,
                bare(broker, &topic, n_partitions, n_records),
            );
            let started = Instant::now();
            tell(
                &format!("input/{n_partitions}"),
                started,
                ours(broker, &topic).await,
            );
        }
    }
}
