//! A use case over the past of a folder: what counts, where the findings go, and that nothing else
//! changes by it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shark::{Folder, wait_until};

const HITS: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\npattern = *.json\n[out_csv]\npath = out.csv\n";
const COUNT: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";

fn hit(time: &str, source: &str) -> String {
    format!("{{\"time\": \"2024-03-01T12:{time}Z\", \"source\": \"{source}\"}}\n")
}

/// Five minutes of hits, in a living file, a rotated one and a packed one; one line is none.
fn hits() -> Folder {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write("hits.sql", COUNT);
    let oldest = hit("00:10", "a") + &hit("00:20", "b") + "no hit\n";
    folder.write("logs/hits.json.2", oldest);
    folder.script("gzip logs/hits.json.2").ends(0);
    folder.write("logs/hits.json.1", hit("01:10", "a") + &hit("01:20", "a"));
    let newest = [hit("02:10", "c"), hit("03:30", "a"), hit("04:30", "d")];
    folder.write("logs/hits.json", newest.concat());
    folder
}

/// All files below the folder, with what is in them.
pub(crate) fn snapshot(folder: &Folder) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    visit(&folder.path("."), &mut files);
    files
}

fn visit(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => {
                files.insert(path.clone(), b"a folder".to_vec());
                visit(&path, files);
            }
            false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
}

/// A window's findings as the console shows them.
pub(crate) fn shown(end: &str, findings: &[&str]) -> String {
    let line = "-".repeat(43);
    let findings: String = findings.iter().map(|it| format!("({it})\n")).collect();
    format!("{line}\nTime: 2024-03-01 {end}\n{line}\n{findings}")
}

#[test]
fn all_of_the_past_is_printed_and_the_live_state_and_outputs_are_as_they_were() {
    let folder = hits();
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    // The run that watches goes by the pattern alone.
    assert_eq!(folder.rows("out.csv"), ["a,1", "c,1", "d,1"]);
    let before = snapshot(&folder);
    let ran = folder.run(&["replay", "hits.conf"]).ends(0);
    let expected = [
        shown("12:01:00", &["'a', 1", "'b', 1"]),
        shown("12:02:00", &["'a', 2"]),
        shown("12:03:00", &["'c', 1"]),
        shown("12:04:00", &["'a', 1"]),
        shown("12:05:00", &["'d', 1"]),
    ];
    assert_eq!(ran.stdout, expected.concat());
    assert_eq!(ran.account(), [8, 0, 1, 0, 7]);
    ran.says(&[
        "Hits: the past from the beginning to 2",
        "invalid record in ",
        "6 findings in 5 windows; conservation gap 0; invalid records are not kept\n",
    ]);
    assert_eq!(snapshot(&folder), before);
    // And the live run goes on where it was.
    folder.append("logs/hits.json", &hit("05:30", "e"));
    let ran = folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(ran.account(), [1, 0, 0, 0, 1]);
}

#[test]
fn a_window_counts_if_it_lies_wholly_between_the_times() {
    let folder = hits();
    let replay = |from: &str, to: &str| {
        let (from, to) = (
            format!("2024-03-01T12:{from}Z"),
            format!("2024-03-01T12:{to}Z"),
        );
        let args = ["replay", "hits.conf", "--from", &from, "--to", &to];
        folder.run(&args).ends(0)
    };
    let two = shown("12:02:00", &["'a', 2"]) + &shown("12:03:00", &["'c', 1"]);
    assert_eq!(replay("01:00", "03:00").stdout, two);
    assert_eq!(replay("00:30", "03:59").stdout, two);
    assert_eq!(replay("01:01", "01:59").stdout, "");
    let day = ["replay", "hits.conf", "--from", "2024-03-02"];
    assert_eq!(folder.run(&day).ends(0).stdout, "");
    let ran = folder.run(&["replay", "hits.conf", "--to", "2024-03-02"]);
    assert_eq!(ran.ends(0).stdout.matches("Time: ").count(), 5);
    let ran = folder.run(&["replay", "hits.conf", "--from", "1h"]);
    assert_eq!(ran.ends(0).prints_nothing().account(), [8, 7, 1, 0, 0]);
}

