//! Parameters, and their check.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};

use super::fit::fit;
use super::{Counts, LdaError, LdaModel};

/// As many topics as a model can have.
pub const TOPICS_MAX: usize = 256;

/// The smallest and the largest prior: 32-bit numbers still tell the one from 0, and the other leaves
/// room for sums.
pub(crate) const PRIOR_MIN: f64 = 1e-9;
pub(crate) const PRIOR_MAX: f64 = 1e6;

/// How a model is fitted. The module's page says what each is for, with measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// Expectation-maximisation over mini-batches from a start with too many topics, of which the
    /// like are merged: the fastest way to a held-out likelihood.
    #[default]
    Fast,
    /// MAP expectation-maximisation (Asuncion et al. 2009), as Spark MLlib's `em`.
    Em,
    /// Variational Bayes over mini-batches (Hoffman et al. 2010), as Spark MLlib's `online`.
    Online,
}

/// The numbers that are worked with; what a model gives are always 64-bit numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit: half the memory, and twice as many numbers to an instruction.
    F32,
    /// 64-bit.
    F64,
}

/// Latent Dirichlet allocation: where its parameters begin.
#[derive(Debug, Clone, Copy)]
pub struct Lda;

impl Lda {
    /// The defaults, for a number of topics from 1 to [`TOPICS_MAX`].
    pub fn params(n_topics: usize) -> LdaParams {
        LdaParams(LdaValidParams {
            n_topics,
            algorithm: Algorithm::default(),
            alpha: None,
            eta: None,
            max_iterations: None,
            tolerance: 0.0,
            precision: None,
            seed: 0,
            threads: None,
        })
    }
}

/// Parameters that are not checked yet; [`fit`](LdaParams::fit) checks them first.
#[derive(Debug, Clone, PartialEq)]
pub struct LdaParams(LdaValidParams);

/// Checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct LdaValidParams {
    n_topics: usize,
    algorithm: Algorithm,
    alpha: Option<f64>,
    eta: Option<f64>,
    max_iterations: Option<usize>,
    tolerance: f64,
    precision: Option<Precision>,
    seed: u64,
    threads: Option<usize>,
}

impl LdaParams {
    /// How the model is fitted; [`Algorithm::Fast`] by default.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.0.algorithm = algorithm;
        self
    }

    /// The prior of the documents' topics: `None` is the algorithm's default, see
    /// [`LdaValidParams::alpha`].
    ///
    /// Beware that `em` takes it as Spark MLlib does, as a Dirichlet parameter of which the mode is
    /// sought: more than 1, and alike to one less than that in the other algorithms.
    pub fn alpha(mut self, alpha: impl Into<Option<f64>>) -> Self {
        self.0.alpha = alpha.into();
        self
    }

    /// The prior of the topics' words, `beta` in Spark and Spot: `None` is the algorithm's default,
    /// see [`LdaValidParams::eta`]. What is said of [`alpha`](Self::alpha) holds for it.
    pub fn eta(mut self, eta: impl Into<Option<f64>>) -> Self {
        self.0.eta = eta.into();
        self
    }

    /// Iterations at most; see [`LdaValidParams::max_iterations`] for the defaults and for what an
    /// iteration is.
    pub fn max_iterations(mut self, max_iterations: impl Into<Option<usize>>) -> Self {
        self.0.max_iterations = max_iterations.into();
        self
    }

    /// Ends the fit where an iteration raises the mean log-likelihood of a token by less than this;
    /// at 0, the default, all iterations are made. `online`, whose iterations see a few documents
    /// each, does not look at it.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// The numbers that are worked with: `None` is 32-bit for `fast`, 64-bit for `em` and `online`.
    pub fn precision(mut self, precision: impl Into<Option<Precision>>) -> Self {
        self.0.precision = precision.into();
        self
    }

    /// Where all random numbers come from, 0 by default; any number will do.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// How many threads work; `None`, the default, are those of the rayon pool that `fit` is called
    /// in, one per core if it is called in none. The model does not depend on it, to the bit.
    pub fn threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.0.threads = threads.into();
        self
    }

    /// Checks the parameters and fits a model.
    ///
    /// # Errors
    /// A parameter is out of range, no document has a word, or threads cannot be started.
    pub fn fit(&self, counts: &Counts) -> Result<LdaModel, LdaError> {
        fit(self.check_ref()?, counts)
    }
}

