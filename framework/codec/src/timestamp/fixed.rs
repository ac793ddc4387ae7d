//! Times whose every field stands at a fixed place, read without a general parser.

use crate::scalar::leading_digits;

const MICROS: i64 = 1_000_000;

/// A time of day on a calendar day, with its distance from UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
    pub(super) offset_secs: i64,
}

impl Civil {
    /// What a format leaves out: midnight of 1 January 1970, UTC.
    pub(super) const EPOCH: Civil = Civil {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
        offset_secs: 0,
    };

    /// Microseconds since 1970 UTC; `None` where there is no such day or time. A leap second is
    /// the first second of the next minute.
    #[inline]
    pub(super) fn to_micros(self) -> Option<i64> {
        let valid = (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_of_month(self.year, self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        if !valid {
            return None;
        }
        let days = days_since_epoch(self.year, self.month, self.day);
        let secs = days * 86_400 + self.hour * 3_600 + self.minute * 60 + self.second;
        Some((secs - self.offset_secs) * MICROS + self.micros)
    }
}

/// Days from 1970-01-01, after H. Hinnant, "chrono-compatible low-level date algorithms".
#[inline]
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[inline]
fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Two digits at `at`.
#[inline]
pub(super) fn two(text: &[u8], at: usize) -> Option<i64> {
    let digits = text.get(at..at + 2)?;
    let (tens, ones) = (digits[0].wrapping_sub(b'0'), digits[1].wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return None;
    }
    Some(i64::from(tens * 10 + ones))
}

/// Four digits at `at`.
#[inline]
pub(super) fn four(text: &[u8], at: usize) -> Option<i64> {
    Some(two(text, at)? * 100 + two(text, at + 2)?)
}

/// The month that an English name of three letters says, 1 to 12.
#[inline]
pub(super) fn month(text: &[u8], at: usize) -> Option<i64> {
    let name = text.get(at..at + 3)?;
    let lower = [name[0] | 0x20, name[1] | 0x20, name[2] | 0x20];
    Some(match &lower {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// Seconds east of UTC from `Z`, `+hh`, `+hhmm` or `+hh:mm`, which must be all of `text`.
#[inline]
pub(super) fn zone(text: &[u8]) -> Option<i64> {
    let sign = match text.first()? {
        b'Z' | b'z' if text.len() == 1 => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let minutes = match text.len() {
        3 => 0,
        5 => two(text, 3)?,
        6 if text[3] == b':' => two(text, 4)?,
        _ => return None,
    };
    let hours = two(text, 1)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Microseconds from `2000-10-10[T ]13:55:36[.123456][Z|+02:00]`; the time may be missing or lack
/// its seconds, and without a zone it is UTC. Digits below a microsecond are cut off.
pub(crate) fn rfc3339(text: &[u8]) -> Option<i64> {
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let mut civil = Civil {
        year: four(text, 0)?,
        month: two(text, 5)?,
        day: two(text, 8)?,
        ..Civil::EPOCH
    };
    if text.len() == 10 {
        return civil.to_micros();
    }
    if !matches!(text[10], b'T' | b't' | b' ') || *text.get(13)? != b':' {
        return None;
    }
    (civil.hour, civil.minute) = (two(text, 11)?, two(text, 14)?);
    let mut rest = &text[16..];
    if let [b':', ..] = rest {
        civil.second = two(rest, 1)?;
        rest = &rest[3..];
        if let [b'.' | b',', after @ ..] = rest {
            let n_digits = after
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if n_digits == 0 {
                return None;
            }
            civil.micros = leading_digits(&after[..n_digits], 6);
            rest = &after[n_digits..];
        }
    }
    if let [b' ', after @ ..] = rest {
        rest = after; // `2000-10-10 13:55:36 +0200`, as Git and Go print it.
    }
    if !rest.is_empty() {
        civil.offset_secs = zone(rest)?;
    }
    civil.to_micros()
}

/// Microseconds from the time of an access log, `10/Oct/2000:13:55:36 -0700`.
#[inline]
pub(crate) fn access_log(text: &[u8]) -> Option<i64> {
    let shape: &[u8; 26] = text.try_into().ok()?;
    if [
        shape[2], shape[6], shape[11], shape[14], shape[17], shape[20],
    ] != *b"//::: "
    {
        return None;
    }
    Civil {
        year: four(text, 7)?,
        month: month(text, 3)?,
        day: two(text, 0)?,
        hour: two(text, 12)?,
        minute: two(text, 15)?,
        second: two(text, 18)?,
        micros: 0,
        offset_secs: zone(&text[21..])?,
    }
    .to_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = days_since_epoch(1800, 1, 1);
        for year in 1800..2200 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days_since_epoch(year, month, day), expected);
                    expected += 1;
                }
            }
        }
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
    }

    #[test]
    fn iso_times_are_read_with_and_without_their_parts() {
        let noon = 971_179_200_000_000;
        for (text, micros) in [
            ("2000-10-10T12:00:00Z", noon),
            ("2000-10-10 12:00:00", noon),
            ("2000-10-10t12:00", noon),
            ("2000-10-10T14:00:00.5+02:00", noon + 500_000),
            ("2000-10-10T07:00:00,123456789-0500", noon + 123_456),
            ("2000-10-10 12:00:00 +00", noon),
            ("2000-10-10", noon - 12 * 3_600 * MICROS),
            ("2000-10-10T11:59:60Z", noon),
        ] {
            assert_eq!(rfc3339(text.as_bytes()), Some(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_on_no_calendar_is_refused() {
        for text in [
            "",
            "2000-13-10",
            "2001-02-29",
            "2000-10-10T24:00:00",
            "2000-10-10T12:60:00",
            "2000-10-10T12:00:00.",
            "2000-10-10T12:00:00+2:00",
            "2000-10-10T12:00:00Zjunk",
            "2000/10/10",
            "2000-10-10T",
        ] {
            assert_eq!(rfc3339(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn access_log_times_honour_their_zone() {
        assert_eq!(
            access_log(b"10/Oct/2000:13:55:36 -0700"),
            Some(971_211_336_000_000)
        );
        assert_eq!(access_log(b"29/Feb/2001:13:55:36 -0700"), None);
        assert_eq!(access_log(b"10/Oct/2000:13:55:36 -070x"), None);
        assert_eq!(access_log(b"10/Oct/2000 13:55:36 -0700"), None);
    }
}