#[test]
fn a_window_that_slides_counts_where_all_of_it_is_between() {
    let folder = hits();
    folder.write(
        "hits.conf",
        HITS.replace("window = 60s", "window = 2m\nslide = 1m"),
    );
    let ran = folder.run(&[
        "replay",
        "hits.conf",
        "--from",
        "2024-03-01T12:01:00Z",
        "--to",
        "2024-03-01T12:04:00Z",
    ]);
    let expected = [
        shown("12:03:00", &["'a', 2", "'c', 1"]),
        shown("12:04:00", &["'a', 1", "'c', 1"]),
    ];
    assert_eq!(ran.ends(0).stdout, expected.concat());
}

#[test]
fn what_is_late_live_is_late_in_a_replay_that_begins_behind_it() {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write("hits.sql", COUNT);
    // The hit of the third minute makes that of the second late.
    let log = [hit("02:30", "a"), hit("01:30", "late"), hit("02:40", "a")];
    folder.write("logs/a.json", log.concat());
    let args = ["replay", "hits.conf", "--from", "2024-03-01T12:01:00Z"];
    let ran = folder.run(&args).ends(0);
    assert_eq!(ran.account(), [3, 0, 0, 1, 2]);
    assert_eq!(ran.stdout, shown("12:03:00", &["'a', 2"]));
}

#[test]
fn without_a_time_of_its_own_a_record_is_of_the_time_of_its_file() {
    let folder = hits();
    folder.write("hits.conf", HITS.replace("timestamp_field = time\n", ""));
    folder
        .script(
            "touch -d 2024-03-01T12:00:30Z logs/hits.json.2.gz; \
             touch -d 2024-03-01T12:01:30Z logs/hits.json.1; \
             touch -d 2024-03-01T12:02:30Z logs/hits.json",
        )
        .ends(0);
    let args = ["replay", "hits.conf", "--from", "2024-03-01T12:01:00Z"];
    let expected = [
        shown("12:02:00", &["'a', 2"]),
        shown("12:03:00", &["'a', 1", "'c', 1", "'d', 1"]),
    ];
    assert_eq!(folder.run(&args).ends(0).stdout, expected.concat());
}

#[test]
fn a_batch_has_the_records_between_the_times_and_needs_a_field_for_them() {
    let folder = Folder::new();
    let conf = "name = Hits\ntype = batch\nenabled = true\ncode = hits.sql\nfile = hits.json\noutput = csv\ntimestamp_field = time\n[codec]\nformat = json\n[out_csv]\npath = out.csv\n";
    folder.write("hits.conf", conf);
    folder.write("hits.sql", COUNT);
    let log = [
        hit("00:10", "a"),
        hit("01:10", "a"),
        hit("01:20", "b"),
        hit("02:00", "c"),
    ];
    folder.write("hits.json", log.concat());
    let part = [
        "replay",
        "hits.conf",
        "--from",
        "2024-03-01T12:01:00Z",
        "--to",
        "2024-03-01T12:02:00Z",
    ];
    let ran = folder.run(&part).ends(0);
    assert_eq!(ran.stdout, "('a', 1)\n('b', 1)\n");
    assert_eq!(ran.account(), [4, 2, 0, 0, 2]);
    let all = folder.run(&["replay", "hits.conf"]).ends(0);
    assert_eq!(all.stdout, "('a', 2)\n('b', 1)\n('c', 1)\n");

    folder.write("hits.conf", conf.replace("timestamp_field = time\n", ""));
    folder.run(&part).ends(2).prints_nothing().says(&[
        "a batch use case without a `timestamp_field` cannot be replayed in part",
        "name the field with a record's time, or replay all of it",
    ]);
    let all = folder.run(&["replay", "hits.conf"]).ends(0);
    assert_eq!(all.stdout, "('a', 2)\n('b', 1)\n('c', 1)\n");
    assert!(!folder.path("out.csv").exists());
}

#[test]
fn findings_go_into_a_file_in_place_of_what_it_was() {
    let folder = hits();
    folder.write("found.csv", "what it was\n");
    let args = [
        "replay",
        "hits.conf",
        "--to",
        "2024-03-01T12:02:00Z",
        "--to-csv",
        "found.csv",
    ];
    let ran = folder.run(&args).ends(0).prints_nothing();
    ran.says(&["Written 3 findings to ", "found.csv\n"]);
    assert_eq!(
        folder.read("found.csv"),
        "timestamp,key,score\n2024-03-01 12:01:00,a,1\n2024-03-01 12:01:00,b,1\n2024-03-01 12:02:00,a,2\n"
    );
    assert!(!folder.path("out.csv").exists());
    let none = [
        "replay",
        "hits.conf",
        "--from",
        "2024-03-02",
        "--to-csv",
        "found.csv",
    ];
    folder.run(&none).ends(0);
    assert_eq!(folder.read("found.csv"), "");
    for (file, reason) in [
        ("no/found.csv", "there is no folder `no`"),
        ("logs", "expected a file, found something else there"),
    ] {
        let args = ["replay", "hits.conf", "--to-csv", file];
        folder.run(&args).ends(2).prints_nothing().says(&[reason]);
    }
}

