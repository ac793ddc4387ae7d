//! What a running daemon answers by HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use crate::shark::{Folder, Running, root, wait_until};

/// Hits per source and minute, by event time, without those of a scanner.
const STREAM: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = query.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\ntimestamp_format = rfc3339\n[codec]\nformat = json\n[log_filter]\n[[exclude]]\nsource = scanner\n[in_file]\nfolder_path = ../../logs\n[out_csv]\npath = hits.csv\n";
const QUERY: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";

pub(crate) fn hit(time: &str, source: &str) -> String {
    format!("{{\"time\": \"2026-03-01T12:{time}Z\", \"source\": \"{source}\"}}\n")
}

/// A folder with a stream over a log of six records: one is filtered, one invalid, one late.
pub(crate) fn with_hits() -> Folder {
    let folder = Folder::new();
    folder.write("conf/hits/hits.conf", STREAM);
    folder.write("conf/hits/query.sql", QUERY);
    let log = [
        hit("00:01", "a"),
        hit("00:02", "a"),
        hit("00:03", "scanner"),
        "no json\n".to_owned(),
        hit("01:30", "b"),
        hit("00:05", "c"),
    ];
    folder.write("logs/a.json", log.concat());
    folder
}

/// Starts the daemon at a free port; gives its address.
pub(crate) fn start_at(folder: &Folder, address: &str) -> (Running, String) {
    let running = folder.start(&["start", "--http", address]);
    let address = address_of(&running);
    (running, address)
}

fn address_of(running: &Running) -> String {
    let mut address = None;
    wait_until("the address is said", || {
        let said = running.stderr();
        // The whole line is there.
        let mut lines = said
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        address =
            lines.find_map(|line| Some(line.strip_prefix("HTTP: http://")?.trim().to_owned()));
        address.is_some()
    });
    address.unwrap()
}

/// Asks; gives the status and the answer.
pub(crate) fn ask(address: &str, path: &str, host: Option<&str>) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(format!("http://{address}{path}"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    })
}

fn get(address: &str, path: &str) -> String {
    let (status, answer) = ask(address, path, None);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// The metrics by name and labels, but for `partition_id`, which is a file's inode.
fn metrics(address: &str) -> BTreeMap<String, f64> {
    let text = get(address, "/metrics");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let series = match series.split_once(",partition_id=\"") {
            Some((before, after)) => before.to_owned() + after.split_once('"').unwrap().1,
            None => series.to_owned(),
        };
        (series, value.parse().unwrap())
    };
    samples.map(sample).collect()
}

/// The names of the metrics that a text has.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| {
        (word.starts_with("datashark_") || word.starts_with("process_")) && word.len() > 10
    };
    words.filter(is_metric).map(str::to_owned).collect()
}

/// The names of the metrics that are given; a histogram's are those of its series, too.
fn given(address: &str) -> BTreeSet<String> {
    let text = get(address, "/metrics");
    let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    typed
        .flat_map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            let of_histogram =
                ["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}"));
            let others = of_histogram
                .into_iter()
                .filter(move |_| kind == "histogram");
            std::iter::once(name.to_owned()).chain(others)
        })
        .collect()
}

pub(crate) fn stop(running: Running) {
    running.signal("TERM");
    running.finish().ends(0);
}

