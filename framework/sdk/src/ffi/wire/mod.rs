//! The JSON that crosses the boundary, a type for each text.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, SchemaRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conf::{Problem, Problems, Section};
use crate::output::{Backfill, Fate, Gather, Outcome};
use crate::{Aggregate, DynReduce, Error, Records, RecordsFormat, Refused};

use super::abi;

mod input;

pub use input::{
    Acknowledged, BatchJson, HeaderJson, InputChecked, InputDescribed, InputOpening, InputStatus,
    Next, OversizedJson, Place,
};

/// An error: the answer where the status is not [`OK`](abi::OK). An answer that is no such object is
/// taken as the message.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// What went wrong.
    pub message: String,
    /// With [`WRONG_CONF`](abi::WRONG_CONF): every mistake.
    pub problems: Vec<ProblemJson>,
    /// Of a panic, where there is one.
    pub backtrace: Option<String>,
}

/// A mistake in a conf.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProblemJson {
    /// The key, below its sections.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What was expected.
    pub help: Option<String>,
    /// Bytes of the value that are to blame.
    pub span: Option<(usize, usize)>,
    /// Whether the key is to blame and not its value.
    pub of_key: bool,
    /// Whether the run may go on.
    pub warning: bool,
}

impl From<Problem> for ProblemJson {
    fn from(problem: Problem) -> Self {
        ProblemJson {
            path: problem.path,
            message: problem.message,
            help: problem.help,
            span: problem.span.map(|span| (span.start, span.end)),
            of_key: problem.of_key,
            warning: problem.warning,
        }
    }
}

impl From<ProblemJson> for Problem {
    fn from(json: ProblemJson) -> Self {
        Problem {
            path: json.path,
            message: json.message,
            help: json.help,
            span: json.span.map(|(start, end)| start..end),
            of_key: json.of_key,
            warning: json.warning,
        }
    }
}

/// Problems as they cross.
pub fn problems_to_json(problems: Problems) -> Vec<ProblemJson> {
    problems.into_iter().map(ProblemJson::from).collect()
}

/// Problems as they came.
pub fn problems_from_json(json: Vec<ProblemJson>) -> Problems {
    json.into_iter().map(Problem::from).collect()
}

impl Fault {
    /// An error as it crosses: its status and the answer.
    pub fn of(error: Error) -> (i32, Fault) {
        let status = match &error {
            Error::Conf(_) => abi::WRONG_CONF,
            Error::Data(_) => abi::WRONG_DATA,
            Error::Io { .. } => abi::IO_FAILED,
            _ => abi::DEFECT,
        };
        let message = match &error {
            // The prefix comes back with the variant.
            Error::Internal(text) => text.clone(),
            other => other.to_string(),
        };
        let problems = match error {
            Error::Conf(problems) => problems_to_json(problems),
            _ => Vec::new(),
        };
        let fault = Fault {
            message,
            problems,
            backtrace: None,
        };
        (status, fault)
    }

    /// The error that an answer with a status is.
    pub fn into_error(self, status: i32) -> Error {
        let mut message = self.message;
        if let Some(backtrace) = self.backtrace {
            message = format!("{message}\n{backtrace}");
        }
        match status {
            abi::WRONG_CONF if self.problems.is_empty() => {
                Error::Conf(Problem::new(message).into())
            }
            abi::WRONG_CONF => Error::Conf(problems_from_json(self.problems)),
            abi::WRONG_DATA => Error::Data(message),
            abi::IO_FAILED => Error::io("the plugin", std::io::Error::other(message)),
            abi::DEFECT | abi::PANICKED => Error::Internal(message),
            other => Error::Internal(format!("unknown status {other}: {message}")),
        }
    }
}

/// What a use case says of itself.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Described {
    /// The format of its records, where it fixes it.
    pub format: Option<Format>,
    /// How records become rows; `null` is not at all.
    pub aggregate: Option<Aggregated>,
    /// Whether it learns.
    pub trains: bool,
    /// Since 1.1: a query that makes of each record one row with the columns that are read.
    pub view: Option<String>,
}

