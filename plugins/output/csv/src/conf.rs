//! The section `[out_csv]` as the user writes it, and what types cannot check.

use datashark_sdk::conf::{Problem, Problems};
use datashark_store::Target;
use serde::Deserialize;

use crate::path::{DATE, PathPattern};

/// The section `[out_csv]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvConf {
    /// The file; `~/` is the home folder, `{date}` the day of the findings. Relative to the current
    /// directory.
    pub path: String,
    /// Between two values; ASCII.
    pub separator: char,
    /// Around a value that holds a separator, a quote or a line end; ASCII.
    pub quote_char: char,
    /// Whether a new or empty file starts with the names of the columns.
    pub header: bool,
    /// Whether a text that a spreadsheet would take for a formula gets a `'` before it.
    pub spreadsheet_safe: bool,
    /// Not used.
    pub title: String,
    /// Not used.
    pub debug: bool,
}

impl Default for CsvConf {
    fn default() -> Self {
        CsvConf {
            path: "UseCase.csv".into(),
            separator: ',',
            quote_char: '"',
            header: false,
            spreadsheet_safe: false,
            title: "Use Case".into(),
            debug: false,
        }
    }
}

impl CsvConf {
    /// Every mistake that the types let pass.
    pub(crate) fn problems(&self) -> Problems {
        let characters = [
            ("separator", self.separator),
            ("quote_char", self.quote_char),
        ];
        let mut problems: Problems = characters.into_iter().filter_map(character).collect();
        if self.separator == self.quote_char {
            let message = format!(
                "expected another character than the separator `{}`",
                self.separator
            );
            problems.push(Problem::at(["quote_char"], message));
        }
        problems.extend(self.path_problem());
        problems
    }

    fn path_problem(&self) -> Option<Problem> {
        if let Some(message) = PathPattern::problem(&self.path) {
            let help = "a path, as `/var/log/findings-{date}.csv`";
            return Some(Problem::at(["path"], message).help(help));
        }
        let url = self.path.replace(DATE, "");
        let error = datashark_store::is_url(&url).then(|| Target::check(&url));
        Some(error?.err()?.at("path"))
    }
}

fn character((key, found): (&str, char)) -> Option<Problem> {
    let usable = found == '\t' || found == ' ' || found.is_ascii_graphic();
    let message = format!("expected one printable ASCII character or a tab, found {found:?}");
    (!usable).then(|| Problem::at([key], message))
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;
    use datashark_sdk::output::OutputEntry;

    use crate::Csv;

    fn problems(entries: &[(&str, &str)]) -> Vec<String> {
        let section = Section::from_iter(entries.iter().copied());
        let problems = OutputEntry::of::<Csv>().check(&section);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_section_that_datashark_1_2_shipped_is_right() {
        let shipped = [
            ("path", "/tmp/UseCase-web_anomaly.csv"),
            ("separator", "','"),
            ("quote_char", "'\"'"),
            ("title", "Use Case"),
            ("debug", "false"),
        ];
        assert_eq!(problems(&shipped), [] as [&str; 0]);
        assert_eq!(problems(&[]), [] as [&str; 0]);
        assert_eq!(problems(&[("separator", r"'\t'")]), [] as [&str; 0]);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let found = problems(&[("separator", "é"), ("quote_char", "'é'"), ("path", "''")]);
        assert_eq!(
            found,
            [
                "separator: expected one printable ASCII character or a tab, found 'é'",
                "quote_char: expected one printable ASCII character or a tab, found 'é'",
                "quote_char: expected another character than the separator `é`",
                "path: the path is empty",
            ]
        );
    }

    #[test]
    fn a_url_that_cannot_be_written_to_is_refused() {
        for right in ["s3://b/f/{date}.csv", "hdfs:///f.csv", "gs://b/f/"] {
            assert_eq!(problems(&[("path", right)]), [] as [&str; 0]);
        }
        assert_eq!(
            problems(&[("path", "hfds://h/f.csv")]),
            ["path: unknown scheme `hfds://`, did you mean `hdfs://`?"]
        );
        assert_eq!(
            problems(&[("path", "https://h/f.csv")]),
            ["path: `https://h/f.csv` is a web server, which takes no files"]
        );
        assert_eq!(
            problems(&[("path", "s3:///f.csv")]),
            ["path: `s3:///f.csv` names no bucket"]
        );
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_nearest_right_one() {
        assert_eq!(
            problems(&[("seperator", ";")]),
            ["seperator: unknown key `seperator`, did you mean `separator`?"]
        );
    }

    #[test]
    fn a_pattern_is_no_path_to_write_to() {
        for (path, wildcard) in [
            ("/tmp/*.csv", '*'),
            ("s3://b/found-?.csv", '?'),
            ("found/[ab]/{date}.csv", '['),
        ] {
            let expected = format!(
                "path: expected the path of one file, found the wildcard `{wildcard}` in `{path}`"
            );
            assert_eq!(problems(&[("path", path)]), [expected]);
        }
    }

    #[test]
    fn a_placeholder_other_than_date_is_refused() {
        assert_eq!(
            problems(&[("path", "/tmp/{day}.csv")]),
            ["path: unknown placeholder `{day}`: only `{date}` is known"]
        );
    }
}
