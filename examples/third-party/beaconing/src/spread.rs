//! How much numbers differ: Bowley's skewness and the median absolute deviation.

use crate::rounded;

/// A smaller distance between the quartiles is none: jitter of the clock.
const QUARTILES_LEAST: f64 = 10.0;

/// How much numbers differ, and the score of that.
#[derive(Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) score: f64,
    pub(crate) skewness: f64,
    pub(crate) deviation: f64,
}

impl Spread {
    /// Of three numbers or more; a median below 1 scores `if_small` for the deviation.
    pub(crate) fn of(mut values: Vec<f64>, if_small: f64) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        let (q1, q2, q3) = (
            median(&values[..n / 2]),
            median(&values),
            median(&values[n.div_ceil(2)..]),
        );
        let is_skewed = q3 - q1 >= QUARTILES_LEAST && q2 != q1 && q2 != q3;
        let skewness = match is_skewed {
            true => (q1 + q3 - 2.0 * q2) / (q3 - q1),
            false => 0.0,
        };
        let mut distances: Vec<f64> = values.iter().map(|value| (value - q2).abs()).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let deviation = median(&distances);
        let deviation_score = match q2 >= 1.0 {
            true => ((q2 - deviation) / q2).max(0.0),
            false => if_small,
        };
        Spread {
            score: rounded(((1.0 - skewness.abs()) + deviation_score) / 2.0),
            skewness,
            deviation,
        }
    }
}

/// The median of numbers in order; of none 0.
fn median(ordered: &[f64]) -> f64 {
    let middle = ordered.len() / 2;
    match ordered {
        [] => 0.0,
        odd if odd.len() % 2 == 1 => odd[middle],
        even => (even[middle - 1] + even[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_intervals_are_perfect() {
        let spread = Spread::of(vec![60.0; 9], 1.0);
        let perfect = Spread {
            score: 1.0,
            skewness: 0.0,
            deviation: 0.0,
        };
        assert_eq!(spread, perfect);
    }

    #[test]
    fn a_case_worked_by_hand() {
        // Quartiles 15, 60 and 80; distances 0, 10, 20, 20, 45, 50, 60.
        let values = [70.0, 10.0, 15.0, 60.0, 40.0, 80.0, 120.0];
        let spread = Spread::of(values.to_vec(), 1.0);
        assert_eq!(spread.deviation, 20.0);
        assert_eq!(spread.skewness, (15.0 + 80.0 - 120.0) / 65.0);
        // Half of 1 - 5/13 and 1 - 1/3.
        assert_eq!(spread.score, 0.641);
    }

    #[test]
    fn sizes_of_nothing_score_nothing_for_their_deviation() {
        assert_eq!(Spread::of(vec![0.0; 5], 0.0).score, 0.5);
        assert_eq!(Spread::of(vec![0.0; 5], 1.0).score, 1.0);
    }
}
