//! What can go wrong in a run.

use datafusion::common::DataFusionError;
use datashark_sdk::Fault;

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An author's code, an input or an output gave an error.
    #[error(transparent)]
    Plugin(#[from] datashark_sdk::Error),
    /// The query engine gave an error: the query met data that it cannot take, or the memory limit.
    #[error("{}", query_message(.0))]
    Query(#[from] DataFusionError),
    /// Columns could not be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// The memory limit was reached.
    #[error(
        "memory limit reached: the open windows take {used_bytes} bytes, `[engine] memory_limit` is {limit_bytes}; make windows shorter, group by fewer keys, or raise the limit"
    )]
    Memory {
        /// What the windows take.
        used_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// A file of ours could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The state folder holds something that this version cannot use.
    #[error("{path}: {reason}")]
    State {
        /// The file.
        path: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Some of the data could not be read; what could be was delivered.
    #[error("{}", .0.join("; "))]
    Incomplete(Vec<String>),
    /// A defect of ours, or a panic in a plugin.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// An I/O error with what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Error::Plugin(error) => error.fault(),
            Error::Query(_) | Error::Memory { .. } | Error::State { .. } => Fault::User,
            Error::Io { .. } | Error::Incomplete(_) => Fault::External,
            Error::Arrow(_) | Error::Internal(_) => Fault::Internal,
        }
    }
}

fn query_message(error: &DataFusionError) -> String {
    match error {
        DataFusionError::ResourcesExhausted(text) => format!(
            "memory limit reached: {text}; make windows shorter, group by fewer keys, or raise `[engine] memory_limit`"
        ),
        other => other.strip_backtrace(),
    }
}
