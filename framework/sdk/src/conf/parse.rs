//! Reading a section into a type with every mistake in one go.
//!
//! serde stops at its first error. So the section is read again and again from a working copy: at
//! each error the problem is noted and the copy mended (a wrong or unknown key is taken out, a
//! missing one becomes a blank that reads as anything), until the type is content. The limits
//! below bound the rounds that a hostile conf can cost.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::de::{GUESSES, Kind, Mistake, Node};
use super::text::holds_comment;
use super::{Problem, Problems, Section, nearest};

/// More problems than this in one section are not looked for.
const PROBLEMS_MAX: usize = 100;

/// Reading is given up after this many rounds, blanks' guesses included.
const ROUNDS_MAX: usize = 1_000;

impl Section {
    /// Reads the section into a type.
    ///
    /// # Errors
    /// Every mistake that can be found: missing and unknown keys, values that are not what the
    /// type asks for.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        match self.parse_partial() {
            (Some(value), problems) if problems.is_empty() => Ok(value),
            (_, problems) => Err(problems),
        }
    }

    /// As [`parse`](Section::parse), but keeps what could be read, for going on checking.
    ///
    /// Where there are problems, the value holds made-up entries in place of the missing and the
    /// wrong ones: never run with it. It is `None` only with problems.
    pub fn parse_partial<T: DeserializeOwned>(&self) -> (Option<T>, Problems) {
        let mut rounds = Rounds {
            root: Node::from(self),
            problems: Problems::new(),
            reported: HashSet::new(),
        };
        for _ in 0..ROUNDS_MAX {
            match T::deserialize(&rounds.root) {
                Ok(value) => return (Some(value), rounds.problems),
                Err(mistake) => {
                    if !rounds.mend(mistake) {
                        break;
                    }
                }
            }
        }
        if rounds.problems.is_empty() {
            rounds
                .problems
                .push(Problem::new("the section could not be read"));
        }
        (None, rounds.problems)
    }
}

struct Rounds {
    root: Node,
    problems: Problems,
    /// Where a problem was noted; what else is wrong there follows from it.
    reported: HashSet<Vec<String>>,
}

impl Rounds {
    /// Notes the mistake and mends the copy; `false` where another round would not help.
    fn mend(&mut self, mistake: Mistake) -> bool {
        let mut path: Vec<String> = mistake.path.into_iter().rev().collect();
        let mended = match mistake.kind {
            Kind::Missing(key) => {
                path.push(key.to_owned());
                self.note(Problem::at(path.clone(), format!("missing key `{key}`")));
                fill(&mut self.root, &path)
            }
            Kind::Unknown { name, known } => {
                path.push(name);
                self.note(unknown_key(path.clone(), known));
                take(&mut self.root, &path)
            }
            Kind::Twice(key) => {
                path.push(key.to_owned());
                let message = format!("key `{key}` is written twice, under two names");
                self.note(Problem::at(path.clone(), message).of_key());
                take(&mut self.root, &path)
            }
            Kind::Variant { name, known } => {
                let problem = unknown_variant(path.clone(), &name, known);
                self.replace(path, problem)
            }
            Kind::Value(message) => {
                let problem = Problem::at(path.clone(), message);
                self.replace(path, problem)
            }
        };
        mended && self.problems.0.len() < PROBLEMS_MAX
    }

    /// Notes a wrong value and takes it out; a blank that was refused makes its next guess.
    fn replace(&mut self, path: Vec<String>, problem: Problem) -> bool {
        match find(&mut self.root, &path) {
            Some(Node::Blank(guess)) => {
                *guess += 1;
                return *guess < GUESSES.len();
            }
            Some(Node::Text(raw)) if holds_comment(raw) => {
                self.note(problem.help("a comment needs a line of its own"));
            }
            _ => self.note(problem),
        }
        take(&mut self.root, &path)
    }

    fn note(&mut self, problem: Problem) {
        let known = (1..=problem.path.len()).any(|n| self.reported.contains(&problem.path[..n]));
        if !known {
            self.reported.insert(problem.path.clone());
            self.problems.push(problem);
        }
    }
}

fn unknown_key(path: Vec<String>, known: &[&str]) -> Problem {
    let name = path.last().cloned().unwrap_or_default();
    let meant = nearest(&name, known).map(|key| format!(", did you mean `{key}`?"));
    let message = format!("unknown key `{name}`{}", meant.unwrap_or_default());
    let help = match known {
        [] => "no key is expected here".to_owned(),
        known => format!("the keys here are {}", names(known)),
    };
    Problem::at(path, message).help(help).of_key()
}

