//! What ends an ingest.

use datashark_output_delta::StoreError;

/// The result of a call.
pub type Result<T, E = IngestError> = std::result::Result<T, E>;

/// Why an ingest ended before its files did. What it had committed stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// What the command line asks for cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be read at all.
    #[error(transparent)]
    Input(#[from] datashark_sdk::Error),
    /// A defect.
    #[error("internal error: {0}")]
    Internal(String),
}
