//! Severities by code and keyword.

/// The keywords of `syslog.h`, by code.
const NAMES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

/// The keyword of a code.
#[inline]
pub(crate) fn name(code: i64) -> Option<&'static str> {
    NAMES.get(usize::try_from(code).ok()?).copied()
}

/// The code of a keyword.
pub(super) fn code(name: &[u8]) -> Option<i64> {
    let code = match name {
        b"panic" => 0,
        b"error" => 3,
        b"warn" => 4,
        _ => NAMES.iter().position(|known| known.as_bytes() == name)?,
    };
    i64::try_from(code).ok()
}
