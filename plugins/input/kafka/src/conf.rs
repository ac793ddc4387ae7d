//! The section `[in_kafka]` as the user writes it, and what types cannot check.

use datashark_sdk::conf::{Problem, Problems, time};
use datashark_sdk::input::{Micros, Past};
use regex::Regex;

/// What the input relies on, whatever the options say.
pub(crate) const OWN: [(&str, &str); 6] = [
    // An offset is committed when all before it is delivered, and not before.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A partition that stays where it is keeps its open windows.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("enable.partition.eof", "true"),
    // How often it is told how the partitions stand; see `Context::stats`.
    ("statistics.interval.ms", "2000"),
    ("allow.auto.create.topics", "false"),
];

datashark_kafka_connection::conf! {
    /// The section `[in_kafka]`. The crate's page has the keys in a table.
    pub struct KafkaInputConf {
        /// The topics; one that begins with `^` is a regex over the names of all.
        pub topic: Vec<String>,
        /// Not used: the partitions are those that the topic has, shared out by the group.
        #[serde(default)]
        pub partitions: Option<u32>,
        /// The consumer group; without it `datashark-` and the use case's name.
        #[serde(default)]
        pub group: Option<String>,
        /// Where to begin with a partition that the group has not read yet: `earliest`, `latest`,
        /// or a time.
        #[serde(default)]
        pub from: Option<String>,
    }
}

/// Where to begin with a partition that the group has not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// With the first record that is there.
    Earliest,
    /// With what comes from now on.
    Latest,
    /// With the first record of this time or later, by Kafka's timestamps.
    Time(Micros),
}

impl From {
    /// Where to begin with the past.
    pub(crate) fn of_past(past: Past) -> Self {
        past.from.map_or(From::Earliest, From::Time)
    }

    /// What is said of it to librdkafka, for an offset that is no longer there.
    pub(crate) fn reset(self) -> &'static str {
        match self {
            From::Latest => "latest",
            From::Earliest | From::Time(_) => "earliest",
        }
    }
}

impl KafkaInputConf {
    /// Where to begin.
    ///
    /// # Errors
    /// It is neither of the two words nor a time.
    pub(crate) fn from(&self) -> Result<From, Problem> {
        match self.from.as_deref() {
            None | Some("earliest") => Ok(From::Earliest),
            Some("latest") => Ok(From::Latest),
            Some(text) => time::parse(text).map(From::Time).ok_or_else(|| {
                let message = format!("expected `earliest`, `latest` or a time, found `{text}`");
                Problem::at(["from"], message).help(time::EXPECTED)
            }),
        }
    }

    /// The consumer group: the same at each start, so that the group goes on where it was.
    pub(crate) fn group(&self, use_case: &str) -> String {
        let named_after = || {
            let words = use_case.split(|c: char| !c.is_alphanumeric());
            let words = words.filter(|word| !word.is_empty()).map(str::to_lowercase);
            ["datashark".to_owned()]
                .into_iter()
                .chain(words)
                .collect::<Vec<_>>()
                .join("-")
        };
        self.group.clone().unwrap_or_else(named_after)
    }

    /// Every mistake that the types let pass.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = self.connection().problems(&OWN);
        problems.extend(self.from().err());
        if self.topic.is_empty() {
            problems.push(Problem::at(["topic"], "expected a topic, found nothing"));
        }
        for topic in &self.topic {
            if let Some(message) = wrong_topic(topic) {
                problems.push(Problem::at(["topic"], message));
            }
        }
        if self
            .group
            .as_ref()
            .is_some_and(|group| group.trim().is_empty())
        {
            problems.push(Problem::at(["group"], "expected a name, found nothing"));
        }
        if self.partitions.is_some() {
            let message = "`partitions` has no effect: all partitions of a topic are read";
            problems.push(Problem::at(["partitions"], message).of_key().warning());
        }
        problems
    }
}

/// Whether this names topics by a regex.
pub(crate) fn is_pattern(topic: &str) -> bool {
    topic.starts_with('^')
}

fn wrong_topic(topic: &str) -> Option<String> {
    if is_pattern(topic) {
        return Regex::new(topic).err().map(|error| error.to_string());
    }
    // What Kafka's own `Topic.validate` lets pass.
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_name = (1..=249).contains(&topic.len()) && topic.chars().all(fits);
    (!is_name || topic == "." || topic == "..").then(|| {
        format!(
            "expected a topic of letters, digits, `.`, `_` and `-`, or `^regex`, found `{topic}`"
        )
    })
}

#[cfg(test)]
mod tests {
    use datashark_sdk::Stores;
    use datashark_sdk::conf::Section;
    use datashark_sdk::input::InputEntry;

    use crate::Kafka;

    fn problems(entries: &[(&str, &str)]) -> Vec<String> {
        let section = Section::from_iter(entries.iter().copied());
        let problems = InputEntry::of::<Kafka>().check(&section, &Stores::default());
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_section_of_datashark_1_2_is_right() {
        let old = [
            ("host", "127.0.0.1"),
            ("port", "9092"),
            ("topic", "logs"),
            ("partitions", "1"),
        ];
        let note = "partitions: `partitions` has no effect: all partitions of a topic are read";
        assert_eq!(problems(&old), [note]);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let wrong = [
            ("topic", "good, 'two words', ^(, ^good"),
            ("from", "yesterday"),
            ("group", "''"),
            ("port", "0"),
            ("partitions", "3"),
        ];
        let found = problems(&wrong);
        let expected = [
            "port: expected a port from 1 to 65535, found 0",
            "from: expected `earliest`, `latest` or a time, found `yesterday`",
            "topic: expected a topic of letters, digits, `.`, `_` and `-`, or `^regex`, found `two words`",
            "topic: regex parse error",
            "group: expected a name, found nothing",
            "partitions: `partitions` has no effect",
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_nearest() {
        let found = problems(&[("topic", "a"), ("group", "g"), ("bootstrap_server", "a:1")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("did you mean `bootstrap_servers`?"),
            "{found:?}"
        );
    }
}
