//! A use case over the past of a topic of a real Kafka, beside its live run.

use std::time::Duration;

use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::replay::{shown, snapshot};
use crate::shark::{Folder, wait_until};

/// Longer than any machine is busy.
const BOUND: Duration = Duration::from_secs(240);
/// 2024-03-01T12:00:00Z in milliseconds.
const NOON: i64 = 1_709_294_400_000;

/// By arrival.
const HITS: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = kafka\noutput = csv\nwindow = 60s\n[codec]\nformat = json\n[in_kafka]\nbootstrap_servers = BROKER\ntopic = hits\ngroup = analysts\n[out_csv]\npath = out.csv\n";
const COUNT: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";

/// A broker whose topics have two partitions, and keep records of the past: those of more than seven
/// days ago would be removed within a minute.
fn broker() -> Option<Service> {
    let settings = "auto.create.topics.enable=true num.partitions=2 log.retention.ms=-1";
    Service::start_with("kafka", &[("SETTINGS", settings)])
}

fn config(broker: &Service) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.value("bootstrap"));
    config
}

/// Writes hits, each with its partition, the second after noon of its record and that of its own, and
/// its source.
fn write(broker: &Service, hits: &[(i32, i64, i64, &str)]) {
    let producer: BaseProducer = config(broker).set("acks", "all").create().unwrap();
    for (partition, arrived, happened, source) in hits {
        let millis = NOON + happened * 1000;
        let hit = format!("{{\"time\": {millis}, \"source\": \"{source}\"}}");
        let record: BaseRecord<'_, (), str> = BaseRecord::to("hits")
            .partition(*partition)
            .timestamp(NOON + arrived * 1000)
            .payload(&hit);
        producer.send(record).unwrap();
    }
    producer.flush(BOUND).unwrap();
}

/// Makes the topic.
fn make_topic(broker: &Service) {
    let producer: BaseProducer = config(broker).create().unwrap();
    wait_until("the topic is there", || {
        let metadata = producer
            .client()
            .fetch_metadata(Some("hits"), BOUND)
            .unwrap();
        metadata.topics()[0].partitions().len() == 2
    });
}

/// What the group has committed.
fn committed(broker: &Service) -> Vec<Option<i64>> {
    let consumer: BaseConsumer = config(broker).set("group.id", "analysts").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range("hits", 0, 1);
    let found = consumer.committed_offsets(list, BOUND).unwrap();
    let offsets = found.elements().into_iter().map(|it| match it.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    });
    offsets.collect()
}

fn folder(broker: &Service) -> Folder {
    let folder = Folder::new();
    let conf = HITS.replace("BROKER", broker.value("bootstrap"));
    folder.write("hits.conf", &conf);
    let by_event = conf.replace(
        "window = 60s",
        "window = 60s\ntimestamp_field = time\ntimestamp_format = epoch_ms",
    );
    folder.write("event.conf", &by_event);
    let filter = "[log_filter]\n[[exclude]]\nsource = b\n";
    folder.write("filtered.conf", by_event.clone() + filter);
    folder.write(
        "late.conf",
        by_event.replace("window = 60s", "window = 60s\nallowed_lateness = 2m"),
    );
    folder.write("hits.sql", COUNT);
    folder
}

#[test]
fn the_past_of_a_topic_is_replayed_beside_a_live_run_that_does_not_notice() {
    let Some(broker) = broker() else { return };
    make_topic(&broker);
    // By arrival and by their own times the hits are of other windows.
    let hits = [
        (0, 10, 10, "a"),
        (1, 20, 15, "b"),
        (0, 70, 55, "a"),
        (1, 80, 75, "b"),
        (0, 130, 125, "c"),
        (1, 190, 185, "d"),
    ];
    write(&broker, &hits);
    let folder = folder(&broker);
    // A group that has read all, and an instance that is still in it.
    let live = folder.start(&["standalone", "hits.conf"]);
    wait_until("all is read", || folder.len("state/hits/arrivals") > 0);
    let noon = "2024-03-01T12:00:00Z";
    let replay =
        |conf: &str, args: &[&str]| folder.run(&[&["replay", conf], args].concat()).ends(0);
    let by_arrival = replay("hits.conf", &[]);
    let expected = [
        shown("12:01:00", &["'a', 1", "'b', 1"]),
        shown("12:02:00", &["'a', 1", "'b', 1"]),
        shown("12:03:00", &["'c', 1"]),
        shown("12:04:00", &["'d', 1"]),
    ];
    assert_eq!(by_arrival.stdout, expected.concat());
    assert_eq!(by_arrival.account(), [6, 0, 0, 0, 6]);
    let by_event = replay(
        "event.conf",
        &["--from", noon, "--to", "2024-03-01T12:03:00Z"],
    );
    let expected = [
        shown("12:01:00", &["'a', 2", "'b', 1"]),
        shown("12:02:00", &["'b', 1"]),
        shown("12:03:00", &["'c', 1"]),
    ];
    assert_eq!(by_event.stdout, expected.concat());
    // Reading begins with what came at that time.
    let later = replay("event.conf", &["--from", "2024-03-01T12:02:00Z"]);
    assert_eq!(later.account(), [2, 0, 0, 0, 2]);
    let later = replay("late.conf", &["--from", "2024-03-01T12:02:00Z"]);
    assert_eq!(later.account(), [6, 4, 0, 0, 2]);
    let expected = [
        shown("12:03:00", &["'c', 1"]),
        shown("12:04:00", &["'d', 1"]),
    ];
    assert_eq!(later.stdout, expected.concat());
    let diff = replay("event.conf", &["--diff", "filtered.conf"]);
    assert_eq!(
        diff.stdout,
        "- [2024-03-01T12:00:00Z, 2024-03-01T12:01:00Z) 'b' 1\n\
         - [2024-03-01T12:01:00Z, 2024-03-01T12:02:00Z) 'b' 1\n"
    );
    // The live run has kept its partitions, and each record is counted once.
    live.signal("TERM");
    live.finish().ends(0);
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(committed(&broker), [Some(3), Some(3)]);
    let rows = folder.rows("out.csv");
    let counts = rows.iter().map(|row| row.split_once(',').unwrap().1);
    let n_hits: u64 = counts.map(|count| count.parse::<u64>().unwrap()).sum();
    assert_eq!(n_hits, 6, "{rows:?}");
}

