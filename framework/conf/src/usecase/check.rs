//! From a section to a [`Conf`]: tells the engine's, the plugins' and the use case's parts apart,
//! reads the engine's, and checks what no type can.

use std::path::Path;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Section, Value, nearest};

use super::keys::{KEYS, Keys};
use super::sections::{Plugin, resolve};
use super::{Code, Conf, code, keys, schedule, sections};

/// The engine's sections, beside the plugins'.
const SECTIONS: [&str; 4] = ["log_filter", "codec", "columns", "tables"];

pub(super) fn conf(section: &Section, folder: &Path) -> (Option<Conf>, Problems) {
    let mut parts = Parts::default();
    for (key, value) in section.iter() {
        parts.sort(key, value);
    }
    let (keys, mut problems) = keys::read(&parts.engine, &mut parts.own, section);
    let Some(keys) = keys else {
        return (None, problems);
    };
    parts.reject_misspelt_sections(&keys, &mut problems);
    problems.extend(code::check(&keys.code));
    problems.extend(windows(keys.window, keys.slide));
    let conf = parts.into_conf(keys, folder, &mut problems);
    (Some(conf), problems)
}

/// A conf's top level by who it belongs to.
#[derive(Default)]
struct Parts {
    /// The engine's keys.
    engine: Section,
    /// The engine's sections.
    sections: Section,
    /// The plugins' sections.
    plugins: Section,
    /// The use case's keys and sections.
    own: Section,
}

impl Parts {
    fn sort(&mut self, key: &str, value: &Value) {
        let is_plugins = key.starts_with("in_") || key.starts_with("out_");
        let part = if KEYS.iter().any(|known| known.name == key) {
            &mut self.engine
        } else if SECTIONS.contains(&key) {
            &mut self.sections
        } else if is_plugins && matches!(value, Value::Section(_)) {
            &mut self.plugins
        } else {
            &mut self.own
        };
        part.insert(key, value.clone());
    }

    fn into_conf(mut self, keys: Keys, folder: &Path, problems: &mut Problems) -> Conf {
        let (input, outputs) = self.plugins(&keys, problems);
        let codec = self.engines("codec", problems);
        let columns = self.engines("columns", problems).unwrap_or_default();
        let tables = self.engines("tables", problems).unwrap_or_default();
        let log_filter = self.engines("log_filter", problems).unwrap_or_default();
        let schedule = schedule::read(&keys, problems);
        let resolved = |path: Option<String>| path.map(|path| resolve(&path, folder));
        Conf {
            code: Code::new(&keys.code, folder),
            name: keys.name,
            kind: keys.kind,
            enabled: keys.enabled,
            files: keys
                .files
                .into_iter()
                .flatten()
                .map(|file| resolve(&file, folder))
                .collect(),
            training: resolved(keys.training),
            input,
            outputs,
            window: keys.window,
            slide: keys.slide,
            allowed_lateness: keys.allowed_lateness,
            idle_timeout: keys.idle_timeout,
            timestamp_field: keys.timestamp_field,
            timestamp_format: keys.timestamp_format,
            keep_late: keys.keep_late,
            schedule,
            codec: codec.map(|section| sections::codec(section, problems)),
            columns: sections::columns(&columns, problems),
            tables: sections::tables(&tables, folder, problems),
            log_filter: sections::log_filter(&log_filter, problems),
            own: self.own,
        }
    }

    /// Takes sections out of the use case's own whose name must be a misspelt one of ours.
    fn reject_misspelt_sections(&mut self, keys: &Keys, problems: &mut Problems) {
        let mut known: Vec<String> = SECTIONS.map(str::to_owned).to_vec();
        known.extend(keys.input.iter().map(|name| format!("in_{name}")));
        known.extend(keys.output.iter().map(|name| format!("out_{name}")));
        let names: Vec<String> = self
            .own
            .sections()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in names {
            if let Some(meant) = meant_section(&name, &known) {
                let message = format!("unknown section `[{name}]`, did you mean `[{meant}]`?");
                let help = "a section of the use case's own needs a name that is less near";
                problems.push(Problem::at([name.clone()], message).help(help));
                self.own.remove(&name);
            }
        }
    }

