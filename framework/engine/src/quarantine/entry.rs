//! A line of a quarantine file.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{EncoderOptions, make_encoder};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat};
use datashark_sdk::Window;
use datashark_sdk::input::Micros;
use datashark_sdk::output::FindingsBatch;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aside::AsideRecord;
use crate::deliver::{decode, encode};
use crate::error::{Error, Result};

/// What is kept, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// When it was kept, RFC 3339.
    time: String,
    reason: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum What {
    Record {
        /// The input's name for people: a file's path.
        input: String,
        partition: String,
        offset: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// Whether the record is only how it begins.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<String>,
        /// In place of `record` where that is not UTF-8.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record_base64: Option<String>,
    },
    Finding {
        output: String,
        id: String,
        use_case: String,
        window_start: Micros,
        window_end: Micros,
        finding_time: Micros,
        /// For people.
        finding: Value,
        /// The same for the replay, with its types: Arrow's stream format.
        arrow_base64: String,
    },
    Window {
        window_start: Micros,
        window_end: Micros,
        /// How many rows the use case was given, and the rows: Arrow's stream format.
        n_rows: usize,
        rows_base64: String,
    },
}

/// Something out of the quarantine.
#[derive(Debug, Clone)]
pub struct Kept {
    /// When it was kept, RFC 3339.
    pub time: String,
    /// Why.
    pub reason: String,
    /// What it is.
    pub origin: Origin,
}

/// What was kept.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A record that did not parse.
    Record {
        /// The input's name for people.
        input: String,
        /// The partition.
        partition: String,
        /// Where it starts.
        offset: u64,
        /// Its line, where records are lines.
        line: Option<u64>,
        /// The header lines that it is read with, where its format has such.
        header: Option<String>,
        /// Whether only its beginning was kept: it was too large.
        is_cut: bool,
        /// The record.
        bytes: Vec<u8>,
    },
    /// A finding that an output refused.
    Finding {
        /// The output.
        output: String,
        /// The finding, a batch of one.
        batch: FindingsBatch,
    },
    /// A window that a plugin's process did not survive.
    Window {
        /// The window.
        window: Window,
        /// Its rows, as they were to be scored.
        rows: Vec<RecordBatch>,
    },
}

impl Entry {
    /// Of a record.
    pub(crate) fn record(input: &str, partition: &str, aside: &AsideRecord, now: Micros) -> Self {
        let text = std::str::from_utf8(&aside.record).ok();
        Entry {
            time: shown(now),
            reason: aside.reason.clone(),
            what: What::Record {
                input: input.to_owned(),
                partition: partition.to_owned(),
                offset: aside.offset,
                line: aside.line,
                header: aside.header.clone(),
                is_cut: aside.is_cut,
                record: text.map(str::to_owned),
                record_base64: match text {
                    Some(_) => None,
                    None => Some(BASE64_STANDARD.encode(&aside.record)),
                },
            },
        }
    }

    /// Of a finding.
    pub(crate) fn finding(
        output: &str,
        batch: &FindingsBatch,
        row: usize,
        reason: &str,
        now: Micros,
    ) -> Result<Self> {
        let rows = batch.findings.batch().slice(row, 1);
        let one = FindingsBatch {
            findings: datashark_sdk::Findings::try_from_rows(&rows)?,
            ids: batch.ids[row..=row].into(),
            ..batch.clone()
        };
        Ok(Entry {
            time: shown(now),
            reason: reason.to_owned(),
            what: What::Finding {
                output: output.to_owned(),
                id: batch.ids[row].clone(),
                use_case: batch.use_case.to_string(),
                window_start: batch.window.start,
                window_end: batch.window.end,
                finding_time: batch.time,
                finding: json(&one)?,
                arrow_base64: BASE64_STANDARD.encode(encode(&one)?),
            },
        })
    }
}

impl Entry {
    /// Of the rows of a window.
    pub(crate) fn window(
        window: Window,
        schema: &SchemaRef,
        rows: &[RecordBatch],
        reason: &str,
        now: Micros,
    ) -> Result<Self> {
        let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
        for batch in rows {
            writer.write(batch)?;
        }
        Ok(Entry {
            time: shown(now),
            reason: reason.to_owned(),
            what: What::Window {
                window_start: window.start,
                window_end: window.end,
                n_rows: rows.iter().map(RecordBatch::num_rows).sum(),
                rows_base64: BASE64_STANDARD.encode(writer.into_inner()?),
            },
        })
    }
}

impl TryFrom<Entry> for Kept {
    type Error = Error;

    fn try_from(entry: Entry) -> Result<Self> {
        let damaged = |error| Error::Internal(format!("not what was kept: {error}"));
        let decoded = |text: &str| BASE64_STANDARD.decode(text).map_err(damaged);
        let origin = match entry.what {
            What::Record {
                input,
                partition,
                offset,
                line,
                header,
                is_cut,
                record,
                record_base64,
            } => Origin::Record {
                input,
                partition,
                offset,
                line,
                header,
                is_cut,
                bytes: match record_base64 {
                    Some(text) => decoded(&text)?,
                    None => record.unwrap_or_default().into_bytes(),
                },
            },
            What::Finding {
                output,
                use_case,
                window_start,
                window_end,
                finding_time,
                arrow_base64,
                ..
            } => {
                let (findings, ids) = decode(&decoded(&arrow_base64)?)?;
                Origin::Finding {
                    output,
                    batch: FindingsBatch {
                        use_case: use_case.into(),
                        window: Window {
                            start: window_start,
                            end: window_end,
                        },
                        time: finding_time,
                        findings,
                        ids,
                    },
                }
            }
            What::Window {
                window_start,
                window_end,
                rows_base64,
                ..
            } => {
                let bytes = decoded(&rows_base64)?;
                let rows = StreamReader::try_new(bytes.as_slice(), None)?;
                Origin::Window {
                    window: Window {
                        start: window_start,
                        end: window_end,
                    },
                    rows: rows.collect::<std::result::Result<_, _>>()?,
                }
            }
        };
        Ok(Kept {
            time: entry.time,
            reason: entry.reason,
            origin,
        })
    }
}

fn shown(time: Micros) -> String {
    let time = DateTime::from_timestamp_micros(time).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A finding as a JSON object.
fn json(one: &FindingsBatch) -> Result<Value> {
    let rows = one.findings.batch();
    let options = EncoderOptions::default();
    let mut json = Vec::new();
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        json.push(if json.is_empty() { b'{' } else { b',' });
        let name = serde_json::to_string(field.name()).unwrap_or_default();
        json.extend_from_slice(name.as_bytes());
        json.push(b':');
        let mut encoder = make_encoder(field, column.as_ref(), &options)?;
        match encoder.is_null(0) {
            true => json.extend_from_slice(b"null"),
            false => encoder.encode(0, &mut json),
        }
    }
    json.push(b'}');
    let failed = |error| Error::Internal(format!("a finding cannot be shown: {error}"));
    serde_json::from_slice(&json).map_err(failed)
}
