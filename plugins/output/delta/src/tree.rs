//! Apache Spot's tables as they lie: Parquet files in folders of hours, `y=2016/m=7/d=8/h=1`.
//!
//! Whether numbers have a zero in front (`m=07`) depends on who wrote them, and both may stand in one
//! tree. Folders are listed here and their names read as numbers, since a listing by prefix, as query
//! engines do it, finds one form alone. A filter on `y`, `m`, `d`, `h` opens only the folders that pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int8Array, Int16Array, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use chrono::{Datelike, NaiveDate};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result as QueryResult, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::{ObjectMeta, Path as ObjectPath};

use crate::error::{Result, StoreError};
use crate::kind::{PARTITIONS, partition_fields, with_partitions};

/// The hour that a folder is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hour {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
}

/// A folder of an hour, and the files in it.
#[derive(Debug, Clone)]
struct Folder {
    hour: Hour,
    path: PathBuf,
}

/// Folders of hours.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    folders: Vec<Folder>,
}

impl Tree {
    /// The hours below a table's folder; `None` where there are none.
    pub(crate) fn find(table: &Path) -> Result<Option<Self>> {
        for root in [table.to_owned(), table.join("hive")] {
            if !root.is_dir() {
                continue;
            }
            let mut folders = Vec::new();
            walk(&root, &mut Vec::new(), &mut folders)?;
            if !folders.is_empty() {
                folders.sort_by_key(|folder| folder.hour);
                return Ok(Some(Tree { folders }));
            }
        }
        Ok(None)
    }

    /// The files of a day.
    pub(crate) fn day(&self, day: NaiveDate) -> Result<Vec<PathBuf>> {
        let of_day = |folder: &&Folder| {
            let hour = folder.hour;
            i32::from(hour.year) == day.year()
                && u32::try_from(hour.month) == Ok(day.month())
                && u32::try_from(hour.day) == Ok(day.day())
        };
        let mut files = Vec::new();
        for folder in self.folders.iter().filter(of_day) {
            files.extend(files_in(&folder.path)?);
        }
        Ok(files)
    }

    /// It as a table with these columns, and those that partition it.
    pub(crate) fn table(self, columns: SchemaRef) -> TreeTable {
        TreeTable {
            tree: self,
            schema: with_partitions(&columns),
            columns,
        }
    }

    /// A row for each folder.
    fn hours(&self) -> Result<RecordBatch, DataFusionError> {
        let hours = || self.folders.iter().map(|folder| folder.hour);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int16Array::from_iter_values(hours().map(|it| it.year))),
            Arc::new(Int8Array::from_iter_values(hours().map(|it| it.month))),
            Arc::new(Int8Array::from_iter_values(hours().map(|it| it.day))),
            Arc::new(Int8Array::from_iter_values(hours().map(|it| it.hour))),
        ];
        let schema = Arc::new(Schema::new(partition_fields().to_vec()));
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// Looks through a folder whose name was the last of `values`.
fn walk(folder: &Path, values: &mut Vec<i16>, found: &mut Vec<Folder>) -> Result<()> {
    if let [year, month, day, hour] = values[..] {
        let short = |number: i16| i8::try_from(number).ok();
        if let (Some(month), Some(day), Some(hour)) = (short(month), short(day), short(hour)) {
            found.push(Folder {
                hour: Hour {
                    year,
                    month,
                    day,
                    hour,
                },
                path: folder.to_owned(),
            });
        }
        return Ok(());
    }
    let key = PARTITIONS[values.len()];
    let entries = fs::read_dir(folder).map_err(StoreError::io("reading the folder", folder))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let value = name.to_str().and_then(|name| name.split_once('='));
        let Some(value) = value.filter(|(name, _)| *name == key) else {
            continue;
        };
        // What is no number is Hive's mark of rows without one.
        if let Ok(value) = value.1.parse() {
            values.push(value);
            walk(&entry.path(), values, found)?;
            values.pop();
        }
    }
    Ok(())
}

/// The files of data in a folder: Hive and Spark leave others beside them, which begin with `_` or `.`.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(StoreError::io("reading the folder", folder))?;
    let is_data = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && !name.starts_with(['_', '.'])
    };
    let files = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files.filter(is_data).collect();
    files.sort();
    Ok(files)
}

/// A tree as a table of a query.
#[derive(Debug)]
pub(crate) struct TreeTable {
    tree: Tree,
    /// Those of the files.
    columns: SchemaRef,
    schema: SchemaRef,
}

impl TreeTable {
    /// The folders whose hour may pass.
    fn passing(&self, session: &dyn Session, filters: &[Expr]) -> QueryResult<Vec<Folder>> {
        let of_hours = |filter: &&Expr| {
            let columns = filter.column_refs();
            columns.iter().all(|it| PARTITIONS.contains(&it.name()))
        };
        let filters = filters.iter().filter(of_hours).cloned();
        let Some(filter) = conjunction(filters.map(unqualified)) else {
            return Ok(self.tree.folders.clone());
        };
        let hours = self.tree.hours()?;
        let schema = DFSchema::try_from(hours.schema())?;
        let filter = session.create_physical_expr(filter, &schema)?;
        let passing = filter.evaluate(&hours)?.into_array(hours.num_rows())?;
        let passing: &BooleanArray = passing.as_boolean();
        let folders = self.tree.folders.iter().zip(passing.iter());
        let folders = folders.filter(|(_, passes)| *passes == Some(true));
        Ok(folders.map(|(folder, _)| folder.clone()).collect())
    }
}

/// A filter whose columns are named without their table.
fn unqualified(filter: Expr) -> Expr {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let renamed = filter.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => Transformed::yes(datafusion::prelude::ident(column.name)),
            other => Transformed::no(other),
        })
    });
    renamed.map_or(filter, |renamed| renamed.data)
}

#[async_trait]
impl TableProvider for TreeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> QueryResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        let external = |error: StoreError| DataFusionError::External(Box::new(error));
        let n_groups = session.config().target_partitions().max(1);
        let mut groups = vec![Vec::new(); n_groups];
        let mut n_files = 0;
        for folder in self.passing(session, filters)? {
            for file in files_in(&folder.path).map_err(external)? {
                groups[n_files % n_groups].push(partitioned(&file, folder.hour)?);
                n_files += 1;
            }
        }
        let partitions: Vec<_> = partition_fields().into_iter().map(Arc::new).collect();
        let schema = TableSchema::builder(Arc::clone(&self.columns))
            .with_table_partition_cols(partitions)
            .build();
        let source = Arc::new(ParquetSource::new(schema));
        let groups = groups.into_iter().filter(|group| !group.is_empty());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups.map(FileGroup::new).collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// A file of an hour.
fn partitioned(file: &Path, hour: Hour) -> QueryResult<PartitionedFile> {
    let absolute = std::path::absolute(file)?;
    let metadata = fs::metadata(&absolute)?;
    let location = ObjectPath::from_absolute_path(&absolute)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let meta = ObjectMeta {
        location,
        last_modified: metadata.modified()?.into(),
        size: metadata.len(),
        e_tag: None,
        version: None,
    };
    let values = vec![
        ScalarValue::Int16(Some(hour.year)),
        ScalarValue::Int8(Some(hour.month)),
        ScalarValue::Int8(Some(hour.day)),
        ScalarValue::Int8(Some(hour.hour)),
    ];
    Ok(PartitionedFile::new_from_meta(meta).with_partition_values(values))
}
