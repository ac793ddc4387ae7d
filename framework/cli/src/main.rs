//! The one binary: run, check and list dataShark's use cases.
//!
//! Results go to standard output, everything else to standard error. Exit status: 0 where all went
//! well, 1 where a run failed or could not read or deliver everything, 2 where the command line or
//! a conf is wrong. Beside these, 130 where a second Ctrl-C or SIGTERM ended a run at once. A
//! closed pipe, as `datashark … | head` makes one, is a clean end.
//!
//! | module | what |
//! |---|---|
//! | `args` | the command line |
//! | `start` | the daemon: `start` and `reload` |
//! | `replay` | a use case over the past, and two of them compared |
//! | `board`, `http` | what the use cases are doing, and who is told of it by HTTP |
//! | `client`, `top`, `tap` | asking a daemon that |
//! | `signals` | when a second signal is meant |
//! | `logs` | how log messages are written, and how often |
//! | `doctor` | what an operator asks of a machine, and mending its state folder |
//! | `ingest`, `sql`, `store` | filling a store, asking it, looking after it |
//! | `ml` | the suspicious connects of a day |
//! | `eval` | how well a use case finds what is labelled |
//! | `standalone`, `check`, `list`, `codec`, `quarantine`, `new` | a command each |
//! | `registry` | the one list of what is built in |
//! | `global` | finds `datashark.conf` |
//! | `console`, `progress`, `text` | how findings, a run and numbers are shown |
//!
//! What runs is the engine's business: nothing here looks at a record.

mod args;
mod board;
mod check;
mod client;
mod codec;
mod console;
mod doctor;
mod eval;
mod global;
mod http;
mod ingest;
mod list;
mod logs;
mod ml;
mod new;
mod progress;
mod quarantine;
mod registry;
mod replay;
mod signals;
mod sql;
mod standalone;
mod start;
mod store;
mod tap;
mod text;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    if matches!(args.command, Command::PluginProcess) {
        return datashark_plugins::run_child();
    }
    let run = || match args.command {
        Command::Standalone(args) => standalone::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Start(args) => start::run(args),
        Command::Reload(args) => start::reload(&args),
        Command::Top(args) => top::run(&args),
        Command::Tap(args) => tap::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::List { engine } => list::run(&engine),
        Command::New(args) => new::run(&args),
        Command::PluginProcess => Ok(()),
        Command::Codec(args) => codec::run(&args),
        Command::Quarantine { command } => quarantine::run(command),
        Command::Ml(args) => ml::run(args),
        Command::Eval(args) => eval::run(&args),
        Command::Ingest(args) => ingest::run(args),
        Command::Sql(args) => sql::run(&args),
        Command::Store { command } => store::run(command),
        Command::Completions { shell } => {
            let mut command = Args::command();
            clap_complete::generate(shell, &mut command, "datashark", &mut std::io::stdout());
            Ok(())
        }
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// How a command ends where it does not end well.
#[derive(Debug)]
enum Failure {
    /// What is wrong was said already.
    Said(u8),
    /// Nobody reads what is written: a clean end.
    ClosedPipe,
    /// A run failed.
    Run(String),
}

/// The exit status of a run that failed.
const FAILED: u8 = 1;
/// The exit status of a wrong conf.
const WRONG: u8 = 2;

impl Failure {
    fn report(self) -> ExitCode {
        match self {
            Failure::Said(status) => ExitCode::from(status),
            Failure::ClosedPipe => ExitCode::SUCCESS,
            Failure::Run(message) => {
                text::say(&format!("error: {message}"));
                ExitCode::from(FAILED)
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Run(error.to_string()),
        }
    }
}
