//! The engine's sections of a use case's conf: `[codec]`, `[columns]`, `[tables]`, `[log_filter]`,
//! and the plugins' `[in_<name>]` and `[out_<name>]`, which stay raw.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use datashark_sdk::conf::{Problem, Problems, Section, Value, nearest};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};

use super::regex;

/// An input or output by its name, with its section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The name, as behind `input` or `output`.
    pub name: String,
    /// The name of its section: `in_file`, `out_csv`. Its problems are below this path.
    pub section_name: String,
    /// The section as written; empty where there is none.
    pub section: Section,
}

/// `[codec]`: how records become columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// `format`, where it is given.
    pub format: Option<String>,
    /// The codec's other keys as written. Their problems are below `["codec"]`.
    pub options: Section,
}

/// The type of a column, as `[columns]` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float.
    Float,
    /// True or false.
    Boolean,
    /// A point in time, UTC.
    Timestamp,
}

/// `[log_filter]`: a record passes when every include matches and no exclude does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// `[[include]]`, in the order of the file.
    pub include: Vec<Pattern>,
    /// `[[exclude]]`, in the order of the file.
    pub exclude: Vec<Pattern>,
}

impl LogFilter {
    /// Whether every record passes.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A key of a record and what its value must match, from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The field's name, or names with dots between.
    pub key: String,
    /// A regex that compiles; not anchored as it stands.
    pub regex: String,
}

/// A path of the conf, relative to its folder; an address with a scheme stays as it is.
pub(super) fn resolve(path: &str, folder: &Path) -> PathBuf {
    if path.contains("://") {
        PathBuf::from(path)
    } else {
        folder.join(path)
    }
}

pub(super) fn codec(mut section: Section, problems: &mut Problems) -> Codec {
    let format = match section.remove("format") {
        None => None,
        Some(Value::Section(_)) => {
            let message = "expected a value, found a section";
            problems.push(Problem::at(["codec", "format"], message));
            None
        }
        Some(Value::Text(raw)) => Some(datashark_sdk::conf::unquote(&raw).to_owned()),
    };
    Codec {
        format,
        options: section,
    }
}

pub(super) fn columns(section: &Section, problems: &mut Problems) -> Vec<(String, ColumnType)> {
    let mut found = Problems::new();
    let columns = ordered("columns", section, &mut found);
    problems.extend(found.into_iter().map(|mut problem| {
        // A column's name is no word for what its value is.
        let name = problem.path.last().map_or("", String::as_str);
        let unknown = format!("unknown {name} `");
        problem.message = problem
            .message
            .replacen(&unknown, "unknown column type `", 1);
        problem
    }));
    columns
}

/// The stream's own table: no table of a conf may take its name.
const RECORDS: &str = "records";

pub(super) fn tables(
    section: &Section,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<(String, PathBuf)> {
    let tables: Vec<(String, String)> = ordered("tables", section, problems);
    if section.contains_key(RECORDS) {
        let message = format!("`{RECORDS}` is the name of the records themselves");
        let problem = Problem::at(["tables", RECORDS], message).of_key();
        problems.push(problem.help("name this table otherwise"));
    }
    tables
        .into_iter()
        .map(|(name, path)| (name, resolve(&path, folder)))
        .collect()
}

pub(super) fn log_filter(section: &Section, problems: &mut Problems) -> LogFilter {
    const SIDES: [&str; 2] = ["include", "exclude"];
    for (key, _) in section.iter().filter(|(key, _)| !SIDES.contains(key)) {
        let meant = nearest(key, &SIDES).map(|side| format!(", did you mean `[[{side}]]`?"));
        let message = format!(
            "unknown key `{key}` in `[log_filter]`{}",
            meant.unwrap_or_default()
        );
        let help = "patterns stand in the subsections `[[include]]` and `[[exclude]]`";
        problems.push(
            Problem::at(["log_filter", key], message)
                .help(help)
                .of_key(),
        );
    }
    let mut side = |name: &'static str| match section.get(name) {
        None => Vec::new(),
        Some(Value::Section(side)) => patterns(name, side, problems),
        Some(Value::Text(_)) => {
            let message = format!("expected a subsection `[[{name}]]`, found a value");
            problems.push(Problem::at(["log_filter", name], message));
            Vec::new()
        }
    };
    LogFilter {
        include: side("include"),
        exclude: side("exclude"),
    }
}

fn patterns(side: &'static str, section: &Section, problems: &mut Problems) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for (key, value) in section.iter() {
        let path = ["log_filter", side, key];
        let Some(regex) = section
            .text(key)
            .filter(|_| matches!(value, Value::Text(_)))
        else {
            problems.push(Problem::at(path, "expected a regex, found a section"));
            continue;
        };
        problems.extend(regex::check(path, regex));
        patterns.push(Pattern {
            key: key.to_owned(),
            regex: regex.to_owned(),
        });
    }
    patterns
}

/// The entries of a section as values of one type, in order.
fn ordered<T: DeserializeOwned>(
    name: &str,
    section: &Section,
    problems: &mut Problems,
) -> Vec<(String, T)> {
    let (entries, found) = section.parse_partial::<Ordered<T>>();
    problems.extend(found.below([name]));
    entries.map(|entries| entries.0).unwrap_or_default()
}

struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<T> {
    type Value = Ordered<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Ordered(entries))
    }
}
