//! Files of the state folder that were damaged: the next start says so, and what comes out is right.

use std::fs;
use std::path::PathBuf;

use crate::shark::{Folder, Ran, wait_until};

const HITS: &str = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\ntimestamp_format = rfc3339\nkeep_late = true\n[codec]\nformat = json\n[in_file]\nfolder_path = logs\n[out_csv]\npath = out.csv\n";
const ONCE: [&str; 3] = ["standalone", "--once", "hits.conf"];

fn hit(time: &str, source: &str) -> String {
    format!("{{\"time\": \"2026-03-01T12:{time}Z\", \"source\": \"{source}\"}}\n")
}

/// A folder in which a run was killed after its first window was delivered: all that a state folder can
/// have is in it, but a model and arrivals.
fn killed() -> Folder {
    let folder = Folder::new();
    folder.write("hits.conf", HITS);
    let query = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";
    folder.write("hits.sql", query);
    let log = [
        hit("00:01", "a"),
        "no json\n".to_owned(),
        hit("01:30", "b"),
        hit("00:02", "late"),
        hit("02:30", "c"),
    ];
    folder.write("logs/a.json", log.concat());
    let running = folder.start(&["standalone", "hits.conf"]);
    wait_until("two windows are committed", || {
        let checkpoint = folder.read("state/hits/checkpoint.json");
        folder.rows("out.csv").len() == 2 && checkpoint.contains("1772366520000000")
    });
    running.kill();
    // The open window's end.
    folder.append("logs/a.json", &hit("03:30", "d"));
    folder
}

/// All windows, each once.
#[track_caller]
fn assert_right(folder: &Folder, what: &str) {
    assert_eq!(
        folder.rows("out.csv"),
        ["a,1", "b,1", "c,1", "d,1"],
        "{what}"
    );
}

/// Damages a file in each of three ways, one after another, each in a state folder of its own.
fn each_damage(file: &str, mut then: impl FnMut(&Folder, &str)) {
    for damage in ["flipped", "cut", "emptied"] {
        let folder = killed();
        let path = folder.path(&format!("state/hits/{file}"));
        let mut bytes = fs::read(&path).unwrap();
        match damage {
            "flipped" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
            }
            "cut" => bytes.truncate(bytes.len() / 2),
            _ => bytes.clear(),
        }
        fs::write(&path, &bytes).unwrap();
        then(&folder, &format!("{file} {damage}"));
    }
}

#[test]
fn a_damaged_checkpoint_is_told_and_gone_back_from_and_every_window_is_there_once() {
    each_damage("checkpoint.json", |folder, what| {
        let doctor = folder.run(&["doctor", "hits.conf"]).ends(1);
        assert!(
            doctor
                .stdout
                .contains("wrong   state/hits/checkpoint.json: how far it has come"),
            "{what}: {doctor:?}"
        );
        let ran = folder.run(&ONCE).ends(0);
        ran.says(&[
            "state/hits/checkpoint.json: damaged (",
            "going on from the checkpoint before it",
            "kept as state/hits/checkpoint.json.damaged\n",
        ]);
        assert_right(folder, what);
        // Said once.
        let again = folder.run(&ONCE).ends(0);
        assert!(!again.stderr.contains("damaged"), "{}", again.stderr);
        assert_eq!(again.account(), [0; 5]);
        assert_right(folder, what);
    });
}

#[test]
fn a_damaged_checkpoint_without_one_before_it_is_refused_until_it_is_put_aside() {
    each_damage("checkpoint.json", |folder, what| {
        fs::write(folder.path("state/hits/checkpoint.previous.json"), "{").unwrap();
        let ran = folder.run(&ONCE).ends(1);
        ran.says(&[
            "state/hits/checkpoint.json: damaged (",
            "`datashark doctor --repair`",
        ]);
        let repaired = folder.run(&["doctor", "hits.conf", "--repair"]).ends(0);
        let mended =
            "mended  state/hits/checkpoint.json: put aside as state/hits/checkpoint.json.damaged\n";
        assert!(repaired.stdout.contains(mended), "{what}: {repaired:?}");
        // From the start: what was delivered comes again, as after `rm checkpoint.json`.
        fs::remove_file(folder.path("out.csv")).unwrap();
        folder.run(&ONCE).ends(0);
        assert_right(folder, what);
    });
}

