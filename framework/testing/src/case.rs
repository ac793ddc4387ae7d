//! Runs folders of cases; see the crate's page.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashark_conf::Global;
use datashark_engine::{
    Checked, Ledger, ManualClock, Observer, Registry, RunOptions, Stop, Summary, check,
};
use datashark_sdk::UseCaseEntry;
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;

use crate::input::{Batches, MemoryBatch, MemoryInput, Partition, Script};
use crate::output::{Found, MemoryOutput};

/// How a case is run.
#[derive(Debug, Clone, Copy)]
struct Variant {
    name: &'static str,
    n_workers: usize,
    batches: Batches,
    /// Stop after so many batches, and after one more each time it is started again.
    stop_every: Option<usize>,
    /// Spread the records of all partitions over so many; the case's own where `None`.
    n_partitions: Option<usize>,
}

const STRAIGHT: Variant = Variant {
    name: "straight",
    n_workers: 1,
    batches: Batches::Whole,
    stop_every: None,
    n_partitions: None,
};

const VARIANTS: [Variant; 4] = [
    Variant {
        name: "in small batches",
        n_workers: 3,
        batches: Batches::Of(2),
        ..STRAIGHT
    },
    Variant {
        name: "stopped and started again",
        n_workers: 2,
        batches: Batches::Of(3),
        stop_every: Some(2),
        ..STRAIGHT
    },
    Variant {
        name: "over two partitions",
        n_workers: 2,
        batches: Batches::Of(4),
        n_partitions: Some(2),
        ..STRAIGHT
    },
    Variant {
        name: "over eight partitions",
        n_workers: 3,
        batches: Batches::Of(1),
        n_partitions: Some(8),
        ..STRAIGHT
    },
];

/// Restarts after which a case is taken to be stuck.
const MAX_RESTARTS: usize = 10_000;

/// Runs every case below a folder; of these with `CASES=part/of/a/path` in the environment.
///
/// # Errors
/// Every case that did not give what is expected, with the difference.
pub fn run_cases(folder: &Path, use_cases: &[UseCaseEntry]) -> Result<usize, String> {
    let mut cases = Vec::new();
    find_cases(folder, &mut cases);
    if let Ok(part) = std::env::var("CASES") {
        cases.retain(|case| case.to_string_lossy().contains(&part));
    }
    cases.sort();
    if cases.is_empty() {
        return Err(format!("there is no case below {}", folder.display()));
    }
    let failures = cases
        .iter()
        .filter_map(|case| run_case(case, use_cases).err());
    let failures: Vec<String> = failures.collect();
    match failures.is_empty() {
        true => Ok(cases.len()),
        false => Err(failures.join("\n\n")),
    }
}

fn find_cases(folder: &Path, cases: &mut Vec<PathBuf>) {
    if folder.join("case.conf").is_file() {
        cases.push(folder.to_path_buf());
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.path().is_dir()) {
        find_cases(&entry.path(), cases);
    }
}

/// Runs one case in all ways.
///
/// # Errors
/// What differs from what is expected.
pub fn run_case(folder: &Path, use_cases: &[UseCaseEntry]) -> Result<(), String> {
    let case = Case::read(folder, use_cases)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let straight = runtime.block_on(case.run(STRAIGHT));
    let expected_error = folder.join("expected.error");
    if expected_error.is_file() {
        return case.fails(straight, &expected_error);
    }
    let (found, summary) = straight.map_err(|error| case.failed(STRAIGHT, &error))?;
    let shown = format!("{found}{}", account(&summary.ledger));
    let expected = folder.join("expected");
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&expected, &shown).map_err(|error| error.to_string())?;
    }
    let expected = fs::read_to_string(&expected).map_err(|error| error.to_string())?;
    case.same(STRAIGHT, &expected, &shown)?;
    for variant in VARIANTS {
        // A batch starts over after a stop. Spread over other partitions, other records are late,
        // and a file's header is that of one of them.
        let Ledger { late, skipped, .. } = summary.ledger;
        let may_spread = case.partitions.len() == 1 && late == 0 && skipped == 0;
        if (case.is_batch && variant.stop_every.is_some())
            || (variant.n_partitions.is_some() && !may_spread)
        {
            continue;
        }
        let run = runtime.block_on(case.run(variant));
        let (again, _) = run.map_err(|error| case.failed(variant, &error))?;
        case.same(variant, &found, &again)?;
    }
    Ok(())
}

struct Case {
    folder: PathBuf,
    partitions: Vec<Partition>,
    registry: Registry,
    is_batch: bool,
}

