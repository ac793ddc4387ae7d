//! The tables beside `records` that a conf names to join with: `[tables] name = file.csv`.

use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};
use datashark_sdk::Stores;
use datashark_sdk::conf::Problem;

use super::fetched::Fetched;

/// What is in a file, by its extension.
enum Kind {
    Csv,
    Parquet,
    Json(String),
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Problem> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Kind::Csv),
            Some("parquet") => Ok(Kind::Parquet),
            Some(extension @ ("json" | "ndjson" | "jsonl")) => Ok(Kind::Json(extension.to_owned())),
            _ => Err(Problem::new(format!(
                "a table is a .csv, .parquet, .json, .ndjson or .jsonl file, found `{}`",
                path.display()
            ))),
        }
    }
}

/// Reads a file, or an object by its url, into memory and makes it a table. A joined table is read
/// again for every micro-batch, so it must not be read from disk each time.
///
/// # Errors
/// It cannot be read, or is no table.
pub(crate) async fn register(
    context: &SessionContext,
    name: &str,
    path: &Path,
    stores: &Stores,
) -> Result<(), Problem> {
    let kind = Kind::of(path)?;
    let fetched = Fetched::of(path, stores)?;
    let registered = read_into_memory(context, name, fetched.path(), kind).await;
    registered.map_err(|error| Problem::new(error.strip_backtrace()))
}

async fn read_into_memory(
    context: &SessionContext,
    name: &str,
    path: &Path,
    kind: Kind,
) -> Result<(), DataFusionError> {
    let frame = read(context, &path.to_string_lossy(), kind).await?;
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await?;
    context.register_table(name, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
    Ok(())
}

async fn read(
    context: &SessionContext,
    path: &str,
    kind: Kind,
) -> Result<DataFrame, DataFusionError> {
    match kind {
        Kind::Csv => context.read_csv(path, CsvReadOptions::new()).await,
        Kind::Parquet => {
            let options = ParquetReadOptions::default();
            context.read_parquet(path, options).await
        }
        Kind::Json(extension) => {
            let options = JsonReadOptions::default().file_extension(&extension);
            context.read_json(path, options).await
        }
    }
}
