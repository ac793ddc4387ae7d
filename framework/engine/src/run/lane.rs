//! A lane: one thread that decodes, filters, assigns and aggregates the batches it is given.
//!
//! A partition always goes to the same lane in timed runs, so that its records keep their order.
//! A lane holds the states of its open slots and hands them over when their windows close. It
//! knows nothing of other lanes, of outputs or of time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, BooleanBufferBuilder, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datashark_sdk::Refused;
use datashark_sdk::input::{Content, InputBatch, Micros, PartitionId};
use tokio::sync::mpsc;

use super::orders::{Last, PartitionState, Report, ToLane};
use super::pipeline::{Pipeline, Records};
use super::reading::{Reading, Rows, kept};
use super::times::{in_range, timed};
use crate::aggregate::{Aggregation, State};
use crate::aside::AsideRecord;
use crate::error::{Error, Result};
use crate::stream::SharedBatch;
use crate::tap::Taps;
use crate::window::{MAX_TIME, Slot, Windowing, assign, rows_of};

/// A lane.
pub(crate) struct Lane {
    pipeline: Arc<Pipeline>,
    taps: Arc<Taps>,
    reading: Reading,
    states: HashMap<Slot, State>,
    /// What the states took when they were last counted.
    state_bytes: usize,
    /// The part of the memory limit beyond which states are put into files, if they can be.
    share_bytes: Option<usize>,
    partitions: HashMap<PartitionId, PartitionState>,
}

impl Lane {
    /// One of so many lanes of a pipeline.
    pub(crate) fn try_new(
        pipeline: Arc<Pipeline>,
        taps: Arc<Taps>,
        n_lanes: usize,
    ) -> Result<Self> {
        let reading = Reading::of(&pipeline.records)?;
        Ok(Lane {
            share_bytes: pipeline.memory_limit.map(|limit| limit / n_lanes.max(1)),
            pipeline,
            taps,
            reading,
            states: HashMap::new(),
            state_bytes: 0,
            partitions: HashMap::new(),
        })
    }

