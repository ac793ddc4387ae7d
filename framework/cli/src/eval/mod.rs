//! `datashark eval`: how well a use case finds what is labelled, beside simple baselines.
//!
//! The records are read as the use case reads them, labelled, and attacks planted among them
//! (`datashark_evaluation`). Then the use case is trained and run over them by the engine that
//! `standalone` runs, twice: as its conf says, for the alerts, and telling of all records
//! ([`Ranking::everything`](datashark_sdk::Ranking::everything)), for their order. What is in between
//! lies in a temporary folder below the state folder. Nothing is delivered, and no state is kept.
//!
//! All records are in memory, about a kilobyte each.

mod material;
mod methods;
mod split;

use std::io::Write;

use arrow::array::RecordBatch;
use datashark_conf::Global;
use datashark_engine::{Changes, Job, Scratch, check_changed};
use datashark_evaluation::measure::{Line, Truth, measure};
use datashark_evaluation::table;

pub(crate) use self::split::Split;
use crate::args::{Eval, TableFormat};
use crate::global::global;
use crate::logs::Logs;
use crate::registry::registry;
use crate::standalone::runtime;
use crate::text::{render, say};
use crate::{Failure, WRONG};

/// Runs the command.
pub(crate) fn run(args: &Eval) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let logs = Logs::to_stderr(&global);
    runtime(2)?.block_on(run_in(args, &global, logs))
}

async fn run_in(args: &Eval, global: &Global, logs: Logs) -> Result<(), Failure> {
    logs.keep_telling();
    if args.labels.is_none() && args.inject.is_empty() {
        say("error: nothing is labelled: say `--labels`, or `--inject` to plant attacks");
        return Err(Failure::Said(WRONG));
    }
    let scratch = Scratch::make_in(&global.engine.state_folder).map_err(failed)?;
    let job = checked(args, None, false, global).await?;
    let material = material::Material::of(args, &job, &scratch).await?;
    let lines = lines(args, global, &scratch, &material).await?;
    let text = match args.format {
        TableFormat::Table => table::text(&lines),
        TableFormat::Csv => table::csv(&lines),
        TableFormat::Json => table::json(&lines),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// The lines of all methods.
async fn lines(
    args: &Eval,
    global: &Global,
    scratch: &Scratch,
    material: &material::Material,
) -> Result<Vec<Line>, Failure> {
    let found = methods::methods(args, global, scratch, material).await?;
    let truth = Truth {
        items: found.items,
        labels: material.labels.clone(),
        times: material.times.clone(),
    };
    let mut lines = Vec::new();
    for method in &found.methods {
        lines.extend(measure(method, &truth).map_err(failed)?);
    }
    Ok(lines)
}

/// The use case with the keys that were set, and perhaps one more.
async fn checked(
    args: &Eval,
    also: Option<&(String, String)>,
    everything: bool,
    global: &Global,
) -> Result<Job, Failure> {
    let set = args.set.iter().chain(also).cloned().collect();
    let changes = Changes { set, everything };
    let checked = check_changed(&args.conf, &changes, global, &registry(global)).await;
    // What is to be warned of is said once.
    if checked.job.is_none() || (also.is_none() && !everything) {
        say(&render(&checked.diagnostics));
    }
    checked.job.ok_or(Failure::Said(WRONG))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Run(error.to_string())
}

/// The rows of a batch in this order.
fn taken(rows: &RecordBatch, order: &[usize]) -> Result<RecordBatch, Failure> {
    let order = arrow::array::UInt64Array::from_iter_values(order.iter().map(|row| *row as u64));
    arrow::compute::take_record_batch(rows, &order).map_err(failed)
}
