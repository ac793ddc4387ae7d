//! `datashark check`: every mistake of every conf, and what each use case will do.

mod streams;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use datashark_conf::{Diagnostic, Diagnostics};
use datashark_engine::{Job, check};

use crate::args::Check;
use crate::global::global;
use crate::registry::registry;
use crate::standalone::runtime;
use crate::text::{render, say};
use crate::{Failure, WRONG};

/// Checks the confs.
pub(crate) fn run(args: &Check) -> Result<(), Failure> {
    let global = global(&args.engine)?;
    let registry = registry(&global);
    let mut diagnostics = Diagnostics::new();
    let mut jobs: Vec<(PathBuf, Job)> = Vec::new();
    runtime(1)?.block_on(async {
        for path in &args.confs {
            let checked = check(path, &global, &registry).await;
            diagnostics.extend(checked.diagnostics);
            jobs.extend(checked.job.map(|job| (path.clone(), job)));
        }
    });
    diagnostics.extend(against_each_other(&jobs));
    let mut stdout = std::io::stdout().lock();
    for (path, job) in &jobs {
        write!(stdout, "{}", description(path, job))?;
        if let Some(others) = streams::others(job, &jobs) {
            writeln!(stdout, "  stream   read together with {others}")?;
        }
    }
    say(&render(&diagnostics));
    match diagnostics.has_errors() {
        true => Err(Failure::Said(WRONG)),
        false => Ok(()),
    }
}

/// What a use case reads and what bounds its memory.
fn description(path: &Path, job: &Job) -> String {
    let kind = if job.is_streaming() {
        "streaming"
    } else {
        "batch"
    };
    let format = job.format().unwrap_or("columns of the file");
    let columns = job.columns().join(", ");
    let mut text = format!("{}: {} ({kind})\n", path.display(), job.name());
    text.push_str(&format!("  reads    {format}: {columns}\n"));
    text.push_str(&format!("  windows  {}\n", job.bound().describe()));
    if let Some(memory) = job.memory() {
        text.push_str(&format!("  memory   {memory}\n"));
    }
    if let Some(schedule) = &job.conf().schedule {
        text.push_str(&format!("  runs     {schedule}\n"));
    }
    for note in job.notes() {
        text.push_str(&format!("  note     {note}\n"));
    }
    text
}

/// What is wrong with confs that are right one by one.
pub(crate) fn against_each_other(jobs: &[(PathBuf, Job)]) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let found = [same_names(jobs), same_files(jobs), streams::parted(jobs)];
    for diagnostic in found.into_iter().flatten() {
        diagnostics.push(diagnostic);
    }
    diagnostics
}

/// Two use cases of one name would have one state folder.
fn same_names(jobs: &[(PathBuf, Job)]) -> Vec<Diagnostic> {
    let by_name = jobs
        .iter()
        .map(|(path, job)| (job.name().to_lowercase(), path));
    repeated(by_name, |name, first| {
        format!("`name` is that of {} too: `{name}`", first.display())
    })
}

/// Two use cases that write one file would cut each other's rows off.
fn same_files(jobs: &[(PathBuf, Job)]) -> Vec<Diagnostic> {
    let files = jobs.iter().flat_map(|(path, job)| {
        job.output_files()
            .iter()
            .map(move |file| (file.display().to_string(), path))
    });
    repeated(files, |file, first| {
        format!(
            "`[out_csv] path` is that of {} too: `{file}`",
            first.display()
        )
    })
}

fn repeated<'a>(
    keyed: impl Iterator<Item = (String, &'a PathBuf)>,
    message: impl Fn(&str, &Path) -> String,
) -> Vec<Diagnostic> {
    let mut first_of: BTreeMap<String, &PathBuf> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (key, path) in keyed {
        match first_of.get(&key) {
            Some(first) if *first == path => {}
            Some(first) => {
                diagnostics.push(Diagnostic::of_file(path.display(), message(&key, first)));
            }
            None => {
                first_of.insert(key, path);
            }
        }
    }
    diagnostics
}
