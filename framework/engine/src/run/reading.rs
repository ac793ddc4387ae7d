//! Decodes the records of a batch and leaves out those that the filter does not want.
//!
//! A format that can filters while it decodes; of others the rows are filtered. Which of the two is
//! done shows in one thing alone: where values are looked at behind the filter, a record that it
//! leaves out is filtered, whether or not the rest of its values fit their columns.
//!
//! Records that other use cases read too are decoded once for all of them ([`SharedBatch`]), and then
//! filtered as rows.

mod together;

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::Field;
use datashark_codec::{CodecError, Decoded, Decoder, Format, RecordFilter};
use datashark_sdk::input::{Content, Payloads};

use self::together::Together;
pub(crate) use self::together::wanted;
use super::orders::Report;
use super::pipeline::Records;
use crate::aside::AsideRecord;
use crate::error::{Error, Result};
use crate::filter::{Filter, OnColumns};
use crate::stream::SharedBatch;

/// The rows of a batch on their way, each with the record that it is of.
pub(crate) struct Rows {
    pub(crate) rows: RecordBatch,
    /// The record of each row; `None` where every record has its row.
    pub(crate) record_idx: Option<UInt32Array>,
}

/// Reads and filters the batches of one lane.
pub(super) struct Reading {
    /// A copy of its own: a regex that two threads use makes them wait for each other.
    filter: Filter,
    decoders: Decoders,
    /// How many of the decoded columns the aggregation needs: those behind them are the filter's.
    n_columns: usize,
    /// How records are read that others read too; `None` where the input gives columns, or the format
    /// has headers.
    together: Option<Together>,
}

enum Decoders {
    /// The input gives columns.
    None,
    /// All columns, the filter's too.
    Whole(Box<dyn Decoder>),
    /// The aggregation's columns of the records that pass.
    Filtering(Box<dyn Decoder>),
}

impl Reading {
    /// Reads what a use case needs.
    pub(super) fn of(records: &Records) -> Result<Self> {
        let decoders = match &records.format {
            None => Decoders::None,
            Some(format) => decoders(format.as_ref(), records)?,
        };
        Ok(Reading {
            filter: records.filter.clone(),
            decoders,
            n_columns: records.columns.len(),
            together: Together::new(records),
        })
    }

    /// The rows of the records that parse and pass the filter.
    pub(super) fn rows(
        &mut self,
        content: &Content,
        shared: Option<&SharedBatch>,
        report: &mut Report,
    ) -> Result<Rows> {
        if let (Content::Payloads(payloads), Some(shared)) = (content, shared)
            && let Some(together) = &mut self.together
            && let Some(read) = together.read(payloads, shared, &self.filter, report)?
        {
            let Some(again) = read.again else {
                return Ok(read.rows);
            };
            let rows = self.alone(&Content::Payloads(again.payloads(payloads)?), report)?;
            return again.merged(read.rows, rows);
        }
        self.alone(content, report)
    }

    /// The rows of records that nobody else reads.
    fn alone(&mut self, content: &Content, report: &mut Report) -> Result<Rows> {
        let filter = &self.filter;
        let (payloads, decoders) = match (content, &mut self.decoders) {
            (Content::Columns { rows, .. }, Decoders::None) => {
                let rows = Rows {
                    rows: rows.clone(),
                    record_idx: None,
                };
                return filtered(filter, rows, usize::MAX, report);
            }
            (Content::Payloads(payloads), decoders) => (payloads, decoders),
            _ => {
                return Err(Error::Internal(
                    "an input gave other content than it said".into(),
                ));
            }
        };
        match decoders {
            Decoders::None => Err(Error::Internal(
                "an input gave bytes where it said columns".into(),
            )),
            Decoders::Whole(decoder) => {
                let decoded = decoder.decode(payloads);
                note_left_out(payloads, &decoded, report);
                filtered(filter, Rows::of(decoded), self.n_columns, report)
            }
            Decoders::Filtering(decoder) => {
                let decoded = decoder.decode(payloads);
                note_left_out(payloads, &decoded, report);
                Ok(Rows::of(decoded))
            }
        }
    }
}

impl Rows {
    fn of(decoded: Decoded) -> Self {
        Rows {
            rows: decoded.rows,
            record_idx: decoded.record_idx,
        }
    }
}

fn decoders(format: &dyn Format, records: &Records) -> Result<Decoders> {
    let failed = |error: CodecError| Error::Internal(error.to_string());
    if !records.filter.is_empty() {
        let filter: Arc<dyn RecordFilter> =
            Arc::new(OnColumns::new(&records.filter, &records.filter_columns));
        let decoder = format.filtering_decoder(&records.columns, &filter);
        if let Some(decoder) = decoder.map_err(failed)? {
            return Ok(Decoders::Filtering(decoder));
        }
    }
    let mut columns = records.columns.clone();
    columns.extend(missing(&records.filter_columns, &records.columns));
    Ok(Decoders::Whole(format.decoder(&columns).map_err(failed)?))
}

/// The rows that pass, with their first `n_columns`.
fn filtered(filter: &Filter, rows: Rows, n_columns: usize, report: &mut Report) -> Result<Rows> {
    if filter.is_empty() {
        return Ok(rows);
    }
    let passing = filter.passing(&rows.rows)?;
    let wanted: Vec<usize> = (0..n_columns.min(rows.rows.num_columns())).collect();
    let rows = Rows {
        rows: rows.rows.project(&wanted)?,
        ..rows
    };
    let n_filtered = passing.len() - passing.count_set_bits();
    report.ledger.filtered += n_filtered as u64;
    if n_filtered == 0 {
        return Ok(rows);
    }
    kept(rows, &passing)
}

/// The fields of one list that another lacks.
fn missing(fields: &[Field], among: &[Field]) -> Vec<Field> {
    let lacks = |field: &&Field| !among.iter().any(|other| other.name() == field.name());
    fields.iter().filter(lacks).cloned().collect()
}

/// The rows that are marked.
pub(super) fn kept(rows: Rows, marked: &BooleanBuffer) -> Result<Rows> {
    let mask = BooleanArray::new(marked.clone(), None);
    let all = || UInt32Array::from_iter_values(0..rows.rows.num_rows() as u32);
    let record_idx = rows.record_idx.clone().unwrap_or_else(all);
    let record_idx = arrow::compute::filter(&record_idx, &mask)?;
    Ok(Rows {
        rows: filter_record_batch(&rows.rows, &mask)?,
        record_idx: Some(record_idx.as_primitive().clone()),
    })
}

/// Accounts for the records that gave no row: they are filtered, invalid, or a file's header.
fn note_left_out(payloads: &Payloads, decoded: &Decoded, report: &mut Report) {
    let n_others = decoded.rows.num_rows() + decoded.n_filtered + decoded.invalid.len();
    report.ledger.filtered += decoded.n_filtered as u64;
    report.ledger.skipped += (payloads.records.len() - n_others) as u64;
    report.ledger.replaced += decoded.n_replaced as u64;
    for invalid in &decoded.invalid {
        let idx = invalid.record_idx as usize;
        let aside = AsideRecord::of(payloads, idx, invalid.reason.clone());
        report.invalid.push(aside);
    }
}

#[cfg(test)]
mod tests;