    /// A section of the engine's, where there is one.
    fn engines(&mut self, name: &str, problems: &mut Problems) -> Option<Section> {
        match self.sections.remove(name)? {
            Value::Section(section) => Some(section),
            Value::Text(_) => {
                let message = format!("expected a section `[{name}]`, found a value");
                problems.push(Problem::at([name], message));
                None
            }
        }
    }

    /// The plugins that are used; sections of others are warned about.
    fn plugins(&mut self, keys: &Keys, problems: &mut Problems) -> (Option<Plugin>, Vec<Plugin>) {
        let input = keys.input.as_ref().map(|name| self.plugin("in_", name));
        let is_told = problems.iter().any(|problem| problem.path == ["output"]);
        if keys.output.is_empty() && self.engine.contains_key("output") && !is_told {
            problems.push(Problem::at(["output"], "expected the name of an output"));
        }
        let mut outputs: Vec<Plugin> = Vec::new();
        for name in &keys.output {
            if outputs.iter().any(|output| output.name == *name) {
                problems.push(Problem::at(
                    ["output"],
                    format!("output `{name}` is named twice"),
                ));
            } else {
                outputs.push(self.plugin("out_", name));
            }
        }
        let used: Vec<&Plugin> = input.iter().chain(&outputs).collect();
        problems.extend(self.plugins.sections().map(|(name, _)| unused(name, &used)));
        (input, outputs)
    }

    fn plugin(&mut self, prefix: &str, name: &str) -> Plugin {
        let section_name = format!("{prefix}{name}");
        let section = match self.plugins.remove(&section_name) {
            Some(Value::Section(section)) => section,
            _ => Section::new(),
        };
        Plugin {
            name: name.to_owned(),
            section_name,
            section,
        }
    }
}

/// The section that a name must have been meant as.
fn meant_section(name: &str, known: &[String]) -> Option<String> {
    let plain = name.to_lowercase().replace(['-', ' ', '.'], "_");
    let long = [
        ("input_", "in_"),
        ("output_", "out_"),
        ("in_", "in_"),
        ("out_", "out_"),
    ];
    let plugin = long.iter().find_map(|(prefix, right)| {
        plain
            .strip_prefix(prefix)
            .map(|plugin| format!("{right}{plugin}"))
    });
    plugin.or_else(|| nearest(name, known).map(str::to_owned))
}

/// The warning of a plugin's section that nothing uses.
fn unused(name: &str, used: &[&Plugin]) -> Problem {
    let (key, plugin) = match name.split_once('_') {
        Some(("in", plugin)) => ("input", plugin),
        Some((_, plugin)) => ("output", plugin),
        None => ("output", name),
    };
    let message = format!("section `[{name}]` is not used: `{key}` does not name `{plugin}`");
    let of_key = used
        .iter()
        .filter(|p| p.section_name.split('_').next() == name.split('_').next());
    let help = match nearest(plugin, of_key.map(|p| p.name.as_str())) {
        Some(meant) => format!("did you mean `[{}]`?", name.replace(plugin, meant)),
        None => format!("write `{key} = {plugin}` to use it"),
    };
    Problem::at([name], message).help(help).warning()
}

fn windows(window: Option<Duration>, slide: Option<Duration>) -> Problems {
    let mut problems = Problems::new();
    for (key, duration) in [("window", window), ("slide", slide)] {
        if duration.is_some_and(|duration| duration.is_zero()) {
            problems.push(Problem::at(
                [key],
                format!("`{key}` is longer than nothing"),
            ));
        }
    }
    match (window, slide) {
        (None, Some(_)) => {
            let help = "say with `window = …` how long the sliding windows are";
            problems.push(Problem::at(["slide"], "`slide` without `window`").help(help));
        }
        (Some(window), Some(slide)) if slide > window => {
            let message = "`slide` is longer than `window`: records between windows would be lost";
            problems.push(Problem::at(["slide"], message));
        }
        _ => {}
    }
    problems
}
