//! A conf file with the places of its keys: turns problems into diagnostics that show the line.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashark_sdk::conf::{Problem, Problems};

use crate::diagnostic::{Diagnostic, Diagnostics, Label};
use crate::scan::{Fault, Place, Scan};

/// The text of a conf and where its keys stand in it. Cloning is cheap.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    path: PathBuf,
    name: Arc<str>,
    text: Arc<str>,
    places: HashMap<Vec<String>, Place>,
    broken: HashSet<Vec<String>>,
    is_cut: bool,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.0.path).finish()
    }
}

impl Source {
    /// The source of a scan, and the diagnostics of the scan's faults.
    pub(crate) fn new(path: &Path, text: &str, scan: &mut Scan) -> (Source, Diagnostics) {
        let places = scan
            .entries
            .iter()
            .map(|e| (e.path.clone(), e.place.clone()))
            .collect();
        let source = Source(Arc::new(Inner {
            path: path.to_owned(),
            name: path.display().to_string().into(),
            text: text.into(),
            places,
            broken: scan.broken.drain(..).collect(),
            is_cut: scan.is_cut,
        }));
        let diagnostics = scan
            .faults
            .drain(..)
            .map(|fault| source.fault(fault))
            .collect();
        (source, diagnostics)
    }

    /// The file's path as it was given.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The folder that the conf's relative paths start from.
    pub fn folder(&self) -> &Path {
        self.0.path.parent().unwrap_or(Path::new(""))
    }

    /// The 1-based line of a key or a section, named below its sections.
    pub fn line<S: AsRef<str>>(&self, path: &[S]) -> Option<usize> {
        let path: Vec<String> = path.iter().map(|name| name.as_ref().to_owned()).collect();
        self.0.places.get(&path).map(|place| place.line)
    }

    /// Problems with the keys of this conf, each with the line it points at.
    ///
    /// A problem of a key that is not there points at its section, or at what names the plugin of
    /// that section, or at the file as a whole. What follows from a line that could not be read is
    /// left out.
    pub fn diagnose(&self, problems: Problems) -> Diagnostics {
        let follows = |problem: &Problem| {
            let is_absent = !problem.path.is_empty() && !self.0.places.contains_key(&problem.path);
            self.0.broken.contains(&problem.path) || self.0.is_cut && is_absent
        };
        problems
            .into_iter()
            .filter(|p| !follows(p))
            .map(|p| self.diagnostic(p))
            .collect()
    }

    fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let n_placed = (1..=problem.path.len())
            .rev()
            .find(|n| self.0.places.contains_key(&problem.path[..*n]));
        let place = match n_placed {
            Some(n) => self.0.places.get(&problem.path[..n]),
            None => self.naming(&problem.path),
        };
        let is_itself = n_placed == Some(problem.path.len());
        let mut message = problem.message;
        if let Some(section) = self.absent_section(&problem.path, n_placed.unwrap_or(0)) {
            message.push_str(&format!(" in section `{section}`, which is not there"));
        }
        let span = place.map(|place| match problem.span {
            Some(span) if is_itself => self.narrowed(place, span),
            _ => {
                let is_value = (is_itself || n_placed.is_none()) && !problem.of_key;
                let value = place.value.clone().filter(|_| is_value);
                value.unwrap_or_else(|| place.key.clone())
            }
        });
        Diagnostic {
            file: Arc::clone(&self.0.name),
            text: Arc::clone(&self.0.text),
            message,
            help: problem.help,
            labels: span
                .map(|span| self.label(span, None))
                .into_iter()
                .collect(),
            warning: problem.warning,
        }
    }

    /// The `input` or `output` that names the plugin whose section is not there.
    fn naming(&self, path: &[String]) -> Option<&Place> {
        let section = path.first().filter(|_| path.len() > 1)?;
        let key = match section.split_once('_')?.0 {
            "in" => "input",
            "out" => "output",
            _ => return None,
        };
        self.0.places.get([key.to_owned()].as_slice())
    }

    /// The header of the innermost section of a missing key, where that is missing too.
    fn absent_section(&self, path: &[String], n_placed: usize) -> Option<String> {
        let n_sections = path.len().checked_sub(1)?;
        if n_sections <= n_placed {
            return None;
        }
        let name = &path[n_sections - 1];
        Some(format!(
            "{}{name}{}",
            "[".repeat(n_sections),
            "]".repeat(n_sections)
        ))
    }

    /// The bytes of the file that a span of the unquoted value stands for.
    fn narrowed(&self, place: &Place, span: Range<usize>) -> Range<usize> {
        let Some(value) = place.value.clone() else {
            return place.key.clone();
        };
        let raw = &self.0.text[value.clone()];
        let inner = datashark_sdk::conf::unquote(raw);
        let n_quotes = (raw.len() - inner.len()) / 2;
        if inner.get(span.clone()).is_none() {
            return value;
        }
        let start = value.start + n_quotes;
        start + span.start..start + span.end
    }

    fn fault(&self, fault: Fault) -> Diagnostic {
        let mut labels = vec![self.label(fault.span, None)];
        labels.extend(fault.first.map(|span| self.label(span, Some("first here"))));
        Diagnostic {
            file: Arc::clone(&self.0.name),
            text: Arc::clone(&self.0.text),
            message: fault.message,
            help: fault.help,
            labels,
            warning: fault.warning,
        }
    }

    fn label(&self, span: Range<usize>, text: Option<&'static str>) -> Label {
        let line = self.0.text[..span.start].matches('\n').count() + 1;
        Label { span, line, text }
    }
}
