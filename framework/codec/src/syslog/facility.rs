//! Facilities by code and keyword.

/// The keywords of `syslog.h` and rsyslog, by code.
const NAMES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// The keyword of a code.
#[inline]
pub(super) fn name(code: i64) -> Option<&'static str> {
    NAMES.get(usize::try_from(code).ok()?).copied()
}

/// The code of a keyword.
pub(super) fn code(name: &[u8]) -> Option<i64> {
    let code = match name {
        b"security" => 4,
        _ => NAMES.iter().position(|known| known.as_bytes() == name)?,
    };
    i64::try_from(code).ok()
}
