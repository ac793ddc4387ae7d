//! Decodes the records of a batch and leaves out those that the filter does not want.
//!
//! Where a format can give few columns cheaper than many, the filter's columns are decoded first
//! and the rest for the records that pass; but where most pass, everything at once is cheaper still.
//! Which of the two is done does not show in any result: a record that the filter leaves out is
//! filtered, whether or not the rest of it could have been read.

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::Field;
use datashark_codec::{CodecError, Decoded, Decoder, Format};
use datashark_sdk::input::{Content, Payloads};

use super::lane::{Pipeline, Report};
use crate::aside::AsideRecord;
use crate::error::{Error, Result};
use crate::filter::Filter;

/// With a larger share of records passing the filter, all columns are decoded at once: a record of
/// JSON is checked whole in each step, so that two pay only where few records need the second.
const DECODE_ALL_ABOVE: f64 = 0.2;

/// The rows of a batch on their way, each with the record that it is of.
pub(super) struct Rows {
    pub(super) rows: RecordBatch,
    /// The record of each row; `None` where every record has its row.
    pub(super) record_idx: Option<UInt32Array>,
}

/// Reads and filters the batches of one lane.
pub(super) struct Reading {
    /// A copy of its own: a regex that two threads use makes them wait for each other.
    filter: Filter,
    decoders: Decoders,
    /// How many of the decoded columns the aggregation needs: those behind them are the filter's.
    n_columns: usize,
    /// The share of the last batch's records that passed the filter.
    pass_rate: f64,
}

enum Decoders {
    /// The input gives columns.
    None,
    /// All columns at once.
    AtOnce(Box<dyn Decoder>),
    /// The filter's columns and the others; and all of them, where no column is both.
    InSteps {
        filter: Box<dyn Decoder>,
        rest: Box<dyn Decoder>,
        all: Option<Box<dyn Decoder>>,
    },
}

impl Reading {
    /// Reads what a pipeline needs.
    pub(super) fn try_new(pipeline: &Pipeline) -> Result<Self> {
        let filter = pipeline.records.filter.clone();
        let decoders = match &pipeline.records.format {
            None => Decoders::None,
            Some(format) => decoders(format.as_ref(), pipeline)?,
        };
        Ok(Reading {
            filter,
            decoders,
            n_columns: pipeline.records.columns.len(),
            pass_rate: 0.0,
        })
    }

    /// The rows of the records that parse and pass the filter.
    pub(super) fn rows(&mut self, content: &Content, report: &mut Report) -> Result<Rows> {
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
        let rows = match decoders {
            Decoders::None => {
                return Err(Error::Internal(
                    "an input gave bytes where it said columns".into(),
                ));
            }
            Decoders::AtOnce(decoder) => {
                let decoded = decoder.decode(payloads, None);
                note_invalid(payloads, &decoded, payloads.records.len(), report);
                filtered(filter, Rows::of(decoded), self.n_columns, report)?
            }
            Decoders::InSteps {
                filter: first,
                all: Some(all),
                ..
            } if self.pass_rate > DECODE_ALL_ABOVE => {
                let mut decoded = all.decode(payloads, None);
                let n_left_out =
                    leave_out_filtered(filter, first.as_mut(), payloads, &mut decoded)?;
                report.ledger.filtered += n_left_out as u64;
                note_invalid(
                    payloads,
                    &decoded,
                    payloads.records.len() - n_left_out,
                    report,
                );
                filtered(filter, Rows::of(decoded), self.n_columns, report)?
            }
            Decoders::InSteps {
                filter: first,
                rest,
                ..
            } => in_steps(filter, first.as_mut(), rest.as_mut(), payloads, report)?,
        };
        let n_records = payloads.records.len().max(1);
        self.pass_rate = rows.rows.num_rows() as f64 / n_records as f64;
        Ok(rows)
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

fn decoders(format: &dyn Format, pipeline: &Pipeline) -> Result<Decoders> {
    let decoder = |columns: &[Field]| {
        let decoder = format.decoder(columns);
        decoder.map_err(|error: CodecError| Error::Internal(error.to_string()))
    };
    let mut all = pipeline.records.columns.clone();
    let others = missing(&pipeline.records.filter_columns, &all);
    let is_apart = others.len() == pipeline.records.filter_columns.len();
    all.extend(others);
    if pipeline.records.filter.is_empty() || !format.cheap_projection() {
        return Ok(Decoders::AtOnce(decoder(&all)?));
    }
    Ok(Decoders::InSteps {
        filter: decoder(&pipeline.records.filter_columns)?,
        rest: decoder(&pipeline.records.columns)?,
        all: if is_apart { Some(decoder(&all)?) } else { None },
    })
}

/// The filter's columns first, then the others for the records that pass.
fn in_steps(
    filter: &Filter,
    first: &mut dyn Decoder,
    rest: &mut dyn Decoder,
    payloads: &Payloads,
    report: &mut Report,
) -> Result<Rows> {
    let n_records = payloads.records.len();
    let decoded = first.decode(payloads, None);
    note_invalid(payloads, &decoded, n_records, report);
    let passing = filter.passing(&decoded.rows)?;
    report.ledger.filtered += (passing.len() - passing.count_set_bits()) as u64;
    let selection = records_of(&passing, decoded.record_idx.as_ref(), n_records);
    let decoded = rest.decode(payloads, Some(&selection));
    note_invalid(payloads, &decoded, selection.count_set_bits(), report);
    Ok(Rows::of(decoded))
}

/// Takes from the invalid records of a decoding of all columns those that the filter would have
/// left out before the rest of them was looked at; gives how many.
fn leave_out_filtered(
    filter: &Filter,
    first: &mut dyn Decoder,
    payloads: &Payloads,
    decoded: &mut Decoded,
) -> Result<usize> {
    if decoded.invalid.is_empty() {
        return Ok(0);
    }
    let n_records = payloads.records.len();
    let mut selection = BooleanBufferBuilder::new(n_records);
    selection.append_n(n_records, false);
    for invalid in &decoded.invalid {
        selection.set_bit(invalid.record_idx as usize, true);
    }
    let again = first.decode(payloads, Some(&selection.finish()));
    let passing = filter.passing(&again.rows)?;
    let left_out = records_of(&!&passing, again.record_idx.as_ref(), n_records);
    decoded
        .invalid
        .retain(|invalid| !left_out.value(invalid.record_idx as usize));
    Ok(left_out.count_set_bits())
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

/// Marks the records whose rows are marked.
fn records_of(
    rows: &BooleanBuffer,
    record_idx: Option<&UInt32Array>,
    n_records: usize,
) -> BooleanBuffer {
    let Some(record_idx) = record_idx else {
        return rows.clone();
    };
    let mut records = BooleanBufferBuilder::new(n_records);
    records.append_n(n_records, false);
    for (idx, _) in record_idx
        .values()
        .iter()
        .zip(rows)
        .filter(|(_, passes)| *passes)
    {
        records.set_bit(*idx as usize, true);
    }
    records.finish()
}

/// Accounts for the records of a step that gave no row: they are invalid, or a file's header.
fn note_invalid(payloads: &Payloads, decoded: &Decoded, n_asked: usize, report: &mut Report) {
    let n_headers = n_asked - decoded.rows.num_rows() - decoded.invalid.len();
    report.ledger.skipped += n_headers as u64;
    report.ledger.replaced += decoded.n_replaced as u64;
    for invalid in &decoded.invalid {
        let idx = invalid.record_idx as usize;
        let aside = AsideRecord::of(payloads, idx, invalid.reason.clone());
        report.invalid.push(aside);
    }
}
