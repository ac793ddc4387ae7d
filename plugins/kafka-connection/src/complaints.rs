//! What goes wrong between us and the brokers, said once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::types::RDKafkaErrorCode;
use tracing::{debug, warn};

/// What kind of trouble an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// No broker can be reached, or none answers: trying again may help.
    Away,
    /// The brokers do not take the login.
    Login,
    /// A certificate or what else TLS needs is not right.
    Tls,
    /// A topic is not there.
    Topic,
    /// What is asked for is not allowed to this user.
    Forbidden,
    /// Anything else; librdkafka goes on.
    Other,
}

impl Trouble {
    /// What an error of librdkafka is; its text tells a certificate from a connection that broke.
    pub fn of(code: RDKafkaErrorCode, reason: &str) -> Self {
        use RDKafkaErrorCode as Code;
        match code {
            Code::Authentication | Code::SaslAuthenticationFailed => Trouble::Login,
            Code::SSL => match reason.contains("ertificate") {
                true => Trouble::Tls,
                // A connection that was cut while it greeted.
                false => Trouble::Away,
            },
            Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator => Trouble::Away,
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                Trouble::Topic
            }
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed => Trouble::Forbidden,
            _ => Trouble::Other,
        }
    }

    /// Whether it stays as it is until somebody acts.
    pub fn is_lasting(self) -> bool {
        matches!(self, Trouble::Login | Trouble::Tls)
    }
}

/// Says each kind of trouble once, until all was well in between.
#[derive(Debug)]
pub struct Complaints {
    servers: String,
    said: Mutex<BTreeSet<Trouble>>,
}

impl Complaints {
    /// Complaints about these brokers.
    pub fn new(servers: String) -> Self {
        Complaints {
            servers,
            said: Mutex::default(),
        }
    }

    /// The line for an error.
    pub fn line(&self, trouble: Trouble, reason: &str) -> String {
        let servers = &self.servers;
        let reason = tidy(reason);
        match trouble {
            Trouble::Away => format!("Kafka at {servers} cannot be reached: {reason}"),
            Trouble::Login => format!("Kafka at {servers} refuses the login: {reason}"),
            Trouble::Tls => format!("no TLS with Kafka at {servers}: {reason}"),
            Trouble::Topic => format!("Kafka at {servers} has no such topic: {reason}"),
            Trouble::Forbidden => format!("Kafka at {servers} does not allow it: {reason}"),
            Trouble::Other => format!("Kafka at {servers}: {reason}"),
        }
    }

    /// Warns of an error that will be tried again, unless its like was warned of already.
    pub fn again(&self, trouble: Trouble, reason: &str) {
        let is_new = self.said().insert(trouble);
        let line = self.line(trouble, reason);
        match is_new {
            true => warn!("{line}; trying again"),
            false => debug!("{line}"),
        }
    }

    /// All is well: what goes wrong from now on is said again.
    pub fn well(&self) {
        let mut said = self.said();
        if !said.is_empty() {
            said.clear();
            tracing::info!("Kafka at {} answers again", self.servers);
        }
    }

    /// A log line of librdkafka's. Those of errors come as errors too, and are said there.
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match (facility, level) {
            // An offset that is no longer there, and where it goes on instead.
            ("OFFSET", RDKafkaLogLevel::Warning) => warn!("Kafka: {line}"),
            _ => debug!(facility, "{line}"),
        }
    }

    fn said(&self) -> std::sync::MutexGuard<'_, BTreeSet<Trouble>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error's text without the name of librdkafka's thread before it and its state behind it. What is
/// wrong with a certificate librdkafka does not say.
fn tidy(reason: &str) -> String {
    if reason.contains("certificate could not be verified") {
        return "the broker's certificate is not trusted: it has expired, is for another name, or is of \
                an authority that is not in `ca_file`"
            .to_owned();
    }
    let reason = reason
        .split_once("/bootstrap: ")
        .map_or(reason, |(_, behind)| behind);
    let reason = reason
        .split_once(" (after ")
        .map_or(reason, |(before, _)| before);
    reason.trim_end_matches('.').to_owned()
}
