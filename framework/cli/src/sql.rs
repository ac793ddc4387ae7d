//! `datashark sql "…"`: asks a store, and prints a table, CSV or JSON.
//!
//! Exit status: 0 when the rows are printed; 1 where there is no store, or the query could not be run to
//! its end; 2 where the query is wrong.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::LineDelimitedWriter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_schema;
use datashark_output_delta::{Answer, Queries, QueryLimits, Store, StoreError};
use futures::StreamExt;

use crate::Failure;
use crate::args::{Sql, SqlFormat};
use crate::global::global;
use crate::logs::Logs;
use crate::standalone::runtime;
use crate::store::{failed, of};
use crate::text::{count, counted, say};

/// The rows of a table on a screen.
const N_SHOWN: usize = 10_000;

/// Runs the command.
pub(crate) fn run(args: &Sql) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let _logs = Logs::to_stderr(&global);
    let store = of(&args.store, &global)?;
    let limits = QueryLimits {
        memory_bytes: global
            .engine
            .memory_limit_bytes
            .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    runtime(global.engine.workers)?.block_on(answer(args, &store, limits))
}

async fn answer(args: &Sql, store: &Store, limits: QueryLimits) -> Result<(), Failure> {
    let queries = Queries::open(store, limits).await.map_err(failed)?;
    let answer = queries.run(&args.query).await.map_err(failed)?;
    let out = BufWriter::new(io::stdout());
    match args.format {
        SqlFormat::Table => table(answer, out).await,
        SqlFormat::Csv => csv(answer, out).await,
        SqlFormat::Json => json(answer, out).await,
    }
}

async fn table(mut answer: Answer, mut out: impl Write) -> Result<(), Failure> {
    let (mut shown, mut n_shown, mut n_rows) = (Vec::new(), 0, 0u64);
    while let Some(rows) = next(&mut answer).await? {
        n_rows += rows.num_rows() as u64;
        let room = rows.num_rows().min(N_SHOWN - n_shown);
        n_shown += room;
        shown.push(rows.slice(0, room));
    }
    let table = pretty_format_batches_with_schema(Arc::clone(&answer.columns), &shown);
    writeln!(out, "{}", table.map_err(not_printed)?)?;
    out.flush()?;
    match n_rows > N_SHOWN as u64 {
        true => say(&format!(
            "{}, of which the first {} are shown; `--format csv` prints all",
            counted(n_rows, "row"),
            count(N_SHOWN as u64)
        )),
        false => say(&counted(n_rows, "row")),
    }
    Ok(())
}

async fn csv(mut answer: Answer, mut out: impl Write) -> Result<(), Failure> {
    let mut has_header = true;
    let columns = Arc::clone(&answer.columns);
    let none = RecordBatch::new_empty(columns);
    write_csv(&mut out, &none, &mut has_header)?;
    while let Some(rows) = next(&mut answer).await? {
        write_csv(&mut out, &rows, &mut has_header)?;
    }
    Ok(out.flush()?)
}

/// Writes rows, after the header where it is still to be written.
fn write_csv(out: &mut impl Write, rows: &RecordBatch, header: &mut bool) -> Result<(), Failure> {
    let rows = flat(rows).map_err(not_printed)?;
    let mut bytes = Vec::new();
    let mut writer = WriterBuilder::new()
        .with_header(std::mem::take(header))
        .build(&mut bytes);
    writer.write(&rows).map_err(not_printed)?;
    drop(writer);
    Ok(out.write_all(&bytes)?)
}

/// Rows whose lists and the like are texts, since a field of CSV is one.
fn flat(rows: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let column = |(field, column): (&Arc<Field>, &ArrayRef)| {
        if !field.data_type().is_nested() {
            return Ok((field.as_ref().clone(), Arc::clone(column)));
        }
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let texts = (0..column.len()).map(|row| {
            column
                .is_valid(row)
                .then(|| formatter.value(row).to_string())
        });
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        Ok((Field::new(field.name(), DataType::Utf8, true), texts))
    };
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(column);
    let columns: Result<Vec<_>, arrow::error::ArrowError> = columns.collect();
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns?.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

async fn json(mut answer: Answer, mut out: impl Write) -> Result<(), Failure> {
    while let Some(rows) = next(&mut answer).await? {
        let mut bytes = Vec::new();
        let mut writer = LineDelimitedWriter::new(&mut bytes);
        writer.write(&rows).map_err(not_printed)?;
        writer.finish().map_err(not_printed)?;
        drop(writer);
        out.write_all(&bytes)?;
    }
    Ok(out.flush()?)
}

/// The next rows.
async fn next(answer: &mut Answer) -> Result<Option<RecordBatch>, Failure> {
    let rows = answer.rows.next().await.transpose();
    rows.map_err(|error| failed(StoreError::from(error)))
}

fn not_printed(error: impl std::fmt::Display) -> Failure {
    Failure::Run(format!("the rows cannot be printed: {error}"))
}
