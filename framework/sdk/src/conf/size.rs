//! Sizes in bytes as a conf writes them: `64MB`, `1GiB`, `512KB`, `4096`.
//!
//! A field of type `u64` says `#[serde(with = "datashark_sdk::conf::size")]`; an `Option<u64>`
//! that may be left out, `#[serde(default, with = "datashark_sdk::conf::size::option")]`. `KB`,
//! `MB`, `GB`, `TB` are powers of 1000 and `KiB`, `MiB`, `GiB`, `TiB` powers of 1024, as the IEC
//! has them (IEC 80000-13); case does not matter, `B` and no unit are bytes.

use serde::de::Deserializer;
use serde::ser::Serializer;

use super::quantity::{self, Quantity};

/// The units and their bytes, the larger first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads a size.
///
/// # Errors
/// What was expected and what was found, where the text is none or does not fit 64 bits.
pub fn parse(text: &str) -> Result<u64, String> {
    quantity::parse::<SizeText>(text)
}

/// A size as a conf writes it.
struct SizeText;

impl Quantity for SizeText {
    type Value = u64;

    const EXPECTED: &'static str = "a size such as `64MB`, `1GiB` or `4096` (bytes)";

    fn read(text: &str) -> Option<u64> {
        bytes(text)
    }
}

fn bytes(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = (&text[..end], text[end..].trim_start());
    let n: u64 = digits.parse().ok()?;
    if unit.is_empty() {
        return Some(n);
    }
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    n.checked_mul(*factor)
}

/// Writes a size with the largest unit that leaves a whole number.
pub fn format(bytes: u64) -> String {
    let whole = UNITS
        .iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    match whole {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => "0".to_owned(),
    }
}

/// Reads a size from a value of a conf, for serde's `with`.
///
/// # Errors
/// Where the text is no size.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    quantity::deserialize::<SizeText, D>(deserializer)
}

/// Writes a size as text, for serde's `with`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*bytes))
}

/// Sizes that may be left out.
pub mod option {

    use serde::de::Deserializer;
    use serde::ser::Serializer;

    /// Reads a size or nothing, for serde's `with`; the field needs `default` too.
    ///
    /// # Errors
    /// Where the text is no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        crate::conf::quantity::deserialize_option::<super::SizeText, D>(deserializer)
    }

    /// Writes a size as text, or nothing, for serde's `with`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&super::format(*bytes)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_but_for_the_iec_units() {
        for (text, bytes) in [
            ("64MB", 64_000_000),
            ("1GiB", 1_073_741_824),
            ("512KB", 512_000),
            ("512 kib", 524_288),
            ("4096", 4096),
            ("7B", 7),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_what_was_expected() {
        for text in [
            "",
            "MB",
            "1.5GB",
            "-1",
            "64M",
            "64 MB more",
            "99999999999TB",
        ] {
            let expected =
                format!("expected a size such as `64MB`, `1GiB` or `4096` (bytes), found `{text}`");
            assert_eq!(parse(text), Err(expected));
        }
    }

    #[test]
    fn a_formatted_size_reads_back_as_itself() {
        for bytes in [0, 1, 1000, 1024, 1536, 64_000_000, 1 << 20, u64::MAX] {
            assert_eq!(parse(&format(bytes)), Ok(bytes));
        }
        assert_eq!(format(1 << 20), "1MiB");
    }
}
