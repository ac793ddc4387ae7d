//! `datashark tap`: prints a sample of what flows through a use case of a running daemon.

use std::io::{self, Write};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Failure;
use crate::args::Tap;
use crate::client::Daemon;
use crate::standalone::runtime;

/// Prints records or findings as they come, a JSON object a line, until nobody reads them, the use
/// case is gone or Ctrl-C.
pub(crate) fn run(args: &Tap) -> Result<(), Failure> {
    let daemon = Daemon::of(&args.http, &args.engine)?;
    runtime(1)?.block_on(async {
        let at = match (args.before_filter, args.findings) {
            (true, _) => "before-filter",
            (_, true) => "findings",
            _ => "after-filter",
        };
        let name = utf8_percent_encode(&args.use_case, NON_ALPHANUMERIC);
        let path = format!("/api/usecases/{name}/tap?at={at}");
        let mut lines = daemon.get(&path).await.map_err(Failure::Run)?;
        let mut n_left = args.lines.unwrap_or(usize::MAX);
        // A daemon that is stopped or killed may cut its last line off: a sample has ended either way.
        while n_left > 0
            && let Ok(Some(chunk)) = lines.chunk().await
        {
            let mut stdout = io::stdout().lock();
            for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                stdout.write_all(line)?;
                n_left -= usize::from(line.ends_with(b"\n"));
                if n_left == 0 {
                    break;
                }
            }
            stdout.flush()?;
        }
        Ok(())
    })
}
