//! How object stores and HDFS are reached: the settings of `[engine] [[object_store]]`, which the
//! engine hands to inputs and outputs.
//!
//! Here they are names and values alone; which names there are, and what they mean, is known to the
//! crate `datashark-store`.

use std::collections::BTreeMap;

use crate::conf::{Problem, Problems, Secret, Section, Value};

/// Settings by their names: `aws_region`, `allow_http`, or Hadoop's own such as `dfs.nameservices`.
pub type StoreSettings = BTreeMap<String, Secret>;

/// The settings of all object stores.
///
/// ```
/// use datashark_sdk::Stores;
/// use datashark_sdk::conf::Section;
///
/// let mut section = Section::from_iter([("AWS_Region", "eu-central-1")]);
/// section.insert("s3://logs", Section::from_iter([("aws_region", "us-east-1")]));
/// let (stores, problems) = Stores::from_section(&section);
/// assert!(problems.is_empty());
/// let region = |url| stores.settings(url)["aws_region"].reveal().to_owned();
/// assert_eq!(region("s3://logs/a.gz"), "us-east-1");
/// assert_eq!(region("s3://logs-of-2016/a.gz"), "eu-central-1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stores {
    common: StoreSettings,
    /// By how a url begins.
    sections: BTreeMap<String, StoreSettings>,
    name_node: Option<String>,
}

impl Stores {
    /// Reads a section: settings of all stores, and subsections such as `s3://bucket` for the urls
    /// that begin so. The names are case-insensitive, but for those with a dot, which are Hadoop's.
    ///
    /// With problems, what they are about is left out.
    pub fn from_section(section: &Section) -> (Self, Problems) {
        let (mut stores, mut problems) = (Stores::default(), Problems::new());
        let is_text = |(_, value): &(&str, &Value)| matches!(value, Value::Text(_));
        let texts = section.iter().filter(is_text);
        let common = Section::from_iter(texts.map(|(key, value)| (key, value.clone())));
        stores.common = settings(&common, &mut problems);
        for (prefix, section) in section.sections() {
            if !prefix.contains("://") {
                let message = format!("expected how a url begins, found `{prefix}`");
                let help = "as `[[[s3://bucket]]]` or `[[[hdfs://namenode:8020]]]`";
                problems.push(Problem::at([prefix], message).help(help).of_key());
                continue;
            }
            let mut found = Problems::new();
            let own = settings(section, &mut found);
            problems.extend(found.below([prefix]));
            stores.sections.insert(prefix.to_owned(), own);
        }
        (stores, problems)
    }

    /// Sets the name node, `host` or `host:port`, of `hdfs:///path`.
    #[must_use]
    pub fn with_name_node(mut self, name_node: Option<String>) -> Self {
        self.name_node = name_node;
        self
    }

    /// The name node of `hdfs:///path`, where the conf says one.
    pub fn name_node(&self) -> Option<&str> {
        self.name_node.as_deref()
    }

    /// The settings for a url: those of all stores, over which go those of the subsections that it
    /// begins with, the longest last.
    pub fn settings(&self, url: &str) -> StoreSettings {
        let mut settings = self.common.clone();
        // In the order of their texts a beginning comes before what it begins.
        for (prefix, own) in &self.sections {
            if begins(url, prefix) {
                settings.extend(own.clone());
            }
        }
        settings
    }

    /// The settings of all stores.
    pub fn common(&self) -> &StoreSettings {
        &self.common
    }

    /// The subsections: how a url begins, and the settings of those that do.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &StoreSettings)> {
        self.sections
            .iter()
            .map(|(prefix, settings)| (prefix.as_str(), settings))
    }
}

fn settings(section: &Section, problems: &mut Problems) -> StoreSettings {
    let (settings, found) = section.parse_partial::<StoreSettings>();
    problems.extend(found);
    let settings = settings.unwrap_or_default().into_iter();
    settings
        .map(|(name, value)| match name.contains('.') {
            true => (name, value),
            false => (name.to_lowercase(), value),
        })
        .collect()
}

/// Whether a url begins with this, up to the end of a bucket's or a folder's name.
fn begins(url: &str, prefix: &str) -> bool {
    let rest = url.strip_prefix(prefix);
    rest.is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_the_environment_and_a_missing_one_is_named() {
        let section = Section::from_iter([
            ("aws_secret_access_key", "${env:CARGO_MANIFEST_DIR}"),
            ("aws_access_key_id", "${env:NO_SUCH_VARIABLE_HERE}"),
        ]);
        let (stores, problems) = Stores::from_section(&section);
        let secret = stores.common()["aws_secret_access_key"].reveal().to_owned();
        assert_eq!(secret, std::env::var("CARGO_MANIFEST_DIR").unwrap());
        let problems: Vec<_> = problems.iter().collect();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, ["aws_access_key_id"]);
    }

    #[test]
    fn a_subsection_is_how_a_url_begins() {
        let mut section = Section::new();
        section.insert("bucket", Section::new());
        let (_, problems) = Stores::from_section(&section);
        assert_eq!(
            problems.to_string(),
            "bucket: expected how a url begins, found `bucket`"
        );
    }

    #[test]
    fn the_longest_beginning_wins() {
        let mut section = Section::from_iter([("timeout", "1s")]);
        for (prefix, timeout) in [("s3://b/deep", "3s"), ("s3://b", "2s")] {
            section.insert(prefix, Section::from_iter([("timeout", timeout)]));
        }
        let (stores, _) = Stores::from_section(&section);
        let timeout = |url| stores.settings(url)["timeout"].reveal().to_owned();
        assert_eq!(timeout("s3://b/deep/er.log"), "3s");
        assert_eq!(timeout("s3://b/deeper.log"), "2s");
        assert_eq!(timeout("s3://c"), "1s");
    }
}
