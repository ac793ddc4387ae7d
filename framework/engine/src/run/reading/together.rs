//! Records that several use cases read: decoded by whoever comes first, with the columns of all.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{interleave, take, take_record_batch};
use arrow::datatypes::Field;
use datashark_codec::{CodecError, Decoded, Decoder, Format};
use datashark_sdk::input::{HeaderRule, Payloads};

use super::super::orders::Report;
use super::super::pipeline::Records;
use super::Rows;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::stream::{SharedBatch, Wanted};

/// How one use case reads records together with others.
pub(super) struct Together {
    format: Arc<dyn Format>,
    columns: Vec<Field>,
    filter_columns: Vec<Field>,
    wanted: Wanted,
    /// Of the group that the last batch was for.
    group: Option<GroupDecoder>,
}

/// A decoder of a group's columns, and which of them are ours.
struct GroupDecoder {
    columns: Arc<[Field]>,
    decoder: Box<dyn Decoder>,
    own_idx: Vec<usize>,
    filter_idx: Vec<usize>,
}

/// What was read of a batch.
pub(super) struct Read {
    pub(super) rows: Rows,
    /// Records that are invalid with the columns of all, and may not be with our own.
    pub(super) again: Option<Again>,
}

/// Records of a batch that are to be read again, by one use case alone.
pub(super) struct Again {
    record_idx: UInt32Array,
}

impl Together {
    /// By what a use case reads; `None` where a header says what the columns are: it may stand in
    /// another batch.
    pub(super) fn new(records: &Records) -> Option<Self> {
        let format = records.format.as_ref()?;
        Some(Together {
            wanted: wanted(records)?,
            format: Arc::clone(format),
            columns: records.columns.clone(),
            filter_columns: records.filter_columns.clone(),
            group: None,
        })
    }

    /// The rows that pass; `None` where the batch is not shared with us.
    pub(super) fn read(
        &mut self,
        payloads: &Payloads,
        shared: &SharedBatch,
        filter: &Filter,
        report: &mut Report,
    ) -> Result<Option<Read>> {
        let Some((columns, decoded)) = shared.of(&self.wanted) else {
            return Ok(None);
        };
        let is_for = |group: &GroupDecoder| Arc::ptr_eq(&group.columns, columns);
        if !self.group.as_ref().is_some_and(is_for) {
            self.group = None;
        }
        let group = match &mut self.group {
            Some(group) => group,
            none => none.insert(GroupDecoder::try_new(
                self.format.as_ref(),
                columns,
                &self.columns,
                &self.filter_columns,
            )?),
        };
        let decoded = decoded.get_or_init(|| group.decoder.decode(payloads));
        report.ledger.replaced += decoded.n_replaced as u64;
        let n_found = decoded.rows.num_rows() + decoded.invalid.len();
        report.ledger.skipped += (payloads.records.len() - n_found) as u64;
        let again = (!decoded.invalid.is_empty()).then(|| Again {
            record_idx: decoded.invalid.iter().map(|it| it.record_idx).collect(),
        });
        let rows = group.passing(decoded, filter, report)?;
        Ok(Some(Read { rows, again }))
    }
}

/// What a use case wants of shared records; `None` where it cannot share.
pub(crate) fn wanted(records: &Records) -> Option<Wanted> {
    let format = records.format.as_ref()?;
    let columns = records.columns.iter().chain(&records.filter_columns);
    (format.header() == HeaderRule::None).then(|| Wanted::new(format.as_ref(), columns))
}

impl GroupDecoder {
    fn try_new(
        format: &dyn Format,
        columns: &Arc<[Field]>,
        own: &[Field],
        of_filter: &[Field],
    ) -> Result<Self> {
        let failed = |error: CodecError| Error::Internal(error.to_string());
        // The group has all that any of its members wants.
        let idx = |wanted: &[Field]| {
            let place = |field| columns.iter().position(|column| column == field);
            wanted.iter().filter_map(place).collect()
        };
        Ok(GroupDecoder {
            decoder: format.decoder(columns).map_err(failed)?,
            columns: Arc::clone(columns),
            own_idx: idx(own),
            filter_idx: idx(of_filter),
        })
    }

    fn passing(&self, decoded: &Decoded, filter: &Filter, report: &mut Report) -> Result<Rows> {
        let rows = decoded.rows.project(&self.own_idx)?;
        let record_idx = decoded.record_idx.clone();
        if filter.is_empty() {
            return Ok(Rows { rows, record_idx });
        }
        let passing = filter.passing(&decoded.rows.project(&self.filter_idx)?)?;
        let n_filtered = passing.len() - passing.count_set_bits();
        report.ledger.filtered += n_filtered as u64;
        match n_filtered {
            0 => Ok(Rows { rows, record_idx }),
            _ => super::kept(Rows { rows, record_idx }, &passing),
        }
    }
}

impl Again {
    /// These records of a batch.
    pub(super) fn payloads(&self, of: &Payloads) -> Result<Payloads> {
        let idx = &self.record_idx;
        let offsets = idx.values().iter().map(|idx| of.offsets[*idx as usize]);
        let beside = of.beside.as_ref();
        Ok(Payloads {
            records: take(&of.records, idx, None)?.as_binary_view().clone(),
            offsets: offsets.collect(),
            header: None,
            first_line: None,
            beside: beside
                .map(|rows| take_record_batch(rows, idx))
                .transpose()?,
        })
    }

    /// The rows of the batch with those that these records gave after all, in the records' order.
    pub(super) fn merged(self, rows: Rows, again: Rows) -> Result<Rows> {
        if again.rows.num_rows() == 0 {
            return Ok(rows);
        }
        let all = |n_rows: usize| UInt32Array::from_iter_values(0..n_rows as u32);
        let own = rows.record_idx.unwrap_or_else(|| all(rows.rows.num_rows()));
        let of_again = again
            .record_idx
            .unwrap_or_else(|| all(again.rows.num_rows()));
        let of_again = take(&self.record_idx, &of_again, None)?;
        let places = |batch: usize, idx: &UInt32Array| {
            let places = idx.values().iter().enumerate();
            places
                .map(|(row, record)| (*record, (batch, row)))
                .collect::<Vec<_>>()
        };
        let mut places = [places(0, &own), places(1, of_again.as_primitive())].concat();
        places.sort_unstable();
        let record_idx = places.iter().map(|(record, _)| *record).collect();
        let order: Vec<(usize, usize)> = places.into_iter().map(|(_, place)| place).collect();
        let columns = rows.rows.columns().iter().zip(again.rows.columns());
        let columns = columns.map(|(a, b)| interleave(&[a.as_ref(), b.as_ref()], &order));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(order.len()));
        let schema = rows.rows.schema();
        Ok(Rows {
            rows: RecordBatch::try_new_with_options(schema, columns, &options)?,
            record_idx: Some(record_idx),
        })
    }
}
