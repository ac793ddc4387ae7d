//! What became of each finding of a write, told by librdkafka record by record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datashark_kafka_connection::{Complaints, Trouble};
use datashark_sdk::output::Fate;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

/// The findings of one write: a place for the fate of each.
#[derive(Debug)]
pub(crate) struct Deliveries {
    fates: Mutex<Fates>,
    settled: Notify,
}

#[derive(Debug)]
struct Fates {
    fates: Vec<Option<Fate>>,
    n_open: usize,
}

impl Deliveries {
    /// Places for so many.
    pub(crate) fn new(n_findings: usize) -> Arc<Self> {
        let fates = Fates {
            fates: vec![None; n_findings],
            n_open: n_findings,
        };
        Arc::new(Deliveries {
            fates: Mutex::new(fates),
            settled: Notify::new(),
        })
    }

    /// A finding's fate is known.
    pub(crate) fn settle(&self, idx: usize, fate: Fate) {
        let mut fates = self.locked();
        if let Some(place) = fates.fates.get_mut(idx)
            && place.replace(fate).is_none()
        {
            fates.n_open -= 1;
            if fates.n_open == 0 {
                self.settled.notify_one();
            }
        }
    }

    /// Waits for all fates, in order.
    pub(crate) async fn all(&self) -> Vec<Fate> {
        loop {
            {
                let mut fates = self.locked();
                if fates.n_open == 0 {
                    let fates = std::mem::take(&mut fates.fates);
                    return fates.into_iter().flatten().collect();
                }
            }
            self.settled.notified().await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Fates> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What librdkafka gives back with a record: whose it is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) idx: usize,
}

/// The context of the producer.
pub(crate) struct Context {
    complaints: Complaints,
    /// How large a batch of records may be; a larger record goes alone.
    batch_bytes: usize,
    batch_was_too_large: AtomicBool,
    is_broken: AtomicBool,
}

impl Context {
    /// The context of a producer with batches of so many bytes.
    pub(crate) fn new(complaints: Complaints, batch_bytes: usize) -> Self {
        Context {
            complaints,
            batch_bytes,
            batch_was_too_large: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Whether this producer is of no more use, and another has to be made.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// How large batches should be from now on.
    pub(crate) fn batch_bytes(&self) -> usize {
        match self.batch_was_too_large.load(Ordering::Relaxed) {
            true => (self.batch_bytes / 2).max(1),
            false => self.batch_bytes,
        }
    }

    /// What an error means for a finding whose record was handed over.
    ///
    /// A topic's `max.message.bytes` is the limit of a batch, and all records of one that is too large
    /// fail with it. A record as large as a batch may be was alone in it.
    fn fate(&self, error: &KafkaError, n_bytes: usize) -> Fate {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        match code {
            RDKafkaErrorCode::MessageSizeTooLarge if n_bytes < self.batch_bytes => {
                self.batch_was_too_large.store(true, Ordering::Relaxed);
                let most = self.batch_bytes;
                Fate::Again(format!(
                    "the topic takes less than batches of {most} bytes; smaller ones follow"
                ))
            }
            RDKafkaErrorCode::MessageSizeTooLarge => too_large(n_bytes),
            RDKafkaErrorCode::InvalidRecord => {
                Fate::Refused(format!("the broker does not take the record: {error}"))
            }
            _ => {
                let trouble = Trouble::of(code, &error.to_string());
                Fate::Again(self.complaints.line(trouble, &error.to_string()))
            }
        }
    }
}

impl Context {
    /// What an error means for a finding whose record librdkafka does not take.
    pub(crate) fn unsent(&self, error: &KafkaError, n_bytes: usize) -> Fate {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => too_large(n_bytes),
            _ => self.fate(error, n_bytes),
        }
    }
}

/// What becomes of a record that nobody takes.
fn too_large(n_bytes: usize) -> Fate {
    Fate::Refused(format!(
        "the record has {n_bytes} bytes, more than `max_size` or the topic's `max.message.bytes` allows"
    ))
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if code == RDKafkaErrorCode::Fatal {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        self.complaints.again(Trouble::of(code, reason), reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Place>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<Place>) {
        use rdkafka::message::Message;
        let fate = match result {
            Ok(_) => {
                self.complaints.well();
                Fate::Safe
            }
            Err((error, record)) => {
                let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
                self.fate(error, len(record.key()) + len(record.payload()))
            }
        };
        place.deliveries.settle(place.idx, fate);
    }
}
