//! `datashark start`: the production daemon.
//!
//! ```text
//!  confs ──► load: all are right, or nothing starts
//!              │
//!              ├─► batch use cases, one after another, then again where they have an interval;
//!              │   those with a schedule when their time comes
//!              └─► streaming use cases, side by side ──► supervise: run, and again where it fails
//!
//!  SIGHUP  ──► load again ──► what was changed is stopped and started, the rest goes on
//!  SIGTERM ──► all are stopped ──► what was delivered is committed ──► exit 0
//! ```
//! A use case that is stopped leaves its open windows: what they hold is read again at the next
//! start, so that no window is delivered in two parts.

pub(crate) mod load;
mod lock;
mod service;
mod supervise;
mod timetable;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datashark_conf::Global;
use datashark_engine::{Stop, Streams};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::{Reload, Start};
use crate::board::Board;
use crate::global::global;
use crate::logs::Logs;
use crate::signals::second;
use crate::standalone::runtime;
use crate::text::{counted, render, say};
use crate::{FAILED, Failure, WRONG, http};
use load::{Loaded, UseCase, load};
use lock::Lock;
use service::Service;
use supervise::{Turn, Turns, supervise};

/// The exit status where a second signal ends the process at once, as a shell gives it.
const INTERRUPTED: i32 = 130;

/// Runs every enabled use case until it is told to stop.
pub(crate) fn run(args: Start) -> Result<(), Failure> {
    let engine = global(&args.engine)?;
    let logs = Logs::to_stderr(&engine);
    say(&format!("dataShark {}", env!("CARGO_PKG_VERSION")));
    if args.local {
        say("note: `--local` changes nothing: all runs in this process");
    }
    let _lock = Lock::take(&engine.engine.state_folder).map_err(Failure::Run)?;
    runtime(2)?.block_on(daemon(args, &engine, logs))
}

/// Tells the daemon of the state folder to read its confs again.
pub(crate) fn reload(args: &Reload) -> Result<(), Failure> {
    let folder = global(&args.engine)?.engine.state_folder;
    lock::hang_up(&folder).map_err(Failure::Run)?;
    say("the daemon reads its confs again; its log says what came of it");
    Ok(())
}

async fn daemon(args: Start, engine: &Global, logs: Logs) -> Result<(), Failure> {
    // Before anything is started, so that none is missed.
    let mut signals = Signals::listen()?;
    logs.keep_telling();
    let board = Arc::new(Board::default());
    let _server = match args.http.over(engine.engine.http) {
        Some(address) => {
            let board = Arc::clone(&board);
            Some(http::serve(address, board).await.map_err(Failure::Run)?)
        }
        None => None,
    };
    let mut service = Service::new(Arc::clone(&board));
    let loaded = load(&args).await.map_err(|diagnostics| {
        say(&render(&diagnostics));
        Failure::Said(WRONG)
    })?;
    loaded.tell();
    if loaded.use_cases.is_empty() {
        let folder = loaded.folder.display();
        say(&format!("error: no use case below {folder} is enabled"));
        return Err(Failure::Said(WRONG));
    }
    let mut daemon = Daemon::new(args, &loaded, Arc::clone(&board));
    daemon.start_all(loaded.use_cases);
    board.loaded();
    service.ready();
    loop {
        tokio::select! {
            biased;
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::Reload => {
                    service.reloading();
                    service.beside(daemon.reload()).await;
                    service.ready();
                }
            },
            ended = daemon.tasks.join_next() => match ended {
                Some(name) => daemon.ended(name),
                None => return Ok(()),
            },
            () = service.beat() => service.tell_status(),
        }
    }
    service.stopping();
    service.beside(daemon.stop(signals)).await
}

/// What runs.
struct Daemon {
    args: Start,
    shutdown_timeout: Duration,
    board: Arc<Board>,
    /// What several of them read together.
    streams: Streams,
    /// Every use case that was started, those that came to their end too: an unchanged batch is not
    /// run again by a reload.
    started: BTreeMap<String, Started>,
    /// A task for each that has not ended; it gives the use case's name.
    tasks: JoinSet<String>,
}

struct Started {
    fingerprint: Vec<u8>,
    stop: watch::Sender<Stop>,
    has_ended: bool,
}

