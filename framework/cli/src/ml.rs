//! `datashark ml YYYYMMDD TYPE [TOL] [MAXRESULTS]`: the suspicious connects of a day, as Apache Spot's
//! `ml_ops.sh` finds them.
//!
//! It is the use case `spot-lda` with the output `spot`, over the day's records, which it is also
//! trained on. The conf that it runs with is left in the state folder, to be looked at and to go on
//! from.
//!
//! The records are where a `spot.conf` has them, or a day of a store: then just the files of the day's
//! hours are read, as the table has them now.
//!
//! Exit status: 0 when results are written, also when no record is below the threshold; 1 where the
//! records cannot be read or do not have the columns; 2 for a mistake.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashark_conf::Global;
use datashark_engine::{RunOptions, SystemClock, check};
use datashark_output_spot::{Layout, write_none};
use datashark_spot_lda::{Kind, MlOps};

use crate::args::{InStore, Ml};
use crate::global::global;
use crate::logs::Logs;
use crate::progress::Watcher;
use crate::registry::registry;
use crate::standalone::{runtime, stop_on_signal, tell_end};
use crate::text::{render, say};
use crate::{FAILED, Failure, WRONG, store};

/// Runs the command.
pub(crate) fn run(args: Ml) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let logs = Logs::to_stderr(&global);
    let day = Day::of(&args, &global)?;
    runtime(2)?.block_on(run_in(args, day, global, logs))
}

async fn run_in(args: Ml, day: Day, global: Global, logs: Logs) -> Result<(), Failure> {
    logs.keep_telling();
    let conf = global.engine.state_folder.join(format!("ml-{}", args.kind));
    fs::create_dir_all(&conf)?;
    let conf = conf.join(format!("{}.conf", args.date));
    fs::write(&conf, day.conf(&args))?;
    let checked = check(&conf, &global, &registry(&global)).await;
    say(&render(&checked.diagnostics));
    let Some(job) = checked.job else {
        return Err(Failure::Said(FAILED));
    };
    let watcher = Arc::new(Watcher::new(job.name(), io::stderr().is_terminal()));
    let options = RunOptions {
        once: true,
        retrain: true,
        state_folder: global.engine.state_folder.clone(),
        clock: Arc::new(SystemClock),
        stop: stop_on_signal(),
        n_workers: None,
    };
    let observer = Arc::clone(&watcher) as _;
    let done = job.run(options, observer).await;
    watcher.finish();
    let summary = done.map_err(|error| Failure::Run(error.to_string()))?;
    tell_end(&summary, &watcher)?;
    if summary.ledger.aggregated == 0 {
        let message = match summary.ledger.invalid {
            0 => "there are no records of this day",
            _ => "no record of this day is valid",
        };
        return Err(Failure::Run(message.to_owned()));
    }
    if summary.n_findings == 0 {
        write_none(&day.scored, day.layout).map_err(|error| Failure::Run(error.to_string()))?;
    }
    let results = day.scored.join(format!("{}_results.csv", args.kind));
    say(&format!("Results in {}", results.display()));
    Ok(())
}

/// What is read and written of a day.
struct Day {
    run: MlOps,
    input: PathBuf,
    scored: PathBuf,
    feedback: PathBuf,
    layout: Layout,
    spot_conf: Option<PathBuf>,
}

impl Day {
    fn of(args: &Ml, global: &Global) -> Result<Self, Failure> {
        let wrong = |message: String| {
            say(&format!("error: {message}"));
            Failure::Said(WRONG)
        };
        let spot = fs::read_to_string(&args.spot_conf);
        let spot_conf = spot.is_ok().then(|| args.spot_conf.clone());
        let (Some(kind), Some(layout)) = (kind(&args.kind), Layout::of_kind(&args.kind)) else {
            return Err(wrong(format!(
                "expected flow, dns or proxy, found `{}`",
                args.kind
            )));
        };
        let spot = spot.unwrap_or_default();
        let run = MlOps::of(&args.date, kind, args.threshold, args.max_results, &spot);
        let run = run.map_err(wrong)?;
        let input = match &args.input {
            Some(input) => input.clone(),
            None => found_input(args, &run, global)?,
        };
        let or =
            |given: &Option<PathBuf>, else_: &str| given.clone().unwrap_or_else(|| else_.into());
        Ok(Day {
            scored: or(&args.scored, &run.scored),
            feedback: or(&args.feedback, &run.feedback),
            input,
            run,
            layout,
            spot_conf,
        })
    }

