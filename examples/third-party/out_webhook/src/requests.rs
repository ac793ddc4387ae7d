//! What is sent: findings as JSON, put together to bodies of requests.

use chrono::{DateTime, SecondsFormat};
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{Result, Window};
use serde_json::{Value, json};

/// The entry of each finding, of all batches in their order.
pub(crate) fn entries(batches: &[FindingsBatch], names: &DocumentNames) -> Result<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    for batch in batches {
        let use_case = Value::from(batch.use_case.as_ref());
        let window = window(batch.window);
        let mut documents = Documents::try_new(batch, names)?;
        for (row, id) in batch.ids.iter().enumerate() {
            let id = Value::from(id.as_str());
            let head =
                format!("{{\"id\":{id},\"use_case\":{use_case},\"window\":{window},\"finding\":");
            let mut entry = head.into_bytes();
            documents.encode(row, &mut entry);
            entry.push(b'}');
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The body of a request with these entries.
pub(crate) fn body(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"{\"findings\":[".to_vec();
    body.extend(entries.join(&b','));
    body.extend_from_slice(b"]}");
    body
}

fn window(window: Window) -> Value {
    if window.is_whole() {
        return Value::Null;
    }
    json!({"start": time(window.start), "end": time(window.end)})
}

/// A time as text, in UTC; one that no calendar has is null.
fn time(micros: i64) -> Value {
    let time = DateTime::from_timestamp_micros(micros);
    time.map_or(Value::Null, |time| {
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    })
}
