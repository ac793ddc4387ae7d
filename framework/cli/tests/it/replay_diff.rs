//! Two confs over the same past: what the one finds and the other does not.

use crate::replay::snapshot;
use crate::shark::Folder;

const HITS: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\n[out_csv]\npath = out.csv\n";
const COUNT: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";

fn hit(time: &str, source: &str, path: &str) -> String {
    format!(
        "{{\"time\": \"2024-03-01T12:{time}Z\", \"source\": \"{source}\", \"path\": \"{path}\"}}\n"
    )
}

/// Two minutes of hits, and a conf.
fn hits() -> Folder {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write("hits.sql", COUNT);
    let log = [
        hit("00:10", "a", "/x"),
        hit("00:20", "a", "/login"),
        hit("00:30", "b", "/x"),
        hit("01:10", "c", "/login"),
        hit("01:20", "b", "/x"),
        hit("01:30", "b", "/x"),
    ];
    folder.write("logs/a.json", log.concat());
    folder
}

#[test]
fn a_changed_filter_adds_removes_and_changes_findings() {
    let folder = hits();
    let filter = "[log_filter]\n[[exclude]]\npath = ^/x\n";
    let other = HITS.replace("name = Hits", "name = Filtered Hits");
    folder.write("other.conf", other + filter);
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    let before = snapshot(&folder);
    let args = ["replay", "hits.conf", "--diff", "other.conf"];
    let ran = folder.run(&args).ends(0);
    let first = "[2024-03-01T12:00:00Z, 2024-03-01T12:01:00Z)";
    let second = "[2024-03-01T12:01:00Z, 2024-03-01T12:02:00Z)";
    let expected = format!("~ {first} 'a' 2 -> 1\n- {first} 'b' 1\n- {second} 'b' 2\n");
    assert_eq!(ran.stdout, expected);
    ran.says(&[
        "Hits: the past ",
        "Filtered Hits: the past ",
        "0 findings added, 2 removed, 1 changed, 1 the same\n",
    ]);
    assert_eq!(snapshot(&folder), before);
    // The other way round.
    let back = folder.run(&["replay", "other.conf", "--diff", "hits.conf"]);
    assert_eq!(
        back.ends(0).stdout,
        format!("~ {first} 'a' 1 -> 2\n+ {first} 'b' 1\n+ {second} 'b' 2\n")
    );
    // As git has it.
    let args = [&args[..], &["--exit-code"]].concat();
    assert_eq!(folder.run(&args).ends(1).stdout, expected);
    let same = ["replay", "hits.conf", "--diff", "hits.conf", "--exit-code"];
    folder
        .run(&same)
        .ends(0)
        .prints_nothing()
        .says(&["0 findings added, 0 removed, 0 changed, 4 the same\n"]);
    // Only the first minute.
    let args = [
        "replay",
        "hits.conf",
        "--diff",
        "other.conf",
        "--to",
        "2024-03-01T12:01:00Z",
    ];
    assert_eq!(
        folder.run(&args).ends(0).stdout,
        format!("~ {first} 'a' 2 -> 1\n- {first} 'b' 1\n")
    );
}

#[test]
fn findings_of_other_windows_are_other_findings() {
    let folder = hits();
    folder.write("other.conf", HITS.replace("window = 60s", "window = 2m"));
    let args = ["replay", "hits.conf", "--diff", "other.conf"];
    let ran = folder.run(&args).ends(0);
    let minutes = [
        "[2024-03-01T12:00:00Z, 2024-03-01T12:01:00Z)",
        "[2024-03-01T12:01:00Z, 2024-03-01T12:02:00Z)",
    ];
    let both = "[2024-03-01T12:00:00Z, 2024-03-01T12:02:00Z)";
    let expected = [
        format!("- {} 'a' 2\n- {} 'b' 1\n", minutes[0], minutes[0]),
        format!("+ {both} 'a' 2\n+ {both} 'b' 3\n+ {both} 'c' 1\n"),
        format!("- {} 'b' 2\n- {} 'c' 1\n", minutes[1], minutes[1]),
    ];
    assert_eq!(ran.stdout, expected.concat());
    ran.says(&["3 findings added, 4 removed, 0 changed, 0 the same\n"]);
}

#[test]
fn a_changed_query_changes_scores_over_many_windows_and_keys() {
    let folder = hits();
    let mut log = String::new();
    for window in 0..50 {
        for key in 0..200 {
            let time = format!("{window:02}:30");
            log.push_str(&hit(&time, &format!("source {key:03}"), "/x"));
        }
    }
    folder.write("logs/a.json", log);
    folder.write("other.conf", HITS.replace("hits.sql", "other.sql"));
    // One key in ten has another score.
    let other = "SELECT source AS key, count(*) + CASE WHEN source LIKE '%7' THEN 0.5 ELSE 0 END AS score FROM records GROUP BY source";
    folder.write("other.sql", other);
    let ran = folder
        .run(&["replay", "hits.conf", "--diff", "other.conf"])
        .ends(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 1_000);
    assert!(lines.is_sorted_by_key(|line| line.trim_start_matches("~ ")));
    assert_eq!(
        lines[0],
        "~ [2024-03-01T12:00:00Z, 2024-03-01T12:01:00Z) 'source 007' 1 -> 1.5"
    );
    ran.says(&["0 findings added, 0 removed, 1,000 changed, 9,000 the same\n"]);
}

#[test]
fn two_batches_are_compared_as_one_window_over_everything() {
    let folder = hits();
    let conf = "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = csv\n";
    folder.write("words.conf", conf);
    folder.write("other.conf", conf.replace("words.txt", "more.txt"));
    folder.write("words.txt", "one two two\n");
    folder.write("more.txt", "one two three\n");
    let ran = folder
        .run(&["replay", "words.conf", "--diff", "other.conf"])
        .ends(0);
    assert_eq!(
        ran.stdout,
        "+ everything 'three' 1\n~ everything 'two' 2 -> 1\n"
    );
    assert!(!folder.path("UseCase.csv").exists());
}
