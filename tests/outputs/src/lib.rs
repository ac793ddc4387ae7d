//! A plain version of how the engine delivers findings, for the tests of outputs.

use std::time::Duration;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use datashark_sdk::Findings;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, Outcome};

/// What a delivery came to.
#[derive(Debug, Default)]
pub struct Delivered {
    /// How many writes had to be repeated, and why.
    pub again: Vec<String>,
    /// Why findings were refused, in their order.
    pub refused: Vec<String>,
}

impl Delivered {
    /// Adds what another delivery came to.
    pub fn add(&mut self, other: Delivered) {
        self.again.extend(other.again);
        self.refused.extend(other.refused);
    }
}

/// Delivers a batch as the engine does: again what is to be tried again, until all is settled.
///
/// # Panics
/// The output ends the run, or has not a fate for each finding.
pub async fn deliver(output: &mut dyn DynOutput, batch: FindingsBatch) -> Delivered {
    deliver_and_tell(output, batch, || ()).await
}

/// As [`deliver`], telling of each write that has to be repeated.
///
/// # Panics
/// As [`deliver`].
pub async fn deliver_and_tell(
    output: &mut dyn DynOutput,
    mut batch: FindingsBatch,
    on_again: impl Fn(),
) -> Delivered {
    let mut delivered = Delivered::default();
    loop {
        let reason = match output.write(std::slice::from_ref(&batch)).await {
            Outcome::Safe => return delivered,
            Outcome::Stop(error) => panic!("{error}"),
            Outcome::Again(reason) => reason,
            Outcome::Each(fates) => {
                assert_eq!(fates.len(), batch.findings.len());
                let refused = fates.iter().filter_map(|fate| match fate {
                    Fate::Refused(reason) => Some(reason.clone()),
                    _ => None,
                });
                delivered.refused.extend(refused);
                let again = fates.iter().find_map(|fate| match fate {
                    Fate::Again(reason) => Some(reason.clone()),
                    _ => None,
                });
                let Some(reason) = again else {
                    return delivered;
                };
                batch = only_again(batch, &fates);
                reason
            }
        };
        delivered.again.push(reason);
        on_again();
        // As the engine waits between two tries.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn only_again(batch: FindingsBatch, fates: &[Fate]) -> FindingsBatch {
    let again: Vec<bool> = fates
        .iter()
        .map(|fate| matches!(fate, Fate::Again(_)))
        .collect();
    let ids = batch.ids.iter().zip(&again).filter(|(_, again)| **again);
    let ids = ids.map(|(id, _)| id.clone()).collect();
    let rows = filter_record_batch(batch.findings.batch(), &BooleanArray::from(again));
    FindingsBatch {
        findings: Findings::try_from_rows(&rows.expect("as many as there are"))
            .expect("as they were"),
        ids,
        ..batch
    }
}
