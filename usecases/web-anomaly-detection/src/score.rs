//! The model, and the distance of a point from it.

use datashark_sdk::{Error, Result};
use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::{Features, Scaling};

/// Normal behaviour: what [`WebAnomaly`](crate::WebAnomaly) learns of the training log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Centres {
    /// What sources are compared by.
    pub features: Features,
    /// How the features are scaled.
    pub scaling: Scaling,
    /// The centres, in the scaled features; in ascending order, the first feature first.
    pub centres: Vec<Vec<f64>>,
}

/// The centre that is nearest to a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Its index; the lowest of equally near ones.
    pub cluster: usize,
    /// The Euclidean distance to it, from 0 up.
    pub distance: f64,
}

impl Centres {
    /// Checks that a saved model is one of these features.
    ///
    /// # Errors
    /// It was trained with others, or is not whole.
    pub fn check(&self, features: Features) -> Result<()> {
        if self.features != features {
            return Err(Error::data(format!(
                "the model was trained with `features = {}`, the conf says `{features}`: \
                 train again",
                self.features
            )));
        }
        let n_features = features.n_features();
        let whole = !self.centres.is_empty()
            && self.scaling.mean.len() == n_features
            && self.scaling.deviation.len() == n_features
            && self.centres.iter().all(|centre| centre.len() == n_features);
        if whole {
            Ok(())
        } else {
            Err(Error::data("the saved model is damaged: train again"))
        }
    }

    /// The nearest centre of each of `points`, `(n_points, n_features)`, which are scaled.
    pub fn nearest(&self, points: &Array2<f64>) -> Vec<Nearest> {
        points
            .axis_iter(Axis(0))
            .map(|point| nearest(&self.centres, point))
            .collect()
    }
}

/// The centre that is nearest to a point; there is at least one.
pub(crate) fn nearest(centres: &[Vec<f64>], point: ArrayView1<'_, f64>) -> Nearest {
    let mut best = (0, f64::INFINITY);
    for (cluster, centre) in centres.iter().enumerate() {
        let square: f64 = point.iter().zip(centre).map(|(x, y)| (x - y).powi(2)).sum();
        if square < best.1 {
            best = (cluster, square);
        }
    }
    Nearest {
        cluster: best.0,
        distance: best.1.sqrt(),
    }
}
