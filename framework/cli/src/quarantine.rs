//! `datashark quarantine`: what could not be read or delivered, and another try for it.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use datashark_conf::Global;
use datashark_engine::{
    Job, QuarantineFolder, ReplayKept, ReplayedKept, RunOptions, SystemClock, check, drop_kept,
    folder_name,
};

use crate::args::{Kept, Quarantine};
use crate::global::global;
use crate::logs::Logs;
use crate::progress::Watcher;
use crate::registry::registry;
use crate::standalone::{runtime, stop_on_signal};
use crate::text::{counted, render, say};
use crate::{FAILED, Failure, WRONG};

/// Reasons that are listed of each kind, the most frequent.
const N_REASONS: usize = 5;

/// Runs one of the subcommands.
pub(crate) fn run(command: Quarantine) -> Result<(), Failure> {
    match command {
        Quarantine::List { engine } => list(&global(&engine)?.engine.state_folder),
        Quarantine::Show(args) => with_job(&args, |job, global| show(&args, &job, &global)),
        Quarantine::Drop(args) => with_job(&args, |job, global| {
            let what = wanted(&args);
            drop_kept(&global.engine.state_folder, job.name(), what).map_err(failed)
        }),
        Quarantine::Replay(args) => with_job(&args, |job, global| replay(&args, job, &global)),
    }
}

/// Does something with the use case that a conf describes.
fn with_job(
    args: &Kept,
    act: impl FnOnce(Job, Global) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let _ = Logs::to_stderr(&global);
    let checked = runtime(2)?.block_on(check(&args.conf, &global, &registry(&global)));
    say(&render(&checked.diagnostics));
    match checked.job {
        Some(job) => act(job, global),
        None => Err(Failure::Said(WRONG)),
    }
}

/// What the command line asks for: both, where it does not say.
fn wanted(args: &Kept) -> ReplayKept {
    ReplayKept {
        records: !args.findings,
        findings: !args.records,
    }
}

fn failed(error: datashark_engine::Error) -> Failure {
    Failure::Run(error.to_string())
}

fn list(state: &Path) -> Result<(), Failure> {
    let mut folders: Vec<_> = match fs::read_dir(state) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Failure::Run(format!("{}: {error}", state.display()))),
    };
    folders.sort();
    let mut stdout = io::stdout().lock();
    let mut is_empty = true;
    for folder in folders {
        for contents in QuarantineFolder::of(&folder).contents().map_err(failed)? {
            is_empty = false;
            let what = match contents.kind.as_str() {
                "records" => counted(contents.n_entries, "record"),
                output => format!("{} for {output}", counted(contents.n_entries, "finding")),
            };
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let (first, last) = (&contents.first, &contents.last);
            writeln!(stdout, "{name}: {what}, kept {first} to {last}")?;
            for (reason, n) in contents.reasons.iter().take(N_REASONS) {
                writeln!(stdout, "  {n:>9}  {reason}")?;
            }
            if let n @ 1.. = contents.reasons.len().saturating_sub(N_REASONS) {
                writeln!(
                    stdout,
                    "             and {}",
                    counted(n as u64, "other reason")
                )?;
            }
        }
    }
    if is_empty {
        say(&format!(
            "nothing is in quarantine below {}",
            state.display()
        ));
    }
    Ok(())
}

fn show(args: &Kept, job: &Job, global: &Global) -> Result<(), Failure> {
    let what = wanted(args);
    let folder = global.engine.state_folder.join(folder_name(job.name()));
    let quarantine = QuarantineFolder::of(&folder);
    let mut stdout = io::stdout().lock();
    for kind in quarantine.kinds().map_err(failed)? {
        let is_wanted = match kind == "records" || kind == "windows" {
            true => what.records,
            false => what.findings,
        };
        if is_wanted {
            for line in quarantine.lines(&kind).map_err(failed)? {
                writeln!(stdout, "{}", line.map_err(failed)?)?;
            }
        }
    }
    Ok(())
}

fn replay(args: &Kept, job: Job, global: &Global) -> Result<(), Failure> {
    let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
    let replayed = runtime(2)?.block_on(async {
        let options = RunOptions {
            once: true,
            retrain: false,
            state_folder: global.engine.state_folder.clone(),
            clock: Arc::new(SystemClock),
            stop: stop_on_signal(),
            n_workers: None,
        };
        job.replay_kept(wanted(args), options, Arc::clone(&watcher) as _)
            .await
    });
    watcher.finish();
    let ReplayedKept {
        n_records,
        n_invalid,
        n_windows,
        n_found,
        n_findings,
        n_refused,
    } = replayed.map_err(failed)?;
    if n_windows > 0 {
        say(&format!("{} scored again", counted(n_windows, "window")));
    }
    say(&format!(
        "{} read again: {} again invalid, {}; {} delivered again: {} refused",
        counted(n_records, "record"),
        crate::text::count(n_invalid),
        counted(n_found, "finding"),
        counted(n_findings, "finding"),
        crate::text::count(n_refused),
    ));
    match n_invalid + n_refused {
        0 => Ok(()),
        _ => Err(Failure::Said(FAILED)),
    }
}
