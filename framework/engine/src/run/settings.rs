//! How a run is to go, who watches it, and what came of it.

use std::sync::Arc;

use datashark_sdk::input::{Micros, Progress};
use tokio::sync::watch;

use super::status::Status;
use crate::clock::Clock;
use crate::deliver::OutputStatus;
use crate::ledger::Ledger;
use crate::tap::Taps;

/// What a run tells whoever watches it.
pub trait Observer: Send + Sync {
    /// How far the input is and what became of the records so far.
    fn progress(&self, progress: Progress, ledger: &Ledger) {
        let _ = (progress, ledger);
    }

    /// Whether [`Observer::status`] is to be called.
    fn wants_status(&self) -> bool {
        false
    }

    /// How the run stands: when it has begun, then several times a second, and at its end.
    fn status(&self, status: Status) {
        let _ = status;
    }

    /// How an output stands: when it is open, then with every delivery and every try.
    fn output(&self, name: &str, status: &OutputStatus) {
        let _ = (name, status);
    }

    /// Where a sample of what flows may be tapped.
    fn taps(&self) -> Arc<Taps> {
        Arc::default()
    }

    /// A line for the user: `Written 3 Documents to CSV File x`.
    fn message(&self, text: &str) {
        let _ = text;
    }
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The input's end.
    End,
    /// It is stopped.
    Stopped,
}

/// What to do with the windows that are open when a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    Not,
    /// Close them with the records they have, and deliver them: Ctrl-C at a console.
    CloseWindows,
    /// Leave them: their records will be read again. Those of an input that cannot are closed all the
    /// same.
    LeaveWindows,
}

/// How to run.
pub(crate) struct Settings {
    pub(crate) n_lanes: usize,
    pub(crate) until: Until,
    pub(crate) idle_timeout: Micros,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) ledger: Ledger,
    /// What could not be read.
    pub(crate) failures: Vec<String>,
}
