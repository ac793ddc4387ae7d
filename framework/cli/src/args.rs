//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

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
    /// Check confs and everything they name; every mistake at once
    Check(Check),
    /// List the built-in use cases, inputs, outputs and codecs
    List,
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
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The confs
    #[arg(required = true)]
    pub(crate) confs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// What stands in `datashark.conf`, and may be said here instead.
#[derive(Debug, clap::Args)]
pub(crate) struct Engine {
    /// The global conf [default: datashark.conf here, or in $DATASHARK_HOME]
    #[arg(long, value_name = "FILE")]
    pub(crate) global: Option<PathBuf>,
    /// The folder for checkpoints, models and records kept aside
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Threads for the work on records [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,
}
