//! `datashark ml`: the suspicious connects of a day, as Apache Spot's `ml_ops.sh` finds them.

use std::fs;

use crate::shark::{Folder, root};

/// A day of flows where a `spot.conf` has it, in a folder with a month of one digit, as Spot's ingest
/// writes it.
fn day() -> Folder {
    let folder = Folder::new();
    let today = fs::read_to_string(root().join("conf/spot-flow/logs/today.csv")).unwrap();
    folder.write("flow/hive/y=2026/m=8/d=27/flows.csv", today);
    let home = folder.path("");
    let conf = format!(
        "HUSER='{}'\nFLOW_PATH=${{HUSER}}/${{DSOURCE}}/hive/y=${{YR}}/m=${{MH}}/d=${{DY}}/\n\
         HPATH=${{HUSER}}/${{DSOURCE}}/scored_results/${{FDATE}}\nTOL='1'\nTOPIC_COUNT=5\nLDA_ALPHA=''\n",
        home.display()
    );
    folder.write("spot.conf", conf);
    folder
}

const RESULTS: &str = "flow/scored_results/20260827/scores/flow_results.csv";

#[test]
fn the_lowest_scores_of_a_day_are_written_in_spots_layout() {
    let folder = day();
    let day = [
        "ml",
        "20260827",
        "flow",
        "1.1",
        "3",
        "--spot-conf",
        "spot.conf",
    ];
    folder.run(&day).ends(0).says(&["Results in"]);
    let results = folder.read(RESULTS);
    let lines: Vec<Vec<&str>> = results
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines.len(), 3, "{results}");
    // Seventeen columns of the record, then the score.
    assert!(lines.iter().all(|line| line.len() == 18), "{results}");
    let scores = lines.iter().map(|line| line[17].parse().unwrap());
    assert!(scores.collect::<Vec<f64>>().is_sorted(), "{results}");
    let first = &lines[0];
    assert_eq!(
        (first[8], first[9], first[11]),
        ("10.0.0.23", "198.51.100.99", "22"),
        "{results}"
    );
    assert!(folder.path(&RESULTS.replace(".csv", ".parquet")).exists());
}

#[test]
fn a_day_without_findings_has_an_empty_file_in_place_of_the_old_one() {
    let folder = day();
    folder.write(RESULTS, "old\n");
    let day = [
        "ml",
        "20260827",
        "flow",
        "1e-300",
        "--spot-conf",
        "spot.conf",
    ];
    folder.run(&day).ends(0);
    assert_eq!(folder.read(RESULTS), "");
}

#[test]
fn what_cannot_be_run_says_so_and_leaves_the_old_results() {
    let folder = day();
    folder.write(RESULTS, "old\n");
    let wrong = [
        (
            "20260230",
            "flow",
            2,
            "expected a date as YYYYMMDD, found `20260230`",
        ),
        ("20260827", "flows", 2, "flows"),
        ("20260828", "flow", 1, "there is neither"),
    ];
    for (date, kind, status, said) in wrong {
        let run = folder.run(&["ml", date, kind, "--spot-conf", "spot.conf"]);
        run.ends(status).says(&[said]);
    }
    let other = fs::read_to_string(root().join("conf/spot-dns/logs/today.csv")).unwrap();
    folder.write("flow/hive/y=2026/m=8/d=27/flows.csv", other);
    folder
        .run(&["ml", "20260827", "flow", "--spot-conf", "spot.conf"])
        .ends(1);
    assert_eq!(folder.read(RESULTS), "old\n");
}

#[test]
fn the_machine_of_the_samples_stands_out_by_its_own_day_and_by_the_day_before() {
    let folder = Folder::new();
    for kind in ["flow", "dns", "proxy"] {
        let conf = folder.with_shipped(&format!("spot-{kind}"));
        folder.run(&["standalone", &conf.to_string_lossy()]).ends(0);
        let results = folder.read(&format!("spot-{kind}-scores/{kind}_results.csv"));
        let first = results.lines().next().unwrap_or_default();
        assert!(first.contains("10.0.0.23"), "{kind}: {results}");
        let live = conf.with_file_name(format!("spot-{kind}-live.conf"));
        let run = folder.run(&["standalone", "-d", "--once", &live.to_string_lossy()]);
        // Yesterday nobody did that.
        let first = run.stdout.lines().find(|line| line.starts_with('('));
        assert!(
            first.is_some_and(|line| {
                line.starts_with("('10.0.0.23',") && line.contains("'word_count_everyone': 0,")
            }),
            "{}",
            run.stdout
        );
    }
}
