//! Parquet: rows that are columns already.
//!
//! Offsets are row numbers. All files of a run have one schema, which [`Table::of`] establishes
//! from their footers; text is given as `Utf8View`, whatever the writer called it. Row groups
//! stream by: what is held is a batch and the pages that are being decoded.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datashark_sdk::input::{Content, InputBatch, InputEvent, Micros, PartitionId};
use datashark_sdk::{Error, Result};
use datashark_store::StoreError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::outlet::Outlet;
use crate::place::Place;
use crate::remote::{self, Selection};

/// The fewest and the most rows of a batch; between them as many as make a block.
const ROWS: (u64, u64) = (1 << 10, 1 << 16);

/// The columns that all files of a run have.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    schema: SchemaRef,
    /// Which of the columns are asked for; all where `None`.
    columns: Option<Vec<String>>,
}

impl Table {
    /// Reads the footer of each file.
    ///
    /// # Errors
    /// A file is no Parquet, or its columns differ from the first one's: the error names it and
    /// the first column that differs.
    pub(crate) fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Result<Self> {
        let mut table: Option<(&Path, Schema)> = None;
        for place in places {
            let (path, schema) = (place.path(), announced(load(place)?.schema()));
            match &table {
                None => table = Some((path, schema)),
                Some((first, expected)) => {
                    if let Some(difference) = difference(expected, &schema) {
                        let (path, first) = (path.display(), first.display());
                        return Err(Error::data(format!(
                            "`{path}` has other columns than `{first}`: {difference}"
                        )));
                    }
                }
            }
        }
        let schema = table.map_or_else(Schema::empty, |(_, schema)| schema);
        Ok(Table {
            schema: Arc::new(schema),
            columns: None,
        })
    }

    /// The columns, as they are announced.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Just these columns, in the files' order.
    pub(crate) fn project(mut self, columns: Option<Vec<String>>) -> Self {
        self.columns = columns;
        self
    }

    fn asked(&self) -> SchemaRef {
        let Some(columns) = &self.columns else {
            return self.schema();
        };
        let fields = self.schema.fields().iter();
        let asked = fields
            .filter(|field| columns.contains(field.name()))
            .map(Arc::clone);
        Arc::new(Schema::new(asked.collect::<Vec<_>>()))
    }

    /// The rows as they are announced: the columns in order, and their types.
    fn conform(&self, rows: &RecordBatch, asked: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = asked.fields().iter().map(|field| {
            let (idx, _) = rows
                .schema_ref()
                .column_with_name(field.name())
                .ok_or_else(|| {
                    ArrowError::SchemaError(format!("column `{}` is gone", field.name()))
                })?;
            cast(rows.column(idx), field.data_type())
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(asked), columns, &options)
    }
}

/// Reads a footer; text columns are asked for as views.
fn load(place: &Place) -> Result<ArrowReaderMetadata> {
    let bad = |error| {
        refused(&error).unwrap_or_else(|| {
            Error::data(format!(
                "`{}` is no Parquet: {error}",
                place.path().display()
            ))
        })
    };
    let natural = match place {
        Place::Local(path) => ArrowReaderMetadata::load(&open(path)?, ArrowReaderOptions::new()),
        Place::Remote(object) => remote::load(object),
    };
    let natural = natural.map_err(bad)?;
    let fields = natural.schema().fields().iter();
    let views = fields.map(|field| {
        let viewed = Field::clone(field).with_data_type(viewed(field.data_type()));
        viewed.with_metadata(Default::default())
    });
    let hint = Arc::new(Schema::new(views.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(hint);
    let footer = Arc::clone(natural.metadata());
    // Where a column cannot be had as a view, its rows are cast.
    Ok(ArrowReaderMetadata::try_new(footer, options).unwrap_or(natural))
}

/// What a store said, if it is what a reading error is about; it names the file.
fn refused(error: &ParquetError) -> Option<Error> {
    match error {
        ParquetError::External(error) if error.is::<StoreError>() => {
            Some(Error::data(error.to_string()))
        }
        _ => None,
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path)
        .map_err(|error| Error::io(format!("`{}` cannot be read", path.display()), error))
}

fn viewed(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) => viewed(values),
        other => other.clone(),
    }
}

/// The schema that is announced: text as views, all nullable, so that files that differ in no
/// more than that agree.
fn announced(schema: &Schema) -> Schema {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), viewed(field.data_type()), true));
    Schema::new(fields.collect::<Vec<_>>())
}

/// The first column that differs; their order does not matter.
fn difference(expected: &Schema, found: &Schema) -> Option<String> {
    for field in expected.fields() {
        let name = field.name();
        match found.field_with_name(name) {
            Err(_) => return Some(format!("column `{name}` is missing")),
            Ok(other) if other.data_type() != field.data_type() => {
                let (other, expected) = (other.data_type(), field.data_type());
                return Some(format!("column `{name}` is {other}, not {expected}"));
            }
            Ok(_) => {}
        }
    }
    let more = found
        .fields()
        .iter()
        .find(|field| expected.field_with_name(field.name()).is_err());
    more.map(|field| format!("column `{}` is only there", field.name()))
}