#[test]
fn metrics_have_what_became_of_every_record() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    let partition = folder.path("conf/hits/../../logs/a.json");
    let partition = partition.strip_prefix(folder.path("")).unwrap().display();
    let of_records =
        |name: &str| format!("datashark_{name}{{use_case=\"Hits\",partition=\"{partition}\"}}");
    let n_bytes = folder.len("logs/a.json");
    let expected: BTreeMap<String, u64> = BTreeMap::from([
        (of_records("records_read_total"), 6),
        (of_records("records_filtered_total"), 1),
        (of_records("records_invalid_total"), 1),
        (of_records("records_late_total"), 1),
        (of_records("records_aggregated_total"), 3),
        (of_records("records_in_flight"), 0),
        (of_records("read_bytes_total"), n_bytes),
        (of_records("partition_offset"), n_bytes),
        (of_records("partition_lag_bytes"), 0),
        ("datashark_open_windows{use_case=\"Hits\"}".to_owned(), 1),
        ("datashark_windows_total{use_case=\"Hits\"}".to_owned(), 1),
        ("datashark_findings_total{use_case=\"Hits\"}".to_owned(), 1),
        (
            "datashark_conservation_gap{use_case=\"Hits\"}".to_owned(),
            0,
        ),
        (
            "datashark_use_case_state{use_case=\"Hits\",state=\"running\"}".to_owned(),
            1,
        ),
        (
            "datashark_use_case_state{use_case=\"Hits\",state=\"failed\"}".to_owned(),
            0,
        ),
        (
            "datashark_findings_delivered_total{use_case=\"Hits\",output=\"csv\"}".to_owned(),
            1,
        ),
        (
            "datashark_findings_refused_total{use_case=\"Hits\",output=\"csv\"}".to_owned(),
            0,
        ),
        (
            "datashark_output_retries_total{use_case=\"Hits\",output=\"csv\"}".to_owned(),
            0,
        ),
        (
            "datashark_output_latency_seconds_count{use_case=\"Hits\",output=\"csv\"}".to_owned(),
            1,
        ),
        // 2026-03-01T12:01:30Z.
        (
            "datashark_watermark_seconds{use_case=\"Hits\"}".to_owned(),
            1_772_366_490,
        ),
        (of_records("partition_event_time_seconds"), 1_772_366_490),
        (of_records("partition_idle"), 0),
    ]);
    let expected: BTreeMap<_, _> = expected
        .into_iter()
        .map(|(name, n)| (name, Some(n)))
        .collect();
    let mut found = BTreeMap::new();
    wait_until("all is counted", || {
        let metrics = metrics(&address);
        let of = |name: &String| (name.clone(), metrics.get(name).map(|value| *value as u64));
        found = expected.keys().map(of).collect();
        found == expected || !running_still(&metrics)
    });
    assert_eq!(found, expected);
    let metrics = metrics(&address);
    assert!(metrics["datashark_window_state_bytes{use_case=\"Hits\"}"] > 0.0);
    assert!(metrics["datashark_watermark_lag_seconds{use_case=\"Hits\"}"] > 0.0);
    assert!(metrics["process_resident_memory_bytes"] > 1e6);
    wait_until("the invalid record is in quarantine", || {
        let metrics = self::metrics(&address);
        metrics["datashark_quarantine_bytes{use_case=\"Hits\",kind=\"records\"}"] > 0.0
    });
    let json: serde_json::Value = serde_json::from_str(&get(&address, "/api/usecases")).unwrap();
    let use_case = &json["use_cases"][0];
    assert_eq!(use_case["state"], "running");
    assert_eq!(use_case["run"]["total"]["late"], 1);
    assert_eq!(use_case["outputs"]["csv"]["n_delivered"], 1);
    stop(running);
}

/// Whether waiting on makes sense: a use case that has failed counts nothing more.
fn running_still(metrics: &BTreeMap<String, f64>) -> bool {
    let failed = metrics.get("datashark_use_case_state{use_case=\"Hits\",state=\"failed\"}");
    failed.is_none_or(|failed| *failed == 0.0)
}

