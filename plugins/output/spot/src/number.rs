//! Numbers as the JVM writes them, which is what reads Spot's results knows: `0.972`, `12.0`, `5.0E-7`.

use std::fmt::Write;

/// Writes a number behind a text.
pub(crate) fn push_double(number: f64, text: &mut String) {
    // Writing to a text does not fail.
    let _ = match number {
        number if number.is_nan() => write!(text, "NaN"),
        number if number.is_infinite() => {
            write!(text, "{}Infinity", if number < 0.0 { "-" } else { "" })
        }
        number if number == 0.0 => write!(
            text,
            "{}0.0",
            if number.is_sign_negative() { "-" } else { "" }
        ),
        number if (1e-3..1e7).contains(&number.abs()) => write!(text, "{number:?}"),
        number => {
            let scientific = format!("{number:e}");
            let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
            let point = if digits.contains('.') { "" } else { ".0" };
            write!(text, "{digits}{point}E{exponent}")
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(number: f64) -> String {
        let mut text = String::new();
        push_double(number, &mut text);
        text
    }

    #[test]
    fn numbers_are_written_as_the_jvm_writes_them() {
        let numbers = [
            0.972,
            12.0,
            5e-7,
            0.0,
            -0.0,
            1e7,
            9_999_999.5,
            0.001,
            0.000_999,
            1.234e22,
        ];
        let expected = [
            "0.972",
            "12.0",
            "5.0E-7",
            "0.0",
            "-0.0",
            "1.0E7",
            "9999999.5",
            "0.001",
            "9.99E-4",
            "1.234E22",
        ];
        assert_eq!(numbers.map(shown), expected);
        assert_eq!(shown(f64::NAN), "NaN");
    }

    proptest! {
        #[test]
        fn no_bit_of_a_number_is_lost(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            prop_assert_eq!(shown(number).parse::<f64>(), Ok(number));
        }
    }
}
