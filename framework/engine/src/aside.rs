//! Late records, kept aside where the conf asks.
//!
//! `<state>/<use case>/late.ndjson`, one JSON object a line: `input`, `line` where records are
//! lines, `offset`, `reason`, the record itself as `record`, or as `record_base64` where it is not
//! UTF-8, and last the line's checksum.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use datashark_sdk::input::{Header, Payloads};
use serde::Serialize;
use tracing::warn;

use crate::error::{Error, Result};
use crate::state::checksum;
use crate::state::write::open_durably;

/// The name of the file of late records.
pub(crate) const LATE: &str = "late.ndjson";

/// A record that is kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AsideRecord {
    pub(crate) offset: u64,
    pub(crate) line: Option<u64>,
    pub(crate) reason: String,
    /// The header lines that it is to be read with, where its format has such.
    pub(crate) header: Option<String>,
    /// Whether this is only how it begins.
    pub(crate) is_cut: bool,
    pub(crate) record: Vec<u8>,
}

impl AsideRecord {
    /// A record of a batch of bytes.
    pub(crate) fn of(payloads: &Payloads, idx: usize, reason: String) -> Self {
        // Directives may stand between the batch's start and the record.
        let header = payloads.header.as_ref().and_then(|header| match header {
            Header::FirstLine(line) => Some(String::from_utf8_lossy(line).into_owned()),
            Header::Directives(_) => match payloads.slice(idx, 1).header? {
                Header::Directives(directives) => {
                    let lines = directives.lines().map(String::from_utf8_lossy);
                    Some(lines.collect::<Vec<_>>().join("\n"))
                }
                Header::FirstLine(_) => None,
            },
        });
        AsideRecord {
            offset: payloads.offsets[idx],
            line: payloads.first_line.map(|line| line + idx as u64),
            reason,
            header,
            is_cut: false,
            record: payloads.records.value(idx).to_vec(),
        }
    }
}

/// Invalid records that are told one by one; after that, only when their number has grown tenfold.
const N_TOLD: u64 = 5;

/// Tells of invalid records in the log.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    n_invalid: u64,
}

impl Teller {
    /// There is one more.
    pub(crate) fn tell(&mut self, input: &str, record: &AsideRecord) {
        self.n_invalid += 1;
        let n = self.n_invalid;
        if n <= N_TOLD || (n >= 10 && n.is_multiple_of(10u64.pow(n.ilog10()))) {
            let place = match record.line {
                Some(line) => format!("{input}:{line}"),
                None => format!("{input} at byte {}", record.offset),
            };
            warn!(n_so_far = n, reason = %record.reason, "invalid record in {place}");
        }
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    offset: u64,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_base64: Option<String>,
}

/// A file of records that are kept aside; it comes into being with the first of them.
#[derive(Debug)]
pub(crate) struct AsideFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
    n_bytes: u64,
}

impl AsideFile {
    /// The file, cut to the length that the last checkpoint knows of: what lies behind it will be
    /// read and kept aside again.
    pub(crate) fn open(path: PathBuf, n_bytes: u64) -> Result<Self> {
        let mut file = AsideFile {
            path,
            writer: None,
            n_bytes: 0,
        };
        if file.path.exists() {
            let there = std::fs::metadata(&file.path).map_or(0, |there| there.len());
            // A user may have emptied it: it must not be filled up with zeros.
            let cut = file.writer()?.get_ref().set_len(n_bytes.min(there));
            cut.map_err(Error::io(file.what()))?;
            let end = file.writer()?.seek(SeekFrom::End(0));
            file.n_bytes = end.map_err(Error::io(file.what()))?;
            if (1..n_bytes).contains(&there) {
                warn!(
                    "{}: damaged ({there} bytes are left of {n_bytes}); it is gone on with behind them",
                    file.path.display()
                );
                file.end_line()?;
            }
        }
        Ok(file)
    }

