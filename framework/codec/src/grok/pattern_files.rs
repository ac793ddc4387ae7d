//! Files of named patterns, as Logstash has them: a line is a name, blanks, and its pattern.
//!
//! Lines that are empty or begin with `#` say nothing. Of two lines with one name the later counts, in
//! files in the order of their list. A pattern that is none is a mistake whether or not it is used.

use std::collections::BTreeMap;
use std::io;

use datashark_sdk::conf::{Problem, Problems};

use super::expand::expand;
use super::{GrokOptions, in_words};
use crate::regex;

/// The key that problems are reported at.
const KEY: &str = "patterns_file";

/// Reads a file that options name, as text.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// A pattern of a file.
struct Defined {
    pattern: String,
    /// `file:line`
    place: String,
}

impl GrokOptions {
    /// Takes over the patterns of `patterns_file`; those of `[[patterns]]` go before them.
    ///
    /// # Errors
    /// Every file that cannot be read; every line that is no pattern with its name.
    pub fn read_files(&mut self, read: ReadFile<'_>) -> Result<(), Problems> {
        let mut problems = Problems::new();
        let mut defined = BTreeMap::new();
        for file in std::mem::take(&mut self.patterns_file) {
            match read(&file) {
                Ok(text) => lines(&file, &text, &mut defined, &mut problems),
                Err(error) => {
                    problems.push(Problem::at([KEY], format!("cannot read `{file}`: {error}")));
                }
            }
        }
        for (name, Defined { pattern, .. }) in &defined {
            let own = self.patterns.entry(name.clone());
            own.or_insert_with(|| pattern.clone());
        }
        // Not before all are known: they may name each other.
        problems.extend(defined.values().filter_map(|defined| self.fault(defined)));
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// What is wrong with a pattern.
    fn fault(&self, defined: &Defined) -> Option<Problem> {
        let checked = expand(&defined.pattern, &self.patterns).and_then(|expanded| {
            let parsed = regex::parse(&expanded.regex);
            parsed.map_err(|error| in_words(error, &expanded))
        });
        let error = checked.err()?;
        let problem = Problem::at([KEY], format!("{}: {}", defined.place, error.message));
        Some(match error.help {
            Some(help) => problem.help(help),
            None => problem,
        })
    }
}

/// The patterns of a file's lines.
fn lines(file: &str, text: &str, defined: &mut BTreeMap<String, Defined>, problems: &mut Problems) {
    for (line_idx, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{file}:{}", line_idx + 1);
        match line.split_once(char::is_whitespace) {
            Some((name, pattern)) if !pattern.trim_start().is_empty() => {
                let pattern = pattern.trim_start().to_owned();
                defined.insert(name.to_owned(), Defined { pattern, place });
            }
            _ => {
                let message = format!(
                    "{place}: expected `NAME pattern`, found `{}`",
                    line.trim_end()
                );
                problems.push(Problem::at([KEY], message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The options with some files.
    fn with_files(files: &[(&str, &str)]) -> (GrokOptions, Result<(), Problems>) {
        let mut options = GrokOptions {
            pattern: String::new(),
            patterns: BTreeMap::from([("MINE".to_owned(), "mine".to_owned())]),
            patterns_file: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
        };
        let read = |name: &str| {
            let found = files
                .iter()
                .find(|(known, text)| *known == name && !text.is_empty());
            let found = found.map(|(_, text)| (*text).to_owned());
            found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        let read = options.read_files(&read);
        (options, read)
    }

    #[test]
    fn a_line_is_a_name_and_a_pattern_and_later_ones_count() {
        let first = "# tickets\n\nTICKET\t[A-Z]+-%{N}  \r\n  N   %{POSINT}\nMINE other\n";
        let (options, read) = with_files(&[("a", first), ("b", "N [0-9]# no comment\n")]);
        read.unwrap();
        let expected = [
            ("MINE", "mine"),
            ("N", "[0-9]# no comment"),
            ("TICKET", "[A-Z]+-%{N}  "),
        ];
        let found = options.patterns.iter();
        let found: Vec<_> = found
            .map(|(name, pattern)| (name.as_str(), pattern.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_mistake_is_told_with_its_file_and_line() {
        let text = "ALONE\nHOST %{IPP:host}\nOPEN (a\nAHEAD x(?=y)\nRING %{RING}\nRIGHT %{IP}\n";
        let (_, read) = with_files(&[("gone", ""), ("x/y.grok", text)]);
        let problems = read.unwrap_err();
        let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "patterns_file: cannot read `gone`: entity not found",
                "patterns_file: x/y.grok:1: expected `NAME pattern`, found `ALONE`",
                "patterns_file: x/y.grok:4: look-around, including look-ahead and look-behind, is not supported: `(?=`",
                "patterns_file: x/y.grok:2: there is no pattern `IPP`, did you mean `IP`?",
                "patterns_file: x/y.grok:3: unclosed group: `(`",
                "patterns_file: x/y.grok:5: the pattern `RING` holds itself",
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"([A-C#]|[ \t\r\n]|%\{[A-C]\}|[(\[*?)]){0,60}") {
            let (options, read) = with_files(&[("a", &text)]);
            let is_line = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
            if read.is_ok() && text.lines().any(is_line) {
                prop_assert!(options.patterns.len() > 1);
            }
        }
    }
}
