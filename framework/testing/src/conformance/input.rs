//! What an input keeps to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use datashark_sdk::conf::Section;
use datashark_sdk::input::{Content, DynInput, InputEntry, InputEvent, Open, PartitionId, Resume};
use datashark_sdk::{Error, Result, Stores};

use super::Wrongs;

/// An input that gives more events than this does not end.
const EVENTS_MAX: usize = 100_000;
/// Restarts that are tried, spread over the batches.
const RESTARTS_MAX: usize = 8;

/// How long an input that is shared is waited for to say something.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an input is tried with.
#[derive(Debug, Clone)]
pub struct InputSample {
    /// Its section, all right.
    pub section: Section,
    /// How many records its source has.
    pub n_records: usize,
}

/// A record: its partition, its offset, its bytes.
type Record = (String, u64, Vec<u8>);

/// Tries an input over what is there: it refuses unknown keys; says each partition before its first
/// batch and that it has ended behind its last; offsets grow, and lie before the batch's end; all records
/// are there, also where the future of `next` is dropped before it is ready, and from wherever it is
/// opened again, those behind and no others. Records are compared; columns are counted. One that instances
/// share says of each partition when all of it was read.
pub async fn input(entry: InputEntry, sample: &InputSample) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    let stores = Stores::default();
    wrongs.refuses_unknown(&sample.section, |section| entry.check(section, &stores));
    let problems = entry.check(&sample.section, &stores);
    wrongs.unless(
        !problems.has_errors(),
        &format!("its section is refused: {problems}"),
    );
    if let Err(error) = reads(&mut wrongs, entry, sample).await {
        wrongs.say(error.to_string());
    }
    if entry.is_shared
        && let Err(error) = says_when_all_was_read(&mut wrongs, entry, sample).await
    {
        wrongs.say(error.to_string());
    }
    wrongs.0
}

async fn reads(wrongs: &mut Wrongs, entry: InputEntry, sample: &InputSample) -> Result<()> {
    let mut ends = Vec::new();
    let all = read(wrongs, entry, sample, &BTreeMap::new(), false, &mut ends).await?;
    wrongs.unless(
        all.len() == sample.n_records,
        &format!(
            "it gives {} records, expected {}",
            all.len(),
            sample.n_records
        ),
    );
    let dropped = read(
        wrongs,
        entry,
        sample,
        &BTreeMap::new(),
        true,
        &mut Vec::new(),
    )
    .await?;
    wrongs.unless(
        dropped == all,
        "records are lost or doubled where `next` is dropped",
    );
    let step = ends.len().div_ceil(RESTARTS_MAX).max(1);
    for place in ends.iter().step_by(step) {
        let rest = read(wrongs, entry, sample, place, false, &mut Vec::new()).await?;
        let is_behind = |record: &&Record| {
            let resume = place.get(&PartitionId::new(record.0.as_str()));
            resume.is_none_or(|resume| record.1 >= resume.offset)
        };
        let expected: Vec<&Record> = all.iter().filter(is_behind).collect();
        wrongs.unless(
            rest.iter().collect::<Vec<_>>() == expected,
            "opened again behind a batch, it gives other records than those behind",
        );
    }
    Ok(())
}

/// Reads as a daemon does, until all of each partition was read.
async fn says_when_all_was_read(
    wrongs: &mut Wrongs,
    entry: InputEntry,
    sample: &InputSample,
) -> Result<()> {
    let open = Open {
        use_case: "conformance".to_owned(),
        ..Open::default()
    };
    let mut input = entry.open(&sample.section, open).await?;
    let (mut n_records, mut unread) = (0, BTreeSet::new());
    let mut all_was_read = false;
    while !all_was_read {
        let Ok(event) = tokio::time::timeout(PATIENCE, input.next()).await else {
            break;
        };
        match event? {
            Some(InputEvent::Assigned { partition, .. }) => {
                unread.insert(partition);
            }
            Some(InputEvent::Batch(batch)) => {
                n_records += batch.len();
                unread.insert(batch.partition);
            }
            Some(
                InputEvent::CaughtUp(partition)
                | InputEvent::Revoked(partition)
                | InputEvent::Ended { partition, .. },
            ) => {
                unread.remove(&partition);
            }
            Some(InputEvent::Failed { .. }) => {}
            None => break,
        }
        all_was_read = n_records >= sample.n_records && unread.is_empty();
    }
    wrongs.unless(
        unread.is_empty(),
        "instances share it, and it does not say `CaughtUp` where all of a partition was read",
    );
    Ok(())
}

