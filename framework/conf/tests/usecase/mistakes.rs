//! Values, keys and sections that are wrong.

use datashark_conf::{Conf, Style};

use super::{BASE, check, messages, with};

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
