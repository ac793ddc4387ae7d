//! The fitted model.

use std::cmp::Ordering;

use linfa::traits::Transformer;
use ndarray::{Array2, ArrayView2};

use super::infer::{perplexity, transform};
use super::real::Real;
use super::rows::{Row, with_width};
use super::{Algorithm, Counts, LdaValidParams};

/// Topics of words and of the training's documents.
#[derive(Debug, Clone, PartialEq)]
pub struct LdaModel {
    pub(crate) algorithm: Algorithm,
    /// What each topic has in a document before any of its words is looked at.
    pub(crate) alpha: Vec<f64>,
    /// What each word has in a topic before any document is looked at, where
    /// `word_topics` are without it; else 0.
    pub(crate) eta: f64,
    /// How many tokens each topic has, with what of the prior is in `word_topics`.
    pub(crate) topic_totals: Vec<f64>,
    /// `(n_words, n_topics)`
    pub(crate) word_topics: Array2<f64>,
    /// `(n_docs, n_topics)`
    pub(crate) doc_topics: Array2<f64>,
}

impl LdaModel {
    /// A model of a weight for each topic of each word and document.
    ///
    /// A topic without weight is one that no word is in; a document without weight is in all topics
    /// alike.
    pub(crate) fn of_weights<F: Real, const K: usize>(
        params: &LdaValidParams,
        alpha: Vec<f64>,
        eta: f64,
        docs: &[Row<F, K>],
        words: &[Row<F, K>],
    ) -> Self {
        let n_topics = params.n_topics();
        let table = |rows: &[Row<F, K>]| {
            Array2::from_shape_fn((rows.len(), n_topics), |(row, topic)| {
                rows[row][topic].to_f64()
            })
        };
        let (mut word_topics, mut doc_topics) = (table(words), table(docs));
        let topic_totals: Vec<f64> = word_topics
            .columns()
            .into_iter()
            .map(|of| of.sum())
            .collect();
        for (mut column, total) in word_topics.columns_mut().into_iter().zip(&topic_totals) {
            if *total > 0.0 {
                column.mapv_inplace(|weight| weight / total);
            }
        }
        for mut row in doc_topics.rows_mut() {
            let total = row.sum();
            match total > 0.0 {
                true => row.mapv_inplace(|weight| weight / total),
                false => row.fill(1.0 / n_topics as f64),
            }
        }
        LdaModel {
            algorithm: params.algorithm(),
            alpha,
            eta,
            topic_totals,
            word_topics,
            doc_topics,
        }
    }

    /// How many topics.
    pub fn n_topics(&self) -> usize {
        self.topic_totals.len()
    }

    /// How many words the training had numbers for.
    pub fn n_words(&self) -> usize {
        self.word_topics.nrows()
    }

    /// How many documents the training had.
    pub fn n_docs(&self) -> usize {
        self.doc_topics.nrows()
    }

    /// How the model was fitted.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The prior of each topic in a document: what is added to the expected counts. `online` learns
    /// it, for `em` it is one less than its parameter.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// How many of the training's tokens each topic has, by expectation, with what of the prior is in
    /// [`word_topic`](Self::word_topic).
    pub fn topic_weights(&self) -> &[f64] {
        &self.topic_totals
    }

    /// The mix of topics of a document of the training; its sum is 1.
    ///
    /// # Panics
    /// `doc` is not below [`n_docs`](Self::n_docs).
    pub fn doc_topic(&self, doc: usize) -> &[f64] {
        row(&self.doc_topics, doc)
    }

    /// The mixes of all documents of the training, `(n_docs, n_topics)`.
    pub fn doc_topics(&self) -> ArrayView2<'_, f64> {
        self.doc_topics.view()
    }

    /// The probability of a word in each of the topics. For a topic, those of all words add up to 1,
    /// or to 0 if the topic has no word.
    ///
    /// # Panics
    /// `word` is not below [`n_words`](Self::n_words).
    pub fn word_topic(&self, word: usize) -> &[f64] {
        row(&self.word_topics, word)
    }

    /// The probabilities of all words, `(n_words, n_topics)`.
    pub fn word_topics(&self) -> ArrayView2<'_, f64> {
        self.word_topics.view()
    }

    /// The `n` most probable words of a topic with their probabilities, the most probable first;
    /// of words alike, the lower number. Words of probability 0 are left out.
    ///
    /// # Panics
    /// `topic` is not below [`n_topics`](Self::n_topics).
    pub fn top_words(&self, topic: usize, n: usize) -> Vec<(usize, f64)> {
        let column = self.word_topics.column(topic);
        let mut words: Vec<(usize, f64)> = column.iter().copied().enumerate().collect();
        words.retain(|(_, p)| *p > 0.0);
        let order = |one: &(usize, f64), other: &(usize, f64)| -> Ordering {
            other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
        };
        if n < words.len() {
            words.select_nth_unstable_by(n, order);
            words.truncate(n);
        }
        words.sort_unstable_by(order);
        words
    }

    /// The mixes of documents that the training need not have had, `(n_docs, n_topics)`: what a
    /// fit would give them if the words' topics stood fixed. Each row has the sum 1.
    ///
    /// Words of numbers that the training had not, and words without a topic, are left out. A
    /// document without other words gets the mix of the prior. Runs in the rayon pool that it is
    /// called in; the result does not depend on the number of its threads.
    pub fn transform(&self, counts: &Counts) -> Array2<f64> {
        with_width!(self.n_topics(), K => transform::<K>(self, counts))
    }

    /// The perplexity of documents that the training has not had: the inverse of the geometric mean
    /// of their tokens' probabilities. Lower is better; a model that knows nothing has the number
    /// of words.
    ///
    /// By completion of documents: the tokens of a document, in the order of its words, go by turns
    /// to two halves. Of the first half comes the document's mix, as in
    /// [`transform`](Self::transform), and the second half is what is predicted. Predictions have
    /// the priors in them, where they are left out of [`word_topic`](Self::word_topic) too.
    ///
    /// Words that the training had no number for are left out. `None` if nothing is left to predict.
    pub fn perplexity(&self, counts: &Counts) -> Option<f64> {
        with_width!(self.n_topics(), K => perplexity::<K>(self, counts))
    }
}

fn row(table: &Array2<f64>, row: usize) -> &[f64] {
    let n_topics = table.ncols();
    let all = table.as_slice().expect("tables are made in row order");
    &all[row * n_topics..][..n_topics]
}

impl Transformer<&Counts, Array2<f64>> for LdaModel {
    fn transform(&self, counts: &Counts) -> Array2<f64> {
        LdaModel::transform(self, counts)
    }
}
