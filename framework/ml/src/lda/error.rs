//! What can be wrong with parameters, with data, and with a saved model.

use std::io;

use thiserror::Error;

/// Why there is no model.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LdaError {
    /// A parameter is out of its range.
    #[error("`{name} = {value}`, expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
    /// There are no words in the documents: nothing can be learned.
    #[error("nothing to learn from: no document has a word")]
    Empty,
    /// Threads could not be started.
    #[error("cannot start {n_threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        n_threads: usize,
        /// What the system says.
        reason: String,
    },
    /// An error of linfa's, which its traits ask for; nothing here makes one.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

/// Why bytes are no model.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes cannot be read, or they end before the model does.
    #[error("cannot read the model: {0}")]
    Io(#[from] io::Error),
    /// The bytes begin as no model does.
    #[error("not a saved topic model")]
    NotAModel,
    /// The model is of a format that this version does not know.
    #[error("the model has format {found}, expected {expected}; train it anew")]
    Version {
        /// The format's number in the bytes.
        found: u32,
        /// The number of the format that is read.
        expected: u32,
    },
    /// The checksum is not that of the bytes.
    #[error("the model is damaged: its checksum is {found:08x}, its bytes have {computed:08x}")]
    Checksum {
        /// What is written behind the model.
        found: u32,
        /// What its bytes have.
        computed: u32,
    },
    /// A value is none that a model can have.
    #[error("the model is damaged: {0}")]
    Value(&'static str),
}
