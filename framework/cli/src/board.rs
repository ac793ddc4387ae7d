//! The board: what every use case of this process is doing, for whoever asks.
//!
//! A run tells its [`Entry`] how it stands, a few times a second; metrics, `/api/usecases` and what
//! systemd is told are made of what was told last. Nothing is counted here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datashark_engine::{
    Clock, Ledger, Observer, OutputStatus, Status, SystemClock, Tap, TapPoint, Taps,
};
use datashark_sdk::input::{Micros, Progress};
use serde::{Deserialize, Serialize};

use crate::progress::Watcher;

/// All use cases that were started, by name.
#[derive(Debug, Default)]
pub(crate) struct Board {
    entries: Mutex<BTreeMap<String, Arc<Entry>>>,
    is_loaded: AtomicBool,
}

/// One use case.
#[derive(Debug)]
pub(crate) struct Entry {
    shown: Mutex<UseCase>,
    taps: Arc<Taps>,
}

/// What `/api/usecases` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Of dataShark.
    pub(crate) version: String,
    /// When it was made, in microseconds since 1970.
    pub(crate) time: Micros,
    pub(crate) use_cases: Vec<UseCase>,
}

/// What a use case is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UseCase {
    pub(crate) name: String,
    /// The path of its conf.
    pub(crate) conf: String,
    pub(crate) is_streaming: bool,
    pub(crate) state: State,
    /// Why it failed last, until it runs again.
    pub(crate) reason: Option<String>,
    /// How often it has failed and was to run again.
    pub(crate) n_restarts: u64,
    /// How its run stands, or stood at its end.
    pub(crate) run: Option<Status>,
    /// How its outputs stand.
    pub(crate) outputs: BTreeMap<String, OutputStatus>,
}

/// What a use case is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Batches are before it.
    Waiting,
    /// It opens its input and its outputs, and learns.
    Starting,
    /// It reads.
    Running,
    /// It failed and waits to run again.
    Failed,
    /// It has come to its end.
    Ended,
}

impl State {
    /// All there are.
    pub(crate) const ALL: [State; 5] = [
        State::Waiting,
        State::Starting,
        State::Running,
        State::Failed,
        State::Ended,
    ];

    /// As JSON, metrics and the terminal have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Starting => "starting",
            State::Running => "running",
            State::Failed => "failed",
            State::Ended => "ended",
        }
    }
}

impl Board {
    /// Adds a use case, in place of the one of this name if there is one.
    pub(crate) fn add(&self, name: &str, conf: String, is_streaming: bool) -> Arc<Entry> {
        let shown = UseCase {
            name: name.to_owned(),
            conf,
            is_streaming,
            state: State::Waiting,
            reason: None,
            n_restarts: 0,
            run: None,
            outputs: BTreeMap::new(),
        };
        let entry = Arc::new(Entry {
            shown: Mutex::new(shown),
            taps: Arc::default(),
        });
        self.entries()
            .insert(name.to_lowercase(), Arc::clone(&entry));
        entry
    }

    /// Takes use cases off, by their names in small letters.
    pub(crate) fn remove(&self, names: &[String]) {
        self.entries().retain(|name, _| !names.contains(name));
    }

    /// All that is to run was added.
    pub(crate) fn loaded(&self) {
        self.is_loaded.store(true, Ordering::Relaxed);
    }

