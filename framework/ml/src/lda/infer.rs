//! Mixes of documents, and how well they predict, with the topics of the words standing fixed.

use ndarray::Array2;
use rayon::prelude::*;

use super::digamma::digamma;
use super::document::{Document, ROUNDS_MAX};
use super::rows::{Row, dot, from_topics, padded, total, uniform};
use super::{Algorithm, Counts, LdaModel};

/// Expectation-maximisation ends when the topics' counts change by less than this part of all.
const EM_TOLERANCE: f64 = 1e-6;

/// A variational mix is done when its parameters change by less than this a topic; as in Spark.
pub(crate) const VARIATIONAL_TOLERANCE: f64 = 1e-3;

/// ψ of less is minus infinity, and such a weight is none.
const WEIGHT_MIN: f64 = 1e-300;

/// The mix of each document, with the prior where those of the training have it.
pub(crate) fn transform<const K: usize>(model: &LdaModel, counts: &Counts) -> Array2<f64> {
    let n_topics = model.n_topics();
    let mixes: Vec<Row<f64, K>> = (0..counts.n_docs())
        .into_par_iter()
        .map_init(Document::default, |document, doc| {
            let (words, counts) = counts.row(doc);
            let cells = words.iter().zip(counts);
            let cells = cells.map(|(word, count)| (*word as usize, f64::from(*count)));
            mix(model, document, cells, model.algorithm != Algorithm::Em)
        })
        .collect();
    Array2::from_shape_fn((mixes.len(), n_topics), |(doc, topic)| mixes[doc][topic])
}

/// The perplexity of the second halves of the documents, by the mixes of the first.
pub(crate) fn perplexity<const K: usize>(model: &LdaModel, counts: &Counts) -> Option<f64> {
    let sums: Vec<(f64, f64)> = (0..counts.n_docs())
        .into_par_iter()
        .map_init(Document::default, |document, doc| {
            let halves = split(counts, doc, model.n_words());
            let mix: Row<f64, K> = mix(model, document, halves.seen.into_iter(), true);
            let mut likelihood = 0.0;
            let mut n_tokens = 0.0;
            for (word, count) in halves.held_out {
                let p = dot(&predictive_row(model, word), &mix);
                if p > 0.0 {
                    likelihood += count * p.ln();
                    n_tokens += count;
                }
            }
            (likelihood, n_tokens)
        })
        .collect();
    let n_tokens: f64 = sums.iter().map(|(_, n_tokens)| n_tokens).sum();
    let likelihood: f64 = sums.iter().map(|(likelihood, _)| likelihood).sum();
    (n_tokens > 0.0).then(|| (-likelihood / n_tokens).exp())
}

/// The words of a document that its mix is found by, and those that are predicted, with their counts.
#[derive(Default)]
struct Halves {
    seen: Vec<(usize, f64)>,
    held_out: Vec<(usize, f64)>,
}

/// A document's tokens of known words, in the order of its words, by turns in two halves.
fn split(counts: &Counts, doc: usize, n_words: usize) -> Halves {
    let mut halves = Halves::default();
    let mut first_is_seen = true;
    let (words, counts) = counts.row(doc);
    for (word, count) in words.iter().zip(counts) {
        let word = *word as usize;
        if word >= n_words {
            continue;
        }
        let n_seen = count / 2 + (count % 2) * u32::from(first_is_seen);
        first_is_seen ^= count % 2 == 1;
        if n_seen > 0 {
            halves.seen.push((word, f64::from(n_seen)));
        }
        if *count > n_seen {
            halves.held_out.push((word, f64::from(count - n_seen)));
        }
    }
    halves
}

/// The mix of a document of these words; of those that the model does not know, of none.
fn mix<const K: usize>(
    model: &LdaModel,
    document: &mut Document<f64, K>,
    words: impl Iterator<Item = (usize, f64)>,
    with_prior: bool,
) -> Row<f64, K> {
    let n_topics = model.n_topics();
    let alpha = padded::<f64, K>(&model.alpha);
    let known = words.filter(|(word, _)| {
        *word < model.n_words() && model.word_topic(*word).iter().any(|p| *p > 0.0)
    });
    let mut topics = match model.algorithm {
        Algorithm::Online => {
            let logs = totals_logs(model);
            document.set(known.map(|(word, count)| (exp_logs(model, &logs, word), count)));
            document.vary(
                n_topics,
                &alpha,
                uniform(n_topics, 1.0),
                VARIATIONAL_TOLERANCE,
            )
        }
        Algorithm::Em | Algorithm::Fast => {
            let rows = known.map(|(word, count)| {
                let row = padded(model.word_topic(word));
                (row, count)
            });
            document.set(rows);
            document.expect(&alpha, uniform(n_topics, 1.0), ROUNDS_MAX, EM_TOLERANCE)
        }
    };
    let is_counts = model.algorithm != Algorithm::Online;
    if is_counts && (with_prior || total(&topics) == 0.0) {
        for (topics, alpha) in topics.iter_mut().zip(&alpha) {
            *topics += alpha;
        }
    }
    let of = total(&topics);
    topics.map(|weight| weight / of)
}

/// The probability of a word in each topic, with its prior.
fn predictive_row<const K: usize>(model: &LdaModel, word: usize) -> Row<f64, K> {
    let prior_total = model.n_words() as f64 * model.eta;
    from_topics(model.n_topics(), |topic| {
        let total = model.topic_totals[topic];
        let weight = model.word_topic(word)[topic] * total + model.eta;
        let of = total + prior_total;
        if of > 0.0 { weight / of } else { 0.0 }
    })
}

/// ψ of each topic's total.
fn totals_logs(model: &LdaModel) -> Vec<f64> {
    model
        .topic_totals
        .iter()
        .map(|total| digamma(*total))
        .collect()
}

/// The exponentials of the expected logarithms of a word's probabilities.
fn exp_logs<const K: usize>(model: &LdaModel, totals_logs: &[f64], word: usize) -> Row<f64, K> {
    let row = model.word_topic(word);
    from_topics(model.n_topics(), |topic| {
        match row[topic] * model.topic_totals[topic] {
            // No word is more likely than certain, whatever a file says of the topic's tokens.
            weight if weight > WEIGHT_MIN => (digamma(weight) - totals_logs[topic]).min(0.0).exp(),
            _ => 0.0,
        }
    })
}
