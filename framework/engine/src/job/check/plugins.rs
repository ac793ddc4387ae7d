//! What a conf names by a word: the use case, the input, the outputs.

use std::path::{Path, PathBuf};

use datashark_conf::{Code, Conf, Kind};
use datashark_sdk::conf::{Problem, Section, Value, nearest};
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Asked, DynUseCase, Error, ThirdParty, UseCaseEntry};

use super::{Check, at};
use crate::job::BATCH_INPUT;
use crate::job::run::quoted;

impl Check<'_> {
    pub(super) fn use_case(&mut self) -> Option<Box<dyn DynUseCase>> {
        match self.conf.code.clone() {
            Code::Named(name) => self.named_use_case(&name),
            Code::Sql(path) => self.sql_use_case(&path),
            Code::Library(path) => {
                let Some(entry) = self.third_party(&path.to_string_lossy(), ThirdParty::use_case)
                else {
                    let message = format!("no library is loaded here: `{}`", path.display());
                    self.problem(["code"], message);
                    return None;
                };
                let entry = self.found(entry, "code")?;
                self.build_third_party(&entry)
            }
        }
    }

    fn named_use_case(&mut self, name: &str) -> Option<Box<dyn DynUseCase>> {
        let Some(entry) = self
            .registry
            .use_cases
            .iter()
            .find(|entry| entry.name == name)
        else {
            if let Some(found) = self.third_party(name, ThirdParty::use_case) {
                let entry = self.found(found, "code")?;
                return self.build_third_party(&entry);
            }
            // Python files have been spoken of already.
            if !self.conf_speaks_of_python(name) {
                let names = self.registry.use_cases.iter().map(|entry| entry.name);
                let problem = unknown("use case", name, names.collect());
                self.problems.push(at(problem, "code"));
            }
            return None;
        };
        let entry = *entry;
        self.build(&entry)
    }

    /// What a third party has by a name; `None` where there is nothing.
    fn third_party<E>(
        &self,
        name: &str,
        find: impl FnOnce(&(dyn ThirdParty + 'static), Asked<'_>) -> Option<Result<E, Problem>>,
    ) -> Option<Result<E, Problem>> {
        let folder = &self.folder;
        find(
            self.registry.third_party.as_deref()?,
            Asked { name, folder },
        )
    }

    /// What was found, where it can be used.
    fn found<E>(&mut self, found: Result<E, Problem>, key: &str) -> Option<E> {
        found
            .map_err(|problem| self.problems.push(at(problem, key)))
            .ok()
    }

    fn build_third_party(&mut self, entry: &UseCaseEntry) -> Option<Box<dyn DynUseCase>> {
        if let Some(third_party) = &self.registry.third_party {
            let warnings = third_party.warnings(&self.conf.own);
            self.problems.extend(Conf::own_problems(warnings));
        }
        self.build(entry)
    }

    fn build(&mut self, entry: &UseCaseEntry) -> Option<Box<dyn DynUseCase>> {
        self.files = self.read_files(entry.files);
        match entry.build_with(&self.conf.own, &self.files) {
            Ok(use_case) => Some(use_case),
            Err(Error::Conf(problems)) => {
                self.problems.extend(Conf::own_problems(problems));
                None
            }
            Err(error) => {
                self.problem(["code"], error.to_string());
                None
            }
        }
    }

    fn conf_speaks_of_python(&self, name: &str) -> bool {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("py"))
    }

    pub(super) fn find_input(&self, name: &str) -> Option<InputEntry> {
        self.registry
            .inputs
            .iter()
            .find(|entry| entry.name == name)
            .copied()
    }

    pub(super) fn input(&mut self) -> Option<(InputEntry, Section)> {
        let (entry, section, below) = match (&self.conf.input, self.conf.files.as_slice()) {
            (Some(plugin), _) => {
                let plugin = plugin.clone();
                let entry = match self.find_input(&plugin.name) {
                    Some(entry) => entry,
                    None => match self.third_party(&plugin.name, ThirdParty::input) {
                        Some(found) => self.found(found, "input")?,
                        None => {
                            let problem = unknown("input", &plugin.name, self.input_names());
                            self.problems.push(at(problem, "input"));
                            return None;
                        }
                    },
                };
                let section = with_folder(&plugin.section, &self.folder);
                (entry, section, Some(plugin.section_name.clone()))
            }
            (None, []) => match (&self.global.stream, self.conf.kind) {
                (Some(stream), Kind::Streaming) => {
                    // What is wrong with the stream is said of `datashark.conf`.
                    return Some((self.find_input(&stream.input)?, alone(&stream.section)));
                }
                _ => {
                    self.no_input();
                    return None;
                }
            },
            (None, files) => {
                let entry = self.find_input(BATCH_INPUT)?;
                let files = files.iter().map(|file| quoted(&file.to_string_lossy()));
                let list = files.collect::<Vec<_>>().join(", ");
                (entry, Section::from_iter([("file", list)]), None)
            }
        };
        let problems = entry.check(&section, &self.global.engine.stores);
        let is_right = !problems.has_errors();
        match below {
            Some(name) => self.problems.extend(problems.below([name])),
            None => self.problems.extend(problems),
        }
        is_right.then_some((entry, section))
    }

    /// A streaming use case without an input; a batch one has been spoken of already.
    fn no_input(&mut self) {
        if self.conf.kind == Kind::Streaming {
            let help = "write `input = file` and `[in_file]` with `folder_path = …`: \
                        the folder that is watched for logs; or name the Kafka topic of all \
                        use cases in `datashark.conf`, `kafka.queue.name = …`";
            self.problems
                .push(Problem::new("the use case has no input").help(help));
        }
    }

    /// The input as others share it: the global stream, or a section of its own that names a group.
    pub(super) fn stream(
        &self,
        (entry, section): &(InputEntry, Section),
    ) -> Option<(InputEntry, Section)> {
        let is_own = self.conf.input.is_some() || !self.conf.files.is_empty();
        let section = match &self.global.stream {
            Some(stream) if !is_own => &stream.section,
            _ => section,
        };
        entry.is_joint(section).then(|| (*entry, section.clone()))
    }

    fn input_names(&self) -> Vec<&'static str> {
        let names = self.registry.inputs.iter().map(|entry| entry.name);
        names.filter(|name| *name != BATCH_INPUT).collect()
    }

    pub(super) fn outputs(&mut self) -> (Vec<(OutputEntry, Section)>, Vec<PathBuf>) {
        let (mut outputs, mut files) = (Vec::new(), Vec::new());
        for plugin in self.conf.outputs.clone() {
            let entries = &self.registry.outputs;
            let built_in = entries.iter().find(|entry| entry.name == plugin.name);
            let entry = match built_in {
                Some(entry) => *entry,
                None => match self.third_party(&plugin.name, ThirdParty::output) {
                    Some(found) => match self.found(found, "output") {
                        Some(entry) => entry,
                        None => continue,
                    },
                    None => {
                        let names = entries.iter().map(|entry| entry.name).collect();
                        let problem = unknown("output", &plugin.name, names);
                        self.problems.push(at(problem, "output"));
                        continue;
                    }
                },
            };
            let problems = entry.check(&plugin.section);
            self.problems
                .extend(problems.below([plugin.section_name.as_str()]));
            files.extend(entry.files(&plugin.section).unwrap_or_default());
            outputs.push((entry, plugin.section));
        }
        (outputs, files)
    }
}

fn unknown(kind: &str, name: &str, known: Vec<&str>) -> Problem {
    let message = format!("unknown {kind} `{name}`");
    match nearest(name, known.iter().copied()) {
        Some(meant) => Problem::new(format!("{message}, did you mean `{meant}`?")),
        None => Problem::new(message).help(format!("there is {}", known.join(", "))),
    }
}

/// The global stream for a use case that is run by itself: in a group of its own, so that it takes no
/// partition from the daemon.
fn alone(stream: &Section) -> Section {
    let mut section = stream.clone();
    section.remove("group");
    section
}

/// A section with its folder resolved: paths in a conf start from the conf's folder.
fn with_folder(section: &Section, folder: &Path) -> Section {
    let mut section = section.clone();
    if let Some(path) = section.text("folder_path") {
        let path = folder.join(path);
        section.insert("folder_path", Value::Text(quoted(&path.to_string_lossy())));
    }
    section
}
