//! Facilities and severities by their names in syslog.conf; the numbers are RFC 5424's (6.2.1).

use serde::Deserialize;

/// Who a message is from, as syslog servers sort it.
///
/// 0 to 11 and 16 to 23 have the names of `syslog.h`; 12 to 15, which it does not have, those of
/// rsyslog. 13 is `log audit` in the RFC. `security` is not taken: it is 13 in syslog-ng and FreeBSD,
/// and 4 (`auth`) in `syslog.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is its name")]
pub enum Facility {
    Kern,
    User,
    Mail,
    Daemon,
    Auth,
    Syslog,
    Lpr,
    News,
    Uucp,
    Cron,
    Authpriv,
    Ftp,
    Ntp,
    Audit,
    Alert,
    Clock,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// How urgent a message is: 0 `emerg` to 7 `debug`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is its name")]
pub enum Severity {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

/// The number in `<…>`: 8 × facility + severity.
pub(crate) fn priority(facility: Facility, severity: Severity) -> u8 {
    facility as u8 * 8 + severity as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_those_of_the_rfcs_examples() {
        // RFC 5424, 6.2.1 and 6.5.
        assert_eq!(priority(Facility::Kern, Severity::Emerg), 0);
        assert_eq!(priority(Facility::Auth, Severity::Crit), 34);
        assert_eq!(priority(Facility::Local4, Severity::Notice), 165);
        // What dataShark 1.2 sent.
        assert_eq!(priority(Facility::Audit, Severity::Info), 110);
        assert_eq!(priority(Facility::Local7, Severity::Debug), 191);
    }
}
