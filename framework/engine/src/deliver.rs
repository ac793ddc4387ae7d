//! Delivers findings to every output of a use case and sees to it that none is lost on the way.
//!
//! An output answers for each finding: safe, refused, or try again. What is to be tried again is,
//! with a delay that doubles; what was refused is kept in `<state>/<use case>/refused.ndjson` with
//! the reason. Only when every output has a window's findings does the window count as delivered.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datashark_sdk::Findings;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, Outcome};
use tracing::warn;

use crate::aside::{AsideFile, AsideRecord};
use crate::error::{Error, Result};

/// The first delay before a delivery is tried again; it doubles up to [`LONGEST_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// How long to try before giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For ever: a daemon whose input can wait.
    Endless,
    /// So many times: a run that somebody waits for.
    Tries(u32),
}

/// An open output and its name.
pub(crate) struct NamedOutput {
    pub(crate) name: String,
    pub(crate) output: Box<dyn DynOutput>,
}

/// The outputs of a use case.
pub(crate) struct Delivery {
    outputs: Vec<NamedOutput>,
    refused: AsideFile,
    patience: Patience,
    n_refused: u64,
}

impl Delivery {
    /// Delivers to these outputs; what they refuse is kept in the file.
    pub(crate) fn new(
        outputs: Vec<NamedOutput>,
        refused: PathBuf,
        patience: Patience,
    ) -> Result<Self> {
        let n_bytes = std::fs::metadata(&refused).map_or(0, |file| file.len());
        let refused = AsideFile::open(refused, n_bytes)?;
        Ok(Delivery {
            outputs,
            refused,
            patience,
            n_refused: 0,
        })
    }

    /// Gives findings to every output; returns what each says to the user of it.
    pub(crate) async fn deliver(&mut self, batch: &FindingsBatch) -> Result<Vec<String>> {
        let mut said = Vec::with_capacity(self.outputs.len());
        for i in 0..self.outputs.len() {
            let n_refused = self.deliver_to(i, batch.clone()).await?;
            self.n_refused += n_refused;
            let n_safe = batch.findings.len().saturating_sub(n_refused as usize);
            said.push(self.outputs[i].output.delivered(n_safe));
        }
        Ok(said)
    }

    /// How many findings an output has refused.
    pub(crate) fn n_refused(&self) -> u64 {
        self.n_refused
    }

    /// Makes all that was delivered durable; gives each output's receipt.
    pub(crate) async fn sync(&mut self) -> Result<BTreeMap<String, String>> {
        let mut receipts = BTreeMap::new();
        for output in &mut self.outputs {
            if let Some(receipt) = output.output.sync().await? {
                receipts.insert(output.name.clone(), receipt);
            }
        }
        self.refused.sync()?;
        Ok(receipts)
    }

    async fn deliver_to(&mut self, i: usize, mut batch: FindingsBatch) -> Result<u64> {
        let mut delay = FIRST_DELAY;
        let mut n_tries = 0;
        let mut n_refused = 0;
        loop {
            let reason = match self.outputs[i].output.write(&batch).await {
                Outcome::Safe => return Ok(n_refused),
                Outcome::Stop(error) => return Err(error.into()),
                Outcome::Again(reason) => reason,
                Outcome::Each(fates) => {
                    n_refused += self.keep_refused(i, &batch, &fates)?;
                    let Some((rest, reason)) = to_try_again(&batch, &fates)? else {
                        return Ok(n_refused);
                    };
                    batch = rest;
                    reason
                }
            };
            n_tries += 1;
            let name = &self.outputs[i].name;
            if matches!(self.patience, Patience::Tries(most) if n_tries >= most) {
                return Err(Error::Incomplete(vec![format!(
                    "output `{name}` did not take {} findings in {n_tries} tries: {reason}",
                    batch.findings.len()
                )]));
            }
            warn!(output = %name, %reason, delay_ms = delay.as_millis() as u64, "trying again");
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    fn keep_refused(&mut self, i: usize, batch: &FindingsBatch, fates: &[Fate]) -> Result<u64> {
        let mut n = 0;
        for (row, fate) in fates.iter().enumerate() {
            let Fate::Refused(reason) = fate else {
                continue;
            };
            let name = &self.outputs[i].name;
            warn!(output = %name, id = %batch.ids[row], %reason, "a finding was refused");
            let record = shown(batch, row)?.into_bytes();
            let aside = AsideRecord {
                offset: row as u64,
                line: None,
                reason: reason.clone(),
                record,
            };
            self.refused.keep(name, &aside)?;
            n += 1;
        }
        Ok(n)
    }
}

/// The findings that an output wants to be asked about again, and why.
fn to_try_again(batch: &FindingsBatch, fates: &[Fate]) -> Result<Option<(FindingsBatch, String)>> {
    let reason = fates.iter().find_map(|fate| match fate {
        Fate::Again(reason) => Some(reason.clone()),
        _ => None,
    });
    let Some(reason) = reason else {
        return Ok(None);
    };
    let again: Vec<bool> = fates
        .iter()
        .map(|fate| matches!(fate, Fate::Again(_)))
        .collect();
    let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
    let ids = ids.map(|(id, _)| id.clone()).collect();
    let rows: RecordBatch =
        filter_record_batch(batch.findings.batch(), &BooleanArray::from(again))?;
    let findings = Findings::try_from_rows(&rows)?;
    Ok(Some((
        FindingsBatch {
            findings,
            ids,
            ..batch.clone()
        },
        reason,
    )))
}

/// A finding as a JSON object of texts.
fn shown(batch: &FindingsBatch, row: usize) -> Result<String> {
    let rows = batch.findings.batch();
    let mut object = serde_json::Map::new();
    object.insert("id".to_owned(), batch.ids[row].clone().into());
    object.insert("window".to_owned(), batch.window.to_string().into());
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
        object.insert(
            field.name().clone(),
            formatter.value(row).to_string().into(),
        );
    }
    Ok(serde_json::Value::Object(object).to_string())
}
