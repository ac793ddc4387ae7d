//! Apache Spot's own `spot.conf`: lines of a shell, `KEY='value'`, of which the keys that the analysis
//! uses are read.
//!
//! Nothing is run: a value is text in which `${KEY}` and `$KEY` stand for what an earlier line, or
//! whoever reads the file, has given that key. A line that is no assignment is left out.

/// The keys of a `spot.conf`, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpotConf {
    entries: Vec<(String, String)>,
}

impl SpotConf {
    /// Reads a file's text. What is `given` is there before the first line: Spot's scripts set `YR`,
    /// `MH`, `DY`, `FDATE` and `DSOURCE`.
    pub fn parse(text: &str, given: &[(&str, &str)]) -> Self {
        let given = given
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        let mut conf = SpotConf {
            entries: given.collect(),
        };
        for line in text.lines() {
            if let Some((key, value)) = conf.assignment(line) {
                conf.entries.push((key, value));
            }
        }
        conf
    }

    /// The value that a key has at the end of the file, unless it is empty: an empty setting is the
    /// default.
    pub fn get(&self, key: &str) -> Option<&str> {
        let value = self.value(key)?.trim();
        (!value.is_empty()).then_some(value)
    }

    fn value(&self, key: &str) -> Option<&str> {
        let mut entries = self.entries.iter().rev();
        let (_, value) = entries.find(|(name, _)| name == key)?;
        Some(value)
    }

    fn assignment(&self, line: &str) -> Option<(String, String)> {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(is_name) {
            return None;
        }
        let value = match value.chars().next() {
            Some('\'') => value[1..].split('\'').next().unwrap_or_default().to_owned(),
            Some('"') => self.filled(value[1..].split('"').next().unwrap_or_default()),
            _ => self.filled(bare(value)),
        };
        Some((key.to_owned(), value))
    }

    /// A value with its keys replaced by what they stand for.
    fn filled(&self, value: &str) -> String {
        let mut filled = String::new();
        let mut rest = value;
        while let Some((before, behind)) = rest.split_once('$') {
            filled.push_str(before);
            let in_braces = behind.strip_prefix('{').and_then(|key| key.split_once('}'));
            let (key, behind) = in_braces.unwrap_or_else(|| {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                behind.split_at(behind.find(|c| !is_name(c)).unwrap_or(behind.len()))
            });
            filled.push_str(self.value(key).unwrap_or_default());
            rest = behind;
        }
        filled + rest
    }
}

/// A value without quotes: up to a blank or a comment.
fn bare(value: &str) -> &str {
    value.split([' ', '\t', ';']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHIPPED: &str = "\
# node configuration
UINODE='node03'
HUSER='/user/spot'
DSOURCES=\"flow dns\"

FLOW_PATH=${HUSER}/${DSOURCE}/hive/y=${YR}/m=${MH}/d=${DY}/
HPATH=${HUSER}/${DSOURCE}/scored_results/${FDATE}
USER_DOMAIN=''
TOL='1e-6'
TOPIC_COUNT=20   # topics
LDA_ALPHA=''
export DUPFACTOR=$TOPIC_COUNT'
nonsense
";

    #[test]
    fn the_shipped_file_is_read_as_a_shell_reads_it() {
        let given = [
            ("YR", "2016"),
            ("MH", "05"),
            ("DY", "08"),
            ("FDATE", "20160508"),
            ("DSOURCE", "flow"),
        ];
        let conf = SpotConf::parse(SHIPPED, &given);
        assert_eq!(
            conf.get("FLOW_PATH"),
            Some("/user/spot/flow/hive/y=2016/m=05/d=08/")
        );
        assert_eq!(
            conf.get("HPATH"),
            Some("/user/spot/flow/scored_results/20160508")
        );
        assert_eq!(conf.get("TOL"), Some("1e-6"));
        assert_eq!(conf.get("TOPIC_COUNT"), Some("20"));
        assert_eq!(conf.get("DSOURCES"), Some("flow dns"));
        assert_eq!(conf.get("USER_DOMAIN"), None);
        assert_eq!(conf.get("LDA_ALPHA"), None);
        assert_eq!(conf.get("NO_SUCH"), None);
    }

    #[test]
    fn nothing_is_run() {
        let conf = SpotConf::parse("A=$(touch x)\nB=`id`\nC='${A}'", &[]);
        assert_eq!(conf.get("A"), Some("(touch"));
        assert_eq!(conf.get("B"), Some("`id`"));
        assert_eq!(conf.get("C"), Some("${A}"));
    }

    proptest! {
        #[test]
        fn no_text_ends_it(text in "[A-C=${}'\" \n]{0,60}") {
            SpotConf::parse(&text, &[("A", "x")]);
        }
    }
}
