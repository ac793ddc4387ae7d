//! A use case's conf as its user meets it: what loads, and what is said of every kind of mistake.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use datashark_conf::{Checked, Code, ColumnType, Conf, Kind, Style, check_bytes};
use datashark_sdk::conf::{Problem, Problems, Section};

/// What every conf needs.
const BASE: &str = "name = x\ntype = streaming\nenabled = true\ncode = x\noutput = csv\n";

fn check(text: &str) -> Checked {
    check_bytes(text.as_bytes(), Path::new("conf/x/x.conf"))
}

/// The messages, a line each, without the file's name.
fn messages(text: &str) -> Vec<String> {
    let diagnostics = check(text).diagnostics;
    diagnostics
        .sorted()
        .iter()
        .map(|d| d.to_string().replace("conf/x/x.conf:", ""))
        .collect()
}

/// The messages of a conf that is right but for these lines.
fn with(lines: &str) -> Vec<String> {
    messages(&format!("{BASE}{lines}"))
}

fn load(text: &str) -> Conf {
    let loaded = check(text).into_result().unwrap();
    assert_eq!(loaded.warnings.to_string(), "");
    loaded.conf
}

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

#[test]
fn only_streaming_and_batch_with_an_input_do_without_a_file() {
    assert_eq!(load(BASE).window, None::<Duration>);
    let batch = BASE.replace("streaming", "batch");
    let missing =
        " missing key `file` (`file = …` is the data file or files, relative to the conf's folder)";
    assert_eq!(messages(&batch), [missing]);
    assert_eq!(
        messages(&format!("{batch}file = f\n")),
        Vec::<String>::new()
    );
    assert_eq!(
        messages(&format!("{batch}input = file\n")),
        Vec::<String>::new()
    );
}

#[test]
fn every_mandatory_key_is_missed_at_once_with_what_it_says() {
    assert_eq!(
        messages("own = 1\n"),
        [
            " missing key `name` (`name = …` is the use case's name in every message)",
            " missing key `type` (`type = …` is `batch` or `streaming`)",
            " missing key `enabled` (`enabled = …` is `true` or `false`; only production looks at \
             it)",
            " missing key `code` (`code = …` is a use case's name, or a .sql file beside the conf)",
            " missing key `output` (`output = …` is `csv` or another output, or several with \
             commas between)",
        ]
    );
    let empty = [
        " the conf is empty (a use case needs at least `name`, `type`, `enabled`, `code` \
                  and `output`)",
    ];
    assert_eq!(messages("# nothing\n\n"), empty);
    assert_eq!(messages(""), empty);
}

#[test]
fn a_missing_key_is_looked_for_under_near_names_and_in_sections() {
    let text = BASE.replace("output", "outptu").replace("code = x\n", "")
        + "file_format = a\ncode_page = b\n[in_file]\ncode = c\n";
    assert_eq!(
        messages(&text),
        [
            "4: unknown key `outptu`, did you mean `output`? (`output = …` is `csv` or another \
             output, or several with commas between)",
            "7: section `[in_file]` is not used: `input` does not name `file` (write `input = \
             file` to use it)",
            "8: missing key `code`: it stands in section `[in_file]` (top-level keys stand above \
             the first section)",
        ]
    );
}

#[test]
fn a_line_that_cannot_be_read_does_not_make_its_key_missing_too() {
    let text = BASE
        .replace("name = x", "name = \"x")
        .replace("code = x", "code x");
    assert_eq!(
        messages(&text),
        [
            "1: this quote is not closed (close it, or put the whole value into the other kind of \
             quotes)",
            "4: expected `key = value` (a value stands on its key's line; one of several lines is \
             put in three quotes)",
        ]
    );
}

#[test]
fn nothing_is_missing_behind_a_quote_that_is_not_closed() {
    assert_eq!(
        messages("name = x\nwindow = 5\ncode = '''\ntype = batch\noutput = csv\n"),
        [
            "2: expected a duration such as `60s`, `5m` or `1h30m`, found `5`",
            "3: this quote is not closed (close it, or put the whole value into the other kind of \
             quotes)",
        ]
    );
}

#[test]
fn wrong_values_say_what_was_expected_and_the_nearest_name() {
    assert_eq!(
        messages(&BASE.replace("streaming", "stream").replace("true", "yep")),
        [
            "2: unknown type `stream`, did you mean `streaming`? (expected one of `batch`, \
             `streaming`)",
            "3: expected `true` or `false`, found `yep`",
        ]
    );
    assert_eq!(
        with("window = 5 minutes\nslide = 60 # s\n[codec]\n[columns]\na = integr\nb = blob\n"),
        [
            "6: expected a duration such as `60s`, `5m` or `1h30m`, found `5 minutes`",
            "7: expected a duration such as `60s`, `5m` or `1h30m`, found `60 # s` (a comment \
             needs a line of its own)",
            "10: unknown column type `integr`, did you mean `integer`? (expected one of `text`, \
             `integer`, `float`, `boolean`, `timestamp`)",
            "11: unknown column type `blob` (expected one of `text`, `integer`, `float`, \
             `boolean`, `timestamp`)",
        ]
    );
}

