//! Where a use case's rows become findings and go out.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Batches, DynUseCase, Findings, Model, Window};

use super::Job;
use super::run::RunOptions;
use crate::clock::Clock;
use crate::deliver::{Delivered, Delivery};
use crate::error::{Error, Result};
use crate::quarantine::{self, Entry};
use crate::run::lane::guarded;
use crate::run::{Counts, MaybeHad, Observer, WindowSink};
use crate::tap::Taps;

/// Scores the rows of windows and delivers the findings.
pub(super) struct Scoring {
    pub(super) name: Arc<str>,
    /// What the findings' ids are made of besides window and key: the name, but in a replay.
    pub(super) id_name: Arc<str>,
    pub(super) use_case: Arc<dyn DynUseCase>,
    pub(super) model: Model,
    pub(super) rows_schema: SchemaRef,
    pub(super) delivery: Delivery,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) taps: Arc<Taps>,
    pub(super) n_findings: u64,
    pub(super) n_windows: u64,
    /// Windows that the use case does not survive.
    pub(super) n_given_up: u64,
    /// Where they are kept; where nothing is, they end the run.
    pub(super) state_folder: Option<PathBuf>,
}

impl Job {
    /// What scores the rows of this use case and delivers what it finds.
    pub(super) fn scoring(
        &self,
        model: Model,
        rows_schema: SchemaRef,
        delivery: Delivery,
        options: &RunOptions,
        observer: &Arc<dyn Observer>,
    ) -> Scoring {
        Scoring {
            name: self.name().into(),
            id_name: self.name().into(),
            use_case: Arc::clone(&self.use_case),
            model,
            rows_schema,
            delivery,
            clock: Arc::clone(&options.clock),
            observer: Arc::clone(observer),
            taps: observer.taps(),
            n_findings: 0,
            n_windows: 0,
            n_given_up: 0,
            state_folder: None,
        }
    }
}

impl Scoring {
    /// Keeps the rows of a window that the use case does not survive; the run goes on.
    fn keep(&mut self, window: Window, rows: &[RecordBatch], why: &str) -> Result<()> {
        let entry = Entry::window(window, &self.rows_schema, rows, why, self.clock.now())?;
        if let Some(folder) = &self.state_folder {
            quarantine::keep_window(folder, &entry)?;
        }
        self.n_given_up += 1;
        tracing::error!(%window, "a window is kept in quarantine: {why}");
        Ok(())
    }

    /// On a thread that may block.
    fn score(
        &self,
        window: Window,
        rows: Vec<RecordBatch>,
    ) -> impl Future<Output = Result<Findings>> + Send + use<> {
        let (use_case, model) = (Arc::clone(&self.use_case), self.model.clone());
        let schema = Arc::clone(&self.rows_schema);
        let score = move || {
            let rows = Batches::new(&schema, &rows);
            guarded(|| Ok(use_case.score(&model, &window, rows)?))
        };
        async {
            let findings = tokio::task::spawn_blocking(score).await;
            findings.map_err(|error| Error::Internal(format!("scoring a window: {error}")))?
        }
    }
}

#[async_trait]
impl WindowSink for Scoring {
    async fn window(
        &mut self,
        window: Window,
        rows: Vec<RecordBatch>,
        maybe_had: MaybeHad,
    ) -> Result<()> {
        if rows.iter().all(|rows| rows.num_rows() == 0) {
            if window.is_whole() {
                self.observer.message("No data received");
            }
            return Ok(());
        }
        self.n_windows += 1;
        let findings = match self.score(window, rows.clone()).await {
            Err(Error::Plugin(datashark_sdk::Error::GaveUp(why)))
                if self.state_folder.is_some() =>
            {
                return self.keep(window, &rows, &why);
            }
            findings => findings?,
        };
        if findings.is_empty() {
            return Ok(());
        }
        self.n_findings += findings.len() as u64;
        let time = if window.is_whole() {
            self.clock.now()
        } else {
            window.end
        };
        let ids = findings.ids(&self.id_name, &window).into();
        let use_case = Arc::clone(&self.name);
        let batch = FindingsBatch {
            use_case,
            window,
            time,
            findings,
            ids,
        };
        self.taps.findings(&batch);
        self.delivery.deliver(&batch, maybe_had).await
    }

    fn counts(&self) -> Counts {
        Counts {
            n_windows: self.n_windows,
            n_findings: self.n_findings,
        }
    }

    fn number(&self) -> u64 {
        self.delivery.number()
    }

    async fn delivered(&mut self) -> Result<Delivered> {
        self.delivery.delivered().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.delivery.finish().await
    }
}
