//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use datashark_evaluation::inject::Injection;

use crate::eval::Split;
use crate::replay::Time;

mod store;

pub(crate) use store::{InStore, Ingest, Sql, SqlFormat, StoreCommand, StoreTables};

/// Security and network event analytics: drop a conf file, point it at the logs, get scored
/// findings.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one use case, whatever its `enabled` says
    Standalone(Standalone),
    /// Run a use case over the past of its input; its state and its outputs stay as they are
    Replay(Replay),
    /// Run every enabled use case, until told to stop: the daemon
    Start(Start),
    /// Tell the daemon to read its confs again
    Reload(Reload),
    /// Show what the daemon is doing, live
    Top(Top),
    /// Print a sample of what flows through a use case of the daemon, a JSON object a line
    Tap(Tap),
    /// Check confs and everything they name; every mistake at once
    Check(Check),
    /// Look whether confs, state folder, disk and outputs are as a run needs them; mend the state
    Doctor(Doctor),
    /// List use cases, inputs, outputs and codecs: what is built in, and the plugins that are found
    List {
        #[command(flatten)]
        engine: Engine,
    },
    /// Write a folder to begin with: a use case, an output or an input as a crate, or a use case in SQL
    New(New),
    /// A plugin's process: what `isolation = process` starts, and nobody else
    #[command(name = crate::registry::PLUGIN_PROCESS, hide = true)]
    PluginProcess,
    /// Show what a format makes of a file, and which lines it cannot read and why
    Codec(Codec),
    /// Look at records that did not parse and findings that were refused, and give them another try
    Quarantine {
        /// What to do
        #[command(subcommand)]
        command: Quarantine,
    },
    /// Find the suspicious connects of a day, as Apache Spot's `ml_ops.sh` does
    Ml(Ml),
    /// Measure how well a use case finds what is labelled, beside simple baselines
    Eval(Eval),
    /// Store captures, flows and logs as tables, each record once
    Ingest(Ingest),
    /// Ask the store by SQL: tables `flow`, `dns`, `proxy`, `invalid`, the view `event`, and findings
    Sql(Sql),
    /// Look after the store: what it takes, compaction, retention
    Store {
        /// What to do
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Standalone {
    /// The use case's conf
    pub(crate) conf: PathBuf,
    /// Print results to the console in place of the outputs, and keep no progress
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Read what is there now to its end, then exit
    #[arg(long)]
    pub(crate) once: bool,
    /// Train the model anew even if its training file and parameters are unchanged
    #[arg(long)]
    pub(crate) retrain: bool,
    /// Answer by HTTP here, as the daemon does
    #[arg(long, value_name = "ADDRESS", value_parser = datashark_conf::address)]
    pub(crate) http: Option<Address>,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The use case's conf
    pub(crate) conf: PathBuf,
    /// Only windows that begin then or later: `2026-01-31` (UTC), `2026-01-31T12:00:00Z`, or `24h` before
    /// now [default: the beginning of what is there]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) from: Option<Time>,
    /// Only windows that end then or before [default: now; of a batch, the end of what is there]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) to: Option<Time>,
    /// Print what another conf finds more (+), what it does not find (-), and what with another score (~)
    #[arg(long, value_name = "CONF", conflicts_with_all = ["to_csv", "deliver"])]
    pub(crate) diff: Option<PathBuf>,
    /// With `--diff`: exit with 1 if there is a difference
    #[arg(long, requires = "diff")]
    pub(crate) exit_code: bool,
    /// Write the findings into this file, in place of what it was, once the replay is at its end
    #[arg(long, value_name = "FILE", conflicts_with = "deliver")]
    pub(crate) to_csv: Option<PathBuf>,
    /// Give the findings to the conf's outputs, or to those that are named, with the ids of a live run: a
    /// backfill
    #[arg(long, value_name = "OUTPUTS", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub(crate) deliver: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ml {
    /// The day
    #[arg(value_name = "YYYYMMDD")]
    pub(crate) date: String,
    /// What the records are of: flow, dns, proxy
    #[arg(value_name = "TYPE", value_parser = PossibleValuesParser::new(["flow", "dns", "proxy"]))]
    pub(crate) kind: String,
    /// The highest score of a finding [default: `TOL` of spot.conf, or 1e-6]
    #[arg(value_name = "TOL")]
    pub(crate) threshold: Option<f64>,
    /// How many findings at most; -1 is no limit [default: -1]
    #[arg(value_name = "MAXRESULTS", allow_negative_numbers = true)]
    pub(crate) max_results: Option<i64>,
    /// Spot's conf
    #[arg(long, value_name = "FILE", default_value = "/etc/spot.conf")]
    pub(crate) spot_conf: PathBuf,
    /// The day's records, in place of where spot.conf has them: a file, a folder or a glob
    #[arg(long, value_name = "PATH")]
    pub(crate) input: Option<PathBuf>,
    /// The store that has the day's records [default: `store` in the state folder, where spot.conf's path
    /// is not there]
    #[arg(long, value_name = "FOLDER", conflicts_with = "input")]
    pub(crate) store: Option<PathBuf>,
    /// The folder of the results, in place of where spot.conf has it
    #[arg(long, value_name = "FOLDER")]
    pub(crate) scored: Option<PathBuf>,
    /// An analyst's feedback, in place of where spot.conf has it
    #[arg(long, value_name = "FILE")]
    pub(crate) feedback: Option<PathBuf>,
    /// A ranked list of well-known domains, lines `rank,name`
    #[arg(long, value_name = "FILE", default_value = "top-1m/top-1m.csv")]
    pub(crate) top_domains: PathBuf,
    /// A key of the use case `spot-lda`
    #[arg(short, long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Eval {
    /// The use case's conf
    pub(crate) conf: PathBuf,
    /// Which records are of an attack: SQL over a record's columns that is true, false, or null where
    /// nobody knows; or a CSV file with columns of those that the use case reads, and `kind`
    #[arg(long, value_name = "SQL|FILE")]
    pub(crate) labels: Option<String>,
    /// Of which kind an attack is: SQL over a record's columns
    #[arg(long, value_name = "SQL", requires = "labels")]
    pub(crate) kinds: Option<String>,
    /// Plant attacks: scan, beacon, exfiltration, dns-tunnel, dga, and which part of all records they are
    /// to be [default rate: 1e-3]
    #[arg(long, value_name = "KIND[:RATE]")]
    pub(crate) inject: Vec<Injection>,
    /// Of all that is random here
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Train on the earlier part of the records, score the later: `0.5` or `2026-01-31T12:00:00Z`
    /// [default: train on what the conf says]
    #[arg(long, value_name = "PART|TIME")]
    pub(crate) split: Option<Split>,
    /// When a record was: SQL over its columns [default: the column that the format has for it]
    #[arg(long, value_name = "SQL")]
    pub(crate) time: Option<String>,
    /// Rank groups of records that have the same value, as bad as the worst of them: SQL over the columns
    /// that the use case reads
    #[arg(long, value_name = "SQL", conflicts_with = "key")]
    pub(crate) by: Option<String>,
    /// The column of the records that the findings' keys are of, where findings are not of single records
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// Put a value in place of a column's in all records, so that it tells nothing, or something else
    #[arg(long, value_name = "COLUMN=SQL", value_parser = key_value)]
    pub(crate) replace: Vec<(String, String)>,
    /// A key of the use case
    #[arg(short, long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    /// The use case once more, with this key otherwise, in lines of its own
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) also: Vec<(String, String)>,
    /// A low score is suspicious, where the use case does not say so itself
    #[arg(long)]
    pub(crate) lowest_first: bool,
    /// How the lines are printed
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// How lines of an evaluation are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TableFormat {
    /// Columns for people
    Table,
    /// CSV with a header
    Csv,
    /// A JSON object a line
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    /// The folder that has a folder for each use case [default: `conf` beside datashark.conf]
    pub(crate) confs: Option<PathBuf>,
    /// As dataShark 1.2 had it: run on this machine, which is what it does anyway
    #[arg(short, long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Top {
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Tap {
    /// The use case's name
    pub(crate) use_case: String,
    /// Records as the input gives them, not just those that pass the filter
    #[arg(long, conflicts_with = "findings")]
    pub(crate) before_filter: bool,
    /// Findings, not records
    #[arg(long)]
    pub(crate) findings: bool,
    /// End after so many lines
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) lines: Option<usize>,
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// An address, or none: `off`.
type Address = Option<SocketAddr>;

/// Where the daemon answers by HTTP.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Http {
    /// Where the daemon answers by HTTP, or `off` [default: 127.0.0.1:9600]
    #[arg(long = "http", value_name = "ADDRESS", value_parser = datashark_conf::address)]
    address: Option<Address>,
}

