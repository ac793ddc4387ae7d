//! The partitions that there are, for a run over what is there.

use std::time::Duration;

use datashark_kafka_connection::Trouble;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use regex::Regex;

use crate::conf::is_pattern;
use crate::context::Context;

/// How long a broker may take to answer before it is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// All partitions of these topics.
///
/// # Errors
/// The brokers do not say, or a topic is not there.
pub(crate) fn partitions(
    consumer: &BaseConsumer<Context>,
    topics: &[String],
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for topic in topics {
        let (named, pattern) = match is_pattern(topic) {
            true => (None, Some(pattern(topic)?)),
            false => (Some(topic.as_str()), None),
        };
        let metadata = consumer.fetch_metadata(named, PATIENCE)?;
        for found in metadata.topics() {
            let is_wanted = pattern.as_ref().is_none_or(|it| it.is_match(found.name()));
            if !is_wanted {
                continue;
            }
            if let Some(error) = found.error() {
                return Err(KafkaError::MetadataFetch(error.into()));
            }
            for partition in found.partitions() {
                if list.find_partition(found.name(), partition.id()).is_none() {
                    list.add_partition(found.name(), partition.id());
                }
            }
        }
    }
    match list.count() {
        0 => Err(KafkaError::MetadataFetch(
            RDKafkaErrorCode::UnknownTopicOrPartition,
        )),
        _ => Ok(list),
    }
}

/// Whether an error says that a topic is not there.
pub(crate) fn is_missing(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| Trouble::of(code, "") == Trouble::Topic)
}

fn pattern(topic: &str) -> KafkaResult<Regex> {
    Regex::new(topic).map_err(|error| KafkaError::Subscription(error.to_string()))
}