    /// Ends a line that was cut, so that the next one stands by itself.
    fn end_line(&mut self) -> Result<()> {
        let (mut last, what) = ([0], self.what());
        let n_bytes = self.n_bytes;
        let writer = self.writer()?;
        let mut end = || {
            writer.get_ref().read_exact_at(&mut last, n_bytes - 1)?;
            match last == *b"\n" {
                true => Ok(0),
                false => writer.write(b"\n"),
            }
        };
        self.n_bytes += end().map_err(Error::io(what))? as u64;
        Ok(())
    }

    fn what(&self) -> String {
        format!("writing {}", self.path.display())
    }

    fn writer(&mut self) -> Result<&mut BufWriter<File>> {
        if self.writer.is_none() {
            let file = open_durably(&self.path, OpenOptions::new().read(true).write(true));
            self.writer = Some(BufWriter::new(file.map_err(Error::io(self.what()))?));
        }
        self.writer
            .as_mut()
            .ok_or_else(|| Error::Internal("an open file is gone".to_owned()))
    }

    /// Keeps a record.
    pub(crate) fn keep(&mut self, input: &str, aside: &AsideRecord) -> Result<()> {
        let text = std::str::from_utf8(&aside.record).ok();
        let entry = Entry {
            input,
            line: aside.line,
            offset: aside.offset,
            reason: &aside.reason,
            record: text,
            record_base64: text
                .is_none()
                .then(|| BASE64_STANDARD.encode(&aside.record)),
        };
        let mut json = serde_json::to_vec(&entry)
            .map_err(|error| Error::Internal(format!("a record cannot be kept: {error}")))?;
        checksum::seal_json(&mut json);
        json.push(b'\n');
        let what = self.what();
        self.writer()?.write_all(&json).map_err(Error::io(what))?;
        self.n_bytes += json.len() as u64;
        Ok(())
    }

    /// Makes what was kept durable; gives the file's length.
    pub(crate) fn sync(&mut self) -> Result<u64> {
        let what = self.what();
        if let Some(writer) = &mut self.writer {
            let synced = writer.flush().and_then(|()| writer.get_ref().sync_data());
            synced.map_err(Error::io(what))?;
        }
        Ok(self.n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: &[u8]) -> AsideRecord {
        AsideRecord {
            offset: 3,
            line: Some(2),
            reason: "no `{`".into(),
            header: None,
            is_cut: false,
            record: bytes.to_vec(),
        }
    }

    #[test]
    fn a_kept_record_can_be_had_back_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late.ndjson");
        let mut file = AsideFile::open(path.clone(), 0).unwrap();
        file.keep("a.log", &record(b"text \"quoted\"")).unwrap();
        file.keep("a.log", &record(b"\xff\xfe")).unwrap();
        file.sync().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["record"], "text \"quoted\"");
        assert_eq!(lines[0]["line"], 2);
        assert_eq!(
            lines[1]["record_base64"],
            BASE64_STANDARD.encode(b"\xff\xfe")
        );
    }

    #[test]
    fn what_lies_behind_the_checkpoint_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late.ndjson");
        let mut file = AsideFile::open(path.clone(), 0).unwrap();
        file.keep("a.log", &record(b"one")).unwrap();
        let kept = file.sync().unwrap();
        file.keep("a.log", &record(b"two")).unwrap();
        file.sync().unwrap();
        let mut file = AsideFile::open(path.clone(), kept).unwrap();
        file.keep("a.log", &record(b"three")).unwrap();
        file.sync().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("one") && text.contains("three") && !text.contains("two"));
    }

    #[test]
    fn a_line_that_was_cut_does_not_take_the_next_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LATE);
        let mut file = AsideFile::open(path.clone(), 0).unwrap();
        file.keep("a.log", &record(b"one")).unwrap();
        let kept = file.sync().unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(kept - 9)
            .unwrap();
        let mut file = AsideFile::open(path.clone(), kept).unwrap();
        file.keep("a.log", &record(b"two")).unwrap();
        let length = file.sync().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.len() as u64, length);
        let lines: Vec<&str> = text.lines().collect();
        let checks = [checksum::Checked::Without, checksum::Checked::Right];
        assert_eq!(
            [lines[0], lines[1]].map(|line| checksum::check_json(line.as_bytes())),
            checks
        );
        assert!(lines[1].contains("two"));
    }
}
