//! How probable an event is at an address. The lower, the more suspicious.
//!
//! Spot's score is the product of the address's mix of topics and the word's probabilities in them,
//! [`score`]. It knows three things badly. An address with few records has a mix that fits just these,
//! so that all it does is probable there. All words that are rare are alike, and those that the model
//! has not seen are all 0. And an address of which one would not have expected a word anyhow tells
//! nothing by not having it.
//!
//! [`Scoring::Pooled`] therefore asks three times how probable the word is, and takes the geometric
//! mean (a logarithmic opinion pool: C. Genest and J. V. Zidek, Statistical Science 1986), weighted by
//! how much each answer knows:
//!
//! - *here*: by the topics of the address, which has `n` words, `(n Σ θ φ + p) / (n + 1)` with `p` what
//!   the two others say. The weight is how many of these words one would expect here, `n p`, against 1
//!   for the others: an address is judged by its own habits where they can be seen.
//! - *everyone*: by the word's share of all words. Its weight is how often it is there, `c`, against
//! - *fields*: the product of the shares of its fields, with the weight 5.

use crate::everyone::{ENOUGH, Everyone, Known};
use crate::model::SpotModel;
use crate::settings::Scoring;

/// More than the part that logarithms and powers are off by.
const ROUNDING: f64 = 1e-9;

/// The score of a record that no word can be made of.
pub const ERROR_SCORE: f64 = -1.0;

/// The probability of a word in a document: `Σ_k θ_k φ_k`, in the order of the topics. A document that
/// the model does not know, and a word that it does not know, have 0.
#[inline]
pub fn score(mix: Option<&[f64]>, probabilities: Option<&[f64]>) -> f64 {
    match (mix, probabilities) {
        (Some(mix), Some(probabilities)) => {
            let parts = mix.iter().zip(probabilities);
            parts.fold(0.0, |sum, (share, probability)| sum + share * probability)
        }
        _ => 0.0,
    }
}

/// What each topic adds to a score, in the order of the topics.
pub fn contributions(mix: &[f64], probabilities: &[f64]) -> Vec<f64> {
    let parts = mix.iter().zip(probabilities);
    parts
        .map(|(share, probability)| share * probability)
        .collect()
}

/// A word of a record, as far as the model knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Word {
    /// Its number; [`Word::UNKNOWN`] where the model does not have it.
    id: u32,
    /// Its probability for everyone, and the logarithm of that; 0 where that is not looked at.
    everyone: f64,
    ln_everyone: f64,
}

impl Word {
    const UNKNOWN: u32 = u32::MAX;

    /// Its number, if the model has it.
    #[inline]
    pub(crate) fn id(self) -> Option<u32> {
        (self.id != Word::UNKNOWN).then_some(self.id)
    }
}

/// The three answers, and how much each counts: the score is the product of the answers, each to the
/// power of its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answers {
    /// Probability and weight by the address's topics.
    pub(crate) here: (f64, f64),
    /// By the word's share of all words.
    pub(crate) everyone: (f64, f64),
    /// By the shares of its fields.
    pub(crate) fields: (f64, f64),
}

/// Scores records by a model.
#[derive(Clone, Copy)]
pub(crate) struct Scorer<'a> {
    model: &'a SpotModel,
    everyone: Option<&'a Everyone>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(model: &'a SpotModel, scoring: Scoring) -> Self {
        let everyone = match scoring {
            Scoring::Spot => None,
            Scoring::Pooled => Some(model.everyone()),
        };
        Scorer { model, everyone }
    }

    /// Whether more than topics are asked.
    pub(crate) fn is_pooled(&self) -> bool {
        self.everyone.is_some()
    }

    /// What the model knows of a word.
    #[inline]
    pub(crate) fn word(&self, text: &str) -> Word {
        let id = self.model.vocabulary.find(text);
        let known = self.everyone.map(|of| of.word(self.model, id, text));
        Word {
            id: id.unwrap_or(Word::UNKNOWN),
            everyone: known.map_or(0.0, |known| known.everyone),
            ln_everyone: known.map_or(0.0, |known| known.ln_everyone),
        }
    }

    /// The score of a word at an address, if that is not above `highest`; else a number that is. What an
    /// analyst marked as harmless there has at least [`SpotModel::least_score`].
    #[inline]
    pub(crate) fn score(&self, address: &str, word: Word, highest: f64) -> f64 {
        let document = self.model.documents.find(address);
        let score = self.up_to(highest, document, word);
        score.max(self.model.least_score(document, word.id()))
    }

    /// The score, whatever was marked.
    pub(crate) fn without_feedback(&self, document: Option<u32>, word: Word) -> f64 {
        self.up_to(f64::INFINITY, document, word)
    }

    #[inline]
    fn up_to(&self, highest: f64, document: Option<u32>, word: Word) -> f64 {
        let by_topics = self.by_topics(document, word);
        let Some(everyone) = self.everyone else {
            return by_topics;
        };
        // No mean is below the least that it is of, and what an address with words of its own is said to
        // do is not below half of what its topics say: most records need no logarithm, which would cost
        // more than all else.
        let least = (by_topics / 2.0).min(word.everyone) * (1.0 - ROUNDING);
        if least > highest {
            return least;
        }
        let (here, weight) = here(by_topics, everyone.n_of(document), word.everyone);
        let sum = word.ln_everyone + weight * here.ln();
        (sum / (1.0 + weight)).exp()
    }

    #[inline]
    fn by_topics(&self, document: Option<u32>, word: Word) -> f64 {
        let mix = document.map(|document| self.model.mix(document));
        score(mix, word.id().map(|word| self.model.probabilities(word)))
    }

    /// The three answers; `None` where topics alone are asked.
    pub(crate) fn answers(&self, document: Option<u32>, text: &str) -> Option<Answers> {
        let everyone = self.everyone?;
        let word = self.word(text);
        let Known {
            count, ln_fields, ..
        } = everyone.word(self.model, word.id(), text);
        let by_topics = self.by_topics(document, word);
        let (here, expected) = here(by_topics, everyone.n_of(document), word.everyone);
        let others = 1.0 / (1.0 + expected);
        Some(Answers {
            here: (here, expected * others),
            everyone: (everyone.share(count), others * count / (count + ENOUGH)),
            fields: (ln_fields.exp(), others * ENOUGH / (count + ENOUGH)),
        })
    }
}

/// How probable a word is at an address with so many words, and how many of it are to be expected there.
#[inline]
fn here(by_topics: f64, n_words: f64, everyone: f64) -> (f64, f64) {
    let here = (n_words * by_topics + everyone) / (n_words + 1.0);
    (here, n_words * everyone)
}
