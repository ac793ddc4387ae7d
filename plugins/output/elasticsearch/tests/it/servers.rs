//! Real servers: a node of each release for all tests of this binary, and nodes of their own for the
//! test that stops them.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::Int64Type;
use datashark_sdk::output::FindingsBatch;
use datashark_test_services::{SearchServer, Service};
use serde_json::{Value, json};

use crate::findings::{TIME, batch, batch_of, deliver, deliver_with, key, many, open};
use crate::hostile;

static NODES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    std::thread::scope(|scope| {
        let start = |server: SearchServer| scope.spawn(move || server.start(""));
        let starting: Vec<_> = SearchServer::asked().into_iter().map(start).collect();
        let started = starting.into_iter().filter_map(|node| node.join().unwrap());
        started.collect()
    })
});

/// The addresses of the servers that can be had.
fn servers() -> impl Iterator<Item = String> {
    NODES.iter().map(|node| node.value("url").to_owned())
}

/// Asks a server directly.
async fn ask(method: reqwest::Method, url: &str, body: Option<Value>) -> Value {
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let text = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn get(url: &str) -> Value {
    ask(reqwest::Method::GET, url, None).await
}

async fn put(url: &str, body: Value) {
    let answer = ask(reqwest::Method::PUT, url, Some(body)).await;
    assert_eq!(answer["acknowledged"], true, "{answer}");
}

/// How many documents an index has.
async fn count(url: &str, index: &str) -> u64 {
    ask(
        reqwest::Method::POST,
        &format!("{url}/{index}/_refresh"),
        None,
    )
    .await;
    let answer = get(&format!("{url}/{index}/_count")).await;
    answer["count"]
        .as_u64()
        .unwrap_or_else(|| panic!("{answer}"))
}

async fn mapping(url: &str, index: &str) -> Value {
    let answer = get(&format!("{url}/{index}/_mapping")).await;
    answer[index]["mappings"]["properties"].clone()
}

async fn document(url: &str, index: &str, id: &str) -> Value {
    get(&format!("{url}/{index}/_doc/{id}")).await["_source"].clone()
}

/// Findings with a metadata column of each kind.
fn typed() -> FindingsBatch {
    let ports = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(22), Some(80)]),
        None,
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "key",
            Arc::new(StringArray::from(vec!["192.0.2.1", "192.0.2.2"])),
        ),
        ("score", Arc::new(Float64Array::from(vec![0.5, f64::NAN]))),
        ("requests", Arc::new(Int64Array::from(vec![Some(40), None]))),
        ("total", Arc::new(UInt64Array::from(vec![7, u64::MAX]))),
        // The second is of a year that the servers' dates do not know.
        (
            "seen",
            Arc::new(
                TimestampMicrosecondArray::from(vec![TIME, 400_000_000_000_000_000])
                    .with_timezone("UTC"),
            ),
        ),
        ("local", Arc::new(BooleanArray::from(vec![true, false]))),
        (
            "source.geo",
            Arc::new(StringArray::from(vec!["2016-10-14", "x"])),
        ),
        ("ports", Arc::new(ports)),
    ];
    batch_of(TIME, columns)
}

#[tokio::test]
async fn findings_arrive_with_the_types_of_their_columns() {
    for url in servers() {
        let findings = typed();
        let mut output = open(
            &[("hosts", &url), ("index_name", "typed-{date}")],
            &findings,
        )
        .await;
        let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
        assert_eq!(
            (delivered.n_safe, delivered.refused.len()),
            (2, 0),
            "{delivered:?}"
        );
        assert_eq!(count(&url, "typed-2016-10-14").await, 2);
        let types = mapping(&url, "typed-2016-10-14").await;
        for (name, expected) in [
            ("title", "keyword"),
            ("timestamp", "date"),
            ("source_ip", "keyword"),
            ("anomaly_score", "double"),
            ("requests", "long"),
            ("total", "long"),
            ("seen", "date"),
            ("local", "boolean"),
            ("ports", "long"),
        ] {
            assert_eq!(types[name]["type"], expected, "{name}");
        }
        assert_eq!(types["source"]["properties"]["geo"]["type"], "keyword");
        assert_eq!(
            document(&url, "typed-2016-10-14", &findings.ids[0]).await,
            json!({
                "title": "Use Case", "timestamp": "2016-10-14T13:01:39Z", "source_ip": "192.0.2.1",
                "anomaly_score": 0.5, "requests": 40, "total": 7, "seen": "2016-10-14T13:01:39Z",
                "local": true, "source.geo": "2016-10-14", "ports": [22, 80],
            })
        );
        let second = document(&url, "typed-2016-10-14", &findings.ids[1]).await;
        assert_eq!(second["total"], u64::MAX);
        assert!(second.get("anomaly_score").is_none());
    }
}

