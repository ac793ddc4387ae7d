//! An output for tests: appends keys to a file, is cut back to its receipt, and dies where a key says so.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use async_trait::async_trait;
use datashark_sdk::Error;
use datashark_sdk::output::{FindingsBatch, OpenOutput, Outcome, Output};

/// Appends keys to a file.
pub struct Kept {
    file: File,
}

/// Its keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    path: PathBuf,
}

#[async_trait]
impl Output for Kept {
    type Conf = Conf;
    const NAME: &'static str = "test-kept";
    const ABOUT: &'static str = "keys in a file, for tests";

    fn files(conf: &Conf) -> Vec<PathBuf> {
        vec![conf.path.clone()]
    }

    async fn open(conf: Conf, open: OpenOutput) -> datashark_sdk::Result<Self> {
        let what = format!("opening {}", conf.path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&conf.path);
        let mut file = file.map_err(|error| Error::io(what.as_str(), error))?;
        let length = open
            .receipt
            .and_then(|receipt| receipt.parse().ok())
            .unwrap_or(0);
        let cut = file
            .set_len(length)
            .and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|error| Error::io(what, error))?;
        Ok(Kept { file })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        for key in batches
            .iter()
            .flat_map(|batch| batch.findings.keys().iter().flatten())
        {
            if key == "abort" {
                std::process::abort();
            }
            if let Some(path) = key.strip_prefix("abort unless ")
                && !std::path::Path::new(path).exists()
            {
                let _ = std::fs::write(path, "");
                std::process::abort();
            }
            if let Err(error) = writeln!(self.file, "{key}") {
                return Outcome::Stop(Error::io("writing", error));
            }
        }
        Outcome::Safe
    }

    async fn sync(&mut self) -> datashark_sdk::Result<Option<String>> {
        let length = self.file.stream_position();
        Ok(Some(
            length
                .map_err(|error| Error::io("syncing", error))?
                .to_string(),
        ))
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Kept {n_findings} Documents")
    }
}

datashark_sdk::plugin_symbol!(output, Kept);
