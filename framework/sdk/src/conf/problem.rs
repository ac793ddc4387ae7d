//! A mistake in a conf, and the list of all of them.

use std::fmt;
use std::ops::Range;

/// One mistake in a conf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, below its sections: `["out_csv", "path"]`. Empty for the conf as a whole.
    pub path: Vec<String>,
    /// What is wrong: ``unknown key `pth` ``.
    pub message: String,
    /// What was expected, or what to write instead.
    pub help: Option<String>,
    /// Bytes of the value that are to blame, where it is known (a position inside a regex);
    /// counted from the value's first byte behind an opening quote.
    pub span: Option<Range<usize>>,
    /// Whether the key is to blame and not its value: it is unknown, or not used.
    pub of_key: bool,
    /// Whether the run may go on: a note on an ignored key, not a mistake.
    pub warning: bool,
}

impl Problem {
    /// A mistake of the conf as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Problem::at::<String>([], message)
    }

    /// A mistake at a key, named below its sections: `Problem::at(["out_csv", "path"], …)`.
    pub fn at<S: Into<String>>(
        path: impl IntoIterator<Item = S>,
        message: impl Into<String>,
    ) -> Self {
        Problem {
            path: path.into_iter().map(Into::into).collect(),
            message: message.into(),
            help: None,
            span: None,
            of_key: false,
            warning: false,
        }
    }

    /// Adds what was expected, or what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Narrows it to bytes of the value, counted behind its opening quote.
    #[must_use]
    pub fn span(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// Blames the key and not its value.
    #[must_use]
    pub fn of_key(mut self) -> Self {
        self.of_key = true;
        self
    }

    /// Makes it a note that does not stop the run.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.warning = true;
        self
    }

    /// Puts the sections that it is in before its path.
    #[must_use]
    pub fn below<S: Into<String>>(mut self, sections: impl IntoIterator<Item = S>) -> Self {
        self.path.splice(0..0, sections.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        f.write_str(&self.message)
    }
}

/// All mistakes of a conf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// No mistake so far.
    pub fn new() -> Self {
        Problems::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether there is nothing to say, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them stops the run; warnings do not.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| !problem.warning)
    }

    /// All of them, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Puts the sections that they are in before their paths, where a section was checked alone.
    #[must_use]
    pub fn below<S: Into<String> + Clone>(self, sections: impl IntoIterator<Item = S>) -> Self {
        let sections: Vec<S> = sections.into_iter().collect();
        self.into_iter()
            .map(|problem| problem.below(sections.iter().cloned()))
            .collect()
    }

    /// `Ok` with the value where nothing stops the run.
    ///
    /// # Errors
    /// Itself, where one of them is more than a warning.
    pub fn or_ok<T>(self, value: T) -> Result<T, Problems> {
        if self.has_errors() {
            Err(self)
        } else {
            Ok(value)
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(iter: I) -> Self {
        Problems(iter.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Prefixes from this length on count as near: `elastic` for `elasticsearch`.
const PREFIX_CHARS_MIN: usize = 4;

/// The known name that was probably meant by `name`, if one is near enough.
///
/// Near is: the same but for case and `-` or `_`; at most a third of the letters wrong; or the
/// first four or more letters of it. The nearest wins, the first of equals.
pub fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    let name = plain(name);
    let near = known.into_iter().filter_map(|candidate| {
        let candidate = candidate.as_ref();
        Some((distance(&name, &plain(candidate))?, candidate))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' ', '.'], "_")
}

/// How far two plain names are apart; `None` is too far to suggest.
fn distance(name: &str, candidate: &str) -> Option<usize> {
    let n_chars = name.chars().count().max(candidate.chars().count());
    let edits = strsim::osa_distance(name, candidate);
    if edits <= (n_chars / 3).clamp(usize::from(n_chars > 1), 3) {
        return Some(edits);
    }
    let prefix = name.chars().count() >= PREFIX_CHARS_MIN && candidate.starts_with(name);
    // Behind every candidate that is near by its letters.
    prefix.then_some(n_chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_what_was_probably_meant() {
        let known = [
            "csv",
            "syslog",
            "elasticsearch",
            "log_filter",
            "window",
            "output",
        ];
        for (written, meant) in [
            ("elastic", "elasticsearch"),
            ("sysloh", "syslog"),
            ("CSV", "csv"),
            ("cvs", "csv"),
            ("logfilter", "log_filter"),
            ("log-filters", "log_filter"),
            ("windw", "window"),
            ("outptu", "output"),
        ] {
            assert_eq!(nearest(written, &known), Some(meant), "{written}");
        }
    }

    #[test]
    fn nearest_keeps_silent_where_nothing_is_near() {
        for written in ["", "x", "webhook", "apache_access_logs_pattern"] {
            assert_eq!(
                nearest(written, &["csv", "syslog", "window", "y"]),
                None,
                "{written}"
            );
        }
    }

    #[test]
    fn a_warning_does_not_stop_the_run_and_an_error_does() {
        let mut problems = Problems::from(Problem::new("note").warning());
        assert!(!problems.has_errors() && !problems.is_empty());
        assert_eq!(problems.clone().or_ok(1), Ok(1));
        problems.push(Problem::at(["a"], "wrong"));
        assert!(problems.has_errors());
    }

    #[test]
    fn problems_read_as_one_line_that_names_each_key() {
        let problems: Problems = [
            Problem::at(["path"], "missing key `path`"),
            Problem::at(["debug"], "expected `true` or `false`, found `x`"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            problems.below(["out_csv"]).to_string(),
            "out_csv.path: missing key `path`; \
             out_csv.debug: expected `true` or `false`, found `x`"
        );
    }
}
