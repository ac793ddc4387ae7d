//! The kafka output: a record for each finding, in a topic of Apache Kafka.
//!
//! `output = kafka`, `[out_kafka]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `topic` | needed | the topic |
//! | `pkey` | `source_ip` | the name of the key in the document |
//! | `score` | `anomaly_score` | the name of the score |
//! | `title` | `Use Case` | the document's title |
//! | `max_size` | `1MB` | the largest record; a larger one is refused |
//! | `timeout` | `30s` | how long the brokers may take before a finding is tried again |
//!
//! and [how to connect](datashark_kafka_connection): `bootstrap_servers` (or `host` and `port`), `tls`,
//! `ca_file`, `sasl`, `user`, `password`, …, and any property of librdkafka under `[[options]]`.
//!
//! ```ini
//! output = kafka
//! [out_kafka]
//!     bootstrap_servers = kafka-1:9092, kafka-2:9092
//!     topic = findings
//!     [[options]]
//!         compression.type = zstd
//! ```
//!
//! # A record
//! The value is the finding's [document](datashark_sdk::document), JSON; the key is the finding's key, so
//! that all of one key are in one partition, in order (by Kafka's own hash, murmur2, as Java's clients
//! do); the timestamp is the finding's time, the window's end. The header `id` has the finding's id, by
//! which a reader can leave out doubles.
//!
//! # Delivery
//! The producer is idempotent with `acks = all`: what librdkafka sends again after a broken connection or
//! a broker's restart is there once. (A restarted broker has forgotten a producer whose last timestamp is
//! older than its `producer.id.expiration.ms`, a day: findings of older windows, as of a backfill, may
//! then be there twice, with the same `id`.) A finding is delivered when all replicas in sync have it. One for
//! which that is not known within `timeout` is tried again by the engine, and may then be there twice,
//! with the same `id`; so may those that a crash left unacknowledged. A topic's `max.message.bytes` limits
//! batches of records, compressed; where a batch is too large, smaller ones follow, and a record that is
//! too large by itself is refused with its reason; all else is tried again: brokers that are away, a topic that is not there, a
//! login that is refused.
//!
//! # Limits
//! What waits in librdkafka is one write: at most 10,000 findings, or one window.

mod conf;
mod delivery;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datashark_kafka_connection::{Complaints, Connection};
use datashark_sdk::conf::Problems;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::{Fate, FindingsBatch, Gather, OpenOutput, Outcome, Output};
use datashark_sdk::{Error, Findings, Result, Window};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

pub use conf::KafkaOutputConf;
use delivery::{Context, Deliveries, Place};

/// The most findings of a write, in whole windows.
const MAX_FINDINGS: usize = 10_000;
/// How long findings wait for more.
const MAX_AGE: Duration = Duration::from_millis(200);
/// How long to wait for room in librdkafka's queue.
const ROOM: Duration = Duration::from_millis(10);
/// About how many bytes are encoded at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// How large a batch of records may be at first: librdkafka's own.
const BATCH_BYTES: usize = 1_000_000;
/// The header with the finding's id.
const ID: &str = "id";

