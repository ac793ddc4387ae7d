//! Topic models over sparse counts, an isolation forest, and measures of ranked lists.
//!
//! [`lda`] is latent Dirichlet allocation in the shape that linfa gives its algorithms: parameters,
//! which are checked, a fit, a model. [`forest`] tells what stands out of rows of numbers, [`evaluate`] says how well scores rank what is labelled.
//!
//! Nothing here does I/O but [`lda::LdaModel::save`] and [`load`](lda::LdaModel::load), to and from
//! what they are given; nothing asks for the time, and all that is random comes from one seed.

pub mod evaluate;
pub mod forest;
pub mod lda;
