//! The input `batch`: the files that `file =` names, each read once.

use std::sync::Arc;

use async_trait::async_trait;
use datashark_sdk::conf::Problems;
use datashark_sdk::input::{Input, InputEvent, Open, PartitionId, Progress, Source};
use datashark_sdk::{Error, Result, Stores};

use crate::columns::Table;
use crate::conf::BatchConf;
use crate::names;
use crate::once::{self, Content, Task};
use crate::outlet::{self, Intake};
use crate::paths::{self, Files};
use crate::place::Found;

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

    fn check(conf: &BatchConf, stores: &Stores) -> Problems {
        match paths::find(&conf.files, stores) {
            Ok(files) => paths::unreadable(&files).collect(),
            Err(problems) => problems,
        }
    }

    fn source(conf: &BatchConf, stores: &Stores) -> Result<Source> {
        Ok(match paths::find(&conf.files, stores)? {
            Files::Parquet(found) => Source::Columns(table(&found)?.schema()),
            Files::Text(found) => {
                let paths = found.iter().map(|found| found.place.path());
                Source::Raw {
                    format: names::common_format(paths),
                }
            }
        })
    }

    async fn open(conf: BatchConf, open: Open) -> Result<Self> {
        // A store may take its time to answer.
        let (find, told) = (open.clone(), conf);
        let tasks = tokio::task::spawn_blocking(move || tasks(&told, &find)).await;
        let tasks =
            tasks.map_err(|error| Error::internal(format!("files are looked for: {error}")))??;
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

/// What is to be read, file by file.
fn tasks(conf: &BatchConf, open: &Open) -> Result<Vec<Task>> {
    Ok(match paths::find(&conf.files, &open.stores)? {
        Files::Text(found) => found
            .into_iter()
            .map(|found| task(found, open, Content::Text))
            .collect(),
        Files::Parquet(found) => {
            let table = Arc::new(table(&found)?.project(open.columns.clone()));
            let rows = || Content::Rows(Arc::clone(&table));
            found
                .into_iter()
                .map(|found| task(found, open, rows()))
                .collect()
        }
    })
}

fn table(found: &[Found]) -> Result<Table> {
    Table::of(found.iter().map(|found| &found.place))
}

fn task(found: Found, open: &Open, content: Content) -> Task {
    let mut partition = PartitionId::new(found.place.id());
    let mut content = content;
    let mut offset = open
        .resume
        .get(&partition)
        .map_or(0, |resume| resume.offset);
    if offset == 0
        && let Some((begun, at)) = begun(&found, open)
    {
        (partition, offset, content) = (begun, at, Content::Changed);
    }
    Task {
        partition,
        size: found.size(),
        arrival: found.modified(),
        place: found.place,
        offset,
        content,
    }
}

/// Where an object of this name was begun by an earlier run that is another by now.
fn begun(found: &Found, open: &Open) -> Option<(PartitionId, u64)> {
    let prefix = found.place.id_prefix()?;
    let mut begun = open.resume.iter();
    let (id, resume) =
        begun.find(|(id, resume)| id.as_str().starts_with(&prefix) && resume.offset > 0)?;
    Some((id.clone(), resume.offset))
}
