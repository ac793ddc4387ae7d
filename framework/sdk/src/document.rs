//! Findings as JSON documents, as Elasticsearch, syslog and Kafka are given them:
//! `{"title": …, "timestamp": …, <pkey>: key, <score>: score, …metadata}`.
//!
//! The names of the key and of the score are the conf's (`pkey`, `score`), as in dataShark 1.2. A
//! metadata column with the name of one of these four members is called `metadata_<name>`. A null,
//! and a score that is not finite, is left out or `null`: JSON has no other way to say it. Times are
//! ISO 8601 in UTC, lists and structures are arrays and objects.
//!
//! ```
//! use datashark_sdk::document::{DocumentNames, Documents};
//! # use std::sync::Arc;
//! # use datashark_sdk::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! # use datashark_sdk::{Findings, Window, output::FindingsBatch};
//! # let columns: Vec<(&str, ArrayRef)> = vec![
//! #     ("key", Arc::new(StringArray::from(vec!["192.0.2.1"]))),
//! #     ("score", Arc::new(Int64Array::from(vec![7]))),
//! #     ("requests", Arc::new(Int64Array::from(vec![40]))),
//! # ];
//! # let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns)?)?;
//! # let window = Window { start: 0, end: 60_000_000 };
//! # let ids = findings.ids("x", &window).into();
//! # let batch = FindingsBatch { use_case: "x".into(), window, time: window.end, findings, ids };
//! let names = DocumentNames { title: "Web".into(), ..DocumentNames::default() };
//! let mut documents = Documents::try_new(&batch, &names)?;
//! let mut json = Vec::new();
//! documents.encode(0, &mut json);
//! assert_eq!(
//!     String::from_utf8_lossy(&json),
//!     r#"{"title":"Web","timestamp":"1970-01-01T00:01:00Z","source_ip":"192.0.2.1","anomaly_score":7.0,"requests":40}"#
//! );
//! # Ok::<(), datashark_sdk::Error>(())
//! ```

use std::sync::LazyLock;

use arrow::array::Float64Array;
use arrow::datatypes::Schema;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use chrono::{DateTime, SecondsFormat};

use crate::Result;
use crate::output::FindingsBatch;

/// What the members of a document are called that every finding has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentNames {
    /// The value of the member `title`.
    pub title: String,
    /// The name of the key's member.
    pub key: String,
    /// The name of the score's member.
    pub score: String,
}

impl Default for DocumentNames {
    /// Those of dataShark 1.2.
    fn default() -> Self {
        DocumentNames {
            title: "Use Case".into(),
            key: "source_ip".into(),
            score: "anomaly_score".into(),
        }
    }
}

impl DocumentNames {
    /// The member that a metadata column becomes.
    pub fn metadata(&self, column: &str) -> String {
        let taken = ["title", "timestamp", &self.key, &self.score].contains(&column);
        match taken {
            true => format!("metadata_{column}"),
            false => column.to_owned(),
        }
    }

    /// The members that documents of findings of this schema may have, with the types of their
    /// columns, for an index template.
    pub fn members(&self, findings: &Schema) -> Vec<(String, arrow::datatypes::DataType)> {
        let fields = findings.fields().iter().enumerate();
        fields
            .map(|(i, field)| {
                let name = match i {
                    0 => self.key.clone(),
                    1 => self.score.clone(),
                    _ => self.metadata(field.name()),
                };
                (name, field.data_type().clone())
            })
            .collect()
    }
}

/// The findings of a batch, each a JSON object.
pub struct Documents<'a> {
    /// `{"title":"…","timestamp":"…"`, the same for all.
    start: Vec<u8>,
    /// `,"name":` and what writes the value.
    members: Vec<(Vec<u8>, NullableEncoder<'a>)>,
    scores: &'a Float64Array,
}

/// How columns are written: as Arrow does by itself.
static OPTIONS: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

/// Which of a document's members is the score.
const SCORE_IDX: usize = 1;