#[test]
fn a_damaged_quarantine_is_told_and_written_to_no_more() {
    each_damage("quarantine/records-000000.ndjson.zst", |folder, what| {
        folder.append("logs/a.json", "neither\n");
        let ran = folder.run(&ONCE).ends(0);
        assert_right(folder, what);
        if what.ends_with("emptied") {
            // Whoever empties it does not want it.
            assert!(!ran.stderr.contains("damaged"), "{}", ran.stderr);
            return;
        }
        ran.says(&[
            "quarantine/records-000000.ndjson.zst: damaged (",
            "a new file is begun",
        ]);
        assert!(
            folder
                .path("state/hits/quarantine/records-000001.ndjson.zst")
                .exists()
        );
        let doctor = folder.run(&["doctor", "hits.conf"]).ends(1);
        assert!(
            doctor
                .stdout
                .contains("records-000000.ndjson.zst: what could not be used"),
            "{doctor:?}"
        );
        folder.run(&["doctor", "--repair", "hits.conf"]).ends(0);
        let shown = folder.run(&["quarantine", "show", "hits.conf"]).ends(0);
        assert!(shown.stdout.contains("neither"), "{shown:?}");
    });
}

#[test]
fn damaged_late_records_and_earlier_checkpoints_leave_the_results_as_they_are() {
    for file in ["late.ndjson", "checkpoint.previous.json"] {
        each_damage(file, |folder, what| {
            let doctor = folder.run(&["doctor", "hits.conf"]);
            let emptied_late = what == "late.ndjson emptied";
            doctor.ends(if emptied_late { 0 } else { 1 });
            folder.run(&["doctor", "hits.conf", "--repair"]).ends(0);
            folder.run(&["doctor", "hits.conf"]).ends(0);
            folder.run(&ONCE).ends(0);
            assert_right(folder, what);
        });
    }
}

#[test]
fn a_damaged_model_is_trained_anew() {
    let folder = Folder::new();
    let conf = folder.with_shipped("web-anomaly-detection");
    let args = ["standalone", "--once", conf.to_str().unwrap()];
    folder
        .run(&args)
        .ends(0)
        .says(&["Training on ", "no model yet"]);
    let path: PathBuf = folder.path("state/web-anomaly-detection/model.json");
    let model = fs::read(&path).unwrap();
    for damaged in [model[..model.len() / 2].to_vec(), Vec::new(), {
        let mut flipped = model.clone();
        flipped[model.len() / 2] ^= 1;
        flipped
    }] {
        fs::write(&path, damaged).unwrap();
        folder
            .run(&args)
            .ends(0)
            .says(&["the saved model is damaged"]);
        let same = |bytes: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(bytes).unwrap()["model"].clone()
        };
        assert_eq!(same(&fs::read(&path).unwrap()), same(&model));
    }
}

#[test]
fn lost_notes_of_arrivals_are_told_and_no_record_is_lost() {
    let folder = Folder::new();
    let by_arrival = HITS.replace("timestamp_field = time\ntimestamp_format = rfc3339\n", "");
    folder.write("hits.conf", by_arrival.replace("60s", "1h"));
    folder.write(
        "hits.sql",
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    folder.write("logs/a.json", hit("00:01", "a") + &hit("00:02", "a"));
    let run = |what: &str| -> Ran {
        let running = folder.start(&["standalone", "hits.conf"]);
        let begun = "Hits: input file, output csv";
        wait_until(what, || {
            folder.len("state/hits/arrivals") > 30 && running.stderr().contains(begun)
        });
        running.kill();
        folder.run(&["doctor", "hits.conf"])
    };
    run("an arrival is noted").ends(0);
    let path = folder.path("state/hits/arrivals");
    let mut notes = fs::read(&path).unwrap();
    let middle = notes.len() - 20;
    notes[middle] ^= 1;
    fs::write(&path, &notes).unwrap();
    let running = folder.start(&["standalone", "hits.conf"]);
    wait_until("the damage is told", || {
        running
            .stderr()
            .contains("arrivals: damaged (1 of 1 notes)")
    });
    wait_until("the records are noted again", || {
        let again = fs::read(&path).unwrap();
        again.len() > 30 && again != notes
    });
    running.signal("TERM");
    running.finish().ends(0);
    assert_eq!(folder.rows("out.csv"), ["a,2"]);
}
