//! `timestamp_format`: how a text says when something happened.
//!
//! A format is a name (`rfc3339`, also `iso8601`; `epoch`, `epoch_ms`, `epoch_us`; `auto`) or a
//! pattern of [`chrono::format::strftime`] such as `%d/%b/%Y:%H:%M:%S %z`. What a pattern leaves
//! out is taken from 1970-01-01T00:00:00Z: `%d:%H:%M:%S`, the EPA logs' day and time, is in
//! January 1970, and a time without a zone is UTC. Hence 29 February without a year is no time.
//!
//! Patterns of fixed-width fields alone (`%Y %m %d %H %M %S %b %z` and literals) are read by a
//! scanner first; what it does not take, as a day of one digit, goes to chrono.

pub(crate) mod device;
mod fixed;

pub use device::TimeOptions;
pub(crate) use fixed::{access_log, rfc3339};

use arrow::array::{StringViewArray, TimestampMicrosecondArray};
use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use datashark_sdk::conf::nearest;

use crate::scalar;
use fixed::Civil;

/// The names that a format may have, besides patterns.
const NAMES: [&str; 6] = [
    "auto", "rfc3339", "iso8601", "epoch", "epoch_ms", "epoch_us",
];

/// How to read a time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimestampFormat(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Auto,
    Rfc3339,
    /// A number; this many places from microseconds.
    Epoch(usize),
    Pattern {
        items: Vec<Item<'static>>,
        /// The same, where each item has a fixed width.
        fields: Option<Vec<Field>>,
    },
}

/// A part of a fixed-width pattern.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Literal(Box<[u8]>),
    Year,
    Month,
    MonthName,
    Day,
    Hour,
    Minute,
    Second,
    Zone,
}

impl Default for TimestampFormat {
    /// RFC 3339, ISO 8601 or a number by its size.
    fn default() -> Self {
        TimestampFormat(Kind::Auto)
    }
}

impl TimestampFormat {
    /// A format by its name or pattern.
    ///
    /// # Errors
    /// What is wrong with it, for the person who wrote the conf.
    pub fn parse_str(format: &str) -> Result<Self, String> {
        let kind = match format {
            "auto" => Kind::Auto,
            "rfc3339" | "iso8601" => Kind::Rfc3339,
            "epoch" => Kind::Epoch(6),
            "epoch_ms" => Kind::Epoch(3),
            "epoch_us" => Kind::Epoch(0),
            pattern if pattern.contains('%') => Kind::pattern(pattern)?,
            other => return Err(unknown(other)),
        };
        Ok(TimestampFormat(kind))
    }

    /// Microseconds since 1970 UTC; `None` where the text does not have this format.
    pub fn micros(&self, text: &str) -> Option<i64> {
        match &self.0 {
            Kind::Auto => scalar::time(text.as_bytes()),
            Kind::Rfc3339 => rfc3339(text.as_bytes()),
            Kind::Epoch(scale) => scalar::epoch(text.as_bytes(), Some(*scale)),
            Kind::Pattern { items, fields } => fields
                .as_deref()
                .and_then(|fields| fixed_width(fields, text.as_bytes()))
                .or_else(|| by_chrono(items, text)),
        }
    }

    /// The times of a column, in UTC; null where the text is null or does not have this format.
    ///
    /// Records of a log that stand together often have the same time, so the last one is kept.
    pub fn column(&self, texts: &StringViewArray) -> TimestampMicrosecondArray {
        let mut last: Option<(&str, Option<i64>)> = None;
        let times = texts.iter().map(|text| {
            let text = text?;
            match last {
                Some((same, micros)) if same == text => micros,
                _ => {
                    let micros = self.micros(text);
                    last = Some((text, micros));
                    micros
                }
            }
        });
        TimestampMicrosecondArray::from_iter(times).with_timezone("UTC")
    }
}

impl Kind {
    fn pattern(pattern: &str) -> Result<Kind, String> {
        let items = StrftimeItems::new(pattern)
            .parse_to_owned()
            .map_err(|_| format!("`{pattern}` has a `%` that is followed by no known field"))?;
        let fields = items.iter().map(field).collect();
        Ok(Kind::Pattern { items, fields })
    }
}

