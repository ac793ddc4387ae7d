//! Rows into tables, and the commits that make them and the places of their files durable together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_output_delta::{Kind, Store, Table, Writer, hours, invalid_columns, with_partitions};
use datashark_sdk::input::Micros;
use serde_json::Value;

use crate::error::Result;

/// The most hours that are written to between two commits: each is a file that is open.
pub const HOURS_MAX: usize = 256;

/// How much is written between two commits at most, about: files of that size are read well.
const COMMIT_BYTES: usize = 256 << 20;

/// A record that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) line: Option<u64>,
    pub(crate) offset: u64,
    pub(crate) reason: String,
    pub(crate) record: String,
}

/// Writes rows and invalid records.
pub(crate) struct Write {
    kind: Kind,
    table: Table,
    writer: Writer,
    store: Store,
    invalid: Option<(Table, Writer)>,
    /// How far each file is, with what was written since the last commit.
    positions: BTreeMap<String, u64>,
    /// The same of files that have invalid records among that.
    invalid_positions: BTreeMap<String, u64>,
    hours: BTreeSet<i64>,
    commit_every: Duration,
    committed: Micros,
}

impl Write {
    pub(crate) fn new(
        kind: Kind,
        store: Store,
        table: Table,
        commit_every: Duration,
        now: Micros,
    ) -> Result<Self> {
        Ok(Write {
            kind,
            writer: table.writer()?,
            table,
            store,
            invalid: None,
            positions: BTreeMap::new(),
            invalid_positions: BTreeMap::new(),
            hours: BTreeSet::new(),
            commit_every,
            committed: now,
        })
    }

    /// Writes rows.
    pub(crate) async fn rows(&mut self, rows: RecordBatch, hours: BTreeSet<i64>) -> Result<()> {
        if rows.num_rows() > 0 {
            self.writer.write(rows).await?;
            self.hours.extend(hours);
        }
        Ok(())
    }

    /// Keeps what cannot be stored of a file.
    pub(crate) async fn invalid(
        &mut self,
        file: &str,
        identity: &str,
        invalid: &[Invalid],
        now: Micros,
    ) -> Result<()> {
        let Some(last) = invalid.last() else {
            return Ok(());
        };
        if self.invalid.is_none() {
            let table = self.store.invalid().await?;
            let writer = table.writer()?;
            self.invalid = Some((table, writer));
        }
        if let Some((_, writer)) = &self.invalid {
            writer
                .write(rows_of(self.kind, file, invalid, now)?)
                .await?;
        }
        self.invalid_positions
            .insert(identity.to_owned(), last.offset + 1);
        Ok(())
    }

    /// How far a file is, with what was written.
    pub(crate) fn reached(&mut self, key: String, offset: u64) {
        self.positions.insert(key, offset);
    }

    /// Commits if it is time to.
    pub(crate) async fn commit_if_due(&mut self, now: Micros) -> Result<()> {
        let every = Micros::try_from(self.commit_every.as_micros()).unwrap_or(Micros::MAX);
        // A clock that was set back does not put a commit off until it is there again.
        let is_due = now.saturating_sub(self.committed) >= every
            || now < self.committed
            || self.hours.len() >= HOURS_MAX
            || self.writer.n_bytes() >= COMMIT_BYTES;
        if is_due {
            self.commit(now).await?;
        }
        Ok(())
    }

    /// Commits what was written. The invalid records go first: they have places of their own, by which
    /// those that a crash lets come again are told.
    pub(crate) async fn commit(&mut self, now: Micros) -> Result<()> {
        self.committed = now;
        if let Some((table, writer)) = &mut self.invalid
            && !self.invalid_positions.is_empty()
        {
            writer
                .commit(table, &self.invalid_positions, said())
                .await?;
            self.invalid_positions.clear();
        }
        if !self.positions.is_empty() {
            self.writer
                .commit(&mut self.table, &self.positions, said())
                .await?;
            self.positions.clear();
            self.hours.clear();
        }
        Ok(())
    }
}

/// Who has made a commit, for the table's history.
fn said() -> BTreeMap<String, Value> {
    let version = format!("datashark {}", env!("CARGO_PKG_VERSION"));
    BTreeMap::from([("engineInfo".to_owned(), Value::from(version))])
}

fn rows_of(kind: Kind, file: &str, invalid: &[Invalid], now: Micros) -> Result<RecordBatch> {
    let n_rows = invalid.len();
    let seconds = Int64Array::from(vec![now.div_euclid(1_000_000); n_rows]);
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let lines = invalid.iter().map(|it| it.line.map(number));
    let offsets = invalid.iter().map(|it| Some(number(it.offset)));
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![kind.name(); n_rows])),
        Arc::new(StringArray::from(vec![file; n_rows])),
        Arc::new(lines.collect::<Int64Array>()),
        Arc::new(offsets.collect::<Int64Array>()),
        Arc::new(StringArray::from_iter_values(
            invalid.iter().map(|it| &it.reason),
        )),
        Arc::new(StringArray::from_iter_values(
            invalid.iter().map(|it| &it.record),
        )),
        Arc::new(seconds.clone()),
    ];
    columns.extend(hours(&seconds));
    let schema = with_partitions(&invalid_columns());
    let rows = RecordBatch::try_new(schema, columns);
    Ok(rows.map_err(datashark_sdk::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_put_commits_off() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let table = store.table(Kind::Flow).await.unwrap();
        let (every, now) = (Duration::from_secs(30), 1_800_000_000_000_000);
        let mut write = Write::new(Kind::Flow, store.clone(), table, every, now).unwrap();
        write.reached("a file".to_owned(), 7);
        write.commit_if_due(now + 29_000_000).await.unwrap();
        let position = async || {
            store
                .table(Kind::Flow)
                .await
                .unwrap()
                .position("a file")
                .await
        };
        assert_eq!(position().await.unwrap(), None);
        write.commit_if_due(now - 3_600_000_000).await.unwrap();
        assert_eq!(position().await.unwrap(), Some(7));
    }
}
