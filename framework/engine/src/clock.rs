//! The time, injected, so that a test and a replay choose it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use datashark_sdk::input::Micros;
use tokio::sync::Notify;

/// Says what time it is and waits for a time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01 UTC.
    fn now(&self) -> Micros;

    /// Waits until it is at least this time.
    async fn wait_until(&self, time: Micros);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine"
    )]
    fn now(&self) -> Micros {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
    }

    async fn wait_until(&self, time: Micros) {
        let left = u64::try_from(time.saturating_sub(self.now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_micros(left)).await;
    }
}

/// A clock that a test sets.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
    moved: Notify,
}

impl ManualClock {
    /// A clock that stands at this time.
    pub fn at(now: Micros) -> Self {
        ManualClock {
            now: AtomicI64::new(now),
            moved: Notify::new(),
        }
    }

    /// Sets the time.
    pub fn set(&self, now: Micros) {
        self.now.store(now, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Micros {
        self.now.load(Ordering::SeqCst)
    }

    async fn wait_until(&self, time: Micros) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.now() >= time {
                return;
            }
            moved.await;
        }
    }
}
