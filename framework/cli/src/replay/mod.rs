//! `datashark replay`: a use case over the past of its input, and what another conf would make of it.
//!
//! The engine runs as it does live, and leaves no trace: neither the state folder of the use case nor a
//! consumer group nor an output knows of a replay ([`Job::replay`] says what counts and where reading
//! begins and ends). What has to wait on disk is in a temporary folder below the state folder; what a
//! killed replay leaves of it the next one removes.
//!
//! Findings go to standard output as with `standalone -d`, into a file (`--to-csv`), or to the conf's
//! outputs (`--deliver`). `--diff` replays both confs one after another, the second over the records that
//! the first has read, and prints the differences; it needs the disk for all findings of both, and
//! memory for those of one window of each.
//!
//! Exit status: 0 at the end of the past, also with differences; 1 where it could not be read to its end,
//! or was stopped, and with `--exit-code` where there are differences; 2 for a mistake.

mod diff;
mod spill;
mod time;
mod to_csv;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use datashark_conf::{Diagnostics, Global};
use datashark_engine::{
    Clock, Job, ReadPast, Replayed, RunOptions, Scratch, Stop, SystemClock, check,
};
use datashark_sdk::input::Micros;
use datashark_sdk::output::DynOutput;
use tokio::sync::watch;

use self::diff::{Stopped, diff};
use self::spill::{Spill, windows};
use self::time::Range;
pub(crate) use self::time::Time;
use self::to_csv::CsvTarget;
use crate::args::Replay;
use crate::console::Console;
use crate::global::global;
use crate::logs::Logs;
use crate::progress::Watcher;
use crate::registry::registry;
use crate::standalone::{is_closed_pipe, on_signal, runtime, tell_end};
use crate::text::{count, counted, render, say};
use crate::{FAILED, Failure, WRONG};

/// Runs the command.
pub(crate) fn run(args: Replay) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let logs = Logs::to_stderr(&global);
    runtime(2)?.block_on(run_in(args, global, logs))
}

async fn run_in(args: Replay, global: Global, logs: Logs) -> Result<(), Failure> {
    logs.keep_telling();
    let now = SystemClock.now();
    let range = Range::between(args.from, args.to, now).map_err(wrong)?;
    let csv = args.to_csv.as_deref().map(CsvTarget::check).transpose();
    let csv = csv.map_err(wrong)?;
    let mut jobs = checked(&args, range, &global).await?.into_iter();
    let (Some(job), other) = (jobs.next(), jobs.next()) else {
        return Err(Failure::Said(WRONG));
    };
    let scratch = Scratch::make_in(&global.engine.state_folder).map_err(failed)?;
    let past = Past {
        range,
        now,
        global,
        stop: on_signal(Stop::LeaveWindows, "stopping; once more to stop at once"),
        scratch,
    };
    if let Some(other) = other {
        return past.compare(job, other, args.exit_code).await;
    }
    let output: Option<Box<dyn DynOutput>> = match &csv {
        Some(csv) => Some(csv.output(&past.scratch)),
        None if args.deliver.is_some() => None,
        None => Some(Box::new(Console)),
    };
    let replayed = past.replay(job, output, None).await?;
    if let Some(csv) = csv {
        let path = csv.path().display();
        let moved = csv.finish(&past.scratch);
        moved.map_err(|error| Failure::Run(format!("`{path}` cannot be written: {error}")))?;
        let n_findings = counted(replayed.summary.n_findings, "finding");
        say(&format!("Written {n_findings} to {path}"));
    }
    Ok(())
}

fn wrong(message: String) -> Failure {
    say(&format!("error: {message}"));
    Failure::Said(WRONG)
}

fn failed(error: datashark_engine::Error) -> Failure {
    Failure::Run(error.to_string())
}

