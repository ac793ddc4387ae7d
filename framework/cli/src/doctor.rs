//! `datashark doctor`: whether confs, state folder, disk and outputs are as a run needs them, a line
//! for each; with `--repair`, damaged files of the state folder are put aside.
//!
//! A line begins with `ok`, `note` (nothing to mend), `wrong` or `mended`. The exit status is 1 where
//! anything is wrong.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use datashark_conf::Global;
use datashark_engine::{Condition, Job, StateFile, check, folder_name, inspect, repair};
use rustix::fs::{Access, access, statvfs};

use crate::args::Doctor;
use crate::check::against_each_other;
use crate::global;
use crate::registry::registry;
use crate::standalone::runtime;
use crate::start::load::{confs_below, is_off, usual_folder};
use crate::text::{count, counted, render, say};
use crate::{FAILED, Failure, WRONG};

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// With less than this free on disk, checkpoints and models may soon not be written.
const LEAST_FREE_BYTES: u64 = 100_000_000;

/// Looks at all, and mends the state folder where that is asked.
pub(crate) fn run(args: &Doctor) -> Result<(), Failure> {
    let loaded = global::load(&args.engine).map_err(|diagnostics| {
        say(&render(&diagnostics));
        Failure::Said(WRONG)
    })?;
    say(&render(&loaded.warnings));
    let mut report = Report::default();
    match &loaded.path {
        Some(path) => report.ok(path.display())?,
        None => report.note("there is no datashark.conf: all settings are the usual ones")?,
    }
    let jobs = confs(args, loaded.path.as_deref(), &loaded.conf, &mut report)?;
    let state = &loaded.conf.engine.state_folder;
    disk(&loaded.conf, &mut report)?;
    for folder in state_folders(state, args, &jobs)? {
        state_folder(&folder, args.repair, &mut report)?;
    }
    for (_, job) in &jobs {
        outputs(job, &mut report)?;
    }
    report.end()
}

/// What was found, printed as it is.
#[derive(Default)]
struct Report {
    n_wrong: u64,
}

impl Report {
    fn ok(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        self.line("ok", text)
    }

    fn note(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        self.line("note", text)
    }

    fn mended(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        self.line("mended", text)
    }

    fn wrong(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        self.n_wrong += 1;
        self.line("wrong", text)
    }

    fn line(&self, word: &str, text: impl std::fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(std::io::stdout().lock(), "{word:<7} {text}")?)
    }

    fn end(self) -> Result<(), Failure> {
        match self.n_wrong {
            0 => Ok(()),
            n => {
                say(&format!("{} wrong", counted(n, "thing")));
                Err(Failure::Said(FAILED))
            }
        }
    }
}

/// Checks the confs; gives what they describe.
fn confs(
    args: &Doctor,
    global_path: Option<&Path>,
    global: &Global,
    report: &mut Report,
) -> Result<Vec<(PathBuf, Job)>, Failure> {
    let paths = match &args.confs {
        Some(conf) if !conf.is_dir() => vec![conf.clone()],
        named => {
            let folder = named.clone();
            let folder = folder.unwrap_or_else(|| usual_folder(global_path));
            match confs_below(&folder) {
                Ok(paths) => paths.into_iter().filter(|path| !is_off(path)).collect(),
                Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => {
                    report.wrong(format!("{}: {error}", folder.display()))?;
                    Vec::new()
                }
            }
        }
    };
    let registry = registry(global);
    let mut jobs: Vec<(PathBuf, Job)> = Vec::new();
    let runtime = runtime(1)?;
    for path in paths {
        let checked = runtime.block_on(check(&path, global, &registry));
        match checked.job {
            Some(job) => {
                report.ok(format!("{}: {}", path.display(), job.name()))?;
                jobs.push((path, job));
            }
            None => {
                let path = path.display();
                report.wrong(format!(
                    "{path}: `datashark check {path}` says what is wrong"
                ))?;
            }
        }
    }
    for diagnostic in against_each_other(&jobs).sorted() {
        report.wrong(diagnostic)?;
    }
    Ok(jobs)
}

