//! The name of the index that findings go to: a pattern with `{date}`, checked by the rules of the
//! servers.
//!
//! Nothing of a finding but the day of its window is ever put into a name.

use chrono::{DateTime, Datelike};
use datashark_sdk::input::Micros;

/// What a name of the conf may hold in place of the day.
const DATE: &str = "{date}";

/// What no index may have in its name (the create index API of Elasticsearch and OpenSearch; `:` since
/// Elasticsearch 7).
const FORBIDDEN: [char; 12] = ['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#', ':'];

/// The most bytes of an index's name.
const BYTES_MAX: usize = 255;

/// An index's name, with or without the day in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexName {
    pattern: String,
}

impl IndexName {
    /// Takes a name that a server would take.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn try_new(pattern: &str) -> Result<Self, String> {
        if let Some(placeholder) = unknown_placeholder(pattern) {
            return Err(format!(
                "unknown placeholder `{placeholder}`: only `{DATE}`, the day as 2016-10-14, is known"
            ));
        }
        let name = IndexName {
            pattern: pattern.to_owned(),
        };
        check(&name.on(0))?;
        Ok(name)
    }

    /// The name where the conf's is wrong and nothing is going to be written.
    pub(crate) fn fallback() -> Self {
        IndexName {
            pattern: "usecase".to_owned(),
        }
    }

    /// The index of findings with this time: `{date}` is its day in UTC.
    pub(crate) fn on(&self, time: Micros) -> String {
        let time = DateTime::from_timestamp_micros(time).unwrap_or_default();
        // A year that a hostile log made up keeps the name's form.
        let year = time.year().clamp(0, 9999);
        let day = format!("{year:04}-{:02}-{:02}", time.month(), time.day());
        self.pattern.replace(DATE, &day)
    }

    /// The pattern that matches the index of every day.
    pub(crate) fn wildcard(&self) -> String {
        self.pattern.replace(DATE, "*")
    }

    /// The name of the indices' template.
    pub(crate) fn template(&self) -> String {
        format!("datashark-{}", self.pattern.replace(DATE, "date"))
    }
}

fn unknown_placeholder(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        let length = rest[start..]
            .find('}')
            .map_or(rest.len() - start, |end| end + 1);
        let placeholder = &rest[start..start + length];
        if placeholder != DATE {
            return Some(placeholder);
        }
        rest = &rest[start + length..];
    }
    rest.find('}').map(|at| &rest[at..=at])
}

fn check(name: &str) -> Result<(), String> {
    if name.is_empty() || name == "." || name == ".." {
        return Err(format!("expected the name of an index, found `{name}`"));
    }
    if let Some(found) = name
        .chars()
        .find(|c| FORBIDDEN.contains(c) || c.is_control())
    {
        return Err(format!("an index's name cannot hold {found:?}"));
    }
    if let Some(found) = name.chars().next().filter(|c| ['-', '_', '+'].contains(c)) {
        return Err(format!("an index's name cannot begin with `{found}`"));
    }
    if name.to_lowercase() != name {
        return Err(format!(
            "an index's name is in lower case: `{}`",
            name.to_lowercase()
        ));
    }
    if name.len() > BYTES_MAX {
        return Err(format!(
            "an index's name has at most {BYTES_MAX} bytes, found {}",
            name.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_the_day_of_the_findings_in_utc() {
        let name = IndexName::try_new("web-{date}").unwrap();
        assert_eq!(name.on(1_476_489_599_999_999), "web-2016-10-14");
        assert_eq!(name.on(1_476_489_600_000_000), "web-2016-10-15");
        assert_eq!(name.wildcard(), "web-*");
        assert_eq!(name.template(), "datashark-web-date");
        assert_eq!(IndexName::try_new("usecase").unwrap().on(7), "usecase");
    }

    #[test]
    fn a_time_out_of_range_still_gives_a_name() {
        let name = IndexName::try_new("web-{date}").unwrap();
        for time in [
            i64::MIN,
            -62_200_000_000_000_000,
            253_500_000_000_000_000,
            i64::MAX,
        ] {
            check(&name.on(time)).unwrap();
        }
    }

    #[test]
    fn a_name_that_no_server_takes_is_refused_with_the_reason() {
        for (name, reason) in [
            ("", "expected the name of an index, found ``"),
            ("..", "expected the name of an index, found `..`"),
            ("a/b", "an index's name cannot hold '/'"),
            ("a b", "an index's name cannot hold ' '"),
            ("a,b", "an index's name cannot hold ','"),
            ("a#", "an index's name cannot hold '#'"),
            ("a\0", r"an index's name cannot hold '\0'"),
            ("_all", "an index's name cannot begin with `_`"),
            ("-x", "an index's name cannot begin with `-`"),
            (
                "Web-{date}",
                "an index's name is in lower case: `web-1970-01-01`",
            ),
            (
                "web-{@timestamp|yyyy}",
                "unknown placeholder `{@timestamp|yyyy}`: only `{date}`, the day as 2016-10-14, is known",
            ),
            (
                "web-{date",
                "unknown placeholder `{date`: only `{date}`, the day as 2016-10-14, is known",
            ),
        ] {
            assert_eq!(IndexName::try_new(name), Err(reason.to_owned()), "{name}");
        }
        assert!(IndexName::try_new(&"x".repeat(256)).is_err());
        assert!(IndexName::try_new("ünder_score-1.x").is_ok());
    }
}
