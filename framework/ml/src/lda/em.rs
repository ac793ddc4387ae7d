//! MAP expectation-maximisation.
//!
//! A. Asuncion, M. Welling, P. Smyth, Y. W. Teh, On smoothing and inference for topic models, UAI
//! 2009, section 2.4; the counts of documents and words are kept as they are, without the priors,
//! as Spark MLlib's `EMLDAOptimizer` does. An iteration costs O(cells × topics).

use rayon::prelude::*;

use super::chunks::{Sums, chunks};
use super::draws::{Draws, Purpose};
use super::real::Real;
use super::rows::{Row, add, add_scaled, dot, product, scale, sum_of, total, uniform};
use super::{Counts, LdaModel, LdaValidParams};

/// What is added to the expected counts of a document's topics, and to those of a topic's words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Priors {
    pub(crate) alpha: f64,
    pub(crate) eta: f64,
}

impl Priors {
    /// The smoothed share that each word has in the topics.
    pub(crate) fn weights<F: Real, const K: usize>(
        &self,
        n_topics: usize,
        words: &[Row<F, K>],
        totals: &Row<F, K>,
    ) -> Vec<Row<F, K>> {
        let of_all = F::of(words.len() as f64 * self.eta);
        let eta: Row<F, K> = uniform(n_topics, F::of(self.eta));
        let mut inverse = [F::default(); K];
        for (inverse, total) in inverse.iter_mut().zip(totals).take(n_topics) {
            *inverse = F::of(1.0) / (*total + of_all);
        }
        let weights = |row: &Row<F, K>| product(&sum_of(&[*row, eta]), &inverse);
        words.par_iter().with_min_len(512).map(weights).collect()
    }
}

/// The expected counts of topics.
pub(crate) struct Em<'a, F, const K: usize> {
    pub(crate) counts: &'a Counts,
    n_topics: usize,
    priors: Priors,
    /// `N_dk`.
    pub(crate) docs: Vec<Row<F, K>>,
    /// `N_wk`.
    pub(crate) words: Vec<Row<F, K>>,
    /// `N_k`.
    pub(crate) totals: Row<F, K>,
    sums: Sums<F, K>,
}

/// Fits a model.
pub(crate) fn fit_em<F: Real, const K: usize>(
    params: &LdaValidParams,
    counts: &Counts,
) -> LdaModel {
    let mut em = Em::<F, K>::start(params, counts);
    em.run(params.max_iterations(), params.tolerance());
    em.finish(params)
}

impl<'a, F: Real, const K: usize> Em<'a, F, K> {
    /// Counts to go on from.
    pub(crate) fn with(
        counts: &'a Counts,
        n_topics: usize,
        priors: Priors,
        docs: Vec<Row<F, K>>,
        words: Vec<Row<F, K>>,
    ) -> Self {
        Em {
            counts,
            n_topics,
            priors,
            docs,
            totals: sum_of(&words),
            words,
            sums: Sums::new(counts.n_words()),
        }
    }

    /// Random weights for the topics of each cell.
    fn start(params: &LdaValidParams, counts: &'a Counts) -> Self {
        let (n_topics, seed) = (params.n_topics(), params.seed());
        let priors = Priors {
            alpha: params.alpha() - 1.0,
            eta: params.eta() - 1.0,
        };
        let docs = vec![[F::default(); K]; counts.n_docs()];
        let words = vec![[F::default(); K]; counts.n_words()];
        let mut em = Em::with(counts, n_topics, priors, docs, words);
        em.each_document(|doc, topics, sums| {
            let (words, counts) = counts.row(doc);
            for (word, count) in words.iter().zip(counts) {
                let mut draws = Draws::of(seed, Purpose::Cell, doc as u64, u64::from(*word));
                let mut weights = [F::default(); K];
                weights[..n_topics].fill_with(|| F::of(draws.uniform()));
                let by = F::of_count(*count) / total(&weights);
                add_scaled(topics, by, &weights);
                add_scaled(&mut sums[*word as usize], by, &weights);
            }
            0.0
        });
        em.totals = em.sums.take(&mut em.words, |_, row, sum| *row = sum);
        em
    }

