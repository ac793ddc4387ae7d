//! Merging of topics that are alike.

use rayon::prelude::*;

use super::real::Real;
use super::rows::Row;

/// A topic while topics are merged.
struct Topic {
    /// The roots of the words' weights.
    roots: Vec<f32>,
    /// The sum of the weights.
    total: f64,
}

/// Merges pairs of topics, the cheapest first, until `n_left` are left; for each word the weights
/// that they have then. The order of the topics is kept.
///
/// A pair costs what its topics weigh, by half their harmonic mean, times the squared Hellinger
/// distance of their words: as in Ward's method, topics merge if they are alike, or if one of them
/// hardly counts. Takes O(words × topics²).
pub(crate) fn merge<F: Real, const K: usize>(
    words: &[Row<F, K>],
    n_topics: usize,
    n_left: usize,
) -> Vec<Vec<f64>> {
    let mut topics: Vec<Topic> = (0..n_topics)
        .into_par_iter()
        .map(|topic| {
            let weights = words.iter().map(|row| row[topic].to_f64());
            Topic {
                total: weights.clone().sum(),
                roots: weights.map(|weight| weight.sqrt() as f32).collect(),
            }
        })
        .collect();
    let mut costs: Vec<Vec<f64>> = (0..n_topics).map(|of| costs_of(&topics, of)).collect();
    while topics.len() > n_left {
        let (one, other) = cheapest(&costs);
        let gone = topics.remove(other);
        costs.remove(other);
        for row in &mut costs {
            row.remove(other);
        }
        topics[one].add(&gone);
        let of_merged = costs_of(&topics, one);
        for (row, cost) in costs.iter_mut().zip(&of_merged) {
            row[one] = *cost;
        }
        costs[one] = of_merged;
    }
    (0..words.len())
        .map(|word| {
            topics
                .iter()
                .map(|topic| f64::from(topic.roots[word]).powi(2))
                .collect()
        })
        .collect()
}

impl Topic {
    fn add(&mut self, other: &Topic) {
        for (one, other) in self.roots.iter_mut().zip(&other.roots) {
            *one = one.hypot(*other);
        }
        self.total += other.total;
    }

    /// What merging both costs.
    fn cost(&self, other: &Topic) -> f64 {
        let weights = self.total * other.total;
        if weights <= 0.0 {
            return 0.0;
        }
        let mut parts = [0.0_f32; 16];
        let (ones, one_rest) = self.roots.as_chunks::<16>();
        let (others, other_rest) = other.roots.as_chunks::<16>();
        for (one, other) in ones.iter().zip(others) {
            for lane in 0..16 {
                parts[lane] += one[lane] * other[lane];
            }
        }
        let rest = one_rest
            .iter()
            .zip(other_rest)
            .map(|(one, other)| one * other);
        let affinity = f64::from(parts.iter().copied().chain(rest).sum::<f32>()) / weights.sqrt();
        weights / (self.total + other.total) * (1.0 - affinity)
    }
}

/// What merging a topic with each of all costs; with itself, it cannot be paid.
fn costs_of(topics: &[Topic], of: usize) -> Vec<f64> {
    let cost = |(at, topic): (usize, &Topic)| match at == of {
        true => f64::INFINITY,
        false => topics[of].cost(topic),
    };
    topics.par_iter().enumerate().map(cost).collect()
}

/// The cheapest pair, the lower number first; of those that cost the same, the first.
fn cheapest(costs: &[Vec<f64>]) -> (usize, usize) {
    let pairs =
        (0..costs.len()).flat_map(|one| (one + 1..costs.len()).map(move |other| (one, other)));
    pairs
        .min_by(|(a, b), (c, d)| costs[*a][*b].total_cmp(&costs[*c][*d]))
        .expect("there are more topics than shall be left, which is at least one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_and_the_lightest_are_merged_and_no_weight_is_lost() {
        // Topics 0 and 2 are alike, 3 hardly counts; 1 and 4 are on their own.
        let words: [Row<f64, 8>; 3] = [
            [8.0, 0.0, 7.0, 0.01, 0.0, 0.0, 0.0, 0.0],
            [2.0, 9.0, 2.0, 0.01, 0.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.01, 6.0, 0.0, 0.0, 0.0],
        ];
        let merged = merge(&words, 5, 3);
        let expected = [[15.01, 0.0, 0.0], [4.01, 9.0, 0.0], [0.01, 1.0, 6.0]];
        for (found, expected) in merged.iter().zip(expected) {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{found}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn topics_without_weight_go_first() {
        let words: [Row<f32, 4>; 2] = [[0.0, 1.0, 0.0, 2.0], [0.0, 3.0, 0.0, 1.0]];
        let merged = merge(&words, 4, 2);
        assert_eq!(merged.len(), 2);
        assert!((merged[1][0] - 3.0).abs() < 1e-5 && (merged[1][1] - 1.0).abs() < 1e-5);
    }
}
