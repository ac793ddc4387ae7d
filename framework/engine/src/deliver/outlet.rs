//! One output at work: takes findings from its queue, delivers them until each is safe or refused,
//! and says how far it is.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datashark_sdk::Findings;
use datashark_sdk::input::Micros;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, Gather, Outcome};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use tokio::sync::watch;
use tracing::warn;

use super::queue::{Numbered, Queue};
use super::status::OutputStatus;
use crate::checkpoint::OutputCheckpoint;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::quarantine::{Entry, Quarantine};
use crate::run::{Observer, Stop, micros};

/// The first delay before a delivery is tried again; it doubles up to [`LONGEST_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// How long a delivery may still take once the run is stopped.
const GRACE: Duration = Duration::from_secs(10);
/// The longest time between two syncs while findings keep coming.
const SYNC_EVERY: Micros = 500_000;

/// How long to try before giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until the run is stopped: a daemon whose input can wait.
    Endless,
    /// So many times: a run that somebody waits for.
    Tries(u32),
}

/// How far an output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// The number of the last window that it has for good.
    pub(super) number: u64,
    /// What goes into the checkpoint.
    pub(super) checkpoint: OutputCheckpoint,
    pub(super) n_refused: u64,
}

/// An output with all that it needs for its work.
pub(super) struct Outlet {
    pub(super) name: String,
    pub(super) output: Box<dyn DynOutput>,
    pub(super) gather: Gather,
    pub(super) queue: Arc<Queue>,
    pub(super) quarantine: Quarantine,
    pub(super) patience: Patience,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: watch::Receiver<Stop>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) done: watch::Sender<Done>,
    pub(super) status: OutputStatus,
}

impl Outlet {
    /// Tells whoever watches how the output stands.
    pub(super) fn tell_status(&mut self) {
        (self.status.n_waiting_windows, self.status.waiting_bytes) = self.queue.waiting();
        self.status.quarantine_bytes = self.quarantine.n_bytes();
        self.observer.output(&self.name, &self.status);
    }

    /// Works until the queue is closed and empty.
    pub(super) async fn work(mut self) -> Result<()> {
        let outcome = self.deliver_all().await;
        self.queue.abandon();
        outcome
    }

    async fn deliver_all(&mut self) -> Result<()> {
        let mut last_sync = self.clock.now();
        let mut until = None;
        loop {
            self.gather().await;
            let Some(taken) = self.queue.take(self.gather).await? else {
                return Ok(());
            };
            let Some(last) = taken.last() else { continue };
            let (number, end) = (last.number, last.batch.window.end);
            until = until.max((!last.batch.window.is_whole()).then_some(end));
            self.deliver(taken).await?;
            let now = self.clock.now();
            if self.queue.is_empty() || now - last_sync >= SYNC_EVERY {
                self.sync(number, until).await?;
                last_sync = now;
            }
            self.tell_status();
        }
    }

    /// Waits for as many findings as the output wants, or as long as they may wait.
    async fn gather(&mut self) {
        let Gather {
            max_findings,
            max_age,
        } = self.gather;
        if max_age.is_zero() {
            return;
        }
        self.queue.wait_for(1).await;
        let too_old = self.clock.now() + micros(max_age);
        tokio::select! {
            () = self.queue.wait_for(max_findings) => {}
            () = self.clock.wait_until(too_old) => {}
        }
    }

    /// Makes durable what was delivered, and says so.
    async fn sync(&mut self, number: u64, until: Option<Micros>) -> Result<()> {
        let receipt = self.output.sync().await?;
        let quarantine = self.quarantine.sync()?;
        self.done.send_modify(|done| {
            done.number = number;
            done.checkpoint.delivered_until = done.checkpoint.delivered_until.max(until);
            done.checkpoint.receipt = receipt;
            done.checkpoint.quarantine = quarantine;
        });
        Ok(())
    }

