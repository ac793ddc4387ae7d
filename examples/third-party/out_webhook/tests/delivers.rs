//! Runs the plugin in dataShark against a server on this machine that misbehaves: nothing is lost.

mod server;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use server::{Does, Server};

/// What came of a run.
struct Ran {
    is_ok: bool,
    said: String,
    /// Lines of the quarantine's list.
    kept: String,
}

/// Sends the words `w000`, `w001`, … to a server.
fn run(name: &str, server: &Server, n_words: usize, keys: &str) -> Ran {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Cargo builds the library beside this test.
    let built = env::current_exe().expect("the test's own path");
    let built = built.with_file_name("libout_webhook.so");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("webhook-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to run in");
    fs::copy(built, folder.join("libout_webhook.so")).expect("a copy of the library");
    fs::copy(here.join("conf/words.sql"), folder.join("words.sql")).expect("the query");
    let words: String = (0..n_words).map(|n| format!("w{n:03}\n")).collect();
    fs::write(folder.join("sample.txt"), words).expect("the words");
    let conf = fs::read_to_string(here.join("conf/webhook.conf")).expect("the conf");
    let url = format!("http://{}/findings", server.address());
    let conf = conf.replace("http://127.0.0.1:8080/findings", &url);
    let conf = conf.replace("    max_findings = 100\n", keys);
    fs::write(folder.join("webhook.conf"), conf).expect("the conf for the test");
    let datashark = |args: &[&str]| {
        let program = env::var_os("DATASHARK").unwrap_or_else(|| "datashark".into());
        let mut command = Command::new(program);
        let ran = command.args(args).current_dir(&folder).output();
        ran.expect("`datashark`, in $DATASHARK or the PATH")
    };
    let ran = datashark(&["standalone", "--once", "--state", "state", "webhook.conf"]);
    let listed = datashark(&["quarantine", "list", "--state", "state"]);
    Ran {
        is_ok: ran.status.success(),
        said: String::from_utf8_lossy(&ran.stderr).into_owned(),
        kept: String::from_utf8_lossy(&listed.stdout).into_owned(),
    }
}

fn words(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|n| format!("w{n:03}")).collect()
}

#[test]
fn the_sample_gives_what_is_expected() {
    let server = Server::start([]);
    let ran = run("sample", &server, 7, "max_findings = 3\n");
    assert!(ran.is_ok, "{}", ran.said);
    let taken = server.taken();
    let sizes: Vec<usize> = taken
        .iter()
        .map(|request| request.findings().len())
        .collect();
    assert_eq!(sizes, [3, 3, 1]);
    let finding = &taken[0].findings()[0];
    assert_eq!(finding["use_case"], "webhook");
    assert_eq!(finding["window"], serde_json::Value::Null);
    assert_eq!(finding["id"].as_str().map(str::len), Some(32));
    let document = &finding["finding"];
    assert_eq!(
        (&document["title"], &document["word"]),
        (&"Words".into(), &"w000".into())
    );
    assert_eq!(document["count"], 1.0);
    assert_eq!(taken[0].header("content-type"), Some("application/json"));
}

#[test]
fn what_a_server_does_not_take_at_once_comes_again_until_it_does() {
    let script = [
        Does::Answer(429, "Retry-After: 1\r\n"),
        Does::Take,
        Does::Answer(500, ""),
        Does::Reset,
        Does::Hang,
        Does::BreakOff,
        Does::Answer(503, ""),
        Does::Answer(404, ""),
    ];
    let server = Server::start(script);
    let keys = "max_findings = 10\nbackoff = 20ms\ntimeout = 500ms\nretries = 2\npatience = 5s\n";
    let ran = run("again", &server, 45, keys);
    assert!(ran.is_ok, "{}", ran.said);
    assert_eq!(server.keys(), words(0..45));
    // All have come, those of requests without an answer perhaps twice, with one id each.
    assert_eq!(server.ids().len(), 45);
    assert!(
        ran.said.contains("Sent 45 Documents to http://"),
        "{}",
        ran.said
    );
}

#[test]
fn a_server_that_was_away_gets_all_when_it_is_back() {
    // Nobody listens at first.
    let server = Server::reserve();
    let address = server.address();
    let back = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(2));
        server.open()
    });
    let away = Server::at(address);
    let ran = run(
        "away",
        &away,
        5,
        "max_findings = 2\nbackoff = 50ms\nretries = 1\n",
    );
    let server = back.join().expect("the server");
    assert!(ran.is_ok, "{}", ran.said);
    assert_eq!(server.keys(), words(0..5));
}

#[test]
fn one_finding_that_a_server_refuses_is_kept_and_the_others_arrive() {
    let server = Server::start([]).refusing("w005");
    let ran = run("refused", &server, 12, "max_findings = 8\n");
    assert_eq!(server.keys(), &words(0..12) - &words(5..6));
    assert!(
        ran.kept.contains('1') && ran.kept.contains("webhook"),
        "{}\n{}",
        ran.kept,
        ran.said
    );
    let says = ran.said.contains("422") && ran.said.contains("cannot take w005");
    assert!(says, "{}", ran.said);
}

#[test]
fn requests_begin_no_faster_than_they_may() {
    let server = Server::start([]);
    let ran = run(
        "rate",
        &server,
        5,
        "max_findings = 1\nrequests_per_minute = 300\n",
    );
    assert!(ran.is_ok, "{}", ran.said);
    assert_eq!(server.keys(), words(0..5));
    let times: Vec<_> = server.taken().iter().map(|request| request.at).collect();
    // Four waits of 200 ms; that they are no shorter is all that is promised.
    let lasted = times[4].duration_since(times[0]);
    assert!(
        lasted >= std::time::Duration::from_millis(750),
        "{lasted:?}"
    );
}

#[test]
fn a_rate_that_takes_longer_than_one_delivery_loses_nothing() {
    let server = Server::start([]);
    // A request every half second, and deliveries of a second each.
    let keys = "max_findings = 1\nrequests_per_minute = 120\npatience = 1s\nmax_age = 0s\n";
    let ran = run("slow", &server, 24, keys);
    assert!(ran.is_ok, "{}", ran.said);
    assert_eq!(server.keys(), words(0..24));
    assert_eq!(server.taken().len(), 24);
}

#[test]
fn a_server_that_takes_nothing_fails_the_run_which_says_so() {
    let server = Server::start([]).always(500);
    let keys = "max_findings = 10\nbackoff = 1ms\nretries = 0\n";
    let ran = run("never", &server, 3, keys);
    assert!(!ran.is_ok);
    assert!(server.keys().is_empty());
    assert!(
        ran.said.contains("500 Internal Server Error"),
        "{}",
        ran.said
    );
}
