//! Keys that are not there.

use std::time::Duration;

use super::{BASE, load, messages};

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