    /// Does what it is told until nobody is there to tell it anything.
    pub(crate) fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<ToLane>,
        reports: mpsc::UnboundedSender<Result<Report>>,
    ) {
        while let Some(order) = orders.blocking_recv() {
            match order {
                ToLane::Resume { partition, place } => {
                    self.partitions.insert(partition, place);
                }
                ToLane::Revoke(partition) => {
                    if let Some(PartitionState { share, .. }) = self.partitions.remove(&partition) {
                        self.states.retain(|slot, _| slot.share != share);
                    }
                }
                ToLane::Batch {
                    batch,
                    shared,
                    arrival,
                } => {
                    let report = guarded(|| self.batch(*batch, shared.as_deref(), arrival));
                    let failed = report.is_err();
                    if reports.send(report).is_err() || failed {
                        return;
                    }
                }
                ToLane::Collect {
                    windows,
                    closed_until,
                    reply,
                } => {
                    for partition in self.partitions.values_mut() {
                        partition.closed_until = partition.closed_until.max(Some(closed_until));
                    }
                    let states = guarded(|| self.collect(&windows));
                    if reply.send(states).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn batch(
        &mut self,
        batch: InputBatch,
        shared: Option<&SharedBatch>,
        arrival: Micros,
    ) -> Result<Report> {
        let state = self
            .partitions
            .get(&batch.partition)
            .copied()
            .unwrap_or_default();
        let mut report = Report {
            n_records: batch.len() as u64,
            end_offset: batch.end_offset,
            invalid: undecoded(&batch),
            max_time_before: state.max_time,
            max_time: state.max_time,
            ..Report::new(batch.partition.clone())
        };
        report.ledger.n_bytes = batch.n_bytes;
        let rows = self.reading.rows(&batch.content, shared, &mut report)?;
        self.taps.records(&batch, &rows);
        let rows = wanted(&self.pipeline.records, rows, &batch.content, &mut report)?;
        self.assigned(rows, &batch.content, arrival, state, &mut report)?;
        settle_invalid(&mut report, state.accounted);
        self.partitions.entry(batch.partition).or_default().max_time = report.max_time;
        self.account_memory()?;
        Ok(report)
    }

    /// Sends rows to the states of their slots.
    fn assigned(
        &mut self,
        rows: Rows,
        content: &Content,
        arrival: Micros,
        state: PartitionState,
        report: &mut Report,
    ) -> Result<()> {
        let range = self.pipeline.range;
        let Windowing::Timed(windows) = self.pipeline.records.windowing else {
            let rows = match range.is_whole() {
                true => rows,
                false => in_range(&self.pipeline, rows, content, arrival, report)?,
            };
            report.ledger.aggregated += rows.rows.num_rows() as u64;
            return self.aggregate(Slot::WHOLE, &rows.rows, report);
        };
        let (rows, times) = timed(&self.pipeline, rows, content, arrival, report)?;
        let lateness = self.pipeline.allowed_lateness;
        let times = times.iter().copied();
        let found = assign(
            &windows,
            times,
            &mut report.max_time,
            lateness,
            state.closed_until.unwrap_or(-MAX_TIME),
        );
        for row in &found.late {
            self.late(*row, &rows, content, state, report);
        }
        for (slot, runs) in found.slots {
            if !windows.of_slot(slot).any(|window| range.encloses(&window)) {
                let n_rows = runs.iter().map(|(start, end)| u64::from(end - start));
                report.ledger.filtered += n_rows.sum::<u64>();
                continue;
            }
            let of_slot = rows_of(&rows.rows, &runs)?;
            report.ledger.aggregated += of_slot.num_rows() as u64;
            let share = state.share;
            self.aggregate(Slot { share, ..slot }, &of_slot, report)?;
        }
        Ok(())
    }

    fn aggregate(&mut self, slot: Slot, rows: &RecordBatch, report: &mut Report) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let aggregation = &self.pipeline.records.aggregation;
        let rows = projected(rows, aggregation.columns())?;
        let state = match self.states.entry(slot) {
            Entry::Occupied(state) => state.into_mut(),
            Entry::Vacant(place) => place.insert(aggregation.empty()?),
        };
        aggregation.add(state, rows)?;
        report.slots.push(slot);
        Ok(())
    }

    /// A record behind all its windows: late, unless an earlier run has accounted for it.
    fn late(
        &self,
        row: u32,
        rows: &Rows,
        content: &Content,
        state: PartitionState,
        report: &mut Report,
    ) {
        let idx = record_of(rows, row);
        if offset_of(content, idx) < state.accounted {
            report.ledger.skipped += 1;
            return;
        }
        report.ledger.late += 1;
        if self.pipeline.keep_late {
            report.late.push(aside(
                content,
                rows,
                row,
                "late: all its windows have closed".into(),
            ));
        }
    }

    /// Hands over the states of slots, window by window.
    fn collect(&mut self, windows: &[Vec<(Slot, Last)>]) -> Result<Vec<Vec<State>>> {
        let aggregation = &self.pipeline.records.aggregation;
        let mut collected = Vec::with_capacity(windows.len());
        for slots in windows {
            let mut states = Vec::new();
            for (slot, last) in slots {
                let Some(state) = self.states.get_mut(slot) else {
                    continue;
                };
                aggregation.settle(state)?;
                match last {
                    Last::No => states.push(aggregation.copy(state)?),
                    Last::Yes => states.extend(self.states.remove(slot)),
                }
            }
            collected.push(states);
        }
        self.account_memory()?;
        Ok(collected)
    }

    /// Brings what all lanes together use up to date and holds it against the limit. Records that
    /// wait to be aggregated hold on to more than they will take: they are aggregated first.
    fn account_memory(&mut self) -> Result<()> {
        let mut own_bytes = self.own_bytes();
        // Before the others hear of its size.
        if self.share_bytes.is_some_and(|share| own_bytes > share) {
            self.spill()?;
            own_bytes = self.own_bytes();
        }
        let used_bytes = self.publish(own_bytes);
        let limit_bytes = match self.pipeline.memory_limit {
            Some(limit_bytes) if used_bytes > limit_bytes => limit_bytes,
            _ => return Ok(()),
        };
        for state in self.states.values_mut() {
            self.pipeline.records.aggregation.settle(state)?;
        }
        let own_bytes = self.own_bytes();
        match self.publish(own_bytes) {
            used_bytes if used_bytes > limit_bytes => Err(Error::Memory {
                used_bytes,
                limit_bytes,
            }),
            _ => Ok(()),
        }
    }

    /// Puts states into files, as far as they can be: what other lanes hold this one cannot put anywhere.
    fn spill(&mut self) -> Result<()> {
        let aggregation = &self.pipeline.records.aggregation;
        for state in self.states.values_mut() {
            let before = aggregation.size_bytes(state);
            if aggregation.spill(state, &self.pipeline.spill_folder)? {
                let n_bytes = before.saturating_sub(aggregation.size_bytes(state));
                tracing::debug!(n_bytes, "put a state into a file");
            }
        }
        Ok(())
    }

    /// What the lane's states take.
    fn own_bytes(&self) -> usize {
        let aggregation = &self.pipeline.records.aggregation;
        let sizes = self.states.values();
        sizes.map(|state| aggregation.size_bytes(state)).sum()
    }

    /// Tells the other lanes what this one's states take; gives what those of all take, as far as each has
    /// told.
    fn publish(&mut self, own_bytes: usize) -> usize {
        let before = std::mem::replace(&mut self.state_bytes, own_bytes);
        let used = &self.pipeline.used_bytes;
        used.fetch_add(own_bytes, Ordering::Relaxed);
        used.fetch_sub(before, Ordering::Relaxed) - before
    }
}

/// Runs an author's code; a panic in it is an error.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Internal(format!(
            "a panic: {}",
            text.unwrap_or_default()
        )))
    })
}

