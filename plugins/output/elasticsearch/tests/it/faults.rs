//! What a real server does not do on demand: each fault once, nothing lost and nothing twice.

use serde_json::json;

use crate::double::{Double, Step};
use crate::findings::{Delivered, TIME, batch, deliver, deliver_with, many, open};

/// Delivers 10 findings through these steps; all have to be there, each once.
async fn delivered_through(script: &[Step], entries: &[(&str, &str)]) -> (Double, Delivered) {
    let double = Double::start(script.to_vec()).await;
    let findings = many(TIME, 10);
    let entries = [&[("hosts", double.url.as_str())][..], entries].concat();
    let mut output = open(&entries, &findings).await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!((delivered.n_safe, delivered.refused.len()), (10, 0));
    let there: Vec<String> = double.documents().into_keys().map(|(_, id)| id).collect();
    let mut ids = findings.ids.to_vec();
    ids.sort();
    assert_eq!(there, ids);
    (double, delivered)
}

#[tokio::test]
async fn a_server_in_good_health_is_written_to_once() {
    let (double, delivered) = delivered_through(&[], &[]).await;
    assert_eq!((double.n_bulks(), double.n_writes_max()), (1, 1));
    assert_eq!(delivered.again, [] as [&str; 0]);
}

#[tokio::test]
async fn a_request_that_fails_is_repeated_with_the_servers_reason() {
    let busy = r#"{"error":{"type":"es_rejected_execution_exception","reason":"queue is full"}}"#;
    for (status, body, reason) in [
        (
            429,
            busy,
            "answered 429 Too Many Requests: es_rejected_execution_exception: queue is full",
        ),
        (500, "", "answered 500 Internal Server Error"),
        (
            503,
            "<html>down",
            "answered 503 Service Unavailable: <html>down",
        ),
        (
            404,
            r#"{"error":"no such index"}"#,
            "answered 404 Not Found: no such index",
        ),
        (403, "", "answered 403 Forbidden"),
    ] {
        let step = Step::Status(status, body);
        let (double, delivered) = delivered_through(&[step.clone(), step.clone(), step], &[]).await;
        assert_eq!(
            (double.n_bulks(), double.n_writes_max()),
            (4, 1),
            "{status}"
        );
        assert_eq!(delivered.again.len(), 3);
        assert!(
            delivered.again[0].ends_with(reason),
            "{}",
            delivered.again[0]
        );
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_the_timeout() {
    let (double, delivered) =
        delivered_through(&[Step::Hang, Step::Hang], &[("timeout", "300ms")]).await;
    assert_eq!(double.n_writes_max(), 1);
    let host = double.url.strip_prefix("http://").unwrap();
    assert_eq!(
        delivered.again,
        vec![format!("{host} did not answer in time"); 2]
    );
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_body_is_made_anew() {
    let (double, delivered) = delivered_through(&[Step::Reset, Step::Reset], &[]).await;
    assert_eq!((delivered.again.len(), double.n_writes_max()), (2, 1));
    assert!(
        delivered.again[0].contains("cannot be reached: "),
        "{}",
        delivered.again[0]
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer_and_what_was_taken_is_overwritten() {
    let (double, delivered) = delivered_through(&[Step::Truncate], &[]).await;
    assert!(
        delivered.again[0].contains("broke off its answer: "),
        "{}",
        delivered.again[0]
    );
    // The server had them; ids saw to it that they are there once.
    assert_eq!(double.n_writes_max(), 2);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_answer() {
    for body in [
        "<html>login</html>",
        "{}",
        r#"{"items":[{"index":{"status":201}}]}"#,
    ] {
        let (_, delivered) = delivered_through(&[Step::Status(200, body)], &[]).await;
        assert_eq!(delivered.again.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn of_a_bulk_that_is_taken_in_part_only_the_rest_is_repeated() {
    let busy = Step::Half(429, "es_rejected_execution_exception");
    let (double, delivered) = delivered_through(&[busy.clone(), busy], &[]).await;
    // 10, the 5 of them that were not taken, and the 2 of those.
    let lines = |body: &[u8]| body.iter().filter(|byte| **byte == b'\n').count() / 2;
    let bulks = double
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("_bulk"));
    assert_eq!(
        bulks
            .map(|request| lines(&request.body))
            .collect::<Vec<_>>(),
        [10, 5, 2]
    );
    assert_eq!(double.n_writes_max(), 1);
    assert_eq!(
        delivered.again[0],
        "es_rejected_execution_exception: not now"
    );
}

#[tokio::test]
async fn a_storm_of_429_ends_with_every_finding_there_once() {
    let mut script = Vec::new();
    for _ in 0..30 {
        script.push(Step::Status(429, ""));
        script.push(Step::Half(429, "circuit_breaking_exception"));
    }
    let double = Double::start(script).await;
    let findings = [many(TIME, 500), many(TIME + 1, 500)];
    let mut output = open(
        &[("hosts", &double.url), ("bulk_size", "4KB")],
        &findings[0],
    )
    .await;
    let delivered = deliver(&mut output, &findings).await;
    assert_eq!(
        (
            delivered.n_safe,
            double.documents().len(),
            double.n_writes_max()
        ),
        (1000, 1000, 1)
    );
}

#[tokio::test]
async fn what_was_taken_before_a_failure_is_not_sent_again() {
    let double = Double::start([Step::Answer, Step::Answer, Step::Status(503, "")]).await;
    let findings = many(TIME, 40);
    let mut output = open(&[("hosts", &double.url), ("bulk_size", "1KB")], &findings).await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!(
        (
            delivered.n_safe,
            delivered.again.len(),
            double.n_writes_max()
        ),
        (40, 1, 1)
    );
}

#[tokio::test]
async fn a_bulk_that_is_too_large_is_sent_in_halves_and_the_next_are_smaller() {
    let double = Double::start([]).await;
    double.bytes_max(2000);
    let findings = many(TIME, 100);
    let mut output = open(&[("hosts", &double.url)], &findings).await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!(
        (
            delivered.n_safe,
            delivered.again.len(),
            double.n_writes_max()
        ),
        (100, 0, 1)
    );
    let n_before = double.n_bulks();
    deliver(&mut output, &[many(TIME + 1, 100)]).await;
    let later = &double.requests()[n_before..];
    assert!(later.iter().all(|request| request.body.len() <= 2000));
    assert_eq!(double.documents().len(), 200);
}

#[tokio::test]
async fn a_document_that_is_too_large_alone_is_refused_and_the_others_arrive() {
    let double = Double::start([]).await;
    double.bytes_max(2000);
    let large = "x".repeat(3000);
    let findings = batch(TIME, &["a", "b", &large, "c", "d"]);
    let mut output = open(&[("hosts", &double.url)], &findings).await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    let host = double.url.strip_prefix("http://").unwrap();
    let reason = format!("{host} answered 413 Payload Too Large");
    assert_eq!(
        delivered.refused,
        [(findings.ids[2].clone(), reason)].into()
    );
    assert_eq!(
        (
            delivered.n_safe,
            double.documents().len(),
            double.n_writes_max()
        ),
        (4, 4, 1)
    );
}

#[tokio::test]
async fn a_document_that_spoils_its_request_is_found_and_refused() {
    let spoilt = r#"{"error":{"type":"x_content_parse_exception","reason":"too deep"}}"#;
    // The whole, its first half of five, then of that the first two of whom the first is to blame.
    let script = [
        Step::Status(400, spoilt),
        Step::Status(400, spoilt),
        Step::Status(400, spoilt),
        Step::Status(400, spoilt),
    ];
    let double = Double::start(script).await;
    let findings = many(TIME, 10);
    let mut output = open(&[("hosts", &double.url)], &findings).await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!(
        delivered.refused.keys().collect::<Vec<_>>(),
        [&findings.ids[0]]
    );
    assert!(delivered.refused[&findings.ids[0]].ends_with("x_content_parse_exception: too deep"));
    assert_eq!(
        (
            delivered.n_safe,
            double.documents().len(),
            double.n_writes_max()
        ),
        (9, 9, 1)
    );
}

#[tokio::test]
async fn a_refused_login_waits_for_the_file_to_be_mended() {
    let double = Double::start([]).await;
    double.login("ApiKey bmV3");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "old\n").unwrap();
    let findings = many(TIME, 10);
    let entries = [
        ("hosts", double.url.as_str()),
        ("api_key_file", file.to_str().unwrap()),
    ];
    let mut output = open(&entries, &findings).await;
    let mut n_tries = 0;
    let delivered = deliver_with(
        &mut output,
        std::slice::from_ref(&findings),
        async |reason| {
            n_tries += 1;
            match n_tries {
                1 => assert!(
                    reason.ends_with("answered 401 Unauthorized: security_exception: who are you"),
                    "{reason}"
                ),
                2 => std::fs::remove_file(&file).unwrap(),
                3 => assert!(reason.contains("cannot read"), "{reason}"),
                _ => std::fs::write(&file, "bmV3\n").unwrap(),
            }
        },
    )
    .await;
    assert_eq!(
        (
            delivered.n_safe,
            delivered.again.len(),
            double.n_writes_max()
        ),
        (10, 4, 1)
    );
}

#[tokio::test]
async fn a_user_and_password_are_sent_by_basic_authentication() {
    let double = Double::start([]).await;
    double.login("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let findings = many(TIME, 1);
    let entries = [
        ("hosts", double.url.as_str()),
        ("user", "Aladdin"),
        ("es.net.http.auth.pass", "open sesame"),
    ];
    let mut output = open(&entries, &findings).await;
    assert_eq!(deliver(&mut output, &[findings]).await.n_safe, 1);
}

#[tokio::test]
async fn a_server_that_is_away_leads_to_the_next_one() {
    let double = Double::start([]).await;
    let findings = many(TIME, 10);
    // Nobody listens on port 1.
    let hosts = format!("http://127.0.0.1:1, {}", double.url);
    let mut output = open(&[("hosts", &hosts)], &findings).await;
    assert_eq!(
        output.delivered(3),
        "Inserted 3 Documents in Elasticsearch 127.0.0.1:1"
    );
    let delivered = deliver(&mut output, &[findings]).await;
    assert_eq!((delivered.n_safe, delivered.again.len()), (10, 1));
    assert_eq!(
        delivered.again[0],
        "127.0.0.1:1 cannot be reached: Connection refused (os error 111)"
    );
    let host = double.url.strip_prefix("http://").unwrap();
    assert_eq!(
        output.delivered(10),
        format!("Inserted 10 Documents in Elasticsearch {host}")
    );
}

#[tokio::test]
async fn a_compressed_request_says_so() {
    let (double, _) = delivered_through(&[], &[("compress", "true")]).await;
    let requests = double.requests();
    let bulk = requests.last().unwrap();
    assert_eq!(bulk.headers["content-encoding"], "gzip");
    // The length on the wire is far below that of the body, which is much alike.
    let sent: usize = bulk.headers["content-length"].parse().unwrap();
    assert!(sent * 2 < bulk.body.len(), "{sent} of {}", bulk.body.len());
}

#[tokio::test]
async fn no_header_asks_for_a_version_or_a_product() {
    let (double, _) = delivered_through(&[], &[]).await;
    for request in double.requests() {
        assert_eq!(request.headers["accept"], "application/json");
        assert!(!request.headers["content-type"].contains("compatible-with"));
        assert!(!request.headers.contains_key("x-elastic-client-meta"));
    }
}

#[tokio::test]
async fn the_template_is_installed_once_and_waits_for_the_server() {
    let double = Double::start([]).await;
    double.template_script([Step::Status(503, ""), Step::Answer, Step::Status(429, "")]);
    let findings = many(TIME, 10);
    let mut output = open(
        &[("hosts", &double.url), ("index_name", "web-{date}")],
        &findings,
    )
    .await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!((delivered.n_safe, delivered.again.len()), (10, 2));
    let templates = double.templates();
    let template = &templates["_index_template/datashark-web-date"];
    assert_eq!(template["index_patterns"], json!(["web-*"]));
    let n_before = double.requests().len();
    deliver(&mut output, &[findings]).await;
    assert_eq!(double.requests().len(), n_before + 1);
}

#[tokio::test]
async fn a_server_without_composable_templates_gets_a_legacy_one() {
    let double = Double::start([]).await;
    let unknown = r#"{"error":"no handler found for uri [/_index_template/datashark-usecase] and method [GET]"}"#;
    double.template_script([Step::Status(400, unknown)]);
    let findings = many(TIME, 1);
    let mut output = open(&[("hosts", &double.url)], &findings).await;
    deliver(&mut output, &[findings]).await;
    let templates = double.templates();
    let mappings = &templates["_template/datashark-usecase"]["mappings"];
    assert_eq!(
        mappings["properties"]["anomaly_score"],
        json!({"type": "double"})
    );
    assert_eq!(mappings["_meta"]["managed_by"], "datashark");
}

#[tokio::test]
async fn findings_are_written_without_a_template_where_none_may_be_installed() {
    for script in [
        vec![Step::Status(403, "")],
        vec![
            Step::Answer,
            Step::Status(400, r#"{"error":"same priority"}"#),
        ],
    ] {
        let double = Double::start([]).await;
        double.template_script(script);
        let findings = many(TIME, 1);
        let mut output = open(&[("hosts", &double.url)], &findings).await;
        let delivered = deliver(&mut output, &[findings]).await;
        assert_eq!(
            (
                delivered.n_safe,
                delivered.again.len(),
                double.templates().len()
            ),
            (1, 0, 0)
        );
    }
}

#[tokio::test]
async fn without_a_template_nothing_is_asked() {
    let (double, _) = delivered_through(&[], &[("template", "false")]).await;
    assert_eq!(double.requests().len(), 1);
}