impl<'a> Documents<'a> {
    /// The documents of a batch.
    ///
    /// # Errors
    /// A metadata column of a type that JSON cannot show.
    pub fn try_new(batch: &'a FindingsBatch, names: &DocumentNames) -> Result<Self> {
        let rows = batch.findings.batch();
        let time = DateTime::from_timestamp_micros(batch.time).unwrap_or_default();
        let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut start = b"{\"title\":".to_vec();
        text(&names.title, &mut start);
        start.extend_from_slice(b",\"timestamp\":");
        text(&time, &mut start);
        let mut members = Vec::with_capacity(rows.num_columns());
        let called = names.members(rows.schema_ref());
        for ((name, _), (field, column)) in called
            .iter()
            .zip(rows.schema_ref().fields().iter().zip(rows.columns()))
        {
            let mut prefix = b",".to_vec();
            text(name, &mut prefix);
            prefix.push(b':');
            let encoder = make_encoder(field, column.as_ref(), &OPTIONS)?;
            members.push((prefix, encoder));
        }
        Ok(Documents {
            start,
            members,
            scores: batch.findings.scores(),
        })
    }

    /// Writes the document of a row behind what is there.
    pub fn encode(&mut self, row: usize, json: &mut Vec<u8>) {
        json.extend_from_slice(&self.start);
        for (i, (prefix, encoder)) in self.members.iter_mut().enumerate() {
            let left_out = match i {
                SCORE_IDX => !self.scores.value(row).is_finite(),
                _ => encoder.is_null(row),
            };
            if !left_out {
                json.extend_from_slice(prefix);
                encoder.encode(row, json);
            }
        }
        json.push(b'}');
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A text as JSON.
fn text(text: &str, json: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(json, text);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

    use super::*;
    use crate::{Findings, Window};

    fn batch(columns: Vec<(&str, ArrayRef)>) -> FindingsBatch {
        let rows = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        );
        let findings = Findings::try_from_rows(&rows.unwrap()).unwrap();
        let window = Window {
            start: 0,
            end: 1_000_000,
        };
        let ids = findings.ids("x", &window).into();
        FindingsBatch {
            use_case: "x".into(),
            window,
            time: 1_000_000,
            findings,
            ids,
        }
    }

    fn documents(batch: &FindingsBatch) -> Vec<serde_json::Value> {
        let mut documents = Documents::try_new(batch, &DocumentNames::default()).unwrap();
        let document = |row| {
            let mut json = Vec::new();
            documents.encode(row, &mut json);
            serde_json::from_slice(&json).unwrap()
        };
        (0..batch.findings.len()).map(document).collect()
    }

    #[test]
    fn a_document_holds_all_that_a_finding_has() {
        let batch = batch(vec![
            ("k", Arc::new(StringArray::from(vec!["é \"\n\u{1}", "b"]))),
            ("s", Arc::new(Float64Array::from(vec![0.1, f64::NAN]))),
            ("n", Arc::new(Int64Array::from(vec![Some(-3), None]))),
            (
                "seen",
                Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("UTC")),
            ),
        ]);
        let [first, second] = &documents(&batch)[..] else {
            panic!("two documents")
        };
        assert_eq!(
            *first,
            serde_json::json!({
                "title": "Use Case", "timestamp": "1970-01-01T00:00:01Z",
                "source_ip": "é \"\n\u{1}", "anomaly_score": 0.1, "n": -3,
                "seen": "1970-01-01T00:00:00Z",
            })
        );
        assert_eq!(second["seen"], "1970-01-01T00:00:01.500Z");
        assert!(second.get("n").is_none() && second.get("anomaly_score").is_none());
    }

    #[test]
    fn metadata_takes_no_name_that_is_taken() {
        let batch = batch(vec![
            ("k", Arc::new(StringArray::from(vec!["a"]))),
            ("s", Arc::new(Int64Array::from(vec![1]))),
            ("timestamp", Arc::new(StringArray::from(vec!["mine"]))),
        ]);
        let document = &documents(&batch)[0];
        assert_eq!(document["timestamp"], "1970-01-01T00:00:01Z");
        assert_eq!(document["metadata_timestamp"], "mine");
    }
}
