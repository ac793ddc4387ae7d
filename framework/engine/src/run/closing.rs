//! Which windows are open, and how one is closed: its states are collected from the lanes, finished
//! into rows, and given to the sink.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datashark_sdk::Window;
use datashark_sdk::input::Micros;
use tokio::sync::{mpsc, oneshot};

use super::lane::{Last, Pipeline, ToLane, guarded};
use super::{WindowSink, lanes_gone};
use crate::aggregate::State;
use crate::error::{Error, Result};
use crate::window::{Slot, Windowing};

/// Windows whose states are asked for at a time.
const WINDOWS_AT_A_TIME: usize = 64;

/// The open windows.
pub(crate) struct Closing {
    pipeline: Arc<Pipeline>,
    slots: BTreeSet<Slot>,
    /// Windows with records, by end and start.
    open: BTreeSet<(Micros, Micros)>,
    closed_until: Option<Micros>,
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
            closed_until,
            latest_start: None,
        }
    }

    /// Windows that end at or before this were delivered.
    pub(crate) fn closed_until(&self) -> Option<Micros> {
        self.closed_until
    }

    /// Records went to these slots.
    pub(crate) fn opened(&mut self, slots: &[Slot]) {
        for slot in slots {
            if !self.slots.insert(*slot) {
                continue;
            }
            if let Windowing::Timed(windows) = self.pipeline.records.windowing {
                let of_slot = windows.of_slot(*slot);
                let behind = |w: &Window| self.closed_until.is_none_or(|until| w.end > until);
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
        for due in due.chunks(WINDOWS_AT_A_TIME) {
            let wanted: Vec<Vec<(Slot, Last)>> = due.iter().map(|w| self.slots_of(*w)).collect();
            let ends = due.iter().map(|window| window.end).max();
            let until = self.closed_until.max(ends).max(watermark);
            let collected = collect(&wanted, until.unwrap_or(Micros::MIN), lanes).await?;
            for (window, states) in due.iter().zip(collected) {
                let rows = self.finish(states).await?;
                sink.window(*window, rows).await?;
                self.open.remove(&(window.end, window.start));
            }
            if !due.iter().any(Window::is_whole) {
                self.closed_until = until;
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
        Ok(closed_slots)
    }

    /// The slots that count in a window, and whether it is their last.
    fn slots_of(&self, window: Window) -> Vec<(Slot, Last)> {
        let Windowing::Timed(windows) = self.pipeline.records.windowing else {
            return vec![(Slot::WHOLE, Last::Yes)];
        };
        let from = Slot {
            pane: window.start,
            first: Micros::MIN,
        };
        let to = Slot {
            pane: window.end,
            first: Micros::MIN,
        };
        let in_window = self
            .slots
            .range(from..to)
            .filter(|slot| windows.counts_in(**slot, window));
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