impl Described {
    /// What it reads, with these columns.
    pub fn records(&self, columns: &[Field]) -> Records {
        Records {
            format: self.format.clone().map(Into::into),
            columns: columns.to_vec(),
            view: self.view.clone(),
        }
    }

    /// How records become rows, with its reduce where it has one.
    pub fn aggregate(&self, reduce: impl FnOnce() -> Arc<dyn DynReduce>) -> Aggregate {
        match &self.aggregate {
            None => Aggregate::None,
            Some(Aggregated::Sql(query)) => Aggregate::Sql(query.clone()),
            Some(Aggregated::Reduce) => Aggregate::Reduce(reduce()),
        }
    }
}

/// The columns of a schema that came across; none where none came.
pub fn columns_of(schema: Option<SchemaRef>) -> Vec<Field> {
    let fields = schema.iter().flat_map(|schema| schema.fields());
    fields.map(|field| field.as_ref().clone()).collect()
}

/// A row that a reduce does not want: `{"row": 0, "reason": "why"}`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusedJson {
    /// Its index.
    pub row: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Refused rows as they cross.
pub fn refused_to_json(refused: Option<Vec<Refused>>) -> Option<Vec<RefusedJson>> {
    let json = |Refused { row, reason }| RefusedJson { row, reason };
    refused.map(|refused| refused.into_iter().map(json).collect())
}

/// Refused rows as they came.
pub fn refused_from_json(refused: Option<Vec<RefusedJson>>) -> Option<Vec<Refused>> {
    let refuse = |RefusedJson { row, reason }| Refused { row, reason };
    refused.map(|refused| refused.into_iter().map(refuse).collect())
}

/// A record format that a use case fixes: `"lines"`, `{"regex": "…"}`, `{"named": "json"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The column `line`.
    Lines,
    /// A column for each named group.
    Regex(String),
    /// A format by its name.
    Named(String),
}

impl From<RecordsFormat> for Format {
    fn from(format: RecordsFormat) -> Self {
        match format {
            RecordsFormat::Lines => Format::Lines,
            RecordsFormat::Regex(pattern) => Format::Regex(pattern),
            RecordsFormat::Named(name) => Format::Named(name),
        }
    }
}

impl From<Format> for RecordsFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Lines => RecordsFormat::Lines,
            Format::Regex(pattern) => RecordsFormat::Regex(pattern),
            Format::Named(name) => RecordsFormat::Named(name),
        }
    }
}

/// How records become rows: `{"sql": "…"}`, `"reduce"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregated {
    /// By a query.
    Sql(String),
    /// By the table's functions `reduce_…`.
    Reduce,
}

/// What an output says of a section.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputChecked {
    /// Every mistake, and what is worth a warning.
    pub problems: Vec<ProblemJson>,
    /// The files that it will write.
    pub files: Vec<PathBuf>,
    /// The servers that it will connect to, `host:port`.
    pub servers: Vec<String>,
    /// The most findings of one write.
    pub gather_max_findings: usize,
    /// How long findings may wait for more.
    pub gather_max_age_ms: u64,
    /// What comes of a backfill: `overwrites`, `repeats` or `harms`.
    pub backfill: BackfillJson,
}

impl OutputChecked {
    /// How much it wants at a time.
    pub fn gather(&self) -> Gather {
        Gather {
            max_findings: self.gather_max_findings,
            max_age: Duration::from_millis(self.gather_max_age_ms),
        }
    }
}

/// What comes of a backfill.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillJson {
    /// See [`Backfill::Overwrites`].
    Overwrites,
    /// See [`Backfill::Repeats`].
    #[default]
    Repeats,
    /// See [`Backfill::Harms`].
    Harms,
}

impl From<Backfill> for BackfillJson {
    fn from(backfill: Backfill) -> Self {
        match backfill {
            Backfill::Overwrites => BackfillJson::Overwrites,
            Backfill::Repeats => BackfillJson::Repeats,
            Backfill::Harms => BackfillJson::Harms,
        }
    }
}

