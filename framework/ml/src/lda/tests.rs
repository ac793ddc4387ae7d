//! What can be seen from within only: single steps of the algorithms.

use proptest::prelude::*;
use serde_json::Value;

use super::em::{Em, Priors};
use super::online::{batch_fraction, learning_rate};
use super::rows::{Row, padded};
use super::*;

/// Figures of Spot's topic model, the steps of which were worked out by an independent one.
fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors.json")).unwrap();
    all[section].as_array().unwrap().clone()
}

fn numbers(rows: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(rows.clone()).unwrap()
}

fn assert_near(found: &[f64], expected: &[f64], of: &Value) {
    assert_eq!(found.len(), expected.len(), "{of}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{of}: {found}, expected {expected}"
        );
    }
}

fn rows(table: &Value) -> Vec<Row<f64, 8>> {
    numbers(table).iter().map(|row| padded(row)).collect()
}

#[test]
fn a_step_of_em_is_that_of_the_formula() {
    for vector in vectors("lda_em_step") {
        let (input, expected, id) = (&vector["input"], &vector["expected"], &vector["id"]);
        let docs = input["docs"].as_array().unwrap();
        let n_topics = input["topics"].as_u64().unwrap() as usize;
        let triples = docs.iter().enumerate().flat_map(|(doc, words)| {
            words.as_object().unwrap().iter().map(move |(word, count)| {
                (doc as u32, word.parse().unwrap(), count.as_u64().unwrap())
            })
        });
        let n_words = input["vocab"].as_u64().unwrap() as usize;
        let counts = Counts::from_triples(docs.len(), n_words, triples).unwrap();
        let (alpha, beta) = (
            input["alpha"].as_f64().unwrap(),
            input["beta"].as_f64().unwrap(),
        );
        let params = Lda::params(n_topics)
            .algorithm(Algorithm::Em)
            .alpha(alpha)
            .eta(beta);
        let priors = Priors {
            alpha: alpha - 1.0,
            eta: beta - 1.0,
        };
        let (docs, words) = (rows(&input["doc_topic"]), rows(&input["word_topic"]));
        let mut em = Em::with(&counts, n_topics, priors, docs, words);
        em.run(1, 0.0);
        for (found, expected) in em.docs.iter().zip(numbers(&expected["doc_topic"])) {
            assert_near(&found[..n_topics], &expected, id);
        }
        for (found, expected) in em.words.iter().zip(numbers(&expected["word_topic"])) {
            assert_near(&found[..n_topics], &expected, id);
        }
        let model = em.finish(linfa::ParamGuard::check_ref(&params).unwrap());
        for (doc, expected) in numbers(&expected["theta"]).iter().enumerate() {
            assert_near(model.doc_topic(doc), expected, id);
        }
        for (word, expected) in numbers(&expected["phi"]).iter().enumerate() {
            assert_near(model.word_topic(word), expected, id);
        }
    }
}

#[test]
fn words_are_normalised_by_topic() {
    for vector in vectors("word_topic_normalise") {
        let input = &vector["input"];
        let n_words = input["rows_vocab"].as_u64().unwrap() as usize;
        let n_topics = input["cols_topics"].as_u64().unwrap() as usize;
        let columns: Vec<f64> = serde_json::from_value(input["column_major"].clone()).unwrap();
        let words: Vec<Row<f64, 8>> = (0..n_words)
            .map(|word| {
                padded(&Vec::from_iter(
                    (0..n_topics).map(|topic| columns[topic * n_words + word]),
                ))
            })
            .collect();
        let params = Lda::params(n_topics);
        let params = linfa::ParamGuard::check_ref(&params).unwrap();
        let model = LdaModel::of_weights(params, vec![1.0; n_topics], 0.0, &[], &words);
        for (word, expected) in numbers(&vector["expected"]).iter().enumerate() {
            assert_near(model.word_topic(word), expected, &vector["id"]);
        }
    }
}

#[test]
fn a_mini_batch_has_a_twentieth_of_the_documents_and_one_more() {
    for vector in vectors("lda_online_minibatch") {
        let n_docs = vector["input"]["documents"].as_u64().unwrap() as usize;
        let expected = vector["expected"]["fixed_fraction"].as_f64().unwrap();
        assert_near(&[batch_fraction(n_docs)], &[expected], &vector["id"]);
    }
}

#[test]
fn mini_batches_count_as_in_spark() {
    for vector in vectors("lda_online_rho") {
        let t = vector["input"]["iteration"].as_u64().unwrap() as usize;
        let expected = vector["expected"].as_f64().unwrap();
        assert_near(&[learning_rate(t)], &[expected], &vector["id"]);
    }
}

