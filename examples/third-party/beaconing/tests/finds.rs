//! Runs the plugin in dataShark: over the sample, and over real logs where they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The columns of findings that the reference has too, behind the key.
const NUMBERS: [&str; 10] = [
    "score",
    "connections",
    "interval_score",
    "interval_skewness",
    "interval_deviation",
    "size_score",
    "size_skewness",
    "size_deviation",
    "duration_score",
    "histogram_score",
];

/// A finding: its key and its numbers.
type Found = (String, Vec<f64>);

#[test]
fn the_sample_gives_what_is_expected() {
    let conf = fs::read_to_string(here("conf/beaconing.conf")).expect("the conf");
    let found = run("sample", &conf, &here("conf/conn.log"));
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["192.0.2.17 -> 198.51.100.66"]);
}

#[test]
fn every_score_of_the_sample_is_the_references() {
    let found = run("all", &conf(""), &here("conf/conn.log"));
    let reference = fs::read_to_string(here("tests/reference/expected.csv")).expect("the scores");
    agree(&found, &reference);
    // And they are what the reference gives today.
    if let Some(today) = reference_of(&here("conf/conn.log")) {
        assert_eq!(today, reference);
    }
}

#[test]
fn known_beacons_in_real_logs_are_found_first_with_the_references_scores() {
    let real = env::var_os("DATASHARK_DATA").map(PathBuf::from);
    let real = real
        .unwrap_or_else(|| here("../../../../shared/data"))
        .join("zeek");
    // What made connections that came about; the time is asked by clockwork too.
    let came_about = "[log_filter]\n[[include]]\nconn_state = ^(SF|S[1-3]|RST[OR])$\n\
                      [[exclude]]\nservice = ^ntp$\n";
    let logs = [
        // RITA's README names it: HTTP without a host, every 200 to 350 seconds.
        (
            "beacon_missing_host/2024-04-19_conn.log.gz",
            came_about,
            "73.54.23.243 -> 64.225.56.201",
        ),
        // RemcosRAT, which asks for a controller that refuses it.
        (
            "slips_labelled_remcos/conn.log.labeled",
            "",
            "192.168.1.107 -> 66.63.168.35",
        ),
    ];
    for (log, filter, beacon) in logs {
        let log = real.join(log);
        if !log.is_file() {
            eprintln!("SKIPPED: no real logs in {}", real.display());
            return;
        }
        let mut found = run("first", &conf(filter), &log);
        found.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]));
        assert_eq!(found[0].0, beacon, "{:?}", &found[..3.min(found.len())]);
        if let Some(reference) = reference_of(&log) {
            agree(&run("real", &conf(""), &log), &reference);
        }
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A conf that leaves no pair out.
fn conf(filter: &str) -> String {
    format!(
        "name = beaconing\ntype = batch\nenabled = true\ncode = libbeaconing.so\nfile = conn.log\n\
         output = csv\nmin_score = 0\n{filter}[out_csv]\npath = found\nheader = true\n"
    )
}

/// What is found in a log with a conf.
fn run(name: &str, conf: &str, log: &Path) -> Vec<Found> {
    // Cargo builds the library beside this test.
    let built = env::current_exe().expect("the test's own path");
    let built = built.with_file_name("libbeaconing.so");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("beaconing-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to run in");
    fs::copy(built, folder.join("libbeaconing.so")).expect("a copy of the library");
    let file = format!("file = {}", log.display());
    let conf = conf
        .replace("../target/release/", "")
        .replace("file    = conn.log", &file);
    let conf = conf.replace("file = conn.log", &file);
    fs::write(folder.join("beaconing.conf"), conf).expect("the conf for the test");
    let datashark = env::var_os("DATASHARK").unwrap_or_else(|| "datashark".into());
    let ran = Command::new(datashark)
        .args(["standalone", "--once", "--state"])
        .args([folder.join("state"), folder.join("beaconing.conf")])
        .current_dir(&folder)
        .output()
        .expect("`datashark`, in $DATASHARK or the PATH");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{said}");
    found(&fs::read_to_string(folder.join("found")).expect("what was found"))
}

fn found(csv: &str) -> Vec<Found> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let at = |name: &str| names.iter().position(|one| *one == name).expect(name);
    // Behind the time come the key and the score, whatever they are called.
    let numbers: Vec<usize> = [2]
        .into_iter()
        .chain(NUMBERS[1..].iter().map(|n| at(n)))
        .collect();
    let one = |line: &str| {
        let values: Vec<&str> = line.split(',').collect();
        let numbers = numbers
            .iter()
            .map(|at| values[*at].parse().expect("a number"));
        (values[1].to_owned(), numbers.collect())
    };
    lines.map(one).collect()
}

/// What the reference gives for a log, if there is a Python to run it.
fn reference_of(log: &Path) -> Option<String> {
    let mut python = Command::new("python3");
    let ran = python
        .arg(here("tests/reference/beacons.py"))
        .arg(log)
        .output();
    let Ok(ran) = ran else {
        eprintln!("SKIPPED: no python3 to run the reference");
        return None;
    };
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Some(String::from_utf8(ran.stdout).expect("text"))
}

fn agree(found: &[Found], reference: &str) {
    let found: BTreeMap<&str, &Vec<f64>> = found.iter().map(|(k, n)| (k.as_str(), n)).collect();
    let mut n_pairs = 0;
    for line in reference.lines().skip(1) {
        let (key, numbers) = line.split_once(',').expect("a key and numbers");
        let ours = found
            .get(key)
            .unwrap_or_else(|| panic!("{key} is not found"));
        for ((name, ours), theirs) in NUMBERS.iter().zip(*ours).zip(numbers.split(',')) {
            let theirs: f64 = theirs.parse().expect("a number");
            assert!(
                (ours - theirs).abs() <= 1e-9,
                "{key}: {name} {ours}, expected {theirs}"
            );
        }
        n_pairs += 1;
    }
    assert_eq!(found.len(), n_pairs);
}
