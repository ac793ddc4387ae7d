//! Whether the first records of a log are of the format that it seems to be of.
//!
//! A format that is guessed may be the wrong one, and a log's header may name other fields than its records
//! have. Either would make a table of invalid records, for which nobody asked.

use std::path::Path;

use arrow::array::Array;
use datashark_sdk::input::{Content, InputBatch, InputEntry, InputEvent, Open};

use crate::recognise::{HEAD_BYTES, HEAD_LINES, Reading, section};

/// Reads the first records of a file, and refuses it if more than half of them cannot be stored.
///
/// # Errors
/// That, with the first reason.
pub(crate) async fn check(
    path: &Path,
    reading: &Reading,
    entry: &InputEntry,
) -> Result<(), String> {
    let Some(batch) = first_batch(path, reading, entry).await? else {
        return Ok(());
    };
    let Content::Payloads(payloads) = &batch.content else {
        return Ok(());
    };
    let payloads = payloads.slice(0, payloads.records.len().min(HEAD_LINES));
    let decoder = reading.format.decoder(reading.mapping.fields());
    let decoded = decoder
        .map_err(|error| error.to_string())?
        .decode(&payloads);
    let rows = reading.mapping.rows(&decoded.rows);
    let rows = rows.map_err(|error| error.to_string())?;
    let n_read = decoded.rows.num_rows() + decoded.n_filtered + decoded.invalid.len();
    let n_invalid = decoded.invalid.len() + rows.invalid.len();
    if n_invalid * 2 <= n_read {
        return Ok(());
    }
    let first = decoded.invalid.first();
    let reason = match (first, rows.invalid.first()) {
        (Some(first), _) => {
            let line = payloads.first_line.unwrap_or(1) + u64::from(first.record_idx);
            format!("line {line}: {}", first.reason)
        }
        (None, Some((_, reason))) => (*reason).to_owned(),
        (None, None) => String::new(),
    };
    let name = reading.format.name();
    Err(format!(
        "it seems to be of the format `{name}`, but {n_invalid} of its first {n_read} records cannot be \
         stored: {reason}; `--format {name}` reads it all the same, and keeps them as invalid"
    ))
}

/// What the file gives first, read as its format asks.
async fn first_batch(
    path: &Path,
    reading: &Reading,
    entry: &InputEntry,
) -> Result<Option<InputBatch>, String> {
    let open = Open {
        once: true,
        framing: reading.format.framing(),
        header: reading.format.header(),
        n_partitions: 1,
        block_bytes: HEAD_BYTES,
        ..Open::default()
    };
    let opened = entry.open(&section([path]), open).await;
    let mut input = opened.map_err(|error| error.to_string())?;
    while let Some(event) = input.next().await.map_err(|error| error.to_string())? {
        if let InputEvent::Batch(batch) = event {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}
