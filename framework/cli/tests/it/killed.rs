//! A run that is killed again and again, each time somewhere else, delivers every row once.

use crate::exactly_once::{Logs, Random, assert_same, rows};
use crate::shark::{Folder, wait_until};

const ARGS: [&str; 3] = ["standalone", "--once", "hits.conf"];

/// Small blocks, so that there is a middle to be killed in.
const GLOBAL: &str = "[engine]\nblock_size = 16KiB\nworkers = 2\n";

/// Starts a run and kills it once the csv file has this many bytes; false if it came to its end
/// before.
fn killed_at(folder: &Folder, n_bytes: u64) -> bool {
    let mut running = folder.start(&ARGS);
    let mut ended = false;
    wait_until("there are rows enough", || {
        ended = running.has_ended();
        ended || folder.len("out.csv") >= n_bytes
    });
    match ended {
        true => drop(running.finish().ends(0)),
        false => running.kill(),
    }
    !ended
}

/// Records that were kept aside, without their line's number, which a run that goes on in the middle
/// of a file does not know, without the time, and without the checksum of both.
fn kept(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let without = |line: String, key: &str| match line.split_once(&format!("\"{key}\":")) {
        Some((head, tail)) => format!("{head}{}", tail.split_once(',').unwrap().1),
        None => line,
    };
    let lines = lines.into_iter();
    let mut records: Vec<String> = lines
        .map(|line| without(without(line, "line"), "time"))
        .map(|line| match line.split_once(",\"checksum\":") {
            Some((rest, _)) => rest.to_owned(),
            None => line,
        })
        .collect();
    records.sort();
    records
}

fn late_and_invalid(folder: &Folder) -> (Vec<String>, Vec<String>) {
    let late = folder.read("state/hits/late.ndjson");
    let invalid = folder.quarantined("state/hits");
    (kept(late.lines().map(str::to_owned)), kept(invalid))
}

/// Kills runs when the csv file is at ten random lengths, then lets one run to the end.
fn is_the_same_as_never_killed(logs: &Logs, seed: u64) {
    let folder = &logs.folder;
    folder.write("datashark.conf", GLOBAL);
    folder.run(&ARGS).ends(0);
    assert_same(&rows(folder), &logs.rows, "never killed");
    let (late, invalid) = late_and_invalid(folder);
    assert_eq!(
        (late.len() as u64, invalid.len() as u64),
        (logs.n_late, logs.n_invalid)
    );
    let n_bytes = folder.len("out.csv");
    std::fs::remove_file(folder.path("out.csv")).unwrap();
    std::fs::remove_dir_all(folder.path("state")).unwrap();

    let mut random = Random(seed);
    let mut lengths: Vec<u64> = (0..10).map(|_| random.below(n_bytes)).collect();
    lengths.sort_unstable();
    let n_killed = lengths
        .iter()
        .filter(|length| killed_at(folder, **length))
        .count();
    assert!(
        n_killed >= 5,
        "only {n_killed} of 10 runs were killed before their end"
    );
    folder.run(&ARGS).ends(0);
    let how = format!("killed {n_killed} times at {lengths:?}");
    assert_same(&rows(folder), &logs.rows, &how);
    let again = late_and_invalid(folder);
    assert_same(&again.0, &late, &format!("{how}: late records"));
    assert_same(&again.1, &invalid, &format!("{how}: invalid records"));
    // And nothing comes again.
    let account = folder.run(&ARGS).ends(0).account();
    assert_eq!(account, [0; 5]);
    assert_same(&rows(folder), &logs.rows, "run once more");
}

#[test]
fn many_files_killed_ten_times() {
    // The last two are long: windows close while they are read.
    let mut n_records = vec![1_000; 28];
    n_records.extend([60_000, 60_000]);
    is_the_same_as_never_killed(&Logs::new(&n_records), 1);
}

#[test]
fn one_long_file_killed_ten_times() {
    is_the_same_as_never_killed(&Logs::new(&[100_000]), 2);
}