fn unknown(name: &str) -> String {
    match nearest(name, &NAMES) {
        Some(near) => format!("unknown timestamp format `{name}`, did you mean `{near}`?"),
        None => format!(
            "unknown timestamp format `{name}`; it is a pattern or one of {}",
            NAMES.join(", ")
        ),
    }
}

/// The field of fixed width that an item is, if it is one.
fn field(item: &Item<'static>) -> Option<Field> {
    use chrono::format::Pad::Zero;
    Some(match item {
        Item::Literal(text) => Field::Literal(text.as_bytes().into()),
        Item::OwnedLiteral(text) => Field::Literal(text.as_bytes().into()),
        Item::Space(text) if *text == " " => Field::Literal(Box::from(*b" ")),
        Item::OwnedSpace(text) if **text == *" " => Field::Literal(Box::from(*b" ")),
        Item::Numeric(Numeric::Year, Zero) => Field::Year,
        Item::Numeric(Numeric::Month, Zero) => Field::Month,
        Item::Numeric(Numeric::Day, Zero) => Field::Day,
        Item::Numeric(Numeric::Hour, Zero) => Field::Hour,
        Item::Numeric(Numeric::Minute, Zero) => Field::Minute,
        Item::Numeric(Numeric::Second, Zero) => Field::Second,
        Item::Fixed(Fixed::ShortMonthName) => Field::MonthName,
        Item::Fixed(Fixed::TimezoneOffset) => Field::Zone,
        _ => return None,
    })
}

/// The time, if each field has its full width.
fn fixed_width(fields: &[Field], text: &[u8]) -> Option<i64> {
    let mut civil = Civil::EPOCH;
    let mut at = 0;
    for field in fields {
        let width = match field {
            Field::Literal(literal) if text.get(at..)?.starts_with(literal) => literal.len(),
            Field::Literal(_) => return None,
            Field::MonthName => 3,
            Field::Year => 4,
            Field::Zone => 5,
            _ => 2,
        };
        match field {
            Field::Literal(_) => {}
            Field::Year => civil.year = fixed::four(text, at)?,
            Field::Month => civil.month = fixed::two(text, at)?,
            Field::MonthName => civil.month = fixed::month(text, at)?,
            Field::Day => civil.day = fixed::two(text, at)?,
            Field::Hour => civil.hour = fixed::two(text, at)?,
            Field::Minute => civil.minute = fixed::two(text, at)?,
            Field::Second => civil.second = fixed::two(text, at)?,
            Field::Zone => civil.offset_secs = fixed::zone(text.get(at..at + 5)?)?,
        }
        at += width;
    }
    if at == text.len() {
        civil.to_micros()
    } else {
        None
    }
}

/// The time by chrono, with what the pattern left out filled in.
fn by_chrono(items: &[Item<'static>], text: &str) -> Option<i64> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    if parsed.timestamp().is_none() {
        fill(&mut parsed)?;
    }
    let offset_secs = parsed.offset().unwrap_or(0);
    let local = parsed.to_naive_datetime_with_offset(offset_secs).ok()?;
    local
        .and_utc()
        .timestamp_micros()
        .checked_sub(i64::from(offset_secs) * 1_000_000)
}

