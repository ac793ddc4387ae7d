//! dataShark as a daemon over a topic of a real Kafka, beside a bare consumer of librdkafka: how fast it
//! is, and how it is after a long time.
//!
//!     cargo bench -p datashark --bench kafka               # rates, of one partition and of four
//!     cargo bench -p datashark --bench kafka -- poison     # rates with and without records that are none
//!     cargo bench -p datashark --bench kafka -- soak       # samples of a long run, as tests/soak/run.sh asks
//!
//! Broker, producer and daemon are on this machine. The daemon is started anew for each figure, filters
//! by an include and an exclude, counts the records of each source and minute and writes them to a CSV
//! file; the figure counts from the process's start to the last row, and every row is looked at.
//! `N_RECORDS` is how many records a topic has (4,000,000).

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]
#![expect(clippy::disallowed_methods, reason = "time is measured")]

mod bare;
mod daemon;
mod expected;
mod rates;
mod soak;
/// The same as in the bench of the input alone.
#[path = "../../../../plugins/input/kafka/benches/consume/topic.rs"]
mod topic;
mod usage;

use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

const SETTINGS: &str = "group.initial.rebalance.delay.ms=0 message.max.bytes=30000000 \
                        log.segment.bytes=134217728 log.retention.bytes=536870912 \
                        log.retention.check.interval.ms=10000 log.segment.delete.delay.ms=1000";

fn main() {
    if let Some(asked) = bare::asked() {
        return bare::run(&asked);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wants = |what: &str| arguments.iter().any(|argument| argument == what);
    // `cargo test --benches` only looks whether it runs.
    let is_test = !wants("--bench");
    match () {
        () if wants("soak") => soak::run(),
        () if wants("poison") => rates::poison(number("N_RECORDS", 4_000_000)),
        () if is_test => rates::run(10_000, 1),
        () => rates::run(number("N_RECORDS", 4_000_000), 3),
    }
}

/// A number of the environment.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// A broker with further settings. Of a partition 512 MiB stay, unless these say otherwise.
fn broker(further: &str) -> Option<Service> {
    let settings = format!("{SETTINGS} {further}");
    Service::start_with("kafka", &[("SETTINGS", &settings)])
}

/// Makes a topic.
fn create(broker: &str, topic: &str, n_partitions: u64) {
    let n_partitions = i32::try_from(n_partitions).unwrap();
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> =
        config.set("bootstrap.servers", broker).create().unwrap();
    let new = NewTopic::new(topic, n_partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let creating = admin.create_topics([&new], &AdminOptions::new());
    runtime.unwrap().block_on(creating).unwrap();
}
