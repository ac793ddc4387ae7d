//! `datashark codec`: shows what a format makes of a file, the first thing to try on a new log.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use datashark_codec::{Decoder, Format};
use datashark_sdk::Stores;
use datashark_sdk::conf::{Problems, Section, Value};
use datashark_sdk::input::{Content, InputEntry, InputEvent, Open, Payloads, Unreadable};

use crate::args::{Codec, Engine};
use crate::global::global;
use crate::standalone::runtime;
use crate::text::{counted, say};
use crate::{FAILED, Failure, WRONG};

/// Records that are looked at, unless all are asked for.
const N_RECORDS: usize = 100_000;
/// Invalid records that are shown with the reason.
const N_INVALID: usize = 10;
/// A value longer than this is shown in part.
const N_CHARACTERS: usize = 60;

/// Shows a file.
pub(crate) fn run(args: &Codec) -> Result<(), Failure> {
    let mut options = Section::new();
    for (key, value) in &args.options {
        options.insert(key.as_str(), value.as_str());
    }
    let read = |file: &str| std::fs::read_to_string(file);
    let format = datashark_codec::registry::format(&args.format, &options, &read).map_err(wrong)?;
    runtime(2)?.block_on(show(args, format.as_ref()))
}

/// What is wrong with the command line's options, said.
fn wrong(problems: Problems) -> Failure {
    for problem in problems.iter() {
        say(&format!("error: {problem}"));
        if let Some(help) = &problem.help {
            say(&format!("  help: {help}"));
        }
    }
    Failure::Said(WRONG)
}

async fn show(args: &Codec, format: &dyn Format) -> Result<(), Failure> {
    let failed = |error: datashark_sdk::Error| Failure::Run(error.to_string());
    let file = args.file.display().to_string();
    let section = Section::from_iter([("file", Value::from(format!("'{file}'")))]);
    // A local file needs no conf, and is not to fail by a bad one.
    let stores = match file.contains("://") {
        true => global(&Engine::default())?.engine.stores,
        false => Stores::default(),
    };
    let entry = InputEntry::of::<datashark_input_file::Batch>();
    let problems = entry.check(&section, &stores);
    if problems.has_errors() {
        return Err(wrong(problems));
    }
    let open = Open {
        once: true,
        framing: format.framing(),
        header: format.header(),
        n_partitions: 1,
        stores,
        ..Open::default()
    };
    let mut input = entry.open(&section, open).await.map_err(failed)?;
    let mut look = Look::new(args);
    while look.wants_more()
        && let Some(event) = input.next().await.map_err(failed)?
    {
        match event {
            InputEvent::Batch(batch) => match &batch.content {
                Content::Payloads(payloads) => {
                    look.at(format, payloads)?;
                    look.unreadable(&batch.unreadable);
                }
                Content::Columns { .. } => {
                    let message = format!("{file} has columns of its own: it needs no codec");
                    return Err(Failure::Run(message));
                }
            },
            InputEvent::Failed { reason, .. } => say(&format!("error: {reason}")),
            InputEvent::Assigned { .. }
            | InputEvent::CaughtUp(_)
            | InputEvent::Revoked(_)
            | InputEvent::Ended { .. } => {}
        }
    }
    look.print()
}

/// What has been seen of the file.
struct Look<'a> {
    args: &'a Codec,
    decoder: Option<Box<dyn Decoder>>,
    rows: Vec<RecordBatch>,
    n_rows: usize,
    n_records: usize,
    n_invalid: usize,
    /// The first invalid records, as they are shown.
    invalid: Vec<String>,
}

impl<'a> Look<'a> {
    fn new(args: &'a Codec) -> Self {
        Look {
            args,
            decoder: None,
            rows: Vec::new(),
            n_rows: 0,
            n_records: 0,
            n_invalid: 0,
            invalid: Vec::new(),
        }
    }

    fn wants_more(&self) -> bool {
        self.args.all || self.n_records < N_RECORDS
    }

