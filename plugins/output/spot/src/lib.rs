//! The spot output: Apache Spot's result file, and the same findings as Parquet beside it.
//!
//! `output = spot`, `[out_spot]`, for findings of the use case `spot-lda`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `folder` | required | where the files are; `{date}` is the day of the findings, `20160508` |
//! | `delimiter` | `\t` | what stands between two values |
//!
//! ```ini
//! output = spot
//! [out_spot]
//!     folder = /var/spot/flow/scored_results/{date}/scores
//! ```
//!
//! # The files
//! `flow_results.csv`, `dns_results.csv` or `proxy_results.csv`: a line for each finding, the lowest
//! score first, the columns that Spot has in its order and the score last. There is no header, and
//! nothing is quoted: a delimiter, tab or line end in a value is replaced by a blank. A missing value is
//! `null`. `flow_results.parquet` and the like have the findings with all fields, typed.
//!
//! # Delivery
//! A file holds the findings of one window, the last one, and is replaced whole: it is written under a
//! temporary name, synced, and renamed. So who reads it never sees a half, the old one stays until the
//! new one is there, and a window that is delivered again changes nothing.
//!
//! # Limits
//! The folder is of this machine: neither an object store nor HDFS. Where a window has no finding nothing is delivered, and the file stays as it was. Two use cases of
//! one kind must have folders of their own.

mod layout;
mod number;
mod rows;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::DateTime;
use datashark_sdk::conf::{Problem, Problems};
use datashark_sdk::output::{Backfill, FindingsBatch, OpenOutput, Outcome, Output};
use datashark_sdk::{Error, Result};
use parquet::arrow::ArrowWriter;
use serde::Deserialize;

pub use layout::Layout;

/// Stands in a folder's name for the day of the findings.
const DATE: &str = "{date}";

/// The section `[out_spot]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpotConf {
    /// Where the files are; `{date}` is the day of the findings.
    pub folder: String,
    /// What stands between two values.
    #[serde(default = "tab")]
    pub delimiter: char,
}

fn tab() -> char {
    '\t'
}

/// The spot output.
pub struct Spot {
    conf: SpotConf,
    layout: Layout,
    /// The file that was written last.
    last: PathBuf,
}

#[async_trait]
impl Output for Spot {
    type Conf = SpotConf;
    const NAME: &'static str = "spot";
    const ABOUT: &'static str = "Apache Spot's result file, and Parquet beside it";
    const BACKFILL: Backfill = Backfill::Overwrites;

    fn check(conf: &SpotConf) -> Problems {
        let folder = conf.folder.trim().is_empty();
        let folder = folder.then(|| Problem::at(["folder"], "the folder is empty"));
        let delimiter = matches!(conf.delimiter, '\n' | '\r').then(|| {
            let message = format!(
                "a line end cannot stand between values, found {:?}",
                conf.delimiter
            );
            Problem::at(["delimiter"], message)
        });
        folder.into_iter().chain(delimiter).collect()
    }

    fn files(conf: &SpotConf) -> Vec<PathBuf> {
        let folder = PathBuf::from(&conf.folder);
        vec![std::path::absolute(&folder).unwrap_or(folder)]
    }

    async fn open(conf: SpotConf, open: OpenOutput) -> Result<Self> {
        let layout = Layout::of_findings(&open.schema).ok_or_else(|| {
            Error::data(
                "the findings have not the columns of flows, DNS answers or requests: \
                         `output = spot` is for the use case `spot-lda`",
            )
        })?;
        Ok(Spot {
            conf,
            layout,
            last: PathBuf::new(),
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        for batch in batches {
            let (conf, layout, batch) = (self.conf.clone(), self.layout, batch.clone());
            let write = move || write(&conf, layout, &batch);
            match tokio::task::spawn_blocking(write).await {
                Ok(Ok(path)) => self.last = path,
                Ok(Err(error)) => return Outcome::Stop(error),
                Err(error) => {
                    let error = format!("the spot output was cut off: {error}");
                    return Outcome::Stop(Error::internal(error));
                }
            }
        }
        Outcome::Safe
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Written {n_findings} Documents to {}", self.last.display())
    }
}

/// Writes both files of a window; gives the path of the text.
fn write(conf: &SpotConf, layout: Layout, batch: &FindingsBatch) -> Result<PathBuf> {
    let time = match batch.window.is_whole() {
        true => batch.time,
        false => batch.window.start,
    };
    let date = DateTime::from_timestamp_micros(time).unwrap_or_default();
    let folder = conf
        .folder
        .replace(DATE, &date.format("%Y%m%d").to_string());
    let rows = batch.findings.batch();
    let text = rows::text(layout, rows, conf.delimiter)?;
    replace(Path::new(&folder), &typed_name(layout), |file| {
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None)?;
        writer.write(rows)?;
        writer.close().map(|_| ())
    })?;
    write_text(Path::new(&folder), layout, &text)
}

fn typed_name(layout: Layout) -> String {
    format!("{}_results.parquet", layout.kind)
}

/// Replaces a result file, by a text that may be empty: no record was suspicious.
///
/// # Errors
/// It cannot be written; what it was is still there.
pub fn write_text(folder: &Path, layout: Layout, text: &str) -> Result<PathBuf> {
    let name = format!("{}_results.csv", layout.kind);
    replace(folder, &name, |file| file.write_all(text.as_bytes()))?;
    Ok(folder.join(name))
}

/// Replaces the results of a day by none.
///
/// # Errors
/// They cannot be replaced.
pub fn write_none(folder: &Path, layout: Layout) -> Result<PathBuf> {
    match fs::remove_file(folder.join(typed_name(layout))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(
            format!("removing results in {}", folder.display()),
            error,
        )),
        _ => write_text(folder, layout, ""),
    }
}

/// Writes a file under a temporary name, syncs it, and gives it its own.
fn replace<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<()> {
    let path = folder.join(name);
    let part = folder.join(format!(".{name}.part"));
    let written = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&part)?;
        write(&mut file).map_err(io::Error::other)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| Error::io(format!("writing {}", path.display()), error))
}

#[cfg(test)]
mod tests;
