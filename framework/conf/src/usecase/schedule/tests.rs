//! Which turn comes next.

use chrono::{NaiveDateTime, TimeZone};
use proptest::prelude::*;

use super::*;

fn at(pattern: &str, timezone: &str) -> Schedule {
    let mut problems = Problems::new();
    let timezone = super::timezone(Some(timezone), &mut problems);
    let cron = cron(pattern, timezone.unwrap(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    Schedule::Cron {
        pattern: pattern.to_owned(),
        cron: Box::new(cron.unwrap()),
        timezone: timezone.unwrap(),
    }
}

/// A time in UTC.
fn utc(text: &str) -> Micros {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    Tz::UTC.from_utc_datetime(&time).timestamp_micros()
}

fn shown(time: Option<Micros>) -> String {
    let time = DateTime::from_timestamp_micros(time.unwrap()).unwrap();
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The turns behind this time, all but the last of them.
#[track_caller]
fn assert_follow(schedule: &Schedule, from: &str, turns: &[&str]) {
    let mut time = utc(from);
    for turn in turns {
        let next = schedule.following(time);
        assert_eq!(shown(next), *turn, "{schedule}");
        time = next.unwrap();
    }
}

#[test]
fn a_pattern_is_read_as_cron_reads_it() {
    let workdays = at("30 3 * * mon-fri", "UTC");
    // A Friday.
    let turns = ["2026-11-20 03:30:00", "2026-11-23 03:30:00"];
    assert_follow(&workdays, "2026-11-19 03:30:00", &turns);
    // Sunday is 0 and 7; either day makes a day match.
    let turns = ["2026-11-15 00:00:00", "2026-11-22 00:00:00"];
    assert_follow(&at("0 0 * * 0", "UTC"), "2026-11-14 00:00:00", &turns);
    assert_follow(&at("0 0 * * 7", "UTC"), "2026-11-14 00:00:00", &turns);
    let turns = ["2026-11-13 00:00:00", "2026-11-15 00:00:00"];
    assert_follow(&at("0 0 13 * sun", "UTC"), "2026-11-12 00:00:00", &turns);
    let turns = ["2026-12-01 00:00:00", "2027-01-01 00:00:00"];
    assert_follow(&at("@monthly", "UTC"), "2026-11-12 00:00:00", &turns);
    let leap = ["2028-02-29 12:00:00", "2032-02-29 12:00:00"];
    assert_follow(&at("0 12 29 2 *", "UTC"), "2026-11-12 00:00:00", &leap);
}

#[test]
fn times_of_day_are_those_of_the_time_zone() {
    let nightly = at("30 2 * * *", "Europe/Berlin");
    let winter = ["2026-11-21 01:30:00", "2026-11-22 01:30:00"];
    assert_follow(&nightly, "2026-11-20 12:00:00", &winter);
    // In the night to the 29th half past two is left out; in that to the 25th it comes twice.
    let spring = [
        "2026-03-28 01:30:00",
        "2026-03-29 01:00:00",
        "2026-03-30 00:30:00",
    ];
    assert_follow(&nightly, "2026-03-28 00:00:00", &spring);
    let autumn = [
        "2026-10-24 00:30:00",
        "2026-10-25 00:30:00",
        "2026-10-26 01:30:00",
    ];
    assert_follow(&nightly, "2026-10-24 00:00:00", &autumn);
    let hourly = [
        "2026-10-25 00:00:00",
        "2026-10-25 01:00:00",
        "2026-10-25 02:00:00",
    ];
    assert_follow(
        &at("0 * * * *", "Europe/Berlin"),
        "2026-10-24 23:00:00",
        &hourly,
    );
}

#[test]
fn the_first_turn_of_a_pattern_is_its_next_time_and_of_an_interval_the_start() {
    let now = utc("2026-11-20 12:00:30");
    assert_eq!(
        shown(at("* * * * *", "UTC").first(now)),
        "2026-11-20 12:01:00"
    );
    let every = Schedule::Every(Duration::from_secs(90));
    assert_eq!(every.first(now), Some(now));
    let turns = ["2026-11-20 12:02:00", "2026-11-20 12:03:30"];
    assert_follow(&every, "2026-11-20 12:00:30", &turns);
}

#[test]
fn turns_that_passed_while_one_took_long_are_not_made_up_for() {
    let due = utc("2026-11-20 12:00:00");
    let upcoming = |schedule: &Schedule, now| shown(schedule.upcoming(due, utc(now)));
    for schedule in [
        &at("*/10 * * * *", "UTC"),
        &Schedule::Every(Duration::from_secs(600)),
    ] {
        assert_eq!(
            upcoming(schedule, "2026-11-20 12:00:00"),
            "2026-11-20 12:10:00"
        );
        assert_eq!(
            upcoming(schedule, "2026-11-20 12:09:59"),
            "2026-11-20 12:10:00"
        );
        assert_eq!(
            upcoming(schedule, "2026-11-20 12:10:00"),
            "2026-11-20 12:20:00"
        );
        assert_eq!(
            upcoming(schedule, "2026-11-20 12:35:00"),
            "2026-11-20 12:40:00"
        );
        // A clock that is corrected makes no turn come twice; one that is set anew is believed.
        assert_eq!(
            upcoming(schedule, "2026-11-20 11:59:58"),
            "2026-11-20 12:10:00"
        );
        assert_eq!(
            upcoming(schedule, "2025-11-20 12:00:00"),
            "2025-11-20 12:10:00"
        );
    }
}

#[test]
fn a_schedule_says_what_it_is() {
    let nightly = at("0 3 * * *", "Europe/Berlin").to_string();
    assert_eq!(nightly, "at `0 3 * * *`, Europe/Berlin");
    let every = Schedule::Every(Duration::from_secs(5400));
    assert_eq!(every.to_string(), "every 1h30m");
}

proptest! {
    /// A pattern that is none is a mistake, never the end of the process.
    #[test]
    fn any_text_is_a_pattern_or_a_mistake(text in "[0-9a-zA-Z*/,#?@+ LW-]{0,24}|\\PC{0,12}") {
        let mut problems = Problems::new();
        let found = cron(&text, Tz::UTC, &mut problems);
        prop_assert_eq!(found.is_none(), problems.has_errors());
    }

    /// Turns move on: the next is behind the last and behind now, and none lies between.
    #[test]
    fn the_upcoming_turn_is_the_first_that_is_still_to_come(
        due in 0i64..4_000_000_000, passed in 0i64..1_000_000, interval in 1u64..100_000,
    ) {
        let (due, now) = (due * 1_000_000, (due + passed) * 1_000_000);
        let schedule = Schedule::Every(Duration::from_secs(interval));
        let next = schedule.upcoming(due, now).unwrap();
        prop_assert!(next > now && next - now <= interval as i64 * 1_000_000);
        prop_assert_eq!((next - due) % (interval as i64 * 1_000_000), 0);
    }
}
