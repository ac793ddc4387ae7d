//! Training: K-means from several random starts, each brought to its exact end.
//!
//! linfa runs each start (k-means++, then rounds of its K-means). Its rounds count the old centre
//! among its cluster's points, so that they only draw near to the means. [`settle`] goes the rest
//! of the way by plain rounds of Lloyd, until no point changes its cluster: then every centre is
//! the mean of its points, to the last bit or two, whatever the tolerance was.
//!
//! The result depends on the points and the seed alone, not on the number of threads: linfa
//! shares out points, each of which is looked at by itself, and every sum is taken in order.
//! Cost: `O(starts * rounds * n_points * clusters * n_features)`.
//!
//! Not guaranteed: that the best of the starts is the best there is. Finding that is NP-hard.

use std::collections::BTreeSet;

use datashark_sdk::{Error, Result};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::KMeansInit;
use ndarray::{Array2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::Conf;
use crate::score::nearest;

/// Rounds of [`settle`] at most. Each lowers the sum of squares, so there is an end; a start of
/// linfa's is a few rounds from it.
const SETTLING_ROUNDS_MAX: usize = 10_000;

/// K-means with checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    clusters: usize,
    seed: u64,
    starts: usize,
    max_iterations: u64,
    tolerance: f64,
}

impl KMeans {
    /// The parameters of a conf that has no problems.
    pub(crate) fn of(conf: &Conf) -> Self {
        KMeans {
            clusters: conf.clusters,
            seed: conf.seed,
            starts: conf.starts,
            max_iterations: conf.max_iterations,
            tolerance: conf.tolerance,
        }
    }

    /// The centres of `points`, `(n_points, n_features)`, in ascending order.
    ///
    /// # Errors
    /// There are fewer distinct points than clusters.
    pub(crate) fn fit(&self, points: &Array2<f64>) -> Result<Vec<Vec<f64>>> {
        self.check(points)?;
        let mut best: Option<Solution> = None;
        for start in 0..self.starts {
            let solution = settle(points, self.start(points, start)?);
            if best
                .as_ref()
                .is_none_or(|best| solution.is_better_than(best))
            {
                best = Some(solution);
            }
        }
        let best = best.ok_or_else(|| Error::internal("K-means was run without a start"))?;
        Ok(best.centres)
    }

    fn check(&self, points: &Array2<f64>) -> Result<()> {
        let bits = |value: &f64| value.to_bits();
        let distinct: BTreeSet<Vec<u64>> = points
            .axis_iter(Axis(0))
            .map(|point| point.iter().map(bits).collect())
            .collect();
        if distinct.len() < self.clusters {
            return Err(Error::data(format!(
                "the training log has {} sources with {} different counts: too few for \
                 `clusters = {}`",
                points.nrows(),
                distinct.len(),
                self.clusters
            )));
        }
        Ok(())
    }

    /// Centres near an end, from one random start.
    fn start(&self, points: &Array2<f64>, start: usize) -> Result<Vec<Vec<f64>>> {
        let rng = Xoshiro256Plus::seed_from_u64(self.seed.wrapping_add(start as u64));
        let params = linfa_clustering::KMeans::params_with_rng(self.clusters, rng)
            .init_method(KMeansInit::KMeansPlusPlus)
            .n_runs(1)
            .max_n_iterations(self.max_iterations)
            .tolerance(self.tolerance);
        let fitted = params
            .fit(&DatasetBase::from(points.view()))
            .map_err(|error| Error::internal(format!("K-means failed: {error}")))?;
        Ok(fitted
            .centroids()
            .axis_iter(Axis(0))
            .map(|centre| centre.to_vec())
            .collect())
    }
}

/// Centres in ascending order, and how well they fit.
#[derive(Debug, Clone, PartialEq)]
struct Solution {
    /// The sum of the squared distances of the points from their centres.
    inertia: f64,
    centres: Vec<Vec<f64>>,
}

impl Solution {
    /// Ties go to the lower centres, so that the order of the starts does not matter.
    fn is_better_than(&self, other: &Solution) -> bool {
        let order = self.inertia.total_cmp(&other.inertia);
        order
            .then_with(|| lexicographic(&self.centres, &other.centres))
            .is_lt()
    }
}

fn lexicographic(one: &[Vec<f64>], other: &[Vec<f64>]) -> std::cmp::Ordering {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs
        .map(|(x, y)| x.total_cmp(y))
        .find(|order| order.is_ne())
        .unwrap_or(one.len().cmp(&other.len()))
}

/// Moves each centre to the mean of the points nearest to it, until no point changes its cluster.
fn settle(points: &Array2<f64>, mut centres: Vec<Vec<f64>>) -> Solution {
    let mut clusters = assign(points, &centres);
    for _ in 0..SETTLING_ROUNDS_MAX {
        move_to_means(points, &clusters, &mut centres);
        let moved = assign(points, &centres);
        if moved == clusters {
            break;
        }
        clusters = moved;
    }
    centres.sort_by(|one, other| {
        lexicographic(std::slice::from_ref(one), std::slice::from_ref(other))
    });
    let square = |point| nearest(&centres, point).distance.powi(2);
    let inertia = points.axis_iter(Axis(0)).map(square).sum();
    Solution { inertia, centres }
}

fn assign(points: &Array2<f64>, centres: &[Vec<f64>]) -> Vec<usize> {
    points
        .axis_iter(Axis(0))
        .map(|point| nearest(centres, point).cluster)
        .collect()
}

/// A centre without points stays where it is.
fn move_to_means(points: &Array2<f64>, clusters: &[usize], centres: &mut [Vec<f64>]) {
    let n_features = points.ncols();
    let mut sums = vec![(vec![0.0; n_features], 0_u64); centres.len()];
    for (point, &cluster) in points.axis_iter(Axis(0)).zip(clusters) {
        let (sum, n_points) = &mut sums[cluster];
        sum.iter_mut()
            .zip(point)
            .for_each(|(sum, value)| *sum += value);
        *n_points += 1;
    }
    for (centre, (sum, n_points)) in centres.iter_mut().zip(sums) {
        if n_points > 0 {
            *centre = sum.into_iter().map(|sum| sum / n_points as f64).collect();
        }
    }
}

#[cfg(test)]
mod tests;
