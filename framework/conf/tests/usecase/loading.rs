//! Confs that are right, and what is read from them.

use std::path::PathBuf;

use datashark_conf::{Code, ColumnType, Kind};
use datashark_sdk::conf::Section;

use super::{BASE, load, messages};

/// dataShark 1.2.1's two confs, as the specification's table has them.
const WORDCOUNT: &str = "type = batch\nfile = wordcount.txt\ncode = wordcount.py\n\n\
    name = Word Count\nenabled = true\noutput = csv\n\n\
    [out_csv]\n\tpath = /tmp/usecase1.csv\n    title = Word Count\n\tdebug = false\n";
const WEB_ANOMALY: &str = "type = streaming\ntraining = test_access_log\n\
    code = web-anomaly-detection.py\n\nname = Web Anomaly Detection\nenabled = true\n\
    input = file\noutput = csv\n\n\
    apache_access_logs_pattern = \"(?P<source>\\S+) \\[\\d+:\\d+:\\d+:\\d+\\] \
    \\\"(?P<request>[^\\\"]*)\\\" (?P<response_code>\\d+) .*\"\n\n\
    [in_file]\n\tfolder_path = /opt/logs\n\n\
    [out_csv]\n\tpath = /tmp/UseCase-web_anomaly.csv\n\tseparator = ','\n\tquote_char = '\"'\n\
    \ttitle = Use Case\n    debug = false\n";

#[test]
fn the_two_confs_of_datashark_1_differ_from_ours_in_their_python_file_alone() {
    assert_eq!(
        messages(WORDCOUNT),
        ["3: use cases in Python do not run here: `wordcount.py` \
          (write `code = wordcount`: this use case is built in and reads the same conf)"]
    );
    assert_eq!(
        messages(WEB_ANOMALY),
        [
            "3: use cases in Python do not run here: `web-anomaly-detection.py` \
          (write `code = web-anomaly-detection`: this use case is built in and reads the same \
          conf)"
        ]
    );
}

#[test]
fn the_two_confs_of_datashark_1_load_with_the_code_named_as_told() {
    let conf = load(&WORDCOUNT.replace(".py", ""));
    assert_eq!(
        (conf.name.as_str(), conf.kind, conf.enabled),
        ("Word Count", Kind::Batch, true)
    );
    assert_eq!(conf.files, [PathBuf::from("conf/x/wordcount.txt")]);
    assert_eq!(conf.outputs[0].section.text("title"), Some("Word Count"));

    let conf = load(&WEB_ANOMALY.replace("detection.py", "detection"));
    assert_eq!(conf.code, Code::Named("web-anomaly-detection".into()));
    assert_eq!(conf.training, Some(PathBuf::from("conf/x/test_access_log")));
    let input = conf.input.unwrap();
    assert_eq!(
        (input.name.as_str(), input.section.text("folder_path")),
        ("file", Some("/opt/logs"))
    );
    let csv = &conf.outputs[0].section;
    assert_eq!(
        (csv.text("separator"), csv.text("quote_char")),
        (Some(","), Some("\""))
    );
    assert_eq!(
        conf.own.text("apache_access_logs_pattern"),
        Some(
            r#"(?P<source>\S+) \[\d+:\d+:\d+:\d+\] \"(?P<request>[^\"]*)\" (?P<response_code>\d+) .*"#
        )
    );
}

#[test]
fn several_files_stand_between_commas() {
    let batch = "name = n\ntype = batch\nenabled = on\ncode = c\noutput = csv\n";
    let conf = load(&format!(
        "{batch}file = a.log, 'b, c.log', s3://logs/*.gz,\n"
    ));
    let files = ["conf/x/a.log", "conf/x/b, c.log", "s3://logs/*.gz"];
    assert_eq!(conf.files, files.map(PathBuf::from));
    for nothing in ["file = ,\n", "file = ''\n"] {
        assert_eq!(
            messages(&format!("{batch}{nothing}")),
            ["6: no file is named"]
        );
    }
}

#[test]
fn every_key_and_section_of_the_engine_is_read_and_the_rest_is_the_use_cases() {
    let conf = load(
        "name = 'A # b'\ntype = streaming\nenabled = off\ncode = lib/x.so\ninput = kafka\n\
         output = csv, syslog\ntraining = hdfs://h/t\nwindow = 5m\nslide = 1m\n\
         allowed_lateness = 30s\nidle_timeout = 500ms\ntimestamp_field = at\n\
         timestamp_format = %d/%b\nkeep_late = yes\npattern = ^#;:=\n[in_kafka]\nhost = h\n[codec]\n\
         format = csv\nseparator = ';'\n[columns]\nb = integer\na = text\n[tables]\nt = /t.csv\nu = u.csv\n\
         [log_filter]\n[[include]]\nhttp.method = GET\n[[exclude]]\nagent = (?P<bot>bot|#)\n\
         [out_syslog]\nport = 1\n[mine]\nk = v\n",
    );
    assert_eq!((conf.name.as_str(), conf.enabled), ("A # b", false));
    assert_eq!(conf.code, Code::Library(PathBuf::from("conf/x/lib/x.so")));
    assert_eq!(conf.training, Some(PathBuf::from("hdfs://h/t")));
    assert_eq!(
        conf.input.unwrap().section,
        Section::from_iter([("host", "h")])
    );
    let outputs: Vec<_> = conf
        .outputs
        .iter()
        .map(|o| (o.name.as_str(), o.section_name.as_str(), o.section.len()))
        .collect();
    assert_eq!(
        outputs,
        [("csv", "out_csv", 0), ("syslog", "out_syslog", 1)]
    );
    let durations = [
        conf.window,
        conf.slide,
        conf.allowed_lateness,
        conf.idle_timeout,
    ];
    assert_eq!(
        durations.map(|d| d.map(|d| d.as_millis())),
        [300_000, 60_000, 30_000, 500].map(Some)
    );
    assert_eq!(conf.timestamp_field.as_deref(), Some("at"));
    assert_eq!(conf.timestamp_format.as_deref(), Some("%d/%b"));
    assert!(conf.keep_late && !load(BASE).keep_late);
    let codec = conf.codec.unwrap();
    assert_eq!(
        (codec.format.as_deref(), codec.options.len()),
        (Some("csv"), 1)
    );
    let columns = [
        ("b".to_owned(), ColumnType::Integer),
        ("a".to_owned(), ColumnType::Text),
    ];
    assert_eq!(conf.columns, columns);
    let tables = [
        ("t".to_owned(), "/t.csv".into()),
        ("u".to_owned(), "conf/x/u.csv".into()),
    ];
    assert_eq!(conf.tables, tables);
    let (include, exclude) = (&conf.log_filter.include[0], &conf.log_filter.exclude[0]);
    assert_eq!(
        (include.key.as_str(), include.regex.as_str()),
        ("http.method", "GET")
    );
    assert_eq!(
        (exclude.key.as_str(), exclude.regex.as_str()),
        ("agent", "(?P<bot>bot|#)")
    );
    let mut own = Section::from_iter([("pattern", "^#;:=")]);
    own.insert("mine", Section::from_iter([("k", "v")]));
    assert_eq!(conf.own, own);
}
