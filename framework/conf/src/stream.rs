//! The global stream of `datashark.conf`: what streaming use cases read that name no `input`.
//!
//! `kafka.bootstrap.servers`, `kafka.consumer.name`, `kafka.queue.name` and `kafka.partitions`, as
//! dataShark 1 had them, and a section `[in_kafka]` with whatever else that input has, by the names that
//! it has there. The two together are the section of the input; that it is right is for whoever knows the
//! input to say.

use datashark_sdk::conf::{Problem, Problems, Section, Value};

/// The input that it is.
const INPUT: &str = "kafka";
/// Its section.
const SECTION: &str = "in_kafka";
/// The group of a stream that names none.
const GROUP: (&str, &str) = ("group", "datashark");

/// The keys of dataShark 1, and what they are called in the section.
const KEYS: [(&str, &str); 4] = [
    ("kafka.bootstrap.servers", "bootstrap_servers"),
    ("kafka.consumer.name", "group"),
    ("kafka.queue.name", "topic"),
    ("kafka.partitions", "partitions"),
];

/// The global stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalStream {
    /// The input's name.
    pub input: String,
    /// Its section, with a `group`.
    pub section: Section,
    /// The section's keys that stand at the top of the file, by another name.
    at_top: Vec<(&'static str, &'static str)>,
}

impl GlobalStream {
    /// Takes the section out and copies the keys; `None` where neither is there.
    pub(crate) fn take(global: &mut Section, problems: &mut Problems) -> Option<GlobalStream> {
        let mut section = match global.get(SECTION) {
            Some(Value::Section(_)) => match global.remove(SECTION) {
                Some(Value::Section(section)) => Some(section),
                _ => None,
            },
            // The parser says what it found.
            _ => None,
        };
        let mut at_top = Vec::new();
        for (key, name) in KEYS {
            let Some(Value::Text(text)) = global.get(key) else {
                continue;
            };
            let section = section.get_or_insert_default();
            if section.contains_key(name) {
                let message =
                    format!("`[{SECTION}] {name}` says the same: leave one of the two out");
                problems.push(Problem::at([key], message).of_key());
            }
            section.insert(name, text.clone());
            at_top.push((key, name));
        }
        let mut section = section?;
        let (group, usual) = GROUP;
        if !section.contains_key(group) {
            section.insert(group, usual);
        }
        Some(GlobalStream {
            input: INPUT.to_owned(),
            section,
            at_top,
        })
    }

    /// What is wrong with the section, each where it stands in the file.
    pub fn placed(&self, problems: Problems) -> Problems {
        let placed = problems.iter().cloned().map(|mut problem| {
            let first = problem.path.first().map(String::as_str);
            let at_top = self.at_top.iter().find(|(_, name)| Some(*name) == first);
            match at_top {
                Some((key, _)) => {
                    problem.path = vec![(*key).to_owned()];
                    problem
                }
                None => problem.below([SECTION]),
            }
        });
        placed.collect()
    }
}
