//! The section `[out_kafka]` as the user writes it, and what types cannot check.

use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems};
use datashark_sdk::document::DocumentNames;

/// What the output relies on, whatever the options say.
pub(crate) const OWN: [(&str, &str); 2] = [
    // A batch that is sent again is there once, and in its place.
    ("enable.idempotence", "true"),
    ("acks", "all"),
];

datashark_kafka_connection::conf! {
    /// The section `[out_kafka]`. The crate's page has the keys in a table.
    pub struct KafkaOutputConf {
        /// The topic.
        pub topic: String,
        /// The name of the key in a document.
        #[serde(default = "pkey")]
        pub pkey: String,
        /// The name of the score in a document.
        #[serde(default = "score")]
        pub score: String,
        /// The title in a document.
        #[serde(default = "title")]
        pub title: String,
        /// The largest record in bytes; without it librdkafka's, 1,000,000.
        #[serde(default, with = "datashark_sdk::conf::size::option")]
        pub max_size: Option<u64>,
        /// How long the brokers may take to have a finding, before it is tried again.
        #[serde(default = "timeout", with = "datashark_sdk::conf::duration")]
        pub timeout: Duration,
    }
}

fn pkey() -> String {
    DocumentNames::default().key
}

fn score() -> String {
    DocumentNames::default().score
}

fn title() -> String {
    DocumentNames::default().title
}

fn timeout() -> Duration {
    Duration::from_secs(30)
}

impl KafkaOutputConf {
    /// The names in a document.
    pub(crate) fn names(&self) -> DocumentNames {
        DocumentNames {
            title: self.title.clone(),
            key: self.pkey.clone(),
            score: self.score.clone(),
        }
    }

    /// Every mistake that the types let pass.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = self.connection().problems(&OWN);
        // What Kafka's own `Topic.validate` lets pass.
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let is_name = (1..=249).contains(&self.topic.len()) && self.topic.chars().all(fits);
        if !is_name || [".", ".."].contains(&self.topic.as_str()) {
            let found = &self.topic;
            let message =
                format!("expected a topic of letters, digits, `.`, `_` and `-`, found `{found}`");
            problems.push(Problem::at(["topic"], message));
        }
        let taken = ["title", "timestamp"];
        for (key, name) in [("pkey", &self.pkey), ("score", &self.score)] {
            if name.is_empty() || taken.contains(&name.as_str()) {
                let message = format!("expected a name other than {taken:?}, found `{name}`");
                problems.push(Problem::at([key], message));
            }
        }
        if self.pkey == self.score {
            let message = format!("expected another name than the key's, `{}`", self.pkey);
            problems.push(Problem::at(["score"], message));
        }
        // The bounds of librdkafka's `message.max.bytes`.
        if self
            .max_size
            .is_some_and(|size| !(1000..=1_000_000_000).contains(&size))
        {
            problems.push(Problem::at(["max_size"], "expected `1KB` to `1GB`"));
        }
        if self.timeout < Duration::from_secs(1) {
            problems.push(Problem::at(["timeout"], "expected a second or more"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;
    use datashark_sdk::output::OutputEntry;

    use crate::Kafka;

    fn problems(entries: &[(&str, &str)]) -> Vec<String> {
        let section = Section::from_iter(entries.iter().copied());
        let problems = OutputEntry::of::<Kafka>().check(&section);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_topic_is_enough() {
        assert_eq!(problems(&[("topic", "findings")]), [] as [&str; 0]);
        assert_eq!(problems(&[]), ["topic: missing key `topic`"]);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let wrong = [
            ("topic", "a/b"),
            ("pkey", "x"),
            ("score", "x"),
            ("max_size", "7"),
            ("timeout", "1ms"),
            ("port", "0"),
        ];
        assert_eq!(
            problems(&wrong),
            [
                "port: expected a port from 1 to 65535, found 0",
                "topic: expected a topic of letters, digits, `.`, `_` and `-`, found `a/b`",
                "score: expected another name than the key's, `x`",
                "max_size: expected `1KB` to `1GB`",
                "timeout: expected a second or more",
            ]
        );
    }
}
