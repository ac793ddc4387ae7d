//! Saved models: what is read back, and what damage does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod documents;

use datashark_ml::lda::{Algorithm, Lda, LdaModel, LoadError};
use documents::{blocks, saved};
use proptest::prelude::*;

fn load(bytes: &[u8]) -> Result<LdaModel, LoadError> {
    LdaModel::load(bytes)
}

/// The bytes with the checksum that they should have.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 4;
    let checksum = crc32fast::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn what_is_saved_is_loaded_and_what_follows_is_left() {
    let counts = blocks(3, 4, 20, 10);
    for algorithm in [Algorithm::Fast, Algorithm::Em, Algorithm::Online] {
        let model = Lda::params(5).algorithm(algorithm).fit(&counts).unwrap();
        let mut bytes = saved(&model);
        bytes.extend(b"more");
        let mut rest = &bytes[..];
        let loaded = LdaModel::load(&mut rest).unwrap();
        assert_eq!(loaded, model);
        assert_eq!(rest, b"more");
        assert_eq!(loaded.transform(&counts), model.transform(&counts));
        assert_eq!(loaded.perplexity(&counts), model.perplexity(&counts));
    }
}

/// `model-1.lda` was written when format 1 was new. Its one topic has words 3 and 1 times of 4.
#[test]
fn models_of_format_1_are_read_for_good() {
    let stored = include_bytes!("model-1.lda");
    let model = load(stored).unwrap();
    assert_eq!(
        (model.n_topics(), model.n_words(), model.n_docs()),
        (1, 2, 1)
    );
    assert_eq!(model.algorithm(), Algorithm::Em);
    assert_eq!(
        (model.word_topic(0), model.word_topic(1)),
        (&[0.75][..], &[0.25][..])
    );
    assert_eq!(model.doc_topic(0), [1.0]);
    assert_eq!(saved(&model), stored);
}

#[test]
fn damage_is_told_by_its_kind() {
    let bytes = saved(&Lda::params(2).fit(&blocks(2, 2, 4, 6)).unwrap());
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let message = |bytes: Vec<u8>| load(&bytes).unwrap_err().to_string();
    assert_eq!(message(with(0, b"X")), "not a saved topic model");
    let expected = "the model has format 2, expected 1; train it anew";
    assert_eq!(message(with(8, &[2])), expected);
    assert!(message(with(40, &[1])).starts_with("the model is damaged: its checksum is "));
    assert!(message(bytes[..bytes.len() - 1].to_vec()).starts_with("cannot read the model: "));
    // What has the right checksum and makes no sense.
    for (at, value, what) in [
        (12, &7_u32.to_le_bytes()[..], "algorithm"),
        (16, &0_u32.to_le_bytes(), "number of topics"),
        (16, &257_u32.to_le_bytes(), "number of topics"),
        (28, &f64::NAN.to_le_bytes(), "prior or tokens of topics"),
        (36, &(-1.0_f64).to_le_bytes(), "prior of documents"),
        (
            52,
            &f64::INFINITY.to_le_bytes(),
            "prior or tokens of topics",
        ),
        (68, &(-0.5_f64).to_le_bytes(), "probabilities"),
        (68, &0.9_f64.to_le_bytes(), "probabilities of words"),
        (
            bytes.len() - 12,
            &2.0_f64.to_le_bytes(),
            "mixes of documents",
        ),
    ] {
        assert_eq!(
            message(sealed(with(at, value))),
            format!("the model is damaged: {what}")
        );
    }
    // As many words as there can be: it ends long before, and nothing is taken for them.
    let error = load(&sealed(with(20, &[0xff; 8]))).unwrap_err();
    assert!(matches!(error, LoadError::Io(_)), "{error}");
}

proptest! {
    #[test]
    fn one_changed_bit_is_always_noticed(at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = saved(&Lda::params(3).fit(&blocks(2, 3, 5, 6)).unwrap());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn a_model_that_is_cut_off_is_never_read(at: prop::sample::Index) {
        let bytes = saved(&Lda::params(3).fit(&blocks(2, 3, 5, 6)).unwrap());
        prop_assert!(load(&bytes[..at.index(bytes.len())]).is_err());
    }

    /// What the fuzz target does, from a model of each kind.
    #[test]
    fn what_was_changed_and_sealed_is_refused_or_can_be_asked(
        kind in 0_usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 8]>()), 1..4),
    ) {
        let algorithm = [Algorithm::Fast, Algorithm::Em, Algorithm::Online][kind];
        let counts = blocks(2, 3, 5, 6);
        let mut bytes = saved(&Lda::params(3).algorithm(algorithm).fit(&counts).unwrap());
        for (at, value) in changes {
            // Whole numbers behind the sizes, where a change often leaves a model.
            let at = 28 + 8 * at.index((bytes.len() - 32) / 8);
            bytes[at..at + 8].copy_from_slice(&value);
        }
        if let Ok(model) = load(&sealed(bytes)) {
            let mixes = model.transform(&counts);
            prop_assert!(mixes.rows().into_iter().all(|mix| (mix.sum() - 1.0).abs() < 1e-6));
            let _ = model.perplexity(&counts);
        }
    }
}