    async fn deliver(&mut self, taken: Vec<Numbered>) -> Result<()> {
        let mut batches: Vec<FindingsBatch> =
            taken.into_iter().map(|numbered| numbered.batch).collect();
        let n_findings = count(&batches);
        let began = self.clock.now();
        let mut retries = Retries::of(&self.name, &batches);
        let mut n_refused = 0;
        let given_up = given_up(self.stop.clone(), Arc::clone(&self.clock));
        tokio::pin!(given_up);
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = self.output.write(&batches) => outcome,
                () = &mut given_up => return Err(self.undelivered(&batches, "it does not answer")),
            };
            let reason = match outcome {
                Outcome::Safe => break,
                Outcome::Stop(error) => return Err(error.into()),
                Outcome::Again(reason) => reason,
                Outcome::Each(fates) => {
                    n_refused += self.keep_refused(&batches, &fates)?;
                    let Some((rest, reason)) = to_try_again(&batches, &fates)? else {
                        break;
                    };
                    // What is taken little by little, as below a rate limit, is not given up.
                    if count(&rest) < count(&batches) {
                        retries = Retries::of(&self.name, &rest);
                    }
                    batches = rest;
                    reason
                }
            };
            let delay = retries.next();
            if matches!(self.patience, Patience::Tries(most) if retries.n >= most) {
                return Err(self.undelivered(&batches, &reason));
            }
            if retries.is_worth_telling() {
                warn!(output = %self.name, %reason, n_tries = retries.n, "trying again");
            }
            self.status.n_retries += 1;
            self.status.trouble = Some(reason.clone());
            self.tell_status();
            tokio::select! {
                () = self.clock.wait_until(self.clock.now() + micros(delay)) => {}
                () = &mut given_up => return Err(self.undelivered(&batches, &reason)),
            }
        }
        self.done.send_modify(|done| done.n_refused += n_refused);
        self.status.trouble = None;
        self.status.n_refused += n_refused;
        self.status.n_delivered += n_findings as u64 - n_refused;
        self.status.latency.count(self.clock.now() - began);
        let said = self.output.delivered(n_findings - n_refused as usize);
        if !said.is_empty() {
            self.observer.message(&said);
        }
        Ok(())
    }

    fn undelivered(&self, batches: &[FindingsBatch], reason: &str) -> Error {
        Error::Incomplete(vec![format!(
            "output `{}` did not take {} findings: {reason}; a streaming use case delivers them when it is started again",
            self.name,
            count(batches)
        )])
    }

    fn keep_refused(&mut self, batches: &[FindingsBatch], fates: &[Fate]) -> Result<u64> {
        let mut n = 0;
        for ((batch, row), fate) in rows(batches).zip(fates) {
            let Fate::Refused(reason) = fate else {
                continue;
            };
            if n == 0 {
                let id = &batch.ids[row];
                warn!(output = %self.name, %id, %reason, "findings were refused");
            }
            let entry = Entry::finding(&self.name, batch, row, reason, self.clock.now())?;
            self.quarantine.keep(&entry)?;
            n += 1;
        }
        Ok(n)
    }
}

/// The delays between the tries of one delivery.
struct Retries {
    n: u32,
    delay: Duration,
    random: Xoshiro256PlusPlus,
}

impl Retries {
    /// Outputs that failed together should not all come back together: delays are random, seeded
    /// by what is delivered and to whom.
    fn of(output: &str, batches: &[FindingsBatch]) -> Self {
        let first = batches.iter().flat_map(|batch| batch.ids.first()).next();
        let bytes = output
            .bytes()
            .chain(first.into_iter().flat_map(|id| id.bytes()));
        let seed = bytes.fold(0u64, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
        Retries {
            n: 0,
            delay: FIRST_DELAY,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// The delay before the next try: between a half and the whole of one that doubles.
    fn next(&mut self) -> Duration {
        self.n += 1;
        let whole = self.delay;
        self.delay = (whole * 2).min(LONGEST_DELAY);
        let share = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + share / 2.0)
    }

    /// The first tries, then ever fewer of them.
    fn is_worth_telling(&self) -> bool {
        self.n <= 3 || self.n.is_power_of_two()
    }
}

/// Waits until the run is stopped and then as long as a delivery may still take.
async fn given_up(mut stop: watch::Receiver<Stop>, clock: Arc<dyn Clock>) {
    if stop.wait_for(|stop| *stop != Stop::Not).await.is_err() {
        // Whoever could have stopped it is gone: nothing will.
        std::future::pending::<()>().await;
    }
    clock.wait_until(clock.now() + micros(GRACE)).await;
}

fn count(batches: &[FindingsBatch]) -> usize {
    batches.iter().map(|batch| batch.findings.len()).sum()
}

/// Every finding of the batches, in order.
fn rows(batches: &[FindingsBatch]) -> impl Iterator<Item = (&FindingsBatch, usize)> {
    let of = |batch: &'_ FindingsBatch| 0..batch.findings.len();
    batches
        .iter()
        .flat_map(move |batch| of(batch).map(move |row| (batch, row)))
}

/// The findings that an output wants to be asked about again, and why.
fn to_try_again(
    batches: &[FindingsBatch],
    fates: &[Fate],
) -> Result<Option<(Vec<FindingsBatch>, String)>> {
    let reason = fates.iter().find_map(|fate| match fate {
        Fate::Again(reason) => Some(reason.clone()),
        _ => None,
    });
    let Some(reason) = reason else {
        return Ok(None);
    };
    let mut rest = Vec::new();
    let mut fates = fates.iter();
    for batch in batches {
        let fates = fates.by_ref().take(batch.findings.len());
        let again: Vec<bool> = fates.map(|fate| matches!(fate, Fate::Again(_))).collect();
        let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
        let ids: Arc<[String]> = ids.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            continue;
        }
        let again = BooleanArray::from(again);
        let rows: RecordBatch = filter_record_batch(batch.findings.batch(), &again)?;
        rest.push(FindingsBatch {
            findings: Findings::try_from_rows(&rows)?,
            ids,
            ..batch.clone()
        });
    }
    Ok(Some((rest, reason)))
}
