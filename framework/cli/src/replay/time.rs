//! `--from` and `--to`: points in time, and the part of the past between them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use datashark_sdk::conf::{duration, time};
use datashark_sdk::input::Micros;

/// A time as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// A point in time.
    At(Micros),
    /// So long before now.
    Ago(Duration),
}

impl Time {
    /// Reads a date, a time, or a duration back from now.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(time) = time::parse(text) {
            return Ok(Time::At(time));
        }
        duration::parse(text)
            .map(Time::Ago)
            .map_err(|_| format!("{}, or as long before now as `24h`", time::EXPECTED))
    }

    fn at(self, now: Micros) -> Micros {
        match self {
            Time::At(time) => time,
            Time::Ago(ago) => {
                now.saturating_sub(Micros::try_from(ago.as_micros()).unwrap_or(Micros::MAX))
            }
        }
    }
}

/// A part of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Option<Micros>,
    pub(super) to: Option<Micros>,
}

impl Range {
    /// The part between two times.
    ///
    /// # Errors
    /// There is nothing between them.
    pub(super) fn between(
        from: Option<Time>,
        to: Option<Time>,
        now: Micros,
    ) -> Result<Self, String> {
        let (from, to) = (from.map(|time| time.at(now)), to.map(|time| time.at(now)));
        let end = to.unwrap_or(now);
        match from {
            Some(from) if from >= end => {
                let said = if to.is_some() { "`--to`" } else { "now" };
                let (from, end) = (shown(from), shown(end));
                Err(format!(
                    "`--from` is {from}, which is not before {said}, {end}"
                ))
            }
            _ => Ok(Range { from, to }),
        }
    }

    /// The same, but not beyond a time.
    pub(super) fn up_to(self, end: Micros) -> Self {
        Range {
            to: self.to.or(Some(end)),
            ..self
        }
    }

    /// Whether it is less than all there is.
    pub(super) fn is_bounded(self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// How it is shown: `from … to …`.
    pub(super) fn describe(self) -> String {
        let from = self.from.map_or("the beginning".to_owned(), shown);
        let to = self.to.map_or("the end".to_owned(), shown);
        format!("from {from} to {to}")
    }
}

fn shown(time: Micros) -> String {
    match DateTime::from_timestamp_micros(time) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{time} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_000_000_000_000;

    #[test]
    fn a_time_is_a_date_a_moment_or_so_long_before_now() {
        let at = |text| Time::parse(text).map(|time| time.at(NOW));
        assert_eq!(at("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(at("1970-01-01T00:00:01Z"), Ok(1_000_000));
        assert_eq!(at("1h30m"), Ok(NOW - 5_400_000_000));
        let expected =
            "a time is `2026-01-31` or `2026-01-31T12:00:00Z`, or as long before now as `24h`";
        for wrong in ["yesterday", "2026-02-30", "24", "-1h", ""] {
            assert_eq!(at(wrong), Err(expected.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn what_has_nothing_between_is_refused() {
        let between = |from, to| Range::between(from, to, NOW);
        let day = |day: Micros| Some(Time::At(day * 86_400_000_000));
        assert_eq!(
            between(day(2), day(1)),
            Err(
                "`--from` is 1970-01-03T00:00:00Z, which is not before `--to`, 1970-01-02T00:00:00Z"
                    .to_owned()
            )
        );
        assert!(between(day(1), day(1)).is_err());
        assert!(
            between(day(12), None)
                .unwrap_err()
                .contains("not before now")
        );
        let range = between(day(1), None).unwrap();
        assert_eq!(range.up_to(NOW).to, Some(NOW));
        assert!(range.is_bounded());
    }
}
