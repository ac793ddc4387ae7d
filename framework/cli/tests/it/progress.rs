//! The progress of a long run: shown on a terminal, not where standard error is a pipe.

use std::fs::OpenOptions;
use std::io::Write;

use crate::shark::{Folder, wait_until};

const LINES: &str = "name = Lines\ntype = batch\nenabled = true\ncode = wordcount\nfile = pipe\noutput = csv\n[out_csv]\npath = out.csv\n";

/// Counts words out of a pipe that stays open until this says that the run has shown enough.
fn while_it_reads(command: &str, is_enough: impl Fn(&Folder, &str) -> bool) -> String {
    let folder = Folder::new();
    folder.write("lines.conf", LINES);
    folder.script("mkfifo pipe").ends(0);
    let running = folder.start_script(command);
    let mut pipe = OpenOptions::new()
        .write(true)
        .open(folder.path("pipe"))
        .unwrap();
    pipe.write_all(b"one two\nthree\n").unwrap();
    wait_until("it has shown enough", || {
        is_enough(&folder, &running.output())
    });
    drop(pipe);
    let ran = running.finish().ends(0);
    ran.stdout + &ran.stderr
}

#[test]
fn a_terminal_shows_how_far_a_run_is() {
    // `script` runs it on a terminal of its own.
    let shown = while_it_reads(
        "script -qefc 'stty cols 100; $datashark standalone lines.conf' /dev/null",
        |_, shown| shown.contains(" records"),
    );
    assert!(shown.contains("/s "), "the rate: {shown}");
    assert!(shown.contains("conservation gap 0"), "{shown}");
}

#[test]
fn a_pipe_shows_none() {
    let shown = while_it_reads("$datashark standalone lines.conf", |folder, _| {
        // Longer than a terminal would be without.
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        folder.len("state/lines/checkpoint.json") > 0
    });
    assert!(!shown.contains("/s "), "{shown}");
    assert!(shown.contains("conservation gap 0"), "{shown}");
}
