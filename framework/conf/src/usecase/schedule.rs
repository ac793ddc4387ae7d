//! When the daemon runs a batch use case: `schedule` with `schedule_timezone`, or `every`.
//!
//! ```ini
//! schedule          = 0 3 * * mon-fri
//! schedule_timezone = Europe/Berlin
//! ```
//! A pattern has cron's five fields: minute, hour, day of the month, month, day of the week; or is
//! `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`. Where both days are restricted, either
//! makes a day match, as in cron. Times are UTC unless the conf names a time zone. Where clocks are
//! put forward, a time of day that is left out comes as soon as the clock goes on; where they are put
//! back, one that comes twice counts once, but a pattern over every hour runs in both.
//!
//! Here is arithmetic alone: whoever waits brings the time.

use std::fmt;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use datashark_sdk::conf::{Problem, Problems, duration, nearest};
use datashark_sdk::input::Micros;

use super::Kind;
use super::keys::Keys;

/// The shortest `every`: a run takes files and locks each time.
const SHORTEST: Duration = Duration::from_secs(1);
/// A clock that is further back than this was set anew, and what comes next counts from there; less
/// than that is a correction, after which a turn must not come twice.
const SET_BACK: Micros = 3_600_000_000;

/// When a batch use case runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `schedule`: at the times of a cron pattern.
    Cron {
        /// The pattern as it is written.
        pattern: String,
        /// The pattern as it was read.
        cron: Box<Cron>,
        /// `schedule_timezone`: whose times of day they are; UTC if not said.
        timezone: Tz,
    },
    /// `every`: at the daemon's start, and from there on at this interval; at least a second.
    Every(Duration),
}

impl Schedule {
    /// Whether the daemon's start is a turn.
    pub fn begins_at_once(&self) -> bool {
        matches!(self, Schedule::Every(_))
    }

    /// The first turn of a daemon that starts now, in microseconds since 1970; `None` where none comes
    /// any more.
    pub fn first(&self, now: Micros) -> Option<Micros> {
        match self {
            Schedule::Every(_) => Some(now),
            Schedule::Cron { cron, timezone, .. } => cron_after(cron, *timezone, now),
        }
    }

    /// The turn behind one that was due, whether or not its time has passed; `None` where none comes
    /// any more.
    pub fn following(&self, due: Micros) -> Option<Micros> {
        match self {
            Schedule::Every(interval) => due.checked_add(micros(*interval)),
            Schedule::Cron { cron, timezone, .. } => cron_after(cron, *timezone, due),
        }
    }

    /// The turn behind one that was due whose time is still to come; `None` where none comes any more.
    pub fn upcoming(&self, due: Micros, now: Micros) -> Option<Micros> {
        if due.saturating_sub(now) > SET_BACK {
            return self.following(now);
        }
        match self {
            Schedule::Every(interval) => {
                let interval = micros(*interval);
                let n_passed = now.saturating_sub(due).max(0) / interval;
                due.checked_add(interval.checked_mul(n_passed + 1)?)
            }
            Schedule::Cron { cron, timezone, .. } => cron_after(cron, *timezone, due.max(now)),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Cron {
                pattern, timezone, ..
            } => write!(f, "at `{pattern}`, {timezone}"),
            Schedule::Every(interval) => write!(f, "every {}", duration::format(*interval)),
        }
    }
}

/// The first time of a pattern behind a time.
fn cron_after(cron: &Cron, timezone: Tz, time: Micros) -> Option<Micros> {
    let time = DateTime::from_timestamp_micros(time)?.with_timezone(&timezone);
    let next = cron.find_next_occurrence(&time, false).ok()?;
    Some(next.timestamp_micros())
}

fn micros(interval: Duration) -> Micros {
    Micros::try_from(interval.max(SHORTEST).as_micros()).unwrap_or(Micros::MAX)
}

/// The schedule of a conf, where it has one, and what is wrong with it.
pub(super) fn read(keys: &Keys, problems: &mut Problems) -> Option<Schedule> {
    let named = [
        ("schedule", keys.schedule.is_some()),
        ("schedule_timezone", keys.schedule_timezone.is_some()),
        ("every", keys.every.is_some()),
    ];
    let named = || named.iter().filter(|(_, is_there)| *is_there);
    if keys.kind == Kind::Streaming {
        problems.extend(named().map(|(key, _)| {
            let message = format!("`{key}` is of batch use cases: a stream runs all the time");
            let help = "leave it out, or write `type = batch`";
            Problem::at([*key], message).help(help).of_key()
        }));
        return None;
    }
    match (&keys.schedule, keys.every) {
        (Some(_), Some(_)) => {
            let message = "`every` beside `schedule`: a use case has one of them";
            problems.push(Problem::at(["every"], message).of_key());
            None
        }
        (Some(pattern), None) => {
            let timezone = timezone(keys.schedule_timezone.as_deref(), problems);
            let cron = cron(pattern, timezone.unwrap_or(Tz::UTC), problems);
            Some(Schedule::Cron {
                pattern: pattern.clone(),
                cron: Box::new(cron?),
                timezone: timezone?,
            })
        }
        (None, every) => {
            if keys.schedule_timezone.is_some() {
                let message = "`schedule_timezone` without `schedule`";
                problems.push(Problem::at(["schedule_timezone"], message).of_key());
            }
            every.and_then(|interval| self::every(interval, problems))
        }
    }
}

fn every(interval: Duration, problems: &mut Problems) -> Option<Schedule> {
    if interval < SHORTEST {
        let (least, found) = (duration::format(SHORTEST), duration::format(interval));
        let message = format!("`every` is at least `{least}`, found `{found}`");
        problems.push(Problem::at(["every"], message));
        return None;
    }
    Some(Schedule::Every(interval))
}

fn timezone(name: Option<&str>, problems: &mut Problems) -> Option<Tz> {
    let Some(name) = name else {
        return Some(Tz::UTC);
    };
    let found = name.parse().ok();
    if found.is_none() {
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let message = match nearest(name, known) {
            Some(meant) => format!("unknown time zone `{name}`, did you mean `{meant}`?"),
            None => format!("unknown time zone `{name}`"),
        };
        let help = "a name of the time zone database: `UTC`, `Europe/Berlin`";
        problems.push(Problem::at(["schedule_timezone"], message).help(help));
    }
    found
}

fn cron(pattern: &str, timezone: Tz, problems: &mut Problems) -> Option<Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let n_fields = pattern.split_whitespace().count();
    let message = match parser.parse(pattern) {
        _ if n_fields != 5 && !pattern.starts_with('@') => {
            format!("a cron pattern has five fields, found {n_fields} in `{pattern}`")
        }
        // From 1970 on, so that it does not depend on when it is asked.
        Ok(cron) if cron_after(&cron, timezone, 0).is_some() => return Some(cron),
        Ok(_) => format!("no day matches `{pattern}`"),
        Err(error) => {
            let why = plain(&error);
            format!("expected a cron pattern, found `{pattern}`: {why}")
        }
    };
    let help = "minute, hour, day of the month, month, day of the week: `0 3 * * mon-fri` is three \
                o'clock on workdays";
    problems.push(Problem::at(["schedule"], message).help(help));
    None
}

/// What croner says, in the form that our messages have and without the kind of the error.
fn plain(error: &croner::errors::CronError) -> String {
    let text = error.to_string();
    let text = text.rsplit(": ").next().unwrap_or_default();
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
