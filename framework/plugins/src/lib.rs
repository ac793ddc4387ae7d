//! Finds, checks, loads and isolates the plugins of third parties.
//!
//! A plugin is a shared library (`datashark_sdk::ffi`). A conf names it by its file, `code =
//! libmine.so`, or by a name: `code = mine` is `libmine.so`, `output = mine` is `libout_mine.so`, `input =
//! mine` is `libin_mine.so`, in the conf's folder, in those of `[engine] plugin_path`, or in `plugins`
//! beside `datashark.conf`. Built-in names go first.
//!
//! # Before any of its code runs
//! The file must be there, belong to root or to who runs dataShark with every folder above it, be
//! writable by nobody else ([`File`]), be a library for this machine, whole, and have the symbol. Then the
//! interface's version is compared, and the plugin checks its own keys.
//!
//! # Where it runs
//! With `isolation = process`, which is the default, in a process of its own: dataShark's own binary,
//! which limits itself and then loads the library. What it may is in the conf, for a use case in the
//! section `[sandbox]`, for an output or input in its own section:
//!
//! ```text
//! isolation = process
//! [sandbox]
//! timeout     = 30s      # a call that takes longer ends the process
//! max_retries = 3        # how often what it ended over is given again
//! memory      = 1GiB     # beyond what the process takes by itself
//! cpus        = 1        # 0 is all of them
//! network     = no
//! read        = /usr/share/GeoIP
//! write       = /var/lib/mine
//! ```
//! When the process ends, by itself, by a limit or because a call takes too long, it is started again and
//! given again what it was working on. After `max_retries` that goes to the quarantine: the rows of a
//! window, or an output's findings. Of the environment it sees the variables that its section
//! names, `${env:NAME}`.
//!
//! With `isolation = none` it runs in dataShark's own process. Panics are caught there too. What is not:
//! a call that does not return, a crash, memory without end, `exit`; and there is nothing that the plugin
//! may not do. It is for code that is trusted as dataShark itself is.
//!
//! *Invariants:* knows the sdk alone; the engine asks it by `datashark_sdk::ThirdParty`. Nothing of a
//! library runs in this process but with `isolation = none`.

mod client;
mod conf;
mod file;
mod input;
mod library;
mod output;
mod process;
mod use_case;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use datashark_sdk::conf::{Problem, Problems, Section};
use datashark_sdk::ffi::host::{About, Kind};
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Asked, DynUseCase, Files, Result, ThirdParty, UseCaseEntry, UseCaseFactory};

pub use conf::{Isolation, Sandbox, Settings};
pub use file::File;
pub use process::{read_answer, run_child};

use input::InputOf;
use library::{Found, leaked, load};
use output::OutputOf;
use use_case::RemoteUseCase;

/// The plugins that can be found.
#[derive(Debug)]
pub struct Plugins {
    folders: Vec<PathBuf>,
    program: (PathBuf, Vec<OsString>),
    /// What was found once is found again: entries stay for as long as the process does.
    entries: Mutex<HashMap<(Kind, &'static str, File), Entry>>,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    UseCase(UseCaseEntry),
    Output(OutputEntry),
    Input(InputEntry),
}

/// A library that lies where plugins are looked for.
#[derive(Debug)]
pub struct Listed {
    /// Its file.
    pub path: PathBuf,
    /// What it says of itself, or why it is not used.
    pub about: Result<About, String>,
}

impl Plugins {
    /// Looks in these folders, after the conf's own. The program with these arguments is to call
    /// [`run_child`].
    pub fn new(folders: Vec<PathBuf>, program: PathBuf, args: Vec<OsString>) -> Self {
        Plugins {
            folders,
            program: (program, args),
            entries: Mutex::default(),
        }
    }

    /// All libraries in the folders that can be plugins by their names.
    pub fn list(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = Vec::new();
        for folder in &self.folders {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            for path in paths {
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                if !(name.starts_with("lib") && name.ends_with(SUFFIX)) {
                    continue;
                }
                let kind = match name {
                    name if name.starts_with(prefix(Kind::Output)) => Kind::Output,
                    name if name.starts_with(prefix(Kind::Input)) => Kind::Input,
                    _ => Kind::UseCase,
                };
                let about = self.found(kind, &path).map_err(|problem| problem.message);
                let about =
                    about.and_then(|found| found.about().map_err(|error| error.to_string()));
                listed.push(Listed { path, about });
            }
        }
        listed
    }

