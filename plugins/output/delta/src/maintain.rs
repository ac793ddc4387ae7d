//! What a table needs from time to time: small files made into large ones, old days forgotten, and files
//! removed that no query reads any more.

use std::num::NonZeroU64;
use std::time::Duration;

use chrono::{Datelike, NaiveDate, TimeDelta};
use deltalake::operations::vacuum::VacuumMode;

use crate::error::{Result, StoreError};
use crate::store::{Store, There};
use crate::table::Table;

/// What a table takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// How many files.
    pub n_files: u64,
    /// How many bytes.
    pub n_bytes: u64,
    /// How many rows, where its log says so.
    pub n_rows: Option<u64>,
}

/// What a compaction has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were made into others.
    pub n_before: u64,
    /// Files that they became.
    pub n_after: u64,
}

impl Store {
    /// A table that can be maintained: one that is ours.
    async fn maintained(&self, name: &str) -> Result<Option<Table>> {
        Ok(match self.there(name).await? {
            Some(There::Delta(table)) => Some(*table),
            Some(There::Parquet(_)) | None => None,
        })
    }

    /// What a table takes; `None` where there is none of ours.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn size(&self, name: &str) -> Result<Option<TableSize>> {
        let Some(table) = self.maintained(name).await? else {
            return Ok(None);
        };
        let cannot = StoreError::table("reading the table", table.path());
        let mut size = TableSize {
            name: name.to_owned(),
            n_files: 0,
            n_bytes: 0,
            n_rows: Some(0),
        };
        for file in table.inner().snapshot().map_err(cannot)?.log_data() {
            size.n_files += 1;
            size.n_bytes += u64::try_from(file.size()).unwrap_or(0);
            let n_rows = file.num_records().map(|n_rows| n_rows as u64);
            size.n_rows = size.n_rows.zip(n_rows).map(|(all, rows)| all + rows);
        }
        Ok(Some(size))
    }

    /// Makes the small files of each hour into large ones; the old ones stay until [`Store::vacuum`]
    /// removes them, so that queries that run go on.
    ///
    /// # Errors
    /// It cannot be read or written; the table is as it was.
    pub async fn compact(&self, name: &str, target_bytes: NonZeroU64) -> Result<Option<Compacted>> {
        let Some(table) = self.maintained(name).await? else {
            return Ok(None);
        };
        let cannot = StoreError::table("compacting the table", table.path());
        let optimize = table
            .inner()
            .clone()
            .optimize()
            .with_target_size(target_bytes);
        let (_, metrics) = optimize.await.map_err(cannot)?;
        Ok(Some(Compacted {
            n_before: metrics.num_files_removed,
            n_after: metrics.num_files_added,
        }))
    }

    /// Forgets the days before one; their files stay until [`Store::vacuum`] removes them. Gives how many
    /// files were forgotten. The places of inputs stay: what was stored is not stored again.
    ///
    /// # Errors
    /// It cannot be read or written; the table is as it was.
    pub async fn forget(&self, name: &str, before: NaiveDate) -> Result<Option<u64>> {
        let Some(table) = self.maintained(name).await? else {
            return Ok(None);
        };
        let cannot = StoreError::table("forgetting days of the table", table.path());
        let (year, month, day) = (before.year(), before.month(), before.day());
        let predicate =
            format!("y < {year} OR (y = {year} AND (m < {month} OR (m = {month} AND d < {day})))");
        let delete = table.inner().clone().delete().with_predicate(predicate);
        let (_, metrics) = delete.await.map_err(cannot)?;
        Ok(Some(metrics.num_removed_files as u64))
    }

    /// Removes the files that no query has read since a time: those that were compacted or forgotten
    /// before it, and what crashes have left. Gives how many.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub async fn vacuum(&self, name: &str, older_than: Duration) -> Result<Option<u64>> {
        let Some(table) = self.maintained(name).await? else {
            return Ok(None);
        };
        let cannot = StoreError::table("removing files of the table", table.path());
        let retention = TimeDelta::from_std(older_than).unwrap_or(TimeDelta::MAX);
        let vacuum = table
            .inner()
            .clone()
            .vacuum()
            .with_retention_period(retention)
            .with_enforce_retention_duration(false)
            .with_mode(VacuumMode::Full);
        let (_, metrics) = vacuum.await.map_err(cannot)?;
        Ok(Some(metrics.files_deleted.len() as u64))
    }
}
