//! How mistakes are shown.

use datashark_conf::Style;
use datashark_sdk::conf::{Problem, Problems};

use super::{BASE, check};

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
