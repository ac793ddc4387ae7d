//! The crates in `examples/third-party`, built and tested as their authors would: with lock files, profiles
//! and a release of Arrow of their own, against this binary.

use std::path::Path;
use std::process::Command;

use datashark_test_data::skipped;

use crate::shark::root;

/// Runs an example's own tests with this binary; gives what they said.
fn tested(name: &str, args: &[&str]) -> Option<String> {
    let folder = root().join("examples/third-party").join(name);
    let cargo = |args: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(args).current_dir(&folder);
        // Built once for all of them, and apart from what is built here: nothing is shared.
        cargo.env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("third-party"),
        );
        cargo.env("DATASHARK", env!("CARGO_BIN_EXE_datashark"));
        cargo.output().unwrap()
    };
    let fetched = cargo(&["fetch", "--locked"]);
    if !fetched.status.success() {
        let why = String::from_utf8_lossy(&fetched.stderr);
        skipped(&format!(
            "the crates that {name} is made of cannot be had: {why}"
        ));
        return None;
    }
    let ran = cargo(&[&["test", "--locked", "--offline"], args].concat());
    let (stdout, stderr) = (
        String::from_utf8_lossy(&ran.stdout).into_owned(),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{stderr}\n{stdout}");
    // What its tests have skipped is skipped here.
    stderr
        .lines()
        .filter_map(|line| line.strip_prefix("SKIPPED: "))
        .for_each(skipped);
    Some(stdout)
}

fn passed(said: &str, test: &str) {
    assert!(said.contains(&format!("{test} ... ok")), "{said}");
}

#[test]
fn the_use_case_beaconing_agrees_with_its_reference() {
    // With an allocator of its own: what one side made, the other never frees.
    let Some(said) = tested("beaconing", &["--features", "mimalloc"]) else {
        return;
    };
    passed(&said, "every_score_of_the_sample_is_the_references");
    passed(
        &said,
        "known_beacons_in_real_logs_are_found_first_with_the_references_scores",
    );
}

#[test]
fn the_output_webhook_loses_nothing() {
    let Some(said) = tested("out_webhook", &[]) else {
        return;
    };
    passed(
        &said,
        "what_a_server_does_not_take_at_once_comes_again_until_it_does",
    );
}
