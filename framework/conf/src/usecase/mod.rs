//! A use case's conf, typed: the engine's keys, the plugins' sections, and the use case's own rest.
//!
//! Top-level keys that the engine does not know belong to the use case, which reads them from
//! [`Conf::own`]; so do sections, unless their name is so near one of the engine's that it must be
//! a mistake. Values that only plugins or use cases understand stay a [`Section`] here.

mod check;
mod code;
mod keys;
mod regex;
mod schedule;
mod sections;

use std::path::{Path, PathBuf};
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Section, nearest};
use serde::Deserialize;

pub use code::Code;
pub use schedule::Schedule;
pub use sections::{Codec, ColumnType, LogFilter, Pattern, Plugin};

/// Whether a use case ends with its data or runs until it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads a file to its end.
    Batch,
    /// Reads a stream until it is stopped.
    Streaming,
}

/// A use case's conf. Its relative paths are resolved against the conf's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// `name`: the use case's name in every message.
    pub name: String,
    /// `type`: `batch` or `streaming`.
    pub kind: Kind,
    /// `enabled`: only production looks at it.
    pub enabled: bool,
    /// `code`: what runs.
    pub code: Code,
    /// `file`: the data files of a batch use case, as written where they are addresses (`hdfs://…`).
    /// There is at least one for batch without `input`.
    pub files: Vec<PathBuf>,
    /// `training`: the training file.
    pub training: Option<PathBuf>,
    /// `input` with its section `[in_<name>]`, instead of the global stream or the file.
    pub input: Option<Plugin>,
    /// `output`: one or more, each with its section `[out_<name>]`; never empty.
    pub outputs: Vec<Plugin>,
    /// `window`: how long a window is; not zero.
    pub window: Option<Duration>,
    /// `slide`: how far apart sliding windows start; at most `window`, not zero.
    pub slide: Option<Duration>,
    /// `allowed_lateness`: how late a record still counts.
    pub allowed_lateness: Option<Duration>,
    /// `idle_timeout`: after how long a silent partition no longer holds the watermark back.
    pub idle_timeout: Option<Duration>,
    /// `timestamp_field`: the column with the event time.
    pub timestamp_field: Option<String>,
    /// `timestamp_format`: how it is written.
    pub timestamp_format: Option<String>,
    /// `keep_late`: whether records that come too late are kept aside; else they are only counted.
    pub keep_late: bool,
    /// `schedule` or `every`: when the daemon runs a batch, where that is not once, at its start.
    pub schedule: Option<Schedule>,
    /// `[codec]`: how records become columns, where it is not the use case that says it.
    pub codec: Option<Codec>,
    /// `[columns]`: names and types of columns, in the order of the file.
    pub columns: Vec<(String, ColumnType)>,
    /// `[tables]`: names and files of tables that SQL may join, in the order of the file.
    pub tables: Vec<(String, PathBuf)>,
    /// `[log_filter]`: which records are looked at.
    pub log_filter: LogFilter,
    /// What belongs to the use case itself: keys and sections as written.
    pub own: Section,
}

impl Conf {
    /// Reads a conf that lies at `path`.
    ///
    /// The conf is there wherever its sections could be told apart; with errors among the
    /// problems it holds made-up values and is good only for checking the rest of it.
    pub fn from_section(section: &Section, path: &Path) -> (Option<Conf>, Problems) {
        check::conf(section, path.parent().unwrap_or(Path::new("")))
    }

    /// The engine's top-level keys, beside which a use case's own keys stand: what a use case's
    /// unknown key may have been meant as.
    pub fn known_keys() -> Vec<&'static str> {
        keys::KEYS.iter().map(|key| key.name).collect()
    }

    /// The problems that a use case has with its own keys, read from [`Conf::own`]: an unknown key
    /// that is none of its own misspelt may be one of the engine's, and then says so.
    pub fn own_problems(problems: Problems) -> Problems {
        let explain = |mut problem: Problem| {
            if let [name] = problem.path.as_slice()
                && problem.message == format!("unknown key `{name}`")
                && let Some(meant) = nearest(name, Conf::known_keys())
            {
                problem
                    .message
                    .push_str(&format!(", did you mean `{meant}`?"));
            }
            problem
        };
        problems.into_iter().map(explain).collect()
    }
}