/// Reads to the end; the places behind each batch go to `ends`.
async fn read(
    wrongs: &mut Wrongs,
    entry: InputEntry,
    sample: &InputSample,
    resume: &BTreeMap<PartitionId, Resume>,
    drops: bool,
    ends: &mut Vec<BTreeMap<PartitionId, Resume>>,
) -> Result<Vec<Record>> {
    let open = Open {
        use_case: "conformance".to_owned(),
        resume: resume.clone(),
        once: true,
        // Small, so that there are several batches.
        block_bytes: 4096,
        ..Open::default()
    };
    let mut input = entry.open(&sample.section, open).await?;
    let (mut open_now, mut places) = (BTreeSet::new(), resume.clone());
    let mut records = Vec::new();
    for _ in 0..EVENTS_MAX {
        if drops {
            poll_once(input.as_mut())
                .await?
                .into_iter()
                .for_each(|event| {
                    note(
                        wrongs,
                        event,
                        &mut open_now,
                        &mut places,
                        &mut records,
                        ends,
                    );
                });
        }
        let Some(event) = input.next().await? else {
            wrongs.unless(
                open_now.is_empty(),
                "the input ends before it says so of a partition",
            );
            input.acknowledge(&places).await?;
            records.sort();
            return Ok(records);
        };
        note(
            wrongs,
            event,
            &mut open_now,
            &mut places,
            &mut records,
            ends,
        );
    }
    Err(Error::data("it does not come to its end"))
}

/// Asks for an event and does not wait for it.
async fn poll_once(input: &mut dyn DynInput) -> Result<Option<InputEvent>> {
    let next = input.next();
    let mut next = std::pin::pin!(next);
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(next.as_mut().poll(context)));
    match polled.await {
        std::task::Poll::Ready(event) => event,
        std::task::Poll::Pending => Ok(None),
    }
}

fn note(
    wrongs: &mut Wrongs,
    event: InputEvent,
    open_now: &mut BTreeSet<PartitionId>,
    places: &mut BTreeMap<PartitionId, Resume>,
    records: &mut Vec<Record>,
    ends: &mut Vec<BTreeMap<PartitionId, Resume>>,
) {
    match event {
        InputEvent::Assigned { partition, .. } => {
            wrongs.unless(open_now.insert(partition), "a partition is said twice");
        }
        InputEvent::Ended { partition, .. } => {
            wrongs.unless(
                open_now.remove(&partition),
                "a partition ends that is not there",
            );
        }
        InputEvent::Failed { reason, .. } => wrongs.say(format!("it fails: {reason}")),
        InputEvent::CaughtUp(_) | InputEvent::Revoked(_) => {}
        InputEvent::Batch(batch) => {
            wrongs.unless(
                open_now.contains(&batch.partition),
                "a batch comes before its partition is said, or behind its end",
            );
            let name = batch.partition.as_str();
            let first = places.get(&batch.partition).map_or(0, |place| place.offset);
            let before = records.len();
            match &batch.content {
                Content::Payloads(payloads) => {
                    let offsets = payloads.offsets.iter().copied();
                    let bytes = payloads.records.iter().map(Option::unwrap_or_default);
                    records.extend(
                        offsets
                            .zip(bytes)
                            .map(|(o, b)| (name.to_owned(), o, b.to_vec())),
                    );
                }
                Content::Columns { rows, first_offset } => {
                    let offsets = (0..rows.num_rows() as u64).map(|row| first_offset + row);
                    records.extend(offsets.map(|offset| (name.to_owned(), offset, Vec::new())));
                }
            }
            let offsets: Vec<u64> = records[before..].iter().map(|record| record.1).collect();
            let is_inside = offsets
                .iter()
                .all(|o| (first..batch.end_offset).contains(o));
            wrongs.unless(
                offsets.is_sorted() && is_inside,
                "offsets do not grow, or lie outside of their batch",
            );
            places.insert(batch.partition.clone(), Resume::at(batch.end_offset));
            ends.push(places.clone());
        }
    }
}
