//! The use case's own keys of a conf, as the user writes them, and what types cannot check.

use std::ops::RangeInclusive;

use datashark_sdk::conf::{Problem, Problems};
use regex::Regex;
use serde::Deserialize;

use crate::Features;

/// The groups that the pattern must have.
const GROUPS: [&str; 2] = ["source", "response_code"];
const PATTERN: &str = "apache_access_logs_pattern";

/// The use case's own keys of a conf.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// Matches a line from its start; has the groups `source` and `response_code`.
    pub apache_access_logs_pattern: String,
    /// Centres of normal behaviour.
    #[serde(default = "Conf::default_clusters")]
    pub clusters: usize,
    /// What a source is compared by.
    #[serde(default)]
    pub features: Features,
    /// Seed of the random starts.
    #[serde(default)]
    pub seed: u64,
    /// Random starts, of which the best is kept.
    #[serde(default = "Conf::default_starts")]
    pub starts: usize,
    /// Rounds of a start at most.
    #[serde(default = "Conf::default_max_iterations")]
    pub max_iterations: u64,
    /// A start is near its end when its centres move less than this in a round.
    #[serde(default = "Conf::default_tolerance")]
    pub tolerance: f64,
}

impl Conf {
    /// All defaults, with this pattern.
    pub fn with_pattern(pattern: impl Into<String>) -> Self {
        Conf {
            apache_access_logs_pattern: pattern.into(),
            clusters: Conf::default_clusters(),
            features: Features::default(),
            seed: 0,
            starts: Conf::default_starts(),
            max_iterations: Conf::default_max_iterations(),
            tolerance: Conf::default_tolerance(),
        }
    }

    fn default_clusters() -> usize {
        2
    }

    fn default_starts() -> usize {
        10
    }

    fn default_max_iterations() -> u64 {
        300
    }

    fn default_tolerance() -> f64 {
        1e-4
    }

    /// Every mistake that the types let pass.
    pub fn problems(&self) -> Problems {
        let in_range = [
            out_of_range("clusters", self.clusters as u64, 1..=1000),
            out_of_range("starts", self.starts as u64, 1..=1000),
            out_of_range("max_iterations", self.max_iterations, 1..=100_000),
        ];
        let tolerance = (self.tolerance <= 0.0).then(|| {
            let found = format!("expected a number above 0, found `{}`", self.tolerance);
            Problem::at(["tolerance"], found)
        });
        let numbers = in_range.into_iter().flatten().chain(tolerance);
        pattern_problem(&self.apache_access_logs_pattern)
            .into_iter()
            .chain(numbers)
            .collect()
    }
}

fn out_of_range(key: &str, found: u64, range: RangeInclusive<u64>) -> Option<Problem> {
    let (least, most) = (range.start(), range.end());
    let message = format!("expected a whole number from {least} to {most}, found `{found}`");
    (!range.contains(&found)).then(|| Problem::at([key], message))
}

fn pattern_problem(pattern: &str) -> Option<Problem> {
    let regex = match Regex::new(pattern) {
        Ok(regex) => regex,
        Err(error) => return Some(Problem::at([PATTERN], format!("not a pattern: {error}"))),
    };
    let found: Vec<&str> = regex.capture_names().flatten().collect();
    let missing: Vec<String> = GROUPS
        .iter()
        .filter(|group| !found.contains(group))
        .map(|group| format!("`{group}`"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let known = if found.is_empty() {
        "no named group".into()
    } else {
        found.join(", ")
    };
    let plural = if missing.len() == 1 { "" } else { "s" };
    let missing = missing.join(" and ");
    let message = format!("the pattern lacks the group{plural} {missing}; it has {known}");
    let help = "write a group as `(?P<source>[^ ]+)`";
    Some(Problem::at([PATTERN], message).help(help))
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;

    use super::*;

    const PATTERN_OF_EPA: &str =
        r#"(?P<source>\S+) \[[0-9:]+\] \"(.*)\" (?P<response_code>\d{3}) (\S+)"#;

    fn problems(conf: &Conf) -> Vec<String> {
        conf.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_conf_with_a_pattern_alone_has_the_documented_defaults() {
        let quoted = format!("\"{PATTERN_OF_EPA}\"");
        let section = Section::from_iter([("apache_access_logs_pattern", quoted.as_str())]);
        let conf: Conf = section.parse().unwrap();
        assert_eq!(problems(&conf), [] as [&str; 0]);
        assert_eq!(conf.apache_access_logs_pattern, PATTERN_OF_EPA);
        let numbers = (conf.clusters, conf.seed, conf.starts, conf.max_iterations);
        assert_eq!(numbers, (2, 0, 10, 300));
        assert_eq!((conf.tolerance, conf.features), (1e-4, Features::Counts));
    }

    #[test]
    fn a_pattern_without_its_groups_names_the_key_and_the_groups() {
        assert_eq!(
            problems(&Conf::with_pattern(r"(?P<sourc>\S+) (?P<code>\d+)")),
            [
                "apache_access_logs_pattern: the pattern lacks the groups `source` and \
              `response_code`; it has sourc, code"
            ]
        );
        assert_eq!(
            problems(&Conf::with_pattern(r"(?P<source>\S+) (\d+)")),
            [
                "apache_access_logs_pattern: the pattern lacks the group `response_code`; \
              it has source"
            ]
        );
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let conf = Conf {
            clusters: 0,
            starts: 0,
            tolerance: 0.0,
            ..Conf::with_pattern("(?P<source>")
        };
        let problems = problems(&conf);
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].starts_with("apache_access_logs_pattern: not a pattern: "));
        assert_eq!(
            problems[1],
            "clusters: expected a whole number from 1 to 1000, found `0`"
        );
        assert_eq!(
            problems[3],
            "tolerance: expected a number above 0, found `0`"
        );
    }
}
