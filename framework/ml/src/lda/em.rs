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

/// The expected counts of topics.
pub(crate) struct Em<'a, F, const K: usize> {
    counts: &'a Counts,
    n_topics: usize,
    /// What is added to a document's counts, one less than the prior.
    alpha: F,
    /// What is added to a word's counts, one less than the prior.
    eta: F,
    /// `N_dk`.
    docs: Vec<Row<F, K>>,
    /// `N_wk`.
    words: Vec<Row<F, K>>,
    /// `N_k`.
    totals: Row<F, K>,
    sums: Sums<F, K>,
}

/// Fits a model.
pub(crate) fn fit_em<F: Real, const K: usize>(
    params: &LdaValidParams,
    counts: &Counts,
) -> LdaModel {
    let mut em = Em::<F, K>::start(params, counts);
    let mut last = f64::NEG_INFINITY;
    for _ in 0..params.max_iterations() {
        let likelihood = em.step(params.tolerance() > 0.0);
        if likelihood - last < params.tolerance() {
            break;
        }
        last = likelihood;
    }
    em.finish(params)
}

impl<'a, F: Real, const K: usize> Em<'a, F, K> {
    /// Random weights for the topics of each cell.
    fn start(params: &LdaValidParams, counts: &'a Counts) -> Self {
        let mut em = Em::with(
            params,
            counts,
            vec![[F::default(); K]; counts.n_docs()],
            vec![[F::default(); K]; counts.n_words()],
        );
        let (n_topics, seed) = (params.n_topics(), params.seed());
        em.each_chunk(|doc, docs_topics, sums| {
            let (words, counts) = counts.row(doc);
            for (word, count) in words.iter().zip(counts) {
                let mut draws = Draws::of(seed, Purpose::Cell, doc as u64, u64::from(*word));
                let mut weights = [F::default(); K];
                weights[..n_topics].fill_with(|| F::of(draws.uniform()));
                let by = F::of_count(*count) / total(&weights);
                add_scaled(docs_topics, by, &weights);
                add_scaled(&mut sums[*word as usize], by, &weights);
            }
            0.0
        });
        em.totals = em.sums.take(&mut em.words, |_, row, sum| *row = sum);
        em
    }

    /// Counts to go on from.
    fn with(
        params: &LdaValidParams,
        counts: &'a Counts,
        docs: Vec<Row<F, K>>,
        words: Vec<Row<F, K>>,
    ) -> Self {
        Em {
            counts,
            n_topics: params.n_topics(),
            alpha: F::of(params.alpha() - 1.0),
            eta: F::of(params.eta() - 1.0),
            docs,
            totals: sum_of(&words),
            words,
            sums: Sums::new(counts.n_words()),
        }
    }

    /// One iteration. If asked for, the mean log-likelihood of a token before it, else infinity.
    fn step(&mut self, with_likelihood: bool) -> f64 {
        let (counts, n_tokens) = (self.counts, self.counts.n_tokens() as f64);
        let alpha: Row<F, K> = uniform(self.n_topics, self.alpha);
        let mut words = std::mem::take(&mut self.words);
        self.to_weights(&mut words);
        let likelihood = self.each_chunk(|doc, doc_topics, sums| {
            let mut mix = alpha;
            add(&mut mix, doc_topics);
            let mut likelihood = 0.0;
            let mix_total = total(&mix);
            let mut new = [F::default(); K];
            let (cells, counts) = counts.row(doc);
            for (word, count) in cells.iter().zip(counts) {
                let weights = &words[*word as usize];
                let by = scale(F::of_count(*count), weights, &mix);
                add_scaled(&mut new, by, weights);
                add_scaled(&mut sums[*word as usize], by, &mix);
                if with_likelihood {
                    let p = (dot(weights, &mix) / mix_total).to_f64();
                    likelihood += f64::from(*count) * p.ln();
                }
            }
            *doc_topics = product(&new, &mix);
            likelihood
        });
        self.totals = self
            .sums
            .take(&mut words, |_, row, sum| *row = product(row, &sum));
        self.words = words;
        match with_likelihood {
            true => likelihood / n_tokens,
            false => f64::INFINITY,
        }
    }

    /// Turns a word's counts into its smoothed share of each topic.
    fn to_weights(&self, words: &mut [Row<F, K>]) {
        let n_words = F::of(self.counts.n_words() as f64);
        let eta: Row<F, K> = uniform(self.n_topics, self.eta);
        let mut inverse: Row<F, K> = [F::default(); K];
        for (inverse, total) in inverse.iter_mut().zip(&self.totals).take(self.n_topics) {
            *inverse = F::of(1.0) / (*total + n_words * self.eta);
        }
        words.par_iter_mut().with_min_len(512).for_each(|row| {
            add(row, &eta);
            *row = product(row, &inverse);
        });
    }

    /// Calls `work` with each document, its topics, and its chunk's sums, and adds up what it gives.
    fn each_chunk(
        &mut self,
        work: impl Fn(usize, &mut Row<F, K>, &mut [Row<F, K>]) -> f64 + Sync,
    ) -> f64 {
        let mut parts = Vec::new();
        let mut rest = &mut self.docs[..];
        let chunks = chunks(self.counts.row_starts(), self.counts.n_words());
        let sums = self.sums.of_chunks(chunks.len());
        for chunk in chunks {
            let (docs, others) = rest.split_at_mut(chunk.len());
            parts.push((chunk, docs));
            rest = others;
        }
        let values: Vec<f64> = parts
            .into_par_iter()
            .zip(sums)
            .map(|((chunk, docs), sums)| {
                chunk
                    .zip(docs)
                    .map(|(doc, topics)| work(doc, topics, sums))
                    .sum()
            })
            .collect();
        values.into_iter().sum()
    }

    fn finish(self, params: &LdaValidParams) -> LdaModel {
        let alpha = vec![params.alpha() - 1.0; params.n_topics()];
        LdaModel::of_weights(params, alpha, params.eta() - 1.0, &self.docs, &self.words)
    }
}