#[test]
fn windows_that_cannot_be_are_refused() {
    assert_eq!(
        with("slide = 1m\n"),
        ["6: `slide` without `window` (say with `window = …` how long the sliding windows are)"]
    );
    assert_eq!(
        with("window = 1m\nslide = 2m\n"),
        ["7: `slide` is longer than `window`: records between windows would be lost"]
    );
    assert_eq!(
        with("window = 0s\n"),
        ["6: `window` is longer than nothing"]
    );
    assert_eq!(with("window = 1m\nslide = 1m\n"), Vec::<String>::new());
}

#[test]
fn other_python_files_are_told_what_to_become() {
    assert_eq!(
        messages(&BASE.replace("code = x", "code = 'My Case.PY'")),
        [
            "4: use cases in Python do not run here: `My Case.PY` (write it as SQL in a file \
          beside the conf (`code = My Case.sql`), or as a crate on datashark-sdk)"
        ]
    );
}

#[test]
fn outputs_are_named_once_and_at_least_one() {
    let output =
        |value: &str| messages(&BASE.replace("output = csv", &format!("output = {value}")));
    assert_eq!(output("csv, csv"), ["5: output `csv` is named twice"]);
    assert_eq!(output(""), ["5: expected the name of an output"]);
    assert_eq!(output("csv,, x"), ["5: an item of the list is empty"]);
    assert_eq!(output("csv, syslog,"), Vec::<String>::new());
}

#[test]
fn a_section_of_a_plugin_that_is_not_used_is_a_warning() {
    let text = "[in_kafka]\nhost = h\n[out_csv]\n[out_cvs]\n[out_syslog]\n";
    assert_eq!(
        with(text),
        [
            "6: section `[in_kafka]` is not used: `input` does not name `kafka` (write `input = \
             kafka` to use it)",
            "9: section `[out_cvs]` is not used: `output` does not name `cvs` (did you mean \
             `[out_csv]`?)",
            "10: section `[out_syslog]` is not used: `output` does not name `syslog` (write \
             `output = syslog` to use it)",
        ]
    );
    let loaded = check(&format!("{BASE}{text}")).into_result().unwrap();
    assert_eq!(loaded.warnings.warnings().count(), 3);
}

#[test]
fn a_section_that_must_be_a_misspelt_one_of_ours_is_an_error_and_others_are_the_use_cases() {
    let near = "(a section of the use case's own needs a name that is less near)";
    assert_eq!(
        with("[logfilter]\n[out-csv]\n[output_syslog]\n[Columns]\n[thresholds]\n"),
        [
            format!("6: unknown section `[logfilter]`, did you mean `[log_filter]`? {near}"),
            format!("7: unknown section `[out-csv]`, did you mean `[out_csv]`? {near}"),
            format!("8: unknown section `[output_syslog]`, did you mean `[out_syslog]`? {near}"),
            format!("9: unknown section `[Columns]`, did you mean `[columns]`? {near}"),
        ]
    );
}

#[test]
fn values_and_sections_in_each_others_place_are_told_apart() {
    assert_eq!(
        with("codec = json\nlog_filter = x\n[window]\n"),
        [
            "6: expected a section `[codec]`, found a value",
            "7: expected a section `[log_filter]`, found a value",
            "8: expected a value, found a section",
        ]
    );
    let text = "[log_filter]\ninclude = x\n[[exclude]]\n[[[y]]]\n[codec]\n[[format]]\n";
    assert_eq!(
        with(text),
        [
            "7: expected a subsection `[[include]]`, found a value",
            "9: expected a regex, found a section",
            "11: expected a value, found a section",
        ]
    );
}

