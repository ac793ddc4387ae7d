//! Which windows are open, and how one is closed: its states are collected from the lanes, finished
//! into rows, and given to the sink.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datashark_sdk::Window;
use datashark_sdk::input::Micros;
use tokio::sync::{mpsc, oneshot};

use super::lane::guarded;
use super::orders::{Last, ToLane};
use super::pipeline::Pipeline;
use super::sink::MaybeHad;
use super::{WindowSink, lanes_gone};
use crate::aggregate::State;
use crate::error::{Error, Result};
use crate::window::{Share, Slot, Windowing};

/// Windows whose states are asked for at a time.
const WINDOWS_AT_A_TIME: usize = 64;

/// How far the windows of a share are.
#[derive(Debug, Clone, Copy)]
struct Progress {
    /// Those that end at or before this were closed.
    closed_until: Option<Micros>,
    /// Whether it goes on where this state folder says.
    is_own: bool,
}

/// The open windows.
pub(crate) struct Closing {
    pipeline: Arc<Pipeline>,
    slots: BTreeSet<Slot>,
    /// Windows with records, by end and start.
    open: BTreeSet<(Micros, Micros)>,
    shares: BTreeMap<Share, Progress>,
    /// Windows of any share that end at or before this were closed.
    closed_until: Option<Micros>,
    /// The same before this run.
    closed_earlier: Option<Micros>,
    /// The start of the last window that had a record.
    latest_start: Option<Micros>,
}

impl Closing {
    pub(crate) fn new(pipeline: Arc<Pipeline>, closed_until: Option<Micros>) -> Self {
        let (slots, open) = (BTreeSet::new(), BTreeSet::new());
        Closing {
            pipeline,
            slots,
            open,
            shares: BTreeMap::new(),
            closed_until,
            closed_earlier: closed_until,
            latest_start: None,
        }
    }

    /// Windows that end at or before this were closed.
    pub(crate) fn closed_until(&self) -> Option<Micros> {
        self.closed_until
    }

    /// A share comes, with windows that were closed until then. `is_own` says that the state folder
    /// says so, and no other instance.
    pub(crate) fn begins(&mut self, share: Share, closed_until: Option<Micros>, is_own: bool) {
        let progress = Progress {
            closed_until,
            is_own,
        };
        self.shares.entry(share).or_insert(progress);
    }

    /// A share goes, with all that was made of it.
    pub(crate) fn revoked(&mut self, share: Share) {
        self.shares.remove(&share);
        self.slots.retain(|slot| slot.share != share);
    }

    /// Records went to these slots.
    pub(crate) fn opened(&mut self, slots: &[Slot]) {
        for slot in slots {
            if !self.slots.insert(*slot) {
                continue;
            }
            if let Windowing::Timed(windows) = self.pipeline.records.windowing {
                let of_slot = windows.of_slot(*slot);
                let behind = |w: &Window| is_behind(&self.shares, slot.share, w);
                self.open
                    .extend(of_slot.filter(behind).map(|w| (w.end, w.start)));
                self.latest_start = self.latest_start.max(Some(windows.last(slot.pane)));
            }
        }
    }

    /// How many windows are open.
    pub(crate) fn n_open(&self) -> usize {
        match self.pipeline.records.windowing {
            Windowing::Whole => usize::from(!self.slots.is_empty()),
            Windowing::Timed(_) => self.open.len(),
        }
    }

    /// Whether the window that starts here, or a later one, had a record.
    pub(crate) fn had_records(&self, start: Micros) -> bool {
        self.latest_start.is_some_and(|latest| latest >= start)
    }

    /// The open windows that end at or before a time, by end.
    pub(crate) fn due(&self, watermark: Micros) -> Vec<Window> {
        let due = self.open.iter().take_while(|(end, _)| *end <= watermark);
        due.map(|(end, start)| Window {
            start: *start,
            end: *end,
        })
        .collect()
    }

    /// All windows that are open, by end; in a run over everything, that one window.
    pub(crate) fn all_open(&self) -> Vec<Window> {
        match self.pipeline.records.windowing {
            Windowing::Whole => vec![Window::WHOLE],
            Windowing::Timed(_) => self.due(Micros::MAX),
        }
    }