impl LdaValidParams {
    /// How many topics.
    pub fn n_topics(&self) -> usize {
        self.n_topics
    }

    /// How the model is fitted.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The prior of the documents' topics. By default 1.02 for `em`, which is Spot's; one by the
    /// number of topics for `online`, which is Spark's; 0.1 for `fast`.
    pub fn alpha(&self) -> f64 {
        self.alpha.unwrap_or(match self.algorithm {
            Algorithm::Fast => 0.1,
            Algorithm::Em => 1.02,
            Algorithm::Online => 1.0 / self.n_topics as f64,
        })
    }

    /// The prior of the topics' words. By default 1.001 for `em`, which is Spot's; one by the number
    /// of topics for `online`, which is Spark's; 0.01 for `fast`.
    pub fn eta(&self) -> f64 {
        self.eta.unwrap_or(match self.algorithm {
            Algorithm::Fast => 0.01,
            Algorithm::Em => 1.001,
            Algorithm::Online => 1.0 / self.n_topics as f64,
        })
    }

    /// Iterations at most, each of which is a look at all documents; for `online` at the documents
    /// of one mini-batch. 20 for `em`, as in Spot; 200 for `online`; 6 for `fast`.
    pub fn max_iterations(&self) -> usize {
        self.max_iterations.unwrap_or(match self.algorithm {
            Algorithm::Fast => 6,
            Algorithm::Em => 20,
            Algorithm::Online => 200,
        })
    }

    /// The gain in log-likelihood below which a fit ends.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The numbers that are worked with.
    pub fn precision(&self) -> Precision {
        self.precision.unwrap_or(match self.algorithm {
            Algorithm::Fast => Precision::F32,
            Algorithm::Em | Algorithm::Online => Precision::F64,
        })
    }

    /// Where all random numbers come from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many threads work, where that was said.
    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// The same but for the seed.
    pub(crate) fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn check(&self) -> Result<(), LdaError> {
        let parameter = |name, value: &dyn ToString, expected| {
            Err(LdaError::Parameter {
                name,
                value: value.to_string(),
                expected,
            })
        };
        if !(1..=TOPICS_MAX).contains(&self.n_topics) {
            return parameter("n_topics", &self.n_topics, "1 to 256");
        }
        if self.threads == Some(0) {
            return parameter("threads", &0, "at least 1");
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return parameter("tolerance", &self.tolerance, "a number from 0 up");
        }
        for (name, prior) in [("alpha", self.alpha()), ("eta", self.eta())] {
            let (weight, expected) = match self.algorithm {
                Algorithm::Em => (prior - 1.0, "a number above 1 for `em`, at most 1e6"),
                _ => (prior, "a number from 1e-9 to 1e6"),
            };
            if !(PRIOR_MIN..=PRIOR_MAX).contains(&weight) {
                return parameter(name, &prior, expected);
            }
        }
        Ok(())
    }
}

impl ParamGuard for LdaParams {
    type Checked = LdaValidParams;
    type Error = LdaError;

    fn check_ref(&self) -> Result<&LdaValidParams, LdaError> {
        self.0.check()?;
        Ok(&self.0)
    }

    fn check(self) -> Result<LdaValidParams, LdaError> {
        self.0.check()?;
        Ok(self.0)
    }
}

impl<T> Fit<Counts, T, LdaError> for LdaValidParams {
    type Object = LdaModel;

    fn fit(&self, dataset: &DatasetBase<Counts, T>) -> Result<LdaModel, LdaError> {
        fit(self, dataset.records())
    }
}
