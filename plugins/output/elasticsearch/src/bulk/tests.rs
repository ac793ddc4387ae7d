//! Bulk bodies as a server reads them: documents, their order, and the limits of a body.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_sdk::{Findings, Window};
use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400_000_000;

fn batch(time: i64, keys: &[String]) -> FindingsBatch {
    let scores: Vec<i64> = (0..).take(keys.len()).collect();
    let columns: [(&str, ArrayRef); 2] = [
        ("key", Arc::new(StringArray::from_iter_values(keys))),
        ("score", Arc::new(Int64Array::from(scores))),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let window = Window {
        start: time - 1,
        end: time,
    };
    let ids = findings.ids("x", &window).into();
    FindingsBatch {
        use_case: "x".into(),
        window,
        time,
        findings,
        ids,
    }
}

fn writer(bytes_max: usize, documents_max: usize) -> BulkWriter {
    BulkWriter {
        index: IndexName::try_new("web-{date}").unwrap(),
        names: DocumentNames::default(),
        operation: Operation::Index,
        bytes_max,
        documents_max,
    }
}

/// The bodies for these batches, with their indices.
fn bodies(writer: &BulkWriter, batches: &[FindingsBatch]) -> Vec<(String, Vec<u8>, usize)> {
    let n_findings: usize = batches.iter().map(|batch| batch.findings.len()).sum();
    let (mut bulk, mut place, mut n) = (Bulk::default(), Place::default(), 0);
    let mut bodies = Vec::new();
    while n < n_findings {
        place = writer.fill(&mut bulk, batches, place).unwrap();
        n += bulk.len();
        let body = bulk.take();
        bodies.push((bulk.index.clone(), body.to_vec(), bulk.len()));
        bulk.give_back(body);
    }
    bodies
}

#[test]
fn a_document_is_two_lines_with_the_findings_id_and_itself() {
    let batch = batch(1_000_000, &["192.0.2.1".to_owned()]);
    let id = batch.ids[0].clone();
    let mut writer = writer(5_000_000, usize::MAX);
    let found = bodies(&writer, std::slice::from_ref(&batch));
    let document = r#"{"title":"Use Case","timestamp":"1970-01-01T00:00:01Z","source_ip":"192.0.2.1","anomaly_score":0.0}"#;
    let expected = format!("{{\"index\":{{\"_id\":\"{id}\"}}}}\n{document}\n");
    assert_eq!(
        found,
        [(
            "web-1970-01-01".to_owned(),
            expected.clone().into_bytes(),
            1
        )]
    );
    writer.operation = Operation::Create;
    let created = expected.replace("{\"index\"", "{\"create\"");
    assert_eq!(bodies(&writer, &[batch])[0].1, created.into_bytes());
}

#[test]
fn a_body_has_documents_of_one_day_only() {
    let keys = vec!["a".to_owned(), "b".to_owned()];
    let batches = [batch(0, &keys), batch(1, &keys), batch(DAY, &keys)];
    let found = bodies(&writer(5_000_000, usize::MAX), &batches);
    let shape: Vec<_> = found
        .iter()
        .map(|(index, _, n)| (index.as_str(), *n))
        .collect();
    assert_eq!(shape, [("web-1970-01-01", 4), ("web-1970-01-02", 2)]);
}

#[test]
fn the_number_of_documents_has_a_limit_too() {
    let keys: Vec<String> = (0..7).map(|n| n.to_string()).collect();
    let found = bodies(&writer(5_000_000, 3), &[batch(0, &keys)]);
    assert_eq!(
        found.iter().map(|(_, _, n)| *n).collect::<Vec<_>>(),
        [3, 3, 1]
    );
}

#[test]
fn the_memory_of_a_body_is_used_again() {
    let keys: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let batches = [batch(0, &keys)];
    let (writer, mut bulk) = (writer(5_000_000, usize::MAX), Bulk::default());
    writer.fill(&mut bulk, &batches, Place::default()).unwrap();
    let body = bulk.take();
    let address = body.as_ptr();
    bulk.give_back(body);
    writer.fill(&mut bulk, &batches, Place::default()).unwrap();
    assert_eq!(bulk.take().as_ptr(), address);
}

#[test]
fn an_id_cannot_end_its_line() {
    let mut batch = batch(0, &["a".to_owned()]);
    batch.ids = ["\"}}\n{\"delete\":{\"_id\":\"x\"}}".to_owned()].into();
    let (_, body, _) = bodies(&writer(5_000_000, usize::MAX), &[batch]).remove(0);
    assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), 2);
}

proptest! {
    /// Whatever the keys are and however small a body may be: each document comes once, in order, on
    /// two lines of its own, in a body that is no larger than allowed unless it has but one.
    #[test]
    fn every_document_is_in_one_body(
        keys in proptest::collection::vec(proptest::collection::vec("\\PC{0,8}|[\\x00-\\x1f\"\\\\/.]{0,4}", 0..6), 0..5),
        bytes_max in 1usize..1000,
        documents_max in 1usize..5,
    ) {
        let batches: Vec<_> = (0..).zip(&keys).map(|(i, keys)| batch(i * DAY / 2, keys)).collect();
        let batches: Vec<_> = batches.into_iter().filter(|batch| !batch.findings.is_empty()).collect();
        let mut found = Vec::new();
        for (index, body, n) in bodies(&writer(bytes_max, documents_max), &batches) {
            prop_assert!(n == 1 || (n <= documents_max && body.len() <= bytes_max));
            let lines: Vec<serde_json::Value> = body
                .split_inclusive(|byte| *byte == b'\n')
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect();
            prop_assert_eq!(lines.len(), 2 * n);
            for pair in lines.chunks(2) {
                let id = pair[0]["index"]["_id"].as_str().unwrap().to_owned();
                let key = pair[1]["source_ip"].as_str().unwrap().to_owned();
                found.push((index.clone(), id, key));
            }
        }
        let name = IndexName::try_new("web-{date}").unwrap();
        let expected: Vec<_> = batches
            .iter()
            .flat_map(|batch| {
                let keys = batch.findings.keys().iter().map(|key| key.unwrap().to_owned());
                let index = name.on(batch.time);
                batch.ids.iter().cloned().zip(keys).map(move |(id, key)| (index.clone(), id, key))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// The parts of a body are the body.
    #[test]
    fn halves_are_the_whole(n in 1usize..20, middle in 0usize..20) {
        let keys: Vec<String> = (0..n).map(|n| "x".repeat(n)).collect();
        let mut bulk = Bulk::default();
        writer(5_000_000, usize::MAX).fill(&mut bulk, &[batch(0, &keys)], Place::default()).unwrap();
        let (body, middle) = (bulk.take(), middle.min(n));
        let parts = [bulk.part(&body, 0..middle), bulk.part(&body, middle..n)];
        prop_assert_eq!(parts.concat(), body);
        let starts_with_an_action = parts[1].starts_with(b"{\"index\"");
        prop_assert!(parts[1].is_empty() || starts_with_an_action);
    }
}
