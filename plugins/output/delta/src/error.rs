//! What goes wrong with a store, as its user reads it.

use std::error::Error as _;
use std::io;
use std::path::Path;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

/// The result of a call.
pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What is there is no store, or not one of ours.
    #[error("{0}")]
    Data(String),
    /// A query that is wrong; the message says what was probably meant.
    #[error("{0}")]
    Query(String),
    /// Somebody else has read the same input into the table in the meantime.
    #[error(
        "{0}: another run has stored the same input meanwhile; run it again to go on behind that"
    )]
    Twice(String),
    /// The disk or the table refused.
    #[error("{what}: {source}")]
    Table {
        /// What was being done, with the path.
        what: String,
        /// Why it was refused.
        source: Box<DeltaTableError>,
    },
    /// The disk refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A query could not be run to its end.
    #[error("{0}")]
    Run(Box<DataFusionError>),
}

impl StoreError {
    /// An error of a table, with what was being done.
    pub(crate) fn table(what: &str, path: &Path) -> impl FnOnce(DeltaTableError) -> Self {
        let what = format!("{what} `{}`", path.display());
        move |error| match deepest_io(&error) {
            Some(error) => StoreError::Io {
                what,
                source: error,
            },
            None => StoreError::Table {
                what,
                source: Box::new(error),
            },
        }
    }

    /// An error of a file, with what was being done.
    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} `{}`", path.display());
        move |source| StoreError::Io { what, source }
    }
}

impl From<DataFusionError> for StoreError {
    fn from(error: DataFusionError) -> Self {
        StoreError::Run(Box::new(error))
    }
}

impl From<StoreError> for datashark_sdk::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { what, source } => datashark_sdk::Error::Io { what, source },
            error => datashark_sdk::Error::data(error.to_string()),
        }
    }
}

/// What the operating system said, beneath all that libraries wrapped around it: a full disk is to be
/// told in its words.
fn deepest_io(error: &DeltaTableError) -> Option<io::Error> {
    let mut found = None;
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let code = error.raw_os_error().map(io::Error::from_raw_os_error);
            found = code.or(found);
        }
        next = error.source();
    }
    found
}
