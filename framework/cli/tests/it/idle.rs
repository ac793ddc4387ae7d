//! Partitions of Kafka that give nothing: which of them windows wait for.

use std::thread;
use std::time::Duration;

use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::DefaultProducerContext;

use crate::hits::{CONF, N_PARTITIONS, QUERY, Writer, broker, rows};
use crate::http::{ask, start_at};
use crate::shark::{Folder, Running, wait_until};

/// A daemon's folder with the use case of hits; a partition is idle after this time.
fn with_hits(bootstrap: &str, idle_timeout: &str) -> Folder {
    let folder = Folder::new();
    let window = format!("window = 60s\nidle_timeout = {idle_timeout}");
    let conf = CONF.replace("window = 60s", &window);
    folder.write("conf/hits/hits.conf", conf.replace("BROKER", bootstrap));
    folder.write("conf/hits/hits.sql", QUERY);
    folder
}

fn start(folder: &Folder) -> (Running, String) {
    start_at(folder, "127.0.0.1:0")
}

/// Puts a hit into a partition, so many seconds after the beginning.
fn put(writer: &mut Writer, partition: usize, seconds: u32, source: &str) {
    let record = format!(
        "{{\"t\": {}, \"source\": \"{source}\"}}",
        1_772_323_200 + seconds
    );
    writer.put(partition, Some(record.as_bytes()));
    writer.flush();
}

/// The value of a metric of a partition.
fn metric(http: &str, name: &str, partition: usize) -> Option<String> {
    let name = format!("datashark_{name}{{use_case=\"Hits\",partition=\"hits[{partition}]\"}} ");
    let (_, metrics) = ask(http, "/metrics", None);
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
    value.map(str::to_owned)
}

fn wait_for_metric(http: &str, name: &str, partition: usize, expected: &str) {
    wait_until(&format!("{name} of {partition} is {expected}"), || {
        metric(http, name, partition).as_deref() == Some(expected)
    });
}

/// Waits until there are as many rows as are expected, ends the daemon, and compares.
fn ends_with(folder: &Folder, mut running: Running, expected: &[(&str, u64)]) {
    wait_until("the window is out", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        rows(folder).len() >= expected.len()
    });
    running.signal("TERM");
    running.finish().ends(0);
    let found = rows(folder);
    let found: Vec<(&str, u64)> = found
        .iter()
        .map(|(_, source, count)| (source.as_str(), *count))
        .collect();
    assert_eq!(found, expected);
}

type Mock = MockCluster<'static, DefaultProducerContext>;

/// A daemon's folder, and a hit in each partition.
fn with_a_hit_in_each(mock: &Mock) -> (Folder, Writer) {
    let bootstrap = mock.bootstrap_servers();
    let folder = with_hits(&bootstrap, "1s");
    let mut writer = Writer::to(&bootstrap);
    for (partition, source) in [(0, "a"), (1, "b")] {
        put(&mut writer, partition, 10, source);
    }
    (folder, writer)
}

/// Two brokers, and a topic with a partition on each of them.
fn two_brokers() -> Mock {
    let mock = MockCluster::new(2).unwrap();
    mock.create_topic("hits", 2, 1).unwrap();
    mock.partition_leader("hits", 0, Some(1)).unwrap();
    mock.partition_leader("hits", 1, Some(2)).unwrap();
    let group = MockCoordinator::Group("datashark-Hits".to_owned());
    mock.coordinator(group, 1).unwrap();
    mock
}

#[test]
fn windows_wait_for_a_partition_that_was_empty_at_the_start() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let folder = with_hits(bootstrap, "10m");
    let mut writer = Writer::to(bootstrap);
    put(&mut writer, 0, 10, "a");
    let (running, http) = start(&folder);
    wait_for_metric(&http, "partition_offset", N_PARTITIONS - 1, "0");
    put(&mut writer, 0, 130, "a");
    wait_for_metric(&http, "records_read_total", 0, "2");
    // The others have had no record; theirs are of the same time.
    for partition in 1..N_PARTITIONS {
        put(&mut writer, partition, 20, "b");
        put(&mut writer, partition, 130, "b");
    }
    ends_with(
        &folder,
        running,
        &[("a", 1), ("b", N_PARTITIONS as u64 - 1)],
    );
}

#[test]
fn windows_wait_for_a_partition_whose_broker_is_slow() {
    let mock = two_brokers();
    let (folder, mut writer) = with_a_hit_in_each(&mock);
    let (running, http) = start(&folder);
    for partition in [0, 1] {
        wait_for_metric(&http, "records_read_total", partition, "1");
    }
    running.signal("TERM");
    running.finish().ends(0);
    assert_eq!(rows(&folder), [], "the window is still open");

    put(&mut writer, 0, 130, "a");
    put(&mut writer, 1, 20, "b");
    put(&mut writer, 1, 130, "b");
    // Longer than it takes to be idle.
    mock.broker_round_trip_time(2, Duration::from_secs(4))
        .unwrap();
    let (running, _) = start(&folder);
    ends_with(&folder, running, &[("a", 1), ("b", 2)]);
}

#[test]
fn windows_wait_for_a_partition_whose_broker_is_away() {
    let mock = two_brokers();
    let (folder, mut writer) = with_a_hit_in_each(&mock);
    let (running, http) = start(&folder);
    wait_for_metric(&http, "partition_idle", 1, "1");
    mock.broker_down(2).unwrap();
    wait_for_metric(&http, "partition_idle", 1, "0");
    put(&mut writer, 0, 130, "a");
    wait_for_metric(&http, "records_read_total", 0, "2");
    // Longer than it takes to be idle.
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(metric(&http, "partition_idle", 1).as_deref(), Some("0"));
    assert_eq!(rows(&folder), []);
    // When it is back and has nothing more, it is idle again.
    mock.broker_up(2).unwrap();
    ends_with(&folder, running, &[("a", 1), ("b", 1)]);
}
