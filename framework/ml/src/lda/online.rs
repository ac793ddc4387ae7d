//! Variational Bayes over mini-batches.
//!
//! M. Hoffman, D. Blei, F. Bach, Online learning for latent Dirichlet allocation, NIPS 2010, as
//! Spark MLlib's `OnlineLDAOptimizer` does it: mini-batches are drawn with replacement, and the
//! prior of the documents is learned (Huang 2005). A mini-batch has a twentieth of the documents and
//! one more; Spot meant that, and what it wrote is just about one document.
//!
//! An iteration costs O(rounds × cells × topics) over the cells of its mini-batch, and O(words ×
//! topics).

use rayon::prelude::*;

use super::chunks::{Sums, chunks};
use super::digamma::{digamma, trigamma};
use super::document::{Document, exp_of_expected_logs};
use super::draws::{Draws, Purpose};
use super::infer::VARIATIONAL_TOLERANCE;
use super::params::{PRIOR_MAX, PRIOR_MIN};
use super::real::Real;
use super::rows::{Row, add_scaled, from_topics, padded, product, sum_of, total, uniform};
use super::{Counts, LdaModel, LdaValidParams};

/// Added to the number of an iteration before its rate is taken, so that the first ones do not count
/// for much more than later ones; and by which power rates fall. Spark's defaults.
const TAU: f64 = 1024.0;
const KAPPA: f64 = 0.51;

/// What mini-batches have of all documents.
const BATCH_SHARE: f64 = 0.05;

/// Up to so many cells, a model is fitted from several starts: of two words in two documents, one start
/// in a hundred ended with both in one topic. With more cells it would cost time.
const STARTS_CELLS_MAX: usize = 4096;
const STARTS: u64 = 4;

/// How much of `n_docs` documents a mini-batch has.
pub(crate) fn batch_fraction(n_docs: usize) -> f64 {
    (BATCH_SHARE + 1.0 / n_docs as f64).min(1.0)
}

/// What the `t`-th mini-batch, from 1, has of the new topics.
pub(crate) fn learning_rate(t: usize) -> f64 {
    (TAU + t as f64).powf(-KAPPA)
}

/// The parameters of the variational distribution of the topics, and of the prior of documents.
struct Online<'a, F, const K: usize> {
    counts: &'a Counts,
    params: &'a LdaValidParams,
    /// α, which is learned.
    alpha: Vec<f64>,
    /// λ, and its sum over the words.
    words: Vec<Row<F, K>>,
    totals: Row<F, K>,
    sums: Sums<F, K>,
    /// How many mini-batches were not empty.
    t: usize,
}

/// A document of a mini-batch, and how often it was drawn.
struct Drawn {
    doc: usize,
    times: u32,
}

/// Fits a model; of few cells several, of which the most likely is kept.
pub(crate) fn fit_online<F: Real, const K: usize>(
    params: &LdaValidParams,
    counts: &Counts,
) -> LdaModel {
    let first = fit_once::<F, K>(params, counts);
    if counts.n_cells() > STARTS_CELLS_MAX {
        return first;
    }
    let mut best = (likelihood(&first, counts), first);
    for start in 1..STARTS {
        let seed = Draws::of(params.seed(), Purpose::Start, start, 0).next();
        let model = fit_once::<F, K>(&params.clone().with_seed(seed), counts);
        let likelihood = likelihood(&model, counts);
        if likelihood > best.0 {
            best = (likelihood, model);
        }
    }
    best.1
}

fn fit_once<F: Real, const K: usize>(params: &LdaValidParams, counts: &Counts) -> LdaModel {
    let mut online = Online::<F, K>::start(params, counts);
    for iteration in 0..params.max_iterations() {
        online.step(iteration);
    }
    online.finish()
}

