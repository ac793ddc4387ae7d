//! Latent Dirichlet allocation.
mod chunks;
mod counts;
mod digamma;
mod document;
mod draws;
mod em;
mod error;
mod fit;
mod format;
mod infer;
mod model;
mod online;
mod params;
mod real;
mod rows;

pub use counts::{Counts, CountsError};
pub use error::{LdaError, LoadError};
pub use model::LdaModel;
pub use params::{Algorithm, Lda, LdaParams, LdaValidParams, Precision, TOPICS_MAX};