#[tokio::test]
async fn one_document_in_a_thousand_that_conflicts_is_refused_and_the_others_arrive() {
    for url in servers() {
        put(
            &format!("{url}/conflict"),
            json!({"mappings": {"properties": {"detail": {"type": "long"}}}}),
        )
        .await;
        let keys: Vec<String> = (0..1000).map(|i| format!("192.0.2.{i}")).collect();
        let details: Vec<&str> = (0..1000)
            .map(|i| if i == 500 { "no number" } else { "7" })
            .collect();
        let findings = batch_of(
            TIME,
            vec![
                (
                    "key",
                    Arc::new(StringArray::from_iter_values(&keys)) as ArrayRef,
                ),
                ("score", Arc::new(Int64Array::from(vec![1; 1000]))),
                ("detail", Arc::new(StringArray::from(details))),
            ],
        );
        let mut output = open(&[("hosts", &url), ("index_name", "conflict")], &findings).await;
        let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
        assert_eq!((delivered.n_safe, delivered.again.len()), (999, 0));
        let (id, reason) = delivered.refused.first_key_value().unwrap();
        assert_eq!(id, &findings.ids[500]);
        assert!(
            // The second is Elasticsearch's from 8 on.
            ["mapper_parsing_exception: ", "document_parsing_exception: "]
                .iter()
                .any(|kind| reason.starts_with(kind))
                && reason.contains("failed to parse field [detail] of type [long]")
                && reason.contains("For input string: \"no number\""),
            "{reason}"
        );
        assert_eq!(count(&url, "conflict").await, 999);
    }
}

#[tokio::test]
async fn findings_that_are_written_twice_are_there_once() {
    for url in servers() {
        let findings = [many(TIME, 700), many(TIME + 60_000_000, 300)];
        for compress in ["false", "true"] {
            let entries = [
                ("hosts", url.as_str()),
                ("index_name", "twice"),
                ("bulk_size", "20KB"),
                ("compress", compress),
            ];
            let mut output = open(&entries, &findings[0]).await;
            for _ in 0..2 {
                let delivered = deliver(&mut output, &findings).await;
                assert_eq!((delivered.n_safe, delivered.again.len()), (1000, 0));
            }
        }
        assert_eq!(count(&url, "twice").await, 1000);
    }
}

#[tokio::test]
async fn what_is_created_twice_is_there_once_too() {
    for url in servers() {
        let findings = many(TIME, 50);
        let entries = [
            ("hosts", url.as_str()),
            ("index_name", "created"),
            ("es.write.operation", "create"),
        ];
        for _ in 0..2 {
            let mut output = open(&entries, &findings).await;
            let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
            assert_eq!((delivered.n_safe, delivered.refused.len()), (50, 0));
        }
        assert_eq!(count(&url, "created").await, 50);
    }
}

#[tokio::test]
async fn hostile_keys_are_kept_as_they_are() {
    for url in servers() {
        let keys = hostile::keys();
        let findings = batch(TIME, &keys.iter().map(String::as_str).collect::<Vec<_>>());
        let mut output = open(&[("hosts", &url), ("index_name", "hostile")], &findings).await;
        let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
        assert_eq!(
            (delivered.n_safe, delivered.refused.len()),
            (keys.len(), 0),
            "{:?}",
            delivered.refused
        );
        assert_eq!(count(&url, "hostile").await, keys.len() as u64);
        for (row, id) in findings.ids.iter().enumerate() {
            assert_eq!(
                document(&url, "hostile", id).await["source_ip"],
                key(&findings, row)
            );
        }
    }
}

#[tokio::test]
async fn a_template_that_a_user_changed_is_left_as_it_is() {
    for url in servers() {
        let path = format!("{url}/_index_template/datashark-changed-date");
        let first = batch(TIME, &["a"]);
        let entries = [("hosts", url.as_str()), ("index_name", "changed-{date}")];
        deliver(
            &mut open(&entries, &first).await,
            std::slice::from_ref(&first),
        )
        .await;
        let mut template = get(&path).await["index_templates"][0]["index_template"].take();
        assert_eq!(
            template["_meta"],
            json!({"managed_by": "datashark", "version": 1})
        );

        // A type of the user's own stays; a column that is new is added.
        template["template"]["mappings"]["properties"]["source_ip"] = json!({"type": "ip"});
        // Elasticsearch 9 shows when a template was made and changed, and takes no such thing.
        let fields = template.as_object_mut().unwrap();
        fields.retain(|name, _| !name.contains("_date"));
        put(&path, template).await;
        let requests: Vec<(&str, ArrayRef)> = vec![
            ("key", Arc::new(StringArray::from(vec!["192.0.2.9"]))),
            ("score", Arc::new(Int64Array::from(vec![1]))),
            ("requests", Arc::new(Int64Array::from(vec![1]))),
        ];
        let next_day = batch_of(TIME + 86_400_000_000, requests);
        deliver(
            &mut open(&entries, &next_day).await,
            std::slice::from_ref(&next_day),
        )
        .await;
        let types = mapping(&url, "changed-2016-10-15").await;
        assert_eq!(
            (&types["source_ip"]["type"], &types["requests"]["type"]),
            (&json!("ip"), &json!("long"))
        );

        // Without our mark nothing is touched.
        put(&path, json!({"index_patterns": ["changed-*"], "template": {"settings": {"number_of_replicas": 0}}})).await;
        deliver(
            &mut open(&entries, &next_day).await,
            std::slice::from_ref(&next_day),
        )
        .await;
        let template = get(&path).await["index_templates"][0]["index_template"].take();
        assert!(template["template"].get("mappings").is_none(), "{template}");
    }
}