fn unknown_variant(path: Vec<String>, name: &str, known: &[&str]) -> Problem {
    let what = path.last().map_or("value", String::as_str);
    let meant = nearest(name, known).map(|variant| format!(", did you mean `{variant}`?"));
    let message = format!("unknown {what} `{name}`{}", meant.unwrap_or_default());
    Problem::at(path, message).help(format!("expected one of {}", names(known)))
}

fn names(known: &[&str]) -> String {
    known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn find<'a>(node: &'a mut Node, path: &[String]) -> Option<&'a mut Node> {
    path.iter().try_fold(node, |node, key| match node {
        Node::Section(entries) => entries
            .iter_mut()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node),
        _ => None,
    })
}

/// Takes a key out; `false` where it is not there.
fn take(root: &mut Node, path: &[String]) -> bool {
    let Some((key, sections)) = path.split_last() else {
        return false;
    };
    let Some(Node::Section(entries)) = find(root, sections) else {
        return false;
    };
    let n_before = entries.len();
    entries.retain(|(name, _)| name != key);
    entries.len() < n_before
}

/// Puts a blank at a key; `false` where there is a value, or no section to put it in.
fn fill(root: &mut Node, path: &[String]) -> bool {
    let Some((key, sections)) = path.split_last() else {
        return false;
    };
    let Some(parent) = find(root, sections) else {
        return false;
    };
    if let Node::Blank(_) = parent {
        *parent = Node::Section(Vec::new());
    }
    match parent {
        Node::Section(entries) if entries.iter().all(|(name, _)| name != key) => {
            entries.push((key.clone(), Node::Blank(0)));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU16;
    use std::time::Duration;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Batch,
        Streaming,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Name(String);

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct All {
        name: Name,
        kind: Kind,
        port: u16,
        ratio: f32,
        debug: bool,
        separator: char,
        #[serde(with = "crate::conf::duration")]
        window: Duration,
        #[serde(with = "crate::conf::size")]
        memory: u64,
        hosts: Vec<String>,
        pair: (i8, i8),
        workers: NonZeroU16,
        #[serde(default, with = "crate::conf::duration::option")]
        slide: Option<Duration>,
        title: Option<String>,
        options: Options,
        #[serde(default)]
        tables: BTreeMap<String, u8>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Options {
        host: String,
        timeout_ms: u32,
    }

    fn section() -> Section {
        let mut section = Section::from_iter([
            ("name", r#""a\"b # c""#),
            ("kind", "batch"),
            ("port", "514"),
            ("ratio", "-0.5"),
            ("debug", "YES"),
            ("separator", "','"),
            ("window", "1h30m"),
            ("memory", "1KiB"),
            ("hosts", "a, 'b,c', d"),
            ("pair", "1, -2"),
            ("workers", "2"),
            ("title", ""),
        ]);
        section.insert(
            "options",
            Section::from_iter([("host", "h"), ("timeout_ms", "'7'")]),
        );
        section.insert("tables", Section::from_iter([("t", "1")]));
        section
    }

    fn lines<T: DeserializeOwned + std::fmt::Debug>(section: &Section) -> Vec<String> {
        section
            .parse::<T>()
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn nothing_is_no_variant() {
        let mut section = section();
        section.insert("kind", "");
        assert_eq!(lines::<All>(&section), ["kind: unknown kind ``"]);
    }

    #[test]
    fn every_type_reads_its_text() {
        let all: All = section().parse().unwrap();
        let expected = All {
            name: Name(r#"a\"b # c"#.into()),
            kind: Kind::Batch,
            port: 514,
            ratio: -0.5,
            debug: true,
            separator: ',',
            window: Duration::from_secs(5400),
            memory: 1024,
            hosts: vec!["a".into(), "b,c".into(), "d".into()],
            pair: (1, -2),
            workers: NonZeroU16::new(2).unwrap(),
            slide: None,
            title: None,
            options: Options {
                host: "h".into(),
                timeout_ms: 7,
            },
            tables: BTreeMap::from([("t".into(), 1)]),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn every_wrong_value_is_reported_in_one_go() {
        let mut wrong = section();
        for (key, value) in [
            ("kind", "bach"),
            ("port", "70000"),
            ("ratio", "inf"),
            ("debug", "maybe"),
            ("separator", "';;'"),
            ("window", "5 minutes"),
            ("memory", "lots"),
            ("hosts", "a,,b"),
            ("pair", "1, 2, 3"),
            ("workers", "0"),
            ("slide", "60"),
            ("windw", "5m"),
        ] {
            wrong.insert(key, value);
        }
        wrong.insert("options", Section::from_iter([("hosts", "h")]));
        wrong.insert(
            "tables",
            Section::from_iter([("a", "1"), ("b", "x"), ("c", "256")]),
        );
        assert_eq!(
            lines::<All>(&wrong),
            [
                "kind: unknown kind `bach`, did you mean `batch`?",
                "port: expected a whole number from 0 to 65535, found `70000`",
                "ratio: expected a number, found `inf`",
                "debug: expected `true` or `false`, found `maybe`",
                "separator: expected one character, or `\\t` for a tab, found `;;`",
                "window: expected a duration such as `60s`, `5m` or `1h30m`, found `5 minutes`",
                "memory: expected a size such as `64MB`, `1GiB` or `4096` (bytes), found `lots`",
                "hosts: an item of the list is empty",
                "pair: expected a list of 2, found 3 items",
                "workers: expected a nonzero u16, found integer `0`",
                "options.hosts: unknown key `hosts`, did you mean `host`?",
                "options.host: missing key `host`",
                "options.timeout_ms: missing key `timeout_ms`",
                "tables.b: expected a whole number from 0 to 255, found `x`",
                "tables.c: expected a whole number from 0 to 255, found `256`",
                "slide: expected a duration such as `60s`, `5m` or `1h30m`, found `60`",
                "windw: unknown key `windw`, did you mean `window`?",
            ]
        );
    }

    #[test]
    fn every_missing_key_is_reported_once_and_nothing_that_follows_from_it() {
        let missing = lines::<All>(&Section::new());
        let expected = [
            "name",
            "kind",
            "port",
            "ratio",
            "debug",
            "separator",
            "window",
            "memory",
            "hosts",
            "pair",
            "workers",
            "options",
        ]
        .map(|key| format!("{key}: missing key `{key}`"));
        assert_eq!(missing, expected);
    }

    #[test]
    fn a_section_where_a_value_belongs_is_reported_and_the_other_way_round() {
        let mut swapped = section();
        swapped.insert("port", Section::new());
        swapped.insert("hosts", Section::new());
        swapped.insert("options", "x");
        assert_eq!(
            lines::<All>(&swapped),
            [
                "port: expected a value, found a section",
                "hosts: expected a list, found a section",
                "options: expected a section, found `x`",
            ]
        );
    }

    #[test]
    fn a_comment_behind_a_value_is_hinted_at() {
        let mut commented = section();
        commented.insert("port", "514 # the default");
        let problems = commented.parse::<All>().unwrap_err();
        assert_eq!(
            problems.0[0].help.as_deref(),
            Some("a comment needs a line of its own")
        );
    }

    #[test]
    fn what_could_be_read_is_kept_beside_the_problems() {
        let mut wrong = section();
        wrong.insert("port", "x");
        wrong.remove("name");
        let (all, problems) = wrong.parse_partial::<All>();
        assert_eq!(
            (problems.0.len(), all.map(|all| all.memory)),
            (2, Some(1024))
        );
    }

    #[test]
    fn a_flattened_rest_takes_the_keys_that_are_not_the_types_own() {
        #[derive(Deserialize)]
        struct Outer {
            port: u16,
            #[serde(flatten)]
            rest: BTreeMap<String, String>,
        }
        let outer: Outer = Section::from_iter([("a", "'1'"), ("port", "7")])
            .parse()
            .unwrap();
        assert_eq!(
            (outer.port, outer.rest),
            (7, BTreeMap::from([("a".into(), "1".into())]))
        );
    }

    #[test]
    fn a_type_that_refuses_as_a_whole_ends_the_search() {
        #[derive(Deserialize, Debug)]
        #[serde(try_from = "Options")]
        struct Never;
        impl TryFrom<Options> for Never {
            type Error = String;
            fn try_from(_: Options) -> Result<Self, String> {
                Err("never".into())
            }
        }
        let section = Section::from_iter([("host", "h"), ("timeout_ms", "1")]);
        assert_eq!(lines::<Never>(&section), ["never"]);
    }

    #[test]
    fn a_flood_of_unknown_keys_is_cut_off() {
        let flood: Section = (0..500).map(|i| (format!("key{i}"), "1")).collect();
        let n_problems = flood.parse::<Options>().unwrap_err().0.len();
        assert_eq!(n_problems, PROBLEMS_MAX);
    }
}
