//! A file or input run through as one window whose rows are wanted here, not as findings.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datashark_sdk::Window;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{DynInput, InputEntry};
use tokio::sync::watch;

use super::Job;
use super::run::{RunOptions, quoted};
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::run::pipeline::Pipeline;
use crate::run::{MaybeHad, Observer, Settings, Source, Stop, Until, WindowSink, run};

/// Keeps the rows of the one window.
#[derive(Default)]
struct Kept {
    rows: Vec<RecordBatch>,
}

#[async_trait]
impl WindowSink for Kept {
    async fn window(&mut self, _: Window, rows: Vec<RecordBatch>, _: MaybeHad) -> Result<()> {
        self.rows = rows;
        Ok(())
    }
}

impl Job {
    /// The rows that all of an input gives, and what became of its records.
    pub(super) async fn whole(
        &self,
        pipeline: Pipeline,
        input: Box<dyn DynInput>,
        options: &RunOptions,
        observer: Arc<dyn Observer>,
    ) -> Result<(Vec<RecordBatch>, Ledger)> {
        let (_stop, stopped) = watch::channel(Stop::Not);
        let settings = Settings {
            n_lanes: self.n_lanes(options),
            until: Until::End,
            idle_timeout: 0,
            clock: Arc::clone(&options.clock),
            stop: stopped,
            observer,
        };
        let mut kept = Kept::default();
        let source = Source::Own(input);
        let outcome = run(Arc::new(pipeline), source, None, &mut kept, settings).await?;
        match outcome.failures.is_empty() {
            true => Ok((kept.rows, outcome.ledger)),
            false => Err(Error::Incomplete(outcome.failures)),
        }
    }

    /// The input that reads a file once, and its section.
    pub(super) fn batch_of(&self, path: &Path) -> Result<(InputEntry, Section)> {
        let entry = self.batch_input;
        let entry = entry.ok_or_else(|| Error::Internal("no input reads files".to_owned()))?;
        let file = quoted(&path.to_string_lossy());
        Ok((entry, Section::from_iter([("file", file.as_str())])))
    }
}
