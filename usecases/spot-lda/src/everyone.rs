//! How probable a word is for everyone: by how often it is there, and by the fields that it is made of.
//!
//! A word that was seen twice and one that never was are both rare; which of them is strange shows in
//! what they are made of. A word is one thing to a topic model, its fields are not: that a flow carries
//! 2^26 bytes is strange at any port, and that a port was tried once is not where a thousand are.

use crate::model::SpotModel;
use crate::texts::Texts;
use crate::word::fields::{N_FIELDS, fields};

/// So many times a word has to be there that its own count says as much as its fields. It is W. G.
/// Cochran's rule (Some methods for strengthening the common χ² tests, Biometrics 1954) of how large a
/// count has to be to say something.
pub(crate) const ENOUGH: f64 = 5.0;

/// What a day's traffic says of words, whoever has them.
#[derive(Clone)]
pub(crate) struct Everyone {
    fields: [Field; N_FIELDS],
    n_tokens: f64,
    /// Of each word of the day.
    words: Vec<Known>,
    n_of_document: Vec<f64>,
}

/// The values of a field and how often each is there.
#[derive(Clone, Default)]
struct Field {
    values: Texts,
    counts: Vec<f64>,
}

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    /// How often everyone has it.
    pub(crate) count: f64,
    /// Logarithm of the product of its fields' probabilities.
    pub(crate) ln_fields: f64,
    /// Its probability for everyone, and the logarithm of that.
    pub(crate) everyone: f64,
    pub(crate) ln_everyone: f64,
}

impl Everyone {
    /// Of the day's own words; what an analyst marked is not among them.
    pub(crate) fn of(model: &SpotModel) -> Self {
        let mut counts = vec![0_u64; model.vocabulary.len()];
        let mut n_of_document = vec![0.0; model.documents.len()];
        for document in 0..model.documents.len() as u32 {
            for (word, count) in model.own_words_of(document) {
                counts[word as usize] += count;
                n_of_document[document as usize] += count as f64;
            }
        }
        let mut of_fields: [Field; N_FIELDS] = Default::default();
        let words = model.vocabulary.iter().zip(&counts);
        for (word, count) in words.filter(|(_, count)| **count > 0) {
            for (field, value) in of_fields.iter_mut().zip(fields(model.kind, word)) {
                field.add(value, *count);
            }
        }
        let mut everyone = Everyone {
            fields: of_fields,
            n_tokens: counts.iter().sum::<u64>() as f64,
            words: Vec::with_capacity(counts.len()),
            n_of_document,
        };
        for (word, count) in model.vocabulary.iter().zip(counts) {
            let known = everyone.known(model, word, count as f64);
            everyone.words.push(known);
        }
        everyone
    }

    /// What is known of a word of the day by its number, or of any other by its text.
    pub(crate) fn word(&self, model: &SpotModel, id: Option<u32>, word: &str) -> Known {
        match id {
            Some(id) => self.words[id as usize],
            None => self.known(model, word, 0.0),
        }
    }

    /// How many words a document has.
    #[inline]
    pub(crate) fn n_of(&self, document: Option<u32>) -> f64 {
        document.map_or(0.0, |document| self.n_of_document[document as usize])
    }

    /// The share of a word that is there so often.
    pub(crate) fn share(&self, count: f64) -> f64 {
        count / self.n_tokens.max(1.0)
    }

    fn known(&self, model: &SpotModel, word: &str, count: f64) -> Known {
        let values = fields(model.kind, word);
        let fields = self.fields.iter().zip(values);
        let ln_fields = fields
            .map(|(field, value)| field.probability(value, self.n_tokens).ln())
            .sum();
        // What is not there has no logarithm, and no weight.
        let by_count = match count > 0.0 {
            true => count * self.share(count).ln(),
            false => 0.0,
        };
        let ln_everyone = (by_count + ENOUGH * ln_fields) / (count + ENOUGH);
        Known {
            count,
            ln_fields,
            everyone: ln_everyone.exp(),
            ln_everyone,
        }
    }
}

impl Field {
    fn add(&mut self, value: &str, count: u64) {
        let id = self.values.id(value) as usize;
        if self.counts.len() == id {
            self.counts.push(0.0);
        }
        self.counts[id] += count as f64;
    }

    /// As often as it is there and half a time more (H. Jeffreys), of which one value that is not there
    /// has its part.
    fn probability(&self, value: &str, n_tokens: f64) -> f64 {
        let id = self.values.find(value);
        let count = id.map_or(0.0, |id| self.counts[id as usize]);
        let n_values = self.counts.len() as f64 + 1.0;
        (count + 0.5) / (n_tokens + 0.5 * n_values)
    }
}
