//! What stands before a finding in its message; pure.
//!
//! | format | header |
//! |---|---|
//! | RFC 3164 | `<110>Oct 14 13:01:39 host app: ` |
//! | RFC 3164 on a unix socket | `<110>Oct 14 13:01:39 app: ` |
//! | RFC 5424 | `<110>1 2016-10-14T13:01:39Z host app - finding ` |
//!
//! On a unix socket `syslog(3)` writes no host, and servers expect none there.
//!
//! The time is the findings', not that of sending, and no process id is in it: a finding that is sent
//! again after a restart is the same message, byte for byte.

use chrono::{DateTime, Datelike, Local, SecondsFormat};

use crate::SyslogConf;
use crate::conf::{Format, Transport};
use crate::priority::priority;

/// Who the messages are from.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    format: Format,
    priority: u8,
    hostname: Option<String>,
    app_name: String,
}

impl Header {
    /// The header of a conf that has no problems, on this machine.
    pub(crate) fn of(conf: &SyslogConf, machine: &str) -> Self {
        let unnamed = (conf.transport, conf.format) == (Transport::Unix, Format::Rfc3164);
        let machine = (!unnamed).then(|| usable(machine));
        Header {
            format: conf.format,
            priority: priority(conf.facility, conf.severity),
            hostname: conf.hostname.clone().or(machine),
            app_name: conf.app_name.clone(),
        }
    }

    /// The header of findings of this time, in microseconds since 1970-01-01 UTC.
    pub(crate) fn at(&self, time: i64) -> String {
        let Header {
            priority,
            hostname,
            app_name,
            ..
        } = self;
        let time = DateTime::from_timestamp_micros(time);
        let hostname = hostname.iter().flat_map(|name| [name.as_str(), " "]);
        let hostname: String = hostname.collect();
        match self.format {
            Format::Rfc3164 => {
                let time = time.unwrap_or_default().with_timezone(&Local);
                // The day has a space before one digit (4.1.2).
                let time = time.format("%b %e %H:%M:%S");
                format!("<{priority}>{time} {hostname}{app_name}: ")
            }
            Format::Rfc5424 => {
                // RFC 3339 ends with the year 9999; `-` is no time (6.2.3).
                let time = time.filter(|time| (0..=9999).contains(&time.year()));
                let time = time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
                let time = time.as_deref().unwrap_or("-");
                format!("<{priority}>1 {time} {hostname}{app_name} - finding ")
            }
        }
    }
}

/// A machine's name with `_` for what a header cannot hold. A nameless one is `localhost`.
fn usable(machine: &str) -> String {
    let shown = machine.chars().take(255);
    let shown: String = shown
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect();
    match shown.as_str() {
        "" => "localhost".to_owned(),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn header(format: Format, time: i64) -> String {
        let conf = SyslogConf {
            format,
            ..SyslogConf::default()
        };
        Header::of(&conf, "sensor-1.example.com").at(time)
    }

    #[test]
    fn rfc_5424_has_utc_and_the_fraction_there_is() {
        let at = |time| header(Format::Rfc5424, time);
        assert_eq!(
            at(1_476_450_099_000_000),
            "<110>1 2016-10-14T13:01:39Z sensor-1.example.com datashark - finding "
        );
        assert!(at(1_476_450_099_000_003).contains(" 2016-10-14T13:01:39.000003Z "));
        assert!(at(i64::MAX).starts_with("<110>1 - sensor-1"));
    }

    #[test]
    fn rfc_3164_has_local_time_and_a_space_before_one_digit() {
        let local = Local.with_ymd_and_hms(2016, 10, 4, 13, 1, 39).unwrap();
        assert_eq!(
            header(Format::Rfc3164, local.timestamp_micros()),
            "<110>Oct  4 13:01:39 sensor-1.example.com datashark: "
        );
    }

    #[test]
    fn a_unix_socket_is_told_no_host_unless_the_conf_names_one() {
        let local = Local.with_ymd_and_hms(2016, 10, 14, 13, 1, 39).unwrap();
        let mut conf = SyslogConf {
            transport: Transport::Unix,
            ..SyslogConf::default()
        };
        let at = |conf: &SyslogConf| Header::of(conf, "sensor-1").at(local.timestamp_micros());
        assert_eq!(at(&conf), "<110>Oct 14 13:01:39 datashark: ");
        conf.hostname = Some("named".to_owned());
        assert_eq!(at(&conf), "<110>Oct 14 13:01:39 named datashark: ");
    }

    #[test]
    fn a_machine_has_a_name_that_fits() {
        assert_eq!(usable("büro 1"), "b_ro_1");
        assert_eq!(usable(""), "localhost");
    }
}
