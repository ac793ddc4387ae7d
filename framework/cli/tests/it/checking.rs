//! `datashark check`.

use crate::shark::{Folder, root};

const CONF: &str = "name = NAME\ntype = batch\nenabled = true\ncode = wordcount\nfile = a.txt\noutput = csv\n[out_csv]\npath = PATH\n";

fn conf(name: &str, path: &str) -> String {
    CONF.replace("NAME", name).replace("PATH", path)
}

#[test]
fn every_shipped_conf_is_right() {
    let folder = Folder::new();
    let mut names: Vec<String> = Vec::new();
    let entries = std::fs::read_dir(root().join("conf")).unwrap().flatten();
    for entry in entries.filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let conf = entry.path().join(format!("{name}.conf"));
        assert!(conf.is_file(), "{}", conf.display());
        names.push(conf.into_os_string().into_string().unwrap());
    }
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    let mut args = vec!["check"];
    args.extend(names.iter().map(String::as_str));
    let ran = folder.run(&args).ends(0);
    assert_eq!(ran.stderr, "");
    for name in &names {
        assert!(ran.stdout.contains(&format!("{name}: ")), "{}", ran.stdout);
    }
    assert!(
        !folder.path("state").exists(),
        "a check leaves nothing behind"
    );
}

#[test]
fn a_check_says_what_a_use_case_reads_and_what_bounds_its_memory() {
    let folder = Folder::new();
    let top = root().join("conf/top-sources/top-sources.conf");
    let ran = folder.run(&["check", top.to_str().unwrap()]).ends(0);
    assert!(
        ran.stdout.contains(": Top Sources (batch)\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("  reads    combined: source_ip, "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("  windows  incremental: "),
        "{}",
        ran.stdout
    );
    folder.write("a.txt", "");
    folder.write(
        "b.sql",
        "SELECT line AS key, row_number() OVER (ORDER BY line) AS score FROM records",
    );
    folder.write("b.conf", conf("b", "b.csv").replace("wordcount", "b.sql"));
    let ran = folder.run(&["check", "b.conf"]).ends(0);
    assert!(
        ran.stdout.contains("  windows  buffered: "),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_an_output_warns_about_is_told_with_its_line_and_is_no_mistake() {
    let folder = Folder::new();
    folder.write("a.txt", "");
    let text = conf("a", "a.csv").replace(
        "output = csv\n[out_csv]\npath = a.csv\n",
        "output = elasticsearch\n",
    ) + "[out_elasticsearch]\nhost = 127.0.0.1\ndoc_type = spark-driver\n";
    folder.write("a.conf", text);
    let ran = folder.run(&["check", "a.conf"]).ends(0);
    ran.says(&[
        "! types went away with Elasticsearch 8: `doc_type` is not sent",
        "a.conf:9",
    ]);
}

#[test]
fn every_mistake_of_every_conf_is_told_in_one_go() {
    let folder = Folder::new();
    folder.write("a.txt", "");
    folder.write("one.conf", "name = one\ntype = bath\nenabled = maybe\ncode = wordcont\nfile = b.txt\noutput = csv\n[out_csv]\nseperator = ;\n");
    folder.write("two.conf", "name = two\ntype = streaming\nenabled = true\ncode = two.sql\ninput = file\noutput = csv, sylog\nwindow = 10s\nslide = 20s\n[in_file]\nfolder = .\n[log_filter]\n[[include]]\na = (\n");
    folder.write("two.sql", "SELECT line\nFROM records");
    folder.write("right.conf", conf("right", "right.csv"));
    let ran = folder
        .run(&["check", "one.conf", "two.conf", "right.conf", "none.conf"])
        .ends(2);
    let expected = [
        "`bath`",
        "[one.conf:2:",
        "`maybe`",
        "[one.conf:3:",
        "did you mean `wordcount`?",
        "[one.conf:4:",
        "`b.txt` does not exist",
        "[one.conf:5:",
        "did you mean `separator`?",
        "[one.conf:8:",
        "unknown output `sylog`",
        "[two.conf:6:",
        "`slide` is longer than `window`",
        "[two.conf:8:",
        "folder_path",
        "[two.conf:10:",
        "unclosed group",
        "[two.conf:13:",
        "none.conf: there is no such file",
    ];
    for part in expected {
        assert!(
            ran.stderr.contains(part),
            "`{part}` is not in\n{}",
            ran.stderr
        );
    }
    // What is right is described all the same.
    assert!(
        ran.stdout.starts_with("right.conf: right (batch)\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn two_use_cases_may_not_write_one_csv_file() {
    let folder = Folder::new();
    folder.write("a.txt", "");
    folder.write("one.conf", conf("one", "out.csv"));
    folder.write("two.conf", conf("two", "./out.csv"));
    folder.write("three.conf", conf("three", "other.csv"));
    let ran = folder
        .run(&["check", "one.conf", "two.conf", "three.conf"])
        .ends(2);
    let out = folder
        .path("out.csv")
        .canonicalize()
        .unwrap_or(folder.path("out.csv"));
    let part = format!(
        "two.conf: `[out_csv] path` is that of one.conf too: `{}`",
        out.display()
    );
    ran.says(&[&part]);
}

#[test]
fn two_use_cases_may_not_have_one_name() {
    let folder = Folder::new();
    folder.write("a.txt", "");
    folder.write("one.conf", conf("Same", "one.csv"));
    folder.write("two.conf", conf("same", "two.csv"));
    let ran = folder.run(&["check", "one.conf", "two.conf"]).ends(2);
    ran.says(&["two.conf: `name` is that of one.conf too: `same`"]);
}

#[test]
fn a_global_conf_of_datashark_1_2_is_told_what_to_write() {
    let folder = Folder::new();
    folder.write("a.txt", "");
    folder.write("one.conf", conf("one", "one.csv"));
    folder.write(
        "datashark.conf",
        "zookeeper.host = 127.0.0.1\nzookeeper.port = 2181\n",
    );
    folder
        .run(&["check", "one.conf"])
        .ends(2)
        .says(&["kafka.bootstrap.servers"]);
    folder.write(
        "datashark.conf",
        "[spark_config]\nspark.executor.memory = 2g\n",
    );
    folder
        .run(&["check", "one.conf"])
        .ends(0)
        .says(&["spark_config"]);
}

#[test]
fn check_says_what_several_instances_of_a_kafka_group_need() {
    let folder = Folder::new();
    let conf = "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = kafka\noutput = csv\nwindow = 60s\n[codec]\nformat = json\n[in_kafka]\nbootstrap_servers = 127.0.0.1:9092\ntopic = hits\n[out_csv]\npath = hits.csv\n";
    folder.write("hits.conf", conf);
    folder.write(
        "hits.sql",
        "SELECT source AS key, count(*) AS score FROM records GROUP BY source",
    );
    let ran = folder.run(&["check", "hits.conf"]).ends(0);
    for part in ["have to be in one partition", "by `timestamp_field`"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
}
