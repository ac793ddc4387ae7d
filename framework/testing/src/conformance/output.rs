//! What an output keeps to.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datashark_sdk::conf::Section;
use datashark_sdk::output::{
    Backfill, DynOutput, Fate, FindingsBatch, OpenOutput, Outcome, OutputEntry,
};
use datashark_sdk::{Error, Findings, Result, Stores, Window};

use super::Wrongs;

/// As many findings as a large window has.
const HUGE: usize = 20_000;

/// What an output is tried with.
pub struct OutputSample<'a> {
    /// Its section, all right; the target is empty.
    pub section: Section,
    /// The keys of the findings that the target holds, in any order.
    pub held: &'a (dyn Fn() -> Vec<String> + Sync),
}

/// Tries an output: it refuses unknown keys; it takes findings with null metadata, and very many, and
/// answers for all; what it says to be safe is there after a sync; after a restart with its last receipt,
/// or a write that was cut off, nothing is lost, and where it has receipts or overwrites by id, nothing is
/// there twice.
pub async fn output(entry: OutputEntry, sample: &OutputSample<'_>) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    wrongs.refuses_unknown(&sample.section, |section| entry.check(section));
    let problems = entry.check(&sample.section);
    wrongs.unless(
        !problems.has_errors(),
        &format!("its section is refused: {problems}"),
    );
    if let Err(error) = restarts(&mut wrongs, entry, sample).await {
        wrongs.say(error.to_string());
    }
    wrongs.0
}

async fn restarts(
    wrongs: &mut Wrongs,
    entry: OutputEntry,
    sample: &OutputSample<'_>,
) -> Result<()> {
    let mut output = open(entry, sample, None).await?;
    let (few, many) = (findings("few", 3)?, findings("many", HUGE)?);
    taken(wrongs, output.as_mut(), &few).await?;
    taken(wrongs, output.as_mut(), &many).await?;
    let receipt = output.sync().await?;
    // Written and never acknowledged: a crash.
    let unsynced = findings("unsynced", 3)?;
    taken(wrongs, output.as_mut(), &unsynced).await?;
    // Cut off: a write whose future is dropped.
    let cut = findings("cut", 3)?;
    {
        let batches = [cut.clone()];
        let write = output.write(&batches);
        let mut write = std::pin::pin!(write);
        let once = std::future::poll_fn(|context| {
            let _ = write.as_mut().poll(context);
            std::task::Poll::Ready(())
        });
        once.await;
    }
    drop(output);
    let mut output = open(entry, sample, receipt.clone()).await?;
    taken(wrongs, output.as_mut(), &unsynced).await?;
    taken(wrongs, output.as_mut(), &cut).await?;
    output.sync().await?;
    wrongs.unless(
        !output.delivered(3).is_empty(),
        "it says nothing of what it delivered",
    );
    drop(output);
    let mut held = (sample.held)();
    held.sort();
    let all = [&few, &many, &unsynced, &cut];
    let mut expected: Vec<String> = all
        .iter()
        .flat_map(|batch| batch.findings.keys().iter().flatten().map(str::to_owned))
        .collect();
    expected.sort();
    let n_held = held.len();
    let is_once = receipt.is_some() || entry.backfill == Backfill::Overwrites;
    held.dedup();
    wrongs.unless(
        held == expected,
        "findings that it said to be safe are not there, or others are",
    );
    if is_once {
        wrongs.unless(
            n_held == expected.len(),
            "findings are there twice after a restart",
        );
    }
    Ok(())
}

async fn open(
    entry: OutputEntry,
    sample: &OutputSample<'_>,
    receipt: Option<String>,
) -> Result<Box<dyn DynOutput>> {
    let open = OpenOutput {
        use_case: "conformance".into(),
        schema: findings("none", 0)?.findings.batch().schema(),
        receipt,
        now: 0,
        stores: Stores::default(),
    };
    entry.open(&sample.section, open).await
}

/// Writes until all is taken.
async fn taken(
    wrongs: &mut Wrongs,
    output: &mut dyn DynOutput,
    batch: &FindingsBatch,
) -> Result<()> {
    for _ in 0..10 {
        match output.write(std::slice::from_ref(batch)).await {
            Outcome::Safe => return Ok(()),
            Outcome::Each(fates) => {
                wrongs.unless(
                    fates.len() == batch.findings.len(),
                    "it does not answer for each finding",
                );
                if fates.iter().all(|fate| *fate == Fate::Safe) {
                    return Ok(());
                }
            }
            Outcome::Again(_) => {}
            Outcome::Stop(error) => return Err(error),
        }
    }
    Err(Error::data("findings are not taken, tried 10 times"))
}

fn findings(key: &str, n: usize) -> Result<FindingsBatch> {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..n).map(|at| format!("{key}-{at}")),
    ));
    let scores: ArrayRef = Arc::new(Float64Array::from_iter_values((0..n).map(|at| at as f64)));
    let notes: ArrayRef = Arc::new(StringArray::from_iter(
        (0..n).map(|at| (at % 2 == 0).then_some("a \"note\",\n")),
    ));
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("key", keys, false),
        ("score", scores, false),
        ("note", notes, true),
    ])?;
    let findings = Findings::try_from_rows(&rows)?;
    let window = Window { start: 0, end: 1 };
    Ok(FindingsBatch {
        use_case: "conformance".into(),
        window,
        time: 1,
        ids: findings.ids("conformance", &window).into(),
        findings,
    })
}