impl From<BackfillJson> for Backfill {
    fn from(json: BackfillJson) -> Self {
        match json {
            BackfillJson::Overwrites => Backfill::Overwrites,
            BackfillJson::Repeats => Backfill::Repeats,
            BackfillJson::Harms => Backfill::Harms,
        }
    }
}

/// What an output is opened with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputOpening {
    /// Its section of the conf.
    pub section: Section,
    /// The use case's name.
    pub use_case: String,
    /// The receipt of the last acknowledged write of an earlier run.
    #[serde(default)]
    pub receipt: Option<String>,
    /// The time now, in microseconds.
    pub now: i64,
}

/// What became of a write: `"safe"`, `{"each": ["safe", {"refused": "why"}]}`, `{"again": "why"}`,
/// `{"stop": {"status": 3, "message": "…"}}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// The target has all of them.
    Safe,
    /// Each has a fate of its own.
    Each(Vec<FateJson>),
    /// None was taken; trying again may help.
    Again(String),
    /// None was taken; somebody has to act.
    Stop {
        /// As a call's status.
        status: i32,
        /// The error.
        #[serde(flatten)]
        fault: Fault,
    },
}

/// What became of one finding.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FateJson {
    /// The target has it.
    Safe,
    /// The target will never take it; why.
    Refused(String),
    /// Not yet.
    Again(String),
}

impl From<Outcome> for Written {
    fn from(outcome: Outcome) -> Self {
        let fate = |fate| match fate {
            Fate::Safe => FateJson::Safe,
            Fate::Refused(why) => FateJson::Refused(why),
            Fate::Again(why) => FateJson::Again(why),
        };
        match outcome {
            Outcome::Safe => Written::Safe,
            Outcome::Each(fates) => Written::Each(fates.into_iter().map(fate).collect()),
            Outcome::Again(why) => Written::Again(why),
            Outcome::Stop(error) => {
                let (status, fault) = Fault::of(error);
                Written::Stop { status, fault }
            }
        }
    }
}

impl Written {
    /// The outcome of a write of so many findings. A list of fates of another length counts for
    /// nothing: what is not said to be safe is not.
    pub fn into_outcome(self, n_findings: usize) -> Outcome {
        let fate = |fate| match fate {
            FateJson::Safe => Fate::Safe,
            FateJson::Refused(why) => Fate::Refused(why),
            FateJson::Again(why) => Fate::Again(why),
        };
        match self {
            Written::Safe => Outcome::Safe,
            Written::Each(fates) if fates.len() != n_findings => Outcome::Again(format!(
                "the output gave {} fates for {n_findings} findings",
                fates.len()
            )),
            Written::Each(fates) => Outcome::Each(fates.into_iter().map(fate).collect()),
            Written::Again(why) => Outcome::Again(why),
            Written::Stop { status, fault } => Outcome::Stop(fault.into_error(status)),
        }
    }
}

/// A type as JSON.
pub fn to_text(value: &impl Serialize) -> Vec<u8> {
    // Of these types none can fail: no map has keys that are no strings.
    serde_json::to_vec(value).unwrap_or_default()
}

/// A type of an answer; no answer is `null`.
///
/// # Errors
/// The answer is not what the interface says.
pub fn from_text<'a, T: Deserialize<'a>>(what: &str, text: &'a [u8]) -> crate::Result<T> {
    let text: &[u8] = if text.is_empty() { b"null" } else { text };
    serde_json::from_slice(text).map_err(|error| {
        let shown = String::from_utf8_lossy(&text[..text.len().min(200)]);
        Error::internal(format!(
            "the plugin's answer to `{what}` is not what the interface says: {error}; it is `{shown}`"
        ))
    })
}

/// A model as JSON.
///
/// # Errors
/// It is none.
pub fn model_from_text(text: &[u8]) -> crate::Result<Value> {
    from_text("train", text)
}
