//! From parameters to a model: which algorithm, with which numbers, on which threads.

use super::em::fit_em;
use super::fast::fit_fast;
use super::online::fit_online;
use super::real::Real;
use super::rows::with_width;
use super::{Algorithm, Counts, LdaError, LdaModel, LdaValidParams, Precision};

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
    match params.precision() {
        Precision::F32 => fit_with::<f32>(params, counts),
        Precision::F64 => fit_with::<f64>(params, counts),
    }
}

fn fit_with<F: Real>(params: &LdaValidParams, counts: &Counts) -> LdaModel {
    with_width!(params.n_topics(), K => match params.algorithm() {
        Algorithm::Fast => fit_fast::<F, K>(params, counts),
        Algorithm::Em => fit_em::<F, K>(params, counts),
        Algorithm::Online => fit_online::<F, K>(params, counts),
    })
}
