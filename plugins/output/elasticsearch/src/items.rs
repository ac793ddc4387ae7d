//! What the answer to a bulk request says of each document.

use datashark_sdk::output::Fate;
use elasticsearch::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::client::error_reason;

/// What an answer is asked for: enough to tell the documents apart by their place.
pub(crate) const FILTER: &str = "filter_path=items.*.status,items.*.error";

/// Errors with status 400 that are none of the document's: the index or the cluster is to blame, and
/// an administrator can mend it.
const NOT_THE_DOCUMENTS: [&str; 2] = ["index_closed_exception", "validation_exception"];

#[derive(Deserialize)]
struct Items {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(alias = "create")]
    index: Done,
}

#[derive(Deserialize)]
struct Done {
    status: u16,
    error: Option<Value>,
}

/// The fate of each of the documents of a request, by the server's answer.
///
/// # Errors
/// It is no such answer, or not one for each document: nothing is known of any.
pub(crate) fn fates(body: &[u8], n_documents: usize) -> Result<Vec<Fate>, String> {
    let answer: Items = serde_json::from_slice(body)
        .map_err(|error| format!("the answer to a bulk request cannot be read: {error}"))?;
    if answer.items.len() != n_documents {
        return Err(format!(
            "expected an answer for {n_documents} documents, found one for {}",
            answer.items.len()
        ));
    }
    Ok(answer
        .items
        .into_iter()
        .map(|item| fate(&item.index))
        .collect())
}

fn fate(done: &Done) -> Fate {
    let status = StatusCode::from_u16(done.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = done.error.as_ref().and_then(|error| error.get("type"));
    let kind = kind.and_then(Value::as_str).unwrap_or_default();
    // By `create`, a document of that id is there: an earlier write had come through.
    if status.is_success()
        || (status == StatusCode::CONFLICT && kind == "version_conflict_engine_exception")
    {
        return Fate::Safe;
    }
    let reason = match &done.error {
        Some(error) => error_reason(error),
        None => format!("status {status}"),
    };
    match status {
        StatusCode::BAD_REQUEST if NOT_THE_DOCUMENTS.contains(&kind) => Fate::Again(reason),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Fate::Refused(reason),
        // 401 and 403 wait for rights or for a block to be lifted (a full disk), 404 for the index,
        // 429 for a server that is busy.
        _ => Fate::Again(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(item: &str) -> Fate {
        fates(format!(r#"{{"items":[{item}]}}"#).as_bytes(), 1)
            .unwrap()
            .remove(0)
    }

    fn failed(status: u16, kind: &str) -> Fate {
        one(&format!(
            r#"{{"index":{{"status":{status},"error":{{"type":"{kind}","reason":"why"}}}}}}"#
        ))
    }

    #[test]
    fn a_document_is_refused_for_good_only_where_it_is_to_blame() {
        let refused = |kind: &str| Fate::Refused(format!("{kind}: why"));
        let again = |kind: &str| Fate::Again(format!("{kind}: why"));
        for status in [200, 201] {
            assert_eq!(
                one(&format!(r#"{{"index":{{"status":{status}}}}}"#)),
                Fate::Safe
            );
        }
        for kind in [
            "mapper_parsing_exception",
            "illegal_argument_exception",
            "strict_dynamic_mapping_exception",
        ] {
            assert_eq!(failed(400, kind), refused(kind));
        }
        for (status, kind) in [
            (400, "index_closed_exception"),
            (400, "validation_exception"),
            (401, "security_exception"),
            (403, "cluster_block_exception"),
            (404, "index_not_found_exception"),
            (429, "es_rejected_execution_exception"),
            (500, "x"),
            (503, "unavailable_shards_exception"),
            (99, "x"),
        ] {
            assert_eq!(failed(status, kind), again(kind), "{status}");
        }
    }

    #[test]
    fn a_document_that_was_created_before_is_safe() {
        let there = r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"x"}}}"#;
        assert_eq!(one(there), Fate::Safe);
    }

    #[test]
    fn an_answer_for_fewer_documents_says_nothing_of_any() {
        let body = br#"{"items":[{"index":{"status":201}}]}"#;
        assert_eq!(
            fates(body, 2).unwrap_err(),
            "expected an answer for 2 documents, found one for 1"
        );
        for body in [&b"{}"[..], b"", b"{\"items\":[", b"<html>", b"[]", b"null"] {
            assert!(fates(body, 1).is_err());
        }
    }
}