    fn at(&mut self, format: &dyn Format, payloads: &Payloads) -> Result<(), Failure> {
        if self.decoder.is_none() {
            let found = format.found_columns(payloads);
            let columns: Vec<Field> = match &self.args.columns[..] {
                [] => found,
                names => {
                    let text = arrow::datatypes::DataType::Utf8View;
                    let named = |name: &String| {
                        let known = found.iter().find(|field| field.name() == name).cloned();
                        known.unwrap_or_else(|| Field::new(name, text.clone(), true))
                    };
                    names.iter().map(named).collect()
                }
            };
            let decoder = format.decoder(&columns);
            self.decoder = Some(decoder.map_err(|error| {
                say(&format!("error: {error}"));
                Failure::Said(WRONG)
            })?);
        }
        let Some(decoder) = &mut self.decoder else {
            return Ok(());
        };
        let decoded = decoder.decode(payloads);
        self.n_records += decoded.rows.num_rows() + decoded.invalid.len();
        self.n_rows += decoded.rows.num_rows();
        self.n_invalid += decoded.invalid.len();
        let shown: usize = self.rows.iter().map(RecordBatch::num_rows).sum();
        let n_more = self.args.rows.saturating_sub(shown);
        if n_more > 0 {
            let n = n_more.min(decoded.rows.num_rows());
            self.rows.push(decoded.rows.slice(0, n));
        }
        for invalid in &decoded.invalid {
            if self.invalid.len() >= N_INVALID {
                break;
            }
            let idx = invalid.record_idx as usize;
            let place = match payloads.first_line {
                Some(line) => format!("line {}", line + idx as u64),
                None => format!("byte {}", payloads.offsets[idx]),
            };
            let record = String::from_utf8_lossy(payloads.records.value(idx));
            let shown = format!("{place}: {}\n    {}", invalid.reason, cut(&record));
            self.invalid.push(shown);
        }
        Ok(())
    }

    /// What the file has that is no record, such as a damaged packet of a capture.
    fn unreadable(&mut self, unreadable: &[Unreadable]) {
        self.n_records += unreadable.len();
        self.n_invalid += unreadable.len();
        let room = N_INVALID.saturating_sub(self.invalid.len());
        for unreadable in unreadable.iter().take(room) {
            let Unreadable { offset, reason } = unreadable;
            self.invalid.push(format!("byte {offset}: {reason}"));
        }
    }

    fn print(self) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        if let Some(first) = self.rows.first() {
            let rows = concat_batches(&first.schema(), &self.rows);
            let table = rows
                .and_then(|rows| pretty_format_batches(&[readable(&rows)?]).map(|t| t.to_string()));
            writeln!(
                stdout,
                "{}",
                table.map_err(|error| Failure::Run(error.to_string()))?
            )?;
        }
        let looked_at = match self.wants_more() {
            true => "",
            false => " of the file's beginning (--all looks at all)",
        };
        let counted_records = counted(self.n_records as u64, "record");
        writeln!(
            stdout,
            "{counted_records}{looked_at}: {} parsed, {} invalid",
            crate::text::count(self.n_rows as u64),
            crate::text::count(self.n_invalid as u64)
        )?;
        for invalid in &self.invalid {
            writeln!(stdout, "  {invalid}")?;
        }
        match self.n_invalid {
            0 => Ok(()),
            _ => Err(Failure::Said(FAILED)),
        }
    }
}

/// Rows as a table shows them: long values in part, and no column without any value.
fn readable(rows: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let options = FormatOptions::default().with_null("");
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if column.null_count() == column.len() {
            continue;
        }
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let values = (0..column.len()).map(|row| cut(&formatter.value(row).to_string()));
        let values: arrow::array::StringArray = values.map(Some).collect();
        fields.push(Field::new(
            field.name(),
            arrow::datatypes::DataType::Utf8,
            true,
        ));
        columns.push(Arc::new(values) as ArrayRef);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// A text without what would break a line or a terminal, and not longer than fits.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(N_CHARACTERS).flat_map(plain).collect();
    if text.chars().nth(N_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn plain(c: char) -> Vec<char> {
    match c.is_control() {
        true => c.escape_default().collect(),
        false => vec![c],
    }
}