#[test]
fn neither_the_offsets_of_a_group_nor_its_state_are_moved() {
    let Some(broker) = broker() else { return };
    make_topic(&broker);
    write(&broker, &[(0, 10, 10, "a"), (1, 20, 20, "b")]);
    let folder = folder(&broker);
    folder.run(&["replay", "event.conf"]).ends(0);
    // A group that has never read has committed nothing.
    assert_eq!(committed(&broker), [None, None]);
    folder.run(&["standalone", "--once", "event.conf"]).ends(0);
    let before = committed(&broker);
    assert_eq!(before, [Some(1), Some(1)]);
    write(&broker, &[(0, 70, 70, "c"), (0, 80, 80, "c")]);
    let files = snapshot(&folder);
    let expected = [
        shown("12:01:00", &["'a', 1", "'b', 1"]),
        shown("12:02:00", &["'c', 2"]),
    ];
    for _ in 0..2 {
        let ran = folder.run(&["replay", "event.conf"]).ends(0);
        assert_eq!(ran.stdout, expected.concat());
    }
    folder
        .run(&["replay", "event.conf", "--diff", "filtered.conf"])
        .ends(0);
    assert_eq!(committed(&broker), before);
    assert_eq!(snapshot(&folder), files);
    // The live run reads on where it was.
    let ran = folder.run(&["standalone", "--once", "event.conf"]).ends(0);
    assert_eq!(ran.account(), [2, 0, 0, 0, 2]);
}

#[test]
fn a_backfill_gives_the_outputs_the_findings_with_the_ids_of_the_live_run() {
    let Some(broker) = broker() else { return };
    make_topic(&broker);
    write(
        &broker,
        &[(0, 10, 10, "a"), (1, 20, 20, "b"), (0, 70, 70, "c")],
    );
    let folder = folder(&broker);
    let to_kafka = folder
        .read("event.conf")
        .replace("output = csv", "output = kafka")
        .replace(
            "[out_csv]\npath = out.csv\n",
            "[out_kafka]\nbootstrap_servers = BROKER\ntopic = found\n",
        )
        .replace("BROKER", broker.value("bootstrap"));
    folder.write("event.conf", &to_kafka);
    folder.run(&["standalone", "--once", "event.conf"]).ends(0);
    let args = [
        "replay",
        "event.conf",
        "--deliver",
        "--to",
        "2024-03-01T12:01:00Z",
    ];
    let ran = folder.run(&args).ends(0).prints_nothing();
    ran.says(&[
        "output `kafka` does not overwrite: findings that it was given before come again, with the same",
        "2 findings in 1 window",
    ]);
    let mut ids = found(&broker, 5);
    ids.sort();
    let n_of = |id: &String| ids.iter().filter(|it| *it == id).count();
    let mut times: Vec<usize> = ids.iter().map(n_of).collect();
    times.sort_unstable();
    assert_eq!(times, [1, 2, 2, 2, 2], "{ids:?}");
}

/// The ids of so many findings of the topic `found`.
fn found(broker: &Service, n: usize) -> Vec<String> {
    let consumer: BaseConsumer = config(broker)
        .set("group.id", "reader")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&["found"]).unwrap();
    let mut ids = Vec::new();
    wait_until("the findings are read", || {
        if let Some(Ok(record)) = consumer.poll(Duration::from_millis(20)) {
            let header = record.headers().unwrap().get(0);
            assert_eq!(header.key, "id");
            ids.push(String::from_utf8(header.value.unwrap().to_vec()).unwrap());
        }
        ids.len() >= n
    });
    ids
}
