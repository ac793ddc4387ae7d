//! What an output has told the engine of, and taking back what it has not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deltalake::kernel::{Action, Add, Remove};
use deltalake::logstore::get_actions;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::table::Table;

/// How far an output is; the engine keeps it with its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    /// The table's folder.
    pub(crate) path: String,
    /// The table's version with the last commit.
    pub(crate) version: u64,
    /// How many commits the use case has made into the table.
    pub(crate) n_commits: u64,
}

impl Receipt {
    /// That of a table as it is.
    pub(crate) fn of(table: &Table, n_commits: u64) -> Self {
        Receipt {
            path: absolute(table.path()),
            version: table.inner().version().unwrap_or(0),
            n_commits,
        }
    }

    /// A receipt of this table, from the engine.
    pub(crate) fn parse(text: &str, table: &Table) -> Option<Self> {
        let receipt: Receipt = serde_json::from_str(text).ok()?;
        (receipt.path == absolute(table.path())).then_some(receipt)
    }
}

/// Takes back what a use case has committed behind its receipt: a crash came between the commit and the
/// checkpoint, and the same windows come again. Gives how many commits there are then.
pub(crate) async fn take_back(
    table: &mut Table,
    use_case: &str,
    n_commits: u64,
    receipt: &Receipt,
) -> Result<u64> {
    if n_commits <= receipt.n_commits {
        return Ok(n_commits);
    }
    let written = written_behind(table, use_case, receipt).await?;
    let active = active(table)?;
    if let Some(gone) = written.iter().find(|add| !active.contains(&add.path)) {
        return Err(StoreError::Data(format!(
            "`{}` was compacted while findings in it were not acknowledged (`{}`): they cannot be told from others any more; give `[out_delta]` another `table`",
            table.path().display(),
            gone.path
        )));
    }
    let n_files = written.len();
    let removes = written.into_iter().map(removed).map(Action::Remove);
    let positions = BTreeMap::from([(use_case.to_owned(), n_commits + 1)]);
    table
        .commit(removes.collect(), &positions, BTreeMap::new())
        .await?;
    let path = table.path().display();
    tracing::warn!(%path, n_files, "took back rows that were not acknowledged; they come again");
    Ok(n_commits + 1)
}

/// The files that a use case has added behind its receipt.
async fn written_behind(table: &Table, use_case: &str, receipt: &Receipt) -> Result<Vec<Add>> {
    let log = table.inner().log_store();
    let latest = Receipt::of(table, 0).version;
    let mut written = Vec::new();
    for version in receipt.version + 1..=latest {
        let cannot = || StoreError::table("reading the log of the table", table.path());
        let entry = log.read_commit_entry(version).await.map_err(cannot())?;
        let Some(entry) = entry else {
            continue;
        };
        let actions = get_actions(version, &entry).map_err(cannot())?;
        let is_ours = actions
            .iter()
            .any(|action| matches!(action, Action::Txn(txn) if txn.app_id == use_case));
        if is_ours {
            written.extend(actions.into_iter().filter_map(|action| match action {
                Action::Add(add) => Some(add),
                _ => None,
            }));
        }
    }
    Ok(written)
}

fn active(table: &Table) -> Result<BTreeSet<String>> {
    let cannot = StoreError::table("reading the table", table.path());
    let files = table.inner().snapshot().map_err(cannot)?.log_data();
    Ok(files
        .into_iter()
        .map(|file| file.path().into_owned())
        .collect())
}

fn removed(add: Add) -> Remove {
    Remove {
        path: add.path,
        data_change: true,
        deletion_timestamp: Some(add.modification_time),
        extended_file_metadata: Some(true),
        partition_values: Some(add.partition_values),
        size: Some(add.size),
        tags: None,
        deletion_vector: add.deletion_vector,
        base_row_id: None,
        default_row_commit_version: None,
    }
}

fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}
