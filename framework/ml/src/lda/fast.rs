//! Expectation-maximisation over mini-batches, from a start with too many topics.
//!
//! Three stages:
//!
//! 1. Three times the topics, on small weights that differ by chance, learn from the first
//!    mini-batches. With so many, each topic of the documents is soon found by one or more. Those that
//!    are most alike are then merged until the number asked for is left (`merge.rs`). Where a start with
//!    that number gets stuck, two topics in one and another one twice, this one does not.
//! 2. Stochastic EM: the topics learn from mini-batches of all documents in turn. It is Foulds et
//!    al., Stochastic collapsed variational Bayesian inference for latent Dirichlet allocation, KDD
//!    2013, with a few rounds for each document, by cells instead of tokens.
//! 3. Iterations over all documents, each going on from its mix, as `em` has them.
//!
//! Costs O(rounds × cells × topics) for the first two stages and O(cells × topics) for each iteration
//! of the third; no stage costs more for higher counts.

use rayon::prelude::*;

use super::chunks::{Sums, chunks};
use super::document::Document;
use super::draws::{Draws, Purpose};
use super::em::{Em, Priors};
use super::merge::merge;
use super::params::TOPICS_MAX;
use super::real::Real;
use super::rows::{Row, add_scaled, from_topics, padded, product, sum_of, uniform, with_width};
use super::{Counts, LdaModel, LdaValidParams};

/// How many times the topics the start has; and how many topics at most, if that is not too few.
const START_FACTOR: usize = 3;

/// Mini-batches that the start learns from, and those that all topics then learn from.
const START_BATCHES: usize = 30;
const BATCHES: usize = 100;

/// A mini-batch has this many cells for each word, if there are as many: work that is done for each word
/// of all does not outweigh that for the documents.
const CELLS_PER_WORD: usize = 4;

/// Rounds for a document of a mini-batch.
const ROUNDS: usize = 5;

/// A mini-batch counts `(TAU + t)^-KAPPA`, t its number from 1, in the topics that are made of it and
/// of those before. With a `KAPPA` of 0.9 the topics are still those of the first batches at the end.
const TAU: f64 = 10.0;
const KAPPA: f64 = 0.6;

/// Fits a model.
pub(crate) fn fit_fast<F: Real, const K: usize>(
    params: &LdaValidParams,
    counts: &Counts,
) -> LdaModel {
    let batches = Batches::new(params.seed(), counts);
    let n_start = (START_FACTOR * params.n_topics()).min(TOPICS_MAX);
    let merged = with_width!(n_start, W => start::<F, W>(params, counts, &batches, n_start));
    let words = merged.iter().map(|row| padded(row)).collect();
    let mut topics = Topics::<F, K>::new(params, counts, params.n_topics(), words);
    let mut docs = vec![[F::default(); K]; counts.n_docs()];
    for t in 0..BATCHES {
        let batch = batches.get(t);
        for (doc, mix) in batch.iter().zip(topics.learn(batch, t + 1)) {
            docs[*doc] = mix;
        }
    }
    let priors = Priors {
        alpha: params.alpha(),
        eta: params.eta(),
    };
    let mut em = Em::with(counts, params.n_topics(), priors, docs, topics.words);
    em.run(
        params.max_iterations().saturating_sub(1),
        params.tolerance(),
    );
    em.finish_smoothed(params)
}

/// Learns too many topics of a few documents, and gives for each word the weights of those that are
/// left when they were merged.
fn start<F: Real, const K: usize>(
    params: &LdaValidParams,
    counts: &Counts,
    batches: &Batches,
    n_topics: usize,
) -> Vec<Vec<f64>> {
    let mean = counts.n_tokens() as f64 / (1.5 * counts.n_words() as f64 * n_topics as f64);
    let words = (0..counts.n_words() as u64).into_par_iter().map(|word| {
        let mut draws = Draws::of(params.seed(), Purpose::Word, word, 0);
        from_topics(n_topics, |_| F::of(mean * (1.0 + draws.uniform())))
    });
    let mut topics = Topics::<F, K>::new(params, counts, n_topics, words.collect());
    for t in 0..START_BATCHES {
        topics.learn(batches.get(t), t + 1);
    }
    merge(&topics.words, n_topics, params.n_topics())
}