#[test]
fn every_metric_of_the_dashboard_is_given_and_every_one_given_is_documented() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    let is_ready = || ask(&address, "/readyz", None).0 == 200;
    wait_until("it is ready", is_ready);
    let given = given(&address);
    let dashboard = std::fs::read_to_string(root().join("monitoring/datashark.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 10);
    for target in panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let query = target["expr"].as_str().unwrap();
        let names = names_in(query);
        assert!(!names.is_empty(), "{query}");
        assert!(names.is_subset(&given), "{query}");
    }
    let readme = std::fs::read_to_string(root().join("monitoring/README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeSet<String> = rows
        .map(|row| row.split('`').nth(1).unwrap().to_owned())
        .collect();
    let is_series = |name: &String| {
        ["_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
    };
    let given: BTreeSet<String> = given.into_iter().filter(|name| !is_series(name)).collect();
    assert_eq!(documented, given);
    stop(running);
}

#[test]
fn the_dashboard_is_what_the_script_writes() {
    let folder = Folder::new();
    let script = root().join("monitoring/grafana.py");
    let written = folder.path("written.json");
    let run = std::process::Command::new("python3")
        .arg(script)
        .arg(&written)
        .status();
    let Ok(run) = run else {
        datashark_test_data::skipped("there is no python3");
        return;
    };
    assert!(run.success());
    let checked_in = std::fs::read_to_string(root().join("monitoring/datashark.json")).unwrap();
    assert!(
        folder.read("written.json") == checked_in,
        "run monitoring/grafana.py"
    );
}

#[test]
fn it_is_ready_when_every_stream_runs_and_alive_before() {
    let folder = with_hits();
    // A folder in the place of a file.
    folder.write("hits.csv/x", "");
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    wait_until("it says what is not ready", || {
        let (status, why) = ask(&address, "/readyz", None);
        status == 503 && why.starts_with("Hits: failed: ") && why.contains("hits.csv")
    });
    assert_eq!(get(&address, "/healthz"), "ok\n");
    std::fs::remove_dir_all(folder.path("hits.csv")).unwrap();
    wait_until("it is ready", || ask(&address, "/readyz", None).0 == 200);
    let restarts = metrics(&address)["datashark_use_case_restarts_total{use_case=\"Hits\"}"];
    assert!(restarts >= 1.0);
    stop(running);
}

#[test]
fn a_taken_address_ends_the_start_with_one_line() {
    let folder = with_hits();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.write("datashark.conf", format!("[engine]\nhttp = {address}\n"));
    let ran = folder.run_as_is(&["start"]).ends(1);
    ran.says(&[
        &format!("error: HTTP cannot listen at {address}: Address already in use"),
        "`[engine] http` or `--http` gives another address, or `off`\n",
    ]);
    assert!(folder.read("hits.csv").is_empty());
}

#[test]
fn a_name_that_pretends_to_be_this_machine_is_refused() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    assert_eq!(
        ask(&address, "/healthz", Some("attacker.example:9600")).0,
        403
    );
    assert_eq!(ask(&address, "/healthz", Some("localhost:9600")).0, 200);
    assert_eq!(ask(&address, "/healthz", Some("[::1]:9600")).0, 200);
    stop(running);
}

#[test]
fn an_address_that_others_reach_is_noted() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "0.0.0.0:0");
    let port = address.rsplit_once(':').unwrap().1;
    assert_eq!(
        ask(
            &format!("127.0.0.1:{port}"),
            "/healthz",
            Some("shark.example")
        )
        .0,
        200
    );
    running.signal("TERM");
    let note = format!("note: http://{address} has no login");
    running.finish().ends(0).says(&[&note]);
}

#[test]
fn one_run_answers_only_where_it_is_asked_to() {
    let folder = with_hits();
    let conf = "conf/hits/hits.conf";
    let ran = folder.run(&["standalone", "--once", conf]).ends(0);
    assert!(!ran.stderr.contains("HTTP"), "{}", ran.stderr);
    let running = folder.start(&[
        "standalone",
        conf,
        "--http",
        "127.0.0.1:0",
        "--state",
        "other",
    ]);
    let address = address_of(&running);
    wait_until("it is ready", || ask(&address, "/readyz", None).0 == 200);
    wait_until("all is counted", || {
        let metrics = metrics(&address);
        let read = metrics
            .iter()
            .filter(|(name, _)| name.starts_with("datashark_records_read_total"));
        read.map(|(_, n)| n).sum::<f64>() == 6.0
    });
    stop(running);
}
