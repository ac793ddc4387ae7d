//! Ctrl-C and SIGTERM: the open windows are closed and delivered, and the next run goes on.

use crate::shark::{Folder, Ran, wait_until};

const HITS: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\ntimestamp_format = rfc3339\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\n[out_csv]\npath = out.csv\n";

fn hit(time: &str, source: &str) -> String {
    format!("{{\"time\": \"2026-03-01T12:{time}Z\", \"source\": \"{source}\"}}\n")
}

/// Runs live until the first window is out, while another one is open, and stops it so.
fn stopped_by(signal: &str) -> (Folder, Ran) {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write(
        "hits.sql",
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    // The record of the third minute closes the first and opens another window.
    let log = [
        hit("00:01", "192.0.2.1"),
        hit("00:02", "192.0.2.1"),
        hit("02:30", "192.0.2.2"),
    ];
    folder.write("logs/a.json", log.concat());
    let running = folder.start(&["standalone", "hits.conf"]);
    wait_until("the first window is out", || folder.len("out.csv") > 0);
    assert_eq!(folder.read("out.csv"), "2026-03-01 12:01:00,192.0.2.1,2\n");
    running.signal(signal);
    let ran = running.finish();
    (folder, ran)
}

fn closes_windows_and_goes_on(signal: &str) {
    let (folder, ran) = stopped_by(signal);
    let ran = ran.ends(0).prints_nothing();
    assert_eq!(ran.account(), [3, 0, 0, 0, 3]);
    ran.says(&[
        "stopping: closing the open windows; once more to stop at once\n",
        "Written 1 Documents to CSV File out.csv\n",
        "2 findings in 2 windows; conservation gap 0\n",
    ]);
    let both = "2026-03-01 12:01:00,192.0.2.1,2\n2026-03-01 12:03:00,192.0.2.2,1\n";
    assert_eq!(folder.read("out.csv"), both);
    // Nothing new: nothing is read or written again.
    let again = folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(again.account(), [0; 5]);
    assert_eq!(folder.read("out.csv"), both);
    // What comes for a window that was delivered is late; what comes later is a row.
    folder.append(
        "logs/a.json",
        &(hit("02:40", "192.0.2.2") + &hit("03:00", "192.0.2.3")),
    );
    let more = folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(more.account(), [2, 0, 0, 1, 1]);
    assert_eq!(
        folder.read("out.csv"),
        format!("{both}2026-03-01 12:04:00,192.0.2.3,1\n")
    );
}

#[test]
fn ctrl_c_closes_the_open_windows_and_a_second_run_repeats_nothing() {
    closes_windows_and_goes_on("INT");
}

#[test]
fn sigterm_closes_the_open_windows_and_a_second_run_repeats_nothing() {
    closes_windows_and_goes_on("TERM");
}

#[test]
fn after_a_kill_the_open_window_is_read_again_and_delivered_once() {
    let (folder, ran) = stopped_by("KILL");
    assert_eq!(ran.status, None);
    folder.append(
        "logs/a.json",
        &(hit("02:40", "192.0.2.2") + &hit("03:00", "192.0.2.3")),
    );
    folder.run(&["standalone", "--once", "hits.conf"]).ends(0);
    assert_eq!(
        folder.read("out.csv"),
        "2026-03-01 12:01:00,192.0.2.1,2\n2026-03-01 12:03:00,192.0.2.2,2\n2026-03-01 12:04:00,192.0.2.3,1\n"
    );
}

#[test]
fn a_second_ctrl_c_ends_a_run_at_once_whose_output_takes_nothing() {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    folder.write(
        "hits.sql",
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    folder.write("logs/a.json", hit("00:01", "192.0.2.1"));
    // A pipe that nobody reads from.
    folder.script("mkfifo out.csv").ends(0);
    let mut running = folder.start(&["standalone", "hits.conf"]);
    let begun = "Hits: input file, output csv";
    wait_until("the run has begun", || running.stderr().contains(begun));
    running.signal("INT");
    let asked = "once more to stop at once";
    wait_until("it is stopping", || running.stderr().contains(asked));
    // Within a moment after the first, it would be that one's echo.
    wait_until("it has ended", || {
        running.signal("INT");
        running.has_ended()
    });
    running.finish().ends(130).prints_nothing();
}
