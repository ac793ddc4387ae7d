//! The input `file`: the files of a watched folder.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datashark_sdk::conf::{Problem, Problems};
use datashark_sdk::input::{Ends, Input, InputEvent, Open, Progress, Source};
use datashark_sdk::{Error, Result, Stores};

use crate::conf::FolderConf;
use crate::list::{Listed, list};
use crate::live::{self, Timing};
use crate::names::{self, is_hidden, is_parquet};
use crate::once::{self, Content, Task};
use crate::outlet::{self, Intake};
use crate::paths::{matcher, missing};
use crate::place::{Place, modified};
use crate::register::{Entry, Register};

/// Reads every file of a folder once, to its end: what is there, what appears and what grows.
#[derive(Debug)]
pub struct Folder {
    pub(crate) intake: Intake,
}

#[async_trait]
impl Input for Folder {
    type Conf = FolderConf;

    const NAME: &'static str = "file";

    const ABOUT: &'static str = "the files of a watched folder, as they appear and grow";

    fn check(conf: &FolderConf, _: &Stores) -> Problems {
        [
            check_folder(conf),
            check_pattern(conf),
            check_partitions(conf),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The format that the pattern's extension suggests (`*.json`), else the one that the names
    /// of all files agree on that are there now.
    fn source(conf: &FolderConf, _: &Stores) -> Result<Source> {
        let by_pattern = names::format(Path::new(&conf.pattern));
        let format = by_pattern.or_else(|| {
            let matcher = matcher(&conf.pattern).ok()?;
            let files = list(&conf.folder_path, conf.recursive).ok()?.files;
            let names = files
                .iter()
                .filter_map(|file| file.path.file_name().map(Path::new));
            names::common_format(names.filter(|name| !is_hidden(name) && matcher.is_match(name)))
        });
        Ok(Source::Raw { format })
    }

    async fn open(conf: FolderConf, open: Open) -> Result<Self> {
        let problems = Self::check(&conf, &open.stores);
        if problems.has_errors() {
            return Err(problems.into());
        }
        let pattern = matcher(&conf.pattern).map_err(Error::data)?;
        let register = Register::new(pattern, &open);
        let intake = if open.once {
            read_once(&conf, register, &open)?
        } else {
            live::start(conf, register, &open, Timing::default())?
        };
        Ok(Folder { intake })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        self.intake.next().await
    }

    fn progress(&self) -> Progress {
        self.intake.progress()
    }

    fn ends(&self) -> Ends {
        self.intake.ends()
    }
}

fn check_folder(conf: &FolderConf) -> Option<Problem> {
    const KEY: &str = "folder_path";
    let folder = &conf.folder_path;
    let shown = folder.display();
    if folder.to_string_lossy().contains("://") {
        let problem = Problem::at([KEY], format!("`{shown}` is no folder of this machine"));
        return Some(
            problem.help("files in an object store are read with `type = batch` and `file`"),
        );
    }
    match fs::metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(missing(KEY, folder)),
        Err(error) => Some(Problem::at(
            [KEY],
            format!("`{shown}` cannot be read: {error}"),
        )),
        Ok(metadata) if !metadata.is_dir() => {
            let problem = Problem::at([KEY], format!("`{shown}` is not a folder"));
            Some(problem.help("name the folder that it lies in, and its name as `pattern`"))
        }
        Ok(_) => {
            let error = fs::read_dir(folder).err()?;
            Some(Problem::at(
                [KEY],
                format!("folder `{shown}` cannot be read: {error}"),
            ))
        }
    }
}

fn check_pattern(conf: &FolderConf) -> Option<Problem> {
    const KEY: &str = "pattern";
    if conf.pattern.contains('/') {
        let problem = Problem::at(
            [KEY],
            format!("`{}` is more than a file name", conf.pattern),
        );
        return Some(problem.help("`recursive = true` reads the folders below, too"));
    }
    matcher(&conf.pattern)
        .err()
        .map(|error| Problem::at([KEY], error))
}

fn check_partitions(conf: &FolderConf) -> Option<Problem> {
    (conf.partitions == Some(0))
        .then(|| Problem::at(["partitions"], "no file can be read `0` at a time").help("1 or more"))
}

/// Reads what is there, as far as it was not read before.
fn read_once(conf: &FolderConf, mut register: Register, open: &Open) -> Result<Intake> {
    let folder = &conf.folder_path;
    let listing = list(folder, conf.recursive).map_err(|error| {
        Error::io(
            format!("folder `{}` cannot be read", folder.display()),
            error,
        )
    })?;
    let mut first: Vec<_> = listing
        .unread
        .iter()
        .map(|(path, error)| failed(path, error))
        .collect();
    let mut present = HashMap::new();
    let mut tasks = Vec::new();
    for listed in listing.files.iter().filter(|listed| register.wants(listed)) {
        match enter(&register, listed) {
            Ok(Some(entry)) => {
                present.insert(listed.key, entry.identity.partition());
                tasks.push(task(listed, entry));
            }
            Ok(None) => {}
            Err(reason) => first.push(InputEvent::Failed {
                partition: None,
                reason,
            }),
        }
    }
    let mut listed: HashSet<_> = listing.files.iter().map(|listed| listed.key).collect();
    if register.misses(&listed)
        && let Ok(again) = list(folder, conf.recursive)
    {
        // A file that is renamed while the folder is listed may be missed under both names.
        listed.extend(again.files.iter().map(|listed| listed.key));
    }
    if listing.unread.is_empty() {
        let stale = register
            .take_stale(&listed, |key| present.get(&key).cloned())
            .into_iter();
        first.extend(stale.map(|partition| InputEvent::Ended {
            partition,
            forget: true,
        }));
    }
    once::start(tasks, first, open, outlet::n_readers(conf.partitions, open))
}

fn enter(register: &Register, listed: &Listed) -> Result<Option<Entry>, String> {
    let path = listed.path.display();
    if is_parquet(&listed.path) {
        return Err(no_parquet(&listed.path));
    }
    let entry =
        File::open(&listed.path).and_then(|file| register.enter(&listed.path, Arc::new(file)));
    entry.map_err(|error| format!("`{path}` cannot be read: {error}"))
}

/// Why a Parquet file is not read.
pub(crate) fn no_parquet(path: &Path) -> String {
    format!(
        "`{}` is not read: a watched folder takes text, not Parquet; read it with `type = batch`",
        path.display()
    )
}

/// A folder that cannot be read.
pub(crate) fn failed(folder: &Path, error: &std::io::Error) -> InputEvent {
    let reason = format!("folder `{}` cannot be read: {error}", folder.display());
    InputEvent::Failed {
        partition: None,
        reason,
    }
}

fn task(listed: &Listed, entry: Entry) -> Task {
    Task {
        partition: entry.identity.partition(),
        place: Place::Local(listed.path.clone()),
        offset: entry.offset,
        arrival: modified(&listed.metadata),
        size: Some(listed.metadata.len()),
        content: Content::TextOf(listed.key, entry.identity.fingerprint),
    }
}
