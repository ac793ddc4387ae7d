//! What an input is told and says, as it crosses and as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};

use crate::conf::Section;
use crate::input::{
    Content, Ends, InputBatch, InputEvent, Open, Oversized, PartitionId, Past, Payloads, Progress,
    Resume, TIME_MAX, Unreadable,
};
use crate::{Error, Result, Stores};

use super::wire::{
    Acknowledged, BatchJson, HeaderJson, InputOpening, InputStatus, Next, OversizedJson, Place,
};

const RECORD: &str = "record";
const OFFSET: &str = "offset";

impl From<&Resume> for Place {
    fn from(resume: &Resume) -> Self {
        Place {
            offset: resume.offset,
            note: resume.note.clone(),
        }
    }
}

impl From<&Place> for Resume {
    fn from(place: &Place) -> Self {
        Resume {
            offset: place.offset,
            note: place.note.clone(),
        }
    }
}

/// What an input is opened with, to be told.
pub fn opening(section: &Section, open: &Open) -> InputOpening {
    let resume = open.resume.iter();
    InputOpening {
        section: section.clone(),
        use_case: open.use_case.clone(),
        resume: resume
            .map(|(id, place)| (id.as_str().to_owned(), place.into()))
            .collect(),
        rewind: open.rewind,
        once: open.once,
        past: open.past.map(|past| past.from),
        header: HeaderJson::of(open.header),
        columns: open.columns.clone(),
        beside: open.beside.clone(),
        max_record_bytes: open.max_record_bytes,
        block_bytes: open.block_bytes,
        n_partitions: open.n_partitions,
    }
}

/// What an input is opened with, as it was told. Object stores' settings are not: they hold secrets.
pub fn opened(opening: &InputOpening) -> Open {
    let resume = opening.resume.iter();
    Open {
        use_case: opening.use_case.clone(),
        resume: resume
            .map(|(id, place)| (PartitionId::new(id.as_str()), place.into()))
            .collect(),
        rewind: opening.rewind,
        once: opening.once,
        past: opening.past.map(|from| Past { from }),
        framing: crate::input::Framing::default(),
        header: HeaderJson::rule(opening.header.as_ref()),
        columns: opening.columns.clone(),
        beside: opening.beside.clone(),
        max_record_bytes: opening.max_record_bytes,
        block_bytes: opening.block_bytes,
        n_partitions: opening.n_partitions,
        stores: Stores::default(),
    }
}

/// What is acknowledged, to be told.
pub fn acknowledging(done: &BTreeMap<PartitionId, Resume>) -> Acknowledged {
    let done = done.iter();
    Acknowledged(
        done.map(|(id, place)| (id.as_str().to_owned(), place.into()))
            .collect(),
    )
}

/// What is acknowledged, as it was told.
pub fn acknowledged(done: &Acknowledged) -> BTreeMap<PartitionId, Resume> {
    let done = done.0.iter();
    done.map(|(id, place)| (PartitionId::new(id.as_str()), place.into()))
        .collect()
}

/// What an input says, with the rows of a batch.
///
/// # Errors
/// A batch whose parts do not go together.
pub fn event_to_wire(event: Option<InputEvent>) -> Result<(Next, Option<RecordBatch>)> {
    let named = |id: PartitionId| id.as_str().to_owned();
    let said = match event {
        None => Next::End,
        Some(InputEvent::Assigned {
            partition,
            name,
            resume,
        }) => Next::Assigned {
            partition: named(partition),
            name,
            resume: resume.as_ref().map(Place::from),
        },
        Some(InputEvent::Batch(batch)) => {
            let (json, rows) = batch_to_wire(batch)?;
            return Ok((Next::Batch(Box::new(json)), Some(rows)));
        }
        Some(InputEvent::CaughtUp(partition)) => Next::CaughtUp(named(partition)),
        Some(InputEvent::Revoked(partition)) => Next::Revoked(named(partition)),
        Some(InputEvent::Ended { partition, forget }) => Next::Ended {
            partition: named(partition),
            forget,
        },
        Some(InputEvent::Failed { partition, reason }) => Next::Failed {
            partition: partition.map(named),
            reason,
        },
    };
    Ok((said, None))
}

fn batch_to_wire(batch: InputBatch) -> Result<(BatchJson, RecordBatch)> {
    let oversized = batch.oversized.into_iter().map(|record| OversizedJson {
        offset: record.offset,
        line: record.line,
        n_bytes: record.n_bytes,
        head: record.head,
    });
    let unreadable = batch
        .unreadable
        .into_iter()
        .map(|record| (record.offset, record.reason));
    let mut json = BatchJson {
        partition: batch.partition.as_str().to_owned(),
        end_offset: batch.end_offset,
        n_bytes: batch.n_bytes,
        arrival: batch.arrival,
        oversized: oversized.collect(),
        unreadable: unreadable.collect(),
        ..BatchJson::default()
    };
    match batch.content {
        Content::Columns { rows, first_offset } => {
            json.first_offset = Some(first_offset);
            Ok((json, rows))
        }
        Content::Payloads(payloads) => {
            json.first_line = payloads.first_line;
            if let Some(header) = &payloads.header {
                json.set_header(header);
            }
            Ok((json, payloads_to_rows(payloads)?))
        }
    }
}

