//! Isolation forest (F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation forest, ICDM 2008): what few random
//! cuts set apart from the rest stands out.
//!
//! A tree is grown over a sample of the rows: each node cuts a random feature at a random place between
//! the lowest and the highest value that its rows have, down to single rows or a depth of the sample's
//! binary logarithm. A row's score is `2^(-d/c(n))`, `d` its mean depth over the trees and `c(n)` the mean
//! depth of an unsuccessful search among `n` rows: near 1 for what stands out, below 0.5 for the rest.
//!
//! Growing costs `O(trees · sample · log sample)`, a score `O(trees · log sample)`. Each tree draws from a
//! generator of its own, so that the same seed gives the same forest; no time is told, no thread is started.
//!
//! It is here since of the crates that have one (`extended-isolation-forest`, `isolation_forest`,
//! `rustyml`) the first two cannot be given a seed, and the third brings another `ndarray` and kernels
//! for matrices.
//!
//! # Examples
//! ```
//! use datashark_ml::forest::IsolationForest;
//! use ndarray::Array2;
//!
//! let rows = Array2::from_shape_fn((200, 1), |(row, _)| if row == 7 { 90.0 } else { row as f64 % 10.0 });
//! let forest = IsolationForest::grow(rows.view(), 100, 256, 0);
//! assert!(forest.score(&[90.0]) > 0.7);
//! assert!(forest.score(&[5.0]) < 0.5);
//! ```

use ndarray::ArrayView2;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Trees over samples of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct IsolationForest {
    trees: Vec<Tree>,
    /// The mean depth of an unsuccessful search among as many rows as a tree has.
    typical_depth: f64,
}

/// The nodes of a tree, the root first.
#[derive(Debug, Clone, PartialEq)]
struct Tree(Vec<Node>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    /// Rows below the cut go on at one node, the others at another.
    Cut {
        feature: usize,
        at: f64,
        below: usize,
        above: usize,
    },
    /// So many rows were not told apart any more.
    Leaf { n_rows: usize },
}

impl IsolationForest {
    /// Grows trees over samples of rows `(n_rows, n_features)`, each of no more than so many rows.
    pub fn grow(rows: ArrayView2<'_, f64>, n_trees: usize, n_sampled: usize, seed: u64) -> Self {
        let n_sampled = n_sampled.min(rows.nrows());
        let depth = n_sampled.max(2).next_power_of_two().ilog2();
        let tree = |tree: usize| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(tree as u64));
            let sample = sample(rows.nrows(), n_sampled, &mut random);
            let mut nodes = Vec::new();
            grow(rows, sample, depth, &mut nodes, &mut random);
            Tree(nodes)
        };
        IsolationForest {
            trees: (0..n_trees).map(tree).collect(),
            typical_depth: typical_depth(n_sampled),
        }
    }

    /// How much a row stands out: near 1 if it does, below 0.5 if not.
    ///
    /// # Panics
    /// The row has less features than those that the forest was grown of.
    pub fn score(&self, row: &[f64]) -> f64 {
        if self.trees.is_empty() || self.typical_depth == 0.0 {
            return 0.5;
        }
        let depths: f64 = self.trees.iter().map(|tree| tree.depth(row)).sum();
        let depth = depths / self.trees.len() as f64;
        (-depth / self.typical_depth).exp2()
    }
}

impl Tree {
    fn depth(&self, row: &[f64]) -> f64 {
        let (mut node, mut depth) = (0, 0.0);
        loop {
            match self.0[node] {
                Node::Leaf { n_rows } => return depth + typical_depth(n_rows),
                Node::Cut {
                    feature,
                    at,
                    below,
                    above,
                } => node = if row[feature] < at { below } else { above },
            }
            depth += 1.0;
        }
    }
}

