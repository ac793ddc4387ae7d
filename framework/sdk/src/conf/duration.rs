//! Durations as a conf writes them: `60s`, `5m`, `1h30m`, `500ms`, `2d`.
//!
//! A field says `#[serde(with = "datashark_sdk::conf::duration")]`; one that may be left out,
//! `#[serde(default, with = "datashark_sdk::conf::duration::option")]`. Units are `d`, `h`, `m`,
//! `s`, `ms`, `us`, the larger first, each a whole number and at most once; there is no default
//! unit.

use std::time::Duration;

use serde::de::Deserializer;
use serde::ser::Serializer;

use super::quantity::{self, Quantity};

/// The units and their microseconds, the larger first.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Reads a duration.
///
/// # Errors
/// What was expected and what was found, where the text is none or is more than 584,000 years.
pub fn parse(text: &str) -> Result<Duration, String> {
    quantity::parse::<DurationText>(text)
}

/// A duration as a conf writes it.
struct DurationText;

impl Quantity for DurationText {
    type Value = Duration;

    const EXPECTED: &'static str = "a duration such as `60s`, `5m` or `1h30m`";

    fn read(text: &str) -> Option<Duration> {
        micros(text).map(Duration::from_micros)
    }
}

fn micros(text: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let (mut rest, mut total) = (text, 0u64);
    while !rest.is_empty() || text.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        // Each unit is looked for behind the one before it, so that none comes twice.
        let (_, unit) = units.find(|(name, _)| *name == &rest[..end])?;
        total = total.checked_add(n.checked_mul(*unit)?)?;
        rest = &rest[end..];
    }
    Some(total)
}

/// Writes a duration as a conf does; what is below a microsecond is cut off.
pub fn format(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, unit) in UNITS {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// Reads a duration from a value of a conf, for serde's `with`.
///
/// # Errors
/// Where the text is no duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    quantity::deserialize::<DurationText, D>(deserializer)
}

/// Writes a duration as text, for serde's `with`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// Durations that may be left out.
pub mod option {
    use std::time::Duration;

    use serde::de::Deserializer;
    use serde::ser::Serializer;

    /// Reads a duration or nothing, for serde's `with`; the field needs `default` too.
    ///
    /// # Errors
    /// Where the text is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        crate::conf::quantity::deserialize_option::<super::DurationText, D>(deserializer)
    }

    /// Writes a duration as text, or nothing, for serde's `with`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&super::format(*duration)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_their_units() {
        for (text, micros) in [
            ("60s", 60_000_000),
            ("5m", 300_000_000),
            ("1h30m", 5_400_000_000),
            ("500ms", 500_000),
            ("2d", 172_800_000_000),
            ("1m500ms", 60_500_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_what_was_expected() {
        for text in [
            "",
            "60",
            "s",
            "5 minutes",
            "1m1h",
            "1m2m",
            "-5s",
            "1.5h",
            "5M",
            "99999999999999d",
        ] {
            let expected =
                format!("expected a duration such as `60s`, `5m` or `1h30m`, found `{text}`");
            assert_eq!(parse(text), Err(expected));
        }
    }

    #[test]
    fn a_formatted_duration_reads_back_as_itself() {
        for micros in [
            0,
            1,
            999_999,
            61_000_000,
            5_400_000_000,
            90_061_001_001,
            u64::MAX,
        ] {
            let duration = Duration::from_micros(micros);
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
        assert_eq!(format(Duration::from_secs(5400)), "1h30m");
    }
}
