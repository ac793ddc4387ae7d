//! `datashark eval`: how well a use case finds what is labelled.

use serde_json::Value;

use crate::shark::{Folder, Ran};

/// The shipped day of flows; one machine of it sends much to `198.51.100.99`.
fn day() -> (Folder, String) {
    let folder = Folder::new();
    let conf = folder.with_shipped("spot-flow");
    (folder, conf.to_string_lossy().into_owned())
}

const LABELS: [&str; 2] = ["--labels", "dip = '198.51.100.99'"];

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of<'a>(lines: &'a [Value], method: &str) -> &'a Value {
    let mut found = lines
        .iter()
        .filter(|line| line["method"] == method && line["kind"] == "all");
    found
        .next()
        .unwrap_or_else(|| panic!("no line of `{method}` in {lines:#?}"))
}

fn eval(folder: &Folder, conf: &str, args: &[&str]) -> Ran {
    let all = [&["eval", conf, "--format", "json"], args].concat();
    folder.run(&all).ends(0)
}

#[test]
fn what_is_labelled_is_ranked_beside_the_baselines() {
    let (folder, conf) = day();
    let args = [&LABELS[..], &["--also", "words=spot-1.1"]].concat();
    let ran = eval(&folder, &conf, &args);
    let lines = lines(&ran);
    let methods: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["method"].as_str())
        .collect();
    assert_eq!(
        methods,
        [
            "spot-lda",
            "spot-lda words=spot-1.1",
            "rarity of the word",
            "rarity of the word words=spot-1.1",
            "volume: records of the source",
            "volume: bytes",
            "isolation forest",
            "random"
        ]
    );
    let found = of(&lines, "spot-lda");
    assert_eq!(
        (&found["n_items"], &found["n_positives"]),
        (&1201.into(), &1.into())
    );
    assert_eq!(found["pr_auc"], 1.0);
    assert_eq!(found["precision_at_100"], 0.01);
    // The conf asks for 20 findings at most, of a day.
    assert_eq!(found["alerts_per_day"], 20.0);
    assert_eq!(
        (&found["n_detected"], &found["seconds_to_detect"]),
        (&1.into(), &0.0.into())
    );
    // Nobody carries more out in one flow.
    assert_eq!(of(&lines, "volume: bytes")["pr_auc"], 1.0);
    assert!(of(&lines, "random")["pr_auc"].as_f64().unwrap() < 0.5);
    // Nothing of it stays, and no output was written.
    let left = std::fs::read_dir(folder.path("state")).unwrap();
    assert_eq!(left.count(), 0);
    assert!(!folder.path("UseCase-spot_flow.csv").exists());
}

#[test]
fn a_list_labels_as_the_column_does_and_the_table_is_for_people() {
    let (folder, conf) = day();
    folder.write("bad.csv", "dip,kind\n198.51.100.99,exfiltration\n");
    let by_list = eval(&folder, &conf, &["--labels", "bad.csv"]);
    let by_column = eval(&folder, &conf, &LABELS);
    assert_eq!(by_list.stdout, by_column.stdout);
    let table = folder.run(&["eval", &conf, "--labels", "bad.csv"]).ends(0);
    let header: Vec<&str> = table
        .stdout
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(header[..4], ["method", "attacks", "items", "bad"]);
    let csv = folder
        .run(&["eval", &conf, "--labels", "bad.csv", "--format", "csv"])
        .ends(0);
    assert!(
        csv.stdout.starts_with("method,kind,n_items,"),
        "{}",
        csv.stdout
    );
}

