//! A run: reads an input to its end or until it is stopped, and gives each closed window's rows to
//! a sink.
//!
//! ```text
//!             orders                 reports
//!  input ──► run ──► lane 0..n ──► run ──► windows due? ──► collect states ──► finish ──► sink
//!                                   │                                                     │
//!                                   └──────────────── checkpoint ◄────── sync ◄───────────┘
//! ```
//! The run is one task and the only one that decides: it routes batches, keeps the accounts, closes
//! windows by the watermark, and writes checkpoints. Lanes do the work on records, each in a thread
//! of its own, and answer every batch with a report.

mod accounts;
mod arrivals;
mod closing;
mod durable;
pub(crate) mod lane;
mod lanes;
pub(crate) mod orders;
mod partitions;
pub(crate) mod pipeline;
pub(crate) mod reading;
mod settings;
mod sink;
mod source;
mod status;
mod times;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use datashark_sdk::Window;
use datashark_sdk::input::{InputBatch, InputEvent, Micros, PartitionId};
use tracing::warn;

use self::accounts::Accounts;
pub(crate) use self::arrivals::{Arrivals, NAME as ARRIVALS, Notes};
use self::closing::Closing;
pub(crate) use self::durable::{Durable, LOCK, Resuming, lock};
use self::lanes::{Lanes, Reports};
use self::orders::{Report, ToLane};
use self::pipeline::Pipeline;
pub use self::settings::{Observer, Stop};
pub(crate) use self::settings::{Outcome, Settings, Until};
pub(crate) use self::sink::{Counts, MaybeHad, WindowSink};
pub(crate) use self::source::Source;
pub use self::status::{Lag, PartitionStatus, Status};
use crate::error::{Error, Result};
use crate::stream::{SharedBatch, Taken};
use crate::window::{Slot, Watermarks, Windowing};

/// Batches that may wait in front of every lane.
const BATCHES_PER_LANE: usize = 2;
/// The longest time between two checkpoints while windows close.
const COMMIT_EVERY: Micros = 500_000;
/// The longest time between two checkpoints while records come and no window closes.
const COMMIT_PROGRESS_EVERY: Micros = 5_000_000;
/// How often idle partitions are looked for, and progress is told.
const TICK: Micros = 200_000;

/// Runs a pipeline over an input.
pub(crate) async fn run(
    pipeline: Arc<Pipeline>,
    input: Source,
    durable: Option<Durable>,
    sink: &mut dyn WindowSink,
    settings: Settings,
) -> Result<Outcome> {
    let closed_until = durable.as_ref().and_then(Durable::closed_until);
    let (lanes, reports) = lanes::start(&pipeline, &settings)?;
    let run = Run {
        closing: Closing::new(Arc::clone(&pipeline), closed_until),
        pipeline,
        input,
        durable,
        sink,
        lanes,
        reports,
        accounts: Accounts::default(),
        watermarks: Watermarks::default(),
        n_waiting: 0,
        next_lane_idx: 0,
        failures: Vec::new(),
        started: settings.clock.now(),
        last_commit: settings.clock.now(),
        n_closed: 0,
        n_shares: 0,
        undelivered: VecDeque::new(),
        delivered_until: closed_until,
        uncommitted: false,
        progressed: false,
        has_new_partitions: false,
        replaying: BTreeMap::new(),
        input_ended: false,
        gone: BTreeSet::new(),
        last_interval: None,
        settings,
    };
    run.go().await
}

struct Run<'a> {
    pipeline: Arc<Pipeline>,
    input: Source,
    durable: Option<Durable>,
    sink: &'a mut dyn WindowSink,
    settings: Settings,
    lanes: Lanes,
    reports: Reports,
    accounts: Accounts,
    watermarks: Watermarks,
    closing: Closing,
    /// Batches that lanes have not reported on.
    n_waiting: usize,
    next_lane_idx: usize,
    failures: Vec<String>,
    started: Micros,
    last_commit: Micros,
    /// How often windows were closed.
    n_closed: u64,
    /// Partitions that came to a share of their own.
    n_shares: u64,
    /// Windows that were closed and that some output may not have yet, in order.
    undelivered: VecDeque<Undelivered>,
    /// Every output has the windows that end at or before this.
    delivered_until: Option<Micros>,
    /// Windows were closed since the last commit, or were not delivered then.
    uncommitted: bool,
    /// Records were accounted for since the last commit.
    progressed: bool,
    /// Partitions came since the last commit.
    has_new_partitions: bool,
    /// Partitions of an earlier run whose records with a noted arrival are not all read again, and
    /// where those end: until then no window may be closed by the clock.
    replaying: BTreeMap<PartitionId, u64>,
    input_ended: bool,
    /// Partitions that are gone for good and whose records are not all delivered yet.
    gone: BTreeSet<PartitionId>,
    /// In a run by arrival time, the interval that the clock was in when it was last looked at.
    last_interval: Option<Micros>,
}

