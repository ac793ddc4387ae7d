//! `datashark standalone`: runs one use case, to debug it or to use it by hand.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use datashark_conf::Global;
use datashark_engine::{Error, Job, Observer, RunOptions, Stop, Summary, SystemClock, check};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::args::Standalone;
use crate::board::{Board, Watched};
use crate::console::Console;
use crate::global::global;
use crate::logs::Logs;
use crate::progress::Watcher;
use crate::registry::registry;
use crate::signals::second;
use crate::text::{count, counted, render, say};
use crate::{FAILED, Failure, WRONG, http};

/// Runs a use case.
pub(crate) fn run(args: Standalone) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let logs = Logs::to_stderr(&global);
    runtime(2)?.block_on(run_in(args, global, logs))
}

/// The runtime of everything that waits; the work on records has threads of its own.
pub(crate) fn runtime(n_threads: usize) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(n_threads).enable_all().build()?)
}

async fn run_in(args: Standalone, global: Global, logs: Logs) -> Result<(), Failure> {
    logs.keep_telling();
    say(&format!(
        "dataShark {} - standalone mode",
        env!("CARGO_PKG_VERSION")
    ));
    say(&format!("Loaded Confs: ['{}']", args.conf.display()));
    if args.debug {
        say("[*] Debug Mode is ON");
    }
    let checked = check(&args.conf, &global, &registry(&global)).await;
    say(&render(&checked.diagnostics));
    let Some(job) = checked.job else {
        return Err(Failure::Said(WRONG));
    };
    let stop = stop_on_signal();
    tell_modules(&job, args.debug);
    let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
    let options = RunOptions {
        once: args.once,
        retrain: args.retrain,
        state_folder: global.engine.state_folder.clone(),
        clock: Arc::new(SystemClock),
        stop,
        n_workers: None,
    };
    let board = Arc::new(Board::default());
    let conf = args.conf.display().to_string();
    let entry = board.add(job.name(), conf, job.is_streaming());
    entry.starts();
    board.loaded();
    let server = match args.http.flatten() {
        Some(address) => Some(http::serve(address, board).await.map_err(Failure::Run)?),
        None => None,
    };
    let observer: Arc<dyn Observer> = match &server {
        Some(_) => Arc::new(Watched {
            watcher: Arc::clone(&watcher),
            entry,
        }),
        None => Arc::clone(&watcher) as _,
    };
    let done = match args.debug {
        true => job.debug(Box::new(Console), options, observer).await,
        false => job.run(options, observer).await,
    };
    watcher.finish();
    match done {
        Ok(summary) => tell_end(&summary, &watcher),
        Err(error) if is_closed_pipe(&error) => Err(Failure::ClosedPipe),
        Err(error) => Err(Failure::Run(error.to_string())),
    }
}

fn tell_modules(job: &Job, debug: bool) {
    if !job.is_streaming() {
        return;
    }
    let conf = job.conf();
    let input = conf
        .input
        .as_ref()
        .map_or("batch", |input| input.name.as_str());
    let outputs: Vec<&str> = conf
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    let output = if debug {
        "console".to_owned()
    } else {
        outputs.join(", ")
    };
    say(&format!("{}: input {input}, output {output}", job.name()));
}

/// Stops the run at Ctrl-C or SIGTERM: its windows are closed and delivered. The second ends the
/// process at once.
pub(crate) fn stop_on_signal() -> watch::Receiver<Stop> {
    let said = "stopping: closing the open windows; once more to stop at once";
    on_signal(Stop::CloseWindows, said)
}

/// Stops the run so at Ctrl-C or SIGTERM, and says so. The second ends the process at once.
pub(crate) fn on_signal(how: Stop, said: &'static str) -> watch::Receiver<Stop> {
    let (stop, stopped) = watch::channel(Stop::Not);
    // Asked for here, so that none is missed before the task begins.
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate)] = signals else {
        tracing::warn!("signals cannot be waited for: Ctrl-C ends the run at once");
        // Whoever waits for a stop waits for ever.
        std::mem::forget(stop);
        return stopped;
    };
    let mut asked = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::spawn(async move {
        asked().await;
        say(said);
        let _ = stop.send(how);
        second(asked).await;
        std::process::exit(130);
    });
    stopped
}

pub(crate) fn is_closed_pipe(error: &Error) -> bool {
    let Error::Plugin(datashark_sdk::Error::Io { source, .. }) = error else {
        return false;
    };
    source.kind() == io::ErrorKind::BrokenPipe
}

/// The account of every record, in two lines.
pub(crate) fn tell_end(summary: &Summary, watcher: &Watcher) -> Result<(), Failure> {
    let ledger = &summary.ledger;
    let seconds = watcher.elapsed() as f64 / 1e6;
    let read = format!(
        "Read {} ({}) in {seconds:.1} s = {} filtered + {} invalid + {} late + {} aggregated + {} in flight",
        counted(ledger.read, "record"),
        counted(ledger.n_bytes, "byte"),
        count(ledger.filtered),
        count(ledger.invalid),
        count(ledger.late),
        count(ledger.aggregated),
        count(ledger.in_flight),
    );
    say(&read);
    let mut end = format!(
        "{} in {}; conservation gap {}",
        counted(summary.n_findings, "finding"),
        counted(summary.n_windows, "window"),
        ledger.conservation_gap(),
    );
    if ledger.replaced > 0 {
        end.push_str(&format!(
            "; {} not UTF-8, mended",
            counted(ledger.replaced, "record")
        ));
    }
    if ledger.invalid > 0 {
        end.push_str(&match &summary.quarantine {
            Some(folder) => format!("; invalid records are kept in {}", folder.display()),
            None => "; invalid records are not kept".to_owned(),
        });
    }
    say(&end);
    for failure in &summary.failures {
        say(&format!("error: {failure}"));
    }
    match summary.failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Said(FAILED)),
    }
}