/// The use cases, if all that was asked can be done.
async fn checked(args: &Replay, range: Range, global: &Global) -> Result<Vec<Job>, Failure> {
    let mut diagnostics = Diagnostics::new();
    let mut jobs = Vec::new();
    for path in [Some(&args.conf), args.diff.as_ref()].into_iter().flatten() {
        let checked = check(path, global, &registry(global)).await;
        diagnostics.extend(checked.diagnostics);
        let Some(mut job) = checked.job else { continue };
        let problems = job.check_replay(range.is_bounded(), args.deliver.as_deref());
        if let Some(source) = datashark_conf::check(path).source {
            diagnostics.extend(source.diagnose(problems));
        }
        jobs.push(job);
    }
    say(&render(&diagnostics));
    match diagnostics.has_errors() {
        true => Err(Failure::Said(WRONG)),
        false => Ok(jobs),
    }
}

/// The past, and how it is gone through.
struct Past {
    range: Range,
    now: Micros,
    global: Global,
    stop: watch::Receiver<Stop>,
    scratch: Scratch,
}

impl Past {
    /// Runs one use case over it.
    async fn replay(
        &self,
        job: Job,
        output: Option<Box<dyn DynOutput>>,
        bounds: Option<ReadPast>,
    ) -> Result<Replayed, Failure> {
        let range = match job.is_streaming() {
            true => self.range.up_to(self.now),
            false => self.range,
        };
        say(&format!("{}: the past {}", job.name(), range.describe()));
        let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
        let options = RunOptions {
            once: true,
            retrain: false,
            state_folder: self.global.engine.state_folder.clone(),
            clock: Arc::new(SystemClock),
            stop: self.stop.clone(),
            n_workers: None,
        };
        let replay = datashark_engine::Replay {
            from: range.from,
            to: range.to,
            bounds,
            output,
            scratch: &self.scratch,
        };
        let replayed = Box::pin(job.replay(replay, options, Arc::clone(&watcher) as _)).await;
        watcher.finish();
        let replayed = match replayed {
            Err(error) if is_closed_pipe(&error) => return Err(Failure::ClosedPipe),
            replayed => replayed.map_err(failed)?,
        };
        tell_end(&replayed.summary, &watcher)?;
        match *self.stop.borrow() {
            Stop::Not => Ok(replayed),
            _ => Err(Failure::Run(
                "stopped before the end of the past".to_owned(),
            )),
        }
    }

    /// Runs two use cases over it and prints how their findings differ.
    async fn compare(&self, job: Job, other: Job, exit_code: bool) -> Result<(), Failure> {
        let paths = ["before", "after"].map(|name| self.scratch.path().join(name));
        let [before, after] = &paths;
        let is_same_input = job.reads_the_same_as(&other);
        let replayed = self.replay(job, Some(spill(before)?), None).await?;
        let bounds = is_same_input.then_some(replayed.read);
        self.replay(other, Some(spill(after)?), bounds).await?;
        let unreadable = |error: datashark_sdk::Error| Failure::Run(error.to_string());
        let before = windows(before).map_err(unreadable)?;
        let after = windows(after).map_err(unreadable)?;
        let mut out = BufWriter::new(io::stdout().lock());
        let totals = diff(before, after, &mut out).map_err(|stopped| match stopped {
            Stopped::Unreadable(error) => unreadable(error),
            Stopped::Unwritable(error) => error.into(),
        })?;
        out.flush()?;
        say(&format!(
            "{} added, {} removed, {} changed, {} the same",
            counted(totals.n_added, "finding"),
            count(totals.n_removed),
            count(totals.n_changed),
            count(totals.n_same),
        ));
        match exit_code && totals.is_different() {
            true => Err(Failure::Said(FAILED)),
            false => Ok(()),
        }
    }
}

fn spill(path: &Path) -> Result<Box<dyn DynOutput>, Failure> {
    let spill = Spill::create(path).map_err(|error| Failure::Run(error.to_string()))?;
    Ok(Box::new(spill))
}
