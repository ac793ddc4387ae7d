//! Which windows a record belongs to, and when it comes too late for them.
//!
//! Windows are `[start, end)`, aligned to the epoch: `start` is a multiple of the slide. Records are
//! aggregated by **pane**, the largest interval that no window boundary cuts (the greatest common
//! divisor of size and slide), so that a record is aggregated once however many windows it is in.
//!
//! A record is late for a window whose end its own partition's watermark has reached. That depends
//! on the records before it in its partition and on nothing else, so that neither the number of
//! threads, nor the order in which partitions are read, nor a restart changes a result. A record
//! that is late for some of its windows counts in the others: its **slot** is its pane together
//! with the first window that it still counts in.

mod assign;
mod watermark;

use datashark_sdk::Window;
use datashark_sdk::input::{Micros, TIME_MAX};

pub(crate) use self::assign::{assign, rows_of};
pub(crate) use self::watermark::Watermarks;

/// Further from 1970 than any time. Window arithmetic stays far from overflow.
pub(crate) const MAX_TIME: Micros = 2 * TIME_MAX;

/// The windows of a use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Windowing {
    /// One window over everything: a batch run, or training.
    Whole,
    /// Windows of time.
    Timed(Windows),
}

/// Windows of one size, one every slide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    size: Micros,
    slide: Micros,
}

/// Records of one pane that count in the same windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// The pane's start.
    pub(crate) pane: Micros,
    /// The start of the first window that they count in.
    pub(crate) first: Micros,
    /// Whose they are.
    pub(crate) share: Share,
}

/// Partitions whose windows are made together: they come, go and close as one.
///
/// All partitions of an input are one share, but of an input that several instances read: there each
/// is its own, so that what was made of it can be left to the instance that it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Share(pub(crate) u64);

impl Slot {
    /// The one slot of the window over everything.
    pub(crate) const WHOLE: Slot = Slot {
        pane: Micros::MIN,
        first: Micros::MIN,
        share: Share(0),
    };
}

impl Windows {
    /// Windows of this size, one every `slide`; both in microseconds. `None` unless
    /// `0 < slide <= size`.
    pub(crate) fn try_new(size: Micros, slide: Micros) -> Option<Self> {
        (0 < slide && slide <= size && size < MAX_TIME / 4).then_some(Windows { size, slide })
    }

    /// The length of a pane.
    pub(crate) fn pane_len(&self) -> Micros {
        greatest_common_divisor(self.size, self.slide)
    }

    /// The start of the pane that a time lies in.
    pub(crate) fn pane(&self, time: Micros) -> Micros {
        let len = self.pane_len();
        time.div_euclid(len) * len
    }

    /// The start of the last window that a pane is in.
    pub(crate) fn last(&self, pane: Micros) -> Micros {
        pane.div_euclid(self.slide) * self.slide
    }

    /// The start of the first window whose end lies behind a time.
    pub(crate) fn first_ending_behind(&self, time: Micros) -> Micros {
        (time - self.size).div_euclid(self.slide) * self.slide + self.slide
    }

    /// The slot of a record, in the first share, or `None` where it is late for all its windows.
    pub(crate) fn slot(&self, time: Micros, watermark: Micros) -> Option<Slot> {
        let pane = self.pane(time);
        let first = self.first_ending_behind(pane.max(watermark));
        let share = Share::default();
        (first <= self.last(pane)).then_some(Slot { pane, first, share })
    }

    /// The window that starts here.
    pub(crate) fn window(&self, start: Micros) -> Window {
        Window {
            start,
            end: start + self.size,
        }
    }

    /// The windows that a slot counts in.
    pub(crate) fn of_slot(&self, slot: Slot) -> impl Iterator<Item = Window> + use<> {
        let windows = *self;
        let starts = (0..).map(move |i| slot.first + i * windows.slide);
        starts
            .take_while(move |s| *s <= windows.last(slot.pane))
            .map(move |s| windows.window(s))
    }

    /// Whether a slot counts in a window.
    pub(crate) fn counts_in(&self, slot: Slot, window: Window) -> bool {
        slot.first <= window.start
            && window.start <= self.last(slot.pane)
            && window.contains(slot.pane)
    }
}

fn greatest_common_divisor(a: Micros, b: Micros) -> Micros {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The windows of a time, found by trying all near it.
    fn windows_of(windows: &Windows, time: Micros) -> Vec<Window> {
        let lowest = (time - windows.size).div_euclid(windows.slide) - 1;
        let highest = time.div_euclid(windows.slide) + 1;
        (lowest..=highest)
            .map(|i| windows.window(i * windows.slide))
            .filter(|window| window.contains(time))
            .collect()
    }

    prop_compose! {
        fn any_windows()(slide in 1..50i64)(size in slide..200, slide in Just(slide)) -> Windows {
            Windows { size, slide }
        }
    }

    proptest! {
        #[test]
        fn a_slot_counts_in_just_the_windows_of_its_time_that_are_not_closed(
            windows in any_windows(), time in -1000..1000i64, watermark in -1200..1200i64,
        ) {
            let open: Vec<Window> = windows_of(&windows, time)
                .into_iter()
                .filter(|window| window.end > watermark)
                .collect();
            let found: Vec<Window> = windows
                .slot(time, watermark)
                .map(|slot| windows.of_slot(slot).collect())
                .unwrap_or_default();
            prop_assert_eq!(found, open);
        }

        #[test]
        fn no_window_boundary_cuts_a_pane(
            windows in any_windows(), time in -1000..1000i64, other in 0..50i64,
        ) {
            let pane = windows.pane(time);
            prop_assert!(pane <= time && time < pane + windows.pane_len());
            let other = pane + other % windows.pane_len();
            prop_assert_eq!(windows_of(&windows, time), windows_of(&windows, other));
        }

        #[test]
        fn counts_in_agrees_with_the_list_of_windows(
            windows in any_windows(), time in -500..500i64, watermark in -500..500i64,
            start in -20..20i64,
        ) {
            let window = windows.window(start * windows.slide);
            if let Some(slot) = windows.slot(time, watermark) {
                let listed = windows.of_slot(slot).any(|of| of == window);
                prop_assert_eq!(windows.counts_in(slot, window), listed);
            }
        }
    }

    #[test]
    fn a_tumbling_window_holds_its_start_and_not_its_end() {
        let minute = Windows::try_new(60, 60).unwrap();
        let at = |time| {
            minute
                .slot(time, Micros::MIN / 4)
                .map(|slot| minute.of_slot(slot).collect())
        };
        assert_eq!(at(0), Some(vec![Window { start: 0, end: 60 }]));
        assert_eq!(at(59), Some(vec![Window { start: 0, end: 60 }]));
        assert_eq!(
            at(60),
            Some(vec![Window {
                start: 60,
                end: 120
            }])
        );
        assert_eq!(at(-1), Some(vec![Window { start: -60, end: 0 }]));
    }

    #[test]
    fn a_slide_longer_than_the_window_is_refused() {
        assert_eq!(Windows::try_new(60, 61), None);
        assert_eq!(Windows::try_new(60, 0), None);
    }
}