/// What is set where the options do not say otherwise.
const USUAL: [(&str, &str); 2] = [
    // As Java's clients share keys out, so that one topic has one way.
    ("partitioner", "murmur2_random"),
    // How soon a topic that appears is found; librdkafka's is five minutes.
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// The kafka output.
pub struct Kafka {
    connection: Connection,
    client: ClientConfig,
    producer: ThreadedProducer<Context>,
    /// How large a batch of records may be.
    batch_bytes: usize,
    topic: String,
    names: DocumentNames,
    json: Vec<u8>,
}

#[async_trait]
impl Output for Kafka {
    type Conf = KafkaOutputConf;
    const NAME: &'static str = "kafka";
    const ABOUT: &'static str = "a topic of Apache Kafka, one JSON record per finding";

    fn check(conf: &KafkaOutputConf) -> Problems {
        conf.problems()
    }

    fn servers(conf: &KafkaOutputConf) -> Vec<String> {
        let servers = conf.connection().servers();
        servers.split(',').map(str::to_owned).collect()
    }

    fn gather(_: &KafkaOutputConf) -> Gather {
        Gather {
            max_findings: MAX_FINDINGS,
            max_age: MAX_AGE,
        }
    }

    async fn open(conf: KafkaOutputConf, open: OpenOutput) -> Result<Self> {
        conf.problems().or_ok(())?;
        let names = conf.names();
        check_types(&open, &names)?;
        let connection = conf.connection();
        let client = client(&conf, &connection)?;
        let batch_bytes = client
            .get("batch.size")
            .and_then(|bytes| bytes.parse().ok());
        let batch_bytes = batch_bytes.unwrap_or(BATCH_BYTES);
        Ok(Kafka {
            producer: producer(&client, &connection, batch_bytes)?,
            batch_bytes,
            connection,
            client,
            topic: conf.topic,
            names,
            json: Vec::new(),
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let context = self.producer.context();
        let batch_bytes = context.batch_bytes();
        if context.is_broken() || batch_bytes != self.batch_bytes {
            match producer(&self.client, &self.connection, batch_bytes) {
                Ok(producer) => (self.producer, self.batch_bytes) = (producer, batch_bytes),
                Err(error) => return Outcome::Again(error.to_string()),
            }
        }
        let n_findings = batches.iter().map(|batch| batch.findings.len()).sum();
        let deliveries = Deliveries::new(n_findings);
        let mut first_idx = 0;
        for batch in batches {
            if let Err(error) = self.send(batch, &deliveries, first_idx).await {
                return Outcome::Stop(error);
            }
            first_idx += batch.findings.len();
        }
        let fates = deliveries.all().await;
        match fates.iter().all(|fate| *fate == Fate::Safe) {
            true => Outcome::Safe,
            false => Outcome::Each(fates),
        }
    }

    fn delivered(&self, n_findings: usize) -> String {
        let servers = self.connection.servers();
        format!(
            "Written {n_findings} Documents to Kafka {servers}, topic {}",
            self.topic
        )
    }
}

impl Kafka {
    /// Hands the findings of a batch to librdkafka, which tells their fates.
    async fn send(
        &mut self,
        batch: &FindingsBatch,
        deliveries: &Arc<Deliveries>,
        first_idx: usize,
    ) -> Result<()> {
        let mut row = 0;
        while row < batch.findings.len() {
            let filled = self.fill(batch, row)?;
            for json in filled {
                while !self.try_send(batch, row, json.clone(), deliveries, first_idx + row) {
                    // librdkafka's queue is full; what is in it is sent, or given up in time.
                    tokio::time::sleep(ROOM).await;
                }
                row += 1;
            }
        }
        Ok(())
    }

    /// Encodes documents from this row on, as many as a chunk holds; gives where each is.
    fn fill(&mut self, batch: &FindingsBatch, first: usize) -> Result<Vec<Range<usize>>> {
        self.json.clear();
        let mut documents = Documents::try_new(batch, &self.names)?;
        let mut filled = Vec::new();
        for row in first..batch.findings.len() {
            let start = self.json.len();
            documents.encode(row, &mut self.json);
            filled.push(start..self.json.len());
            if self.json.len() >= CHUNK_BYTES {
                break;
            }
        }
        Ok(filled)
    }

    /// Hands a finding to librdkafka; false where its queue is full.
    fn try_send(
        &self,
        batch: &FindingsBatch,
        row: usize,
        json: Range<usize>,
        deliveries: &Arc<Deliveries>,
        idx: usize,
    ) -> bool {
        let payload = &self.json[json];
        let id = batch.ids.get(row).map(String::as_str);
        let place = Box::new(Place {
            deliveries: Arc::clone(deliveries),
            idx,
        });
        let record = BaseRecord::with_opaque_to(&self.topic, place)
            .key(batch.findings.keys().value(row))
            .payload(payload)
            .timestamp(batch.time.div_euclid(1000))
            .headers(OwnedHeaders::new_with_capacity(1).insert(Header { key: ID, value: id }));
        match self.producer.send(record) {
            Ok(()) => true,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => false,
            Err((error, _)) => {
                let fate = self.producer.context().unsent(&error, payload.len());
                deliveries.settle(idx, fate);
                true
            }
        }
    }
}

fn client(conf: &KafkaOutputConf, connection: &Connection) -> Result<ClientConfig> {
    let mut client = connection.client(&conf::OWN)?;
    client.set("message.timeout.ms", conf.timeout.as_millis().to_string());
    if let Some(size) = conf.max_size {
        client.set("message.max.bytes", size.to_string());
    }
    for (name, value) in USUAL {
        if client.get(name).is_none() {
            client.set(name, value);
        }
    }
    Ok(client)
}

fn producer(
    client: &ClientConfig,
    connection: &Connection,
    batch_bytes: usize,
) -> Result<ThreadedProducer<Context>> {
    let context = Context::new(Complaints::new(connection.servers()), batch_bytes);
    let mut client = client.clone();
    client.set("batch.size", batch_bytes.to_string());
    let made = client.create_with_context(context);
    made.map_err(|error| Error::data(format!("Kafka: {error}")))
}

/// Refuses at once a schema that no document can show.
fn check_types(open: &OpenOutput, names: &DocumentNames) -> Result<()> {
    let window = Window { start: 0, end: 0 };
    let batch = FindingsBatch {
        use_case: Arc::clone(&open.use_case),
        window,
        time: 0,
        findings: Findings::empty(&open.schema)?,
        ids: Arc::default(),
    };
    Documents::try_new(&batch, names).map(drop)
}
