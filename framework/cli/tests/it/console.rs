//! What a run shows, with `-d` and without.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::shark::{Folder, root};

/// The words of a file and their counts as Python has them; `None` without Python.
fn python_counts(path: &std::path::Path) -> Option<BTreeMap<String, u64>> {
    let program = "import collections, sys\n\
        text = open(sys.argv[1], encoding='utf-8').read()\n\
        for word, n in collections.Counter(text.lower().split()).items(): print(n, word)";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(path)
        .output()
        .ok()?;
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let (n, word) = line.split_once(' ').unwrap();
        (word.to_owned(), n.parse().unwrap())
    };
    Some(text.lines().map(pair).collect())
}

/// The pairs of `('word', count)` lines; nothing else may be there.
fn tuples(text: &str) -> BTreeMap<String, u64> {
    let pair = |line: &str| {
        let inner = line
            .strip_prefix("('")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap();
        let (word, n) = inner.rsplit_once("', ").unwrap();
        (
            word.replace("\\'", "'").replace("\\\\", "\\"),
            n.parse().unwrap(),
        )
    };
    text.lines().map(pair).collect()
}

#[test]
fn word_count_with_d_prints_each_word_once_with_the_count_that_python_has() {
    let folder = Folder::new();
    let conf = folder.with_shipped("wordcount");
    let ran = folder
        .run(&["standalone", "-d", conf.to_str().unwrap()])
        .ends(0);
    assert_eq!(ran.stdout.lines().count(), 1384);
    let words = tuples(&ran.stdout);
    assert_eq!(words.len(), 1384);
    match python_counts(&root().join("conf/wordcount/wordcount.txt")) {
        Some(expected) => assert_eq!(words, expected),
        None => assert_eq!(
            (words["the"], words["gnu"], words["copyleft"]),
            (344, 16, 5)
        ),
    }
    assert!(folder.read("usecase1.csv").is_empty());
}

#[test]
fn word_count_with_d_says_who_runs_on_standard_error() {
    let folder = Folder::new();
    let conf = folder.with_shipped("wordcount");
    let conf = conf.to_str().unwrap();
    let loaded = format!("Loaded Confs: ['{conf}']\n");
    folder.run(&["standalone", "-d", conf]).ends(0).says(&[
        "dataShark ",
        " - standalone mode\n",
        &loaded,
        "[*] Debug Mode is ON\n",
    ]);
}

#[test]
fn word_count_without_d_writes_a_row_for_each_word_and_says_how_many() {
    let folder = Folder::new();
    let conf = folder.with_shipped("wordcount");
    let ran = folder
        .run(&["standalone", conf.to_str().unwrap()])
        .ends(0)
        .prints_nothing();
    ran.says(&[" - (Word Count) - Written 1384 Documents to CSV File usecase1.csv\n"]);
    let text = folder.read("usecase1.csv");
    assert_eq!(text.lines().count(), 1384);
    assert!(!text.contains('\r'));
    let the = text.lines().find(|line| line.contains(",the,")).unwrap();
    let (time, rest) = the.split_at("2016-10-14 13:01:39".len());
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!((shape.as_str(), rest), ("0000-00-00 00:00:00", ",the,344"));
}

#[test]
fn a_run_ends_with_the_account_of_every_record() {
    let folder = Folder::new();
    let conf = folder.with_shipped("wordcount");
    let n_lines = folder.read("wordcount/wordcount.txt").lines().count() as u64;
    let ran = folder.run(&["standalone", conf.to_str().unwrap()]).ends(0);
    assert_eq!(ran.account(), [n_lines, 0, 0, 0, n_lines]);
    ran.says(&[
        "Read 674 records (",
        " bytes) in ",
        " s = 0 filtered + 0 invalid + 0 late + 674 aggregated + 0 in flight\n",
        "1,384 findings in 1 window; conservation gap 0\n",
    ]);
}

