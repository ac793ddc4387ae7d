//! Web anomaly detection over its shipped sample: the model that is kept, and when it is trained.

use std::fs;

use crate::shark::Folder;

const TRAINING: &str = " - (Web Anomaly Detection) - Training on ";
const REUSED: &str = " - (Web Anomaly Detection) - Model of an earlier run, trained on ";

/// The sample with a folder of its own for the conf, and its run's arguments.
fn sample() -> (Folder, String) {
    let folder = Folder::new();
    let conf = folder.with_shipped("web-anomaly-detection");
    (folder, conf.into_os_string().into_string().unwrap())
}

#[test]
fn the_scanner_of_the_sample_has_the_highest_score() {
    let (folder, conf) = sample();
    let ran = folder
        .run(&["standalone", "--once", &conf])
        .ends(0)
        .prints_nothing();
    let account = ran.account();
    let n_lines = ["access_log.1", "access_log.2"].map(|name| {
        folder
            .read(&format!("web-anomaly-detection/logs/{name}"))
            .lines()
            .count()
    });
    assert_eq!(
        account,
        [n_lines.iter().sum::<usize>() as u64, 0, 0, 0, account[0]]
    );
    let rows = folder.rows("UseCase-web_anomaly.csv");
    // key, score, cluster, nxx, twoxx: the metadata in the order of its names.
    let score = |row: &String| row.split(',').nth(1).unwrap().parse::<f64>().unwrap();
    let highest = rows
        .iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .unwrap();
    assert!(highest.starts_with("203.0.113.66,"), "{highest}");
    assert!(
        rows.iter().all(|row| row.split(',').count() == 5),
        "{highest}"
    );
}

#[test]
fn a_model_is_used_again_until_it_is_asked_to_be_trained_anew() {
    let (folder, conf) = sample();
    let first = folder.run(&["standalone", "--once", &conf]).ends(0);
    first.says(&[TRAINING, ": no model yet\n"]);
    let model = folder.read("state/web-anomaly-detection/model.json");
    let second = folder.run(&["standalone", "--once", &conf]).ends(0);
    assert!(!second.stderr.contains("Training on"), "{}", second.stderr);
    second.says(&[REUSED]);
    let third = folder
        .run(&["standalone", "--once", "--retrain", &conf])
        .ends(0);
    third.says(&[TRAINING, ": asked to retrain\n"]);
    assert_eq!(folder.read("state/web-anomaly-detection/model.json"), model);
}

#[test]
fn a_model_is_trained_anew_when_its_training_file_changes() {
    let (folder, conf) = sample();
    folder.run(&["standalone", "--once", &conf]).ends(0);
    folder.append(
        "web-anomaly-detection/test_access_log",
        "192.0.2.77 [29:23:53:25] \"GET / HTTP/1.0\" 200 1497\n",
    );
    let second = folder.run(&["standalone", "--once", &conf]).ends(0);
    second.says(&[TRAINING, ": the training file has changed\n"]);
    folder
        .run(&["standalone", "--once", &conf])
        .ends(0)
        .says(&[REUSED]);
}

#[test]
fn a_training_file_that_was_only_touched_is_no_reason() {
    let (folder, conf) = sample();
    folder.run(&["standalone", "--once", &conf]).ends(0);
    let path = folder.path("web-anomaly-detection/test_access_log");
    let text = fs::read(&path).unwrap();
    fs::write(&path, text).unwrap();
    folder
        .run(&["standalone", "--once", &conf])
        .ends(0)
        .says(&[REUSED]);
}

#[test]
fn a_model_is_trained_anew_when_the_parameters_change() {
    let (folder, conf) = sample();
    folder.run(&["standalone", "--once", &conf]).ends(0);
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, text.replace("clusters = 2", "clusters = 3")).unwrap();
    let second = folder.run(&["standalone", "--once", &conf]).ends(0);
    second.says(&[TRAINING, ": the conf has changed\n"]);
    // Where rows go has nothing to do with the model.
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(
        &conf,
        text.replace("title      = Use Case", "title      = Web"),
    )
    .unwrap();
    folder
        .run(&["standalone", "--once", &conf])
        .ends(0)
        .says(&[REUSED]);
}

#[test]
fn a_damaged_model_is_trained_anew_or_said_so() {
    let (folder, conf) = sample();
    folder.run(&["standalone", "--once", &conf]).ends(0);
    folder.write("state/web-anomaly-detection/model.json", "{");
    let second = folder.run(&["standalone", "--once", &conf]);
    assert!(second.stderr.contains("model"), "{}", second.stderr);
    assert!(!second.stderr.contains("panicked"), "{}", second.stderr);
    folder
        .run(&["standalone", "--once", "--retrain", &conf])
        .ends(0);
}

#[test]
fn a_run_over_logs_that_were_read_already_adds_nothing() {
    let (folder, conf) = sample();
    folder.run(&["standalone", "--once", &conf]).ends(0);
    let rows = folder.read("UseCase-web_anomaly.csv");
    let again = folder.run(&["standalone", "--once", &conf]).ends(0);
    assert_eq!(again.account(), [0; 5]);
    assert_eq!(folder.read("UseCase-web_anomaly.csv"), rows);
}
