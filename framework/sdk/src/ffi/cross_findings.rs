//! Findings on their way to an output: their ids go before their columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use crate::output::FindingsBatch;
use crate::{Error, Findings, Result};

/// The findings with a first column of their ids.
///
/// # Errors
/// There are more or fewer ids than findings.
pub fn with_ids(batch: &FindingsBatch) -> Result<RecordBatch> {
    let findings = batch.findings.batch();
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(batch.ids.iter()));
    let mut fields = vec![Arc::new(Field::new("id", DataType::Utf8, false))];
    fields.extend(findings.schema_ref().fields().iter().map(Arc::clone));
    let mut columns = vec![ids];
    columns.extend(findings.columns().iter().map(Arc::clone));
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// The ids and the findings of a batch that has both.
///
/// # Errors
/// Its columns are not ids, keys, scores and metadata.
pub fn without_ids(rows: &RecordBatch) -> Result<(Arc<[String]>, Findings)> {
    let ids = rows.columns().first();
    let ids = ids.and_then(|ids| ids.as_string_opt::<i32>());
    let ids = ids.ok_or_else(|| Error::internal("findings without ids"))?;
    let ids = ids.iter().map(|id| id.unwrap_or_default().to_owned());
    let others: Vec<usize> = (1..rows.num_columns()).collect();
    let findings = Findings::try_from_rows(&rows.project(&others)?)?;
    Ok((ids.collect(), findings))
}
