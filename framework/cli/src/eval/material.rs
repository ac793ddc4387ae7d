//! What is evaluated on: records, labels, times, and what is trained on.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use datashark_engine::{
    Gather, Gathered, Job, Ledger, RecordsOf, RunOptions, Scratch, Stop, SystemClock, computed,
};
use datashark_evaluation::inject::inject;
use datashark_evaluation::role::time_expression;
use datashark_evaluation::{Label, Labels};
use datashark_sdk::conf::nearest;
use datashark_sdk::input::Micros;
use tokio::sync::watch;

use super::{failed, taken};
use crate::Failure;
use crate::args::Eval;
use crate::progress::Watcher;
use crate::text::{count, counted, say};

const TIME: &str = "_time";
const ATTACK: &str = "_attack";
const KIND: &str = "_kind";
const BY: &str = "_by";

/// What is evaluated on.
pub(super) struct Material {
    /// The records that are scored, as the use case reads them; the planted ones are the last.
    pub(super) records: RecordBatch,
    /// The label of each.
    pub(super) labels: Labels,
    /// The time of each.
    pub(super) times: Vec<Option<Micros>>,
    /// What is trained on, with times; `None` where that is what is scored, or nothing is learnt.
    pub(super) training: Option<(RecordBatch, Vec<Option<Micros>>)>,
    /// Whether something is learnt.
    pub(super) trains: bool,
    /// The group of each record, where groups are ranked.
    pub(super) groups: Option<ArrayRef>,
}

/// Records with labels and times, in the order of the times.
struct Labelled {
    records: RecordBatch,
    labels: Labels,
    times: Vec<Option<Micros>>,
}

impl Material {
    /// Reads, splits, plants and replaces.
    pub(super) async fn of(args: &Eval, job: &Job, scratch: &Scratch) -> Result<Self, Failure> {
        let mut all = labelled(args, job, scratch).await?;
        let training = training(args, job, scratch, &mut all).await?;
        let n_real = all.records.num_rows();
        if !args.inject.is_empty() {
            plant(args, &mut all)?;
        }
        let n_planted = all.records.num_rows() - n_real;
        say(&format!(
            "Scored are {} and {}; trained is on {}",
            counted(n_real as u64, "real record"),
            counted(n_planted as u64, "planted one"),
            match &training {
                Some((records, _)) => counted(records.num_rows() as u64, "record"),
                None if job.trains() => "the same".to_owned(),
                None => "nothing".to_owned(),
            }
        ));
        let records = replaced(args, all.records).await?;
        let training = match training {
            Some((records, times)) => Some((replaced(args, records).await?, times)),
            None => None,
        };
        let groups = match &args.by {
            Some(by) => Some(one(&records, BY, &format!("CAST(({by}) AS VARCHAR)")).await?),
            None => None,
        };
        Ok(Material {
            records,
            labels: all.labels,
            times: all.times,
            training,
            trains: job.trains(),
            groups,
        })
    }
}

/// What is trained on: the earlier part, which is then no longer scored, or what the conf says.
async fn training(
    args: &Eval,
    job: &Job,
    scratch: &Scratch,
    all: &mut Labelled,
) -> Result<Option<(RecordBatch, Vec<Option<Micros>>)>, Failure> {
    if let Some(split) = args.split {
        let n = split.n_before(&all.times);
        let earlier = all.records.slice(0, n);
        let later = all.records.num_rows() - n;
        if n == 0 || later == 0 {
            return Err(Failure::Run(
                "one side of `--split` has no records".to_owned(),
            ));
        }
        all.records = all.records.slice(n, later);
        all.labels.labels.drain(..n);
        let times = all.times.drain(..n).collect();
        return Ok(Some((earlier, times)));
    }
    if !job.trains() || job.trains_on_its_input() {
        return Ok(None);
    }
    let gathered = gathered(job, RecordsOf::Training, time(args, job), scratch).await?;
    let (records, _, times) = ordered(gathered)?;
    Ok(Some((records, times)))
}

/// The records, in the order of their times and then of what they say: so that nothing depends on which
/// file was read first.
async fn labelled(args: &Eval, job: &Job, scratch: &Scratch) -> Result<Labelled, Failure> {
    let list = args
        .labels
        .as_deref()
        .filter(|labels| Path::new(labels).is_file());
    let mut columns = time(args, job);
    if let (Some(labels), None) = (&args.labels, list) {
        columns.push((ATTACK.to_owned(), format!("CAST(({labels}) AS BOOLEAN)")));
    }
    if let Some(kinds) = args.kinds.as_ref().filter(|_| list.is_none()) {
        columns.push((KIND.to_owned(), format!("CAST(({kinds}) AS VARCHAR)")));
    }
    let gathered = gathered(job, RecordsOf::Input, columns, scratch).await?;
    let unknown = gathered.unknown.clone();
    let (records, computed, times) = ordered(gathered)?;
    let labels = match (list, computed.column_by_name(ATTACK)) {
        (Some(list), _) => {
            let list = std::fs::read_to_string(list)?;
            Labels::of_list(&records, &list).map_err(failed)?
        }
        (None, Some(is_attack)) => {
            Labels::of_columns(is_attack, computed.column_by_name(KIND)).map_err(failed)?
        }
        (None, None) => Labels::harmless(records.num_rows()),
    };
    if !labels.labels.is_empty() && labels.labels.iter().all(|it| *it == Label::Unknown) {
        return Err(Failure::Run(format!(
            "`--labels` is null for each of {}: none is labelled{}",
            counted(records.num_rows() as u64, "record"),
            lacking(&unknown, job),
        )));
    }
    Ok(Labelled {
        records,
        labels,
        times,
    })
}