#[test]
fn top_sources_with_d_prints_the_busiest_first_with_its_metadata() {
    let folder = Folder::new();
    let conf = folder.with_shipped("top-sources");
    let ran = folder
        .run(&["standalone", "-d", conf.to_str().unwrap()])
        .ends(0);
    let scores = ran.stdout.lines().map(|line| {
        let (key, rest) = line.strip_prefix("('").unwrap().split_once("', ").unwrap();
        let (score, metadata) = rest.split_once(", {").unwrap();
        assert!(
            metadata.starts_with("'bytes': ") && metadata.contains("'first_seen': '2"),
            "{line}"
        );
        (key.to_owned(), score.parse::<u64>().unwrap())
    });
    let scores: Vec<(String, u64)> = scores.collect();
    // The same count, by hand of the shell's tools.
    let script = "cut -d' ' -f1 top-sources/access.log | LC_ALL=C sort | uniq -c \
                  | LC_ALL=C sort -k1,1nr -k2 | head -n 20 | awk '{print $2, $1}'";
    let expected = folder.script(script).stdout;
    let found: String = scores
        .iter()
        .map(|(key, score)| format!("{key} {score}\n"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_window_is_printed_under_its_time() {
    let folder = Folder::new();
    let conf = folder.with_shipped("web-anomaly-detection");
    let ran = folder
        .run(&["standalone", "-d", "--once", conf.to_str().unwrap()])
        .ends(0);
    let rule = "-".repeat(43);
    let head: Vec<&str> = ran.stdout.lines().take(4).collect();
    assert_eq!((head[0], head[2]), (rule.as_str(), rule.as_str()));
    assert!(head[1].starts_with("Time: 2"), "{head:?}");
    assert!(
        head[3].starts_with("('") && head[3].contains(", {'cluster': "),
        "{head:?}"
    );
    ran.says(&["Web Anomaly Detection: input file, output console\n"]);
}

#[test]
fn a_debug_run_leaves_nothing_that_a_later_run_goes_on_from() {
    let folder = Folder::new();
    let conf = folder.with_shipped("web-anomaly-detection");
    let conf = conf.to_str().unwrap();
    let first = folder.run(&["standalone", "-d", "--once", conf]).ends(0);
    let second = folder.run(&["standalone", "-d", "--once", conf]).ends(0);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(
        folder
            .run(&["standalone", "--once", conf])
            .ends(0)
            .account(),
        first.account()
    );
}

#[test]
fn whoever_stops_reading_the_output_ends_the_run_cleanly() {
    let folder = Folder::new();
    // More than a pipe holds.
    let words: String = (0..50_000).map(|i| format!("word-{i}\n")).collect();
    folder.write("words.txt", words);
    folder.write("x.conf", "name = x\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = csv\n");
    let ran = folder.script("$datashark standalone -d x.conf | head -n 1; exit ${PIPESTATUS[0]}");
    let ran = ran.ends(0);
    assert_eq!(ran.stdout, "('word-0', 1)\n");
    assert!(
        !ran.stderr.contains("error") && !ran.stderr.contains("panicked"),
        "{}",
        ran.stderr
    );
}

#[test]
fn list_names_all_that_is_built_in() {
    let folder = Folder::new();
    let ran = folder.run(&["list"]).ends(0);
    for name in [
        "wordcount",
        "web-anomaly-detection",
        "NAME.sql",
        "file",
        "csv",
        "json",
        "regex",
        "combined",
        "common",
        "text",
    ] {
        let is_listed = ran
            .stdout
            .lines()
            .any(|line| line.starts_with(&format!("  {name} ")));
        assert!(is_listed, "`{name}` is not in\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_closed_standard_error_does_not_stop_a_run() {
    let folder = Folder::new();
    let conf = folder.with_shipped("wordcount");
    let mut command = folder.command(&["standalone", conf.to_str().unwrap()]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let _ = child.wait().unwrap();
    assert_eq!(folder.rows("usecase1.csv").len(), 1384);
}
