//! `datashark ingest TYPE FILES`: captures, flows and logs into a store, each record once.
//!
//! Exit status: 0 where every file was read to its end, or is in the store already; 1 where one could not
//! be, or was not read to its end; 2 for a mistake.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use datashark_conf::Global;
use datashark_engine::{Clock, Ledger, Observer, Stop, SystemClock};
use datashark_ingest::{Counts, Ingest, IngestError, Said, Summary, Watch};
use datashark_output_delta::Kind;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{InputEntry, Micros, Progress};
use tokio::sync::watch;

use crate::args;
use crate::global::global;
use crate::logs::Logs;
use crate::progress::Watcher;
use crate::standalone::{on_signal, runtime};
use crate::store::of;
use crate::text::{count, counted, say};
use crate::{FAILED, Failure, WRONG};

/// Runs the command.
pub(crate) fn run(args: args::Ingest) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let logs = Logs::to_stderr(&global);
    runtime(global.engine.workers.max(2))?.block_on(run_in(args, global, logs))
}

async fn run_in(args: args::Ingest, global: Global, logs: Logs) -> Result<(), Failure> {
    logs.keep_telling();
    let Some(kind) = Kind::of_name(&args.kind) else {
        return Err(wrong(&format!(
            "expected flow, dns or proxy, found `{}`",
            args.kind
        )));
    };
    let mut options = Section::new();
    for (key, value) in &args.options {
        options.insert(key.as_str(), value.as_str());
    }
    let store = of(&args.store, &global)?;
    let folder = store.folder().display().to_string();
    let ingest = Ingest {
        kind,
        files: expanded(&args.files)?,
        store,
        said: Said {
            format: args.format,
            options,
        },
        entry: InputEntry::of::<datashark_input_file::Batch>(),
        n_workers: global.engine.workers,
        max_record_bytes: usize::try_from(global.engine.max_record_size_bytes)
            .unwrap_or(usize::MAX),
        block_bytes: usize::try_from(global.engine.block_size_bytes).unwrap_or(usize::MAX),
        commit_every: args.commit_every,
        stop: stopped(),
    };
    let watch = Shown(Watcher::new(
        &format!("ingest {}", kind.name()),
        io::stderr().is_terminal(),
    ));
    let done = ingest.run(&watch).await;
    watch.0.finish();
    match done {
        Ok(summary) => tell(&summary, &watch.0, &folder),
        Err(IngestError::Usage(message)) => Err(wrong(&message)),
        Err(error) => Err(Failure::Run(error.to_string())),
    }
}

fn wrong(message: &str) -> Failure {
    say(&format!("error: {message}"));
    Failure::Said(WRONG)
}

/// The files, and those in folders.
fn expanded(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let is_hidden = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        };
        let entries = fs::read_dir(path)?.flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = entries
            .filter(|it| it.is_file() && !is_hidden(it))
            .collect();
        if found.is_empty() {
            return Err(Failure::Run(format!(
                "folder `{}` has no file to read",
                path.display()
            )));
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Becomes true at Ctrl-C or SIGTERM.
fn stopped() -> watch::Receiver<bool> {
    let said = "stopping: committing what was read; once more to stop at once";
    let mut stop = on_signal(Stop::CloseWindows, said);
    let (stopping, stopped) = watch::channel(false);
    tokio::spawn(async move {
        if stop.wait_for(|stop| *stop != Stop::Not).await.is_ok() {
            let _ = stopping.send(true);
        }
        // Dropped, it would be taken for a stop.
        std::future::pending::<()>().await;
        drop(stopping);
    });
    stopped
}

/// An ingest as the user sees it.
struct Shown(Watcher);

impl Watch for Shown {
    fn now(&self) -> Micros {
        SystemClock.now()
    }

    fn progress(&self, progress: Progress, counts: &Counts) {
        let ledger = Ledger {
            read: counts.read,
            ..Ledger::default()
        };
        self.0.progress(progress, &ledger);
    }

    fn message(&self, text: &str) {
        self.0.message(text);
    }
}

fn tell(summary: &Summary, watcher: &Watcher, folder: &str) -> Result<(), Failure> {
    for passed_over in &summary.passed_over {
        say(&format!("passed over: {passed_over}"));
    }
    let counts = &summary.counts;
    let seconds = watcher.elapsed() as f64 / 1e6;
    say(&format!(
        "Read {} of {} in {seconds:.1} s = {} stored + {} of another kind + {} invalid",
        counted(counts.read, "record"),
        counted(summary.n_files, "file"),
        count(counts.stored),
        count(counts.others),
        count(counts.invalid),
    ));
    let invalid = match counts.invalid {
        0 => String::new(),
        _ => "; why records are invalid: `datashark sql \"SELECT * FROM invalid\"`".to_owned(),
    };
    say(&format!("Stored in {folder}{invalid}"));
    for failure in &summary.failures {
        say(&format!("error: {failure}"));
    }
    if summary.is_stopped {
        say("stopped before the end; the same command goes on from there");
    }
    match summary.failures.is_empty() && !summary.is_stopped {
        true => Ok(()),
        false => Err(Failure::Said(FAILED)),
    }
}
