//! A Delta table on this machine: opened or made, and how far the inputs are that it was filled from.
//!
//! Every commit carries the places of the inputs that its rows came from, as the application
//! transactions of Delta's protocol (`txn`). Rows and places come into being by one rename: after a crash
//! there are both or neither, and whoever reads on from the places writes nothing twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, StructType, Transaction};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use serde_json::Value;
use url::Url;

use crate::error::{Result, StoreError};
use crate::kind::{PARTITIONS, with_partitions};
use crate::writer::Writer;

/// The folder that makes a folder a table.
const LOG: &str = "_delta_log";

/// A table of a store.
#[derive(Debug, Clone)]
pub struct Table {
    table: DeltaTable,
    path: PathBuf,
}

impl Table {
    /// Whether there is a table in a folder.
    pub fn is_in(path: &Path) -> bool {
        path.join(LOG).is_dir()
    }

    /// The table in a folder; `None` where there is none.
    ///
    /// # Errors
    /// It is damaged, or needs what this release does not know.
    pub async fn open(path: &Path) -> Result<Option<Self>> {
        if !Self::is_in(path) {
            return Ok(None);
        }
        let cannot = || StoreError::table("opening the table", path);
        let table = DeltaTableBuilder::from_url(url(path)?).map_err(cannot())?;
        let loaded = table.load().await;
        // A crash before its first commit left a folder without a table.
        if matches!(loaded, Err(DeltaTableError::NotATable(_))) {
            return Ok(None);
        }
        Ok(Some(Table {
            table: loaded.map_err(cannot())?,
            path: path.to_owned(),
        }))
    }

    /// The table in a folder, made where there is none: of these columns, and partitioned by the hour
    /// of [`PARTITIONS`], which come behind them.
    ///
    /// # Errors
    /// It cannot be made or opened, a column has a type that tables do not have, or the table that is
    /// there has others.
    pub async fn open_or_create(path: &Path, columns: &Schema) -> Result<Self> {
        if let Some(table) = Self::open(path).await? {
            return table.check_columns(columns);
        }
        std::fs::create_dir_all(path).map_err(StoreError::io("making the table", path))?;
        let columns = with_partitions(&storable(columns));
        let schema: StructType = columns.as_ref().try_into_kernel().map_err(|error| {
            StoreError::Data(format!("these columns cannot be stored: {error}"))
        })?;
        let created = CreateBuilder::new()
            .with_location(url(path)?.to_string())
            .with_save_mode(SaveMode::Ignore)
            .with_columns(schema.fields().cloned())
            .with_partition_columns(PARTITIONS)
            .await;
        match created {
            Ok(table) => Ok(Table {
                table,
                path: path.to_owned(),
            }),
            // Another run was faster.
            Err(error) => match Self::open(path).await? {
                Some(table) => table.check_columns(&columns),
                None => Err(StoreError::table("making the table", path)(error)),
            },
        }
    }

    /// Says which columns the table lacks.
    fn check_columns(self, columns: &Schema) -> Result<Self> {
        let there = self.columns()?;
        let lacks = |field: &&Arc<Field>| there.field_with_name(field.name()).is_err();
        let missing: Vec<&str> = columns
            .fields()
            .iter()
            .filter(lacks)
            .map(|field| field.name().as_str())
            .collect();
        match missing.is_empty() {
            true => Ok(self),
            false => Err(StoreError::Data(format!(
                "the table `{}` has no column `{}`; store into another folder",
                self.path.display(),
                missing.join("`, `")
            ))),
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn columns(&self) -> Result<SchemaRef> {
        let cannot = || StoreError::table("reading the table", &self.path);
        let schema = self.table.snapshot().map_err(cannot())?.schema();
        let arrow: Result<Schema, _> = schema.as_ref().try_into_arrow();
        Ok(Arc::new(arrow.map_err(|error| cannot()(error.into()))?))
    }

    /// How far an input is that was stored; `None` of one that never was.
    ///
    /// # Errors
    /// The table's log cannot be read.
    pub async fn position(&self, input: &str) -> Result<Option<u64>> {
        let cannot = || StoreError::table("reading the log of the table", &self.path);
        let snapshot = self.table.snapshot().map_err(cannot())?;
        let log = self.table.log_store();
        let version = snapshot.transaction_version(log.as_ref(), input).await;
        Ok(version
            .map_err(cannot())?
            .and_then(|version| u64::try_from(version).ok()))
    }

    /// A writer into the table.
    ///
    /// # Errors
    /// The table's columns cannot be read.
    pub fn writer(&self) -> Result<Writer> {
        Writer::into(self)
    }

    /// The table as queries read it.
    pub(crate) async fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let provider = self.table.table_provider().await;
        provider.map_err(|error| StoreError::Run(Box::new(error)))
    }

    /// The library's view of it.
    pub(crate) fn inner(&self) -> &DeltaTable {
        &self.table
    }

    /// Commits changes of files, with the places of inputs and what else the commit is to say.
    pub(crate) async fn commit(
        &mut self,
        actions: Vec<Action>,
        positions: &BTreeMap<String, u64>,
        said: BTreeMap<String, Value>,
    ) -> Result<()> {
        let cannot = || StoreError::table("writing the table", &self.path);
        let place = |(input, offset): (&String, &u64)| {
            let offset = i64::try_from(*offset).unwrap_or(i64::MAX);
            Transaction::new(input, offset)
        };
        let properties = CommitProperties::default()
            .with_application_transactions(positions.iter().map(place).collect())
            .with_metadata(said);
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(PARTITIONS.map(str::to_owned).to_vec()),
            predicate: None,
        };
        let snapshot = self.table.snapshot().map_err(cannot())?;
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.table.log_store(), operation)
            .await;
        let committed = match committed {
            Err(error) if is_conflict(&error) => {
                return Err(StoreError::Twice(self.path.display().to_string()));
            }
            committed => committed.map_err(cannot())?,
        };
        let version = committed.version();
        self.table.state = Some(committed.snapshot());
        let log = self.path.join(LOG);
        sync(vec![log.join(format!("{version:020}.json")), log]).await
    }
}

/// Makes files and folders durable.
async fn sync(paths: Vec<PathBuf>) -> Result<()> {
    let sync = move || {
        paths.iter().try_for_each(|path| {
            let synced = File::open(path).and_then(|file| file.sync_all());
            synced.map_err(StoreError::io("syncing", path))
        })
    };
    let synced = tokio::task::spawn_blocking(sync).await;
    synced.map_err(|error| StoreError::Data(format!("syncing was cut off: {error}")))?
}

fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(_)
        }
    )
}

/// A folder as a url.
fn url(path: &Path) -> Result<Url> {
    let absolute = std::path::absolute(path).map_err(StoreError::io("finding", path))?;
    Url::from_directory_path(&absolute)
        .map_err(|()| StoreError::Data(format!("`{}` is no path", path.display())))
}

/// Columns as tables have them: Delta knows no unsigned numbers, and one kind of text.
pub(crate) fn storable(columns: &Schema) -> Schema {
    let field = |field: &Arc<Field>| {
        let data_type = storable_type(field.data_type());
        Field::new(field.name(), data_type, true)
    };
    Schema::new(columns.fields().iter().map(field).collect::<Vec<_>>())
}

fn storable_type(data_type: &DataType) -> DataType {
    use arrow::datatypes::TimeUnit;
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Utf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Dictionary(_, value) => storable_type(value),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new(
                "element",
                storable_type(item.data_type()),
                true,
            )))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| Field::new(field.name(), storable_type(field.data_type()), true))
                .collect(),
        ),
        other => other.clone(),
    }
}
