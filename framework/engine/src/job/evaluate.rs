//! What an evaluation needs of the engine: the records that a use case reads, as columns, and the use
//! case over such columns.
//!
//! The records are decoded and filtered as in a run, and those that the use case refuses are left out.
//! A run over the columns is a run like any other, over a file that has them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Field, Schema};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::parquet::arrow::ArrowWriter;
use datashark_sdk::input::Open;

use super::Job;
use super::columns::columns;
use super::records::Known;
use super::run::RunOptions;
use crate::aggregate::{self, Planned, RecordsColumns, SqlError, View};
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::ledger::Ledger;
use crate::run::Observer;
use crate::run::lane::projected;
use crate::run::pipeline::{Pipeline, Records, TimeSource};
use crate::window::Windowing;

/// Which records of a use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordsOf {
    /// Those that are scored.
    Input,
    /// Those that are trained on.
    Training,
}

/// Which records are gathered, and what is computed of each.
#[derive(Debug, Clone)]
pub struct Gather {
    /// Which.
    pub of: RecordsOf,
    /// Names, and SQL expressions over the records' columns.
    pub computed: Vec<(String, String)>,
}

/// Records as columns.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// What the use case reads of each.
    pub read: RecordBatch,
    /// What was asked for beside that, of the same rows.
    pub computed: RecordBatch,
    /// Columns of an open format that nothing names but what is computed: whether there are such ones only
    /// the records can tell.
    pub unknown: Vec<String>,
    /// What became of the records.
    pub ledger: Ledger,
}