/// Fills what is missing from 1970-01-01T00:00:00.
fn fill(parsed: &mut Parsed) -> Option<()> {
    let by_week = parsed
        .isoweek()
        .or(parsed.week_from_mon())
        .or(parsed.week_from_sun())
        .is_some();
    let year = parsed
        .year()
        .or(parsed.isoyear())
        .or(parsed.isoyear_mod_100());
    if year
        .or(parsed.year_mod_100())
        .or(parsed.year_div_100())
        .is_none()
    {
        parsed.set_year(1970).ok()?;
    }
    if !by_week && parsed.ordinal().is_none() {
        if parsed.month().is_none() {
            parsed.set_month(1).ok()?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1).ok()?;
        }
    }
    if parsed.hour_mod_12().is_none() {
        parsed.set_hour(0).ok()?;
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(format: &str, text: &str) -> Option<i64> {
        TimestampFormat::parse_str(format).unwrap().micros(text)
    }

    #[test]
    fn named_formats_read_what_their_name_says() {
        let second = Some(971_211_336_000_000);
        assert_eq!(micros("rfc3339", "2000-10-10T13:55:36-07:00"), second);
        assert_eq!(micros("iso8601", "2000-10-10 20:55:36"), second);
        assert_eq!(micros("epoch", "971211336"), second);
        assert_eq!(micros("epoch_ms", "971211336000.0"), second);
        assert_eq!(micros("epoch_us", "971211336000000"), second);
        assert_eq!(micros("auto", "971211336"), second);
        assert_eq!(micros("rfc3339", "971211336"), None);
        assert_eq!(micros("epoch_ms", "5"), Some(5_000));
    }

    #[test]
    fn patterns_read_fixed_and_loose_widths() {
        let second = Some(971_211_336_000_000);
        let access_log = "%d/%b/%Y:%H:%M:%S %z";
        assert_eq!(micros(access_log, "10/Oct/2000:13:55:36 -0700"), second);
        assert_eq!(micros(access_log, "10/oct/2000:13:55:36 -07:00"), second);
        assert_eq!(micros("%F %T", "2000-10-10 20:55:36"), second);
        assert_eq!(
            micros("%Y-%m-%dT%H:%M:%S%.f", "2000-10-10T20:55:36.25"),
            Some(971_211_336_250_000)
        );
        assert_eq!(
            micros("%a %b %e %H:%M:%S %Y", "Tue Oct 10 20:55:36 2000"),
            second
        );
        assert_eq!(micros("%s", "971211336"), second);
        assert_eq!(micros("%I:%M %p", "01:30 PM"), Some(48_600_000_000));
    }

    #[test]
    fn what_a_pattern_leaves_out_is_of_the_first_of_january_1970() {
        let day = 86_400_000_000;
        assert_eq!(
            micros("%d:%H:%M:%S", "29:23:53:25"),
            Some(28 * day + 86_005_000_000)
        );
        assert_eq!(
            micros("%b %d %H:%M:%S", "Feb  2 00:00:01"),
            Some(32 * day + 1_000_000)
        );
        assert_eq!(micros("%Y", "1971"), Some(365 * day));
        assert_eq!(micros("%b %d", "Feb 29"), None);
    }

    #[test]
    fn a_format_that_is_none_says_what_it_may_have_meant() {
        let wrong = TimestampFormat::parse_str("rfc339").unwrap_err();
        assert_eq!(
            wrong,
            "unknown timestamp format `rfc339`, did you mean `rfc3339`?"
        );
        let wrong = TimestampFormat::parse_str("%d/%Q").unwrap_err();
        assert_eq!(
            wrong,
            "`%d/%Q` has a `%` that is followed by no known field"
        );
    }

    #[test]
    fn the_scanner_agrees_with_chrono() {
        for pattern in [
            "%d/%b/%Y:%H:%M:%S %z",
            "%Y-%m-%d %H:%M:%S",
            "%d:%H:%M:%S",
            "%b %d %H:%M:%S",
        ] {
            let Kind::Pattern { items, fields } = TimestampFormat::parse_str(pattern).unwrap().0
            else {
                panic!("a pattern is a pattern");
            };
            let fields = fields.expect("the pattern is of fixed width");
            for text in [
                "10/Oct/2000:13:55:36 -0700",
                "31/Nov/2000:13:55:36 -0700",
                "10/Oct/2000:25:55:36 -0700",
                "2000-02-29 23:59:59",
                "2000-02-29 23:59:60",
                "2001-02-29 23:59:59",
                "31:00:00:00",
                "00:00:00:00",
                "Dec 31 12:00:00",
            ] {
                if let Some(micros) = fixed_width(&fields, text.as_bytes()) {
                    assert_eq!(by_chrono(&items, text), Some(micros), "{pattern}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_column_is_null_where_its_text_is_null_or_no_time() {
        let texts = StringViewArray::from(vec![Some("5"), None, Some("x"), Some("5")]);
        let times = TimestampFormat::parse_str("epoch").unwrap().column(&texts);
        assert_eq!(
            times.iter().collect::<Vec<_>>(),
            [Some(5_000_000), None, None, Some(5_000_000)]
        );
        assert_eq!(times.timezone(), Some("UTC"));
    }
}
