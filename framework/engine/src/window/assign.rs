//! Sorts the records of a batch into slots, moving their partition's watermark along.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datashark_sdk::input::Micros;

use super::{MAX_TIME, Slot, Windows};
use crate::error::Result;

/// Where the rows of a batch go, as row numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Assigned {
    /// The rows of each slot, as runs `[start, end)` in ascending order.
    pub(crate) slots: BTreeMap<Slot, Vec<(u32, u32)>>,
    /// The rows that are late for all their windows.
    pub(crate) late: Vec<u32>,
}

/// Assigns rows by their times. `max_time` is the latest time of the partition so far and is moved
/// along; the watermark before each row is that less the allowed lateness, but at least
/// `closed_until`.
pub(crate) fn assign(
    windows: &Windows,
    times: impl Iterator<Item = Micros>,
    max_time: &mut Option<Micros>,
    allowed_lateness: Micros,
    closed_until: Micros,
) -> Assigned {
    let mut assigned = Assigned::default();
    let mut run: Option<(Slot, u32, u32)> = None;
    let pane_len = windows.pane_len();
    for (row, time) in (0u32..).zip(times) {
        let watermark = max_time
            .map_or(-MAX_TIME, |max| max - allowed_lateness)
            .max(closed_until);
        if max_time.is_none_or(|max| time > max) {
            *max_time = Some(time);
        }
        // The commonest case: the same pane as the row before, and no window closed in between.
        if let Some((slot, _, end)) = &mut run
            && slot.pane <= time
            && time < slot.pane + pane_len
            && watermark < slot.first + windows.size
        {
            *end = row + 1;
            continue;
        }
        finish_run(&mut assigned, run.take());
        match windows.slot(time, watermark) {
            Some(slot) => run = Some((slot, row, row + 1)),
            None => assigned.late.push(row),
        }
    }
    finish_run(&mut assigned, run);
    assigned
}

fn finish_run(assigned: &mut Assigned, run: Option<(Slot, u32, u32)>) {
    if let Some((slot, start, end)) = run {
        assigned.slots.entry(slot).or_default().push((start, end));
    }
}

/// The rows of some runs, without a copy where they are one run.
pub(crate) fn rows_of(batch: &RecordBatch, runs: &[(u32, u32)]) -> Result<RecordBatch> {
    if let [(start, end)] = runs {
        return Ok(batch.slice(*start as usize, (*end - *start) as usize));
    }
    let rows: UInt32Array = runs
        .iter()
        .flat_map(|(start, end)| *start..*end)
        .collect::<Vec<_>>()
        .into();
    Ok(take_record_batch(batch, &rows)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, a row at a time and with nothing remembered between rows but the latest time.
    fn plain(
        windows: &Windows,
        times: &[Micros],
        lateness: Micros,
        closed_until: Micros,
    ) -> Vec<Option<Slot>> {
        let watermark = |i: usize| {
            let max = times[..i].iter().max();
            max.map_or(-MAX_TIME, |max| max - lateness)
                .max(closed_until)
        };
        times
            .iter()
            .enumerate()
            .map(|(i, t)| windows.slot(*t, watermark(i)))
            .collect()
    }

    proptest! {
        #[test]
        fn rows_go_where_a_plain_reading_of_the_rule_sends_them(
            slide in 1..20i64, times_size in 1..4i64, extra in 0..15i64,
            times in prop::collection::vec(-200..200i64, 0..60),
            lateness in 0..80i64, closed_until in -300..100i64, cut in 0..60usize,
        ) {
            let windows = Windows::try_new(slide * times_size + extra, slide).unwrap();
            let expected = plain(&windows, &times, lateness, closed_until);
            // In two batches: where a batch ends must not matter.
            let (first, second) = times.split_at(cut.min(times.len()));
            let mut max_time = None;
            let mut found = Vec::new();
            for part in [first, second] {
                let assigned =
                    assign(&windows, part.iter().copied(), &mut max_time, lateness, closed_until);
                let mut slots = vec![None; part.len()];
                for (slot, runs) in &assigned.slots {
                    for row in runs.iter().flat_map(|(start, end)| *start..*end) {
                        slots[row as usize] = Some(*slot);
                    }
                }
                for row in &assigned.late {
                    prop_assert!(slots[*row as usize].is_none());
                }
                found.extend(slots);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
