//! What went wrong, whose fault it is, and whether trying again can help.

use arrow::error::ArrowError;

use crate::conf::Problems;

/// The result of an SDK call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user: a conf, a query or a file of theirs must change.
    User,
    /// The world: a disk, a server or the network.
    External,
    /// Us: a defect in dataShark or in a plugin.
    Internal,
}

/// Every error that an author's code gives to the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The conf is wrong; every mistake found is in it. The user corrects the conf.
    #[error("{0}")]
    Conf(Problems),
    /// The data or the query cannot give what was asked: a column that is not there, too few rows
    /// to train on. The user corrects the query or the file.
    #[error("{0}")]
    Data(String),
    /// The world refused: a file, a disk, a server. Trying again may help.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path or address.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Arrow refused an operation on columns.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// A plugin's process did not survive a call, however often it was tried. What it was given is kept
    /// in quarantine, and the run goes on.
    #[error("{0}")]
    GaveUp(String),
    /// A defect: code of ours or of a plugin broke its own rule, or panicked.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// An I/O error with what was being done.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Error::Io {
            what: what.into(),
            source,
        }
    }

    /// An error of the data or the query.
    pub fn data(what: impl Into<String>) -> Self {
        Error::Data(what.into())
    }

    /// A plugin's process that does not survive.
    pub fn gave_up(what: impl Into<String>) -> Self {
        Error::GaveUp(what.into())
    }

    /// A defect.
    pub fn internal(what: impl Into<String>) -> Self {
        Error::Internal(what.into())
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Error::Conf(_) | Error::Data(_) => Fault::User,
            Error::Io { .. } => Fault::External,
            Error::Arrow(_) | Error::GaveUp(_) | Error::Internal(_) => Fault::Internal,
        }
    }

    /// Whether the same call may succeed later with nobody acting on the conf or the code.
    pub fn retry(&self) -> bool {
        matches!(self.fault(), Fault::External)
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Error::Conf(problems)
    }
}
