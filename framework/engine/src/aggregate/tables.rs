//! The tables beside `records` that a conf names to join with: `[tables] name = file.csv`.

use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};

/// Reads a file into memory and makes it a table. A joined table is read again for every
/// micro-batch, so it must not be read from disk each time.
pub(crate) async fn register(
    context: &SessionContext,
    name: &str,
    path: &Path,
) -> Result<(), DataFusionError> {
    let text = path.to_string_lossy();
    let frame = read(context, path, &text).await?;
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await?;
    context.register_table(name, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
    Ok(())
}

async fn read(
    context: &SessionContext,
    path: &Path,
    text: &str,
) -> Result<DataFrame, DataFusionError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => context.read_csv(text, CsvReadOptions::new()).await,
        Some("parquet") => {
            context
                .read_parquet(text, ParquetReadOptions::default())
                .await
        }
        Some(extension @ ("json" | "ndjson" | "jsonl")) => {
            let options = JsonReadOptions::default().file_extension(extension);
            context.read_json(text, options).await
        }
        _ => Err(DataFusionError::Plan(format!(
            "a table is a .csv, .parquet, .json, .ndjson or .jsonl file, found `{text}`"
        ))),
    }
}
