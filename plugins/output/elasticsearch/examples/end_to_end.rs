//! The output against a bare HTTP client, on a real server, in one run:
//! `cargo run --release -p datashark-output-elasticsearch --example end_to_end [opensearch]`.
//!
//! The same findings are written by the output, and the same bulk bodies are posted by a client that
//! does nothing else and looks at no answer but its status. Rounds take turns; an index of its own for
//! each keeps the server's work the same. Says documents per second of both and the output's share.
#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]
#![expect(clippy::disallowed_methods, reason = "what is measured is time")]
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datashark_output_elasticsearch::Elasticsearch;
use datashark_sdk::conf::Section;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::{Fate, FindingsBatch, OpenOutput, Outcome, OutputEntry};
use datashark_sdk::{Findings, Window};
use datashark_test_services::Service;

const N_ROUNDS: usize = 8;
const N_WINDOWS: i64 = 5;
const N_FINDINGS: i64 = 20_000;
/// As the default of `bulk_size`.
const BULK_SIZE: usize = 5_000_000;

fn window(n: i64) -> FindingsBatch {
    let column = |factor: i64| {
        Arc::new(Int64Array::from_iter_values(
            (0..N_FINDINGS).map(|i| i * factor % 9973),
        ))
    };
    let keys = (0..N_FINDINGS).map(|i| format!("198.51.{}.{}", i / 256 % 256, i % 256));
    let times = (0..N_FINDINGS).map(|i| 1_476_450_099_000_000 + i * 1_000_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(StringArray::from_iter_values(keys))),
        ("score", column(7)),
        ("requests", column(31)),
        ("errors", column(3)),
        (
            "last_seen",
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        ),
    ];
    let findings = Findings::try_from_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let start = 1_476_450_000_000_000 + n * 60_000_000;
    let window = Window {
        start,
        end: start + 60_000_000,
    };
    let ids = findings.ids("bench", &window).into();
    FindingsBatch {
        use_case: "bench".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

/// The bodies that the output would send.
fn bodies(batches: &[FindingsBatch]) -> Vec<Vec<u8>> {
    let names = DocumentNames::default();
    let mut bodies = vec![Vec::new()];
    for batch in batches {
        let mut documents = Documents::try_new(batch, &names).unwrap();
        for (row, id) in batch.ids.iter().enumerate() {
            let mut document = format!("{{\"index\":{{\"_id\":\"{id}\"}}}}\n").into_bytes();
            documents.encode(row, &mut document);
            document.push(b'\n');
            if bodies.last().unwrap().len() + document.len() > BULK_SIZE {
                bodies.push(Vec::new());
            }
            bodies.last_mut().unwrap().extend_from_slice(&document);
        }
    }
    bodies
}

async fn by_output(url: &str, index: &str, batches: &[FindingsBatch]) -> Duration {
    let open = OpenOutput {
        use_case: Arc::clone(&batches[0].use_case),
        schema: batches[0].findings.batch().schema(),
        receipt: None,
        now: 0,
        stores: Default::default(),
    };
    let section =
        Section::from_iter([("hosts", url), ("index_name", index), ("template", "false")]);
    let mut output = OutputEntry::of::<Elasticsearch>()
        .open(&section, open)
        .await
        .unwrap();
    let start = Instant::now();
    let outcome = output.write(batches).await;
    let took = start.elapsed();
    if let Outcome::Each(fates) = &outcome {
        let trouble = fates.iter().find(|fate| !matches!(fate, Fate::Safe));
        panic!("not all were taken: {trouble:?}");
    }
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    took
}

async fn by_bare_client(url: &str, index: &str, bodies: &[Vec<u8>]) -> Duration {
    let client = reqwest::Client::new();
    let bodies = bodies.to_vec();
    let start = Instant::now();
    for body in bodies {
        let request = client.post(format!(
            "{url}/{index}/_bulk?filter_path=items.*.status,items.*.error"
        ));
        let request = request
            .header("content-type", "application/x-ndjson")
            .body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success());
        answer.bytes().await.unwrap();
    }
    start.elapsed()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let name = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "elasticsearch".to_owned());
    // A node of 256 MB refuses ten such requests at once.
    let Some(service) = Service::start_with(&name, &[("HEAP", "1g")]) else {
        return;
    };
    let url = service.value("url").to_owned();
    let batches: Vec<FindingsBatch> = (0..N_WINDOWS).map(window).collect();
    let bodies = bodies(&batches);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // The first two rounds warm the server up.
    for round in 0..N_ROUNDS + 2 {
        let took = by_output(&url, &format!("ours-{round}"), &batches).await;
        let bare_took = by_bare_client(&url, &format!("bare-{round}"), &bodies).await;
        if round >= 2 {
            ours.push(took);
            bare.push(bare_took);
        }
    }
    let n = (N_WINDOWS * N_FINDINGS) as f64;
    let rate = |times: &mut Vec<Duration>| {
        times.sort();
        n / times[times.len() / 2].as_secs_f64()
    };
    let (ours, bare) = (rate(&mut ours), rate(&mut bare));
    println!(
        "{name}: output {ours:.0} documents/s, bare client {bare:.0} documents/s, share {:.2}",
        ours / bare
    );
}
