//! The thread that commits.
//!
//! It waits for the answer to each commit, so that nobody else has to: rdkafka's consumer is not told what
//! became of a commit that nobody waits for (librdkafka tells a callback that rdkafka 0.39 does not set).
//! Of the acknowledgements that come meanwhile the last one counts for each partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use datashark_sdk::input::{PartitionId, Resume};
use datashark_sdk::{Error, Result};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

use crate::context::Context;

type Done = BTreeMap<PartitionId, Resume>;

/// The way to the committing thread.
#[derive(Debug)]
pub(crate) struct Commits {
    /// `None` once no more are to come.
    offsets: Option<Sender<Done>>,
    done: Receiver<()>,
}

impl Commits {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(consumer: Arc<BaseConsumer<Context>>) -> Result<Self> {
        let (sender, offsets) = unbounded();
        let (ending, done) = bounded(1);
        std::thread::Builder::new()
            .name("commit-kafka".to_owned())
            .spawn(move || {
                commit(&consumer, &offsets);
                drop(consumer);
                // Nobody may wait for it any more.
                let _ = ending.send(());
            })
            .map_err(|error| Error::io("no thread to commit to Kafka with", error))?;
        Ok(Commits {
            offsets: Some(sender),
            done,
        })
    }

    /// Commits this, soon.
    pub(crate) fn commit(&self, offsets: &Done) {
        if let Some(sender) = &self.offsets {
            // The thread ends no sooner than this.
            let _ = sender.send(offsets.clone());
        }
    }

    /// Waits until all are committed, so long at most.
    pub(crate) fn finish(&mut self, patience: Duration) {
        self.offsets = None;
        let _ = self.done.recv_timeout(patience);
    }
}

fn commit(consumer: &BaseConsumer<Context>, acknowledged: &Receiver<Done>) {
    while let Ok(mut offsets) = acknowledged.recv() {
        acknowledged
            .try_iter()
            .for_each(|later| offsets.extend(later));
        let list = consumer.context().ownership().next_commit(&offsets);
        if list.count() == 0 {
            continue;
        }
        match consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => consumer.context().ownership().committed(&list),
            Err(error) => consumer.context().not_committed(&list, &error),
        }
    }
}
