//! `output = delta`, and the store: tables of Delta Lake on this machine.
//!
//! A [`Store`] is a folder with the tables `flow`, `dns` and `proxy`, which have Apache Spot's columns
//! ([`Kind`]), `invalid` with what could not be stored, and tables of findings. All are partitioned by
//! day and hour of the event, in UTC. [`Queries`] answers SQL over them and over the view `event`, the
//! Open Data Model's. `datashark ingest` fills a store, `datashark sql` asks it, and so can whatever
//! else reads Delta Lake or Parquet.
//!
//! # `[out_delta]`
//! | key | default | |
//! |---|---|---|
//! | `store` | required | the folder of the store |
//! | `table` | `findings` | the table in it |
//!
//! A table `flow`, `dns` or `proxy` takes of the findings the columns that it has, by their names, and
//! leaves the rest; the hour is that of the record (`unix_tstamp`, or `p_date` and `p_time`). So a use
//! case that is a query, such as `SELECT sip AS key, 0 AS score, * FROM records`, stores a stream. Any other table takes
//! all columns of the findings, and `time`; the hour is that of the window's start.
//!
//! ```text
//! output = delta
//! [out_delta]
//!     store = /var/lib/datashark/store
//!     table = findings
//! ```
//!
//! # Delivery
//! Each row is in the table once. What is written becomes visible by one commit for each checkpoint; it
//! carries how many commits the use case has made ([`Table::position`]), and so does the receipt that the
//! checkpoint keeps. After a crash between the two, the files of the commit are taken out of the table
//! again by another, and the windows come again. Files that no commit names are never seen.
//!
//! # Limits
//! A store is a folder of this machine, and no url of an object store: its files are written, made durable
//! and listed as files, and what a crash leaves of them is found there. A compaction between such a crash and the restart mixes rows that
//! are to be taken back with others: then the restart says so and stops. Two runs of one use case that
//! write into one table are not kept apart. A finding's columns must keep their types.

mod conf;
mod error;
pub mod event;
mod hours;
mod kind;
mod maintain;
mod query;
mod receipt;
mod rows;
mod store;
mod table;
mod tree;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use datashark_sdk::conf::Problems;
use datashark_sdk::output::{Backfill, FindingsBatch, OpenOutput, Outcome, Output};

pub use conf::DeltaConf;
pub use error::StoreError;
pub use hours::hours;
pub use kind::{Kind, PARTITIONS, with_partitions};
pub use maintain::{Compacted, TableSize};
pub use query::{Answer, Queries, QueryLimits};
pub use rows::seconds_of;
pub use store::{INVALID, Store, invalid_columns};
pub use table::Table;
pub use writer::Writer;

use receipt::Receipt;
use rows::Layout;

/// The delta output.
pub struct Delta {
    layout: Layout,
    table: Table,
    writer: Writer,
    /// What the commits of the use case are known by.
    committer: String,
    n_commits: u64,
    /// Whether there are rows that no commit has yet.
    is_pending: bool,
}

#[async_trait]
impl Output for Delta {
    type Conf = DeltaConf;
    const NAME: &'static str = "delta";
    const ABOUT: &'static str =
        "a table of Delta Lake, of findings, flows, DNS answers or requests";
    const BACKFILL: Backfill = Backfill::Harms;

    fn check(conf: &DeltaConf) -> Problems {
        conf.problems()
    }

    fn files(conf: &DeltaConf) -> Vec<PathBuf> {
        let path = Store::new(&conf.store).path(&conf.table);
        vec![std::path::absolute(&path).unwrap_or(path)]
    }

    async fn open(conf: DeltaConf, open: OpenOutput) -> datashark_sdk::Result<Self> {
        let layout = Layout::of(&conf.table, &open.schema)?;
        let store = Store::new(&conf.store);
        let mut table = match &layout {
            Layout::Records(kind) => store.table(*kind).await?,
            Layout::Findings(columns) => {
                Table::open_or_create(&store.path(&conf.table), columns).await?
            }
        };
        let committer = format!("use-case:{}", open.use_case);
        let mut n_commits = table.position(&committer).await?.unwrap_or(0);
        let receipt = open
            .receipt
            .and_then(|receipt| Receipt::parse(&receipt, &table));
        if let Some(receipt) = receipt {
            n_commits = receipt::take_back(&mut table, &committer, n_commits, &receipt).await?;
        }
        Ok(Delta {
            layout,
            writer: table.writer()?,
            table,
            committer,
            n_commits,
            is_pending: false,
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        for batch in batches {
            let rows = match self.layout.rows(batch) {
                Ok(rows) => rows,
                Err(error) => return Outcome::Stop(error),
            };
            if let Err(error) = self.writer.write(rows).await {
                return Outcome::Stop(error.into());
            }
            self.is_pending = true;
        }
        Outcome::Safe
    }

    async fn sync(&mut self) -> datashark_sdk::Result<Option<String>> {
        if self.is_pending {
            let next = self.n_commits + 1;
            let positions = BTreeMap::from([(self.committer.clone(), next)]);
            self.writer
                .commit(&mut self.table, &positions, BTreeMap::new())
                .await?;
            self.n_commits = next;
            self.is_pending = false;
        }
        let receipt = Receipt::of(&self.table, self.n_commits);
        Ok(serde_json::to_string(&receipt).ok())
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!(
            "Written {n_findings} Documents to Delta Table {}",
            self.table.path().display()
        )
    }
}

#[cfg(test)]
mod tests;
