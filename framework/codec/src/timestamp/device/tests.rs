//! Times as they are written, and what the conf makes of them.

use super::*;

fn times(year: Option<u16>, timezone: Option<&str>) -> Times {
    let timezone = timezone.map(str::to_owned);
    Times::try_new(&TimeOptions { year, timezone }).unwrap()
}

fn utc(text: &str) -> i64 {
    crate::timestamp::rfc3339(text.as_bytes()).unwrap()
}

#[test]
fn every_way_to_write_a_time_is_that_time() {
    let mut times = times(Some(2022), None);
    let second = utc("2022-08-01T03:34:23Z");
    for text in [
        "2022-08-01T03:34:23Z",
        "2022-08-01T05:34:23+02:00",
        "2022-08-01 03:34:23",
        "2022-08-01 05:34:23 +0200",
        "Aug  1 03:34:23",
        "Aug 1 03:34:23",
        "Aug 01 03:34:23",
        "aug 01 2022 03:34:23",
        "Aug  1 2022 05:34:23 CEST",
        "Aug  1 2022 05:34:23 +0200",
        "Mon Aug  1 03:34:23 2022",
        "1659324863",
        "1659324863000",
    ] {
        assert_eq!(times.micros(text.as_bytes()), Ok(second), "{text}");
        assert_eq!(
            times.micros(text.as_bytes()),
            Ok(second),
            "{text}, once more"
        );
    }
    let text = b"Aug  1 03:34:23.5";
    assert_eq!(times.micros(text), Ok(second + 500_000));
}

#[test]
fn a_time_without_a_year_is_none_unless_the_conf_has_one() {
    let text = b"Oct 11 22:14:15";
    assert_eq!(
        times(None, None).micros(text),
        Err("`Oct 11 22:14:15`, a time without a year; set `year` in `[codec]`".to_owned())
    );
    assert_eq!(
        times(Some(2003), None).micros(text),
        Ok(utc("2003-10-11T22:14:15Z"))
    );
    assert!(times(Some(2011), None).micros(b"Feb 29 00:00:00").is_err());
    assert!(times(Some(2012), None).micros(b"Feb 29 00:00:00").is_ok());
}

#[test]
fn a_time_without_a_zone_is_of_the_confs_zone() {
    let mut berlin = times(Some(2025), Some("Europe/Berlin"));
    for (local, expected) in [
        ("Jan 15 12:00:00", "2025-01-15T11:00:00Z"),
        ("Jul 15 12:00:00", "2025-07-15T10:00:00Z"),
        ("2025-07-15T12:00:00", "2025-07-15T10:00:00Z"),
        ("2025-07-15T12:00:00Z", "2025-07-15T12:00:00Z"),
        ("Oct 26 02:30:00", "2025-10-26T00:30:00Z"), // Shown twice.
        ("Mar 30 02:30:00", "2025-03-30T01:30:00Z"), // Skipped.
    ] {
        assert_eq!(
            berlin.micros(local.as_bytes()),
            Ok(utc(expected)),
            "{local}"
        );
    }
    let mut east = times(Some(2025), Some("+05:30"));
    assert_eq!(
        east.micros(b"Jan 15 12:00:00"),
        Ok(utc("2025-01-15T06:30:00Z"))
    );
}

#[test]
fn what_is_no_time_is_quoted() {
    let mut times = times(Some(2025), None);
    for text in [
        "",
        "now",
        "Oct 32 22:14:15",
        "Oct 11 22:14",
        "Oct 11 22:14:15 IST",
        "2025-13-01T00:00:00Z",
    ] {
        let expected = format!("`{text}`, expected a time");
        assert_eq!(times.micros(text.as_bytes()), Err(expected));
    }
}

#[test]
fn options_that_are_none_are_blamed_at_their_key() {
    let wrong = |year, timezone: Option<&str>| {
        let timezone = timezone.map(str::to_owned);
        let problem = Times::try_new(&TimeOptions { year, timezone }).unwrap_err();
        problem.to_string()
    };
    assert_eq!(
        wrong(Some(25), None),
        "year: `year` is not between 1970 and 9999"
    );
    assert_eq!(
        wrong(None, Some("Europe/Berln")),
        "timezone: unknown time zone `Europe/Berln`, did you mean `Europe/Berlin`?"
    );
}

#[test]
fn the_length_ends_before_what_is_not_of_the_time() {
    for (text, len) in [
        ("Oct 11 22:14:15 host", 15),
        ("Oct 11 22:14:15.003 host", 19),
        ("Oct 11 2003 22:14:15: %ASA", 20),
        ("Oct 11 22:14:15 UTC: %SYS", 19),
        ("Oct 11 22:14:15 UTC sshd", 15),
        ("2003-10-11T22:14:15.003Z host", 24),
        ("2003-10-11T22:14:15+02:00: x", 25),
    ] {
        assert_eq!(time_len(text.as_bytes()), Some(len), "{text}");
    }
    assert_eq!(time_len(b"MMM 22 07:54:32"), None);
}
