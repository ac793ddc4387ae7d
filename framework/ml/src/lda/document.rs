//! One document, the topics of its words given: which mix of topics fits it.
//!
//! The rows of the document's words are copied side by side once, and then looked at again and
//! again; a round costs O(words × topics).

use super::Counts;
use super::digamma::digamma;
use super::real::Real;
use super::rows::{Row, add_scaled, product, scale, sum_of, total};

/// Rounds at most. A document that has not settled by then has topics that are almost alike for it.
pub(crate) const ROUNDS_MAX: usize = 1000;

/// The words of a document: the topics' weights for each, and how often it occurs.
#[derive(Debug, Default)]
pub(crate) struct Document<F, const K: usize> {
    rows: Vec<Row<F, K>>,
    counts: Vec<F>,
}

impl<F: Real, const K: usize> Document<F, K> {
    /// Takes other words.
    pub(crate) fn set(&mut self, words: impl Iterator<Item = (Row<F, K>, F)>) {
        self.rows.clear();
        self.counts.clear();
        for (row, count) in words {
            self.rows.push(row);
            self.counts.push(count);
        }
    }

    /// Takes the words of a row of counts.
    pub(crate) fn set_row(&mut self, counts: &Counts, doc: usize, weights: &[Row<F, K>]) {
        let (words, counts) = counts.row(doc);
        let cells = words.iter().zip(counts);
        self.set(cells.map(|(word, count)| (weights[*word as usize], F::of_count(*count))));
    }

    /// Adds to the sum of each word what of its count `mix` gives to the topics, `times` over and
    /// divided by the word's own weights.
    pub(crate) fn add_to(&self, sums: &mut [Row<F, K>], words: &[u32], mix: &Row<F, K>, times: F) {
        for ((row, count), word) in self.rows.iter().zip(&self.counts).zip(words) {
            add_scaled(
                &mut sums[*word as usize],
                times * scale(*count, row, mix),
                mix,
            );
        }
    }

    /// For each topic the sum over all words of what of them `mix` gives it, divided by its weight in
    /// `mix`.
    #[inline]
    fn shares(&self, mix: &Row<F, K>) -> Row<F, K> {
        let mut shares = [F::default(); K];
        for (row, count) in self.rows.iter().zip(&self.counts) {
            add_scaled(&mut shares, scale(*count, row, mix), row);
        }
        shares
    }

    /// The expected counts of the topics, of their prior and a first guess; by so many rounds of
    /// expectation-maximisation, or until they change by less than `tolerance` of their sum.
    pub(crate) fn expect(
        &self,
        alpha: &Row<F, K>,
        first: Row<F, K>,
        max_rounds: usize,
        tolerance: f64,
    ) -> Row<F, K> {
        let mut topics = first;
        let limit = F::of(tolerance * self.counts.iter().map(|count| count.to_f64()).sum::<f64>());
        for _ in 0..max_rounds {
            let mix = sum_of(&[*alpha, topics]);
            let next = product(&self.shares(&mix), &mix);
            let change = distance(&topics, &next);
            topics = next;
            if change <= limit {
                break;
            }
        }
        topics
    }

    /// The parameters of the topics' variational distribution, of their prior and a first guess; until
    /// they change by less than `tolerance` a topic.
    ///
    /// The words' rows are exponentials of expected logarithms here.
    pub(crate) fn vary(
        &self,
        n_topics: usize,
        alpha: &Row<F, K>,
        first: Row<F, K>,
        tolerance: f64,
    ) -> Row<F, K> {
        let mut gamma = first;
        let limit = F::of(tolerance * n_topics as f64);
        for _ in 0..ROUNDS_MAX {
            let mix = exp_of_expected_logs(n_topics, &gamma);
            let next = sum_of(&[*alpha, product(&self.shares(&mix), &mix)]);
            let change = distance(&gamma, &next);
            gamma = next;
            if change <= limit {
                break;
            }
        }
        gamma
    }
}

/// The exponential of the expected logarithm of each of the shares that a Dirichlet distribution
/// gives; `weights` are its parameters.
pub(crate) fn exp_of_expected_logs<F: Real, const K: usize>(
    n_topics: usize,
    weights: &Row<F, K>,
) -> Row<F, K> {
    let of_total = digamma(total(weights).to_f64());
    let mut exps = [F::default(); K];
    for (exp, weight) in exps.iter_mut().zip(weights).take(n_topics) {
        *exp = F::of((digamma(weight.to_f64()) - of_total).exp());
    }
    exps
}

/// The sum of the absolute differences.
fn distance<F: Real, const K: usize>(one: &Row<F, K>, other: &Row<F, K>) -> F {
    let differences = std::array::from_fn(|topic| {
        let difference = one[topic] - other[topic];
        if difference < F::default() {
            F::default() - difference
        } else {
            difference
        }
    });
    total::<F, K>(&differences)
}