/// The log-likelihood of the documents that a model was fitted to.
fn likelihood(model: &LdaModel, counts: &Counts) -> f64 {
    let of_doc = |doc: usize| {
        let (words, counts) = counts.row(doc);
        let of_cell = |(word, count): (&u32, &u32)| {
            let topics = model
                .word_topic(*word as usize)
                .iter()
                .zip(model.doc_topic(doc));
            let p: f64 = topics.map(|(of_word, of_doc)| of_word * of_doc).sum();
            f64::from(*count) * p.ln()
        };
        words.iter().zip(counts).map(of_cell).sum::<f64>()
    };
    (0..counts.n_docs()).map(of_doc).sum()
}

impl<'a, F: Real, const K: usize> Online<'a, F, K> {
    fn start(params: &'a LdaValidParams, counts: &'a Counts) -> Self {
        let n_topics = params.n_topics();
        let words: Vec<Row<F, K>> = (0..counts.n_words() as u64)
            .into_par_iter()
            .map(|word| gammas(n_topics, Draws::of(params.seed(), Purpose::Word, word, 0)))
            .collect();
        Online {
            counts,
            params,
            alpha: vec![params.alpha(); n_topics],
            totals: sum_of(&words),
            words,
            sums: Sums::new(counts.n_words()),
            t: 0,
        }
    }

    /// Draws a mini-batch and learns from it.
    fn step(&mut self, iteration: usize) {
        let drawn = self.draw(iteration);
        if drawn.is_empty() {
            return;
        }
        self.t += 1;
        let rate = learning_rate(self.t);
        let weights = self.weights(&drawn);
        let logs = self.vary(&drawn, &weights, iteration);

        let n_docs = self.counts.n_docs() as f64;
        let batch_size = (batch_fraction(self.counts.n_docs()) * n_docs).ceil();
        let (old, new) = (F::of(1.0 - rate), F::of(rate * n_docs / batch_size));
        let eta: Row<F, K> = uniform(self.params.n_topics(), F::of(rate * self.params.eta()));
        self.totals = self.sums.take(&mut self.words, |word, row, sum| {
            let mut next = eta;
            add_scaled(&mut next, old, row);
            add_scaled(&mut next, new, &product(&sum, &weights[word]));
            *row = next;
        });
        learn_alpha(&mut self.alpha, rate, &logs, n_drawn(&drawn));
    }

    /// The documents of a mini-batch; those without words teach nothing.
    fn draw(&self, iteration: usize) -> Vec<Drawn> {
        let fraction = batch_fraction(self.counts.n_docs());
        let draws = |doc| Draws::of(self.params.seed(), Purpose::Batch, doc, iteration as u64);
        (0..self.counts.n_docs())
            .filter(|doc| !self.counts.row(*doc).0.is_empty())
            .map(|doc| {
                let times = draws(doc as u64).poisson(fraction);
                Drawn { doc, times }
            })
            .filter(|drawn| drawn.times > 0)
            .collect()
    }

    /// The exponentials of the expected logarithms of the topics of these documents' words.
    fn weights(&self, drawn: &[Drawn]) -> Vec<Row<F, K>> {
        let mut is_drawn = vec![false; self.counts.n_words()];
        for Drawn { doc, .. } in drawn {
            for word in self.counts.row(*doc).0 {
                is_drawn[*word as usize] = true;
            }
        }
        let n_topics = self.params.n_topics();
        let logs = self.totals.map(|total| digamma(total.to_f64()));
        let rows = self.words.par_iter().zip(is_drawn);
        rows.map(|(lambda, is_drawn)| {
            let mut weights = [F::default(); K];
            for topic in 0..if is_drawn { n_topics } else { 0 } {
                weights[topic] = F::of((digamma(lambda[topic].to_f64()) - logs[topic]).exp());
            }
            weights
        })
        .collect()
    }

