//! A day whose counts do not fit into the memory limit gives what it gives without one.

use std::fmt::Write;

use crate::shark::{Folder, Ran};

const COLUMNS: &str = "treceived,tryear,trmonth,trday,trhour,trminute,trsec,tdur,sip,dip,sport,dport,proto,ipkt,ibyt,\
                       opkt,obyt\n";

/// Flows of so many machines with few servers each, of all sizes, always the same.
fn flows(n_machines: u64, n_rows: u64) -> String {
    let mut text = COLUMNS.to_owned();
    let mut random = 1_u64;
    for row in 0..n_rows {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (machine, size) = ((random >> 33) % n_machines, (random >> 20) % 24);
        let port = [22, 25, 53, 80, 123, 443, 445, 993][(random >> 50) as usize % 8];
        let (source, destination) = (machine / 250, machine % 250);
        let packets = 1 << (size / 2);
        let line = writeln!(
            text,
            "2026-08-27 10:{:02}:{:02},2026,8,27,10,{},{},1,10.1.{source}.{destination},203.0.113.{},4{:04},{port},TCP,{packets},{},1,60",
            row / 60 % 60,
            row % 60,
            row / 60 % 60,
            row % 60,
            machine % 30,
            row % 10_000,
            1_u64 << size,
        );
        line.unwrap();
    }
    text
}

/// A day with more pairs than a megabyte has room for, a few flows to be scored, and a conf for both.
fn write_day(folder: &Folder) {
    folder.write("day.csv", flows(1_500, 60_000));
    folder.write("later.csv", flows(20, 200));
    let conf = "name = Day\ntype = batch\nenabled = true\ncode = spot-lda\ntraining = day.csv\nfile = later.csv\n\
                output = csv\nanalysis = flow\nthreshold = 1\nmax_results = 50\ntopics = 4\niterations = 5\n\
                [codec]\nformat = csv\n[out_csv]\npath = out.csv\n";
    folder.write("day.conf", conf);
}

fn ran(folder: &Folder, engine: &str) -> (Ran, String) {
    folder.write(
        "datashark.conf",
        format!("[engine]\nworkers = 2\nblock_size = 64KiB\n{engine}"),
    );
    let mut command = folder.command(&["standalone", "--retrain", "day.conf"]);
    let output = command.env("RUST_LOG", "debug").output().unwrap();
    let ran = Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let rows = folder.rows("out.csv").join("\n");
    std::fs::remove_file(folder.path("out.csv")).unwrap();
    (ran.ends(0), rows)
}

#[test]
fn counts_beyond_the_memory_limit_go_to_files_and_change_nothing() {
    let folder = Folder::new();
    write_day(&folder);
    let (free, expected) = ran(&folder, "");
    assert_eq!(expected.lines().count(), 50);
    const SPILLED: &str = "put a state into a file";
    assert_eq!(free.stderr.matches(SPILLED).count(), 0);
    let (limited, found) = ran(&folder, "memory_limit = 1MiB\n");
    let n_spilled = limited.stderr.matches(SPILLED).count();
    assert!(n_spilled > 4, "{n_spilled} times");
    assert_eq!(found, expected);
    // Nothing is left where they were but what a run keeps.
    let entries = std::fs::read_dir(folder.path("state")).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["day"]);
    // A limit that not even addresses and words fit into ends the run.
    folder.write("datashark.conf", "[engine]\nmemory_limit = 64KiB\n");
    folder
        .run(&["standalone", "--retrain", "day.conf"])
        .ends(1)
        .says(&["memory limit reached"]);
    let told = folder.run(&["check", "day.conf"]).ends(0).stdout;
    assert!(
        told.contains("memory   while counting, about 40 bytes for each pair of address and word"),
        "{told}"
    );
}

#[test]
fn a_full_disk_ends_a_run_whose_counts_do_not_fit_into_memory() {
    let folder = Folder::new();
    write_day(&folder);
    folder.write(
        "datashark.conf",
        "[engine]\nworkers = 2\nmemory_limit = 1MiB\n",
    );
    let script = "unshare --user --map-root-user --mount bash -c '
        mkdir small && mount -t tmpfs -o size=200k none small || exit 9
        $datashark standalone day.conf --state small; echo \"status $?\"'";
    let ran = folder.script(script);
    if ran.status == Some(9) || ran.stderr.contains("unshare") {
        eprintln!("SKIPPED: no file system can be mounted: {}", ran.stderr);
        return;
    }
    let ran = ran.ends(0).says(&[
        "error: putting counts into a file in ",
        "small: No space left on device",
    ]);
    assert_eq!(ran.stdout, "status 1\n", "{}", ran.stderr);
}