    /// Closes windows and gives their rows to the sink; gives the slots that no window needs any
    /// more. `watermark` is where the lanes call a record late from now on, if later than the last
    /// window's end.
    pub(crate) async fn close(
        &mut self,
        due: &[Window],
        watermark: Option<Micros>,
        lanes: &[mpsc::UnboundedSender<ToLane>],
        sink: &mut dyn WindowSink,
    ) -> Result<Vec<Slot>> {
        let mut closed_slots = Vec::new();
        let timed = due.iter().filter(|window| !window.is_whole());
        let until = timed.map(|window| window.end).max();
        let until = until.map(|end| watermark.map_or(end, |watermark| end.max(watermark)));
        for due in due.chunks(WINDOWS_AT_A_TIME) {
            let wanted: Vec<Vec<(Slot, Last)>> = due.iter().map(|w| self.slots_of(*w)).collect();
            let collected = collect(&wanted, until.unwrap_or(Micros::MIN), lanes).await?;
            for ((window, slots), states) in due.iter().zip(&wanted).zip(collected) {
                let rows = self.finish(states).await?;
                let maybe_had = self.may_be_had(window, slots);
                sink.window(*window, rows, maybe_had).await?;
                self.open.remove(&(window.end, window.start));
            }
            let gone = wanted
                .into_iter()
                .flatten()
                .filter(|(_, last)| *last == Last::Yes);
            for (slot, _) in gone {
                self.slots.remove(&slot);
                closed_slots.push(slot);
            }
        }
        self.closed_until = self.closed_until.max(until);
        for progress in self.shares.values_mut() {
            progress.closed_until = progress.closed_until.max(until);
        }
        Ok(closed_slots)
    }

    /// Whether an output may have a window of an earlier run: all in it goes on where the state folder
    /// says, and it was not closed for one share after another.
    fn may_be_had(&self, window: &Window, slots: &[(Slot, Last)]) -> MaybeHad {
        let is_own = |slot: &Slot| self.shares.get(&slot.share).is_none_or(|it| it.is_own);
        let is_new = self.closed_earlier.is_none_or(|until| window.end > until);
        match is_new && slots.iter().all(|(slot, _)| is_own(slot)) {
            true => MaybeHad::Yes,
            false => MaybeHad::No,
        }
    }

    /// The slots that count in a window, and whether it is their last.
    fn slots_of(&self, window: Window) -> Vec<(Slot, Last)> {
        let Windowing::Timed(windows) = self.pipeline.records.windowing else {
            return vec![(Slot::WHOLE, Last::Yes)];
        };
        let at = |pane| Slot {
            pane,
            ..Slot::WHOLE
        };
        let in_window = self
            .slots
            .range(at(window.start)..at(window.end))
            .filter(|slot| windows.counts_in(**slot, window))
            .filter(|slot| is_behind(&self.shares, slot.share, &window));
        let last = |slot: &Slot| match windows.last(slot.pane) == window.start {
            true => Last::Yes,
            false => Last::No,
        };
        in_window.map(|slot| (*slot, last(slot))).collect()
    }

    /// The rows of a window, made on a thread that may block.
    async fn finish(&self, states: Vec<State>) -> Result<Vec<RecordBatch>> {
        let pipeline = Arc::clone(&self.pipeline);
        let finish = move || guarded(|| pipeline.records.aggregation.finish(states));
        let rows = tokio::task::spawn_blocking(finish).await;
        rows.map_err(|error| Error::Internal(format!("closing a window: {error}")))?
    }
}

/// Whether a window of a share is still to be closed.
fn is_behind(shares: &BTreeMap<Share, Progress>, share: Share, window: &Window) -> bool {
    let closed_until = shares.get(&share).and_then(|it| it.closed_until);
    closed_until.is_none_or(|until| window.end > until)
}

/// Asks every lane for the states of the slots of each window.
async fn collect(
    wanted: &[Vec<(Slot, Last)>],
    closed_until: Micros,
    lanes: &[mpsc::UnboundedSender<ToLane>],
) -> Result<Vec<Vec<State>>> {
    let mut replies = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let (reply, answer) = oneshot::channel();
        let windows = wanted.to_vec();
        lane.send(ToLane::Collect {
            windows,
            closed_until,
            reply,
        })
        .map_err(|_| lanes_gone())?;
        replies.push(answer);
    }
    let mut collected: BTreeMap<usize, Vec<State>> = BTreeMap::new();
    for reply in replies {
        let states = reply.await.map_err(|_| lanes_gone())??;
        for (i, states) in states.into_iter().enumerate() {
            collected.entry(i).or_default().extend(states);
        }
    }
    Ok(collected.into_values().collect())
}
