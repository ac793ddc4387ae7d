//! A plugin's process and nothing else: what `datashark`'s hidden subcommand does, for tests and benches
//! of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    datashark_plugins::run_child()
}
