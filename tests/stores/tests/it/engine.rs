//! `training` and `[tables]` of a conf, by url.

use std::path::Path;
use std::sync::{Arc, Mutex};

use datashark_conf::Global;
use datashark_engine::{Checked, ManualClock, Observer, Registry, RunOptions, Stop, check};
use datashark_input_file::Batch;
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Stores, UseCaseEntry};
use datashark_testing::{Found, MemoryOutput};
use datashark_web_anomaly_detection::WebAnomaly;
use tokio::sync::watch;

use crate::server::S3;

/// What a run says.
#[derive(Default)]
struct Messages(Mutex<Vec<String>>);

impl Observer for Messages {
    fn message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

async fn checked(folder: &Path, stores: &Stores) -> Checked {
    let mut global = Global::default_in(folder);
    global.engine.stores = stores.clone();
    let registry = Registry {
        third_party: None,
        use_cases: vec![UseCaseEntry::of::<WebAnomaly>()],
        inputs: vec![InputEntry::of::<Batch>()],
        outputs: vec![OutputEntry::of::<MemoryOutput>()],
    };
    check(&folder.join("case.conf"), &global, &registry).await
}

/// Runs the conf of a folder; gives its findings, and what it said.
async fn run(folder: &Path, stores: &Stores) -> (String, Vec<String>) {
    let Checked { job, diagnostics } = checked(folder, stores).await;
    let job = job.unwrap_or_else(|| panic!("{diagnostics}"));
    let (_stop, stopped) = watch::channel(Stop::Not);
    let options = RunOptions {
        once: true,
        retrain: false,
        state_folder: folder.join("state"),
        clock: Arc::new(ManualClock::at(0)),
        stop: stopped,
        n_workers: Some(1),
    };
    let (found, messages) = (Arc::new(Found::default()), Arc::<Messages>::default());
    let observer: Arc<dyn Observer> = Arc::clone(&messages) as _;
    let run = Box::pin(job.run(options, observer));
    Arc::clone(&found).collect(run).await.unwrap();
    let messages = std::mem::take(&mut *messages.0.lock().unwrap());
    (found.render(), messages)
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

const CASE: &str = "name = Case\ntype = batch\nenabled = true\noutput = memory\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_store_is_joined() {
    let s3 = S3::start().await;
    s3.put("lists/hosts.csv", "ip,owner\n192.0.2.1,web\n192.0.2.2,db\n");
    s3.put(
        "lists/owners.ndjson",
        "{\"owner\":\"web\",\"team\":\"a\"}\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let conf = format!(
        "{CASE}code = query.sql\nfile = in.json\n[tables]\n\
         hosts = s3://logs/lists/hosts.csv\nowners = s3://logs/lists/owners.ndjson\n"
    );
    let query = "SELECT ip AS key, count(*) AS score, team FROM records \
                 JOIN hosts USING (ip) JOIN owners USING (owner) GROUP BY ip, team";
    let records = "{\"ip\":\"192.0.2.1\"}\n{\"ip\":\"192.0.2.2\"}\n{\"ip\":\"192.0.2.1\"}\n";
    let files = [
        ("case.conf", &*conf),
        ("query.sql", query),
        ("in.json", records),
    ];
    write(folder.path(), &files);
    let (found, _) = run(folder.path(), &s3.stores()).await;
    assert_eq!(found, "everything \"192.0.2.1\" 2 team=a\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_trained_on_objects_and_again_when_they_change() {
    let s3 = S3::start().await;
    let log = |codes: &[u16]| -> String {
        let line = |(i, code)| format!("192.0.2.{} {code}\n", i % 3);
        codes.iter().enumerate().map(line).collect()
    };
    s3.put("train/1.log", log(&[200, 200, 500, 200]));
    s3.put("train/2.log", log(&[200, 500]));
    let folder = tempfile::tempdir().unwrap();
    let conf = format!(
        "{CASE}code = web-anomaly-detection\nfile = s3://logs/today.log\n\
         training = s3://logs/train/*.log\n\
         apache_access_logs_pattern = '(?P<source>\\S+) (?P<response_code>\\d+)'\n"
    );
    s3.put("today.log", log(&[200, 200, 200]));
    write(folder.path(), &[("case.conf", &conf)]);
    let (first, said) = run(folder.path(), &s3.stores()).await;
    assert_eq!(said[0], "Training on s3://logs/train/*.log: no model yet");
    assert_eq!(first.lines().count(), 3, "{first}");
    let (again, said) = run(folder.path(), &s3.stores()).await;
    assert_eq!(
        said[0],
        "Model of an earlier run, trained on s3://logs/train/*.log"
    );
    assert_eq!(again, first);
    // The same size, in the same second maybe: only the ETag tells.
    s3.put("train/2.log", log(&[500, 200]));
    let (_, said) = run(folder.path(), &s3.stores()).await;
    assert_eq!(
        said[0],
        "Training on s3://logs/train/*.log: the training file has changed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_store_is_told_at_its_line() {
    let s3 = S3::start().await;
    s3.put("lists/hosts.csv", "ip\n192.0.2.1\n");
    s3.put("lists/more.csv", "ip\n192.0.2.1\n");
    s3.put("in.log", "192.0.2.1 200\n");
    let folder = tempfile::tempdir().unwrap();
    let conf = format!(
        "{CASE}code = web-anomaly-detection\nfile = s3://logs/in.log\n\
         training = s3://logs/tran/a.log\n\
         apache_access_logs_pattern = '(?P<source>\\S+) (?P<response_code>\\d+)'\n[tables]\n\
         a = s3://logs/lists/host.csv\nb = s3://logs/lists/*.csv\nc = s3://logs/lists/x.txt\n"
    );
    write(folder.path(), &[("case.conf", &conf)]);
    let said = checked(folder.path(), &s3.stores()).await.diagnostics;
    let said = said.to_string();
    for part in [
        "case.conf:7: `s3://logs/tran/a.log` does not exist",
        "case.conf:10: `s3://logs/lists/host.csv` does not exist",
        "did you mean `s3://logs/lists/hosts.csv`?",
        "case.conf:11: `s3://logs/lists/*.csv` is 2 objects, expected one",
        "case.conf:12: a table is a .csv",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
