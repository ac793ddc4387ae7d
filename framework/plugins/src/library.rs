//! A library that was found, loaded here or started in a process of its own; either is done once for
//! each version of a file, and is kept.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use datashark_sdk::conf::{Section, Value};
use datashark_sdk::ffi::host::{About, Kind, Library};
use datashark_sdk::{Error, Result};

use crate::conf::Sandbox;
use crate::file::File;
use crate::process::{Connection, Failure, Start};

/// A library that may be used.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) file: File,
    pub(crate) kind: Kind,
    pub(crate) program: (PathBuf, Vec<OsString>),
}

impl Found {
    /// How it is started in a process of its own, to be given this section.
    pub(crate) fn start(&self, sandbox: Sandbox, section: &Section) -> Start {
        let mut env = Vec::new();
        named_variables(section, &mut env);
        Start {
            program: self.program.clone(),
            library: self.file.path.clone(),
            kind: self.kind,
            sandbox,
            env,
        }
    }

    /// What the plugin says of itself, in a process of its own.
    pub(crate) fn about(&self) -> Result<About> {
        let connection = Connection::open(&self.start(Sandbox::default(), &Section::new()));
        match connection {
            Ok(connection) => Ok(connection.about().clone()),
            Err(Failure::Plugin(error)) => Err(error),
            Err(Failure::Died(why)) => Err(Error::data(format!(
                "{} ended when it was loaded: {why}",
                self.file.path.display()
            ))),
        }
    }
}

/// The variables of the environment that a section names, `${env:NAME}`: no others are handed on.
fn named_variables(section: &Section, names: &mut Vec<String>) {
    for (_, value) in section.iter() {
        match value {
            Value::Section(section) => named_variables(section, names),
            Value::Text(text) => {
                for rest in text.split("${env:").skip(1) {
                    names.extend(rest.split_once('}').map(|(name, _)| name.to_owned()));
                }
            }
        }
    }
}

/// Loads a library into this process. One that was loaded already is not loaded again.
pub(crate) fn load(file: &File) -> Result<&'static Library> {
    static LOADED: OnceLock<Mutex<HashMap<File, &'static Library>>> = OnceLock::new();
    let loaded = LOADED.get_or_init(Mutex::default);
    let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = loaded.get(file) {
        return Ok(library);
    }
    if loaded.keys().any(|other| other.path == file.path) {
        let message = format!(
            "{} has changed since it was loaded; with `isolation = none` that needs a restart",
            file.path.display()
        );
        return Err(Error::data(message));
    }
    let library: &'static Library = Box::leak(Box::new(Library::load(&file.path)?));
    loaded.insert(file.clone(), library);
    Ok(library)
}

/// A name that stays for as long as the process does; each is kept once.
pub(crate) fn leaked(name: &str) -> &'static str {
    static NAMES: OnceLock<Mutex<Vec<&'static str>>> = OnceLock::new();
    let names = NAMES.get_or_init(Mutex::default);
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    match names.iter().find(|known| **known == name) {
        Some(known) => known,
        None => {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.push(name);
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variables_that_a_section_names_are_handed_on() {
        let mut section = Section::from_iter([("a", "'${env:TOKEN}'"), ("b", "$HOME ${env:open")]);
        section.insert("c", Section::from_iter([("d", "${env:ONE}${env:TWO}")]));
        let mut names = Vec::new();
        named_variables(&section, &mut names);
        assert_eq!(names, ["TOKEN", "ONE", "TWO"]);
    }
}