/// The documents that have words, in an order drawn by chance, in parts.
struct Batches {
    docs: Vec<usize>,
    n_batches: usize,
}

impl Batches {
    fn new(seed: u64, counts: &Counts) -> Self {
        let mut docs: Vec<usize> = (0..counts.n_docs())
            .filter(|doc| !counts.row(*doc).0.is_empty())
            .collect();
        docs.sort_by_cached_key(|doc| Draws::of(seed, Purpose::Batch, *doc as u64, 0).next());
        let for_words = counts.n_cells() / (CELLS_PER_WORD * counts.n_words());
        Batches {
            n_batches: for_words.min(docs.len()).clamp(1, BATCHES),
            docs,
        }
    }

    /// The `t`-th part, from 0; behind the last comes the first.
    fn get(&self, t: usize) -> &[usize] {
        let (part, n_docs) = (t % self.n_batches, self.docs.len());
        &self.docs[n_docs * part / self.n_batches..n_docs * (part + 1) / self.n_batches]
    }
}

/// The expected counts of the words' topics.
struct Topics<'a, F, const K: usize> {
    counts: &'a Counts,
    n_topics: usize,
    priors: Priors,
    words: Vec<Row<F, K>>,
    totals: Row<F, K>,
    sums: Sums<F, K>,
}

impl<'a, F: Real, const K: usize> Topics<'a, F, K> {
    fn new(
        params: &LdaValidParams,
        counts: &'a Counts,
        n_topics: usize,
        words: Vec<Row<F, K>>,
    ) -> Self {
        Topics {
            counts,
            n_topics,
            priors: Priors {
                alpha: params.alpha(),
                eta: params.eta(),
            },
            totals: sum_of(&words),
            words,
            sums: Sums::new(counts.n_words()),
        }
    }

    /// Learns from the `t`-th mini-batch, and gives the topics' counts in its documents.
    fn learn(&mut self, batch: &[usize], t: usize) -> Vec<Row<F, K>> {
        let (counts, n_topics) = (self.counts, self.n_topics);
        let mut starts = vec![0];
        for doc in batch {
            starts.push(starts[starts.len() - 1] + counts.row(*doc).0.len());
        }
        let chunks = chunks(&starts, counts.n_words());
        let weights = self.priors.weights(n_topics, &self.words, &self.totals);
        let alpha: Row<F, K> = uniform(n_topics, F::of(self.priors.alpha));
        let found: Vec<Vec<Row<F, K>>> = chunks
            .par_iter()
            .zip(self.sums.of_chunks(chunks.len()))
            .map(|(chunk, sums)| {
                let mut document = Document::default();
                let learn = |doc: &usize| {
                    document.set_row(counts, *doc, &weights);
                    let first = uniform(n_topics, F::of(counts.doc_len(*doc) / n_topics as f64));
                    let topics = document.expect(&alpha, first, ROUNDS, 0.0);
                    let mix = sum_of(&[topics, alpha]);
                    document.add_to(sums, counts.row(*doc).0, &mix, F::of(1.0));
                    topics
                };
                batch[chunk.clone()].iter().map(learn).collect()
            })
            .collect();

        let rate = (TAU + t as f64).powf(-KAPPA);
        let n_tokens: f64 = batch.iter().map(|doc| counts.doc_len(*doc)).sum();
        let old = F::of(1.0 - rate);
        let new = F::of(rate * counts.n_tokens() as f64 / n_tokens);
        self.totals = self.sums.take(&mut self.words, |word, row, sum| {
            let mut next = [F::default(); K];
            add_scaled(&mut next, old, row);
            add_scaled(&mut next, new, &product(&sum, &weights[word]));
            *row = next;
        });
        found.into_iter().flatten().collect()
    }
}
