//! `--to-csv FILE`: the findings in a file of their own, there once the replay is at its end.
//!
//! Rows are those of the output `csv`, under the names of the columns. They gather in the replay's
//! temporary folder and are moved to their place, so that a replay that fails or is killed leaves the
//! file as it was.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datashark_engine::{Clock, Scratch, SystemClock};
use datashark_output_csv::Csv;
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Result, Stores};

/// The file, once it is known to be writable.
pub(super) struct CsvTarget {
    path: PathBuf,
}

impl CsvTarget {
    /// Looks at the file before anything is read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(path: &Path) -> std::result::Result<Self, String> {
        let shown = path.display();
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        if let Some(folder) = folder
            && !folder.is_dir()
        {
            return Err(format!(
                "`--to-csv {shown}`: there is no folder `{}`",
                folder.display()
            ));
        }
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(format!(
                "`--to-csv {shown}`: expected a file, found something else there"
            )),
            // Behind a link it is the link's target that is replaced.
            Ok(_) => Ok(CsvTarget {
                path: path.canonicalize().unwrap_or_else(|_| path.to_owned()),
            }),
            Err(_) => Ok(CsvTarget {
                path: path.to_owned(),
            }),
        }
    }

    /// Takes the findings.
    pub(super) fn output(&self, scratch: &Scratch) -> Box<dyn DynOutput> {
        Box::new(ToCsv {
            path: gathered(scratch),
            csv: None,
        })
    }

    /// Moves what was gathered to its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(&self, scratch: &Scratch) -> io::Result<()> {
        let from = gathered(scratch);
        if !from.exists() {
            // Nothing was found: the file says so.
            File::create(&from)?;
        }
        match fs::rename(&from, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                fs::copy(&from, &self.path).map(drop)
            }
            moved => moved,
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn gathered(scratch: &Scratch) -> PathBuf {
    scratch.path().join("findings.csv")
}

/// The output `csv`, opened when the first findings say which columns they have, and silent.
struct ToCsv {
    path: PathBuf,
    csv: Option<Box<dyn DynOutput>>,
}

#[async_trait]
impl DynOutput for ToCsv {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        if let (None, Some(first)) = (&self.csv, batches.first()) {
            match open(&self.path, first).await {
                Ok(csv) => self.csv = Some(csv),
                Err(error) => return Outcome::Stop(error),
            }
        }
        match &mut self.csv {
            Some(csv) => csv.write(batches).await,
            None => Outcome::Safe,
        }
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        match &mut self.csv {
            Some(csv) => csv.sync().await,
            None => Ok(None),
        }
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

async fn open(path: &Path, first: &FindingsBatch) -> Result<Box<dyn DynOutput>> {
    let path = format!("\"{}\"", path.display());
    let section = Section::from_iter([("path", path.as_str()), ("header", "true")]);
    let open = OpenOutput {
        use_case: Arc::clone(&first.use_case),
        schema: first.findings.batch().schema(),
        receipt: None,
        now: SystemClock.now(),
        stores: Stores::default(),
    };
    OutputEntry::of::<Csv>().open(&section, open).await
}