/// Grows the nodes of some rows behind others; the first of them is where they begin.
fn grow(
    rows: ArrayView2<'_, f64>,
    sample: Vec<usize>,
    depth: u32,
    nodes: &mut Vec<Node>,
    random: &mut Xoshiro256PlusPlus,
) -> usize {
    let node = nodes.len();
    let n_rows = sample.len();
    nodes.push(Node::Leaf { n_rows });
    if depth == 0 || n_rows < 2 {
        return node;
    }
    let Some((feature, at)) = cut(rows, &sample, random) else {
        return node;
    };
    let is_below = |row: &usize| rows[[*row, feature]] < at;
    let (below, above): (Vec<usize>, Vec<usize>) = sample.into_iter().partition(is_below);
    let below = grow(rows, below, depth - 1, nodes, random);
    let above = grow(rows, above, depth - 1, nodes, random);
    nodes[node] = Node::Cut {
        feature,
        at,
        below,
        above,
    };
    node
}

/// A random feature of those that tell some rows apart, and a place between its values; `None` where the
/// rows are all the same.
fn cut(
    rows: ArrayView2<'_, f64>,
    sample: &[usize],
    random: &mut Xoshiro256PlusPlus,
) -> Option<(usize, f64)> {
    let range = |feature: usize| {
        let values = sample.iter().map(|row| rows[[*row, feature]]);
        values.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(lowest, highest), value| (lowest.min(value), highest.max(value)),
        )
    };
    let ranges = (0..rows.ncols()).map(|feature| (feature, range(feature)));
    let ranges: Vec<(usize, (f64, f64))> = ranges
        .filter(|(_, (lowest, highest))| lowest < highest)
        .collect();
    let (feature, (lowest, highest)) = *ranges.get(below(ranges.len(), random))?;
    // Above the lowest, so that there are rows on both sides.
    let at = lowest + (highest - lowest) * (1.0 - unit(random));
    Some((feature, at.min(highest)))
}

/// Rows without repetition: the first so many of a shuffle.
fn sample(n_rows: usize, n_sampled: usize, random: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n_rows).collect();
    for place in 0..n_sampled {
        let other = place + below(n_rows - place, random);
        rows.swap(place, other);
    }
    rows.truncate(n_sampled);
    rows
}

/// A random number below another; 0 where that is 0.
fn below(n: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    ((unit(random) * n as f64) as usize).min(n.saturating_sub(1))
}

/// A random number from 0 to below 1, of 53 bits.
fn unit(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The mean depth of an unsuccessful search in a binary tree of so many rows.
fn typical_depth(n_rows: usize) -> f64 {
    /// Euler's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    let n = n_rows as f64;
    match n_rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => 2.0 * ((n - 1.0).ln() + GAMMA) - 2.0 * (n - 1.0) / n,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn rows_that_are_all_the_same_are_all_as_usual() {
        let rows = Array2::from_elem((50, 3), 4.0);
        let forest = IsolationForest::grow(rows.view(), 10, 256, 1);
        assert_eq!(forest.score(&[4.0; 3]), 0.5);
        assert_eq!(forest.score(&[9.0; 3]), 0.5);
    }

    #[test]
    fn the_same_seed_gives_the_same_forest() {
        let rows =
            Array2::from_shape_fn((300, 2), |(row, column)| ((row * 7 + column) % 31) as f64);
        let forest = |seed| IsolationForest::grow(rows.view(), 5, 64, seed);
        assert_eq!(forest(3), forest(3));
        assert_ne!(forest(3), forest(4));
    }

    #[test]
    fn what_lies_apart_has_a_higher_score_than_all_others() {
        let rows = Array2::from_shape_fn((500, 2), |(row, column)| match (row, column) {
            (0, 0) => 300.0,
            _ => ((row * 13 + column * 5) % 97) as f64,
        });
        let forest = IsolationForest::grow(rows.view(), 100, 256, 0);
        let score = |row: usize| forest.score(&[rows[[row, 0]], rows[[row, 1]]]);
        assert!((1..500).all(|row| score(row) < score(0)));
    }

    #[test]
    fn no_rows_grow_a_forest_that_knows_nothing() {
        let rows = Array2::zeros((0, 2));
        let forest = IsolationForest::grow(rows.view(), 3, 256, 0);
        assert_eq!(forest.score(&[1.0, 2.0]), 0.5);
    }
}