#[test]
fn planted_attacks_are_the_same_for_the_same_seed_whatever_the_threads() {
    let (folder, conf) = day();
    let planted = ["--inject", "scan:0.02", "--inject", "exfiltration:0.01"];
    let with = |more: &[&str]| eval(&folder, &conf, &[&planted, more].concat());
    let first = with(&["--seed", "7", "--workers", "1"]);
    assert_eq!(
        first.stdout,
        with(&["--seed", "7", "--workers", "3"]).stdout
    );
    assert_ne!(first.stdout, with(&["--seed", "8"]).stdout);
    first.says(&["Scored are 1,201 real records and 37 planted ones; trained is on the same"]);
    let lines = lines(&with(&["--seed", "7"]));
    let found = of(&lines, "spot-lda");
    assert_eq!(
        (&found["n_items"], &found["n_positives"]),
        (&1238.into(), &37.into())
    );
    let kinds = lines.iter().filter(|line| line["method"] == "spot-lda");
    let kinds: Vec<(&str, u64)> = kinds
        .map(|line| {
            (
                line["kind"].as_str().unwrap(),
                line["n_positives"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(kinds, [("all", 37), ("exfiltration", 12), ("scan", 25)]);
}

#[test]
fn the_earlier_part_may_be_trained_on_and_the_later_scored() {
    let (folder, conf) = day();
    let ran = eval(&folder, &conf, &["--inject", "scan:0.05", "--split", "0.5"]);
    ran.says(&["Scored are 601 real records and 32 planted ones; trained is on 600 records"]);
    // The live conf trains on the day before, which is read as the conf says.
    let live = conf.replace("spot-flow.conf", "spot-flow-live.conf");
    let ran = eval(&folder, &live, &LABELS);
    assert_eq!(of(&lines(&ran), "spot-lda")["pr_auc"], 1.0);
    ran.says(&["trained is on 1,200 records"]);
}

#[test]
fn groups_are_ranked_and_columns_can_be_made_to_say_nothing() {
    let (folder, conf) = day();
    let groups = [&LABELS[..], &["--by", "sip"]].concat();
    let by_source = lines(&eval(&folder, &conf, &groups));
    let n_sources = of(&by_source, "spot-lda")["n_items"].as_u64().unwrap();
    assert!(n_sources < 100, "{n_sources}");
    let nothing = [&LABELS[..], &["--replace", "ibyt=1", "--replace", "obyt=1"]].concat();
    let without_bytes = eval(&folder, &conf, &nothing);
    assert!(!without_bytes.stdout.contains("volume: bytes"));
}

#[test]
fn a_use_case_that_aggregates_is_ranked_by_its_keys() {
    let folder = Folder::new();
    let conf = folder.with_shipped("top-sources");
    let conf = conf.to_string_lossy();
    let labels = ["--labels", "http_response_status_code >= 400"];
    let without = [&["eval", &conf], &labels[..]].concat();
    folder
        .run(&without)
        .ends(1)
        .says(&["say with `--key` which column"]);
    let with = [&labels[..], &["--key", "source_ip"]].concat();
    let lines = lines(&eval(&folder, &conf, &with));
    let methods: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["method"].as_str())
        .collect();
    assert_eq!(methods[0], "Top Sources");
    assert!(methods.contains(&"isolation forest") && !methods.contains(&"rarity of the word"));
}

#[test]
fn what_cannot_be_evaluated_says_why() {
    let (folder, conf) = day();
    let wrong = [
        (vec![], 2, "nothing is labelled"),
        (vec!["--inject", "scam"], 2, "unknown kind of attack `scam`"),
        (
            vec!["--inject", "scan:7"],
            2,
            "expected a rate above 0 and below 1",
        ),
        (vec!["--inject", "dga"], 1, "`dga` cannot be planted here"),
        (
            vec!["--labels", "dipp = '1'"],
            1,
            "none of 1,201 records is valid: 1,201 could not be read, or lack a column that is named here; \
             they may lack `dipp` (did you mean `dip`?)",
        ),
        (
            vec!["--labels", "true", "--split", "2"],
            2,
            "expected a part between 0 and 1",
        ),
        (
            vec!["--labels", "true", "--set", "topic=3"],
            2,
            "unknown key `topic`",
        ),
    ];
    for (args, status, said) in wrong {
        let args = [&["eval", conf.as_str()], &args[..]].concat();
        folder.run(&args).ends(status).says(&[said]);
    }
}

#[test]
fn labels_by_a_member_that_no_object_has_are_refused_and_invalid_records_are_counted() {
    let folder = Folder::new();
    folder.write(
        "rare.sql",
        "SELECT source_ip AS key, CAST(bytes AS DOUBLE) AS score FROM records",
    );
    let conf = "name = Rare\ntype = batch\nenabled = true\ncode = rare.sql\nfile = flows.json\n\
                output = csv\n[codec]\nformat = json\n[columns]\nbytes = integer\n[out_csv]\npath = out.csv\n";
    folder.write("rare.conf", conf);
    let record = |row: u32| format!("{{\"source_ip\":\"192.0.2.{row}\",\"bytes\":{row}}}\n");
    let records: String = (0..50).map(record).collect();
    folder.write("flows.json", format!("{records}no object\n"));
    let args = |labels: &'static str| {
        [
            "eval",
            "rare.conf",
            "--key",
            "source_ip",
            "--labels",
            labels,
        ]
    };
    folder.run(&args("byte > 48")).ends(1).says(&[
        "Left out of 51 records: 1 invalid",
        "error: `--labels` is null for each of 50 records: none is labelled; \
         they may lack `byte` (did you mean `bytes`?)",
    ]);
    folder.run(&args("bytes > 48")).ends(0);
}
