//! A damaged checkpoint of a use case that reads from Kafka: the consumer group, which has gone further, goes
//! back with the state folder, and every window comes out once.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::hits::{CONF, Counts, N_PARTITIONS, QUERY, Writer, broker, rows};
use crate::shark::{Folder, wait_until};

const BOUND: Duration = Duration::from_secs(60);

/// Where a checkpoint says that each partition goes on; nothing while it is being written.
fn offsets(folder: &Folder, file: &str) -> Option<BTreeMap<String, u64>> {
    let text = folder.read(&format!("state/hits/{file}"));
    let checkpoint: serde_json::Value = serde_json::from_str(&text).ok()?;
    let partitions = checkpoint["partitions"].as_object()?.iter();
    let offset =
        |(id, it): (&String, &serde_json::Value)| Some((id.clone(), it["offset"].as_u64()?));
    partitions.map(offset).collect()
}

/// What the group has committed.
fn committed(broker: &Service) -> BTreeMap<String, u64> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.value("bootstrap"));
    let consumer: BaseConsumer = config.set("group.id", "datashark-hits").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range("hits", 0, i32::try_from(N_PARTITIONS).unwrap() - 1);
    let found = consumer.committed_offsets(list, BOUND).unwrap();
    let offsets = found.elements().into_iter().map(|it| {
        let offset = match it.offset() {
            Offset::Offset(offset) => u64::try_from(offset).unwrap(),
            _ => 0,
        };
        (format!("hits[{}]", it.partition()), offset)
    });
    offsets.collect()
}

/// Whether one is behind the other in some partition.
fn is_behind(one: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>) -> bool {
    one.iter().any(|(id, offset)| other.get(id) > Some(offset))
}

#[test]
fn a_damaged_checkpoint_takes_the_group_back_and_every_window_is_there_once() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let folder = Folder::new();
    folder.write("conf/hits/hits.conf", CONF.replace("BROKER", bootstrap));
    folder.write("conf/hits/hits.sql", QUERY);
    let mut writer = Writer::to(bootstrap);
    wait_until("the group is beyond the checkpoint before the last", || {
        let running = folder.start(&["start"]);
        let is_beyond = || {
            let previous = offsets(&folder, "checkpoint.previous.json");
            previous.is_some_and(|previous| is_behind(&previous, &committed(&broker)))
        };
        wait_until("it is so while it runs", || {
            writer.minute();
            !rows(&folder).is_empty() && is_beyond()
        });
        running.kill();
        // The kill may have come between a further checkpoint and the group's commit.
        is_beyond()
    });
    let path = folder.path("state/hits/checkpoint.json");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&path, bytes).unwrap();

    writer.close_windows();
    let mut running = folder.start(&["start"]);
    wait_until("all of it is found", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        rows(&folder).len() >= writer.counts.len()
    });
    running.signal("TERM");
    let said = "state/hits/checkpoint.json: damaged (";
    running.finish().ends(0).says(&[said]);
    let rows = rows(&folder);
    assert_eq!(rows.len(), writer.counts.len(), "each row once");
    let row = |(window, source, count)| ((window, source), count);
    let found: Counts = rows.into_iter().map(row).collect();
    assert!(found == writer.counts, "the rows are not those expected");
}
