//! Records a second: the input's, and beside it, in the same run over the same topic, those of a bare
//! consumer that looks at each record's length and at nothing else.
//!
//! 400-byte JSON of 12 members, one partition and four; everything is on this machine, broker included.
//! What the whole of dataShark makes of it is `cargo bench -p datashark --bench kafka`.
//! `cargo bench -p datashark-input-kafka`; N_RECORDS is how many records a partition has (1,000,000).

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]
#![expect(clippy::disallowed_methods, reason = "time is measured")]

mod topic;

use std::time::Instant;

use datashark_input_kafka::Kafka;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{InputEntry, InputEvent, Open};
use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use topic::Filler;

const ROUNDS: usize = 3;

fn config(broker: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker);
    config
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
        let filler = Filler::new(broker, &topic, n_partitions as u64);
        let n_records = filler.fill(n_records * n_partitions as u64);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            tell(
                &format!("bare/{n_partitions}"),
                started,
                (
                    n_records,
                    topic::poll_all(broker, &topic, n_partitions, n_records),
                ),
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
