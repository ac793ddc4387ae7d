//! The engine's top-level keys: their names, their types, and what is said when one is missing.

use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Section, Value, duration, holds_comment, nearest};
use serde::Deserialize;

use super::Kind;

/// A top-level key of the engine.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it says, for who has left it out.
    meaning: &'static str,
}

/// All of the engine's top-level keys, in the order of the manual.
pub(super) const KEYS: [Key; 18] = [
    Key {
        name: "name",
        meaning: "the use case's name in every message",
    },
    Key {
        name: "type",
        meaning: "`batch` or `streaming`",
    },
    Key {
        name: "enabled",
        meaning: "`true` or `false`; only production looks at it",
    },
    Key {
        name: "code",
        meaning: "a use case's name, or a .sql file beside the conf",
    },
    Key {
        name: "file",
        meaning: "the data file or files, relative to the conf's folder",
    },
    Key {
        name: "training",
        meaning: "the training file, relative to the conf's folder",
    },
    Key {
        name: "output",
        meaning: "`csv` or another output, or several with commas between",
    },
    Key {
        name: "input",
        meaning: "`file`, `kafka` or another input",
    },
    Key {
        name: "window",
        meaning: "how long a window is, such as `60s`",
    },
    Key {
        name: "slide",
        meaning: "how far apart sliding windows start, such as `10s`",
    },
    Key {
        name: "allowed_lateness",
        meaning: "how late a record still counts, such as `30s`",
    },
    Key {
        name: "idle_timeout",
        meaning: "how long a silent partition is waited for",
    },
    Key {
        name: "timestamp_field",
        meaning: "the column with the event time",
    },
    Key {
        name: "timestamp_format",
        meaning: "how the event time is written",
    },
    Key {
        name: "keep_late",
        meaning: "`true` to keep late records aside",
    },
    Key {
        name: "schedule",
        meaning: "when the daemon runs a batch, as cron has it",
    },
    Key {
        name: "schedule_timezone",
        meaning: "the time zone of `schedule`",
    },
    Key {
        name: "every",
        meaning: "how often the daemon runs a batch, such as `1h`",
    },
];

/// The values of the engine's top-level keys.
#[derive(Deserialize)]
pub(super) struct Keys {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) enabled: bool,
    pub(super) code: String,
    #[serde(rename = "file")]
    pub(super) files: Option<Vec<String>>,
    pub(super) training: Option<String>,
    pub(super) output: Vec<String>,
    pub(super) input: Option<String>,
    #[serde(default, with = "duration::option")]
    pub(super) window: Option<Duration>,
    #[serde(default, with = "duration::option")]
    pub(super) slide: Option<Duration>,
    #[serde(default, with = "duration::option")]
    pub(super) allowed_lateness: Option<Duration>,
    #[serde(default, with = "duration::option")]
    pub(super) idle_timeout: Option<Duration>,
    pub(super) timestamp_field: Option<String>,
    pub(super) timestamp_format: Option<String>,
    #[serde(default)]
    pub(super) keep_late: bool,
    pub(super) schedule: Option<String>,
    pub(super) schedule_timezone: Option<String>,
    #[serde(default, with = "duration::option")]
    pub(super) every: Option<Duration>,
}

/// Reads the engine's keys of the conf `all`; `own` are its use case's, and loses a key that must
/// be a misspelt one of the engine's.
pub(super) fn read(engine: &Section, own: &mut Section, all: &Section) -> (Option<Keys>, Problems) {
    let (keys, problems) = engine.parse_partial::<Keys>();
    let mut problems: Problems = problems
        .into_iter()
        .map(|problem| explain(problem, own, all))
        .collect();
    let needs_file = |keys: &&Keys| keys.kind == Kind::Batch && keys.input.is_none();
    let files = keys.as_ref().filter(needs_file).map(|keys| &keys.files);
    let is_told = |key: &str| problems.iter().any(|p| p.path == [key]);
    if !["type", "file", "input"].into_iter().any(is_told) {
        match files {
            Some(None) => problems.push(explain(
                Problem::at(["file"], "missing key `file`"),
                own,
                all,
            )),
            Some(Some(files)) if files.iter().all(String::is_empty) => {
                problems.push(Problem::at(["file"], "no file is named"));
            }
            _ => {}
        }
    }
    problems.extend(engine.iter().filter_map(comment_in_value));
    (keys, problems)
}

/// Adds to the problem of a missing key what it says, and where it may have gone.
fn explain(problem: Problem, own: &mut Section, all: &Section) -> Problem {
    let [name] = problem.path.as_slice() else {
        return problem;
    };
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        return problem;
    };
    if !problem.message.starts_with("missing key") {
        return problem;
    }
    let meaning = format!("`{name} = …` is {}", key.meaning);
    // Not the other way round: `file_format` is no misspelt `file`.
    let known = || KEYS.iter().map(|key| key.name);
    let written = own
        .keys()
        .find(|written| nearest(written, known()) == Some(name));
    if let Some(written) = written.map(str::to_owned) {
        own.remove(&written);
        let message = format!("unknown key `{written}`, did you mean `{name}`?");
        return Problem::at([written], message).help(meaning).of_key();
    }
    let astray = all
        .sections()
        .find(|(_, section)| section.contains_key(name));
    match astray {
        Some((section, _)) => {
            let message = format!("missing key `{name}`: it stands in section `[{section}]`");
            let help = "top-level keys stand above the first section";
            Problem::at([section, name], message).help(help).of_key()
        }
        None => problem.help(meaning),
    }
}

/// A warning where `# …` behind an unquoted text was probably meant as a comment.
fn comment_in_value((key, value): (&str, &Value)) -> Option<Problem> {
    const TEXTS: [&str; 10] = [
        "name",
        "code",
        "file",
        "training",
        "output",
        "input",
        "timestamp_field",
        "timestamp_format",
        "schedule",
        "schedule_timezone",
    ];
    match value {
        Value::Text(raw) if TEXTS.contains(&key) && holds_comment(raw) => {
            let message = format!("`#` and what follows belong to the value of `{key}`");
            let help = "a comment needs a line of its own, or quotes around the value before it";
            Some(Problem::at([key], message).help(help).warning())
        }
        _ => None,
    }
}
