//! Hits in a topic of Kafka, and what is to be found in them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use datashark_test_services::Service;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};

use crate::shark::Folder;

/// Hits per source and minute, by the time in the record; `BROKER` is to be replaced.
pub(crate) const CONF: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = kafka\noutput = csv\nwindow = 60s\ntimestamp_field = t\ntimestamp_format = epoch\n[codec]\nformat = json\n[in_kafka]\nbootstrap_servers = BROKER\ntopic = hits\n[[options]]\nsession.timeout.ms = 6000\n[out_csv]\npath = hits.csv\n";
pub(crate) const QUERY: &str =
    "SELECT source AS key, count(*) AS score FROM records GROUP BY source";
/// Longer than any machine is busy.
const BOUND: Duration = Duration::from_secs(240);
pub(crate) const N_PARTITIONS: usize = 8;
/// The largest record that the broker and its producers take.
const MAX_RECORD: &str = "30000000";
const N_SOURCES: usize = 200;
/// 2026-03-01, in seconds.
const START: usize = 1_772_323_200;

/// How often each source comes in each window, by the window's end.
pub(crate) type Counts = BTreeMap<(String, String), u64>;

/// Why a record was not written, where one was not.
#[derive(Default)]
struct Undelivered(Mutex<Option<KafkaError>>);

impl ClientContext for Undelivered {}

impl ProducerContext for Undelivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap().get_or_insert(error.clone());
        }
    }
}

/// What is written to the topic: a source's records are all in one partition.
pub(crate) struct Writer {
    producer: BaseProducer<Undelivered>,
    n_written: usize,
    n_in_partition: [u64; N_PARTITIONS],
    pub(crate) counts: Counts,
}

impl Writer {
    pub(crate) fn to(bootstrap: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        // Each record once, also when the broker goes and comes again.
        config.set("enable.idempotence", "true");
        config.set("message.max.bytes", MAX_RECORD);
        Writer {
            producer: config.create_with_context(Undelivered::default()).unwrap(),
            n_written: 0,
            n_in_partition: [0; N_PARTITIONS],
            counts: Counts::new(),
        }
    }

    fn send(&mut self, partition: usize, payload: &str) {
        self.put(partition, Some(payload.as_bytes()));
    }

    /// Writes a value, or a null, to a partition; gives its offset, as nobody else writes there.
    pub(crate) fn put(&mut self, partition: usize, payload: Option<&[u8]>) -> u64 {
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to("hits").partition(i32::try_from(partition).unwrap());
        record.payload = payload;
        while let Err((error, again)) = self.producer.send(record) {
            let code = error.rdkafka_error_code();
            assert_eq!(code, Some(RDKafkaErrorCode::QueueFull), "{error}");
            // What was delivered makes room.
            self.producer.poll(Duration::from_millis(10));
            record = again;
        }
        let offset = self.n_in_partition[partition];
        self.n_in_partition[partition] += 1;
        offset
    }

    /// A minute and ten seconds of records: a window is half written behind it.
    pub(crate) fn minute(&mut self) {
        self.write(7000);
        self.flush();
    }

    /// Waits until all is written.
    pub(crate) fn flush(&self) {
        self.producer.flush(BOUND).unwrap();
        let undelivered = self.producer.context().0.lock().unwrap();
        assert_eq!(*undelivered, None, "a record was not written");
    }

    /// So many records, a hundred a second of their own time.
    pub(crate) fn write(&mut self, n_records: usize) {
        for _ in 0..n_records {
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
    }

    /// A record in each partition that is so late that all windows before it are due.
    pub(crate) fn close_windows(&mut self) {
        let time = START + self.n_written;
        for partition in 0..N_PARTITIONS {
            self.send(
                partition,
                &format!("{{\"t\": {time}, \"source\": \"last\"}}"),
            );
        }
        self.flush();
    }
}

/// A broker that makes the topic when it is asked for.
pub(crate) fn broker() -> Option<Service> {
    let settings = format!(
        "num.partitions={N_PARTITIONS} auto.create.topics.enable=true \
         group.initial.rebalance.delay.ms=0 message.max.bytes={MAX_RECORD}"
    );
    Service::start_with("kafka", &[("SETTINGS", &settings)])
}

/// The rows of the csv file so far: window, source and count.
pub(crate) fn rows(folder: &Folder) -> Vec<(String, String, u64)> {
    rows_of(folder, "hits.csv")
}

/// As [`rows`], of another file.
pub(crate) fn rows_of(folder: &Folder, file: &str) -> Vec<(String, String, u64)> {
    let text = folder.read(file);
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
