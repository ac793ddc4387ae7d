//! The csv output: one row per finding, resumed at its last acknowledged length.
//!
//! `output = csv`, `[out_csv]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `path` | `UseCase.csv` | the file, or a url; `~/` is the home folder, `{date}` the day of the findings; no pattern |
//! | `separator` | `,` | one ASCII character between two values; `\t` is a tab |
//! | `quote_char` | `"` | one ASCII character around a value that holds a separator, a quote or a line end |
//! | `header` | `false` | whether a new or empty file starts with the names of the columns |
//! | `spreadsheet_safe` | `false` | whether a text that begins with `=`, `+`, `-`, `@`, a tab or a return gets a `'` before it: keys are what attackers chose, and a spreadsheet runs formulas |
//! | `title` | `Use Case` | accepted for the other outputs' sake, not used |
//! | `debug` | `false` | accepted for old confs' sake, not used |
//!
//! ```ini
//! output = csv
//! [out_csv]
//!     path = ~/findings/web-{date}.csv
//!     header = true
//! ```
//!
//! # A row
//! The local time of the findings (`2016-10-14 13:01:39`), the key, the score, then the metadata,
//! a column each, in the order of their names. The use case's schema fixes the columns, so that no
//! row is shifted. A time in the metadata is ISO 8601, a list or a structure is JSON, null is
//! nothing. Numbers are as short as they can be without losing a bit: `309`, `0.1`, `1e300`.
//!
//! # Delivery
//! The rows of a window are one append; before the engine commits the window they are synced to the
//! disk. What could not be written whole is cut off again and the run stops, with nothing of that
//! window committed: the disk is full, the path cannot be written.
//!
//! Each sync gives a receipt of the file's length, which goes into the checkpoint. After a crash
//! whatever the file has behind that length is of windows that were not committed and will come
//! again: it is moved to `<path>.unacknowledged`, and each finding is in the file once. This holds
//! for the first windows too where the engine syncs once before them. A file that was taken away
//! or emptied since then (rotated) is simply gone on with.
//!
//! # Object stores and HDFS
//! `path = s3://bucket/findings/{date}.csv`, or a url of `gs://`, `az://` or `hdfs://`. Objects cannot
//! be appended to, so each window is an object in a folder of the path's name without its `.csv`,
//! named by a number and by the time of the findings in UTC:
//!
//! ```text
//! s3://bucket/findings/2016-10-14/0000000007-20161014T130200Z.csv
//! ```
//! An object is there whole or not at all; one beyond 8 MiB is sent in parts. A window that could
//! not be delivered is written again under its name. The numbers go on from one run to the next and
//! stand for a file's length: the receipt has the next one, and after a crash the objects from there
//! on, whose windows come again, are moved to a folder beside theirs, `<folder>.unacknowledged`, so
//! that each finding is in the folder once. Without a receipt they go on behind those that are there;
//! for that the store has to answer at the first start. With `header = true` each object has one.
//! Nothing of a name comes from a record. How stores are reached is said in `[engine]`
//! `[[object_store]]`; see the crate `datashark-store`.
//!
//! The store must let us list, write, copy and delete. A store that is away, or that refuses the
//! credentials, is tried again as the engine says; a bucket that does not exist ends the run.
//!
//! # Limits
//! One use case writes one file; two runs at a time on one file are not kept apart. A path that is
//! no regular file (`/dev/stdout`, a pipe) is written to, but nothing can be taken back there.
//! A `{date}` follows the days of the findings, so that a window belongs to the file of its end.

mod conf;
mod file;
mod objects;
mod path;
mod rows;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datashark_sdk::conf::Problems;
use datashark_sdk::output::{Backfill, FindingsBatch, OpenOutput, Outcome, Output};
use datashark_sdk::{Error, Result};

pub use conf::CsvConf;
use file::CsvFile;
use objects::CsvObjects;
use path::PathPattern;

/// The csv output.
pub struct Csv {
    sink: Sink,
}

/// Where the rows go.
enum Sink {
    /// Behind a lock because writing is done on a thread that may block.
    File(Arc<Mutex<CsvFile>>),
    Objects(Box<CsvObjects>),
}

#[async_trait]
impl Output for Csv {
    type Conf = CsvConf;
    const NAME: &'static str = "csv";
    const ABOUT: &'static str = "a CSV file, one row per finding";
    const BACKFILL: Backfill = Backfill::Harms;

    fn check(conf: &CsvConf) -> Problems {
        conf.problems()
    }

    fn files(conf: &CsvConf) -> Vec<PathBuf> {
        let path = PathPattern::new(&conf.path).as_written();
        if datashark_store::is_url(&conf.path) {
            return vec![path];
        }
        vec![std::path::absolute(&path).unwrap_or(path)]
    }

    async fn open(conf: CsvConf, open: OpenOutput) -> Result<Self> {
        let receipt = open.receipt;
        let sink = if datashark_store::is_url(&conf.path) {
            let objects = CsvObjects::open(&conf, receipt.as_deref(), &open.stores).await?;
            Sink::Objects(Box::new(objects))
        } else {
            let file = blocking(move || CsvFile::open(&conf, receipt.as_deref(), open.now));
            Sink::File(Arc::new(Mutex::new(file.await??)))
        };
        Ok(Csv { sink })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let file = match &mut self.sink {
            Sink::File(file) => Arc::clone(file),
            Sink::Objects(objects) => return objects.write(batches).await,
        };
        let batches = batches.to_vec();
        let append = move || {
            batches
                .iter()
                .try_for_each(|batch| lock(&file).append(batch))
        };
        let written = blocking(append).await;
        match written.and_then(|written| written) {
            Ok(()) => Outcome::Safe,
            Err(error) => Outcome::Stop(error),
        }
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        let file = match &self.sink {
            Sink::File(file) => Arc::clone(file),
            Sink::Objects(objects) => return Ok(objects.receipt()),
        };
        blocking(move || lock(&file).sync()).await?
    }

    fn delivered(&self, n_findings: usize) -> String {
        let path = match &self.sink {
            Sink::File(file) => lock(file).current().display().to_string(),
            Sink::Objects(objects) => objects.current().to_owned(),
        };
        format!("Written {n_findings} Documents to CSV File {path}")
    }
}

/// A panic in a write leaves nothing half done in memory: the file itself says how long it is.
fn lock(file: &Mutex<CsvFile>) -> std::sync::MutexGuard<'_, CsvFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let failed = |error| Error::internal(format!("the csv output was cut off: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

#[cfg(test)]
mod tests;
