//! Checks a pattern of `[log_filter]` and says where in it the mistake is.
//!
//! Patterns are the `regex` crate's: linear in the input whatever the pattern, hence without
//! look-around and backreferences. Python's `(?P<name>…)` works as it is.

use std::ops::Range;

use datashark_sdk::conf::Problem;
use regex_syntax::ast::{ErrorKind, Span};

/// The problem of a pattern, if there is one; `path` is its key's.
pub(super) fn check(path: [&str; 3], pattern: &str) -> Option<Problem> {
    let (message, help, span) = match regex_syntax::parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => {
            let span = bytes(error.span());
            let help = python_help(error.kind(), &pattern[span.start..]);
            (error.kind().to_string(), help, Some(span))
        }
        Err(regex_syntax::Error::Translate(error)) => {
            (error.kind().to_string(), None, Some(bytes(error.span())))
        }
        Err(error) => (error.to_string(), None, None),
        // What is left to go wrong is its size.
        Ok(_) => {
            regex::Regex::new(pattern).err()?;
            (
                "too large once it is compiled".to_owned(),
                Some("ask for fewer repetitions"),
                None,
            )
        }
    };
    let mut problem = Problem::at(path, format!("invalid regex: {message}"));
    problem.help = help.map(str::to_owned);
    problem.span = span;
    Some(problem)
}

fn bytes(span: &Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

/// What to write instead of something that only Python's regexes have.
fn python_help(kind: &ErrorKind, rest: &str) -> Option<&'static str> {
    match kind {
        ErrorKind::UnsupportedLookAround => Some(
            "Python has it, but it is not supported here, where no record may make a pattern \
             slow; write a negative look-ahead as a pattern of its own in `[[exclude]]`",
        ),
        ErrorKind::UnsupportedBackreference => Some(
            "Python has them, but they are not supported here, where no record may make a \
             pattern slow",
        ),
        ErrorKind::EscapeUnrecognized if rest.starts_with("\\Z") => {
            Some("Python's `\\Z` is written `\\z` here")
        }
        ErrorKind::FlagUnrecognized
        | ErrorKind::GroupNameInvalid
        | ErrorKind::RepetitionMissing => {
            Some("Python's `(?P=name)`, `(?(1)a|b)`, `(?>…)` and `(?#…)` are not supported here")
        }
        _ => None,
    }
}
