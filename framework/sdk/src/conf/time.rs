//! Points in time as a conf and the command line write them: `2026-01-31`, `2026-01-31T12:00:00Z`.
//!
//! A time is RFC 3339, with the zone that it names; a date is its first moment in UTC.

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::input::Micros;

/// What is expected of a time, for a help text.
pub const EXPECTED: &str = "a time is `2026-01-31` or `2026-01-31T12:00:00Z`";

/// Reads a time; `None` where the text is none.
pub fn parse(text: &str) -> Option<Micros> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_utc_and_a_time_has_its_own_zone() {
        assert_eq!(parse("1970-01-02"), Some(86_400_000_000));
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "today", "2026-13-01", "2026-01-31 12:00", "12:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