    /// The conf that the day is run with.
    fn conf(&self, args: &Ml) -> String {
        let mut keys = vec![
            ("name", format!("ml-{}", args.kind)),
            ("type", "batch".to_owned()),
            ("enabled", "false".to_owned()),
            ("code", "spot-lda".to_owned()),
            ("file", absolute(&self.input)),
            ("training", absolute(&self.input)),
            ("output", "spot".to_owned()),
            ("analysis", args.kind.clone()),
            ("max_results", self.run.max_results.to_string()),
        ];
        keys.extend(
            self.run
                .threshold
                .map(|threshold| ("threshold", threshold.to_string())),
        );
        let files = [
            ("spot_conf", self.spot_conf.as_deref()),
            ("feedback", Some(self.feedback.as_path())),
            ("top_domains", Some(args.top_domains.as_path())),
        ];
        let files = files
            .into_iter()
            .filter_map(|(key, path)| Some((key, path?)));
        let files = files.filter(|(_, path)| path.exists());
        keys.extend(files.map(|(key, path)| (key, absolute(path))));
        let said = args
            .set
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        let mut text = format!("# Written by `datashark ml {} {}`.\n", args.date, args.kind);
        for (key, value) in keys.into_iter().chain(said) {
            text.push_str(&format!("{key} = {}\n", written(&value)));
        }
        let folder = written(&absolute(&self.scored));
        text.push_str(&format!("[out_spot]\n    folder = {folder}\n"));
        text
    }
}

/// A value as a conf has it.
fn written(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match value.contains('"') {
        _ if value.chars().all(is_plain) => value.to_owned(),
        true => format!("'{value}'"),
        false => format!("\"{value}\""),
    }
}

fn kind(name: &str) -> Option<Kind> {
    [Kind::Flow, Kind::Dns, Kind::Proxy]
        .into_iter()
        .find(|kind| kind.name() == name)
}

/// Where the day's records are: where a `spot.conf` has them, else in the store, if one is not named.
fn found_input(args: &Ml, run: &MlOps, global: &Global) -> Result<PathBuf, Failure> {
    let store = store::of(
        &InStore {
            store: args.store.clone(),
        },
        global,
    )?;
    if args.store.is_none()
        && let Some(input) = input_of_spot(run)
    {
        return Ok(input);
    }
    let folder = store.folder().display();
    match store::day(&store, &args.kind, &args.date)? {
        Some(files) if files.is_empty() => Err(Failure::Run(format!(
            "the store `{folder}` has no records of {} of {}",
            args.kind, args.date
        ))),
        Some(files) => linked(&files, args, global),
        None if args.store.is_some() => Err(Failure::Run(format!(
            "the store `{folder}` has no table `{}`: `datashark ingest {}` makes it",
            args.kind, args.kind
        ))),
        None => Err(Failure::Run(format!(
            "there is neither `{}` nor `{}`, nor a table `{}` in the store `{folder}`",
            run.input, run.unpadded_input, args.kind
        ))),
    }
}

/// A folder of links to files: of the files below a table's folders some may be compacted or forgotten,
/// and just these are the day's.
fn linked(files: &[PathBuf], args: &Ml, global: &Global) -> Result<PathBuf, Failure> {
    let folder = global.engine.state_folder.join(format!("ml-{}", args.kind));
    let folder = folder.join(format!("{}-files", args.date));
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    for (number, file) in files.iter().enumerate() {
        let link = folder.join(format!("{number:06}.parquet"));
        std::os::unix::fs::symlink(std::path::absolute(file)?, link)?;
    }
    Ok(folder)
}

/// Where a `spot.conf` has the day's records: months and days of one digit or of two, and below them a
/// folder for each hour.
fn input_of_spot(run: &MlOps) -> Option<PathBuf> {
    let inputs = [&run.input, &run.unpadded_input].map(|path| PathBuf::from(path.as_str()));
    let input = inputs
        .into_iter()
        .find(|path| path.exists() || is_url(path))?;
    let has_folders = fs::read_dir(&input)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()));
    Some(match has_folders {
        true => input.join("**/*.parquet"),
        false => input,
    })
}

fn is_url(path: &Path) -> bool {
    path.to_string_lossy().contains("://")
}

fn absolute(path: &Path) -> String {
    let path = match is_url(path) {
        true => path.to_owned(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    path.to_string_lossy().into_owned()
}
