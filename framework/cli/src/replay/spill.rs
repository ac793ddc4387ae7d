//! The findings of a replay on disk, to be read again window by window.
//!
//! Arrow's stream format, a batch for each window, in the order in which the engine closes windows: by
//! their end, then by their start. In memory is one window's findings.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use async_trait::async_trait;
use datashark_sdk::output::{DynOutput, FindingsBatch, Outcome};
use datashark_sdk::{Error, Result, Window};

/// Writes findings to the disk, as an output.
pub(super) struct Spill {
    path: PathBuf,
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
}

impl Spill {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let schema = Arc::new(Schema::new(vec![
            Field::new("start", DataType::Int64, false),
            Field::new("end", DataType::Int64, false),
            Field::new(datashark_sdk::KEY, DataType::Utf8, false),
            Field::new(datashark_sdk::SCORE, DataType::Float64, false),
        ]));
        let file = File::create(path).map_err(|error| cannot_write(path, error))?;
        Ok(Spill {
            path: path.to_owned(),
            writer: StreamWriter::try_new(BufWriter::new(file), &schema)?,
            schema,
        })
    }

    fn put(&mut self, batch: &FindingsBatch) -> Result<()> {
        let n = batch.findings.len();
        let times = |time| Arc::new(Int64Array::from_value(time, n)) as ArrayRef;
        let columns = vec![
            times(batch.window.start),
            times(batch.window.end),
            Arc::new(batch.findings.keys().clone()),
            Arc::new(batch.findings.scores().clone()),
        ];
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok(self.writer.write(&rows)?)
    }
}

#[async_trait]
impl DynOutput for Spill {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        match batches.iter().try_for_each(|batch| self.put(batch)) {
            Ok(()) => Outcome::Safe,
            Err(error) => Outcome::Stop(error),
        }
    }

    /// The last call is behind the last write.
    async fn sync(&mut self) -> Result<Option<String>> {
        let flushed = io::Write::flush(self.writer.get_mut());
        flushed.map_err(|error| cannot_write(&self.path, error))?;
        Ok(None)
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::io(format!("`{}` cannot be written", path.display()), error)
}

/// The findings of a window, by key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) window: Window,
    pub(super) findings: Vec<(String, f64)>,
}

/// The windows that were spilled, in their order.
///
/// # Errors
/// The file cannot be read.
pub(super) fn windows(path: &Path) -> Result<impl Iterator<Item = Result<Found>>> {
    let file = File::open(path);
    let file = file.map_err(|error| Error::io(format!("reading {}", path.display()), error))?;
    let batches = StreamReader::try_new(BufReader::new(file), None)?;
    Ok(batches.map(|batch| Ok(found(&batch?))))
}

fn found(rows: &RecordBatch) -> Found {
    let time = |i: usize| {
        rows.column(i)
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .next()
    };
    let keys = rows.column(2).as_string::<i32>().iter();
    let scores = rows.column(3).as_primitive::<Float64Type>().values().iter();
    let keys = keys.map(|key| key.unwrap_or_default().to_owned());
    let mut findings: Vec<_> = keys.zip(scores.copied()).collect();
    // Those of one key stay in their order.
    findings.sort_by(|a, b| a.0.cmp(&b.0));
    Found {
        window: Window {
            start: time(0).unwrap_or_default(),
            end: time(1).unwrap_or_default(),
        },
        findings,
    }
}