impl Http {
    /// What was said here, else what the conf says.
    pub(crate) fn over(&self, of_conf: Address) -> Address {
        self.address.unwrap_or(of_conf)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// What it is to be
    pub(crate) kind: NewKind,
    /// Its name, as a conf names it: small letters, digits and `-`
    pub(crate) name: String,
    /// A use case in SQL: nothing is compiled
    #[arg(long)]
    pub(crate) sql: bool,
    /// Where the folder is made [default: here]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) into: Option<PathBuf>,
    /// Where dataShark's source is: the crate then takes the sdk from there, and not from a registry
    #[arg(long, value_name = "FOLDER")]
    pub(crate) source: Option<PathBuf>,
}

/// What `new` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum NewKind {
    /// What is computed between inputs and outputs
    Usecase,
    /// Where findings go
    Output,
    /// Where records come from
    Input,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The confs
    #[arg(required = true)]
    pub(crate) confs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// A use case's conf, or the folder that has a folder for each use case [default: `conf` beside
    /// datashark.conf]
    pub(crate) confs: Option<PathBuf>,
    /// Put damaged files of the state folder aside, so that the next start can do without them
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Codec {
    /// The format, as `[codec] format` names it
    pub(crate) format: String,
    /// The file; gz, zst, bz2 and xz are unpacked
    pub(crate) file: PathBuf,
    /// An option of the format, as `[codec]` has it
    #[arg(short, long = "option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) options: Vec<(String, String)>,
    /// The columns to show, with commas between [default: those that the file has]
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) columns: Vec<String>,
    /// How many rows to show
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) rows: usize,
    /// Look at the whole file, not just at its first 100,000 records
    #[arg(long)]
    pub(crate) all: bool,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("expected KEY=VALUE, found `{text}`"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// List what each use case has in quarantine, and why
    List {
        #[command(flatten)]
        engine: Engine,
    },
    /// Print what is in quarantine, a JSON object a line
    Show(Kept),
    /// Give records to the use case and findings to their output again; what fails stays
    Replay(Kept),
    /// Take out for good what is in quarantine
    Drop(Kept),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Kept {
    /// The use case's conf
    pub(crate) conf: PathBuf,
    /// Only records that did not parse
    #[arg(long, conflicts_with = "findings")]
    pub(crate) records: bool,
    /// Only findings that an output refused
    #[arg(long)]
    pub(crate) findings: bool,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// What stands in `datashark.conf`, and may be said here instead.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Engine {
    /// The global conf [default: datashark.conf here, in $DATASHARK_HOME, or in /etc/datashark]
    #[arg(long, value_name = "FILE")]
    pub(crate) global: Option<PathBuf>,
    /// The folder for checkpoints, models and records kept aside
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Threads for the work on records [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,
}
