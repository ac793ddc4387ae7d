//! Rows into the files of a table that nobody sees before they are committed.
//!
//! The library's own writers panic, and print it, where the disk is full; these files are plain ones, so
//! that the disk's own word reaches the user, and what was not committed is removed again. A file of each
//! hour is open between two commits, but never more than [`OPEN_MAX`]: a clock that jumps would otherwise
//! open one for every record.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef};
use deltalake::kernel::{Action, Add};
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::errors::ParquetError;
use deltalake::parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Result, StoreError};
use crate::kind::PARTITIONS;
use crate::table::Table;

/// zstd's fastest: flows take half of what they do with snappy.
const LEVEL: i32 = 1;

/// The most files that are open at a time; before one more is, these are ended.
const OPEN_MAX: usize = 256;

/// How Hive names the folder of rows without a value.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The values of [`PARTITIONS`].
type Hour = [Option<i64>; 4];

/// Writes rows into a table.
#[derive(Debug)]
pub struct Writer {
    /// Behind a lock because writing is done on threads that may block.
    files: Arc<Mutex<Files>>,
}

/// The files since the last commit.
#[derive(Debug)]
struct Files {
    table: PathBuf,
    /// The table's columns, in its order; those that partition it are last.
    columns: SchemaRef,
    open: BTreeMap<Hour, Open>,
    /// Those that are ended, as too many were open.
    ended: Vec<Add>,
}

/// A file of an hour.
#[derive(Debug)]
struct Open {
    /// Below the table's folder.
    path: String,
    writer: ArrowWriter<File>,
    n_rows: u64,
}

impl Writer {
    /// A writer into a table.
    pub(crate) fn into(table: &Table) -> Result<Self> {
        let files = Files {
            table: table.path().to_owned(),
            columns: table.columns()?,
            open: BTreeMap::new(),
            ended: Vec::new(),
        };
        Ok(Writer {
            files: Arc::new(Mutex::new(files)),
        })
    }

    /// Writes rows that have the columns of the table, in any order.
    ///
    /// # Errors
    /// A column is missing or has another type, or the disk refused.
    pub async fn write(&self, rows: RecordBatch) -> Result<()> {
        self.blocking(move |files| files.write(&rows)).await
    }

    /// How many bytes were written since the last commit, about.
    pub fn n_bytes(&self) -> usize {
        let files = lock(&self.files);
        let of = |open: &Open| open.writer.bytes_written() + open.writer.in_progress_size();
        let open: usize = files.open.values().map(of).sum();
        let sizes = files.ended.iter().map(|add| add.size);
        open + usize::try_from(sizes.sum::<i64>()).unwrap_or_default()
    }

    /// Makes what was written a part of the table, and how far the inputs are with it: all or nothing.
    ///
    /// # Errors
    /// The disk refused, or another run has stored one of the inputs meanwhile: then nothing of it is
    /// in the table.
    pub async fn commit(
        &self,
        table: &mut Table,
        positions: &BTreeMap<String, u64>,
        said: BTreeMap<String, Value>,
    ) -> Result<()> {
        let added = self.blocking(Files::close).await?;
        let paths: Vec<PathBuf> = added
            .iter()
            .map(|add| table.path().join(&add.path))
            .collect();
        let actions = added.into_iter().map(Action::Add).collect();
        let committed = table.commit(actions, positions, said).await;
        if committed.is_err() {
            paths.iter().for_each(|path| remove(path));
        }
        committed
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Files) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        let work = move || {
            let mut files = lock(&files);
            work(&mut files)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| StoreError::Data(format!("writing was cut off: {error}")))?
    }
}

