//! Findings as parameters of structured data (RFC 5424, 6.3); pure.
//!
//! They have the names and the order of the members of a document, and like there a null and a score
//! that is not finite are left out. `id` is the finding's; a metadata column of that name is
//! `metadata_id`.

use std::sync::LazyLock;

use arrow::array::Float64Array;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use chrono::{DateTime, SecondsFormat};
use datashark_sdk::Result;
use datashark_sdk::document::DocumentNames;
use datashark_sdk::output::FindingsBatch;

use crate::escape::{json_text, param_name, push_json, push_param_value};

/// The element that holds them. A name without `@` is IANA's to give; dataShark has no enterprise
/// number of its own, and 32473 is the one that nobody has (RFC 5612).
pub(crate) const ELEMENT: &str = "datashark@32473";

/// How columns are written: as Arrow does by itself.
static OPTIONS: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

/// Which of the columns is the score.
const SCORE_IDX: usize = 1;

/// The parameters of a batch of findings.
pub(crate) struct Parameters<'a> {
    /// ` title="…" timestamp="…"`, the same for all.
    start: Vec<u8>,
    /// ` name="` and what writes the value as JSON.
    columns: Vec<(String, NullableEncoder<'a>)>,
    scores: &'a Float64Array,
    json: Vec<u8>,
    escaped: Vec<u8>,
}

impl<'a> Parameters<'a> {
    /// The parameters of a batch.
    ///
    /// # Errors
    /// A metadata column of a type that JSON cannot show.
    pub(crate) fn try_new(batch: &'a FindingsBatch, names: &DocumentNames) -> Result<Self> {
        let rows = batch.findings.batch();
        let time = DateTime::from_timestamp_micros(batch.time).unwrap_or_default();
        let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut start = b" title=\"".to_vec();
        push_param_value(&json_text(&names.title), &mut start);
        start.extend_from_slice(format!("\" timestamp=\"{time}\"").as_bytes());
        let called = names.members(rows.schema_ref());
        let fields = rows.schema_ref().fields().iter().zip(rows.columns());
        let columns = called
            .iter()
            .zip(fields)
            .map(|((name, _), (field, column))| {
                let name = match name.as_str() {
                    "id" => "metadata_id".to_owned(),
                    name => param_name(name),
                };
                let encoder = make_encoder(field, column.as_ref(), &OPTIONS)?;
                Ok((format!(" {name}=\""), encoder))
            });
        Ok(Parameters {
            start,
            columns: columns.collect::<Result<_>>()?,
            scores: batch.findings.scores(),
            json: Vec::new(),
            escaped: Vec::new(),
        })
    }

    /// Adds the parameters of a row.
    pub(crate) fn encode(&mut self, row: usize, message: &mut Vec<u8>) {
        message.extend_from_slice(&self.start);
        for (i, (prefix, encoder)) in self.columns.iter_mut().enumerate() {
            let left_out = match i {
                SCORE_IDX => !self.scores.value(row).is_finite(),
                _ => encoder.is_null(row),
            };
            if left_out {
                continue;
            }
            self.json.clear();
            self.escaped.clear();
            encoder.encode(row, &mut self.json);
            push_json(&self.json, &mut self.escaped);
            message.extend_from_slice(prefix.as_bytes());
            push_param_value(&self.escaped, message);
            message.push(b'"');
        }
    }
}
