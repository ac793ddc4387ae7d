//! Delivers findings to every output of a use case and sees to it that none is lost on the way.
//!
//! Each output works by itself, behind a queue of its own, so that a slow one does not hold up the
//! others. It answers for each finding: safe, refused, or try again. What is to be tried again is,
//! with a delay that doubles and a random part; what was refused goes to the quarantine with the
//! reason. A queue holds findings in memory, then in a spool on disk, and then makes whoever has more
//! wait, and with it the input.
//!
//! A window counts as delivered when every output has it for good. What an output had beyond that
//! when a run ended is in the checkpoint, and it is not given that again.

mod outlet;
mod queue;
mod spool;
mod status;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datashark_sdk::input::Micros;
use datashark_sdk::output::{DynOutput, FindingsBatch, Gather};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::outlet::Patience;
use self::outlet::{Done, Outlet};
pub(crate) use self::queue::Limits;
use self::queue::{Numbered, Queue};
pub(crate) use self::spool::{decode, encode};
pub use self::status::{Latency, OutputStatus};
use crate::checkpoint::OutputCheckpoint;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::quarantine::Quarantine;
use crate::run::{MaybeHad, Observer, Stop};

/// An open output, its name, and where an earlier run left it.
pub(crate) struct OpenedOutput {
    pub(crate) name: String,
    pub(crate) output: Box<dyn DynOutput>,
    pub(crate) gather: Gather,
    pub(crate) checkpoint: OutputCheckpoint,
}

/// How to deliver.
pub(crate) struct Settings {
    /// The use case's state folder.
    pub(crate) folder: PathBuf,
    /// What may wait for all outputs together.
    pub(crate) limits: Limits,
    pub(crate) patience: Patience,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// How far all outputs are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Delivered {
    /// The number of the last window that every output has for good; see [`Delivery::number`].
    pub(crate) number: u64,
    /// Each output's place.
    pub(crate) outputs: BTreeMap<String, OutputCheckpoint>,
}

/// The outputs of a use case at work.
pub(crate) struct Delivery {
    outputs: Vec<Working>,
    number: u64,
}

struct Working {
    name: String,
    queue: Arc<Queue>,
    done: watch::Receiver<Done>,
    task: Option<JoinHandle<Result<()>>>,
    /// The number of the last window that it was given.
    given: u64,
    /// Windows that end by then it has of an earlier run.
    has_until: Option<Micros>,
}

impl Delivery {
    /// Sets outputs to work. Each is synced once before, so that it has a receipt to go back to
    /// even for its first window.
    pub(crate) async fn start(outputs: Vec<OpenedOutput>, settings: &Settings) -> Result<Self> {
        let n_outputs = outputs.len().max(1);
        let limits = Limits {
            memory_bytes: settings.limits.memory_bytes / n_outputs,
            spool_bytes: settings.limits.spool_bytes / n_outputs as u64,
        };
        let mut working = Vec::with_capacity(outputs.len());
        for opened in outputs {
            working.push(Working::start(opened, limits, settings).await?);
        }
        Ok(Delivery {
            outputs: working,
            number: 0,
        })
    }

    /// Gives a window's findings to every output that lacks them; waits where there is no room.
    pub(crate) async fn deliver(
        &mut self,
        batch: &FindingsBatch,
        maybe_had: MaybeHad,
    ) -> Result<()> {
        self.number += 1;
        for output in &mut self.outputs {
            let has = output
                .has_until
                .is_some_and(|until| batch.window.end <= until);
            if has && maybe_had == MaybeHad::Yes && !batch.window.is_whole() {
                continue;
            }
            let batch = batch.clone();
            let number = self.number;
            output.queue.put(Numbered { number, batch }).await?;
            output.given = number;
            output.fail_if_failed().await?;
        }
        Ok(())
    }

    /// Gives findings to one output alone.
    pub(crate) async fn deliver_to(&mut self, name: &str, batch: &FindingsBatch) -> Result<()> {
        self.number += 1;
        let number = self.number;
        for output in self.outputs.iter_mut().filter(|output| output.name == name) {
            let batch = batch.clone();
            output.queue.put(Numbered { number, batch }).await?;
            output.given = number;
            output.fail_if_failed().await?;
        }
        Ok(())
    }

    /// The number of the last window that was given to [`Delivery::deliver`].
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How far the outputs are by now.
    ///
    /// # Errors
    /// One has failed.
    pub(crate) async fn delivered(&mut self) -> Result<Delivered> {
        let mut delivered = Delivered {
            number: self.number,
            outputs: BTreeMap::new(),
        };
        for output in &mut self.outputs {
            output.fail_if_failed().await?;
            let done = output.done.borrow().clone();
            if done.number < output.given {
                delivered.number = delivered.number.min(done.number);
            }
            delivered
                .outputs
                .insert(output.name.clone(), done.checkpoint);
        }
        Ok(delivered)
    }

    /// Waits until every output has all it was given. One that has failed does not keep the others
    /// from theirs.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        for output in &self.outputs {
            output.queue.close();
        }
        let mut failed = Ok(());
        for output in &mut self.outputs {
            let ended = output.end().await;
            failed = failed.and(ended);
        }
        failed
    }

    /// How many findings outputs have refused.
    pub(crate) fn n_refused(&self) -> u64 {
        let n = |output: &Working| output.done.borrow().n_refused;
        self.outputs.iter().map(n).sum()
    }
}

impl Working {
    async fn start(opened: OpenedOutput, limits: Limits, settings: &Settings) -> Result<Self> {
        let OpenedOutput {
            name,
            mut output,
            gather,
            checkpoint,
        } = opened;
        let spool = settings.folder.join(format!("{name}.spool"));
        let queue = Arc::new(Queue::new(limits, &spool));
        let quarantine = Quarantine::open(&settings.folder, &name, checkpoint.quarantine)?;
        let has_until = checkpoint.delivered_until;
        let (done, seen) = watch::channel(Done {
            number: 0,
            checkpoint: OutputCheckpoint {
                receipt: output.sync().await?,
                quarantine: quarantine.place(),
                ..checkpoint
            },
            n_refused: 0,
        });
        let mut outlet = Outlet {
            name: name.clone(),
            output,
            gather,
            queue: Arc::clone(&queue),
            quarantine,
            patience: settings.patience,
            clock: Arc::clone(&settings.clock),
            stop: settings.stop.clone(),
            observer: Arc::clone(&settings.observer),
            done,
            status: OutputStatus::default(),
        };
        outlet.tell_status();
        let task = Some(tokio::spawn(outlet.work()));
        Ok(Working {
            name,
            queue,
            done: seen,
            task,
            given: 0,
            has_until,
        })
    }

    /// The error that ended its work.
    async fn fail_if_failed(&mut self) -> Result<()> {
        let has_ended = |task: &JoinHandle<_>| task.is_finished();
        match self.task.as_ref().is_some_and(has_ended) {
            true => self.end().await,
            false => Ok(()),
        }
    }

    /// Waits for its work to end.
    async fn end(&mut self) -> Result<()> {
        let Some(task) = self.task.take() else {
            return Ok(());
        };
        let panicked = |error| Error::Internal(format!("output `{}`: {error}", self.name));
        task.await.map_err(panicked)?
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
