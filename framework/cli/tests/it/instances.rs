//! Several instances of one use case in one consumer group, which come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use datashark_test_services::Service;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::shark::{Folder, Running, wait_until};

const CONF: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = kafka\noutput = csv\nwindow = 60s\ntimestamp_field = t\ntimestamp_format = epoch\n[codec]\nformat = json\n[in_kafka]\nbootstrap_servers = BROKER\ntopic = hits\n[[options]]\nsession.timeout.ms = 6000\n[out_csv]\npath = hits.csv\n";
const QUERY: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";
const N_PARTITIONS: usize = 8;
const N_SOURCES: usize = 200;
/// 2026-03-01, in seconds.
const START: usize = 1_772_323_200;

/// How often each source comes in each window, by the window's end.
type Counts = BTreeMap<(String, String), u64>;

/// What is written to the topic: a source's records are all in one partition.
struct Writer {
    producer: BaseProducer,
    n_written: usize,
    counts: Counts,
}

impl Writer {
    fn to(bootstrap: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        Writer {
            producer: config.create().unwrap(),
            n_written: 0,
            counts: Counts::new(),
        }
    }

    fn send(&self, partition: usize, payload: &str) {
        let record: BaseRecord<'_, str, str> = BaseRecord::to("hits")
            .partition(i32::try_from(partition).unwrap())
            .payload(payload);
        self.producer
            .send(record)
            .map_err(|(error, _)| error)
            .unwrap();
    }

    /// A minute's records, a hundred a second.
    fn minute(&mut self) {
        for _ in 0..6000 {
            let n = self.n_written;
            self.n_written += 1;
            // Neither evenly nor in turns.
            let source = (n * n + n / 7) % N_SOURCES;
            let time = START + n / 100;
            self.send(
                source % N_PARTITIONS,
                &format!("{{\"t\": {time}, \"source\": \"source {source}\"}}"),
            );
            let end = chrono::DateTime::from_timestamp((time / 60 * 60 + 60) as i64, 0).unwrap();
            let window = end.format("%Y-%m-%d %H:%M:%S").to_string();
            *self
                .counts
                .entry((window, format!("source {source}")))
                .or_default() += 1;
        }
        self.producer.flush(Duration::from_secs(60)).unwrap();
    }

    /// Writes until every instance that runs has found something more: until each has its share.
    fn write_until_found(&mut self, instances: &[Instance]) {
        let running: Vec<&Instance> = instances.iter().filter(|it| it.running.is_some()).collect();
        let before: Vec<usize> = running.iter().map(|it| it.rows().len()).collect();
        wait_until("each that runs has found more", || {
            self.minute();
            let now = running.iter().map(|it| it.rows().len());
            now.zip(&before).all(|(now, before)| now > *before)
        });
    }

    /// A record in each partition that is so late that all windows before it are due.
    fn close_windows(&self) {
        let time = START + self.n_written;
        for partition in 0..N_PARTITIONS {
            self.send(
                partition,
                &format!("{{\"t\": {time}, \"source\": \"last\"}}"),
            );
        }
        self.producer.flush(Duration::from_secs(60)).unwrap();
    }
}

/// An instance with its own folder.
struct Instance {
    folder: Folder,
    running: Option<Running>,
}

impl Instance {
    fn new(bootstrap: &str) -> Self {
        let folder = Folder::new();
        folder.write("conf/hits/hits.conf", CONF.replace("BROKER", bootstrap));
        folder.write("conf/hits/hits.sql", QUERY);
        Instance {
            folder,
            running: None,
        }
    }

    fn start(&mut self) {
        self.running = Some(self.folder.start(&["start"]));
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.signal("TERM");
        running.finish().ends(0);
    }

    /// The rows so far: window, source and count.
    fn rows(&self) -> Vec<(String, String, u64)> {
        let text = self.folder.read("hits.csv");
        // The last row may be half written.
        let rows = text.split_inclusive('\n').filter(|row| row.ends_with('\n'));
        let row = |row: &str| {
            let fields: Vec<&str> = row.trim_end().split(',').collect();
            let window = fields[0].replace('T', " ");
            let count = fields[2].parse().unwrap();
            (window[..19].to_owned(), fields[1].to_owned(), count)
        };
        rows.map(row).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let (true, Some(running)) = (std::thread::panicking(), &self.running) {
            eprintln!("an instance said:\n{}", running.stderr());
        }
    }
}

/// What all instances have found. The same window of a source may be found twice, with one count.
fn found(instances: &[Instance]) -> Counts {
    let mut found = Counts::new();
    for (window, source, count) in instances.iter().flat_map(Instance::rows) {
        let place = (window, source);
        if let Some(before) = found.insert(place.clone(), count) {
            assert_eq!(before, count, "{place:?}");
        }
    }
    found
}

#[test]
fn instances_that_come_and_go_find_what_one_would_find() {
    let settings = [(
        "SETTINGS",
        "num.partitions=8 auto.create.topics.enable=true group.initial.rebalance.delay.ms=0",
    )];
    let Some(broker) = Service::start_with("kafka", &settings) else {
        return;
    };
    let bootstrap = broker.value("bootstrap");
    let mut writer = Writer::to(bootstrap);
    let mut instances: Vec<Instance> = (0..4).map(|_| Instance::new(bootstrap)).collect();
    instances[0].start();
    instances[1].start();
    writer.write_until_found(&instances);
    instances[2].start();
    instances[3].start();
    writer.write_until_found(&instances);
    instances[1].kill();
    writer.write_until_found(&instances);
    instances[0].stop();
    instances[1].start();
    writer.write_until_found(&instances);
    instances[2].kill();
    instances[3].stop();
    instances[0].start();
    writer.write_until_found(&instances);
    instances[1].stop();
    writer.write_until_found(&instances);
    writer.close_windows();
    wait_until("all of it is found", || {
        found(&instances).len() >= writer.counts.len()
    });
    let wrong: Vec<_> = found(&instances)
        .into_iter()
        .filter(|(place, count)| writer.counts.get(place) != Some(count))
        .collect();
    assert!(wrong.is_empty(), "{} are wrong: {wrong:?}", wrong.len());
    instances[0].stop();
}
