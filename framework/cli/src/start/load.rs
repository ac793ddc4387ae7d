//! The confs of a daemon: found, checked one by one and against each other.

use std::fs;
use std::path::{Path, PathBuf};

use datashark_conf::{Code, Diagnostic, Diagnostics, Global};
use datashark_engine::{Job, check};

use crate::args::Start;
use crate::check::against_each_other;
use crate::global;
use crate::registry::registry;
use crate::text::{render, say};

/// The confs of a daemon, all of them right.
pub(crate) struct Loaded {
    pub(crate) global: Global,
    /// Where the confs are.
    pub(crate) folder: PathBuf,
    /// What is enabled, in the order of the confs' paths.
    pub(crate) use_cases: Vec<UseCase>,
    warnings: Diagnostics,
}

/// A use case that is to run.
pub(crate) struct UseCase {
    pub(crate) path: PathBuf,
    pub(crate) global: Global,
    pub(crate) job: Job,
    /// What it depends on; another one is another use case to a reload.
    pub(crate) fingerprint: Vec<u8>,
}

impl UseCase {
    /// Its name; two that differ in case alone would share a folder.
    pub(crate) fn name(&self) -> String {
        self.job.name().to_lowercase()
    }

    /// Whether the daemon's start is no turn of it.
    pub(crate) fn waits_for_its_time(&self) -> bool {
        let schedule = self.job.conf().schedule.as_ref();
        schedule.is_some_and(|schedule| !schedule.begins_at_once())
    }
}

impl Loaded {
    /// Tells the user what was loaded.
    pub(crate) fn tell(&self) {
        say(&render(&self.warnings));
        let paths = self.use_cases.iter().map(|use_case| &use_case.path);
        let quoted: Vec<String> = paths.map(|path| format!("'{}'", path.display())).collect();
        say(&format!("Loaded Confs: [{}]", quoted.join(", ")));
    }
}

/// Reads `datashark.conf` and every enabled `conf/*/*.conf`.
///
/// # Errors
/// Every mistake in any of them.
pub(crate) async fn load(args: &Start) -> Result<Loaded, Diagnostics> {
    let global = global::load(&args.engine)?;
    let (mut warnings, global_path, global) = (global.warnings, global.path, global.conf);
    let folder = args.confs.clone();
    let folder = folder.unwrap_or_else(|| usual_folder(global_path.as_deref()));
    let mut diagnostics = Diagnostics::new();
    let paths = confs_below(&folder).map_err(|error| {
        Diagnostics::from(Diagnostic::of_file(
            folder.display(),
            format!("the folder of the confs cannot be read: {error}"),
        ))
    })?;
    let registry = registry(&global);
    let mut jobs: Vec<(PathBuf, Job)> = Vec::new();
    for path in paths {
        if is_off(&path) {
            continue;
        }
        let checked = check(&path, &global, &registry).await;
        diagnostics.extend(checked.diagnostics);
        jobs.extend(checked.job.map(|job| (path, job)));
    }
    diagnostics.extend(against_each_other(&jobs));
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    warnings.extend(diagnostics);
    let of_global = global_path.map(|path| contents(&path)).unwrap_or_default();
    let use_case = |(path, job): (PathBuf, Job)| UseCase {
        fingerprint: fingerprint(&of_global, &path, &job),
        global: global.clone(),
        path,
        job,
    };
    Ok(Loaded {
        use_cases: jobs.into_iter().map(use_case).collect(),
        folder,
        global,
        warnings,
    })
}

/// Where the confs are if nobody says so: beside `datashark.conf`.
pub(crate) fn usual_folder(global: Option<&Path>) -> PathBuf {
    let home = global.and_then(Path::parent);
    home.unwrap_or(Path::new("")).join("conf")
}

/// `*/*.conf` below a folder, in order.
pub(crate) fn confs_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let below = entry?.path();
        if !below.is_dir() {
            continue;
        }
        for entry in fs::read_dir(below)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "conf")
            {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a conf says that it is not to run, whatever else is wrong with it.
pub(crate) fn is_off(path: &Path) -> bool {
    let read = datashark_conf::parse(&contents(path), path);
    let Ok((section, _, _)) = read else {
        return false;
    };
    let enabled = section.text("enabled").unwrap_or_default();
    matches!(&*enabled.to_ascii_lowercase(), "false" | "no" | "off" | "0")
}

/// What the use case is made of: both confs and its query. Data files may change at any time.
fn fingerprint(of_global: &[u8], path: &Path, job: &Job) -> Vec<u8> {
    let query = match &job.conf().code {
        Code::Sql(path) => contents(path),
        _ => Vec::new(),
    };
    [of_global, &contents(path), &query].join(&0)
}

fn contents(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