#[test]
fn a_csv_file_that_a_live_run_writes_is_not_delivered_to() {
    let folder = hits();
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    let before = snapshot(&folder);
    let ran = folder.run(&["replay", "hits.conf", "--deliver"]).ends(2);
    ran.says(&[
        "output `csv` takes no findings of the past",
        "name the other outputs, or write the findings into a file of their own",
    ]);
    let ran = folder
        .run(&["replay", "hits.conf", "--deliver=cvs"])
        .ends(2);
    ran.says(&["the conf has no output `cvs`", "did you mean `csv`?"]);
    assert_eq!(snapshot(&folder), before);
}

#[test]
fn a_saved_model_is_used_and_another_is_trained_and_not_kept() {
    let folder = Folder::new();
    let conf = folder.with_shipped("web-anomaly-detection");
    let conf = conf.to_str().unwrap();
    // Its records are of the time of their files, and the minute that goes on now does not count.
    folder
        .script("touch -d 2024-03-01T12:00:30Z web-anomaly-detection/logs/*")
        .ends(0);
    let ran = folder.run(&["replay", conf]).ends(0);
    ran.says(&["Training on ", ": no model yet\n"]);
    assert!(!folder.path("state/web-anomaly-detection").exists());
    folder.run(&["standalone", "--once", conf]).ends(0);
    let before = snapshot(&folder);
    let ran = folder.run(&["replay", conf]).ends(0);
    assert!(ran.stdout.contains("('203.0.113.66', "), "{}", ran.stdout);
    assert!(!ran.stderr.contains("Training on "), "{}", ran.stderr);
    ran.says(&["Model of an earlier run, trained on "]);
    assert_eq!(snapshot(&folder), before);
}

#[test]
fn what_was_read_before_reading_stops_counts_though_it_is_decoded_last() {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write("hits.sql", COUNT);
    folder.write("logs/hits.json.1", hit("01:10", "a").repeat(10_000));
    // Its only record is decoded long before those, and behind all that is asked for.
    folder.write("logs/hits.json", hit("09:10", "b"));
    let args = ["replay", "hits.conf", "--to", "2024-03-01T12:02:00Z"];
    let ran = folder.run(&args).ends(0);
    assert_eq!(ran.stdout, shown("12:02:00", &["'a', 10000"]));
}

#[test]
fn reading_stops_where_nothing_more_can_count() {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write("hits.sql", COUNT);
    folder.write("datashark.conf", "[engine]\nblock_size = 16KiB\n");
    let minute = |minute: u32| {
        let hit = move |second| hit(&format!("{minute:02}:{second:02}"), "a");
        (0..60).map(hit).collect::<String>().repeat(50)
    };
    // Out of order within a minute, which takes some lateness to count wholly.
    let lateness = HITS.replace("window = 60s", "window = 60s\nallowed_lateness = 10m");
    folder.write("late.conf", lateness);
    let log: String = (0..60).map(minute).collect();
    folder.write("logs/a.json", log);
    let part = [
        "--from",
        "2024-03-01T12:02:00Z",
        "--to",
        "2024-03-01T12:04:00Z",
    ];
    for conf in ["hits.conf", "late.conf"] {
        let ran = folder.run(&[&["replay", conf], &part[..]].concat()).ends(0);
        let n_read = ran.account()[0];
        assert!(n_read < 60 * 3_000 / 2, "{n_read} of 180,000 were read");
        assert_eq!(ran.stdout.matches("Time: ").count(), 2, "{}", ran.stdout);
        if conf == "late.conf" {
            let all = [
                shown("12:03:00", &["'a', 3000"]),
                shown("12:04:00", &["'a', 3000"]),
            ];
            assert_eq!(ran.stdout, all.concat());
        }
    }
}