impl Daemon {
    fn new(args: Start, loaded: &Loaded, board: Arc<Board>) -> Self {
        Daemon {
            args,
            shutdown_timeout: loaded.global.engine.shutdown_timeout,
            board,
            streams: Streams::default(),
            started: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Starts the first ones: batches in the order of their confs, then what streams. Nobody waits for
    /// a batch whose time is yet to come.
    fn start_all(&mut self, use_cases: Vec<UseCase>) {
        let (timed, at_once): (Vec<_>, Vec<_>) =
            use_cases.into_iter().partition(UseCase::waits_for_its_time);
        let (batches, streams): (Vec<_>, Vec<_>) =
            at_once.into_iter().partition(|it| !it.job.is_streaming());
        let turns = Turns::default();
        for (n, use_case) in batches.into_iter().enumerate() {
            self.start(use_case, turns.after(n));
        }
        let behind_all = self.started.len();
        for use_case in streams {
            self.start(use_case, turns.after(behind_all));
        }
        for use_case in timed {
            self.start(use_case, Turn::now());
        }
    }

    fn start(&mut self, mut use_case: UseCase, turn: Turn) {
        let (stop, stopped) = watch::channel(Stop::Not);
        self.streams.join(&mut use_case.job);
        let name = use_case.name();
        let started = Started {
            fingerprint: use_case.fingerprint.clone(),
            stop,
            has_ended: false,
        };
        self.started.insert(name, started);
        let conf = use_case.path.display().to_string();
        let job = &use_case.job;
        let entry = self.board.add(job.name(), conf, job.is_streaming());
        let streams = self.streams.clone();
        self.tasks
            .spawn(supervise(use_case, turn, stopped, entry, streams));
    }

    /// Notes that a use case has come to its end.
    fn ended(&mut self, name: Result<String, tokio::task::JoinError>) {
        match name {
            Ok(name) => {
                if let Some(started) = self.started.get_mut(&name) {
                    started.has_ended = true;
                }
            }
            Err(error) => tracing::error!(%error, "what supervises a use case has failed"),
        }
    }

    /// Reads the confs again: what is changed, added or gone is stopped or started. With a mistake in
    /// any of them all goes on as it was.
    async fn reload(&mut self) {
        say("reloading the confs");
        let loaded = match load(&self.args).await {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                say(&render(&diagnostics));
                say("nothing was reloaded: what ran goes on");
                return;
            }
        };
        loaded.tell();
        self.shutdown_timeout = loaded.global.engine.shutdown_timeout;
        let is_as_before = |use_case: &UseCase| {
            let started = self.started.get(&use_case.name());
            started.is_some_and(|started| started.fingerprint == use_case.fingerprint)
        };
        let (same, new): (Vec<_>, Vec<_>) = loaded.use_cases.into_iter().partition(is_as_before);
        let same: Vec<String> = same.iter().map(UseCase::name).collect();
        let others = self.started.keys().filter(|name| !same.contains(name));
        let others: Vec<String> = others.cloned().collect();
        self.stop_some(&others).await;
        let is_new = |name: &str| new.iter().any(|use_case| use_case.name() == name);
        let gone = others.iter().filter(|name| !is_new(name));
        gone.for_each(|name| self.streams.leave(name));
        self.board.remove(&others);
        say(&format!(
            "reloaded: {} as before, {} stopped, {} started",
            same.len(),
            others.len(),
            new.len()
        ));
        for use_case in new {
            self.start(use_case, Turn::now());
        }
    }

    /// Stops these use cases and waits until they have.
    async fn stop_some(&mut self, names: &[String]) {
        for name in names {
            if let Some(started) = self.started.get(name) {
                let _ = started.stop.send(Stop::LeaveWindows);
            }
        }
        let runs = |started: &BTreeMap<String, Started>| {
            let runs = |name| started.get(name).is_some_and(|it: &Started| !it.has_ended);
            names.iter().any(runs)
        };
        while runs(&self.started) {
            match self.tasks.join_next().await {
                Some(name) => self.ended(name),
                None => break,
            }
        }
        self.started.retain(|name, _| !names.contains(name));
    }

    /// Stops all and waits until they have, but not for ever.
    async fn stop(mut self, mut signals: Signals) -> Result<(), Failure> {
        say("stopping; once more to stop at once");
        let names: Vec<String> = self.started.keys().cloned().collect();
        let within = self.shutdown_timeout;
        let streams = self.streams.clone();
        let all = async {
            self.stop_some(&names).await;
            streams.close().await;
        };
        tokio::select! {
            () = all => {
                say("stopped");
                return Ok(());
            }
            () = tokio::time::sleep(within) => {}
            () = second(async || signals.stop().await) => std::process::exit(INTERRUPTED),
        }
        let n_left = self.tasks.len() as u64;
        say(&format!(
            "error: {} not stopped within `shutdown_timeout = {}s`; what was not committed is read again",
            counted(n_left, "use case"),
            within.as_secs()
        ));
        // Threads that do not end would be waited for.
        std::process::exit(FAILED.into())
    }
}

/// The signals that a daemon listens to.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }

    async fn stop(&mut self) {
        while let Asked::Reload = self.next().await {}
    }
}