/// Windows on their way to the outputs.
struct Undelivered {
    /// The number of the last of them, as the outputs count.
    number: u64,
    /// The how manyth time windows were closed.
    n_closed: u64,
    closed_until: Option<Micros>,
    /// What no later window needs; read again after a crash until these are delivered.
    slots: Vec<Slot>,
}

impl Run<'_> {
    async fn go(mut self) -> Result<Outcome> {
        self.commit().await?;
        self.expect_earlier_partitions();
        self.tell_status();
        let stop = self.read().await?;
        self.settle().await?;
        if stop != Stop::LeaveWindows || !self.input.reads_again() {
            let left = self.closing.all_open();
            self.close(left, None).await?;
        }
        let finished = self.sink.finish().await;
        // What the others have is theirs, also where one has failed.
        self.commit().await?;
        finished?;
        self.tell_progress();
        Ok(Outcome {
            ledger: self.accounts.total(),
            failures: self.failures,
        })
    }

    /// Reads until the input's end or until it is stopped.
    async fn read(&mut self) -> Result<Stop> {
        let most_waiting = self.lanes.len() * BATCHES_PER_LANE;
        let clock = Arc::clone(&self.settings.clock);
        let mut next_tick = clock.now() + TICK;
        loop {
            if self.input_ended && self.n_waiting == 0 {
                return Ok(Stop::Not);
            }
            let may_read = !self.input_ended && self.n_waiting < most_waiting;
            tokio::select! {
                biased;
                changed = self.settings.stop.changed() => {
                    let stop = *self.settings.stop.borrow_and_update();
                    if changed.is_err() || stop != Stop::Not {
                        return Ok(stop);
                    }
                }
                report = self.reports.recv() => {
                    self.reported(report.ok_or_else(lanes_gone)??)?;
                    self.close_due().await?;
                    if self.has_passed_range() {
                        return Ok(Stop::LeaveWindows);
                    }
                }
                () = clock.wait_until(next_tick) => {
                    // A partition is not idle because we had no time for it.
                    let late = (clock.now() - next_tick).max(0);
                    self.accounts.not_looked(if may_read { late } else { late + TICK });
                    next_tick = clock.now() + TICK;
                    self.tick().await?;
                }
                taken = self.input.next(), if may_read => match taken? {
                    Some(taken) => self.take(taken).await?,
                    None => self.input_ended = true,
                },
            }
        }
    }

    async fn take(&mut self, taken: Taken) -> Result<()> {
        match taken.event {
            InputEvent::Assigned {
                partition,
                name,
                resume,
            } => self.assigned(partition, name, resume),
            InputEvent::Batch(batch) => {
                // An arrival is noted under the partition's name: a restart must know it by that
                // name, and an input may choose one anew for what no checkpoint knows.
                if self.has_new_partitions && self.is_by_arrival() {
                    self.commit().await?;
                }
                self.route(batch, taken.shared)
            }
            InputEvent::CaughtUp(partition) => {
                // One that an earlier run had read to its end already. What others write to and we share
                // may be just about to grow.
                if !self.input.is_shared() && self.accounts.is_untouched(&partition) {
                    self.watermarks.idle(&partition);
                }
                self.accounts
                    .caught_up(&partition, self.settings.clock.now());
                self.replaying.remove(&partition);
                Ok(())
            }
            InputEvent::Revoked(partition) => self.revoked(&partition).await,
            InputEvent::Ended { partition, forget } => {
                self.watermarks.ended(&partition);
                self.replaying.remove(&partition);
                if forget {
                    self.gone.insert(partition);
                }
                Ok(())
            }
            InputEvent::Failed { partition, reason } => {
                warn!(%reason, "an input could not be read");
                self.failures.push(reason);
                if let Some(partition) = partition {
                    self.watermarks.ended(&partition);
                    self.replaying.remove(&partition);
                }
                Ok(())
            }
        }
    }

    /// Sends a batch to a lane, with the time when it arrived.
    fn route(&mut self, batch: InputBatch, shared: Option<Arc<SharedBatch>>) -> Result<()> {
        let now = self.settings.clock.now();
        if self
            .replaying
            .get(&batch.partition)
            .is_some_and(|end| batch.end_offset >= *end)
        {
            self.replaying.remove(&batch.partition);
        }
        let by_clock = batch.arrival.is_none() && self.is_by_arrival();
        // A window that was closed before its end, as at Ctrl-C, takes nothing more: what arrives
        // after that counts in the next one.
        let arrives = self
            .closing
            .closed_until()
            .map_or(now, |until| now.max(until));
        let parts = match (&mut self.durable, batch.arrival) {
            (Some(durable), None) if by_clock => durable.arrivals(batch, arrives)?,
            (_, arrival) => vec![(batch, arrival.unwrap_or(arrives))],
        };
        // What is made of the whole batch is not that of its parts.
        let shared = shared.filter(|_| parts.len() == 1);
        for (batch, arrival) in parts {
            let n_records = batch.len();
            self.accounts
                .routed(&batch.partition, n_records as u64, now);
            let lane_idx = match self.pipeline.records.windowing {
                Windowing::Timed(_) => self.accounts.lane_idx(&batch.partition),
                Windowing::Whole => self.next_lane(),
            };
            self.n_waiting += 1;
            let order = ToLane::Batch {
                batch: Box::new(batch),
                shared: shared.clone(),
                arrival,
            };
            self.order(lane_idx, order)?;
        }
        Ok(())
    }

    fn is_by_arrival(&self) -> bool {
        matches!(self.pipeline.records.windowing, Windowing::Timed(_))
            && matches!(self.pipeline.records.time, pipeline::TimeSource::Arrival)
    }

    fn next_lane(&mut self) -> usize {
        self.next_lane_idx = (self.next_lane_idx + 1) % self.lanes.len();
        self.next_lane_idx
    }

    fn order(&self, lane_idx: usize, order: ToLane) -> Result<()> {
        self.lanes[lane_idx].send(order).map_err(|_| lanes_gone())
    }

    fn reported(&mut self, report: Report) -> Result<()> {
        self.n_waiting -= 1;
        self.progressed = true;
        self.accounts.reported(&report);
        self.watermarks.advance(&report.partition, report.max_time);
        self.closing.opened(&report.slots);
        let name = self.accounts.name(&report.partition);
        match &mut self.durable {
            Some(durable) => durable.keep(name, &report, self.settings.clock.now()),
            None => self.sink.keep(name, &report),
        }
    }

    /// Closes the windows that the watermark has reached.
    async fn close_due(&mut self) -> Result<()> {
        if !self.due().is_empty() || self.has_passed_range() {
            // The watermark may be beyond what a lane has not reported on yet: of a partition that
            // has ended or was idle, or by arrival. All of it has to be known before a window is
            // closed, or reading stops. The lanes would have to come to its end anyway to hand
            // their states over.
            self.settle().await?;
            let (due, watermark) = (self.due(), self.watermark());
            if !due.is_empty() {
                self.close(due, watermark).await?;
            }
        }
        if self.uncommitted && self.settings.clock.now() - self.last_commit >= COMMIT_EVERY {
            self.commit().await?;
        }
        Ok(())
    }

    /// No record before this is expected any more.
    fn watermark(&self) -> Option<Micros> {
        match self.pipeline.records.windowing {
            Windowing::Whole => None,
            // By arrival, nothing that has not been read yet can be of the past.
            Windowing::Timed(_)
                if self.is_by_arrival() && self.settings.until == Until::Stopped =>
            {
                self.replaying.is_empty().then(|| self.settings.clock.now())
            }
            Windowing::Timed(_) => self.watermarks.all(self.pipeline.allowed_lateness),
        }
    }

    /// Where only a part of the past counts: whether nothing that is still to be read can count in it.
    fn has_passed_range(&self) -> bool {
        let end = self.pipeline.range.end;
        self.watermark().is_some_and(|watermark| watermark >= end)
    }

    fn due(&self) -> Vec<Window> {
        self.watermark()
            .map_or_else(Vec::new, |watermark| self.closing.due(watermark))
    }

    /// Waits for the lanes to be done with all that they were given.
    async fn settle(&mut self) -> Result<()> {
        while self.n_waiting > 0 {
            let report = self.reports.recv().await.ok_or_else(lanes_gone)?;
            self.reported(report?)?;
        }
        Ok(())
    }

    async fn close(&mut self, due: Vec<Window>, watermark: Option<Micros>) -> Result<()> {
        let slots = self
            .closing
            .close(&due, watermark, &self.lanes, self.sink)
            .await?;
        self.n_closed += 1;
        let timed = due.iter().filter(|window| !window.is_whole());
        let ends = timed.map(|window| window.end).max();
        self.undelivered.push_back(Undelivered {
            number: self.sink.number(),
            n_closed: self.n_closed,
            closed_until: ends.max(watermark),
            slots,
        });
        self.uncommitted |= !due.is_empty();
        Ok(())
    }

    /// Notes which windows every output has by now.
    fn settle_delivered(&mut self, number: u64) {
        while let Some(windows) = self
            .undelivered
            .pop_front_if(|windows| windows.number <= number)
        {
            let until = windows.closed_until;
            self.accounts
                .delivered(&windows.slots, until, windows.n_closed);
            self.delivered_until = self.delivered_until.max(until);
        }
    }

    async fn tick(&mut self) -> Result<()> {
        self.tell_progress();
        if self.settings.until == Until::Stopped {
            let now = self.settings.clock.now();
            if now - self.started > self.settings.idle_timeout {
                // What the input has not found again by now is gone.
                let accounts = &self.accounts;
                self.replaying
                    .retain(|partition, _| accounts.is_known(partition));
            }
            let since = now - self.settings.idle_timeout;
            for partition in self.accounts.newly_idle(since, self.input.is_shared()) {
                self.watermarks.idle(&partition);
                self.replaying.remove(&partition);
            }
            self.tell_of_empty_interval(now);
            self.close_due().await?;
        }
        // Also tells of an output that has failed.
        let delivered = self.sink.delivered().await?.number;
        let first = self.undelivered.front();
        let has_news = first.is_none_or(|windows| windows.number <= delivered);
        let since = self.settings.clock.now() - self.last_commit;
        if (self.uncommitted && has_news && self.n_waiting == 0)
            || (self.progressed && since >= COMMIT_PROGRESS_EVERY)
        {
            self.commit().await?;
        }
        Ok(())
    }

    /// By arrival time, an interval in which nothing came is told.
    fn tell_of_empty_interval(&mut self, now: Micros) {
        let Windowing::Timed(windows) = self.pipeline.records.windowing else {
            return;
        };
        if !self.is_by_arrival() {
            return;
        }
        let interval = windows.last(windows.pane(now));
        let previous = self.last_interval.replace(interval);
        let Some(previous) = previous.filter(|previous| *previous != interval) else {
            return;
        };
        if !self.closing.had_records(previous) {
            self.settings.observer.message("No data received");
        }
    }

    fn tell_progress(&self) {
        self.settings
            .observer
            .progress(self.input.progress(), &self.accounts.total());
        self.tell_status();
    }

    /// Makes what was delivered durable, then how far the input is.
    async fn commit(&mut self) -> Result<()> {
        let delivered = self.sink.delivered().await?;
        self.settle_delivered(delivered.number);
        self.last_commit = self.settings.clock.now();
        self.uncommitted = !self.undelivered.is_empty();
        self.progressed = false;
        self.has_new_partitions = false;
        self.forget_gone();
        let Some(durable) = &mut self.durable else {
            return Ok(());
        };
        let partitions = self.accounts.checkpoint();
        let offsets = durable.commit(partitions, self.delivered_until, delivered.outputs)?;
        self.input.acknowledge(offsets).await
    }
}

fn lanes_gone() -> Error {
    Error::Internal("a lane has stopped".to_owned())
}

/// A duration as the engine counts time.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
