//! Documents with topics that are known, and models as bytes.

use datashark_ml::lda::{Counts, LdaModel};

/// Documents of `n_tokens` words, each of one topic or, by turns, of two; a topic has `n_words` words
/// of its own, all as probable.
pub(crate) fn blocks(n_topics: usize, n_words: usize, n_docs: usize, n_tokens: usize) -> Counts {
    let mut state = 1_u64;
    let mut below = move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    let mut triples = Vec::new();
    for doc in 0..n_docs {
        let topics = [doc % n_topics, below(n_topics)];
        for token in 0..n_tokens {
            let topic = topics[token % (1 + doc % 2)];
            let word = topic * n_words + below(n_words);
            triples.push((doc as u32, word as u32, 1_u32));
        }
    }
    Counts::from_triples(n_docs, n_topics * n_words, triples).unwrap()
}

/// A model as it is saved: every bit of it.
pub(crate) fn saved(model: &LdaModel) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.save(&mut bytes).unwrap();
    bytes
}
