//! How log messages are written to standard error: as text or as JSON, and not more of one kind than
//! anybody reads.
//!
//! With `log_format = json` everything that is said is an object a line, also what is no log message
//! (`Written 3 Documents …`): then it has `"target":"said"`, and is there at every `log` level.

mod repeats;

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datashark_conf::{Global, LogFormat};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::repeats::Repeats;

/// What said lines are told from log messages by.
const SAID: &str = "said";
/// Over how long messages of one kind are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Whether lines are written as JSON.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The log of this process.
pub(crate) struct Logs {
    repeats: Repeats,
}

impl Logs {
    /// Begins to log to standard error.
    pub(crate) fn to_stderr(global: &Global) -> Self {
        let level = global.engine.log.map_or("warn", |level| level.as_str());
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        let is_json = global.engine.log_format == LogFormat::Json;
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let (filter, lines) = match is_json {
            true => {
                // What is said is there at any level.
                let said = [format!("{SAID}=info")].map(|directive| directive.parse());
                let filter = said
                    .into_iter()
                    .flatten()
                    .fold(filter, EnvFilter::add_directive);
                (filter, lines.json().flatten_event(true).boxed())
            }
            false => {
                let lines = lines.with_target(false);
                (filter, lines.with_ansi(io::stderr().is_terminal()).boxed())
            }
        };
        let repeats = Repeats::default();
        let log = tracing_subscriber::registry()
            .with(lines)
            .with(repeats.clone());
        let begun = log.with(filter).try_init();
        IS_JSON.store(is_json && begun.is_ok(), Ordering::Relaxed);
        Logs { repeats }
    }

    /// Every minute, tells what was left out of the log. Needs a runtime.
    pub(crate) fn keep_telling(self) {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(MINUTE).await;
                self.repeats.tell();
            }
        });
    }
}

/// Says a line as JSON, where lines are.
#[must_use]
pub(crate) fn said_as_json(text: &str) -> bool {
    let is_json = IS_JSON.load(Ordering::Relaxed);
    if is_json {
        tracing::info!(target: SAID, "{text}");
    }
    is_json
}
