//! What holds of a fitted model, whatever the algorithm.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use datashark_ml::lda::{Algorithm, Counts, CountsError, Lda, LdaModel, LdaParams, Precision};
use documents::{blocks, saved};
use linfa::traits::{Fit, Transformer};
use linfa::{DatasetBase, ParamGuard};
use proptest::prelude::*;
use serde_json::Value;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Fast, Algorithm::Em, Algorithm::Online];

fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    all[section].as_array().unwrap().clone()
}

type Corpus = BTreeMap<String, BTreeMap<String, u64>>;

/// The counts of a corpus, and the words in the order of their numbers.
fn counts_of(corpus: &Corpus) -> (Counts, Vec<String>) {
    let words: BTreeSet<&String> = corpus.values().flat_map(BTreeMap::keys).collect();
    let words: Vec<String> = words.into_iter().cloned().collect();
    let triples = corpus.values().enumerate().flat_map(|(doc, row)| {
        row.iter().map({
            let words = &words;
            move |(word, count)| {
                let word = words.iter().position(|known| known == word).unwrap();
                (doc as u32, word as u32, *count)
            }
        })
    });
    let counts = Counts::from_triples(corpus.len(), words.len(), triples).unwrap();
    (counts, words)
}

/// The probability of a word in a document of the training.
fn score(model: &LdaModel, doc: usize, word: usize) -> f64 {
    let topics = model.word_topic(word).iter().zip(model.doc_topic(doc));
    topics.map(|(word, doc)| word * doc).sum()
}

#[test]
fn triples_are_counted_as_spot_counts_them() {
    for vector in vectors("lda_input") {
        let mut corpus = Corpus::new();
        for triple in vector["input"]["triples"].as_array().unwrap() {
            let (doc, word, count): (String, String, u64) =
                serde_json::from_value(triple.clone()).unwrap();
            *corpus.entry(doc).or_default().entry(word).or_default() += count;
        }
        let (counts, words) = counts_of(&corpus);
        let expected = &vector["expected"];
        assert_eq!(counts.n_docs() as u64, expected["documents"]);
        assert_eq!(counts.n_words() as u64, expected["vocabulary"]);
        for (doc, name) in corpus.keys().enumerate() {
            let (row, of_row) = counts.row(doc);
            let expected = expected["counts"][name].as_object().unwrap();
            assert_eq!(row.len(), expected.len());
            for (word, count) in row.iter().zip(of_row) {
                assert_eq!(expected[&words[*word as usize]], *count);
            }
        }
    }
}