/// A Parquet file that is read from a row on.
pub(crate) struct Rows<'a> {
    /// Whose rows these are.
    pub partition: &'a PartitionId,
    /// The file.
    pub place: &'a Place,
    /// What it has.
    pub table: &'a Table,
    /// The first row to give.
    pub offset: u64,
    /// When the rows arrived.
    pub arrival: Option<Micros>,
}

impl Rows<'_> {
    /// Gives all rows; false once nobody listens any more.
    ///
    /// # Errors
    /// The file cannot be read, or its columns are no longer what they were.
    pub(crate) fn read(&self, outlet: &Outlet) -> Result<bool> {
        let footer = load(self.place)?;
        if let Some(difference) = difference(&self.table.schema, &announced(footer.schema())) {
            let path = self.place.path().display();
            return Err(Error::data(format!("`{path}` was changed: {difference}")));
        }
        let size = match self.place {
            Place::Local(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Place::Remote(object) => object.size(),
        };
        let n_rows = u64::try_from(footer.metadata().file_metadata().num_rows()).unwrap_or(0);
        let asked = self.table.asked();
        let mut share = Share {
            size,
            n_rows,
            n_done: self.offset.min(n_rows),
        };
        outlet.count(share.bytes_before(share.n_done));
        for rows in self.batches(footer, &asked, outlet)? {
            let rows = self.table.conform(&rows?, &asked)?;
            let n_bytes = share.take(rows.num_rows() as u64);
            outlet.count(n_bytes);
            if !outlet.send(self.batch(rows, share.n_done, n_bytes)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn batches(
        &self,
        footer: ArrowReaderMetadata,
        asked: &Schema,
        outlet: &Outlet,
    ) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + '_>> {
        let names = footer.schema().fields().iter().map(|field| field.name());
        let roots = names
            .enumerate()
            .filter(|(_, name)| asked.field_with_name(name).is_ok());
        let roots: Vec<_> = roots.map(|(idx, _)| idx).collect();
        let mask = ProjectionMask::roots(footer.parquet_schema(), roots);
        let groups = footer.metadata().row_groups();
        let n_bytes: i64 = groups.iter().map(|group| group.total_byte_size()).sum();
        let n_rows = footer.metadata().file_metadata().num_rows().max(1);
        let row_bytes = u64::try_from(n_bytes / n_rows).unwrap_or(0).max(1);
        let n_rows = (outlet.limits.block_bytes as u64 / row_bytes).clamp(ROWS.0, ROWS.1);
        let batch_rows = usize::try_from(n_rows).unwrap_or(usize::MAX);
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        Ok(match self.place {
            Place::Local(path) => {
                let rows = ParquetRecordBatchReaderBuilder::new_with_metadata(open(path)?, footer)
                    .with_projection(mask)
                    .with_batch_size(batch_rows)
                    .with_offset(offset)
                    .build()
                    .map_err(|error| self.broken(&error))?;
                Box::new(rows.map(|rows| rows.map_err(|error| self.broken(&error))))
            }
            Place::Remote(object) => {
                let selection = Selection {
                    mask,
                    batch_rows,
                    offset,
                };
                let rows = remote::Batches::begin(object, footer, selection);
                let bad = |error| refused(&error).unwrap_or_else(|| self.broken(&error));
                Box::new(rows.map_err(bad)?.map(move |rows| rows.map_err(bad)))
            }
        })
    }

    fn batch(&self, rows: RecordBatch, end_offset: u64, n_bytes: u64) -> InputEvent {
        let first_offset = end_offset - rows.num_rows() as u64;
        InputEvent::Batch(InputBatch {
            partition: self.partition.clone(),
            content: Content::Columns { rows, first_offset },
            end_offset,
            n_bytes,
            unreadable: Vec::new(),
            oversized: Vec::new(),
            arrival: self.arrival,
        })
    }

    fn broken(&self, error: &impl std::fmt::Display) -> Error {
        Error::data(format!(
            "`{}` is corrupt: {error}",
            self.place.path().display()
        ))
    }
}

/// The bytes of a file, shared out evenly among its rows.
struct Share {
    size: u64,
    n_rows: u64,
    n_done: u64,
}

impl Share {
    fn bytes_before(&self, row: u64) -> u64 {
        let bytes = u128::from(self.size) * u128::from(row) / u128::from(self.n_rows.max(1));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn take(&mut self, n_rows: u64) -> u64 {
        let before = self.bytes_before(self.n_done);
        self.n_done += n_rows;
        self.bytes_before(self.n_done) - before
    }
}
