//! Between the reading thread and the engine: a short queue of events.
//!
//! It holds few batches, which with librdkafka's own queue bounds the read-ahead. The thread waits for
//! room for a while at a time only, as it has to answer the group meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, TryRecvError, bounded};
use datashark_sdk::Result;
use datashark_sdk::input::{InputEvent, PartitionId};
use tokio::sync::Notify;

/// Events that wait for the engine.
const QUEUED: usize = 4;

/// What the thread says.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all that is told are events"
)]
pub(crate) enum Told {
    /// What the engine is to hear.
    Event(InputEvent),
    /// What comes of this partition from now on is from where it was asked to be read on.
    Sought(PartitionId),
}

/// The thread's side.
#[derive(Debug)]
pub(crate) struct Outlet {
    events: Option<Sender<Result<Told>>>,
    news: Arc<Notify>,
    read_bytes: Arc<AtomicU64>,
}

/// The engine's side.
#[derive(Debug)]
pub(crate) struct Intake {
    events: Receiver<Result<Told>>,
    news: Arc<Notify>,
    read_bytes: Arc<AtomicU64>,
}

/// What became of an event.
pub(crate) enum Given {
    /// It is in the queue.
    Yes,
    /// There was no room; here it is again.
    NotYet(Box<Result<Told>>),
    /// Nobody listens any more.
    Never,
}

/// A queue.
pub(crate) fn queue() -> (Outlet, Intake) {
    let (sender, events) = bounded(QUEUED);
    let (news, read_bytes) = (Arc::new(Notify::new()), Arc::default());
    let outlet = Outlet {
        events: Some(sender),
        news: Arc::clone(&news),
        read_bytes: Arc::clone(&read_bytes),
    };
    let intake = Intake {
        events,
        news,
        read_bytes,
    };
    (outlet, intake)
}

impl Outlet {
    /// Puts an event into the queue, waiting so long for room.
    pub(crate) fn give(&self, event: Result<Told>, patience: Duration) -> Given {
        let Some(events) = &self.events else {
            return Given::Never;
        };
        match events.send_timeout(event, patience) {
            Ok(()) => {
                self.news.notify_one();
                Given::Yes
            }
            Err(SendTimeoutError::Timeout(event)) => Given::NotYet(Box::new(event)),
            Err(SendTimeoutError::Disconnected(_)) => Given::Never,
        }
    }

    /// Counts bytes as read.
    pub(crate) fn count(&self, n_bytes: u64) {
        self.read_bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // In this order: who is woken has to see the end.
        self.events = None;
        self.news.notify_one();
    }
}

impl Intake {
    /// What comes next; nothing is lost if the future is dropped.
    pub(crate) async fn next(&self) -> Result<Option<Told>> {
        loop {
            match self.events.try_recv() {
                Ok(event) => return event.map(Some),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => self.news.notified().await,
            }
        }
    }

    /// How many bytes were read.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Result<Told> {
        let event = InputEvent::CaughtUp(PartitionId::new("t[0]"));
        Ok(Told::Event(event))
    }

    #[tokio::test]
    async fn a_full_queue_gives_the_event_back_and_an_ended_one_ends() {
        let (outlet, intake) = queue();
        for _ in 0..QUEUED {
            assert!(matches!(outlet.give(event(), Duration::ZERO), Given::Yes));
        }
        let full = outlet.give(event(), Duration::ZERO);
        assert!(matches!(full, Given::NotYet(_)));
        drop(outlet);
        for _ in 0..QUEUED {
            assert!(intake.next().await.unwrap().is_some());
        }
        assert!(intake.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_waiting_engine_is_woken_by_an_event_and_by_the_end() {
        let (outlet, intake) = queue();
        let thread = std::thread::spawn(move || {
            assert!(matches!(outlet.give(event(), Duration::ZERO), Given::Yes));
        });
        assert!(intake.next().await.unwrap().is_some());
        assert!(intake.next().await.unwrap().is_none());
        thread.join().unwrap();
    }

    #[test]
    fn nobody_is_given_anything_when_nobody_listens() {
        let (outlet, intake) = queue();
        drop(intake);
        assert!(matches!(outlet.give(event(), Duration::ZERO), Given::Never));
    }
}
