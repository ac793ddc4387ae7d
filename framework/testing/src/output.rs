//! An output in memory that behaves like a file: what was written after the last receipt is cut
//! off when it is opened again.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use datashark_sdk::output::{FindingsBatch, OpenOutput, Outcome, Output};
use datashark_sdk::{Error, Result};
use serde::Deserialize;

tokio::task_local! {
    /// Where the outputs opened in this task write.
    static FOUND: Arc<Found>;
}

/// What outputs in memory were given: a line for each finding.
#[derive(Debug, Default)]
pub struct Found {
    lines: Mutex<Vec<String>>,
}

impl Found {
    /// Runs something in which outputs in memory write here.
    pub async fn collect<T>(self: Arc<Self>, run: impl Future<Output = T>) -> T {
        FOUND.scope(self, run).await
    }

    /// The findings, a line each: window, key, score, metadata. In the order of delivery.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for line in self
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut Vec<String>) -> T) -> T {
        edit(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys of `[out_memory]`: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryOutputConf {}

/// `output = memory`.
#[derive(Debug)]
pub struct MemoryOutput {
    found: Arc<Found>,
}

#[async_trait]
impl Output for MemoryOutput {
    type Conf = MemoryOutputConf;
    const NAME: &'static str = "memory";
    const ABOUT: &'static str = "findings that a test holds";

    async fn open(_: MemoryOutputConf, open: OpenOutput) -> Result<Self> {
        let found = FOUND.with(Arc::clone);
        if let Some(receipt) = open.receipt {
            let n = receipt
                .parse()
                .map_err(|_| Error::internal("a foreign receipt"))?;
            found.edit(|lines| lines.truncate(n));
        }
        Ok(MemoryOutput { found })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        for batch in batches {
            match lines(batch) {
                Ok(lines) => self.found.edit(|found| found.extend(lines)),
                Err(error) => return Outcome::Stop(error),
            }
        }
        Outcome::Safe
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(Some(self.found.edit(|lines| lines.len()).to_string()))
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Kept {n_findings} Documents")
    }
}

fn lines(batch: &FindingsBatch) -> Result<Vec<String>> {
    let findings = &batch.findings;
    let options = FormatOptions::default().with_null("null");
    let mut metadata = Vec::new();
    for (name, column) in findings.metadata() {
        metadata.push((name, ArrayFormatter::try_new(column, &options)?));
    }
    let rows = findings
        .keys()
        .iter()
        .zip(findings.scores().values())
        .enumerate();
    let line = |(row, (key, score)): (usize, (Option<&str>, &f64))| {
        let mut line = format!("{} {:?} {score}", batch.window, key.unwrap_or_default());
        for (name, formatter) in &metadata {
            let _ = write!(line, " {name}={}", formatter.value(row));
        }
        line
    };
    Ok(rows.map(line).collect())
}