impl Job {
    /// Reads all records that pass the filter and that the use case does not refuse. Their order is not
    /// fixed.
    ///
    /// # Errors
    /// What cannot be read; an expression that is wrong.
    pub async fn gather(
        &self,
        gather: Gather,
        options: &RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<Gathered> {
        let Planned { aggregation, .. } = self.plan(&gather.computed).await?;
        let schema = aggregation.rows_schema()?;
        let columns = columns(&self.known, None, &aggregation, &TimeSource::Arrival);
        let unknown = self.unknown(&columns);
        let records = Records {
            columns,
            aggregation,
            view: None,
            time: TimeSource::Arrival,
            windowing: Windowing::Whole,
            ..self.records.clone()
        };
        let (rows, ledger) = self.rows(gather.of, records, options, observer).await?;
        let rows = concat_batches(&schema, &rows)?;
        let (records, n_computed) = (self.records.clone(), gather.computed.len());
        let split = move || read_and_computed(&records, &rows, n_computed);
        let split = tokio::task::spawn_blocking(split).await;
        let split = split.map_err(|error| Error::Internal(format!("gathering: {error}")))?;
        let (read, computed) = split?;
        Ok(Gathered {
            read,
            computed,
            unknown,
            ledger,
        })
    }

    /// Those columns of an open format that neither it nor the use case nor the conf knows.
    fn unknown(&self, columns: &[Field]) -> Vec<String> {
        if self.known.fixed.is_some() {
            return Vec::new();
        }
        let known = || self.known.typed.iter().chain(&self.records.columns);
        let names = columns.iter().map(|field| field.name().clone());
        names
            .filter(|name| known().all(|field| field.name() != name))
            .collect()
    }

    /// The query for the columns that are used, with what is computed behind them.
    async fn plan(&self, computed: &[(String, String)]) -> Result<Planned> {
        let names = self
            .records
            .columns
            .iter()
            .map(|field| identifier(field.name()));
        let text = select(names, computed);
        let planned = aggregate::plan(&self.session, &text, self.known.columns()).await;
        planned.map_err(wrong)
    }

    async fn rows(
        &self,
        of: RecordsOf,
        records: Records,
        options: &RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<(Vec<RecordBatch>, Ledger)> {
        let names = || records.columns.iter().map(|field| field.name().clone());
        let open = Open {
            once: true,
            columns: records.format.is_none().then(|| names().collect()),
            ..self.open()
        };
        let input = match of {
            RecordsOf::Input => self.input.0.open(&self.input.1, open).await?,
            RecordsOf::Training => {
                let training = self.conf.training.as_deref();
                let (entry, section) = self.batch_of(training.ok_or_else(no_training)?)?;
                entry.open(&section, open).await?
            }
        };
        let pipeline = Pipeline {
            records,
            ..self.pipeline(Windowing::Whole, TimeSource::Arrival)
        };
        self.whole(pipeline, input, options, observer).await
    }

    /// Whether it learns of training records before it scores others.
    pub fn trains(&self) -> bool {
        self.use_case.trains()
    }

    /// Whether it learns of the very file that it scores.
    pub fn trains_on_its_input(&self) -> bool {
        let training = self.conf.training.as_ref();
        training.is_some_and(|training| self.conf.files == [training.clone()])
    }

    /// The same use case over records that are columns already: of a Parquet file with what
    /// [`Job::gather`] gave as read. They were filtered; a filter has no use any more.
    ///
    /// # Errors
    /// No input reads files.
    pub fn over(mut self, records: &Path, training: Option<&Path>) -> Result<Self> {
        self.input = self.batch_of(records)?;
        (self.stream, self.joined) = (None, None);
        self.conf.training = training.map(Path::to_owned);
        let read = read_schema(&self.records, &self.known);
        self.records = Records {
            format: None,
            filter: Filter::default(),
            filter_columns: Vec::new(),
            view: None,
            columns: read
                .fields()
                .iter()
                .map(|field| field.as_ref().clone())
                .collect(),
            ..self.records
        };
        Ok(self)
    }
}

/// Writes rows into a Parquet file, for [`Job::over`].
///
/// # Errors
/// The file cannot be written.
pub fn keep_rows(rows: &RecordBatch, path: &Path) -> Result<()> {
    let what = || format!("writing {}", path.display());
    let file = File::create(path).map_err(Error::io(what()))?;
    let written = ArrowWriter::try_new(file, rows.schema(), None).and_then(|mut writer| {
        writer.write(rows)?;
        writer.close()
    });
    written.map(|_| ()).map_err(|error| Error::Io {
        what: what(),
        source: std::io::Error::other(error),
    })
}

fn no_training() -> Error {
    Error::Internal("no training file".to_owned())
}

/// SQL expressions over the columns of some rows, one value for each row.
///
/// # Errors
/// An expression that is wrong, or that does more than compute a value of a row.
pub async fn computed(rows: &RecordBatch, columns: &[(String, String)]) -> Result<RecordBatch> {
    if columns.is_empty() {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let schema = Arc::new(Schema::empty());
        return Ok(RecordBatch::try_new_with_options(
            schema,
            Vec::new(),
            &options,
        )?);
    }
    let session = aggregate::session(Arc::new(RuntimeEnv::default()));
    let fields = rows.schema_ref().fields().iter();
    let fields = RecordsColumns::Fixed(fields.map(|field| field.as_ref().clone()).collect());
    let text = select(std::iter::empty(), columns);
    let planned = aggregate::plan(&session, &text, fields)
        .await
        .map_err(wrong)?;
    let view = View::of(planned.aggregation).ok_or_else(|| {
        let message = "an expression may only compute a value of each record";
        datashark_sdk::Error::data(message)
    })?;
    let rows = projected(rows, view.columns())?;
    let compute = tokio::task::spawn_blocking(move || view.rows(rows)).await;
    compute.map_err(|error| Error::Internal(format!("computing: {error}")))?
}

fn wrong(error: SqlError) -> Error {
    let help = error
        .help
        .map(|help| format!(" ({help})"))
        .unwrap_or_default();
    datashark_sdk::Error::data(format!("{}{help}", error.message)).into()
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn select(names: impl Iterator<Item = String>, computed: &[(String, String)]) -> String {
    let computed = computed.iter();
    let computed = computed.map(|(name, of)| format!("({of}) AS {}", identifier(name)));
    let all: Vec<String> = names.chain(computed).collect();
    format!("SELECT {} FROM records", all.join(", "))
}

/// What the use case reads of rows that have their last columns computed, and these.
fn read_and_computed(
    records: &Records,
    rows: &RecordBatch,
    n_computed: usize,
) -> Result<(RecordBatch, RecordBatch)> {
    let n_columns = rows.num_columns() - n_computed;
    let project = |columns: std::ops::Range<usize>| rows.project(&columns.collect::<Vec<_>>());
    let computed = project(n_columns..rows.num_columns())?;
    let raw = project(0..n_columns)?;
    let read = match &records.view {
        Some(view) => view.rows(projected(&raw, view.columns())?)?,
        None => raw.clone(),
    };
    let read = projected(&read, records.aggregation.columns())?;
    let mut is_wanted = vec![true; read.num_rows()];
    for refused in records.aggregation.refused(&read)? {
        if let Some(is_wanted) = is_wanted.get_mut(refused.row) {
            *is_wanted = false;
        }
    }
    let is_wanted = BooleanArray::from(is_wanted);
    let read = with_time(records, read, &raw)?;
    let wanted = |rows: &RecordBatch| filter_record_batch(rows, &is_wanted);
    Ok((wanted(&read)?, wanted(&computed)?))
}

/// Rows with the column that tells their time, where they lack it.
fn with_time(records: &Records, read: RecordBatch, raw: &RecordBatch) -> Result<RecordBatch> {
    let TimeSource::Column { name, .. } = &records.time else {
        return Ok(read);
    };
    let (None, Some(time)) = (read.column_by_name(name), raw.column_by_name(name)) else {
        return Ok(read);
    };
    let mut fields = read.schema_ref().fields().to_vec();
    fields.push(Arc::new(raw.schema_ref().field_with_name(name)?.clone()));
    let mut columns = read.columns().to_vec();
    columns.push(Arc::clone(time));
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// The columns that [`Job::gather`] gives as read.
fn read_schema(records: &Records, known: &Known) -> Schema {
    let mut fields = records.aggregation.columns().fields().to_vec();
    if let TimeSource::Column { name, .. } = &records.time
        && !fields.iter().any(|field| field.name() == name)
        && let Ok(time) = known.column(name)
    {
        fields.push(Arc::new(time));
    }
    Schema::new(fields)
}