    /// What all are doing.
    pub(crate) fn report(&self) -> Report {
        let entries: Vec<Arc<Entry>> = self.entries().values().cloned().collect();
        Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time: SystemClock.now(),
            use_cases: entries.iter().map(|entry| entry.shown().clone()).collect(),
        }
    }

    /// Why not all that is to run does; nothing where it does. A batch may have ended or wait.
    pub(crate) fn unready(&self) -> Vec<String> {
        if !self.is_loaded.load(Ordering::Relaxed) {
            return vec!["the confs are being read".to_owned()];
        }
        let entries = self.entries();
        let unready = entries.values().filter_map(|entry| {
            let shown = entry.shown();
            let is_ready = !shown.is_streaming || shown.state == State::Running;
            (!is_ready).then(|| match &shown.reason {
                Some(reason) => format!("{}: {}: {reason}", shown.name, shown.state.as_str()),
                None => format!("{}: {}", shown.name, shown.state.as_str()),
            })
        });
        unready.collect()
    }

    /// How many use cases are in which state, in a line: `2 running, 1 failed`.
    pub(crate) fn line(&self) -> String {
        let entries = self.entries();
        let n_of = |state| {
            let is = |entry: &&Arc<Entry>| entry.shown().state == state;
            entries.values().filter(is).count()
        };
        let counts = State::ALL.map(|state| (n_of(state), state.as_str()));
        let there = counts.iter().filter(|(n, _)| *n > 0);
        let texts: Vec<String> = there.map(|(n, state)| format!("{n} {state}")).collect();
        texts.join(", ")
    }

    /// Opens a tap; `None` where there is no use case of this name.
    ///
    /// # Errors
    /// As many are open as may be.
    pub(crate) fn tap(&self, name: &str, at: TapPoint) -> Option<Result<Tap, &'static str>> {
        let entries = self.entries();
        let entry = entries.get(&name.to_lowercase())?;
        Some(entry.taps.open(at).ok_or("too many taps are open there"))
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// It begins, for the first time or again.
    pub(crate) fn starts(&self) {
        self.shown().state = State::Starting;
    }

    /// It failed and will run again.
    pub(crate) fn failed(&self, reason: &str) {
        let mut shown = self.shown();
        shown.state = State::Failed;
        shown.reason = Some(reason.to_owned());
        shown.n_restarts += 1;
    }

    /// It has come to its end.
    pub(crate) fn ended(&self) {
        let mut shown = self.shown();
        shown.state = State::Ended;
        shown.reason = None;
    }

    fn shown(&self) -> MutexGuard<'_, UseCase> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches a run for the user and for the board.
pub(crate) struct Watched {
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) entry: Arc<Entry>,
}

impl Observer for Watched {
    fn progress(&self, progress: Progress, ledger: &Ledger) {
        self.watcher.progress(progress, ledger);
    }

    fn wants_status(&self) -> bool {
        true
    }

    fn status(&self, status: Status) {
        let mut shown = self.entry.shown();
        shown.state = State::Running;
        shown.reason = None;
        shown.run = Some(status);
    }

    fn output(&self, name: &str, status: &OutputStatus) {
        let mut shown = self.entry.shown();
        shown.outputs.insert(name.to_owned(), status.clone());
    }

    fn taps(&self) -> Arc<Taps> {
        Arc::clone(&self.entry.taps)
    }

    fn message(&self, text: &str) {
        self.watcher.message(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(board: &Board, name: &str, is_streaming: bool) -> Watched {
        Watched {
            watcher: Arc::new(Watcher::new(name, false)),
            entry: board.add(name, String::new(), is_streaming),
        }
    }

    #[test]
    fn it_is_ready_once_the_confs_are_loaded_and_every_stream_runs() {
        let board = Board::default();
        assert_eq!(board.unready(), ["the confs are being read"]);
        let (hits, _words) = (
            watched(&board, "Hits", true),
            watched(&board, "Words", false),
        );
        board.loaded();
        assert_eq!(board.unready(), ["Hits: waiting"]);
        hits.entry.starts();
        hits.status(Status::default());
        assert!(board.unready().is_empty());
        assert_eq!(board.line(), "1 waiting, 1 running");
        hits.entry.failed("a full disk");
        assert_eq!(board.unready(), ["Hits: failed: a full disk"]);
        hits.entry.starts();
        hits.status(Status::default());
        assert!(board.unready().is_empty());
        let report = board.report();
        assert_eq!(report.use_cases[0].n_restarts, 1);
        assert_eq!(report.use_cases[0].reason, None);
        board.remove(&["hits".to_owned()]);
        assert_eq!(board.report().use_cases.len(), 1);
    }
}
