//! What a conf says of how a plugin runs: the keys that are ours in a section that is the plugin's.

use std::path::PathBuf;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Section, duration, size};
use serde::{Deserialize, Serialize};

/// The key that says where a plugin runs.
const ISOLATION: &str = "isolation";
/// The subsection that says what it may.
const SANDBOX: &str = "sandbox";

/// Where a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In a process of its own, whose end harms nobody.
    #[default]
    Process,
    /// In dataShark's own process: nothing stands between them.
    None,
}

/// What a plugin's process may.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// How long a call may take before the plugin counts as hanging; 30 s if not said.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// How often a window or a write is given again after a crash; 3 if not said.
    pub max_retries: u32,
    /// What the plugin may take of memory, beside what its process takes by itself; 1 GiB if not said.
    #[serde(with = "size")]
    pub memory: u64,
    /// How many processors it may use; 1 if not said, 0 is all.
    pub cpus: usize,
    /// Whether it may use the network.
    pub network: bool,
    /// Files and folders that it may read.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may read and write.
    pub write: Vec<PathBuf>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Sandbox {
            timeout: Duration::from_secs(30),
            max_retries: 3,
            memory: 1 << 30,
            cpus: 1,
            network: false,
            read: Vec::new(),
            write: Vec::new(),
        }
    }
}

/// How a plugin runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Where.
    pub isolation: Isolation,
    /// What it may there.
    pub sandbox: Sandbox,
}

#[derive(Deserialize, Default)]
struct Keys {
    #[serde(default)]
    isolation: Isolation,
    #[serde(default)]
    sandbox: Sandbox,
}

impl Settings {
    /// Takes the keys that are ours out of a plugin's section; gives the rest.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn take(section: &Section) -> Result<(Settings, Section), Problems> {
        let mut rest = section.clone();
        let mut ours = Section::new();
        for key in [ISOLATION, SANDBOX] {
            if let Some(value) = rest.remove(key) {
                ours.insert(key, value);
            }
        }
        let keys: Keys = ours.parse()?;
        let mut problems = Problems::new();
        if keys.sandbox.timeout.is_zero() {
            problems.push(Problem::at(
                [SANDBOX, "timeout"],
                "expected more than nothing",
            ));
        }
        if keys.sandbox.memory < MEMORY_LEAST {
            let message = format!("expected at least {} MiB", MEMORY_LEAST >> 20);
            problems.push(Problem::at([SANDBOX, "memory"], message));
        }
        for (key, paths) in [("read", &keys.sandbox.read), ("write", &keys.sandbox.write)] {
            for path in paths.iter().filter(|path| !path.is_absolute()) {
                let message = format!(
                    "expected a path from the root on, found `{}`",
                    path.display()
                );
                problems.push(Problem::at([SANDBOX, key], message));
            }
        }
        if keys.isolation == Isolation::None && ours.contains_key(SANDBOX) {
            let message =
                "`[sandbox]` has no use with `isolation = none`: nothing holds the plugin";
            problems.push(Problem::at([SANDBOX], message).of_key().warning());
        }
        let settings = Settings {
            isolation: keys.isolation,
            sandbox: keys.sandbox,
        };
        problems.or_ok((settings, rest))
    }
}

/// What the user should know of a plugin with these keys.
pub(crate) fn warnings(section: &Section) -> Problems {
    let (key, none) = (ISOLATION, Some("none"));
    if section.text(key) != none {
        return Problems::new();
    }
    let message = "the plugin runs in dataShark's own process: nothing survives a crash of it, a call that \
                   does not return, memory without end or `exit`";
    let help = "without this key it runs in a process of its own";
    Problem::at([key], message).help(help).warning().into()
}

/// With less than this no library can be loaded.
const MEMORY_LEAST: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_keys_are_taken_and_the_plugins_own_are_left() {
        let mut section = Section::from_iter([("at_least", "3"), ("isolation", "none")]);
        let (settings, rest) = Settings::take(&section).unwrap();
        assert_eq!(settings.isolation, Isolation::None);
        assert_eq!(rest, Section::from_iter([("at_least", "3")]));

        section.remove("isolation");
        let sandbox = [
            ("timeout", "5s"),
            ("memory", "64MiB"),
            ("network", "yes"),
            ("read", "/etc, /srv"),
        ];
        section.insert("sandbox", Section::from_iter(sandbox));
        let (settings, rest) = Settings::take(&section).unwrap();
        assert_eq!(settings.isolation, Isolation::Process);
        assert_eq!(settings.sandbox.timeout, Duration::from_secs(5));
        assert_eq!(settings.sandbox.memory, 64 << 20);
        assert_eq!(
            settings.sandbox.read,
            [PathBuf::from("/etc"), PathBuf::from("/srv")]
        );
        assert!(settings.sandbox.network && settings.sandbox.write.is_empty());
        assert_eq!(rest, Section::from_iter([("at_least", "3")]));
    }

    #[test]
    fn mistakes_name_their_keys() {
        let mut section = Section::from_iter([("isolation", "proces")]);
        let sandbox = [("timeout", "0s"), ("read", "etc"), ("memry", "1GB")];
        section.insert("sandbox", Section::from_iter(sandbox));
        let problems = Settings::take(&section).unwrap_err().to_string();
        let expected = "isolation: unknown isolation `proces`, did you mean `process`?; \
                        sandbox.memry: unknown key `memry`, did you mean `memory`?";
        assert_eq!(problems, expected);
        section.remove("isolation");
        section.section_mut("sandbox").unwrap().remove("memry");
        let problems = Settings::take(&section).unwrap_err().to_string();
        let expected = "sandbox.timeout: expected more than nothing; \
                        sandbox.read: expected a path from the root on, found `etc`";
        assert_eq!(problems, expected);
    }
}