/// The demands of Spot's own tests, to 0.01, for a hundred seeds each.
#[test]
fn the_days_of_spots_tests_are_scored_as_they_demand_for_a_hundred_seeds() {
    for vector in vectors("lda_end_to_end") {
        let (input, id) = (&vector["input"], &vector["id"]);
        let corpus: Corpus = serde_json::from_value(input["corpus"].clone()).unwrap();
        let (counts, words) = counts_of(&corpus);
        let params = Lda::params(input["topics"].as_u64().unwrap() as usize)
            .algorithm(match input["optimizer"].as_str().unwrap() {
                "em" => Algorithm::Em,
                _ => Algorithm::Online,
            })
            .alpha(input["alpha"].as_f64())
            .eta(input["beta"].as_f64())
            .max_iterations(input["iterations"].as_u64().unwrap() as usize)
            .precision(match input["precision_bits"].as_u64() {
                Some(32) => Precision::F32,
                _ => Precision::F64,
            });
        // The default has Spot's priors for `online`, where Spot's tests have those.
        let is_online = input["optimizer"] == "online";
        let fast = is_online.then(|| {
            params
                .clone()
                .algorithm(Algorithm::Fast)
                .max_iterations(None)
        });
        for params in fast.into_iter().chain([params]) {
            for seed in 0..100 {
                let model = params.clone().seed(seed).fit(&counts).unwrap();
                for (doc, name) in corpus.keys().enumerate() {
                    for (word, text) in words.iter().enumerate() {
                        let Some(expected) = vector["expected"]["scores"][name][text].as_f64()
                        else {
                            continue;
                        };
                        let found = score(&model, doc, word);
                        let tolerance = vector["tolerance"].as_f64().unwrap();
                        assert!(
                            (found - expected).abs() < tolerance,
                            "{id}, {:?}, seed {seed}: {text} in {name} has {found}, expected {expected}",
                            model.algorithm(),
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn with_one_document_em_scores_each_word_by_its_share() {
    let words = [(0, 0, 1_u32), (0, 1, 7), (0, 2, 999), (0, 3, 41)];
    let counts = Counts::from_triples(1, 4, words).unwrap();
    for iterations in [0, 1, 20] {
        for seed in 0..20 {
            let params = Lda::params(20).algorithm(Algorithm::Em).seed(seed);
            let model = params.max_iterations(iterations).fit(&counts).unwrap();
            for (_, word, count) in words {
                let expected = f64::from(count) / 1048.0;
                let found = score(&model, 0, word as usize);
                assert!(
                    (found - expected).abs() < 1e-14,
                    "{found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let counts = blocks(5, 10, 400, 40);
    for algorithm in ALGORITHMS {
        for precision in [Precision::F32, Precision::F64] {
            let params = Lda::params(6)
                .algorithm(algorithm)
                .precision(precision)
                .seed(3);
            let one = saved(&params.clone().threads(1).fit(&counts).unwrap());
            for threads in [2, 3, 7] {
                let other = saved(&params.clone().threads(threads).fit(&counts).unwrap());
                assert!(
                    one == other,
                    "{algorithm:?} {precision:?} on {threads} threads"
                );
            }
            let seed = saved(&params.seed(4).threads(1).fit(&counts).unwrap());
            assert!(
                one != seed,
                "another seed should make a difference to {algorithm:?}"
            );
        }
    }
}

#[test]
fn topics_without_a_word_in_common_are_found_by_fast_from_every_seed() {
    let (n_topics, n_words) = (8, 12);
    let counts = blocks(n_topics, n_words, 600, 30);
    for seed in 0..20 {
        let model = Lda::params(n_topics).seed(seed).fit(&counts).unwrap();
        let found: BTreeSet<BTreeSet<usize>> = (0..n_topics)
            .map(|topic| {
                model
                    .top_words(topic, n_words)
                    .into_iter()
                    .map(|(word, _)| word)
                    .collect()
            })
            .collect();
        let expected: BTreeSet<BTreeSet<usize>> = (0..n_topics)
            .map(|topic| (topic * n_words..(topic + 1) * n_words).collect())
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn unseen_documents_get_the_mix_of_their_words_and_a_low_perplexity() {
    let counts = blocks(4, 10, 300, 30);
    for algorithm in ALGORITHMS {
        // By `em` and `online` from a start that leads to the topics.
        let params = Lda::params(4)
            .algorithm(algorithm)
            .seed(1)
            .max_iterations(300);
        let model = params
            .alpha((algorithm != Algorithm::Em).then_some(0.1))
            .fit(&counts)
            .unwrap();
        let topic_of = |word| {
            let row = model.word_topic(word);
            (0..4)
                .max_by(|one, other| row[*one].total_cmp(&row[*other]))
                .unwrap()
        };
        let unseen = [(0, 0, 30_u32), (0, 12, 10), (1, 99, 5), (2, 33, 1)];
        let unseen = Counts::from_triples(3, 100, unseen).unwrap();
        let mixes = model.transform(&unseen);
        assert!(
            (mixes[(0, topic_of(0))] - 0.75).abs() < 0.05,
            "{algorithm:?} {mixes}"
        );
        assert!(
            (mixes[(0, topic_of(12))] - 0.25).abs() < 0.05,
            "{algorithm:?} {mixes}"
        );
        // Words that the model has no number for say nothing: that is the mix of the prior.
        let prior: f64 = model.alpha().iter().sum();
        for (found, alpha) in mixes.row(1).iter().zip(model.alpha()) {
            assert!(
                (found - alpha / prior).abs() < 0.01,
                "{algorithm:?} {mixes}"
            );
        }
        assert!(
            mixes
                .rows()
                .into_iter()
                .all(|mix| (mix.sum() - 1.0).abs() < 1e-12)
        );
        assert_eq!(mixes, Transformer::transform(&model, &unseen));

        // Of ten words alike in a topic each has one in ten; a document is of one or two topics.
        let perplexity = model.perplexity(&blocks(4, 10, 50, 60)).unwrap();
        assert!(
            (9.9..16.0).contains(&perplexity),
            "{algorithm:?} {perplexity}"
        );
        assert_eq!(
            model.perplexity(&Counts::from_triples(1, 9, [(0, 3, 1_u32)]).unwrap()),
            None
        );
    }
}

#[test]
fn a_model_of_one_topic_has_the_perplexity_of_the_words_shares() {
    // Halves of (4, 4) and, by turns, (1, 0): the second have four of word 0 and four of word 1.
    let counts = Counts::from_triples(1, 3, [(0, 0, 8_u32), (0, 1, 8), (0, 2, 1)]).unwrap();
    let model = Lda::params(1)
        .algorithm(Algorithm::Em)
        .eta(1.5)
        .fit(&counts)
        .unwrap();
    let expected = (17.0 + 1.5) / 8.5;
    let found = model.perplexity(&counts).unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{found}, expected {expected}"
    );
}

#[test]
fn the_fit_ends_where_an_iteration_gains_less_than_the_tolerance() {
    let counts = blocks(3, 5, 60, 20);
    let params = Lda::params(3).algorithm(Algorithm::Em).seed(2);
    let fit = |params: LdaParams| saved(&params.fit(&counts).unwrap());
    let two = fit(params.clone().max_iterations(2));
    assert!(fit(params.clone().max_iterations(50).tolerance(1e9)) == two);
    // The first iterations gain more than this.
    let four = fit(params.clone().max_iterations(4));
    assert!(fit(params.clone().max_iterations(4).tolerance(1e-6)) == four);
    assert!(four != two);
}

#[test]
fn linfa_sees_the_same_model() {
    let counts = blocks(3, 5, 60, 20);
    let params = Lda::params(3);
    let ours = params.fit(&counts).unwrap();
    let dataset = DatasetBase::from(counts);
    assert_eq!(Fit::fit(&params, &dataset).unwrap(), ours);
    assert_eq!(params.check().unwrap().fit(&dataset).unwrap(), ours);
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let counts = blocks(2, 2, 4, 4);
    let message = |params: LdaParams| params.fit(&counts).unwrap_err().to_string();
    assert_eq!(message(Lda::params(0)), "`n_topics = 0`, expected 1 to 256");
    assert_eq!(
        message(Lda::params(257)),
        "`n_topics = 257`, expected 1 to 256"
    );
    let em = Lda::params(2).algorithm(Algorithm::Em);
    assert_eq!(
        message(em.alpha(1.0)),
        "`alpha = 1`, expected a number above 1 for `em`, at most 1e6"
    );
    let online = Lda::params(2).algorithm(Algorithm::Online);
    let expected = "`eta = 0`, expected a number from 1e-9 to 1e6";
    assert_eq!(message(online.eta(0.0)), expected);
    let expected = "`alpha = NaN`, expected a number from 1e-9 to 1e6";
    assert_eq!(message(Lda::params(2).alpha(f64::NAN)), expected);
    let expected = "`tolerance = -1`, expected a number from 0 up";
    assert_eq!(message(Lda::params(2).tolerance(-1.0)), expected);
    assert_eq!(
        message(Lda::params(2).threads(0)),
        "`threads = 0`, expected at least 1"
    );
    let empty = Counts::from_triples(3, 2, [(0, 0, 0_u32)]).unwrap();
    let error = Lda::params(2).fit(&empty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing to learn from: no document has a word"
    );
}

#[test]
fn counts_that_are_none_are_refused_by_place() {
    let triples = |triple: (u32, u32, u64)| Counts::from_triples(2, 3, [triple]).unwrap_err();
    assert_eq!(
        triples((2, 0, 1)),
        CountsError::Document { doc: 2, n_docs: 2 }
    );
    assert_eq!(
        triples((0, 3, 1)),
        CountsError::Word {
            word: 3,
            n_words: 3
        }
    );
    let count = u64::from(u32::MAX) + 1;
    let expected = CountsError::TooMany {
        doc: 1,
        word: 2,
        count,
    };
    assert_eq!(triples((1, 2, count)), expected);

    let rows = |starts: &[usize], words: &[u32], counts: &[u32]| {
        Counts::from_rows(3, starts.into(), words.into(), counts.into()).map(|_| ())
    };
    assert_eq!(rows(&[0, 1, 3], &[2, 0, 1], &[1, 2, 3]), Ok(()));
    for (starts, n_counts) in [
        (&[0, 2][..], 3),
        (&[1, 3], 3),
        (&[0, 2, 1, 3], 3),
        (&[], 3),
        (&[0, 3], 2),
    ] {
        let expected = CountsError::Rows {
            n_words: 3,
            n_counts,
        };
        assert_eq!(
            rows(starts, &[0, 1, 2], &[1, 1, 1][..n_counts]),
            Err(expected)
        );
    }
    assert_eq!(
        rows(&[0, 2], &[1, 1], &[1, 1]),
        Err(CountsError::Order { doc: 0 })
    );
    assert_eq!(
        rows(&[0, 0, 2], &[2, 1], &[1, 1]),
        Err(CountsError::Order { doc: 1 })
    );
    assert_eq!(
        rows(&[0, 1], &[3], &[1]),
        Err(CountsError::Word {
            word: 3,
            n_words: 3
        })
    );
    assert_eq!(
        rows(&[0, 1], &[2], &[0]),
        Err(CountsError::Zero { doc: 0, word: 2 })
    );
}

/// Triples of few documents and words, so that pairs come several times.
fn triples() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    proptest::collection::vec((0_u32..6, 0_u32..9, 0_u32..50), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_are_the_sums_of_their_triples(triples in triples()) {
        let counts = Counts::from_triples(6, 9, triples.iter().copied()).unwrap();
        let mut expected = BTreeMap::new();
        for (doc, word, count) in triples.into_iter().filter(|triple| triple.2 > 0) {
            *expected.entry((doc, word)).or_insert(0) += count;
        }
        let found: BTreeMap<(u32, u32), u32> = (0..6)
            .flat_map(|doc| {
                let (words, of_row) = counts.row(doc);
                words.iter().zip(of_row).map(move |(word, count)| ((doc as u32, *word), *count))
            })
            .collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(counts.n_cells(), expected.len());
        prop_assert_eq!(counts.n_tokens(), expected.values().map(|count| u64::from(*count)).sum::<u64>());
    }

    #[test]
    fn every_model_has_probabilities(triples in triples(), n_topics in 1_usize..12, seed: u64) {
        let counts = Counts::from_triples(6, 9, triples).unwrap();
        prop_assume!(counts.n_cells() > 0);
        for algorithm in ALGORITHMS {
            for precision in [Precision::F32, Precision::F64] {
                let params = Lda::params(n_topics).algorithm(algorithm).precision(precision);
                let model = params.seed(seed).fit(&counts).unwrap();
                let near = |sum: f64, one: f64| (sum - one).abs() < 1e-9;
                for doc in 0..6 {
                    prop_assert!(near(model.doc_topic(doc).iter().sum(), 1.0));
                }
                for column in model.word_topics().columns() {
                    prop_assert!(near(column.sum(), 1.0) || column.sum() == 0.0);
                }
                let all = model.word_topics();
                prop_assert!(all.iter().chain(model.doc_topics()).all(|p| (0.0..=1.0).contains(p)));
                if let Some(perplexity) = model.perplexity(&counts) {
                    prop_assert!(perplexity >= 1.0 && perplexity.is_finite());
                }
                if algorithm == Algorithm::Em {
                    let n_tokens = counts.n_tokens() as f64;
                    let of_topics: f64 = model.topic_weights().iter().sum();
                    prop_assert!((of_topics - n_tokens).abs() < 1e-5 * n_tokens);
                }
            }
        }
    }

    #[test]
    fn documents_are_transformed_each_by_itself(triples in triples(), seed: u64) {
        let counts = Counts::from_triples(6, 9, triples.iter().copied()).unwrap();
        prop_assume!(counts.n_cells() > 0);
        for algorithm in ALGORITHMS {
            let model = Lda::params(4).algorithm(algorithm).seed(seed).fit(&counts).unwrap();
            let turned = triples.iter().map(|(doc, word, count)| (5 - doc, *word, *count));
            let turned = Counts::from_triples(6, 9, turned).unwrap();
            let (mixes, turned) = (model.transform(&counts), model.transform(&turned));
            for doc in 0..6 {
                prop_assert_eq!(mixes.row(doc), turned.row(5 - doc));
            }
        }
    }

    #[test]
    fn top_words_are_the_most_probable(triples in triples(), n in 0_usize..12) {
        let counts = Counts::from_triples(6, 9, triples).unwrap();
        prop_assume!(counts.n_cells() > 0);
        let model = Lda::params(3).algorithm(Algorithm::Em).fit(&counts).unwrap();
        for topic in 0..3 {
            let mut expected: Vec<(usize, f64)> =
                (0..9).map(|word| (word, model.word_topic(word)[topic])).filter(|(_, p)| *p > 0.0).collect();
            expected.sort_by(|one, other| other.1.total_cmp(&one.1));
            expected.truncate(n);
            prop_assert_eq!(model.top_words(topic, n), expected);
        }
    }
}
