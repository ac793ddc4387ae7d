//! The loop that every format shares: records in, rows and invalid records out.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datashark_sdk::input::Payloads;

use crate::column::Column;
use crate::record::{Record, Texts};
use crate::{CodecError, Decoded, Invalid};

/// How one record becomes a value in each column.
pub(crate) trait Parse: Send {
    /// What becomes of a record that is not UTF-8.
    const UTF8: Utf8;

    /// Told before the records of a batch whether all of them are ASCII; where not, some may be.
    fn begin(&mut self, is_ascii: bool) {
        let _ = is_ascii;
    }

    /// Told of each record before it is parsed: which one of the block it is.
    #[inline(always)]
    fn reach(&mut self, record_idx: usize) {
        let _ = record_idx;
    }

    /// Appends a value to every column; where it fails, what it did append comes to nothing.
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
        let records = &payloads.records;
        let n_selected = selection.map_or(records.len(), BooleanBuffer::count_set_bits);
        self.start(n_selected, records.data_buffers());
        let texts = Texts::of(records);
        parser.begin(texts.as_ref().is_some_and(Texts::is_ascii));
        let mut kept = Kept::new(selection.is_some(), n_selected);
        let mut one = |idx: usize| {
            parser.reach(idx);
            let alone;
            let record = match &texts {
                Some(texts) => Ok(texts.record(idx)),
                None => {
                    alone = text_of(records.value(idx), P::UTF8);
                    kept.n_replaced += usize::from(matches!(alone, Ok(Cow::Owned(_))));
                    alone.as_ref().map(|text| Record::alone(text))
                }
            };
            let record = record.map_err(String::clone);
            match record.and_then(|record| parser.parse(&record, &mut self.columns)) {
                Ok(()) if parser.left_out() => kept.leave_out(),
                Ok(()) => kept.row(idx),
                Err(reason) => {
                    kept.misfit(&mut self.columns);
                    kept.invalid(idx, reason);
                }
            }
        };
        match selection {
            Some(selected) => selected.set_indices().for_each(&mut one),
            None => (0..records.len()).for_each(&mut one),
        }
        let rows = self.finish(&kept);
        kept.decoded(rows)
    }

    /// Decodes all records, which are no text.
    pub(crate) fn decode_bytes(
        &mut self,
        payloads: &Payloads,
        mut parse: impl FnMut(&[u8], &mut [Column]) -> Result<(), String>,
    ) -> Decoded {
        let records = &payloads.records;
        self.start(records.len(), &[]);
        let mut kept = Kept::new(false, records.len());
        for idx in 0..records.len() {
            match parse(records.value(idx), &mut self.columns) {
                Ok(()) => kept.row(idx),
                Err(reason) => {
                    kept.misfit(&mut self.columns);
                    kept.invalid(idx, reason);
                }
            }
        }
        let rows = self.finish(&kept);
        kept.decoded(rows)
    }

    /// Makes room for `n_rows`, of records in these blocks.
    pub(crate) fn start(&mut self, n_rows: usize, blocks: &[Buffer]) {
        for column in &mut self.columns {
            column.start(n_rows, blocks);
        }
    }

    /// The rows, of which each column has `n_rows` values.
    pub(crate) fn take(&mut self, n_rows: usize) -> RecordBatch {
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .expect("every column has its field's type and a value for each row")
    }

    fn finish(&mut self, kept: &Kept) -> RecordBatch {
        let n_values = kept.n_values();
        let rows = self.take(n_values);
        if kept.misfits.is_empty() {
            return rows;
        }
        let mut fits = vec![true; n_values];
        for misfit in &kept.misfits {
            fits[*misfit] = false;
        }
        filter_record_batch(&rows, &BooleanArray::from(fits)).expect("a mark for each row")
    }
}

/// Which records gave a row.
struct Kept {
    n_rows: usize,
    /// Filled from the start where there is a selection, else from the first invalid record.
    record_idx: Option<Vec<u32>>,
    n_selected: usize,
    n_filtered: usize,
    n_replaced: usize,
    invalid: Vec<Invalid>,
    /// Where values stand in the columns that are of no row.
    misfits: Vec<usize>,
}

impl Kept {
    fn new(selected: bool, n_selected: usize) -> Self {
        let record_idx = selected.then(|| Vec::with_capacity(n_selected));
        Kept {
            n_rows: 0,
            record_idx,
            n_selected,
            n_filtered: 0,
            n_replaced: 0,
            invalid: Vec::new(),
            misfits: Vec::new(),
        }
    }

    /// How many values each column has.
    fn n_values(&self) -> usize {
        self.n_rows + self.misfits.len()
    }

    /// A record did not become a row: what was appended of it before that was seen is marked.
    #[cold]
    fn misfit(&mut self, columns: &mut [Column]) {
        let n_values = self.n_values();
        if columns.iter().any(|column| column.len() > n_values) {
            let short = columns.iter_mut().filter(|column| column.len() == n_values);
            short.for_each(Column::push_null);
            self.misfits.push(n_values);
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

    fn decoded(self, rows: RecordBatch) -> Decoded {
        let record_idx = self.record_idx.map(UInt32Array::from);
        Decoded {
            rows,
            record_idx,
            invalid: self.invalid,
            n_filtered: self.n_filtered,
            n_replaced: self.n_replaced,
        }
    }
}

/// A record's bytes as text.
#[cold]
fn text_of(record: &[u8], utf8: Utf8) -> Result<Cow<'_, str>, String> {
    match utf8 {
        Utf8::Replace => Ok(String::from_utf8_lossy(record)),
        Utf8::Require => std::str::from_utf8(record)
            .map(Cow::Borrowed)
            .map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
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