/// Documents of some of eight words, and a start of weights for three topics.
fn documents() -> impl Strategy<Value = (Vec<Vec<u32>>, u64)> {
    let row = proptest::collection::vec(prop_oneof![Just(0_u32), 1_u32..20], 8);
    (proptest::collection::vec(row, 1..10), any::<u64>())
}

fn counts_of(docs: &[Vec<u32>]) -> Counts {
    let triples = docs.iter().enumerate().flat_map(|(doc, row)| {
        let cells = row.iter().enumerate();
        cells.map(move |(word, count)| (doc as u32, word as u32, *count))
    });
    Counts::from_triples(docs.len(), 8, triples).unwrap()
}

const PRIORS: Priors = Priors {
    alpha: 0.3,
    eta: 0.2,
};

/// Weights for the topics of `n` things, which depend on their numbers alone.
fn weights(
    seed: u64,
    purpose: draws::Purpose,
    of: impl Iterator<Item = usize>,
) -> Vec<Row<f64, 8>> {
    of.map(|number| {
        let mut draws = draws::Draws::of(seed, purpose, number as u64, 0);
        rows::from_topics(3, |_| 1.0 + draws.uniform())
    })
    .collect()
}

/// What em climbs: the log-likelihood of the documents and of their and the topics' priors.
fn log_posterior(em: &Em<'_, f64, 8>) -> f64 {
    let topics = PRIORS.weights(3, &em.words, &em.totals);
    let log = |p: f64| p.ln();
    let mut sum = 0.0;
    for row in &topics {
        sum += PRIORS.eta * row[..3].iter().copied().map(log).sum::<f64>();
    }
    for (doc, row) in em.docs.iter().enumerate() {
        let (words, counts) = em.counts.row(doc);
        let mix = row.map(|weight| weight + PRIORS.alpha);
        let of_mix: f64 = mix[..3].iter().sum();
        sum += PRIORS.alpha
            * mix[..3]
                .iter()
                .map(|weight| log(weight / of_mix))
                .sum::<f64>();
        for (word, count) in words.iter().zip(counts) {
            let p: f64 = (0..3)
                .map(|k| topics[*word as usize][k] * mix[k] / of_mix)
                .sum();
            sum += f64::from(*count) * p.ln();
        }
    }
    sum
}

proptest! {
    #[test]
    fn em_never_goes_down_and_keeps_every_token((docs, seed) in documents()) {
        let counts = counts_of(&docs);
        let start = weights(seed, draws::Purpose::Cell, 0..docs.len());
        let words = weights(seed, draws::Purpose::Word, 0..8);
        let mut em = Em::with(&counts, 3, PRIORS, start, words);
        em.run(1, 0.0);
        for _ in 0..5 {
            let before = log_posterior(&em);
            em.run(1, 0.0);
            let after = log_posterior(&em);
            prop_assert!(after >= before - 1e-9 * before.abs(), "{before} to {after}");
            let n_tokens = counts.n_tokens() as f64;
            let of_words: f64 = em.words.iter().flatten().sum();
            let of_docs: f64 = em.docs.iter().flatten().sum();
            prop_assert!((of_words - n_tokens).abs() <= 1e-9 * n_tokens);
            prop_assert!((of_docs - n_tokens).abs() <= 1e-9 * n_tokens);
        }
    }

    #[test]
    fn the_order_of_documents_and_words_does_not_matter_to_em((docs, seed) in documents(), by in 0_usize..8) {
        // A document and a word take their weights with them.
        let (of_docs, of_words): (Vec<usize>, Vec<usize>) = {
            let n_docs = docs.len();
            ((0..n_docs).map(|doc| (doc + by) % n_docs).collect(), (0..8).map(|word| (word + by) % 8).rev().collect())
        };
        let moved: Vec<Vec<u32>> = of_docs
            .iter()
            .map(|doc| of_words.iter().map(|word| docs[*doc][*word]).collect())
            .collect();
        let (counts, moved) = (counts_of(&docs), counts_of(&moved));
        let start = |of: &[usize]| weights(seed, draws::Purpose::Cell, of.iter().copied());
        let words = |of: &[usize]| weights(seed, draws::Purpose::Word, of.iter().copied());
        let all: Vec<usize> = (0..docs.len().max(8)).collect();
        let mut one = Em::with(&counts, 3, PRIORS, start(&all[..docs.len()]), words(&all[..8]));
        let mut other = Em::with(&moved, 3, PRIORS, start(&of_docs), words(&of_words));
        one.run(4, 0.0);
        other.run(4, 0.0);
        for (at, doc) in of_docs.iter().enumerate() {
            for (found, expected) in other.docs[at].iter().zip(one.docs[*doc]) {
                prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + expected));
            }
        }
        for (at, word) in of_words.iter().enumerate() {
            for (found, expected) in other.words[at].iter().zip(one.words[*word]) {
                prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + expected));
            }
        }
    }
}
