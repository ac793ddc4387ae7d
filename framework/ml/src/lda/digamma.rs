//! The first two derivatives of the logarithm of the gamma function.
//!
//! By recurrence up to where the asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.12) is
//! exact to a relative 1e-13; arguments are above 0.

/// From where on the series are exact.
const SERIES_MIN: f64 = 10.0;

/// ψ(x), the derivative of ln Γ(x).
pub(crate) fn digamma(mut x: f64) -> f64 {
    let mut value = 0.0;
    while x < SERIES_MIN {
        value -= 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y
        * (1.0 / 12.0
            - y * (1.0 / 120.0
                - y * (1.0 / 252.0
                    - y * (1.0 / 240.0 - y * (1.0 / 132.0 - y * (691.0 / 32760.0))))));
    value + x.ln() - 0.5 / x - series
}

/// ψ′(x), the derivative of ψ(x).
pub(crate) fn trigamma(mut x: f64) -> f64 {
    let mut value = 0.0;
    while x < SERIES_MIN {
        value += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = 1.0 / 6.0
        - y * (1.0 / 30.0
            - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * (5.0 / 66.0 - y * (691.0 / 2730.0)))));
    value + 1.0 / x + 0.5 * y + series * y / x
}

#[cfg(test)]
mod tests {
    use super::*;

    const EULER: f64 = 0.577_215_664_901_532_9;

    fn assert_near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
            "{found}, expected {expected}"
        );
    }

    #[test]
    fn known_values() {
        assert_near(digamma(1.0), -EULER);
        assert_near(digamma(0.5), -EULER - 4.0_f64.ln());
        assert_near(digamma(2.0), 1.0 - EULER);
        assert_near(trigamma(1.0), std::f64::consts::PI.powi(2) / 6.0);
        assert_near(trigamma(0.5), std::f64::consts::PI.powi(2) / 2.0);
    }

    #[test]
    fn the_recurrences_hold_from_small_to_large() {
        for exponent in -40..60 {
            let x = 1.3_f64.powi(exponent);
            assert_near(digamma(x + 1.0) - 1.0 / x, digamma(x));
            assert_near(trigamma(x + 1.0) + 1.0 / (x * x), trigamma(x));
        }
    }
}
