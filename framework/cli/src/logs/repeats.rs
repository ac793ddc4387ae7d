//! Leaves repeated messages out of the log.
//!
//! Of each place in the code that logs, the first [`MOST`] messages in a minute are written. What comes
//! after them is counted, and at the end of the minute one line says how many there were: so an
//! output that refuses everything, or a broker that comes and goes, fills no disk.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::SAID;

/// How many messages of one place are written in a minute.
const MOST: u64 = 10;
/// The target of the lines that say what was left out, which themselves never are.
const TARGET: &str = "repeats";

/// Counts the messages of the current minute; [`Repeats::tell`] ends it.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeats {
    sites: Arc<Mutex<HashMap<Identifier, Site>>>,
}

/// A place that logs.
#[derive(Debug, Default)]
struct Site {
    n: u64,
    /// The last message that was written, without its fields.
    message: Message,
}

impl Repeats {
    /// Ends the minute, and tells what was left out in it.
    pub(super) fn tell(&self) {
        let sites = std::mem::take(&mut *self.sites());
        let mut left_out: Vec<Site> = sites.into_values().filter(|site| site.n > MOST).collect();
        left_out.sort_by(|a, b| a.message.0.cmp(&b.message.0));
        for site in left_out {
            let n_left_out = site.n - MOST;
            let repeated = site.message.0;
            warn!(target: TARGET, n_left_out, repeated, "messages were left out in the last minute");
        }
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<Identifier, Site>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if [SAID, TARGET].contains(&metadata.target()) {
            return true;
        }
        let mut sites = self.sites();
        let site = sites.entry(metadata.callsite()).or_default();
        site.n += 1;
        if site.n == MOST {
            event.record(&mut site.message);
        }
        site.n <= MOST
    }
}

/// The text of a message.
#[derive(Debug, Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn n_lines(&self, with: &str) -> usize {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().filter(|line| line.contains(with)).count()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn repeated_messages_are_left_out_and_counted_place_by_place() {
        let (log, repeats) = (Log::default(), Repeats::default());
        let writer = log.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(lines)
            .with(repeats.clone());
        tracing::subscriber::with_default(subscriber, || {
            let refuse = |n| warn!(n, "a finding was refused");
            (0..25).for_each(refuse);
            warn!("all is well");
            assert_eq!(log.n_lines("a finding was refused"), 10);
            assert_eq!(log.n_lines("all is well"), 1);
            repeats.tell();
            assert_eq!(
                log.n_lines("n_left_out=15 repeated=\"a finding was refused\""),
                1
            );
            assert_eq!(log.n_lines("were left out"), 1);
            // Another minute.
            refuse(25);
            repeats.tell();
            assert_eq!(log.n_lines("n=25"), 1);
            assert_eq!(log.n_lines("were left out"), 1);
        });
    }
}
