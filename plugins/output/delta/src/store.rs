//! A store: a folder with a table for each kind of traffic, and one of what could not be stored.
//!
//! ```text
//! store/flow/_delta_log/…            Delta Lake, by `datashark ingest` or `output = delta`
//! store/flow/y=2026/m=8/d=27/h=14/…
//! store/dns/…  store/proxy/…  store/invalid/…
//! ```
//! Where Apache Spot has written, the same folder holds Parquet files by folders of hours instead,
//! `flow/hive/y=2016/m=07/d=08/h=1/` or without `hive`, months and days with or without a zero in front:
//! they are read as they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Datelike, NaiveDate};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use deltalake::{FilterOp, FilterValue};

use crate::error::{Result, StoreError};
use crate::kind::{Kind, with_partitions};
use crate::table::Table;
use crate::tree::Tree;

/// The name of the table of what could not be stored.
pub const INVALID: &str = "invalid";

/// A folder with tables.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// A table that is there, whoever wrote it.
pub(crate) enum There {
    Delta(Box<Table>),
    Parquet(Tree),
}

impl Store {
    /// The store in a folder, whether or not that is there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Store {
            folder: folder.into(),
        }
    }

    /// Why a text cannot name a store; `None` where it can.
    pub fn refused(text: &str) -> Option<String> {
        let is_url = text.contains("://");
        is_url.then(|| format!("a store is a folder of this machine, found `{text}`"))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a table.
    pub fn path(&self, table: &str) -> PathBuf {
        self.folder.join(table)
    }

    /// The names of the tables that are there, ours and others'.
    pub fn tables(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_table = |name: &String| {
            Table::is_in(&self.path(name))
                || Kind::of_name(name).is_some() && self.path(name).is_dir()
        };
        let mut names: Vec<String> = names.filter(is_table).collect();
        names.sort();
        names
    }

    /// The table of a kind, made where there is none.
    ///
    /// # Errors
    /// It cannot be made or opened, or Spot's files are where it would be.
    pub async fn table(&self, kind: Kind) -> Result<Table> {
        let path = self.path(kind.name());
        if !Table::is_in(&path) && Tree::find(&path)?.is_some() {
            return Err(StoreError::Data(format!(
                "`{}` holds Parquet files that another tool wrote; store into another folder",
                path.display()
            )));
        }
        Table::open_or_create(&path, &kind.columns()).await
    }

    /// The table of what could not be stored, made where there is none.
    ///
    /// # Errors
    /// It cannot be made or opened.
    pub async fn invalid(&self) -> Result<Table> {
        Table::open_or_create(&self.path(INVALID), &invalid_columns()).await
    }

    /// What is there of a table.
    pub(crate) async fn there(&self, name: &str) -> Result<Option<There>> {
        let path = self.path(name);
        if let Some(table) = Table::open(&path).await? {
            return Ok(Some(There::Delta(Box::new(table))));
        }
        Ok(Tree::find(&path)?.map(There::Parquet))
    }

    /// The Parquet files that hold a day of a kind, those of its hours alone; `None` where the store has
    /// no such table.
    ///
    /// # Errors
    /// The table cannot be read, or has rows that were deleted within its files.
    pub async fn day(&self, kind: Kind, day: NaiveDate) -> Result<Option<Vec<PathBuf>>> {
        match self.there(kind.name()).await? {
            None => Ok(None),
            Some(There::Parquet(tree)) => Ok(Some(tree.day(day)?)),
            Some(There::Delta(table)) => day_of(&table, day).await.map(Some),
        }
    }

    /// A table as queries read it, and whether there is anything of it.
    pub(crate) async fn provider(&self, name: &str) -> Result<(Arc<dyn TableProvider>, bool)> {
        let columns = || match Kind::of_name(name) {
            Some(kind) => kind.table_columns(),
            None => with_partitions(&invalid_columns()),
        };
        Ok(match self.there(name).await? {
            Some(There::Delta(table)) => (table.provider().await?, true),
            Some(There::Parquet(tree)) => {
                let columns = Kind::of_name(name).map_or_else(columns, Kind::columns);
                (Arc::new(tree.table(columns)), true)
            }
            None => (Arc::new(EmptyTable::new(columns())), false),
        })
    }
}

/// The files of a table that hold a day.
async fn day_of(table: &Table, day: NaiveDate) -> Result<Vec<PathBuf>> {
    let cannot = StoreError::table("reading the table", table.path());
    let [year, month, of_month] = [
        day.year().to_string(),
        day.month().to_string(),
        day.day().to_string(),
    ];
    let filters = [("y", &year), ("m", &month), ("d", &of_month)]
        .map(|(name, value)| (name, FilterOp::Eq, FilterValue::Scalar(value)));
    let files = table.inner().get_files_by_partitions(&filters).await;
    let mut files: Vec<PathBuf> = files
        .map_err(cannot)?
        .iter()
        .map(|file| table.path().join(file.as_ref()))
        .collect();
    files.sort();
    Ok(files)
}

/// The columns of the table of what could not be stored, without those that partition it: by when it
/// was kept.
pub fn invalid_columns() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        text("kind"),
        text("file"),
        number("line"),
        number("offset"),
        text("reason"),
        text("record"),
        number("kept_at"),
    ]))
}
