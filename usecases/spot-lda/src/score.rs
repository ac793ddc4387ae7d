//! How probable an event is at an address: the product of the address's mix of topics and the word's
//! probabilities in them. The lower, the more suspicious.

use crate::model::SpotModel;

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

impl SpotModel {
    /// The score of a word at a document; `None` is one that the model does not know. What an analyst
    /// marked as harmless there has at least [`SpotModel::least_score`].
    #[inline]
    pub fn score(&self, document: Option<u32>, word: Option<u32>) -> f64 {
        let mix = document.map(|document| self.mix(document));
        let score = score(mix, word.map(|word| self.probabilities(word)));
        score.max(self.least_score(document, word))
    }
}