/// Whether the state folder can be written, and what is free where it lies.
fn disk(global: &Global, report: &mut Report) -> Result<(), Failure> {
    let state = &global.engine.state_folder;
    let shown = state.display();
    let there = existing(state);
    if let Err(error) = access(there, Access::WRITE_OK | Access::EXEC_OK) {
        return report.wrong(format!("{shown}: cannot be written: {error}"));
    }
    let free = match statvfs(there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return report.wrong(format!("{shown}: {error}")),
    };
    let text = format!("{shown}: {} MB free", count(free / 1_000_000));
    if free < LEAST_FREE_BYTES {
        return report.wrong(text);
    }
    if free < global.engine.spool_limit_bytes {
        let text = format!("{text}, less than `[engine] spool_limit`");
        return report.note(text);
    }
    report.ok(text)
}

/// The folder, or the first above it that there is.
fn existing(folder: &Path) -> &Path {
    let above = folder.ancestors().find(|folder| folder.exists());
    let above = above.filter(|folder| !folder.as_os_str().is_empty());
    above.unwrap_or(Path::new("."))
}

/// The state folders to look at: of one conf its use case's, else all.
fn state_folders(
    state: &Path,
    args: &Doctor,
    jobs: &[(PathBuf, Job)],
) -> Result<Vec<PathBuf>, Failure> {
    if args.confs.as_ref().is_some_and(|conf| !conf.is_dir()) {
        let folders = jobs
            .iter()
            .map(|(_, job)| state.join(folder_name(job.name())));
        return Ok(folders.filter(|folder| folder.is_dir()).collect());
    }
    let mut folders = Vec::new();
    match fs::read_dir(state) {
        Ok(entries) => {
            for entry in entries {
                folders.push(entry?.path());
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::Run(format!("{}: {error}", state.display()))),
    }
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}

/// Looks at a use case's state folder, and mends it.
fn state_folder(folder: &Path, mends: bool, report: &mut Report) -> Result<(), Failure> {
    let files = match inspect(folder) {
        Ok(files) => files,
        Err(error) => return report.wrong(error),
    };
    let is_damaged = |file: &StateFile| matches!(file.condition, Condition::Damaged { .. });
    let mends = mends && files.iter().any(is_damaged);
    for file in &files {
        let shown = described(file);
        match &file.condition {
            Condition::Right => report.ok(shown)?,
            Condition::Note(note) => report.note(format!("{shown}; {note}"))?,
            Condition::Damaged { what, .. } if mends => {
                report.note(format!("{shown}; damaged ({what})"))?;
            }
            Condition::Damaged { what, remedy } => {
                report.wrong(format!(
                    "{shown}; damaged ({what}); with `--repair` it is put aside, and {remedy}"
                ))?;
            }
        }
    }
    if !mends {
        return Ok(());
    }
    match repair(folder) {
        Ok(repaired) => {
            for file in repaired {
                let (path, kept) = (file.path.display(), file.kept.display());
                report.mended(format!("{path}: put aside as {kept}"))?;
            }
            Ok(())
        }
        Err(error) => report.wrong(format!("{}: not mended: {error}", folder.display())),
    }
}

fn described(file: &StateFile) -> String {
    let (path, what) = (file.path.display(), file.what);
    let version = file.version.map(|version| format!(", version {version}"));
    let length = counted(file.n_bytes, "byte");
    format!("{path}: {what}{}, {length}", version.unwrap_or_default())
}

/// Whether the outputs of a use case can be written to.
fn outputs(job: &Job, report: &mut Report) -> Result<(), Failure> {
    let name = job.name();
    for path in job.output_files() {
        let shown = path.display();
        // A url; whether there is anything behind it, a request would tell.
        if path.to_string_lossy().contains("://") {
            continue;
        }
        let there = existing(path);
        match access(there, Access::WRITE_OK) {
            Ok(()) => report.ok(format!("{name}: {shown} can be written"))?,
            Err(error) => report.wrong(format!("{name}: {shown} cannot be written: {error}"))?,
        }
    }
    for (output, server) in job.servers() {
        match reach(&server) {
            Ok(()) => report.ok(format!("{name}: {output} reaches {server}"))?,
            Err(error) => {
                report.wrong(format!("{name}: {output} does not reach {server}: {error}"))?;
            }
        }
    }
    Ok(())
}

/// Connects to a server and hangs up.
fn reach(server: &str) -> std::io::Result<()> {
    let mut last = Err(ErrorKind::AddrNotAvailable.into());
    for address in server.to_socket_addrs()? {
        last = TcpStream::connect_timeout(&address, PATIENCE).map(drop);
        if last.is_ok() {
            break;
        }
    }
    last
}
