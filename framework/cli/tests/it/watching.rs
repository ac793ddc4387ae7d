//! Watching a daemon: `tap`, `top`, what the service manager is told, the log.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::http::{ask, hit, start_at, stop, with_hits};
use crate::shark::{Running, start, wait_until};

#[test]
fn a_tap_shows_what_flows_before_and_behind_the_filter_and_the_findings() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    wait_until("it is ready", || ask(&address, "/readyz", None).0 == 200);
    let tap = |args: &[&str]| {
        folder.start(&[&["tap", "hits", "--http", &address, "-n", "40"], args].concat())
    };
    let (records, all, findings) = (tap(&[]), tap(&["--before-filter"]), tap(&["--findings"]));
    let mut minutes = 2;
    wait_until("the taps show enough", || {
        // A window of its own each, so that there are findings.
        let (hour, minute) = (12 + minutes / 60, minutes % 60);
        let hit = |source| hit("00:10", source).replace("12:00", &format!("{hour}:{minute:02}"));
        folder.append("logs/a.json", &(hit("a") + &hit("scanner")));
        minutes = (minutes + 1).min(60 * 12 - 1);
        let shows = |tap: &Running, text: &str| tap.stdout().contains(text);
        let has_findings = shows(&findings, "\"key\":\"a\"");
        shows(&records, "columns") && shows(&all, "scanner") && has_findings
    });
    let first = |tap: &Running| -> serde_json::Value {
        serde_json::from_str(tap.stdout().lines().next().unwrap()).unwrap()
    };
    let record = first(&records);
    assert!(record["offset"].as_u64().unwrap() > 0, "{record}");
    assert_eq!(record["columns"]["source"], "a", "{record}");
    assert!(
        record["record"]
            .as_str()
            .unwrap()
            .contains("\"source\": \"a\"")
    );
    assert!(
        !records.stdout().contains("scanner"),
        "{}",
        records.stdout()
    );
    assert!(first(&all).get("columns").is_none());
    let finding = findings.stdout();
    let finding = finding.lines().find(|line| line.contains("\"key\":\"a\""));
    let finding: serde_json::Value = serde_json::from_str(finding.unwrap()).unwrap();
    assert_eq!(finding["title"], "Hits");
    assert_eq!(finding["score"], 1.0);
    let unknown = folder.run(&["tap", "nope", "--http", &address]).ends(1);
    unknown.says(&["error: no use case `nope` runs here; those that do are Hits\n"]);
    stop(running);
    // They end with the daemon.
    for tap in [records, all, findings] {
        tap.finish().ends(0);
    }
}

#[test]
fn top_shows_the_use_cases_on_a_terminal_until_q() {
    let folder = with_hits();
    let (running, address) = start_at(&folder, "127.0.0.1:0");
    wait_until("it is ready", || ask(&address, "/readyz", None).0 == 200);
    folder
        .run(&["top", "--http", &address])
        .ends(1)
        .says(&["needs a terminal"]);
    folder.script("mkfifo keys").ends(0);
    let top = format!(
        "script -qefc 'stty cols 170 rows 24; $datashark top --http {address}' /dev/null < keys"
    );
    let top = folder.start_script(&top);
    let mut keys = OpenOptions::new()
        .write(true)
        .open(folder.path("keys"))
        .unwrap();
    wait_until("the use case is shown", || {
        let shown = top.output();
        // What stays as it was, blanks too, is not written again.
        ["Hits", "running", "partitions", "csv"]
            .iter()
            .all(|text| shown.contains(text))
    });
    keys.write_all(b"q").unwrap();
    top.finish().ends(0);
    stop(running);
    let away = folder.run(&["tap", "hits", "--http", &address]).ends(1);
    away.says(&[&format!("error: no daemon answers at {address}\n")]);
}

#[test]
fn the_service_manager_is_told_what_the_daemon_does() {
    let folder = with_hits();
    let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let mut command = folder.command(&["start"]);
    command
        .env("NOTIFY_SOCKET", folder.path("notify"))
        .env("WATCHDOG_USEC", "100000");
    let running = start(command);
    let mut told = Vec::new();
    let mut wait_for = |line: &str| {
        let mut message = [0; 4096];
        loop {
            let n = socket.recv(&mut message).expect(line);
            let text = String::from_utf8_lossy(&message[..n]).into_owned();
            let is_it = text.lines().any(|said| said == line);
            told.push(text);
            if is_it {
                return told.last().unwrap().clone();
            }
        }
    };
    let ready = wait_for("READY=1");
    assert!(ready.contains("STATUS=1 "), "{ready}");
    wait_for("WATCHDOG=1");
    wait_for("STATUS=1 running");
    wait_for("WATCHDOG=1");
    running.signal("HUP");
    let reloading = wait_for("RELOADING=1");
    assert!(reloading.contains("\nMONOTONIC_USEC="), "{reloading}");
    wait_for("READY=1");
    running.signal("TERM");
    wait_for("STOPPING=1");
    running.finish().ends(0);
}

#[test]
fn a_log_in_json_is_an_object_a_line_whatever_is_said() {
    let folder = with_hits();
    folder.write("datashark.conf", "[engine]\nlog_format = json\n");
    let running = folder.start(&["start"]);
    wait_until("the finding is written", || {
        folder.rows("hits.csv") == ["a,2"]
    });
    running.signal("TERM");
    let ran = running.finish().ends(0);
    let lines = ran.stderr.lines();
    let lines: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let says = |text: &str| {
        let mut messages = lines.iter().filter_map(|line| line["message"].as_str());
        messages.any(|message| message.contains(text))
    };
    assert!(
        says("Loaded Confs: ['conf/hits/hits.conf']"),
        "{}",
        ran.stderr
    );
    assert!(
        says("Written 1 Documents to CSV File hits.csv"),
        "{}",
        ran.stderr
    );
    assert!(says("invalid record in"), "{}", ran.stderr);
    assert!(
        lines
            .iter()
            .all(|line| line["timestamp"].is_string() && line["level"].is_string())
    );
}