#[test]
fn ctrl_c_ends_a_replay_without_a_file_of_half_the_past() {
    let folder = Folder::new();
    let conf =
        "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = pipe\noutput = csv\n";
    folder.write("words.conf", conf);
    folder.write("found.csv", "what it was\n");
    // A pipe that does not come to its end.
    folder.script("mkfifo pipe").ends(0);
    let running = folder.start_script(
        "exec 3<>pipe; echo one two >&3; exec \"$datashark\" replay words.conf --to-csv found.csv",
    );
    wait_until("the replay has begun", || {
        running.stderr().contains("Words: the past ")
    });
    running.signal("INT");
    let ran = running.finish().ends(1).prints_nothing();
    ran.says(&[
        "stopping; once more to stop at once\n",
        "error: stopped before the end of the past\n",
    ]);
    assert_eq!(folder.read("found.csv"), "what it was\n");
    assert_eq!(fs::read_dir(folder.path("state")).unwrap().count(), 0);
}

#[test]
fn wrong_times_are_told_before_anything_is_read() {
    let folder = hits();
    let from = |from: &str, to: &str| {
        folder
            .run(&["replay", "hits.conf", "--from", from, "--to", to])
            .ends(2)
            .prints_nothing()
    };
    let expected =
        "a time is `2026-01-31` or `2026-01-31T12:00:00Z`, or as long before now as `24h`";
    from("yesterday", "2024-03-02").says(&["'yesterday'", "--from", expected]);
    from("2024-03-01", "2024-02-30").says(&["'2024-02-30'", "--to", expected]);
    from("2024-03-02", "2024-03-01").says(&[
        "`--from` is 2024-03-02T00:00:00Z, which is not before `--to`, 2024-03-01T00:00:00Z",
    ]);
    from("1h", "2h").says(&["which is not before `--to`"]);
    let future = folder.run(&["replay", "hits.conf", "--from", "2999-01-01"]);
    future
        .ends(2)
        .says(&["2999-01-01T00:00:00Z, which is not before now"]);
    for together in [
        &["--diff", "hits.conf", "--deliver"][..],
        &["--to-csv", "x.csv", "--deliver"],
        &["--exit-code"],
    ] {
        let args = [&["replay", "hits.conf"], together].concat();
        folder.run(&args).ends(2).prints_nothing();
    }
    assert!(!folder.path("state").exists());
}

#[test]
fn the_mistakes_of_both_confs_are_told_at_once() {
    let folder = hits();
    folder.write("one.conf", HITS.replace("window = 60s", "windw = 60s"));
    folder.write(
        "other.conf",
        HITS.replace("code = hits.sql", "code = hit.sql"),
    );
    let ran = folder
        .run(&["replay", "one.conf", "--diff", "other.conf"])
        .ends(2);
    ran.prints_nothing()
        .says(&["did you mean `window`?", "cannot read hit.sql: "]);
}

#[test]
fn a_killed_replay_leaves_a_temporary_folder_that_the_next_one_removes() {
    let folder = hits();
    let many = (0..5_000).map(|n| hit("06:00", &format!("a source with a long name, {n}")));
    folder.append("logs/hits.json", &many.collect::<String>());
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    // Nobody reads the pipe, so that the replay cannot come to its end.
    folder.script("mkfifo pipe").ends(0);
    let live = || {
        let mut files = snapshot_without_pipe(&folder);
        files.retain(|path, _| !is_temporary(path));
        files
    };
    let n_temporary = || {
        let files = fs::read_dir(folder.path("state")).unwrap();
        files
            .filter(|it| is_temporary(&it.as_ref().unwrap().path()))
            .count()
    };
    let before = live();
    let blocked = "exec 3<>pipe; exec \"$datashark\" replay hits.conf > pipe";
    let running = folder.start_script(blocked);
    wait_until("the replay is under way", || n_temporary() == 1);
    // One that is alive is left alone.
    folder.run(&["replay", "hits.conf"]).ends(0);
    assert_eq!(n_temporary(), 1);
    running.kill();
    assert_eq!(n_temporary(), 1);
    assert_eq!(live(), before);
    folder.run(&["replay", "hits.conf"]).ends(0);
    assert_eq!(n_temporary(), 0);
    assert_eq!(live(), before);
}

fn is_temporary(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b".replay-"))
}

/// A pipe would be waited for.
fn snapshot_without_pipe(folder: &Folder) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in ["state", "logs"] {
        visit(&folder.path(name), &mut files);
    }
    files.insert(folder.path("out.csv"), folder.read("out.csv").into_bytes());
    files
}
