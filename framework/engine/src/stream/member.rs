//! A use case's part of a stream: what it is given, and what it says of how far it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use datashark_sdk::Error;
use datashark_sdk::input::{Ends, InputEvent, PartitionId, Progress, Resume};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::Command;
use super::decoding::SharedBatch;
use crate::error::Result;

/// What a member is told.
#[expect(
    clippy::large_enum_variant,
    reason = "a stream fails once at most; all else are events"
)]
pub(super) enum Told {
    /// What the stream gives.
    Event {
        event: InputEvent,
        /// What is made of a batch once for all.
        shared: Option<Arc<SharedBatch>>,
        /// The how manyth partition came, where one does.
        epoch: u64,
        /// Its place in the queue; control events need none.
        room: Option<OwnedSemaphorePermit>,
    },
    /// The stream cannot go on.
    Failed(String),
}

/// An event of a stream, with what is made of its batch once for all use cases.
pub(crate) struct Taken {
    pub(crate) event: InputEvent,
    pub(crate) shared: Option<Arc<SharedBatch>>,
}

/// How far the stream is, for whoever shows it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) progress: Progress,
    pub(super) ends: Ends,
}

/// A use case's part of a stream, while its run has it.
pub(crate) struct Member {
    pub(super) id: u64,
    pub(super) use_case: String,
    pub(super) told: mpsc::UnboundedReceiver<Told>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) shown: Arc<Mutex<Shown>>,
    /// The partitions that the run knows of. One that went and came again has another number: what is
    /// acknowledged of it before the run has heard that is of somebody else's time.
    pub(super) epochs: BTreeMap<PartitionId, u64>,
}

impl Member {
    /// What comes next; nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Taken> {
        match self.told.recv().await {
            Some(Told::Event {
                event,
                shared,
                epoch,
                room,
            }) => {
                match &event {
                    InputEvent::Assigned { partition, .. } => {
                        self.epochs.insert(partition.clone(), epoch);
                    }
                    InputEvent::Revoked(partition) => {
                        self.epochs.remove(partition);
                    }
                    _ => {}
                }
                drop(room);
                Ok(Taken { event, shared })
            }
            Some(Told::Failed(reason)) => Err(Error::data(reason).into()),
            None => Err(Error::internal("a stream has stopped").into()),
        }
    }

    /// All before these offsets is done with.
    pub(crate) fn acknowledge(&self, done: BTreeMap<PartitionId, Resume>) {
        let of = |(partition, place): (PartitionId, Resume)| {
            let epoch = *self.epochs.get(&partition)?;
            Some((partition, epoch, place))
        };
        let places = done.into_iter().filter_map(of).collect();
        // A stream that has stopped says so with what comes next.
        let _ = self.commands.send(Command::Acknowledge {
            use_case: self.use_case.clone(),
            places,
        });
    }

    /// How far the stream is.
    pub(crate) fn progress(&self) -> Progress {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .progress
    }

    /// Where its partitions end now.
    pub(crate) fn ends(&self) -> Ends {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.ends.clone()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Detach { id: self.id });
    }
}
