//! A watched folder while files are made, grow and are renamed in it.

use std::collections::BTreeMap;
use std::fs;

use crate::shark::{Folder, Running, wait_until};

/// Lines by arrival, a window of a second: rows come out as lines go in.
const LINES: &str = "name = Lines\ntype = streaming\nenabled = true\ncode = lines.sql\ninput = file\noutput = csv\nwindow = 1s\n[in_file]\nfolder_path = logs\npattern = *.log\n[out_csv]\npath = out.csv\n";

fn lines() -> Folder {
    let folder = Folder::new();
    folder.write("lines.conf", LINES);
    folder.write(
        "lines.sql",
        "SELECT line AS key, count(*) AS score FROM records GROUP BY line",
    );
    fs::create_dir(folder.path("logs")).unwrap();
    folder
}

/// How often each line came so far, over all windows.
fn counts(folder: &Folder) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let text = folder.read("out.csv");
    // The last row may be half written.
    for row in text.split_inclusive('\n').filter(|row| row.ends_with('\n')) {
        let mut fields = row.trim_end().split(',').skip(1);
        let key = fields.next().unwrap().to_owned();
        *counts.entry(key).or_default() += fields.next().unwrap().parse::<u64>().unwrap();
    }
    counts
}

fn wait_for(folder: &Folder, running: &mut Running, expected: &[(&str, u64)]) {
    let expected: BTreeMap<String, u64> = expected
        .iter()
        .map(|(key, n)| ((*key).to_owned(), *n))
        .collect();
    wait_until(&format!("the rows are {expected:?}"), || {
        assert!(!running.has_ended(), "{}", running.stderr());
        counts(folder) == expected
    });
}

#[test]
fn lines_come_out_as_files_are_made_grow_and_are_renamed() {
    let folder = lines();
    folder.write("logs/old.log", "before\n");
    let mut running = folder.start(&["standalone", "lines.conf"]);
    wait_for(&folder, &mut running, &[("before", 1)]);
    // A new file, written at once.
    folder.write("logs/new.log", "made\nmade\n");
    wait_for(&folder, &mut running, &[("before", 1), ("made", 2)]);
    // One that grows, by halves of a line.
    folder.append("logs/new.log", "gro");
    folder.append("logs/new.log", "wn\n");
    wait_for(
        &folder,
        &mut running,
        &[("before", 1), ("grown", 1), ("made", 2)],
    );
    // Rotation: the old file goes on under a name that the pattern does not match.
    fs::rename(folder.path("logs/new.log"), folder.path("logs/new.log.1")).unwrap();
    folder.append("logs/new.log.1", "to the end\n");
    folder.write("logs/new.log", "anew\n");
    let all = [
        ("anew", 1),
        ("before", 1),
        ("grown", 1),
        ("made", 2),
        ("to the end", 1),
    ];
    wait_for(&folder, &mut running, &all);
    // Moved here from elsewhere; and one that the pattern does not match.
    folder.write("elsewhere.log", "moved\n");
    folder.write("logs/other.txt", "not this\n");
    fs::rename(folder.path("elsewhere.log"), folder.path("logs/moved.log")).unwrap();
    let all = [&all[..], &[("moved", 1)]].concat();
    wait_for(&folder, &mut running, &all);
    running.signal("INT");
    let ran = running.finish().ends(0).prints_nothing();
    assert_eq!(ran.account(), [7, 0, 0, 0, 7]);
    ran.says(&[
        "Lines: input file, output csv\n",
        "stopping: closing the open windows",
    ]);
}

#[test]
fn a_folder_is_read_where_the_system_gives_no_notifications() {
    let folder = lines();
    // In a user namespace of its own a process can be refused them.
    let refused = "exec unshare --user --map-root-user sh -c \
                   'echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"' refused";
    if folder.script(&format!("{refused} true")).status != Some(0) {
        datashark_test_data::skipped("this system has no user namespaces for everybody");
        return;
    }
    folder.write("logs/a.log", "before\n");
    let mut running =
        folder.start_script(&format!("{refused} \"$datashark\" standalone lines.conf"));
    wait_for(&folder, &mut running, &[("before", 1)]);
    folder.append("logs/a.log", "grown\n");
    folder.write("logs/b.log", "made\n");
    let all = [("before", 1), ("grown", 1), ("made", 1)];
    wait_for(&folder, &mut running, &all);
    running.signal("INT");
    running
        .finish()
        .ends(0)
        .says(&["no notifications, polling"]);
}

#[test]
fn an_interval_in_which_nothing_came_is_told() {
    let folder = lines();
    let running = folder.start(&["standalone", "lines.conf"]);
    wait_until("it says that nothing came", || {
        running.stderr().contains(" - (Lines) - No data received\n")
    });
    running.signal("TERM");
    let ran = running.finish().ends(0);
    assert_eq!(ran.account(), [0; 5]);
    assert_eq!(folder.len("out.csv"), 0);
}

