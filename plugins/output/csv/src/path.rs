//! The path of a conf, in which `~/` and `{date}` stand for something; pure but for the listing of
//! the files that a pattern has already.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

/// What stands for the day of the findings.
pub(crate) const DATE: &str = "{date}";

/// A path that may hold `{date}`.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern {
    /// The home folder is filled in.
    pattern: String,
}

impl PathPattern {
    /// What is wrong with a path.
    pub(crate) fn problem(path: &str) -> Option<String> {
        if path.is_empty() {
            return Some("the path is empty".into());
        }
        if path.ends_with('/') && !datashark_store::is_url(path) {
            return Some(format!(
                "expected the path of a file, found the folder `{path}`"
            ));
        }
        if let Some(wildcard) = path.chars().find(|c| ['*', '?', '['].contains(c)) {
            return Some(format!(
                "expected the path of one file, found the wildcard `{wildcard}` in `{path}`"
            ));
        }
        let rest = path.replace(DATE, "");
        let start = rest.find('{')?;
        let end = rest[start..].find('}')?;
        let found = &rest[start..=start + end];
        Some(format!(
            "unknown placeholder `{found}`: only `{DATE}` is known"
        ))
    }

    pub(crate) fn new(path: &str) -> Self {
        let home = path.strip_prefix("~/").zip(std::env::home_dir());
        let pattern = home.map(|(rest, home)| home.join(rest).to_string_lossy().into_owned());
        PathPattern {
            pattern: pattern.unwrap_or_else(|| path.to_owned()),
        }
    }

    /// Whether there is a file for each day.
    pub(crate) fn is_dated(&self) -> bool {
        self.pattern.contains(DATE)
    }

    /// The path with its `{date}` as it stands.
    pub(crate) fn as_written(&self) -> PathBuf {
        PathBuf::from(&self.pattern)
    }

    /// The path for a day.
    pub(crate) fn on(&self, day: NaiveDate) -> PathBuf {
        PathBuf::from(self.pattern.replace(DATE, &day.to_string()))
    }

    /// The day that an absolute path of this pattern is for.
    pub(crate) fn day_of(&self, path: &str) -> Option<NaiveDate> {
        let pattern = std::path::absolute(&self.pattern).ok()?;
        let pattern = pattern.to_string_lossy();
        let day = day_behind(pattern.split_once(DATE)?.0, path)?;
        (pattern.replace(DATE, &day.to_string()) == path).then_some(day)
    }

    /// The files there are, each with its day; one without a `{date}` is of the
    /// first day there is.
    pub(crate) fn existing(&self) -> Vec<(NaiveDate, PathBuf)> {
        let Some((before, _)) = self.pattern.split_once(DATE) else {
            let path = self.as_written();
            return if path.exists() {
                vec![(NaiveDate::MIN, path)]
            } else {
                Vec::new()
            };
        };
        // The folder of the first component with a date in it, and how that component begins.
        let (folder, prefix) = before
            .rsplit_once('/')
            .map_or((".", before), |(folder, prefix)| {
                (if folder.is_empty() { "/" } else { folder }, prefix)
            });
        let Ok(entries) = Path::new(folder).read_dir() else {
            return Vec::new();
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut days: Vec<NaiveDate> = names.filter_map(|name| day_behind(prefix, &name)).collect();
        days.sort_unstable();
        days.dedup();
        let paths = days.into_iter().map(|day| (day, self.on(day)));
        paths.filter(|(_, path)| path.exists()).collect()
    }
}

/// The day that a name has behind a prefix: `web-2016-10-14.csv`.
pub(crate) fn day_behind(prefix: &str, name: &str) -> Option<NaiveDate> {
    let day = name.strip_prefix(prefix)?.get(.."2016-10-14".len())?;
    // Only as it is written; `NaiveDate` would take 2016-1-1 too.
    day.parse()
        .ok()
        .filter(|date: &NaiveDate| date.to_string() == day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn home_and_date_are_filled_in() {
        let home = std::env::home_dir().unwrap();
        let path = PathPattern::new("~/{date}/web-{date}.csv").on(day("2016-10-14"));
        assert_eq!(path, home.join("2016-10-14/web-2016-10-14.csv"));
        assert_eq!(PathPattern::new("a~/b").as_written(), Path::new("a~/b"));
    }

    #[test]
    fn only_files_of_the_pattern_exist_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "2016-10-14.csv",
            "2016-10-13.csv",
            "2016-10-15.csv.unacknowledged",
            "x.csv",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let pattern = PathPattern::new(&format!("{}/{{date}}.csv", folder.path().display()));
        let days: Vec<NaiveDate> = pattern.existing().into_iter().map(|(day, _)| day).collect();
        assert_eq!(days, [day("2016-10-13"), day("2016-10-14")]);
    }

    #[test]
    fn a_dated_folder_is_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("of-2016-10-14")).unwrap();
        std::fs::write(folder.path().join("of-2016-10-14/web.csv"), "").unwrap();
        let pattern = PathPattern::new(&format!("{}/of-{{date}}/web.csv", folder.path().display()));
        assert_eq!(pattern.existing().len(), 1);
    }

    #[test]
    fn a_folder_is_no_path_for_a_file() {
        assert!(PathPattern::problem("/tmp/").is_some());
        assert_eq!(PathPattern::problem("/tmp/{date}/x{y.csv"), None);
    }
}