    /// Finds the topics of the documents and adds up what they give to their words. The result is
    /// the sum of the expected logarithms of the documents' mixes.
    fn vary(&mut self, drawn: &[Drawn], weights: &[Row<F, K>], iteration: usize) -> Vec<f64> {
        let (counts, n_topics) = (self.counts, self.params.n_topics());
        let mut starts = vec![0];
        for Drawn { doc, .. } in drawn {
            starts.push(starts[starts.len() - 1] + counts.row(*doc).0.len());
        }
        let chunks = chunks(&starts, counts.n_words());
        let (alpha, seed) = (padded(&self.alpha), self.params.seed());
        let logs: Vec<Vec<f64>> = chunks
            .par_iter()
            .zip(self.sums.of_chunks(chunks.len()))
            .map(|(chunk, sums)| {
                let mut document = Document::default();
                let mut logs = vec![0.0; n_topics];
                for Drawn { doc, times } in &drawn[chunk.clone()] {
                    let first = Draws::of(seed, Purpose::Document, *doc as u64, iteration as u64);
                    let first = gammas(n_topics, first);
                    document.set_row(counts, *doc, weights);
                    let gamma = document.vary(n_topics, &alpha, first, VARIATIONAL_TOLERANCE);
                    let of_total = digamma(total(&gamma).to_f64());
                    for (log, gamma) in logs.iter_mut().zip(&gamma) {
                        *log += f64::from(*times) * (digamma(gamma.to_f64()) - of_total);
                    }
                    let mix = exp_of_expected_logs(n_topics, &gamma);
                    document.add_to(sums, counts.row(*doc).0, &mix, F::of_count(*times));
                }
                logs
            })
            .collect();
        (0..n_topics)
            .map(|topic| logs.iter().map(|logs| logs[topic]).sum())
            .collect()
    }

    /// The mixes of all documents, by the topics as they are now.
    fn finish(self) -> LdaModel {
        let (counts, n_topics) = (self.counts, self.params.n_topics());
        let all: Vec<Drawn> = (0..counts.n_docs())
            .map(|doc| Drawn { doc, times: 1 })
            .collect();
        let (weights, alpha) = (self.weights(&all), padded(&self.alpha));
        let docs: Vec<Row<F, K>> = (0..counts.n_docs())
            .into_par_iter()
            .map_init(Document::default, |document, doc| {
                document.set_row(counts, doc, &weights);
                let first = uniform(n_topics, F::of(1.0));
                document.vary(n_topics, &alpha, first, VARIATIONAL_TOLERANCE)
            })
            .collect();
        LdaModel::of_weights(self.params, self.alpha, 0.0, &docs, &self.words)
    }
}

/// One step of Newton's towards the prior that explains the documents best, by `rate`; none if it
/// led to one that is no prior. `logs` are the sums over the documents.
fn learn_alpha(alpha: &mut Vec<f64>, rate: f64, logs: &[f64], n_docs: f64) {
    let total: f64 = alpha.iter().sum();
    let curvature = n_docs * trigamma(total);
    let (mut of_gradients, mut of_inverses) = (0.0, 0.0);
    let mut steps = Vec::with_capacity(alpha.len());
    for (alpha, log) in alpha.iter().zip(logs) {
        let gradient = n_docs * (digamma(total) - digamma(*alpha)) + log;
        let second = -n_docs * trigamma(*alpha);
        of_gradients += gradient / second;
        of_inverses += 1.0 / second;
        steps.push((gradient, second));
    }
    let b = of_gradients / (1.0 / curvature + of_inverses);
    let next = steps.iter().zip(alpha.iter());
    let next: Vec<f64> = next
        .map(|((gradient, second), alpha)| alpha - rate * (gradient - b) / second)
        .collect();
    if next
        .iter()
        .all(|alpha| (PRIOR_MIN..=PRIOR_MAX).contains(alpha))
    {
        *alpha = next;
    }
}

fn n_drawn(drawn: &[Drawn]) -> f64 {
    drawn.iter().map(|drawn| f64::from(drawn.times)).sum()
}

/// A first guess around 1 for each topic.
fn gammas<F: Real, const K: usize>(n_topics: usize, mut draws: Draws) -> Row<F, K> {
    from_topics(n_topics, |_| F::of(draws.gamma_100()))
}
