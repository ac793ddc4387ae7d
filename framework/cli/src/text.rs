//! How things are shown: diagnostics, times, numbers.

use std::error::Error;
use std::io::{IsTerminal, Write};

use chrono::{DateTime, Local};
use datashark_conf::{Diagnostics, Style};
use datashark_sdk::input::Micros;

use crate::logs::said_as_json;

/// Columns of a display whose width is not known.
const N_COLUMNS: usize = 100;

/// Diagnostics as the user's standard error shows them.
pub(crate) fn render(diagnostics: &Diagnostics) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let style = match (
        std::io::stderr().is_terminal(),
        std::env::var_os("NO_COLOR"),
    ) {
        (false, _) => Style::Plain,
        (true, Some(_)) => Style::Unicode,
        (true, None) => Style::Fancy,
    };
    diagnostics.render(style, N_COLUMNS)
}

/// Says something on standard error. Unlike `eprintln!` it does not panic where nobody reads that
/// any more: a run goes on.
pub(crate) fn say(text: &str) {
    let text = text.trim_end_matches('\n');
    if !text.is_empty() && !said_as_json(text) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

/// An error and all that it comes of.
pub(crate) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

/// An error and all that it comes of, in a line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<String> = sources(error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// A time as the predecessor wrote it: local, to the second.
pub(crate) fn local_time(time: Micros) -> String {
    match DateTime::from_timestamp_micros(time) {
        Some(time) => time
            .with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string(),
        None => format!("{time} us"),
    }
}

/// A count with its thousands apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1384), "1,384");
        assert_eq!(counted(1_000_000, "record"), "1,000,000 records");
        assert_eq!(counted(1, "window"), "1 window");
    }
}
