//! What a source is compared by: the query that counts, and the numbers made of the counts.

use std::fmt;

use datashark_sdk::{Batches, Result};
use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// What a source is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Features {
    /// Its lines with a 2xx and with a 5xx code, as they are.
    #[default]
    Counts,
    /// Its shares of 2xx, 3xx, 4xx and 5xx codes and the logarithm of its lines, scaled.
    Rates,
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Features::Counts => "counts",
            Features::Rates => "rates",
        })
    }
}

impl Features {
    /// How many numbers a source is compared by.
    pub fn n_features(self) -> usize {
        match self {
            Features::Counts => 2,
            Features::Rates => 5,
        }
    }

    /// Counts each source's lines by their codes.
    pub(crate) fn sql(self) -> String {
        let classes: &[(&str, char)] = match self {
            Features::Counts => &[("twoxx", '2'), ("nxx", '5')],
            Features::Rates => &[
                ("twoxx", '2'),
                ("threexx", '3'),
                ("fourxx", '4'),
                ("nxx", '5'),
            ],
        };
        let count = |(name, digit): &(&str, char)| {
            format!("count(*) FILTER (WHERE starts_with(response_code, '{digit}')) AS {name}")
        };
        let mut columns: Vec<String> = vec!["source AS key".into()];
        columns.extend(classes.iter().map(count));
        if self == Features::Rates {
            columns.push("count(*) AS total".into());
        }
        format!("SELECT {} FROM records GROUP BY source", columns.join(", "))
    }

    /// The features of each row, `(n_sources, n_features)`, not yet scaled.
    pub(crate) fn points(self, rows: Batches<'_>) -> Result<Array2<f64>> {
        match self {
            Features::Counts => rows.matrix(["twoxx", "nxx"]),
            Features::Rates => {
                let counts = rows.matrix(["twoxx", "threexx", "fourxx", "nxx", "total"])?;
                Ok(rates(counts))
            }
        }
    }

    /// The scaling that training points ask for.
    pub(crate) fn scaling(self, points: &Array2<f64>) -> Scaling {
        match self {
            Features::Counts => Scaling::none(self.n_features()),
            Features::Rates => Scaling::of(points),
        }
    }
}

/// Makes shares of counts; the last column, the total, becomes `ln(1 + total)`.
fn rates(mut counts: Array2<f64>) -> Array2<f64> {
    for mut row in counts.axis_iter_mut(Axis(0)) {
        let last = row.len() - 1;
        let total = row[last];
        // A source is a row because it has a line; 1 keeps a total of 0 from becoming NaN.
        row.mapv_inplace(|count| count / total.max(1.0));
        row[last] = total.ln_1p();
    }
    counts
}

/// How features are made comparable: shifted by a mean, divided by a spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// What is subtracted from each feature.
    pub mean: Vec<f64>,
    /// What each feature is then divided by; never 0.
    pub deviation: Vec<f64>,
}

impl Scaling {
    /// Leaves features as they are.
    fn none(n_features: usize) -> Self {
        Scaling {
            mean: vec![0.0; n_features],
            deviation: vec![1.0; n_features],
        }
    }

    /// The mean and the standard deviation (of the population) of each feature of `points`,
    /// `(n_points, n_features)`; 1 in place of a deviation of 0.
    pub(crate) fn of(points: &Array2<f64>) -> Self {
        let (mean, deviation) = points.axis_iter(Axis(1)).map(mean_and_deviation).unzip();
        Scaling { mean, deviation }
    }

    /// Scales `points`, `(n_points, n_features)`.
    pub(crate) fn apply(&self, mut points: Array2<f64>) -> Array2<f64> {
        for mut point in points.axis_iter_mut(Axis(0)) {
            for (j, value) in point.iter_mut().enumerate() {
                *value = (*value - self.mean[j]) / self.deviation[j];
            }
        }
        points
    }
}

fn mean_and_deviation(values: ArrayView1<'_, f64>) -> (f64, f64) {
    let n_values = (values.len() as f64).max(1.0);
    let mean = values.sum() / n_values;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n_values;
    // What is the same for all has a variance of rounding errors, not quite 0; scikit-learn's
    // StandardScaler draws the line at the same place.
    let rounding = (n_values * mean * f64::EPSILON).powi(2);
    let deviation = if variance <= rounding {
        1.0
    } else {
        variance.sqrt()
    };
    (mean, deviation)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn counts_are_asked_for_as_documented() {
        assert_eq!(
            Features::Counts.sql(),
            "SELECT source AS key, \
             count(*) FILTER (WHERE starts_with(response_code, '2')) AS twoxx, \
             count(*) FILTER (WHERE starts_with(response_code, '5')) AS nxx \
             FROM records GROUP BY source"
        );
        assert!(
            Features::Rates
                .sql()
                .contains("count(*) AS total FROM records")
        );
    }

    #[test]
    fn rates_are_shares_and_the_logarithm_of_the_total() {
        let counts = array![[2.0, 0.0, 1.0, 1.0, 4.0], [0.0, 0.0, 0.0, 0.0, 1.0]];
        let expected = array![
            [0.5, 0.0, 0.25, 0.25, 5_f64.ln()],
            [0.0, 0.0, 0.0, 0.0, 2_f64.ln()]
        ];
        let difference = (rates(counts) - expected).mapv(f64::abs).sum();
        assert!(difference < 1e-15, "{difference}");
    }

    #[test]
    fn a_feature_that_is_the_same_for_all_is_shifted_and_not_scaled() {
        let third = 1.0 / 3.0;
        let points = array![[third, 1.0], [third, 3.0], [third, 5.0]];
        let scaling = Scaling::of(&points);
        assert_eq!(scaling.deviation[0], 1.0);
        assert!((scaling.deviation[1] - (8.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        let scaled = scaling.apply(array![[third + 0.5, 3.0]]);
        assert!((scaled[(0, 0)] - 0.5).abs() < 1e-15 && scaled[(0, 1)] == 0.0);
    }
}
