//! Times as devices and syslog write them, which may lack a year and a zone.
//!
//! Read are RFC 3339 and ISO 8601 (`2003-10-11T22:14:15.003Z`, also with a space), and the times
//! of RFC 3164 and what devices made of them: `Oct 11 22:14:15`, `Oct  1 2023 22:14:15.123 CEST`,
//! `Mon Aug  1 03:34:23 2022`. A number is seconds and so on since 1970, by its size.
//!
//! A time without a year is of the year that the conf says; without one there it is no time. A
//! time without a zone is of the conf's zone. A local time that a clock shows twice is the first
//! of the two; one that it skips counts as if it had not been set forward.

use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use datashark_sdk::conf::{Problem, nearest};
use serde::Deserialize;

use super::fixed::{Civil, four, month, two, zone};
use crate::rows::quote;
use crate::scalar;

/// `[codec]` of the formats whose times may lack a year and a zone.
///
/// | key | default | |
/// |---|---|---|
/// | `year` | none | the year of times without one; without it such a time is no time |
/// | `timezone` | `UTC` | the zone of times without one: `Europe/Berlin`, `+02:00` |
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeOptions {
    /// The year of times without one.
    pub year: Option<u16>,
    /// The zone of times without one: a name of the IANA database or a distance from UTC.
    pub timezone: Option<String>,
}

/// How times are read, with the last one read: many records of a second stand together.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    year: Option<i64>,
    zone: Zone,
    last: Vec<u8>,
    last_micros: i64,
}

#[derive(Debug, Clone, Copy)]
enum Zone {
    /// Seconds east of UTC.
    Fixed(i64),
    Named(Tz),
}

impl Default for Times {
    fn default() -> Self {
        Times {
            year: None,
            zone: Zone::Fixed(0),
            last: Vec::new(),
            last_micros: 0,
        }
    }
}

/// A time as it was written.
#[derive(Debug, Clone, Copy)]
struct Written {
    civil: Civil,
    has_year: bool,
    has_zone: bool,
    /// How many bytes it takes.
    len: usize,
}

impl Times {
    /// Times as the conf says.
    ///
    /// # Errors
    /// A year or zone that is none, below its key.
    pub(crate) fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let year = options.year.map(i64::from);
        if year.is_some_and(|year| !(1970..=9999).contains(&year)) {
            let message = "`year` is not between 1970 and 9999";
            return Err(Problem::at(["year"], message));
        }
        let zone = match options.timezone.as_deref() {
            None => Zone::Fixed(0),
            Some(name) => match (zone(name.as_bytes()), name.parse::<Tz>()) {
                (Some(east_secs), _) => Zone::Fixed(east_secs),
                (_, Ok(named)) => Zone::Named(named),
                _ => return Err(Problem::at(["timezone"], unknown_zone(name))),
            },
        };
        Ok(Times {
            year,
            zone,
            ..Times::default()
        })
    }

    /// Microseconds since 1970 UTC.
    ///
    /// # Errors
    /// What the text is instead of a time: `… is {this}`.
    #[inline]
    pub(crate) fn micros(&mut self, text: &[u8]) -> Result<i64, String> {
        if self.last == text && !text.is_empty() {
            return Ok(self.last_micros);
        }
        self.last_micros = self.read(text)?;
        self.last.clear();
        self.last.extend_from_slice(text);
        Ok(self.last_micros)
    }

    fn read(&self, text: &[u8]) -> Result<i64, String> {
        let none = || format!("{}, expected a time", quote(text));
        let Some(written) = written(text).filter(|written| written.len == text.len()) else {
            return scalar::epoch(text, None).ok_or_else(none);
        };
        let mut civil = written.civil;
        if !written.has_year {
            civil.year = self.year.ok_or_else(|| {
                format!(
                    "{}, a time without a year; set `year` in `[codec]`",
                    quote(text)
                )
            })?;
        }
        let micros = civil.to_micros().ok_or_else(none)?;
        Ok(if written.has_zone {
            micros
        } else {
            self.zone.to_utc(micros)
        })
    }
}

fn unknown_zone(name: &str) -> String {
    let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    match nearest(name, &known.collect::<Vec<_>>()) {
        Some(near) => format!("unknown time zone `{name}`, did you mean `{near}`?"),
        None => {
            format!("unknown time zone `{name}`; it is a name such as `Europe/Berlin` or `+02:00`")
        }
    }
}

impl Zone {
    /// The UTC time of a local time, both in microseconds.
    fn to_utc(self, local_micros: i64) -> i64 {
        let east_secs = match self {
            Zone::Fixed(east_secs) => east_secs,
            Zone::Named(zone) => named_offset(zone, local_micros).unwrap_or(0),
        };
        local_micros - east_secs * 1_000_000
    }
}

fn named_offset(zone: Tz, local_micros: i64) -> Option<i64> {
    let local: NaiveDateTime = chrono::DateTime::from_timestamp_micros(local_micros)?.naive_utc();
    let offset = match zone.offset_from_local_datetime(&local).earliest() {
        Some(offset) => offset,
        // Skipped by the clock: the offset before it was set forward.
        None => zone.offset_from_utc_datetime(&(local - TimeDelta::hours(3))),
    };
    Some(i64::from(offset.fix().local_minus_utc()))
}

/// The length of the time that a text starts with, whether or not there is such a day.
#[inline]
pub(crate) fn time_len(text: &[u8]) -> Option<usize> {
    written(text).map(|written| written.len)
}

#[inline]
fn written(text: &[u8]) -> Option<Written> {
    match text.first()? {
        b'0'..=b'9' => iso(text),
        _ => named_month(text),
    }
}

