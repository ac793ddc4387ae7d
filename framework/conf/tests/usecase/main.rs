//! A use case's conf as its user meets it: what loads, and what is said of every kind of mistake.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

mod diagnostics;
mod loading;
mod missing;
mod mistakes;
mod schedule;

use std::path::Path;

use datashark_conf::{Checked, Conf, check_bytes};

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
