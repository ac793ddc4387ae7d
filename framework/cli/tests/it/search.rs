//! Findings in a real search server: each once, whatever dies on the way, and none lost that it
//! refuses.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use datashark_test_services::{SearchServer, Service};

use crate::shark::{Folder, wait_until};

/// Findings of the run in which everything dies; `DATASHARK_FINDINGS` says another number, and
/// `DATASHARK_OUTAGE` for how many seconds the server stays away the first time.
const N_FINDINGS: usize = 20_000;
/// Records of a window of a minute.
const N_PER_WINDOW: usize = 1_000;

/// The number in an environment variable.
pub(crate) fn asked(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |number| number.parse().unwrap())
}

/// The node's address, `host:port`.
pub(crate) fn address(service: &Service) -> String {
    let url = service.value("url");
    url.strip_prefix("http://")
        .unwrap()
        .trim_end_matches('/')
        .to_owned()
}

/// Asks the server; `None` where it is away.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// How many documents the index has; 0 where the server is away.
fn count(address: &str) -> u64 {
    ask(address, "POST", "/sources/_refresh", "");
    let answer = ask(address, "GET", "/sources/_count", "");
    answer
        .and_then(|answer| answer["count"].as_u64())
        .unwrap_or(0)
}

fn folder(address: &str, code: &str) -> Folder {
    let folder = Folder::new();
    let conf = format!(
        "name = Sources\ntype = streaming\nenabled = true\ncode = sources.sql\ninput = file\n\
         output = csv, elasticsearch\nwindow = 60s\ntimestamp_field = time\n[codec]\nformat = json\n\
         [in_file]\nfolder_path = logs\n[out_csv]\npath = out.csv\n\
         [out_elasticsearch]\nhosts = http://{address}\nindex_name = sources\nbulk_age = 0s\n"
    );
    folder.write("sources.conf", conf);
    folder.write("sources.sql", code);
    folder
}

fn time(second: usize) -> String {
    let (day, second) = (1 + second / 86_400, second % 86_400);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[test]
fn every_finding_is_there_once_though_server_and_run_are_killed() {
    let Some(mut server) = SearchServer::one().start("") else {
        return;
    };
    let n_findings = asked("DATASHARK_FINDINGS", N_FINDINGS);
    let address = address(&server);
    let folder = folder(
        &address,
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    let mut log = String::new();
    for i in 0..n_findings {
        let time = time(i / N_PER_WINDOW * 60);
        log += &format!("{{\"time\": \"{time}\", \"source\": \"source {i}\"}}\n");
    }
    // What closes the last window.
    let end = time(n_findings.div_ceil(N_PER_WINDOW) * 60 + 60);
    log += &format!("{{\"time\": \"{end}\", \"source\": \"end\"}}\n");
    folder.write("logs/a.json", log);

    let args = ["standalone", "sources.conf"];
    let there = |share: f64| {
        let wanted = (n_findings as f64 * share) as u64;
        wait_until("findings arrive", || count(&address) >= wanted);
    };
    server.stop();
    let mut running = folder.start(&args);
    wait_until("the run asks again", || {
        running.stderr().contains("trying again")
    });
    std::thread::sleep(Duration::from_secs(asked("DATASHARK_OUTAGE", 0) as u64));
    server.start_again();
    for share in [0.1, 0.3, 0.5] {
        there(share);
        server.kill();
        running.kill();
        running = folder.start(&args);
        server.start_again();
    }
    there(1.0);
    running.signal("INT");
    let ran = running.finish().ends(0);
    assert!(ran.stderr.contains("conservation gap 0"), "{}", ran.stderr);
    // The end's own window came with the stop.
    assert_eq!(count(&address), n_findings as u64 + 1);
    let rows = folder.rows("out.csv");
    assert_eq!(rows.len(), n_findings + 1, "each once in the csv file too");
    let query = r#"{"query": {"term": {"source_ip": "source 4711"}}}"#;
    let found = ask(&address, "POST", "/sources/_search", query).unwrap();
    let document = &found["hits"]["hits"][0]["_source"];
    assert_eq!(document["timestamp"], "2026-03-01T00:05:00Z");
    assert_eq!(document["anomaly_score"], 1.0);
}

#[test]
fn what_the_server_refuses_is_kept_and_delivered_once_its_mapping_is_mended() {
    let Some(server) = SearchServer::one().start("") else {
        return;
    };
    let address = address(&server);
    let with_note = |kind: &str| {
        let mapping =
            format!(r#"{{"mappings": {{"properties": {{"note": {{"type": "{kind}"}}}}}}}}"#);
        let made = ask(&address, "PUT", "/sources", &mapping).unwrap();
        assert_eq!(made["acknowledged"], true, "{made}");
    };
    with_note("integer");
    let folder = folder(
        &address,
        "SELECT source AS key, count(*) AS score, max(note) AS note FROM records GROUP BY source",
    );
    let mut log = String::new();
    for i in 0..3_000 {
        let note = if i % 1_000 == 7 { "odd" } else { "42" };
        let time = time(i / 100);
        log += &format!(
            "{{\"time\": \"{time}\", \"source\": \"source {i}\", \"note\": \"{note}\"}}\n"
        );
    }
    folder.write("logs/a.json", log);
    let ran = folder
        .run(&["standalone", "--once", "sources.conf"])
        .ends(1);
    ran.says(&["3 findings were refused"]);
    assert_eq!(count(&address), 2_997);
    assert_eq!(folder.rows("out.csv").len(), 3_000, "csv takes all");
    let list = folder.run(&["quarantine", "list"]).ends(0).stdout;
    assert!(
        list.contains("sources: 3 findings for elasticsearch"),
        "{list}"
    );
    assert!(list.contains("note"), "the server's reason: {list}");

    ask(&address, "DELETE", "/sources", "").unwrap();
    with_note("keyword");
    let replay = ["quarantine", "replay", "sources.conf"];
    folder
        .run(&replay)
        .ends(0)
        .says(&["3 findings delivered again: 0 refused"]);
    assert_eq!(count(&address), 3);
    folder.run(&["quarantine", "list"]).ends(0).prints_nothing();
    assert_eq!(
        folder.rows("out.csv").len(),
        3_000,
        "csv was given none again"
    );
}

#[test]
fn a_backfill_adds_what_was_missing_and_repeats_nothing() {
    let Some(server) = SearchServer::one().start("") else {
        return;
    };
    let address = address(&server);
    let folder = folder(
        &address,
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    let log = |minutes: std::ops::Range<usize>| {
        let hits = minutes.flat_map(|minute| (0..20).map(move |i| (time(minute * 60), i)));
        let line = |(time, i)| format!("{{\"time\": \"{time}\", \"source\": \"source {i}\"}}\n");
        hits.map(line).collect::<String>()
    };
    folder.write("logs/new.json", log(10..15));
    folder
        .run(&["standalone", "--once", "sources.conf"])
        .ends(0);
    assert_eq!(count(&address), 100);
    let rows = folder.rows("out.csv");
    // Logs of before the first start, as from a backup.
    folder.write("logs/old.json", log(0..10));
    let all = ["replay", "sources.conf", "--deliver"];
    folder
        .run(&all)
        .ends(2)
        .says(&["output `csv` takes no findings of the past"]);
    let backfill = ["replay", "sources.conf", "--deliver=elasticsearch"];
    for _ in 0..2 {
        let ran = folder.run(&backfill).ends(0).prints_nothing();
        assert_eq!(ran.account(), [300, 0, 0, 0, 300]);
        assert_eq!(count(&address), 300);
    }
    assert_eq!(folder.rows("out.csv"), rows);
}
