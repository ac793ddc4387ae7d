//! Text to typed values: what a number, a boolean or a time looks like in a log.
//!
//! Strict on purpose: what does not parse makes its record invalid, where it is seen, instead of
//! becoming a null that nobody sees.

use crate::timestamp;

/// Powers of ten that a fraction is scaled by.
const POW10: [i64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// An integer: decimal digits with an optional sign, or any other way of writing a whole number
/// that a float of 53 bits holds exactly (`12.0`, `1e3`).
#[inline]
pub(crate) fn int(text: &[u8]) -> Option<i64> {
    match digits(text) {
        Some(value) => Some(value),
        None => whole_float(text),
    }
}

/// Up to 18 digits with an optional sign.
#[inline]
fn digits(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest.is_empty() || rest.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

#[cold]
fn whole_float(text: &[u8]) -> Option<i64> {
    if let Ok(value) = std::str::from_utf8(text).ok()?.parse::<i64>() {
        return Some(value);
    }
    let value = float(text)?;
    (value.fract() == 0.0 && value.abs() <= (1u64 << 53) as f64).then_some(value as i64)
}

/// A finite decimal number.
#[inline]
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    if text.len() <= 15
        && let Some(value) = digits(text)
        && (value != 0 || text == b"0")
    {
        return Some(value as f64);
    }
    let last = *text.last()?;
    if !last.is_ascii_digit() && last != b'.' {
        return None; // Rust also reads `inf` and `nan`; JSON has neither.
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// `true` or `false`, in any case.
#[inline]
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// Microseconds since 1970 UTC from an RFC 3339 or ISO 8601 text, or from a number by its size:
/// below 10^11 seconds, below 10^14 milliseconds, below 10^17 microseconds, else nanoseconds.
#[inline]
pub(crate) fn time(text: &[u8]) -> Option<i64> {
    timestamp::rfc3339(text).or_else(|| epoch(text, None))
}

/// A number of seconds (`scale` 6), milliseconds (3) or microseconds (0) since 1970 as
/// microseconds; without a scale its size says which. Digits below a microsecond are cut off.
pub(crate) fn epoch(text: &[u8], scale: Option<usize>) -> Option<i64> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let dot = unsigned
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(unsigned.len());
    let (whole, fraction) = (
        &unsigned[..dot],
        unsigned.get(dot + 1..).unwrap_or_default(),
    );
    if whole.first().is_none_or(|byte| !byte.is_ascii_digit())
        || !fraction.iter().all(u8::is_ascii_digit)
        || (dot < unsigned.len() && fraction.is_empty())
    {
        return float(text).and_then(|value| float_epoch(value, scale));
    }
    let value: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
    let micros = match scale.or_else(|| scale_of(value)) {
        Some(scale) => value
            .checked_mul(POW10[scale])?
            .checked_add(leading_digits(fraction, scale))?,
        None => value / 1_000,
    };
    Some(if negative { -micros } else { micros })
}

/// A number written with an exponent.
#[cold]
fn float_epoch(value: f64, scale: Option<usize>) -> Option<i64> {
    let micros = match scale.or_else(|| scale_of(value.abs() as i64)) {
        Some(scale) => value * POW10[scale] as f64,
        None => value / 1_000.0,
    };
    (micros.abs() < i64::MAX as f64).then_some(micros as i64)
}

/// How many decimal places a number of this size is from microseconds; none: nanoseconds.
fn scale_of(value: i64) -> Option<usize> {
    match value {
        0..100_000_000_000 => Some(6),
        100_000_000_000..100_000_000_000_000 => Some(3),
        100_000_000_000_000..100_000_000_000_000_000 => Some(0),
        _ => None,
    }
}

/// The first `n` digits, padded with zeros.
pub(crate) fn leading_digits(digits: &[u8], n: usize) -> i64 {
    let taken = &digits[..digits.len().min(n)];
    let value = taken
        .iter()
        .fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
    value * POW10[n - taken.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        for (text, value) in [
            ("0", 0),
            ("-7", -7),
            ("+7", 7),
            ("12.0", 12),
            ("1e3", 1000),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(int(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_no_integer() {
        for text in [
            "",
            "-",
            "1.5",
            "9223372036854775808",
            "1e99",
            "abc",
            "1 ",
            "0x10",
            "nan",
        ] {
            assert_eq!(int(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn floats_are_finite_decimals() {
        for (text, value) in [
            ("0", 0.0),
            ("-1.5e3", -1500.0),
            ("0.1", 0.1),
            ("123456789", 123456789.0),
        ] {
            assert_eq!(float(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "inf", "-inf", "nan", "infinity", "1e999", "1,5"] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn minus_zero_stays_minus_zero() {
        assert!(float(b"-0").is_some_and(f64::is_sign_negative));
    }

    #[test]
    fn a_number_is_a_time_by_its_size() {
        let second = 1_446_249_499_322_000;
        for text in [
            "1446249499.322",
            "1446249499322",
            "1446249499322000",
            "1446249499322000000",
        ] {
            assert_eq!(time(text.as_bytes()), Some(second), "{text}");
        }
        assert_eq!(time(b"-1.5"), Some(-1_500_000));
        assert_eq!(time(b"1.446249499e9"), Some(1_446_249_499_000_000));
    }

    #[test]
    fn what_is_neither_date_nor_number_is_no_time() {
        for text in ["", "-", "1.x", "1.2.3", "now", "99999999999999999999"] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn booleans_are_words_in_any_case() {
        assert_eq!(boolean(b"True"), Some(true));
        assert_eq!(boolean(b"false"), Some(false));
        assert_eq!(boolean(b"1"), None);
    }
}
