//! What the service manager is told: that the daemon is ready, reloads, stops, what it does, and that
//! it lives.
//!
//! By the protocol of systemd's `sd_notify`: where `NOTIFY_SOCKET` names no socket all of this does
//! nothing. `READY=1` is said once the confs are right and all use cases were started; whether each
//! runs is what `/readyz` answers, as a broker that is away must not make the manager give up. The
//! watchdog is fed by the task that decides, and only after the runtime has run a task beside it: where
//! either hangs, the manager starts the daemon anew.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::board::Board;

/// How often the status is looked at.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The service that this process is.
pub(super) struct Service {
    board: Arc<Board>,
    /// `None` where nobody manages it.
    beats: Option<Interval>,
    has_watchdog: bool,
    status: String,
}

impl Service {
    /// As the environment says.
    pub(super) fn new(board: Arc<Board>) -> Self {
        let is_managed = std::env::var_os("NOTIFY_SOCKET").is_some();
        let watchdog = sd_notify::watchdog_enabled();
        // Half of what it waits, as systemd's manual has it.
        let period = watchdog.map_or(STATUS_EVERY, |period| STATUS_EVERY.min(period / 2));
        let beats = is_managed.then(|| {
            let mut beats = interval(period.max(Duration::from_millis(1)));
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beats
        });
        Service {
            board,
            beats,
            has_watchdog: watchdog.is_some(),
            status: String::new(),
        }
    }

    /// All was started, or reloaded.
    pub(super) fn ready(&mut self) {
        self.status = self.board.line();
        notify(&[NotifyState::Ready, NotifyState::Status(&self.status)]);
    }

    /// The confs are read again.
    pub(super) fn reloading(&self) {
        let mut states = vec![NotifyState::Reloading];
        // Since systemd 253 the one needs the other.
        states.extend(NotifyState::monotonic_usec_now().ok());
        states.push(NotifyState::Status("reloading the confs"));
        notify(&states);
    }

    /// It is about to end.
    pub(super) fn stopping(&self) {
        notify(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    /// Waits for the next beat and says what is to be said then; never ends where nobody listens.
    pub(super) async fn beat(&mut self) {
        let Some(beats) = &mut self.beats else {
            return std::future::pending().await;
        };
        beats.tick().await;
        if self.has_watchdog && tokio::spawn(async {}).await.is_ok() {
            notify(&[NotifyState::Watchdog]);
        }
    }

    /// Says what the use cases are doing, where that has changed.
    pub(super) fn tell_status(&mut self) {
        let status = self.board.line();
        if self.beats.is_some() && status != self.status {
            notify(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    /// Does something that takes long, with the watchdog fed meanwhile.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.beat() => {}
            }
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