/// A panic in a write leaves files that are not committed: nothing half done is seen.
fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let n_columns = self.columns.fields().len() - PARTITIONS.len();
        let mut columns = Vec::with_capacity(n_columns);
        for field in &self.columns.fields()[..n_columns] {
            columns.push(column(rows, field.name(), field.data_type())?);
        }
        let schema = Arc::new(Schema::new(self.columns.fields()[..n_columns].to_vec()));
        let columns = RecordBatch::try_new(schema, columns).map_err(misfit)?;
        for (hour, places) in by_hour(rows)? {
            let rows = match places.len() == columns.num_rows() {
                true => columns.clone(),
                false => take_record_batch(&columns, &UInt32Array::from(places)).map_err(misfit)?,
            };
            self.write_hour(hour, &rows)?;
        }
        Ok(())
    }

    fn write_hour(&mut self, hour: Hour, rows: &RecordBatch) -> Result<()> {
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&hour) {
            self.end()?;
        }
        let table = &self.table;
        let open = match self.open.entry(hour) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Open::create(table, hour, rows.schema())?)
            }
        };
        let written = open.writer.write(rows);
        written.map_err(refused(&table.join(&open.path)))?;
        open.n_rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Ends all files, for a commit.
    fn close(&mut self) -> Result<Vec<Add>> {
        self.end()?;
        Ok(std::mem::take(&mut self.ended))
    }

    /// Ends the open files and makes them durable: the log must not name what a power cut would empty.
    fn end(&mut self) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        let path = |open: &Open| self.table.join(&open.path);
        let paths: Vec<PathBuf> = open.values().map(path).collect();
        let files = open.into_iter().zip(&paths);
        let closed = files.map(|((hour, open), path)| open.close(hour, path));
        let closed: Result<Vec<Add>> = closed.collect();
        if closed.is_err() {
            paths.iter().for_each(|path| remove(path));
        }
        self.ended.extend(closed?);
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for open in std::mem::take(&mut self.open).into_values() {
            let path = self.table.join(&open.path);
            drop(open);
            remove(&path);
        }
        for ended in &self.ended {
            remove(&self.table.join(&ended.path));
        }
    }
}

impl Open {
    fn create(table: &Path, hour: Hour, columns: SchemaRef) -> Result<Self> {
        let folders = PARTITIONS.iter().zip(hour).map(|(name, value)| {
            format!(
                "{name}={}",
                value.map_or_else(|| NULL.to_owned(), |value| value.to_string())
            )
        });
        let folder = folders.collect::<Vec<_>>().join("/");
        let path = format!("{folder}/part-{}.zstd.parquet", Uuid::new_v4());
        let full = table.join(&path);
        let level = ZstdLevel::try_new(LEVEL).unwrap_or_default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .build();
        let created =
            fs::create_dir_all(table.join(&folder)).and_then(|()| File::create_new(&full));
        let file = created.map_err(StoreError::io("writing", &full))?;
        let writer = ArrowWriter::try_new(file, columns, Some(properties));
        Ok(Open {
            path,
            writer: writer.map_err(refused(&full))?,
            n_rows: 0,
        })
    }

    /// Ends the file.
    fn close(self, hour: Hour, path: &Path) -> Result<Add> {
        let file = self.writer.into_inner().map_err(refused(path))?;
        let synced = file.sync_all().and_then(|()| {
            let folder = path.parent().unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all())
        });
        let metadata = synced.and_then(|()| file.metadata());
        let metadata = metadata.map_err(StoreError::io("writing", path))?;
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok());
        let values = PARTITIONS.iter().zip(hour);
        let values =
            values.map(|(name, value)| ((*name).to_owned(), value.map(|value| value.to_string())));
        Ok(Add {
            path: self.path,
            partition_values: values.collect::<HashMap<_, _>>(),
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            modification_time: modified.unwrap_or_default(),
            data_change: true,
            stats: Some(json!({ "numRecords": self.n_rows }).to_string()),
            ..Add::default()
        })
    }
}

/// A column as the table has it.
fn column(rows: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let column = rows.column_by_name(name);
    let column =
        column.ok_or_else(|| StoreError::Data(format!("the rows have no column `{name}`")))?;
    cast(column, data_type).map_err(misfit)
}

/// The places of the rows of each hour.
fn by_hour(rows: &RecordBatch) -> Result<BTreeMap<Hour, Vec<u32>>> {
    let mut parts = Vec::with_capacity(PARTITIONS.len());
    for name in PARTITIONS {
        parts.push(column(rows, name, &DataType::Int64)?);
    }
    let value = |part: &ArrayRef, row: usize| {
        let part = part.as_primitive::<Int64Type>();
        part.is_valid(row).then(|| part.value(row))
    };
    let mut hours: BTreeMap<Hour, Vec<u32>> = BTreeMap::new();
    for row in 0..rows.num_rows() {
        let hour = std::array::from_fn(|part| value(&parts[part], row));
        hours.entry(hour).or_default().push(row as u32);
    }
    Ok(hours)
}

fn misfit(error: arrow::error::ArrowError) -> StoreError {
    StoreError::Data(format!("the rows do not fit the table: {error}"))
}

/// What the disk said of a file, beneath what the library wrapped around it.
fn refused(path: &Path) -> impl FnOnce(ParquetError) -> StoreError {
    let path = path.to_owned();
    move |error| {
        let source = match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => *error,
                Err(error) => io::Error::other(error),
            },
            error => io::Error::other(error),
        };
        StoreError::io("writing", &path)(source)
    }
}

/// Removes a file that is of no commit; where that fails it is found by a vacuum.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}
