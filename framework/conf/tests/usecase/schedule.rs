//! When a batch runs.

use super::{load, messages, with};

/// What every batch needs.
const BATCH: &str =
    "name = x\ntype = batch\nenabled = true\ncode = x\noutput = csv\nfile = x.log\n";

#[test]
fn a_batch_has_a_schedule_or_an_interval() {
    let schedule = |lines: &str| {
        load(&format!("{BATCH}{lines}"))
            .schedule
            .map(|it| it.to_string())
    };
    assert_eq!(schedule(""), None);
    assert_eq!(schedule("every = 90m\n").as_deref(), Some("every 1h30m"));
    assert_eq!(
        schedule("schedule = 0,30 3 * * mon-fri\n").as_deref(),
        Some("at `0,30 3 * * mon-fri`, UTC")
    );
    assert_eq!(
        schedule("schedule = @daily\nschedule_timezone = Asia/Tokyo\n").as_deref(),
        Some("at `@daily`, Asia/Tokyo")
    );
}

#[test]
fn a_schedule_that_is_none_is_told() {
    let with = |lines: &str| messages(&format!("{BATCH}{lines}"));
    let help = "(minute, hour, day of the month, month, day of the week: `0 3 * * mon-fri` is three \
                o'clock on workdays)";
    assert_eq!(
        with("schedule = 0 3 * *\n"),
        [format!(
            "7: a cron pattern has five fields, found 4 in `0 3 * *` {help}"
        )]
    );
    assert_eq!(
        with("schedule = 0 25 * * *\n"),
        [format!(
            "7: expected a cron pattern, found `0 25 * * *`: number out of bounds {help}"
        )]
    );
    assert_eq!(
        with("schedule = 0 0 30 2 *\n"),
        [format!("7: no day matches `0 0 30 2 *` {help}")]
    );
    assert_eq!(
        with("schedule = 0 3 * * *\nevery = 1h\n"),
        ["8: `every` beside `schedule`: a use case has one of them"]
    );
    assert_eq!(
        with("schedule = 0 3 * * *\nschedule_timezone = Europe/Berln\n"),
        [
            "8: unknown time zone `Europe/Berln`, did you mean `Europe/Berlin`? (a name of the time \
          zone database: `UTC`, `Europe/Berlin`)"
        ]
    );
    assert_eq!(
        with("every = 1h\nschedule_timezone = UTC\n"),
        ["8: `schedule_timezone` without `schedule`"]
    );
    assert_eq!(
        with("every = 10ms\n"),
        ["7: `every` is at least `1s`, found `10ms`"]
    );
}

#[test]
fn a_stream_has_no_schedule() {
    let help = "(leave it out, or write `type = batch`)";
    for key in ["schedule = 0 3 * * *", "every = 1h"] {
        let name = key.split(' ').next().unwrap();
        assert_eq!(
            with(&format!("{key}\n")),
            [format!(
                "6: `{name}` is of batch use cases: a stream runs all the time {help}"
            )]
        );
    }
}
