//! What a run says while it runs: lines for the user, and on a terminal a progress bar.

use std::sync::Mutex;
use std::time::Duration;

use datashark_engine::{Clock, Ledger, Observer, SystemClock};
use datashark_sdk::input::{Micros, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::{count, local_time, say};

/// A run shorter than this shows no bar.
const SHOWN_AFTER: Micros = 1_000_000;

/// Watches a run for the user at standard error.
pub(crate) struct Watcher {
    name: String,
    started: Micros,
    is_terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Watcher {
    /// Watches the run of a use case.
    pub(crate) fn new(name: &str, is_terminal: bool) -> Self {
        let started = SystemClock.now();
        Watcher {
            name: name.to_owned(),
            started,
            is_terminal,
            bar: Mutex::new(None),
        }
    }

    /// Since when the run has been watched, in microseconds.
    pub(crate) fn elapsed(&self) -> Micros {
        SystemClock.now() - self.started
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A bar of bytes, or where the end is not known a count of them.
fn new_bar(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {bytes} {bytes_per_sec} {msg}",
        ),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

impl Observer for Watcher {
    fn progress(&self, progress: Progress, ledger: &Ledger) {
        if !self.is_terminal || self.elapsed() < SHOWN_AFTER {
            return;
        }
        let mut bar = self.bar();
        let bar = bar.get_or_insert_with(|| new_bar(progress.total_bytes));
        if let Some(total) = progress.total_bytes {
            bar.set_length(total);
        }
        bar.set_position(progress.read_bytes);
        bar.set_message(format!("{} records", count(ledger.read)));
    }

    fn message(&self, text: &str) {
        let line = format!(
            "{} - ({}) - {text}",
            local_time(SystemClock.now()),
            self.name
        );
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(|| say(&line)),
            None => say(&line),
        }
    }
}