#[test]
fn a_pattern_is_blamed_at_its_byte() {
    let text = "[log_filter]\n[[include]]\na = 'x(?=y)'\nb = ^(x\nc = \"(a)\\1\"\nd = x\\Z\n\
                e = (?P<n>a)(?P=n)\nf = (\\w{500}){500}\n[[exlude]]\ng = h\n";
    let checked = check(&format!("{BASE}{text}"));
    let drawn = checked.diagnostics.render(Style::Plain, 100);
    insta::assert_snapshot!(drawn, @r##"
     x invalid regex: look-around, including look-ahead and look-behind, is not supported
      ,-[conf/x/x.conf:8:7]
    8 | a = 'x(?=y)'
      :       ^^^
      `----
     help: Python has it, but it is not supported here, where no record may make a pattern slow;
           write a negative look-ahead as a pattern of its own in `[[exclude]]`

     x invalid regex: unclosed group
      ,-[conf/x/x.conf:9:6]
    9 | b = ^(x
      :      ^
      `----

     x invalid regex: backreferences are not supported
       ,-[conf/x/x.conf:10:9]
    10 | c = "(a)\1"
       :         ^^
       `----
     help: Python has them, but they are not supported here, where no record may make a pattern slow

     x invalid regex: unrecognized escape sequence
       ,-[conf/x/x.conf:11:6]
    11 | d = x\Z
       :      ^^
       `----
     help: Python's `\Z` is written `\z` here

     x invalid regex: unrecognized flag
       ,-[conf/x/x.conf:12:15]
    12 | e = (?P<n>a)(?P=n)
       :               ^
       `----
     help: Python's `(?P=name)`, `(?(1)a|b)`, `(?>…)` and `(?#…)` are not supported here

     x invalid regex: too large once it is compiled
       ,-[conf/x/x.conf:13:5]
    13 | f = (\w{500}){500}
       :     ^^^^^^^^^^^^^^
       `----
     help: ask for fewer repetitions

     x unknown key `exlude` in `[log_filter]`, did you mean `[[exclude]]`?
       ,-[conf/x/x.conf:14:1]
    14 | [[exlude]]
       : ^^^^^^^^^^
       `----
     help: patterns stand in the subsections `[[include]]` and `[[exclude]]`
    "##);
}

#[test]
fn a_table_cannot_take_the_records_name() {
    assert_eq!(
        with("[tables]\nrecords = r.csv\n"),
        ["7: `records` is the name of the records themselves (name this table otherwise)"]
    );
}

#[test]
fn a_comment_that_is_part_of_a_value_is_warned_about() {
    let help = "(a comment needs a line of its own, or quotes around the value before it)";
    assert_eq!(
        messages(&BASE.replace("output = csv", "output = csv # the default")),
        [format!(
            "5: `#` and what follows belong to the value of `output` {help}"
        )]
    );
    assert_eq!(
        with("pattern = \"a\" # b\"\n"),
        ["6: this is read as a comment (if it belongs to the value, use the other kind of quotes)"]
    );
    assert_eq!(with("pattern = a # b\n"), Vec::<String>::new());
}

#[test]
fn a_use_cases_own_unknown_key_may_be_one_of_the_engines() {
    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Own {
        #[serde(rename = "clusters")]
        _clusters: u8,
    }
    let checked = check(&format!("{BASE}windw = 5m\nclustrs = 2\nfoo = 1\n"));
    let problems = checked.conf.unwrap().own.parse::<Own>().unwrap_err();
    let diagnostics = checked
        .source
        .unwrap()
        .diagnose(Conf::own_problems(problems));
    assert_eq!(
        diagnostics.to_string(),
        "conf/x/x.conf: missing key `clusters`\n\
         conf/x/x.conf:6: unknown key `windw`, did you mean `window`? (the keys here are \
         `clusters`)\n\
         conf/x/x.conf:7: unknown key `clustrs`, did you mean `clusters`? (the keys here are \
         `clusters`)\n\
         conf/x/x.conf:8: unknown key `foo` (the keys here are `clusters`)"
    );
}

#[test]
fn problems_of_a_plugin_point_at_its_key_its_section_or_the_absence_of_it() {
    let checked = check(&format!("{BASE}[out_csv]\npath = 'a\"b'\n"));
    let problems: Problems = [
        Problem::at(["path"], "a quote in a path").span(1..2),
        Problem::at(["separator"], "missing key `separator`"),
    ]
    .into_iter()
    .collect();
    let source = checked.source.unwrap();
    let mut diagnostics = source.diagnose(problems.clone().below(["out_csv"]));
    diagnostics.extend(source.diagnose(problems.clone().below(["in_file"])));
    diagnostics.extend(source.diagnose(problems.below(["out_webhook"])));
    diagnostics.extend(source.diagnose(Problem::new("no such use case").into()));
    insta::assert_snapshot!(diagnostics.render(Style::Plain, 100), @r##"
     x conf/x/x.conf: a quote in a path in section `[in_file]`, which is not there

     x conf/x/x.conf: missing key `separator` in section `[in_file]`, which is not there

     x conf/x/x.conf: no such use case

     x a quote in a path in section `[out_webhook]`, which is not there
      ,-[conf/x/x.conf:5:10]
    5 | output = csv
      :          ^^^
      `----

     x missing key `separator` in section `[out_webhook]`, which is not there
      ,-[conf/x/x.conf:5:10]
    5 | output = csv
      :          ^^^
      `----

     x missing key `separator`
      ,-[conf/x/x.conf:6:1]
    6 | [out_csv]
      : ^^^^^^^^^
      `----

     x a quote in a path
      ,-[conf/x/x.conf:7:10]
    7 | path = 'a"b'
      :          ^
      `----
    "##);
}

#[test]
fn diagnostics_are_drawn_for_terminals_with_the_whole_line_and_both_lines_of_a_repetition() {
    let checked = check(&format!(
        "{BASE}\twindow = 5 # minutes\r\nname = y\r\n[in_x]\r\n"
    ));
    insta::assert_snapshot!(checked.diagnostics.render(Style::Unicode, 60), @r##"
     × expected a duration such as `60s`, `5m` or `1h30m`,
     │ found `5 # minutes`
      ╭─[conf/x/x.conf:6:11]
    6 │     window = 5 # minutes
      ·              ───────────
      ╰────
     help: a comment needs a line of its own

     × key `name` is written twice, on lines 1 and 7
      ╭─[conf/x/x.conf:1:1]
    1 │ name = x
      · ──┬─
      ·   ╰── first here
      ╰────
      ╭─[conf/x/x.conf:7:1]
    7 │ name = y
      · ────
      ╰────

     ⚠ section `[in_x]` is not used: `input` does not name
     │ `x`
      ╭─[conf/x/x.conf:8:1]
    8 │ [in_x]
      · ──────
      ╰────
     help: write `input = x` to use it
    "##);
    let fancy = checked.diagnostics.render(Style::Fancy, 60);
    assert!(fancy.contains("\u{1b}["), "{fancy}");
}

/// What every batch needs.
const BATCH: &str =
    "name = x\ntype = batch\nenabled = true\ncode = x\noutput = csv\nfile = x.log\n";

#[test]
fn a_batch_has_a_schedule_or_an_interval() {
    let schedule = |lines: &str| {
        load(&format!("{BATCH}{lines}"))
            .schedule
            .map(|it| it.to_string())
    };
    assert_eq!(schedule(""), None);
    assert_eq!(schedule("every = 90m\n").as_deref(), Some("every 1h30m"));
    assert_eq!(
        schedule("schedule = 0,30 3 * * mon-fri\n").as_deref(),
        Some("at `0,30 3 * * mon-fri`, UTC")
    );
    assert_eq!(
        schedule("schedule = @daily\nschedule_timezone = Asia/Tokyo\n").as_deref(),
        Some("at `@daily`, Asia/Tokyo")
    );
}

#[test]
fn a_schedule_that_is_none_is_told() {
    let with = |lines: &str| messages(&format!("{BATCH}{lines}"));
    let help = "(minute, hour, day of the month, month, day of the week: `0 3 * * mon-fri` is three \
                o'clock on workdays)";
    assert_eq!(
        with("schedule = 0 3 * *\n"),
        [format!(
            "7: a cron pattern has five fields, found 4 in `0 3 * *` {help}"
        )]
    );
    assert_eq!(
        with("schedule = 0 25 * * *\n"),
        [format!(
            "7: expected a cron pattern, found `0 25 * * *`: number out of bounds {help}"
        )]
    );
    assert_eq!(
        with("schedule = 0 0 30 2 *\n"),
        [format!("7: no day matches `0 0 30 2 *` {help}")]
    );
    assert_eq!(
        with("schedule = 0 3 * * *\nevery = 1h\n"),
        ["8: `every` beside `schedule`: a use case has one of them"]
    );
    assert_eq!(
        with("schedule = 0 3 * * *\nschedule_timezone = Europe/Berln\n"),
        [
            "8: unknown time zone `Europe/Berln`, did you mean `Europe/Berlin`? (a name of the time \
          zone database: `UTC`, `Europe/Berlin`)"
        ]
    );
    assert_eq!(
        with("every = 1h\nschedule_timezone = UTC\n"),
        ["8: `schedule_timezone` without `schedule`"]
    );
    assert_eq!(
        with("every = 10ms\n"),
        ["7: `every` is at least `1s`, found `10ms`"]
    );
}

#[test]
fn a_stream_has_no_schedule() {
    let help = "(leave it out, or write `type = batch`)";
    for key in ["schedule = 0 3 * * *", "every = 1h"] {
        let name = key.split(' ').next().unwrap();
        assert_eq!(
            with(&format!("{key}\n")),
            [format!(
                "6: `{name}` is of batch use cases: a stream runs all the time {help}"
            )]
        );
    }
}
