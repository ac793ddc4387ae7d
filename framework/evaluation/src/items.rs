//! What is ranked: records, or groups of them.

use std::collections::HashMap;
use std::hash::Hash;

use crate::labels::Label;

/// The items of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    /// The item of each record.
    pub of_record: Vec<u32>,
    /// How many there are.
    pub n_items: usize,
}

impl Items {
    /// Each record is one.
    pub fn records(n_records: usize) -> Self {
        Items {
            of_record: (0..n_records as u32).collect(),
            n_items: n_records,
        }
    }

    /// Records of the same value are one.
    pub fn groups<T: Eq + Hash>(values: impl IntoIterator<Item = T>) -> Self {
        let mut known = HashMap::new();
        let of_record = values.into_iter().map(|value| {
            let next = known.len() as u32;
            *known.entry(value).or_insert(next)
        });
        Items {
            of_record: of_record.collect(),
            n_items: known.len(),
        }
    }

    /// The highest of the scores of each item's records.
    pub fn scores(&self, of_records: &[f64]) -> Vec<f64> {
        let mut scores = vec![f64::NEG_INFINITY; self.n_items];
        for (item, score) in self.of_record.iter().zip(of_records) {
            let highest = &mut scores[*item as usize];
            *highest = highest.max(*score);
        }
        scores
    }

    /// The label of each item: the first attack that one of its records is of, else harmless, if one is.
    pub fn labels(&self, of_records: &[Label]) -> Vec<Label> {
        let mut labels = vec![Label::Unknown; self.n_items];
        for (item, label) in self.of_record.iter().zip(of_records) {
            let known = &mut labels[*item as usize];
            *known = match (*known, *label) {
                (Label::Attack(attack), _) => Label::Attack(attack),
                (known, Label::Unknown) => known,
                (_, label) => label,
            };
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_as_suspicious_and_as_bad_as_its_worst_record() {
        let items = Items::groups(["a", "b", "a", "c"]);
        assert_eq!(items.n_items, 3);
        assert_eq!(items.scores(&[1.0, 5.0, 2.0, 0.0]), [2.0, 5.0, 0.0]);
        let labels = [
            Label::Harmless,
            Label::Unknown,
            Label::Attack(3),
            Label::Harmless,
        ];
        assert_eq!(
            items.labels(&labels),
            [Label::Attack(3), Label::Unknown, Label::Harmless]
        );
    }
}
