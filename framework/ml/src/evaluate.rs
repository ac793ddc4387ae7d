//! How well scores rank what is labelled.
//!
//! A list has a score for each item, and whether it is what was looked for; here the *higher* score
//! is the more suspicious one (negate scores of which the lower is). Items of the same score cannot
//! be told apart: each measure is what it would be on average over all their orders, or, where that
//! is no more than an interpolation, as if they came at once. No order of the input matters.
//!
//! ```
//! use datashark_ml::evaluate::{Ranking, RankingError};
//!
//! let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false])?;
//! assert_eq!(ranking.precision_at(2), Some(0.5));
//! assert_eq!(ranking.average_precision(), Some((1.0 + 2.0 / 3.0) / 2.0));
//! assert_eq!(ranking.roc_auc(), Some(0.75));
//! # Ok::<(), RankingError>(())
//! ```

use thiserror::Error;

/// Items in groups of the same score, the highest score first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    groups: Vec<Group>,
    n_positives: u64,
    n_items: u64,
}

/// Items that have the same score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    n_items: u64,
    n_positives: u64,
}

/// Why a list cannot be ranked.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum RankingError {
    /// There are not as many labels as scores.
    #[error("{n_scores} scores and {n_labels} labels")]
    Lengths {
        /// How many scores.
        n_scores: usize,
        /// How many labels.
        n_labels: usize,
    },
    /// A score is no number, and so has no place.
    #[error("score {item} is not a number")]
    NotANumber {
        /// Which, from 0.
        item: usize,
    },
}

impl Ranking {
    /// Ranks items by their scores; `labels` says which of them are positive.
    ///
    /// # Errors
    /// There are not as many labels as scores, or a score is NaN.
    pub fn new(scores: &[f64], labels: &[bool]) -> Result<Self, RankingError> {
        if scores.len() != labels.len() {
            return Err(RankingError::Lengths {
                n_scores: scores.len(),
                n_labels: labels.len(),
            });
        }
        if let Some(item) = scores.iter().position(|score| score.is_nan()) {
            return Err(RankingError::NotANumber { item });
        }
        // Adding 0 makes the two zeros one.
        let mut items: Vec<(f64, bool)> = scores
            .iter()
            .map(|score| score + 0.0)
            .zip(labels.iter().copied())
            .collect();
        items.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
        let groups: Vec<Group> = items
            .chunk_by(|one, other| one.0 == other.0)
            .map(|items| Group {
                n_items: items.len() as u64,
                n_positives: items.iter().filter(|(_, is_positive)| *is_positive).count() as u64,
            })
            .collect();
        Ok(Ranking {
            n_positives: groups.iter().map(|group| group.n_positives).sum(),
            n_items: items.len() as u64,
            groups,
        })
    }

    /// How many items.
    pub fn n_items(&self) -> u64 {
        self.n_items
    }

    /// How many positive items.
    pub fn n_positives(&self) -> u64 {
        self.n_positives
    }

    /// The part of the first `k` items that is positive; of all items if there are less than `k`.
    ///
    /// Of items of the same score at the end, the expected part of those that have room. `None`
    /// without items, or for `k = 0`.
    pub fn precision_at(&self, k: u64) -> Option<f64> {
        let n = k.min(self.n_items);
        (n > 0).then(|| self.expected_positives(n) / n as f64)
    }

    /// The part of the positive items that is among the first `k`; ties as in
    /// [`precision_at`](Self::precision_at). `None` without positive items.
    pub fn recall_at(&self, k: u64) -> Option<f64> {
        let n = k.min(self.n_items);
        (self.n_positives > 0).then(|| self.expected_positives(n) / self.n_positives as f64)
    }

    /// How many of the first `n` items are positive, on average over the orders of ties.
    fn expected_positives(&self, n: u64) -> f64 {
        let (mut left, mut positives) = (n, 0.0);
        for group in &self.groups {
            let taken = left.min(group.n_items);
            positives += taken as f64 * group.n_positives as f64 / group.n_items as f64;
            left -= taken;
            if left == 0 {
                break;
            }
        }
        positives
    }

    /// The area under precision and recall as average precision: at each score, the precision of all
    /// items with that score or a higher one, weighted by the recall it adds. It does not
    /// interpolate, and items of the same score count as found at once, as in scikit-learn's
    /// `average_precision_score`. `None` without positive items.
    pub fn average_precision(&self) -> Option<f64> {
        let (mut n_items, mut n_positives, mut sum) = (0, 0, 0.0);
        for group in &self.groups {
            n_items += group.n_items;
            n_positives += group.n_positives;
            sum += group.n_positives as f64 * n_positives as f64 / n_items as f64;
        }
        (self.n_positives > 0).then(|| sum / self.n_positives as f64)
    }

    /// The area under the receiver operating characteristic: how often a positive item has a higher
    /// score than a negative one, the same score counting half. `None` without both kinds.
    pub fn roc_auc(&self) -> Option<f64> {
        let n_negatives = self.n_items - self.n_positives;
        let (mut positives_above, mut wins) = (0, 0.0);
        for group in &self.groups {
            let negatives = (group.n_items - group.n_positives) as f64;
            wins += negatives * (positives_above as f64 + group.n_positives as f64 / 2.0);
            positives_above += group.n_positives;
        }
        let pairs = self.n_positives as f64 * n_negatives as f64;
        (pairs > 0.0).then(|| wins / pairs)
    }
}

#[cfg(test)]
mod tests;