fn payloads_to_rows(payloads: Payloads) -> Result<RecordBatch> {
    let mut fields = vec![
        Field::new(RECORD, DataType::BinaryView, false),
        Field::new(OFFSET, DataType::UInt64, false),
    ];
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(payloads.records),
        Arc::new(UInt64Array::new(payloads.offsets, None)),
    ];
    if let Some(beside) = payloads.beside {
        fields.extend(
            beside
                .schema_ref()
                .fields()
                .iter()
                .map(|f| f.as_ref().clone()),
        );
        columns.extend(beside.columns().iter().map(Arc::clone));
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// What an input said, with the rows of a batch. `None` is that nothing came in the time.
///
/// # Errors
/// A batch that is not what the interface says.
pub fn event_from_wire(
    said: Next,
    rows: Option<RecordBatch>,
    n_beside: usize,
) -> Result<Option<Option<InputEvent>>> {
    let id = |name: String| PartitionId::new(name);
    Ok(Some(match said {
        Next::Nothing => return Ok(None),
        Next::End => None,
        Next::Assigned {
            partition,
            name,
            resume,
        } => Some(InputEvent::Assigned {
            partition: id(partition),
            name,
            resume: resume.as_ref().map(Resume::from),
        }),
        Next::Batch(json) => {
            let rows = rows.ok_or_else(|| wrong("a batch without its rows"))?;
            Some(InputEvent::Batch(batch_from_wire(*json, rows, n_beside)?))
        }
        Next::CaughtUp(partition) => Some(InputEvent::CaughtUp(id(partition))),
        Next::Revoked(partition) => Some(InputEvent::Revoked(id(partition))),
        Next::Ended { partition, forget } => Some(InputEvent::Ended {
            partition: id(partition),
            forget,
        }),
        Next::Failed { partition, reason } => Some(InputEvent::Failed {
            partition: partition.map(id),
            reason,
        }),
    }))
}

/// The bytes of a batch, at most: the sum of all has to stay a number.
const BATCH_BYTES_MAX: u64 = 1 << 40;

fn batch_from_wire(json: BatchJson, rows: RecordBatch, n_beside: usize) -> Result<InputBatch> {
    let n_rows = rows.num_rows() as u64;
    if json
        .arrival
        .is_some_and(|time| !(-TIME_MAX..=TIME_MAX).contains(&time))
    {
        return Err(wrong("an arrival that is no time"));
    }
    if json.n_bytes > BATCH_BYTES_MAX {
        return Err(wrong("more bytes than a batch has"));
    }
    if json
        .first_line
        .is_some_and(|line| line.checked_add(n_rows).is_none())
    {
        return Err(wrong("lines beyond the last number"));
    }
    let content = match json.first_offset {
        Some(first)
            if first
                .checked_add(n_rows)
                .is_none_or(|end| end > json.end_offset) =>
        {
            return Err(wrong("rows that are not before `end_offset`"));
        }
        Some(first_offset) => Content::Columns { rows, first_offset },
        None => Content::Payloads(payloads_from_rows(&json, &rows, n_beside)?),
    };
    let oversized = json.oversized.into_iter().map(|record| Oversized {
        offset: record.offset,
        line: record.line,
        n_bytes: record.n_bytes,
        head: record.head,
    });
    let unreadable = json.unreadable.into_iter();
    Ok(InputBatch {
        partition: PartitionId::new(json.partition),
        content,
        end_offset: json.end_offset,
        n_bytes: json.n_bytes,
        oversized: oversized.collect(),
        unreadable: unreadable
            .map(|(offset, reason)| Unreadable { offset, reason })
            .collect(),
        arrival: json.arrival,
    })
}

fn payloads_from_rows(json: &BatchJson, rows: &RecordBatch, n_beside: usize) -> Result<Payloads> {
    if rows.num_columns() != 2 + n_beside {
        return Err(wrong(&format!(
            "{} columns of records, expected `{RECORD}`, `{OFFSET}` and {n_beside} beside",
            rows.num_columns()
        )));
    }
    let records = cast(rows.column(0), &DataType::BinaryView)?;
    let records = records.as_binary_view().clone();
    let offsets = rows.column(1).as_primitive_opt::<UInt64Type>();
    let offsets = offsets.ok_or_else(|| wrong("offsets that are no `UInt64`"))?;
    use arrow::array::Array as _;
    if records.null_count() > 0 || offsets.null_count() > 0 {
        return Err(wrong("a record or an offset that is null"));
    }
    let is_ascending = offsets.values().is_sorted();
    let is_inside = offsets
        .values()
        .last()
        .is_none_or(|last| *last < json.end_offset);
    if !is_ascending || !is_inside {
        return Err(wrong(
            "offsets that are not ascending, or not before `end_offset`",
        ));
    }
    let others: Vec<usize> = (2..rows.num_columns()).collect();
    Ok(Payloads {
        records,
        offsets: offsets.values().clone(),
        header: json.header(),
        first_line: json.first_line,
        beside: match others.is_empty() {
            true => None,
            false => Some(rows.project(&others)?),
        },
    })
}

/// How far an input is, to be told.
pub fn status_to_wire(progress: Progress, ends: &Ends) -> InputStatus {
    let offsets = ends.offsets.iter();
    InputStatus {
        read_bytes: progress.read_bytes,
        total_bytes: progress.total_bytes,
        unit: ends.unit,
        ends: offsets
            .map(|(id, offset)| (id.as_str().to_owned(), *offset))
            .collect(),
    }
}

/// How far an input is, as it was told.
pub fn status_from_wire(status: &InputStatus) -> (Progress, Ends) {
    let progress = Progress {
        read_bytes: status.read_bytes,
        total_bytes: status.total_bytes,
    };
    let offsets = status.ends.iter();
    let offsets = offsets.map(|(id, offset)| (PartitionId::new(id.as_str()), *offset));
    let ends = Ends {
        unit: status.unit,
        offsets: offsets.collect(),
    };
    (progress, ends)
}

fn wrong(what: &str) -> Error {
    Error::internal(format!("the input gave {what}"))
}
