//! From a conf to something that runs: raw, checked, running.
//!
//! [`check`] reads a conf and everything it names, starts nothing, and reports every mistake at
//! once. What it gives is a [`Job`], which [`Job::run`] runs.

mod check;
mod columns;
mod evaluate;
mod files;
mod past;
mod records;
mod replay;
mod replay_kept;
mod run;
mod scoring;
mod sharing;
mod sql_use_case;
mod training;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use datashark_conf::{Conf, Global};
use datashark_sdk::conf::Section;
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{DynUseCase, Ranking, ThirdParty, UseCaseEntry};

use self::records::Known;
use crate::aggregate::Bound;
use crate::run::pipeline::Records;
use crate::stream::Joined;

pub use self::check::{Changes, Checked, check, check_changed};
pub use self::evaluate::{Gather, Gathered, RecordsOf, computed, keep_rows};
pub use self::past::ReadPast;
pub use self::replay::{Replay, Replayed};
pub use self::replay_kept::{ReplayKept, ReplayedKept, drop_kept};
pub use self::run::{RunOptions, Summary};

/// The name that the input of a batch use case's `file` is registered under.
pub const BATCH_INPUT: &str = "batch";

/// All that is built in, by name.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// What a conf's `code` may name.
    pub use_cases: Vec<UseCaseEntry>,
    /// What a conf's `input` may name, and [`BATCH_INPUT`].
    pub inputs: Vec<InputEntry>,
    /// What a conf's `output` may name.
    pub outputs: Vec<OutputEntry>,
    /// Who finds what is not built in.
    pub third_party: Option<Arc<dyn ThirdParty>>,
}

/// A checked use case: it can run.
pub struct Job {
    pub(crate) conf: Conf,
    pub(crate) global: Global,
    pub(crate) use_case: Arc<dyn DynUseCase>,
    pub(crate) input: (InputEntry, Section),
    /// The input as use cases share it that name the same one; `None` where it is its own alone.
    pub(crate) stream: Option<(InputEntry, Section)>,
    /// With whom it shares it.
    pub(crate) joined: Option<Joined>,
    pub(crate) batch_input: Option<InputEntry>,
    pub(crate) outputs: Vec<(OutputEntry, Section)>,
    pub(crate) records: Records,
    /// What is known of the records beyond what is used of them.
    known: Known,
    ranking: Ranking,
    /// What a model depends on, beside the training file.
    pub(crate) parameters: String,
    /// It holds the joined tables, and so is kept for as long as the job is.
    session: SessionContext,
    /// The files that its outputs write.
    pub(crate) output_files: Vec<PathBuf>,
    pub(crate) notes: Vec<String>,
}

impl Job {
    /// The use case's name, as every message says it.
    pub fn name(&self) -> &str {
        &self.conf.name
    }

    /// Its conf.
    pub fn conf(&self) -> &Conf {
        &self.conf
    }

    /// What bounds the memory of a window.
    pub fn bound(&self) -> Bound {
        self.records.aggregation.bound()
    }

    /// What its memory grows with and how much each takes, where the use case says it.
    pub fn memory(&self) -> Option<String> {
        self.records.aggregation.memory()
    }

    /// The columns that are decoded.
    pub fn columns(&self) -> Vec<&str> {
        let columns = self
            .records
            .columns
            .iter()
            .chain(&self.records.filter_columns);
        let mut names: Vec<&str> = Vec::new();
        for column in columns {
            if !names.contains(&column.name().as_str()) {
                names.push(column.name());
            }
        }
        names
    }

    /// The format of the records, where they are decoded.
    pub fn format(&self) -> Option<&'static str> {
        self.records.format.as_ref().map(|format| format.name())
    }

    /// The files that its outputs write.
    pub fn output_files(&self) -> &[PathBuf] {
        &self.output_files
    }

    /// The servers that its outputs connect to, `host:port`, each with its output's name.
    pub fn servers(&self) -> Vec<(&'static str, String)> {
        let of = |(entry, section): &(OutputEntry, Section)| {
            let name = entry.name;
            let servers = entry.servers(section).unwrap_or_default();
            servers.into_iter().map(move |server| (name, server))
        };
        self.outputs.iter().flat_map(of).collect()
    }

    /// The input that use cases of one process read together where they name the same one, and its
    /// section.
    pub fn stream(&self) -> Option<(&'static str, &Section)> {
        let stream = self.stream.as_ref();
        stream.map(|(entry, section)| (entry.name, section))
    }

    /// What the user should know, without it being a mistake.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Which of its findings are the most suspicious ones.
    pub fn ranking(&self) -> Ranking {
        self.ranking
    }

    /// Whether it runs until it is stopped.
    pub fn is_streaming(&self) -> bool {
        self.conf.kind == datashark_conf::Kind::Streaming
    }
}

/// A use case's name as a folder's: lower case, letters and digits, `-` for the rest.
pub fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = name.to_lowercase().chars().map(plain).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        "use-case".to_owned()
    } else {
        parts.join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn a_name_becomes_a_plain_folder_name() {
        assert_eq!(
            folder_name("Web Anomaly Detection"),
            "web-anomaly-detection"
        );
        assert_eq!(folder_name("../../etc"), "etc");
        assert_eq!(folder_name("//"), "use-case");
    }
}