/// The expression for a record's time, where there is one.
fn time(args: &Eval, job: &Job) -> Vec<(String, String)> {
    let said = args.time.as_deref();
    let known = || time_expression(&job.columns());
    let expression = said.or_else(known).map(str::to_owned).or_else(|| {
        let field = job.conf().timestamp_field.as_ref()?;
        Some(format!("TRY_CAST(\"{field}\" AS TIMESTAMP)"))
    });
    let column = expression.map(|time| (TIME.to_owned(), format!("CAST(({time}) AS TIMESTAMP)")));
    column.into_iter().collect()
}

async fn gathered(
    job: &Job,
    of: RecordsOf,
    computed: Vec<(String, String)>,
    scratch: &Scratch,
) -> Result<Gathered, Failure> {
    let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
    let (_stop, stop) = watch::channel(Stop::Not);
    let options = options(scratch, stop);
    let gather = Gather { of, computed };
    let gathered = job
        .gather(gather, &options, Arc::clone(&watcher) as _)
        .await;
    watcher.finish();
    let gathered = gathered.map_err(failed)?;
    let Ledger { read, invalid, .. } = gathered.ledger;
    if gathered.read.num_rows() == 0 {
        return Err(Failure::Run(format!(
            "none of {} is valid: {} could not be read, or lack a column that is named here{}",
            counted(read, "record"),
            count(invalid),
            lacking(&gathered.unknown, job),
        )));
    }
    if invalid > 0 {
        let (invalid, read) = (count(invalid), counted(read, "record"));
        say(&format!("Left out of {read}: {invalid} invalid"));
    }
    Ok(gathered)
}

/// Which columns the records may lack, and what was probably meant: behind a message.
fn lacking(unknown: &[String], job: &Job) -> String {
    let known = job.columns();
    let named = unknown.iter().map(|name| match nearest(name, &known) {
        Some(near) => format!("`{name}` (did you mean `{near}`?)"),
        None => format!("`{name}`"),
    });
    match unknown {
        [] => String::new(),
        _ => format!("; they may lack {}", named.collect::<Vec<_>>().join(", ")),
    }
}

/// How the use case is run here: beside its own state, and trained anew.
pub(super) fn options(scratch: &Scratch, stop: watch::Receiver<Stop>) -> RunOptions {
    RunOptions {
        once: true,
        retrain: true,
        state_folder: scratch.path().to_owned(),
        clock: Arc::new(SystemClock),
        stop,
        n_workers: None,
    }
}

type Ordered = (RecordBatch, RecordBatch, Vec<Option<Micros>>);

/// What was read and computed, and the times, in order.
fn ordered(gathered: Gathered) -> Result<Ordered, Failure> {
    let Gathered { read, computed, .. } = gathered;
    let times = match computed.column_by_name(TIME) {
        Some(times) => micros(times)?,
        None => vec![None; read.num_rows()],
    };
    let fields = read.schema_ref().fields().iter();
    let fields = fields.map(|field| SortField::new(field.data_type().clone()));
    let rows = RowConverter::new(fields.collect()).map_err(failed)?;
    let rows = rows.convert_columns(read.columns()).map_err(failed)?;
    let mut order: Vec<usize> = (0..read.num_rows()).collect();
    order.sort_by(|one, other| {
        let by_time = times[*one].cmp(&times[*other]);
        by_time.then_with(|| rows.row(*one).cmp(&rows.row(*other)))
    });
    let times = order.iter().map(|row| times[*row]).collect();
    Ok((taken(&read, &order)?, taken(&computed, &order)?, times))
}

fn micros(times: &ArrayRef) -> Result<Vec<Option<Micros>>, Failure> {
    let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, None)).map_err(failed)?;
    Ok(times
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .collect())
}

/// Plants attacks behind the real records.
fn plant(args: &Eval, all: &mut Labelled) -> Result<(), Failure> {
    let injected = inject(&all.records, &all.times, &args.inject, args.seed).map_err(failed)?;
    all.labels.add(&injected);
    all.times.extend(&injected.times);
    let schema = all.records.schema();
    let both = [all.records.clone(), injected.records];
    all.records = concat_batches(&schema, &both).map_err(failed)?;
    Ok(())
}

/// Records with what is said in place of columns.
async fn replaced(args: &Eval, records: RecordBatch) -> Result<RecordBatch, Failure> {
    if args.replace.is_empty() {
        return Ok(records);
    }
    let replaced = computed(&records, &args.replace).await.map_err(failed)?;
    let mut columns = records.columns().to_vec();
    for (name, _) in &args.replace {
        let place = records.schema_ref().index_of(name);
        let place = place.map_err(|_| failed(format!("the use case reads no column `{name}`")))?;
        let Some(column) = replaced.column_by_name(name) else {
            continue;
        };
        columns[place] = cast(column, columns[place].data_type()).map_err(failed)?;
    }
    RecordBatch::try_new(records.schema(), columns).map_err(failed)
}

/// An expression's value of each record.
async fn one(records: &RecordBatch, name: &str, expression: &str) -> Result<ArrayRef, Failure> {
    let columns = [(name.to_owned(), expression.to_owned())];
    let computed = computed(records, &columns).await.map_err(failed)?;
    Ok(Arc::clone(computed.column(0)))
}