impl Case {
    fn read(folder: &Path, use_cases: &[UseCaseEntry]) -> Result<Self, String> {
        let mut files: Vec<PathBuf> = match fs::read_dir(folder.join("input")) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => Vec::new(),
        };
        files.sort();
        let mut partitions = Vec::new();
        for file in &files {
            let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let mut records: Vec<Vec<u8>> = bytes
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            if records.last().is_some_and(Vec::is_empty) {
                records.pop();
            }
            partitions.push(Partition {
                name: name.into_owned(),
                records,
            });
        }
        let registry = Registry {
            use_cases: use_cases.to_vec(),
            inputs: vec![
                InputEntry::of::<MemoryInput>(),
                InputEntry::of::<MemoryBatch>(),
            ],
            outputs: vec![OutputEntry::of::<MemoryOutput>()],
            third_party: None,
        };
        let conf = fs::read_to_string(folder.join("case.conf")).unwrap_or_default();
        let is_batch = conf
            .lines()
            .any(|line| line.replace(' ', "") == "type=batch");
        Ok(Case {
            folder: folder.to_path_buf(),
            partitions,
            registry,
            is_batch,
        })
    }

    /// Runs a variant to the input's end; gives the findings.
    async fn run(&self, variant: Variant) -> Result<(String, Summary), String> {
        let state = tempfile::tempdir().map_err(|error| error.to_string())?;
        let found = Arc::new(Found::default());
        for n_restarts in 0..MAX_RESTARTS {
            let mut script = Script::new(self.spread(variant), variant.batches);
            // A little more each time: an open window is read again from its first record.
            let stop_after = variant.stop_every.map(|n| n + n_restarts);
            if let Some(n) = stop_after {
                script = script.stopping_after(n, Stop::LeaveWindows);
            }
            let script = Arc::new(script);
            let run = Box::pin(self.run_once(variant, Arc::clone(&script), state.path()));
            let summary = Arc::clone(&found)
                .collect(Arc::clone(&script).play(run))
                .await?;
            let to_the_end = stop_after.is_none_or(|n| script.n_given() < n);
            if to_the_end {
                return Ok((found.render(), summary));
            }
        }
        Err("does not come to its end".to_owned())
    }

    fn spread(&self, variant: Variant) -> Vec<Partition> {
        let Some(n) = variant.n_partitions else {
            return self.partitions.clone();
        };
        let empty = |i| Partition {
            name: format!("partition {i}"),
            records: Vec::new(),
        };
        let mut partitions: Vec<Partition> = (0..n).map(empty).collect();
        let records = self
            .partitions
            .iter()
            .flat_map(|partition| &partition.records);
        for (i, record) in records.enumerate() {
            partitions[i % n].records.push(record.clone());
        }
        partitions
    }

    async fn run_once(
        &self,
        variant: Variant,
        script: Arc<Script>,
        state: &Path,
    ) -> Result<Summary, String> {
        let global = Global::default_in(state);
        let Checked { job, diagnostics } =
            check(&self.folder.join("case.conf"), &global, &self.registry).await;
        let job = job.ok_or_else(|| diagnostics.to_string())?;
        let options = RunOptions {
            once: true,
            retrain: false,
            state_folder: state.to_path_buf(),
            clock: Arc::new(ManualClock::at(0)),
            stop: script.stop(),
            n_workers: Some(variant.n_workers),
        };
        let summary = job
            .run(options, Arc::new(Nobody))
            .await
            .map_err(|error| error.to_string())?;
        match summary.ledger.conservation_gap() {
            0 => Ok(summary),
            gap => Err(format!(
                "{gap} records are missing from the account: {:?}",
                summary.ledger
            )),
        }
    }

    fn failed(&self, variant: Variant, error: &str) -> String {
        format!("{}, {}: {error}", self.folder.display(), variant.name)
    }

    fn same(&self, variant: Variant, expected: &str, found: &str) -> Result<(), String> {
        if expected == found {
            return Ok(());
        }
        let difference = format!("expected\n{expected}found\n{found}");
        Err(self.failed(variant, &difference))
    }

    fn fails(&self, run: Result<(String, Summary), String>, expected: &Path) -> Result<(), String> {
        let expected = fs::read_to_string(expected).map_err(|error| error.to_string())?;
        let error = match run {
            Ok((found, _)) => {
                return Err(self.failed(STRAIGHT, &format!("expected an error, found\n{found}")));
            }
            Err(error) => error,
        };
        let missing: Vec<&str> = expected
            .lines()
            .filter(|part| !error.contains(part))
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let missing = missing.join("\n");
                Err(self.failed(
                    STRAIGHT,
                    &format!("expected in the error\n{missing}\nfound\n{error}"),
                ))
            }
        }
    }
}

/// The account of the records, as `expected` ends with it.
fn account(ledger: &Ledger) -> String {
    format!(
        "read {} = {} filtered + {} invalid + {} late + {} aggregated\n",
        ledger.read, ledger.filtered, ledger.invalid, ledger.late, ledger.aggregated
    )
}

struct Nobody;

impl Observer for Nobody {}