    /// The file of a plugin: a path as it is, a name in the folders.
    fn file(&self, kind: Kind, asked: Asked<'_>) -> Option<PathBuf> {
        if kind == Kind::UseCase && asked.name.ends_with(SUFFIX) {
            return Some(asked.folder.join(asked.name));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if asked.name.is_empty() || !asked.name.chars().all(is_plain) {
            return None;
        }
        // Cargo writes `-` as `_` in a library's name.
        let names = [asked.name.to_owned(), asked.name.replace('-', "_")];
        let folders =
            std::iter::once(asked.folder).chain(self.folders.iter().map(PathBuf::as_path));
        let of_folder = |folder: &Path| {
            let file = |name: &String| folder.join(format!("{}{name}{SUFFIX}", prefix(kind)));
            names.iter().map(file).find(|file| file.exists())
        };
        folders.map(of_folder).find_map(|file| file)
    }

    fn found(&self, kind: Kind, path: &Path) -> Result<Found, Problem> {
        Ok(Found {
            file: File::check(path)?,
            kind,
            program: self.program.clone(),
        })
    }

    fn entry(
        &self,
        kind: Kind,
        asked: Asked<'_>,
        make: impl FnOnce(Found, &'static str) -> Result<Entry, Problem>,
    ) -> Option<Result<Entry, Problem>> {
        let path = self.file(kind, asked)?;
        let entry = || {
            let found = self.found(kind, &path)?;
            let name = leaked(asked.name);
            let key = (kind, name, found.file.clone());
            let known = |key| {
                let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
                entries.get(key).copied()
            };
            if let Some(entry) = known(&key) {
                return Ok(entry);
            }
            let entry = make(found, name)?;
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.insert(key, entry);
            Ok(entry)
        };
        Some(entry())
    }
}

/// How the names of libraries end.
const SUFFIX: &str = std::env::consts::DLL_SUFFIX;

/// How the names of libraries begin.
fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::UseCase => "lib",
        Kind::Output => "libout_",
        Kind::Input => "libin_",
    }
}

impl ThirdParty for Plugins {
    fn use_case(&self, asked: Asked<'_>) -> Option<Result<UseCaseEntry, Problem>> {
        let entry = self.entry(Kind::UseCase, asked, |found, name| {
            // The keys that name files do not depend on the conf, which is checked with what is in them.
            let about = found
                .about()
                .map_err(|error| Problem::new(error.to_string()))?;
            let files: Vec<&'static str> = about.files.iter().map(|key| leaked(key)).collect();
            let factory: &'static UseCaseOf = Box::leak(Box::new(UseCaseOf(found)));
            let entry = UseCaseEntry::new(name, "", factory);
            Ok(Entry::UseCase(entry.with_files(Vec::leak(files))))
        })?;
        Some(entry.and_then(|entry| match entry {
            Entry::UseCase(entry) => Ok(entry),
            _ => Err(Problem::new("a plugin of another kind")),
        }))
    }

    fn warnings(&self, own: &Section) -> Problems {
        conf::warnings(own)
    }

    fn output(&self, asked: Asked<'_>) -> Option<Result<OutputEntry, Problem>> {
        let entry = self.entry(Kind::Output, asked, |found, name| {
            let factory: &'static OutputOf = Box::leak(Box::new(OutputOf(found)));
            // What comes of a backfill does not depend on the section, whose mistakes come later.
            let checked = factory.checked(&Section::new());
            let backfill = checked.map(|checked| checked.backfill).unwrap_or_default();
            Ok(Entry::Output(OutputEntry::new(
                name,
                "",
                backfill.into(),
                factory,
            )))
        })?;
        Some(entry.and_then(|entry| match entry {
            Entry::Output(entry) => Ok(entry),
            _ => Err(Problem::new("a plugin of another kind")),
        }))
    }

    fn input(&self, asked: Asked<'_>) -> Option<Result<InputEntry, Problem>> {
        let entry = self.entry(Kind::Input, asked, |found, name| {
            let factory: &'static InputOf = Box::leak(Box::new(InputOf::new(found)));
            let described = factory.described();
            let (described, _) = described.map_err(|error| Problem::new(error.to_string()))?;
            let is_shared = described.is_shared;
            Ok(Entry::Input(InputEntry::new(name, "", is_shared, factory)))
        })?;
        Some(entry.and_then(|entry| match entry {
            Entry::Input(entry) => Ok(entry),
            _ => Err(Problem::new("a plugin of another kind")),
        }))
    }
}

/// Makes a plugin's use case.
struct UseCaseOf(Found);

impl UseCaseFactory for UseCaseOf {
    fn build(&self, own: &Section, files: &Files) -> Result<Box<dyn DynUseCase>> {
        let (settings, own) = Settings::take(own)?;
        match settings.isolation {
            Isolation::None => load(&self.0.file)?.use_case(&own, files),
            Isolation::Process => {
                let start = self.0.start(settings.sandbox, &own);
                Ok(Box::new(RemoteUseCase::make(start, own, files)?))
            }
        }
    }
}
