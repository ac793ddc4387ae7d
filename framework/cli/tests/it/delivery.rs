//! The csv file that cannot be written, and what a later run makes of it.

use crate::shark::Folder;

const STREAM: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\ntimestamp_format = epoch\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\n[out_csv]\npath = PATH\n";
const HITS: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";

/// A stream of a hundred minutes with twenty sources in each.
fn hits(path: &str) -> Folder {
    let folder = Folder::new();
    folder.write("hits.conf", STREAM.replace("PATH", path));
    folder.write("hits.sql", HITS);
    let lines = (0..6000).map(|second| {
        format!(
            "{{\"time\": {}, \"source\": \"192.0.2.{}\"}}\n",
            1_772_366_400 + second,
            second % 20
        )
    });
    folder.write("logs/a.json", lines.collect::<String>());
    folder
}

fn expected() -> Vec<String> {
    let mut rows: Vec<String> = (0..20)
        .flat_map(|i| vec![format!("192.0.2.{i},3"); 100])
        .collect();
    rows.sort();
    rows
}

#[test]
fn a_csv_path_below_a_file_cannot_be_written() {
    let folder = hits("hits.sql/out.csv");
    let ran = folder
        .run(&["standalone", "--once", "hits.conf"])
        .ends(1)
        .prints_nothing();
    ran.says(&["error: cannot write `hits.sql/out.csv`: Not a directory"]);
    assert_eq!(folder.read("hits.sql"), HITS);
}

#[test]
fn a_csv_path_that_is_a_folder_cannot_be_written() {
    let folder = hits("logs");
    let ran = folder.run(&["standalone", "--once", "hits.conf"]).ends(1);
    ran.says(&["error: cannot write `logs`: Is a directory"]);
}

#[test]
fn a_full_disk_ends_the_run_and_says_so() {
    let folder = hits("/dev/full");
    let ran = folder.run(&["standalone", "--once", "hits.conf"]).ends(1);
    ran.says(&["error: cannot write `/dev/full`: No space left on device"]);
}

#[test]
fn once_there_is_room_again_the_next_run_delivers_each_row_once() {
    let folder = hits("out.csv");
    // No file may grow beyond 16 KiB: less than the rows take, more than a checkpoint.
    let script = "trap '' XFSZ; ulimit -f 16; exec $datashark standalone --once hits.conf";
    let ran = folder.script(script).ends(1);
    ran.says(&["error: cannot write `out.csv`: File too large"]);
    let n_whole = folder.read("out.csv").lines().count();
    assert!(0 < n_whole && n_whole < expected().len(), "{n_whole}");
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(folder.rows("out.csv"), expected());
}

#[test]
fn the_time_of_a_row_is_the_end_of_its_window() {
    let folder = hits("out.csv");
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    let text = folder.read("out.csv");
    assert_eq!(text.lines().next(), Some("2026-03-01 12:01:00,192.0.2.0,3"));
    assert_eq!(text.lines().last(), Some("2026-03-01 13:40:00,192.0.2.9,3"));
}

#[test]
fn two_runs_of_one_use_case_at_a_time_are_refused() {
    let folder = hits("out.csv");
    let mut first = folder.start(&["standalone", "hits.conf"]);
    crate::shark::wait_until("the first run has rows", || folder.len("out.csv") > 0);
    assert!(!first.has_ended());
    let second = folder.run(&["standalone", "--once", "hits.conf"]).ends(1);
    second.says(&["another run of this use case", "--state"]);
    folder
        .run(&["standalone", "--once", "-d", "hits.conf"])
        .ends(0);
    first.signal("INT");
    first.finish().ends(0);
    assert_eq!(folder.rows("out.csv"), expected());
}

#[test]
fn after_a_damaged_checkpoint_the_rows_of_many_windows_are_taken_back_and_come_again() {
    let folder = hits("out.csv");
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    folder.write("state/hits/checkpoint.json", "{\"version\": 1, ");
    let ran = folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    ran.says(&["state/hits/checkpoint.json: damaged (", "they come again"]);
    assert_eq!(folder.rows("out.csv"), expected());
}

#[test]
fn a_state_folder_that_cannot_be_made_ends_the_run() {
    let folder = hits("out.csv");
    let ran = folder.run(&[
        "standalone",
        "--once",
        "--state",
        "hits.sql/state",
        "hits.conf",
    ]);
    ran.ends(1)
        .says(&["error: ", "hits.sql/state", "Not a directory"]);
}