#[test]
fn a_live_run_with_d_prints_rows_as_their_windows_close() {
    let folder = lines();
    let mut running = folder.start(&["standalone", "-d", "lines.conf"]);
    folder.write("logs/a.log", "alpha\n");
    wait_until("the row is printed", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        running.stdout().contains("\n('alpha', 1)\n")
    });
    running.signal("INT");
    let ran = running.finish().ends(0);
    assert!(ran.stdout.contains("Time: 2"), "{}", ran.stdout);
    assert!(!folder.path("out.csv").exists());
}

#[test]
fn lines_written_between_two_runs_are_read_by_the_second() {
    let folder = lines();
    folder.write("logs/a.log", "one\n");
    let mut running = folder.start(&["standalone", "lines.conf"]);
    wait_for(&folder, &mut running, &[("one", 1)]);
    running.signal("INT");
    running.finish().ends(0);
    folder.append("logs/a.log", "two\n");
    folder.write("logs/b.log", "three\n");
    let mut running = folder.start(&["standalone", "lines.conf"]);
    wait_for(
        &folder,
        &mut running,
        &[("one", 1), ("three", 1), ("two", 1)],
    );
    running.kill();
    folder.append("logs/a.log", "four\n");
    let mut running = folder.start(&["standalone", "lines.conf"]);
    wait_for(
        &folder,
        &mut running,
        &[("four", 1), ("one", 1), ("three", 1), ("two", 1)],
    );
    running.signal("INT");
    running.finish().ends(0);
}

#[test]
fn each_line_comes_once_though_the_run_is_killed_while_the_file_grows() {
    let folder = lines();
    folder.write("logs/a.log", "");
    let mut expected = BTreeMap::new();
    for round in 0..6 {
        let mut running = folder.start(&["standalone", "lines.conf"]);
        let before = folder.len("out.csv");
        for i in 0..50 {
            let line = format!("line {round} {i}");
            folder.append("logs/a.log", &format!("{line}\n"));
            expected.insert(line, 1);
        }
        wait_until("there are more rows", || {
            assert!(!running.has_ended(), "{}", running.stderr());
            folder.len("out.csv") > before
        });
        running.kill();
    }
    let mut running = folder.start(&["standalone", "lines.conf"]);
    folder.append("logs/a.log", "the last\n");
    expected.insert("the last".to_owned(), 1);
    wait_until("every line came once", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        counts(&folder) == expected
    });
    running.signal("INT");
    running.finish().ends(0);
    assert_eq!(counts(&folder), expected);
}

#[test]
fn a_file_that_falls_silent_holds_windows_open_for_the_idle_timeout_only() {
    let conf = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\nTIMEOUT\ntimestamp_field = time\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\n[out_csv]\npath = out.csv\n";
    let folder = Folder::new();
    folder.write("hits.conf", conf.replace("TIMEOUT", "idle_timeout = 1s"));
    folder.write(
        "hits.sql",
        "SELECT name AS key, count(*) AS score FROM records GROUP BY name",
    );
    let record = |time: u32, name: &str| format!("{{\"time\": {time}, \"name\": \"{name}\"}}\n");
    folder.write("logs/silent.json", record(10, "silent"));
    folder.write("logs/busy.json", record(20, "busy") + &record(130, "busy"));
    let mut running = folder.start(&["standalone", "hits.conf"]);
    wait_until("the first window is out", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        folder.rows("out.csv") == ["busy,1", "silent,1"]
    });
    running.signal("INT");
    running.finish().ends(0);
    assert_eq!(folder.rows("out.csv"), ["busy,1", "busy,1", "silent,1"]);
}

#[test]
fn what_arrives_after_ctrl_c_counts_in_the_next_window() {
    let folder = lines();
    folder.write("lines.conf", LINES.replace("window = 1s", "window = 12h"));
    folder.write("logs/a.log", "one\n");
    for (n, expected) in [(1, &["one,1"][..]), (2, &["one,1", "two,1"])] {
        let noted = folder.len("state/lines/arrivals");
        let running = folder.start(&["standalone", "lines.conf"]);
        wait_until("the line was read", || {
            folder.len("state/lines/arrivals") > noted
        });
        running.signal("INT");
        let ran = running.finish().ends(0);
        assert_eq!(ran.account(), [1, 0, 0, 0, 1], "run {n}");
        assert_eq!(folder.rows("out.csv"), expected);
        folder.append("logs/a.log", "two\n");
    }
    let ends = folder.read("out.csv");
    let mut ends = ends.lines().map(|row| row.split_once(',').unwrap().0);
    assert!(ends.next() < ends.next());
}
