//! From parameters to a model: which algorithm, with which numbers, on which threads.

use super::em::fit_em;
use super::online::fit_online;
use super::rows::with_width;
use super::{Algorithm, Counts, LdaError, LdaModel, LdaValidParams};

/// Fits a model.
pub(crate) fn fit(params: &LdaValidParams, counts: &Counts) -> Result<LdaModel, LdaError> {
    if counts.n_cells() == 0 {
        return Err(LdaError::Empty);
    }
    let Some(n_threads) = params.threads() else {
        return Ok(fit_here(params, counts));
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .build();
    let pool = pool.map_err(|error| LdaError::Threads {
        n_threads,
        reason: error.to_string(),
    })?;
    Ok(pool.install(|| fit_here(params, counts)))
}

fn fit_here(params: &LdaValidParams, counts: &Counts) -> LdaModel {
    let (precision, n_topics) = (params.precision(), params.n_topics());
    match params.algorithm() {
        Algorithm::Fast => with_width!(precision, n_topics, fit_em(params, counts)),
        Algorithm::Em => with_width!(precision, n_topics, fit_em(params, counts)),
        Algorithm::Online => with_width!(precision, n_topics, fit_online(params, counts)),
    }
}
