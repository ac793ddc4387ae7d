//! `datashark store`: what a store takes, and looking after it.
//!
//! Exit status: 0 when done; 1 where a table cannot be read or written; 2 for a mistake.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use datashark_conf::Global;
use datashark_engine::{Clock, SystemClock};
use datashark_output_delta::{Store, StoreError};
use datashark_sdk::conf::nearest;

use crate::args::{InStore, StoreCommand, StoreTables};
use crate::global::global;
use crate::logs::Logs;
use crate::standalone::runtime;
use crate::text::{count, counted, say};
use crate::{Failure, WRONG};

/// The store's folder in the state folder, where the command line names none.
const FOLDER: &str = "store";

/// The store that is meant; a url of an object store is none.
pub(crate) fn of(args: &InStore, global: &Global) -> Result<Store, Failure> {
    let default = || global.engine.state_folder.join(FOLDER);
    if let Some(folder) = &args.store
        && let Some(message) = Store::refused(&folder.to_string_lossy())
    {
        say(&format!("error: `--store`: {message}"));
        return Err(Failure::Said(WRONG));
    }
    Ok(Store::new(args.store.clone().unwrap_or_else(default)))
}

/// A failure of a store, said.
pub(crate) fn failed(error: StoreError) -> Failure {
    match error {
        StoreError::Query(message) => {
            say(&format!("error: {message}"));
            Failure::Said(WRONG)
        }
        error => Failure::Run(error.to_string()),
    }
}

/// Runs the command.
pub(crate) fn run(command: StoreCommand) -> Result<(), Failure> {
    let tables = match &command {
        StoreCommand::Show(tables)
        | StoreCommand::Compact { tables, .. }
        | StoreCommand::Forget { tables, .. }
        | StoreCommand::Vacuum { tables, .. } => tables,
    };
    let global = global(&tables.engine)?;
    let _logs = Logs::to_stderr(&global);
    let store = of(&tables.store, &global)?;
    let names = names(&store, tables)?;
    runtime(global.engine.workers)?.block_on(run_in(&command, &store, &names))
}

/// The tables that are meant.
fn names(store: &Store, tables: &StoreTables) -> Result<Vec<String>, Failure> {
    let there = store.tables();
    if there.is_empty() {
        let folder = store.folder().display();
        return Err(Failure::Run(format!("there is no store in `{folder}`")));
    }
    if tables.tables.is_empty() {
        return Ok(there);
    }
    let unknown = tables.tables.iter().find(|name| !there.contains(name));
    let Some(unknown) = unknown else {
        return Ok(tables.tables.clone());
    };
    let help = match nearest(unknown, there.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", there.join(", ")),
    };
    say(&format!("error: there is no table `{unknown}`; {help}"));
    Err(Failure::Said(WRONG))
}

async fn run_in(command: &StoreCommand, store: &Store, names: &[String]) -> Result<(), Failure> {
    for name in names {
        match command {
            StoreCommand::Show(_) => show(store, name).await?,
            StoreCommand::Compact { file_size, .. } => compact(store, name, *file_size).await?,
            StoreCommand::Forget { older_than, .. } => forget(store, name, *older_than).await?,
            StoreCommand::Vacuum { older_than, .. } => {
                if let Some(n_files) = store.vacuum(name, *older_than).await.map_err(failed)? {
                    say(&format!("{name}: removed {}", counted(n_files, "file")));
                }
            }
        }
    }
    Ok(())
}

async fn show(store: &Store, name: &str) -> Result<(), Failure> {
    use std::io::Write;
    let Some(size) = store.size(name).await.map_err(failed)? else {
        return Ok(());
    };
    let n_rows = size.n_rows.map_or_else(|| "?".to_owned(), count);
    let files = counted(size.n_files, "file");
    let bytes = counted(size.n_bytes, "byte");
    writeln!(
        std::io::stdout(),
        "{name}: {n_rows} rows in {files}, {bytes}"
    )?;
    Ok(())
}

async fn compact(store: &Store, name: &str, file_size: u64) -> Result<(), Failure> {
    let Some(target) = NonZeroU64::new(file_size) else {
        say("error: files cannot have no byte");
        return Err(Failure::Said(WRONG));
    };
    if let Some(compacted) = store.compact(name, target).await.map_err(failed)? {
        let (before, after) = (compacted.n_before, compacted.n_after);
        say(&format!(
            "{name}: made {} into {}",
            counted(before, "file"),
            count(after)
        ));
    }
    Ok(())
}

async fn forget(store: &Store, name: &str, older_than: Duration) -> Result<(), Failure> {
    let now = DateTime::from_timestamp_micros(SystemClock.now()).unwrap_or_default();
    let age = TimeDelta::from_std(older_than).ok();
    let before = age.and_then(|age| now.checked_sub_signed(age));
    let Some(before) = before.map(|before| before.date_naive()) else {
        return Ok(());
    };
    if let Some(n_files) = store.forget(name, before).await.map_err(failed)? {
        say(&format!(
            "{name}: forgot {} of days before {before}",
            counted(n_files, "file")
        ));
    }
    Ok(())
}

/// The Parquet files of a day in a store.
pub(crate) fn day(store: &Store, kind: &str, date: &str) -> Result<Option<Vec<PathBuf>>, Failure> {
    let kind = datashark_output_delta::Kind::of_name(kind);
    let day = chrono::NaiveDate::parse_from_str(date, "%Y%m%d").ok();
    let (Some(kind), Some(day)) = (kind, day) else {
        return Ok(None);
    };
    runtime(1)?.block_on(store.day(kind, day)).map_err(failed)
}