/// `2003-10-11T22:14:15.003Z`.
#[inline]
fn iso(text: &[u8]) -> Option<Written> {
    let separators = [*text.get(4)?, *text.get(7)?];
    if separators != *b"--" || !matches!(text.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let mut civil = Civil {
        year: four(text, 0)?,
        month: two(text, 5)?,
        day: two(text, 8)?,
        ..Civil::EPOCH
    };
    let mut at = clock(text, 11, &mut civil)?;
    if text.get(at) == Some(&b' ') && matches!(text.get(at + 1), Some(b'+' | b'-')) {
        at += 1;
    }
    let has_zone = match zone_at(text, at) {
        Some((east_secs, end)) => {
            civil.offset_secs = east_secs;
            at = end;
            true
        }
        None => false,
    };
    Some(Written {
        civil,
        has_year: true,
        has_zone,
        len: at,
    })
}

/// `Oct 11 22:14:15` with its variants.
#[inline]
fn named_month(text: &[u8]) -> Option<Written> {
    let mut at = 0;
    if month(text, 0).is_none() {
        weekday(text)?;
        at = 4;
    }
    let mut civil = Civil {
        month: month(text, at)?,
        ..Civil::EPOCH
    };
    at += 3;
    if text.get(at) != Some(&b' ') {
        return None;
    }
    at += 1 + usize::from(text.get(at + 1) == Some(&b' '));
    (civil.day, at) = match two(text, at) {
        Some(day) => (day, at + 2),
        None => (digit(text, at)?, at + 1),
    };
    if text.get(at) != Some(&b' ') {
        return None;
    }
    at += 1;
    let mut has_year = text.get(at + 4) == Some(&b' ') && four(text, at).is_some();
    if has_year {
        civil.year = four(text, at)?;
        at += 5;
    }
    at = clock(text, at, &mut civil)?;
    let zone = word_zone(text, at);
    if let Some((east_secs, end)) = zone {
        (civil.offset_secs, at) = (east_secs, end);
    }
    if !has_year
        && text.len() == at + 5
        && text[at] == b' '
        && let Some(year) = four(text, at + 1)
    {
        // `Mon Aug  1 03:34:23 2022`, at the end of the text alone: else it may be a host.
        (civil.year, has_year, at) = (year, true, text.len());
    }
    Some(Written {
        civil,
        has_year,
        has_zone: zone.is_some(),
        len: at,
    })
}

#[inline]
fn weekday(text: &[u8]) -> Option<()> {
    let name = text.get(..4)?;
    let names: [&[u8]; 7] = [
        b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun ",
    ];
    names.contains(&name).then_some(())
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<i64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(i64::from(digit))
}

/// `22:14:15.003` at `at`, and the place behind it.
#[inline]
fn clock(text: &[u8], at: usize, civil: &mut Civil) -> Option<usize> {
    if *text.get(at + 2)? != b':' || *text.get(at + 5)? != b':' {
        return None;
    }
    civil.hour = two(text, at)?;
    civil.minute = two(text, at + 3)?;
    civil.second = two(text, at + 6)?;
    let at = at + 8;
    if !matches!(text.get(at), Some(b'.' | b',')) {
        return Some(at);
    }
    let digits = &text[at + 1..];
    let n_digits = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if n_digits == 0 {
        return Some(at);
    }
    civil.micros = scalar::leading_digits(&digits[..n_digits], 6);
    Some(at + 1 + n_digits)
}

/// `Z`, `+02:00`, `+0200` or `+02` at `at`, and the place behind it.
#[inline]
fn zone_at(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let rest = text.get(at..)?;
    let len = match rest.first()? {
        b'Z' | b'z' => 1,
        _ => rest
            .iter()
            .take_while(|byte| matches!(byte, b'+' | b'-' | b':' | b'0'..=b'9'))
            .count(),
    };
    // A colon behind the zone is no part of it.
    [len, len.saturating_sub(1)]
        .into_iter()
        .find_map(|len| Some((zone(&rest[..len])?, at + len)))
}

/// The zone behind the time of day: ` CEST` or ` +0200`, with a colon or the text's end behind it,
/// since it may be a host otherwise.
#[inline]
fn word_zone(text: &[u8], at: usize) -> Option<(i64, usize)> {
    if text.get(at) != Some(&b' ') {
        return None;
    }
    let (east_secs, end) = match text.get(at + 1)? {
        b'+' | b'-' => zone_at(text, at + 1)?,
        _ => {
            let word = &text[at + 1..];
            let len = word
                .iter()
                .take(5)
                .take_while(|byte| byte.is_ascii_uppercase());
            let len = len.count();
            (abbreviation(&word[..len])?, at + 1 + len)
        }
    };
    matches!(text.get(end), None | Some(b':')).then_some((east_secs, end))
}

/// Seconds east of UTC of the zones whose abbreviation means one alone: those of RFC 5322, section
/// 4.3, of Europe, and Japan's.
fn abbreviation(name: &[u8]) -> Option<i64> {
    let hours = match name {
        b"UTC" | b"GMT" | b"Z" | b"WET" => 0,
        b"EST" => -5,
        b"EDT" => -4,
        b"CST" => -6,
        b"CDT" => -5,
        b"MST" => -7,
        b"MDT" => -6,
        b"PST" => -8,
        b"PDT" => -7,
        b"WEST" | b"CET" => 1,
        b"CEST" | b"EET" => 2,
        b"EEST" | b"MSK" => 3,
        b"JST" => 9,
        _ => return None,
    };
    Some(hours * 3_600)
}

#[cfg(test)]
mod tests;
