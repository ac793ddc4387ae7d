//! The loop that every format shares: records in, rows and invalid records out.

use std::sync::Arc;

use arrow::array::{Array, BinaryViewArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datashark_sdk::input::Payloads;

use crate::column::Column;
use crate::view::{self, Record};
use crate::{CodecError, Decoded, Invalid};

/// How one record becomes a value in each column.
pub(crate) trait Parse: Send {
    /// What becomes of a record that is not UTF-8.
    const UTF8: Utf8;

    /// Told of each record before it is parsed: which one of the block it is.
    #[inline(always)]
    fn reach(&mut self, record_idx: usize) {
        let _ = record_idx;
    }

    /// Appends a value to every column; where it fails, what it did append is taken back.
    ///
    /// # Errors
    /// Why the record is invalid, for a person.
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String>;

    /// Whether the record that was just parsed is not wanted, so that nothing was appended.
    #[inline(always)]
    fn left_out(&self) -> bool {
        false
    }
}

/// What becomes of a record that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Utf8 {
    /// Each bad sequence becomes U+FFFD.
    Replace,
    /// The record is invalid.
    Require,
    /// Nothing: it is no text.
    Any,
}

/// The columns of a decoder.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    pub(crate) columns: Vec<Column>,
}

impl Rows {
    /// Empty columns of the types of `fields`, all of them nullable.
    ///
    /// # Errors
    /// A type that no text has.
    pub(crate) fn try_new(format: &'static str, fields: &[Field]) -> Result<Self, CodecError> {
        let columns = fields.iter().map(|field| Column::try_new(format, field));
        let columns = columns.collect::<Result<_, _>>()?;
        let nullable = fields.iter().map(|field| field.clone().with_nullable(true));
        Ok(Rows {
            schema: Arc::new(Schema::new(nullable.collect::<Vec<_>>())),
            columns,
        })
    }

    /// The schema of the rows.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Decodes the selected records, or all: a file's header lines are not.
    pub(crate) fn decode<P: Parse>(
        &mut self,
        parser: &mut P,
        payloads: &Payloads,
        selection: Option<&BooleanBuffer>,
    ) -> Decoded {
        let mut records = payloads.records.clone();
        let mut n_replaced = 0;
        let utf8 = P::UTF8 == Utf8::Any || view::all_utf8(&records);
        if !utf8 && P::UTF8 == Utf8::Replace {
            (records, n_replaced) = replace(records, selection);
        }
        let n_records = records.len();
        let n_selected = selection.map_or(n_records, BooleanBuffer::count_set_bits);
        self.start(n_selected, records.data_buffers().len());
        let check = !utf8 && P::UTF8 == Utf8::Require;
        let mut kept = Kept::new(selection.is_some(), n_selected);
        let mut one = |idx: usize| {
            parser.reach(idx);
            let record = Record::of(&records, idx);
            let checked = if check { require_utf8(&record) } else { Ok(()) };
            match checked.and_then(|()| parser.parse(&record, &mut self.columns)) {
                Ok(()) if parser.left_out() => kept.leave_out(),
                Ok(()) => kept.row(idx),
                Err(reason) => {
                    for column in &mut self.columns {
                        column.truncate(kept.n_rows);
                    }
                    kept.invalid(idx, reason);
                }
            }
        };
        match selection {
            Some(selected) => selected.set_indices().for_each(&mut one),
            None => (0..n_records).for_each(&mut one),
        }
        let rows = self.finish(kept.n_rows, records.data_buffers());
        kept.decoded(rows, n_replaced)
    }

    /// Makes room for `n_rows`, of records in so many blocks.
    pub(crate) fn start(&mut self, n_rows: usize, n_blocks: usize) {
        for column in &mut self.columns {
            column.start(n_rows, n_blocks);
        }
    }

    /// The rows, of which each column has `n_rows` values.
    pub(crate) fn finish(&mut self, n_rows: usize, blocks: &[Buffer]) -> RecordBatch {
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| column.finish(blocks))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .expect("every column has its field's type and a value for each row")
    }
}

/// Which records gave a row.
struct Kept {
    n_rows: usize,
    /// Filled from the start where there is a selection, else from the first invalid record.
    record_idx: Option<Vec<u32>>,
    n_selected: usize,
    n_filtered: usize,
    invalid: Vec<Invalid>,
}

impl Kept {
    fn new(selected: bool, n_selected: usize) -> Self {
        let record_idx = selected.then(|| Vec::with_capacity(n_selected));
        Kept {
            n_rows: 0,
            record_idx,
            n_selected,
            n_filtered: 0,
            invalid: Vec::new(),
        }
    }

    #[inline]
    fn row(&mut self, idx: usize) {
        self.n_rows += 1;
        if let Some(record_idx) = &mut self.record_idx {
            record_idx.push(idx as u32);
        }
    }

    #[inline]
    fn leave_out(&mut self) {
        self.n_filtered += 1;
        self.note_rows();
    }

    #[cold]
    fn invalid(&mut self, idx: usize, reason: String) {
        self.invalid.push(Invalid {
            record_idx: idx as u32,
            reason,
        });
        self.note_rows();
    }

    /// From here on a row's place is no longer its record's.
    #[inline]
    fn note_rows(&mut self) {
        if self.record_idx.is_none() {
            let mut record_idx = Vec::with_capacity(self.n_selected);
            record_idx.extend(0..self.n_rows as u32);
            self.record_idx = Some(record_idx);
        }
    }

    fn decoded(self, rows: RecordBatch, n_replaced: usize) -> Decoded {
        let record_idx = self.record_idx.map(UInt32Array::from);
        Decoded {
            rows,
            record_idx,
            invalid: self.invalid,
            n_filtered: self.n_filtered,
            n_replaced,
        }
    }
}

fn require_utf8(record: &Record<'_>) -> Result<(), String> {
    match std::str::from_utf8(record.bytes()) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
}

/// The same records with U+FFFD for what is not UTF-8 in the selected ones, and how many those are.
fn replace(
    records: BinaryViewArray,
    selection: Option<&BooleanBuffer>,
) -> (BinaryViewArray, usize) {
    let bad = |idx: &usize| !is_utf8(records.value(*idx));
    let bad: Vec<usize> = match selection {
        Some(selected) => selected.set_indices().filter(bad).collect(),
        None => (0..records.len()).filter(bad).collect(),
    };
    if bad.is_empty() {
        return (records, 0);
    }
    let block_idx = records.data_buffers().len() as u32;
    let mut views = records.views().to_vec();
    let mut block = Vec::new();
    for idx in &bad {
        let start = block.len();
        block.extend_from_slice(String::from_utf8_lossy(records.value(*idx)).as_bytes());
        views[*idx] = view::view(&block, start, block.len() - start, block_idx);
    }
    let mut blocks = records.data_buffers().to_vec();
    blocks.push(Buffer::from_vec(block));
    let replaced = BinaryViewArray::try_new(views.into(), blocks, None)
        .expect("a replaced record is whole in the new block");
    (replaced, bad.len())
}

fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || simdutf8::basic::from_utf8(bytes).is_ok()
}

/// The start of a value as a reason quotes it.
pub(crate) fn quote(text: &[u8]) -> String {
    const QUOTED_MAX: usize = 40;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