    /// So many iterations, or until one raises the mean log-likelihood of a token by less than
    /// `tolerance`.
    pub(crate) fn run(&mut self, max_iterations: usize, tolerance: f64) {
        let mut last = f64::NEG_INFINITY;
        for _ in 0..max_iterations {
            let likelihood = self.step(tolerance > 0.0);
            if likelihood - last < tolerance {
                break;
            }
            last = likelihood;
        }
    }

    /// One iteration. If asked for, the mean log-likelihood of a token before it, else infinity.
    fn step(&mut self, with_likelihood: bool) -> f64 {
        let counts = self.counts;
        let alpha: Row<F, K> = uniform(self.n_topics, F::of(self.priors.alpha));
        let weights = self
            .priors
            .weights(self.n_topics, &self.words, &self.totals);
        let likelihood = self.each_document(|doc, topics, sums| {
            let mix = sum_of(&[*topics, alpha]);
            let of_mix = total(&mix);
            let (mut shares, mut likelihood) = ([F::default(); K], 0.0);
            let (words, counts) = counts.row(doc);
            for (word, count) in words.iter().zip(counts) {
                let weights = &weights[*word as usize];
                let by = scale(F::of_count(*count), weights, &mix);
                add_scaled(&mut shares, by, weights);
                add_scaled(&mut sums[*word as usize], by, &mix);
                if with_likelihood {
                    let p = (dot(weights, &mix) / of_mix).to_f64();
                    likelihood += f64::from(*count) * p.ln();
                }
            }
            *topics = product(&shares, &mix);
            likelihood
        });
        self.totals = self.sums.take(&mut self.words, |word, row, sum| {
            *row = product(&weights[word], &sum);
        });
        match with_likelihood {
            true => likelihood / counts.n_tokens() as f64,
            false => f64::INFINITY,
        }
    }

    /// Calls `work` with each document, its topics, and its chunk's sums, and adds up what it gives.
    fn each_document(
        &mut self,
        work: impl Fn(usize, &mut Row<F, K>, &mut [Row<F, K>]) -> f64 + Sync,
    ) -> f64 {
        let chunks = chunks(self.counts.row_starts(), self.counts.n_words());
        let sums = self.sums.of_chunks(chunks.len());
        let mut parts = Vec::new();
        let mut rest = &mut self.docs[..];
        for chunk in chunks {
            let (docs, others) = rest.split_at_mut(chunk.len());
            parts.push((chunk, docs));
            rest = others;
        }
        let values: Vec<f64> = parts
            .into_par_iter()
            .zip(sums)
            .map(|((chunk, docs), sums)| {
                let docs = chunk.zip(docs);
                docs.map(|(doc, topics)| work(doc, topics, sums)).sum()
            })
            .collect();
        values.into_iter().sum()
    }

    /// The counts as they are, the priors left out.
    pub(crate) fn finish(self, params: &LdaValidParams) -> LdaModel {
        let alpha = vec![self.priors.alpha; self.n_topics];
        LdaModel::of_weights(params, alpha, self.priors.eta, &self.docs, &self.words)
    }

    /// The counts with the priors added to them.
    pub(crate) fn finish_smoothed(mut self, params: &LdaValidParams) -> LdaModel {
        let alpha = uniform(self.n_topics, F::of(self.priors.alpha));
        let eta = uniform(self.n_topics, F::of(self.priors.eta));
        self.docs.iter_mut().for_each(|row| add(row, &alpha));
        self.words.iter_mut().for_each(|row| add(row, &eta));
        let alpha = vec![self.priors.alpha; self.n_topics];
        LdaModel::of_weights(params, alpha, 0.0, &self.docs, &self.words)
    }
}
