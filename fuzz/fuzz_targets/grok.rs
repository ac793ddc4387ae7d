//! `grok`: any pattern is refused or decodes any lines; the same lines are invalid whatever is asked
//! for.
//!
//! The first line is the pattern, the second one that it may hold as `%{A}`.
#![no_main]

use std::collections::BTreeMap;

use datashark_codec::grok::{Grok, GrokOptions};
use datashark_codec::{Columns, Format};
use datashark_fuzz::{check, lines};
use libfuzzer_sys::fuzz_target;

const PATTERN_BYTES_MAX: usize = 80;

/// Large ones of the library compile for long with what instrumentation costs.
const REFERENCES_MAX: usize = 3;

fuzz_target!(|text: &str| {
    let (pattern, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (own, text) = rest.split_once('\n').unwrap_or((rest, ""));
    let patterns = [pattern, own];
    let n_references: usize = patterns
        .map(|pattern| pattern.matches("%{").count())
        .iter()
        .sum();
    // A repeated repetition is legal, and legally slow to compile.
    let is_slow = |pattern: &str| {
        let other_braces = pattern.matches('{').count() > pattern.matches("%{").count();
        pattern.len() > PATTERN_BYTES_MAX || other_braces || pattern.contains("(?x")
    };
    if n_references > REFERENCES_MAX || patterns.into_iter().any(is_slow) {
        return;
    }
    let mut options = GrokOptions {
        pattern: pattern.to_owned(),
        patterns: BTreeMap::new(),
        patterns_file: vec!["patterns".to_owned()],
    };
    if options
        .read_files(&|_: &str| Ok(format!("A {own}")))
        .is_err()
    {
        return;
    }
    let Ok(format) = Grok::try_new(&options) else {
        return;
    };
    let Columns::Fixed(fields) = format.columns() else {
        return;
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|field| datashark_fuzz::text_field(field.name()))
        .collect();
    let payloads = lines(text.as_bytes(), false);
    let mut all = format.decoder(&fields).expect("its own columns");
    let all = check(&mut *all, &payloads, 0);
    let mut none = format.decoder(&[]).expect("no columns");
    assert_eq!(check(&mut *none, &payloads, 0).invalid, all.invalid);
});
