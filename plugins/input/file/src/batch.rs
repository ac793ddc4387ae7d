//! The input `batch`: the files that `file =` names, each read once.

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use datashark_sdk::Result;
use datashark_sdk::conf::Problems;
use datashark_sdk::input::{Input, InputEvent, Micros, Open, PartitionId, Progress, Source};

use crate::columns::Table;
use crate::conf::BatchConf;
use crate::names;
use crate::once::{self, Content, Task};
use crate::outlet::{self, Intake};
use crate::paths::{self, Files, Found};

/// Reads what `file =` names, once, to its end.
#[derive(Debug)]
pub struct Batch {
    pub(crate) intake: Intake,
}

#[async_trait]
impl Input for Batch {
    type Conf = BatchConf;

    const NAME: &'static str = "batch";

    const ABOUT: &'static str = "files named by `file`: text or Parquet, also compressed";

    fn check(conf: &BatchConf) -> Problems {
        match paths::find(&conf.file) {
            Ok(files) => paths::unreadable(&files).collect(),
            Err(problem) => problem.into(),
        }
    }

    fn source(conf: &BatchConf) -> Result<Source> {
        Ok(match paths::find(&conf.file).map_err(Problems::from)? {
            Files::Parquet(found) => Source::Columns(table(&found)?.schema()),
            Files::Text(found) => {
                let paths = found.iter().map(|found| found.path.as_path());
                Source::Raw {
                    format: names::common_format(paths),
                }
            }
        })
    }

    async fn open(conf: BatchConf, open: Open) -> Result<Self> {
        let found = paths::find(&conf.file).map_err(Problems::from)?;
        let tasks: Vec<_> = match found {
            Files::Text(found) => found
                .into_iter()
                .map(|found| task(found, &open, Content::Text))
                .collect(),
            Files::Parquet(found) => {
                let table = Arc::new(table(&found)?.project(open.columns.clone()));
                let rows = || Content::Rows(Arc::clone(&table));
                found
                    .into_iter()
                    .map(|found| task(found, &open, rows()))
                    .collect()
            }
        };
        let intake = once::start(tasks, Vec::new(), &open, outlet::n_readers(None, &open))?;
        Ok(Batch { intake })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        self.intake.next().await
    }

    fn progress(&self) -> Progress {
        self.intake.progress()
    }
}

fn table(found: &[Found]) -> Result<Table> {
    Table::of(found.iter().map(|found| found.path.as_path()))
}

fn task(found: Found, open: &Open, content: Content) -> Task {
    let partition = PartitionId::new(name(&found.path));
    let offset = open
        .resume
        .get(&partition)
        .map_or(0, |resume| resume.offset);
    let regular = found.metadata.filter(std::fs::Metadata::is_file);
    let size = regular.as_ref().map(std::fs::Metadata::len);
    let arrival = regular.as_ref().and_then(modified);
    Task {
        partition,
        path: found.path,
        offset,
        arrival,
        size,
        content,
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// When a file was last written to.
pub(crate) fn modified(metadata: &std::fs::Metadata) -> Option<Micros> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Micros::try_from(since.as_micros()).ok()
}