/// The columns that an aggregation reads, of the types that it was planned with.
pub(crate) fn projected(rows: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        let column = rows.column_by_name(field.name());
        let column =
            column.ok_or_else(|| Error::Internal(format!("no column `{}`", field.name())))?;
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        Ok(cast(column, field.data_type())?)
    };
    let projected = columns
        .fields()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(columns),
        projected,
        &options,
    )?)
}

/// Counts the invalid records, but for those that an earlier run has accounted for.
fn settle_invalid(report: &mut Report, accounted: u64) {
    let n_before = report.invalid.len();
    report.invalid.retain(|record| record.offset >= accounted);
    report.ledger.skipped += (n_before - report.invalid.len()) as u64;
    report.ledger.invalid += report.invalid.len() as u64;
    report.ledger.read = report.n_records - report.ledger.skipped;
}

/// The records of a batch that no codec sees: too large to hold, or nothing to decode.
fn undecoded(batch: &InputBatch) -> Vec<AsideRecord> {
    let oversized = batch.oversized.iter().map(|oversized| AsideRecord {
        offset: oversized.offset,
        line: oversized.line,
        reason: format!(
            "a record of {} bytes; `[engine] max_record_size` is less; kept is how it begins",
            oversized.n_bytes
        ),
        header: None,
        is_cut: true,
        record: oversized.head.clone(),
    });
    let unreadable = batch.unreadable.iter().map(|unreadable| AsideRecord {
        offset: unreadable.offset,
        line: None,
        reason: unreadable.reason.clone(),
        header: None,
        is_cut: false,
        record: Vec::new(),
    });
    oversized.chain(unreadable).collect()
}

/// The rows as the use case reads them, without those that it refuses: these are invalid.
fn wanted(records: &Records, rows: Rows, content: &Content, report: &mut Report) -> Result<Rows> {
    let Aggregation::Reduce { columns, .. } = &records.aggregation else {
        return Ok(rows);
    };
    if rows.rows.num_rows() == 0 {
        return Ok(rows);
    }
    let read = match &records.view {
        Some(view) => view.rows(projected(&rows.rows, view.columns())?)?,
        None => rows.rows.clone(),
    };
    let read = projected(&read, columns)?;
    let refused = records.aggregation.refused(&read)?;
    let mut is_kept = BooleanBufferBuilder::new(read.num_rows());
    is_kept.append_n(read.num_rows(), true);
    for Refused { row, reason } in refused {
        if row < read.num_rows() && is_kept.get_bit(row) {
            is_kept.set_bit(row, false);
            report
                .invalid
                .push(aside(content, &rows, row as u32, reason));
        }
    }
    let rows = Rows {
        rows: with_others(read, &rows.rows)?,
        ..rows
    };
    let is_kept = is_kept.finish();
    match is_kept.count_set_bits() == is_kept.len() {
        true => Ok(rows),
        false => kept(rows, &is_kept),
    }
}

/// A batch with the columns of another that it lacks, such as the time's.
fn with_others(rows: RecordBatch, others: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = rows.schema_ref().fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for (field, column) in others.schema_ref().fields().iter().zip(others.columns()) {
        if rows.schema_ref().index_of(field.name()).is_err() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

fn record_of(rows: &Rows, row: u32) -> u32 {
    rows.record_idx
        .as_ref()
        .map_or(row, |idx| idx.value(row as usize))
}

fn offset_of(content: &Content, record_idx: u32) -> u64 {
    match content {
        Content::Payloads(payloads) => payloads.offsets[record_idx as usize],
        Content::Columns { first_offset, .. } => first_offset + u64::from(record_idx),
    }
}

/// The record of a row, to be kept aside.
pub(super) fn aside(content: &Content, rows: &Rows, row: u32, reason: String) -> AsideRecord {
    let idx = record_of(rows, row);
    match content {
        Content::Payloads(payloads) => AsideRecord::of(payloads, idx as usize, reason),
        Content::Columns { rows, .. } => {
            let one = UInt32Array::from(vec![idx]);
            let values = rows.columns().iter().map(|column| {
                let value = take(column, &one, None);
                value.and_then(|v| arrow::util::display::array_value_to_string(&v, 0))
            });
            let values: Vec<String> = values.map(Result::unwrap_or_default).collect();
            AsideRecord {
                offset: offset_of(content, idx),
                line: None,
                reason,
                header: None,
                is_cut: false,
                record: values.join("\t").into_bytes(),
            }
        }
    }
}
