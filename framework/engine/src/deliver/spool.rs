//! Findings that wait on disk because an output is slow or away and memory is short.
//!
//! `<state>/<use case>/<output>.spool`, Arrow's stream format, a stream for each window, whose checksum is
//! kept in memory. It lives as long as the run: what an output does not have is not committed, so that a restart makes it again
//! from the input.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Findings, Window};

use crate::error::{Error, Result};

/// Findings in the spool.
#[derive(Debug, Clone)]
pub(crate) struct Spooled {
    pub(crate) n_findings: usize,
    offset: u64,
    n_bytes: u64,
    checksum: u32,
    use_case: Arc<str>,
    window: Window,
    time: i64,
}

/// The file, made when it is first needed and removed with the spool.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: Option<File>,
    n_bytes: u64,
}

impl Spool {
    /// An empty spool.
    pub(crate) fn at(path: &Path) -> Self {
        Spool {
            path: path.to_owned(),
            file: None,
            n_bytes: 0,
        }
    }

    /// How large it is.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Writes findings behind what is there.
    pub(crate) fn put(&mut self, batch: &FindingsBatch) -> Result<Spooled> {
        let bytes = encode(batch)?;
        let offset = self.n_bytes;
        let what = format!("spooling findings to {}", self.path.display());
        let file = self.file(&what)?;
        let written = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(&bytes));
        written.map_err(Error::io(what))?;
        self.n_bytes += bytes.len() as u64;
        Ok(Spooled {
            n_findings: batch.findings.len(),
            offset,
            n_bytes: bytes.len() as u64,
            checksum: crc32fast::hash(&bytes),
            use_case: Arc::clone(&batch.use_case),
            window: batch.window,
            time: batch.time,
        })
    }

    /// Reads findings back.
    pub(crate) fn take(&mut self, spooled: &Spooled) -> Result<FindingsBatch> {
        let what = format!("reading findings from {}", self.path.display());
        let mut bytes = Vec::new();
        let file = self.file(&what)?;
        let read = file
            .seek(SeekFrom::Start(spooled.offset))
            .and_then(|_| file.take(spooled.n_bytes).read_to_end(&mut bytes));
        read.map_err(Error::io(what))?;
        if crc32fast::hash(&bytes) != spooled.checksum {
            return Err(Error::State {
                path: self.path.display().to_string(),
                reason: "damaged; the next run makes the findings in it again from the input"
                    .to_owned(),
            });
        }
        let (findings, ids) = decode(&bytes)?;
        Ok(FindingsBatch {
            use_case: Arc::clone(&spooled.use_case),
            window: spooled.window,
            time: spooled.time,
            findings,
            ids,
        })
    }

    /// Forgets all that was in it.
    pub(crate) fn clear(&mut self) {
        if self.n_bytes > 0
            && let Some(file) = &self.file
        {
            // What cannot be cut off now is written over.
            let _ = file.set_len(0);
            self.n_bytes = 0;
        }
    }

    fn file(&mut self, what: &str) -> Result<&mut File> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true);
            let file = options.open(&self.path).map_err(Error::io(what))?;
            self.file = Some(file);
        }
        let gone = || Error::Internal("the spool's file is gone".to_owned());
        self.file.as_mut().ok_or_else(gone)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The column behind the findings' own that holds the ids.
const ID: &str = "id";

/// Findings and their ids in Arrow's stream format.
pub(crate) fn encode(batch: &FindingsBatch) -> Result<Vec<u8>> {
    let rows = batch.findings.batch();
    let mut fields: Vec<_> = rows.schema_ref().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(ID, DataType::Utf8, false)));
    let schema = Arc::new(Schema::new(fields));
    let mut columns = rows.columns().to_vec();
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(batch.ids.iter()));
    columns.push(ids);
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&rows)?;
    Ok(writer.into_inner()?)
}

/// The findings and ids that [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Findings, Arc<[String]>)> {
    let damaged = || Error::Internal("findings on disk cannot be read back".to_owned());
    let mut batches = StreamReader::try_new(bytes, None)?;
    let rows = batches.next().ok_or_else(damaged)??;
    let (ids, columns) = rows.columns().split_last().ok_or_else(damaged)?;
    let ids = ids.as_string_opt::<i32>().ok_or_else(damaged)?;
    let ids = ids.iter().map(|id| id.unwrap_or_default().to_owned());
    let fields = &rows.schema_ref().fields()[..columns.len()];
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let findings = RecordBatch::try_new(schema, columns.to_vec())?;
    Ok((Findings::try_from_rows(&findings)?, ids.collect()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::deliver::testing::findings;

    #[test]
    fn findings_that_were_damaged_on_disk_are_not_delivered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("csv.spool");
        let mut spool = Spool::at(&path);
        let spooled = spool.put(&findings(1, &["a", "b"])).unwrap();
        assert_eq!(spool.take(&spooled).unwrap().ids.len(), 2);
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"#", spooled.n_bytes / 2).unwrap();
        let refused = spool.take(&spooled).unwrap_err().to_string();
        assert!(refused.contains("csv.spool: damaged"), "{refused}");
    }
}