#[tokio::test]
async fn another_template_for_the_same_indices_takes_precedence() {
    for url in servers() {
        let template = json!({
            "index_patterns": ["theirs-*"],
            "template": {"mappings": {"properties": {"source_ip": {"type": "ip"}}}},
        });
        put(&format!("{url}/_index_template/theirs"), template).await;
        let findings = batch(TIME, &["192.0.2.1"]);
        let mut output = open(
            &[("hosts", &url), ("index_name", "theirs-{date}")],
            &findings,
        )
        .await;
        assert_eq!(deliver(&mut output, &[findings]).await.n_safe, 1);
        assert_eq!(
            mapping(&url, "theirs-2016-10-14").await["source_ip"]["type"],
            "ip"
        );
    }
}

#[tokio::test]
async fn an_index_that_is_closed_or_blocked_is_waited_for() {
    for url in servers() {
        for (index, stop, go_on) in [
            ("closed", "_close", "_open"),
            (
                "blocked",
                r#"{"index.blocks.read_only_allow_delete":true}"#,
                r#"{"index.blocks.read_only_allow_delete":null}"#,
            ),
        ] {
            let (first, second) = (many(TIME, 10), many(TIME + 1, 10));
            let mut output = open(&[("hosts", &url), ("index_name", index)], &first).await;
            deliver(&mut output, &[first]).await;
            let change = async |what: &str| match what.starts_with('_') {
                true => {
                    let answer = ask(
                        reqwest::Method::POST,
                        &format!("{url}/{index}/{what}"),
                        None,
                    )
                    .await;
                    assert_eq!(answer["acknowledged"], true);
                }
                false => {
                    put(
                        &format!("{url}/{index}/_settings"),
                        serde_json::from_str(what).unwrap(),
                    )
                    .await
                }
            };
            change(stop).await;
            let delivered =
                deliver_with(&mut output, &[second], async |_| change(go_on).await).await;
            assert_eq!(
                (delivered.n_safe, delivered.again.len()),
                (10, 1),
                "{delivered:?}"
            );
            assert_eq!(count(&url, index).await, 20);
        }
    }
}

/// Findings go on to a node that is stopped, killed and started again between writes; and
/// this node takes small requests only.
#[tokio::test]
async fn a_node_that_is_stopped_and_started_again_gets_every_finding_once() {
    for server in SearchServer::asked() {
        let Some(mut node) = server.start("http.max_content_length=100kb") else {
            continue;
        };
        let url = node.value("url").to_owned();
        // The first is a request of 5 MB.
        let sizes = [30_000, 2000, 2000, 2000, 2000];
        let windows = (TIME..).step_by(60_000_000);
        let findings: Vec<FindingsBatch> =
            windows.zip(sizes).map(|(time, n)| many(time, n)).collect();
        let entries = [
            ("hosts", url.as_str()),
            ("index_name", "restarted"),
            ("timeout", "20s"),
        ];
        let mut output = open(&entries, &findings[0]).await;
        let mut n_again = 0;
        for (i, batch) in findings.iter().enumerate() {
            match i {
                1 => node.stop(),
                3 => node.kill(),
                _ => (),
            }
            let delivered =
                deliver_with(&mut output, std::slice::from_ref(batch), async |reason| {
                    if reason.contains("Connection refused") {
                        node.start_again();
                    }
                })
                .await;
            assert_eq!(
                (delivered.n_safe, delivered.refused.len()),
                (batch.findings.len(), 0),
                "{:?}",
                delivered.refused
            );
            // Elasticsearch 9 says that the request is too large, and hangs up while it is sent.
            let hung_up =
                |reason: &String| reason.contains("Broken pipe") || reason.contains("reset");
            assert!(
                i > 0 || delivered.again.iter().all(hung_up),
                "{:?}",
                delivered.again
            );
            n_again += delivered.again.len();
        }
        assert!(n_again >= 2, "{n_again}");
        assert_eq!(count(&url, "restarted").await, 38_000);
    }
}
