//! `regex`: a pattern gives the same by the scanner and by the regex engine.
//!
//! The first line is a pattern, whose groups are given names; the others are matched with it, and
//! with a form of it that the scanner never serves.
#![no_main]

use datashark_codec::regex::Regex;
use datashark_codec::{Columns, Format};
use datashark_fuzz::{check, lines};
use libfuzzer_sys::fuzz_target;

const PATTERN_BYTES_MAX: usize = 80;

fuzz_target!(|text: &str| {
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    // A repeated repetition is legal, and legally slow to compile.
    if pattern.len() > PATTERN_BYTES_MAX || pattern.contains('{') || pattern.contains("(?x") {
        return;
    }
    let named = name_groups(pattern);
    let (Ok(plain), Ok(other)) = (
        Regex::try_new(&named),
        Regex::try_new(&format!(r"(?:{named})|(?:[^\s\S])")),
    ) else {
        return;
    };
    let Columns::Fixed(fields) = plain.columns() else {
        return;
    };
    let fields: Vec<_> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let payloads = lines(text.as_bytes(), false);
    for asked in [&fields[..], &fields[..1], &[]] {
        let mut plain = plain.decoder(asked).expect("its own columns");
        let mut other = other.decoder(asked).expect("the same columns");
        let ours = check(&mut *plain, &payloads, 0);
        let theirs = check(&mut *other, &payloads, 0);
        assert_eq!(ours.rows, theirs.rows, "{named}");
        assert_eq!(ours.invalid, theirs.invalid, "{named}");
    }
});

/// Gives each group a name; what is no group, as in a class, becomes another pattern.
fn name_groups(pattern: &str) -> String {
    let mut parts = pattern.split('(');
    let mut named = parts.next().unwrap_or_default().to_owned();
    for (i, part) in parts.enumerate() {
        if part.starts_with('?') {
            named.push('(');
        } else {
            named.push_str(&format!("(?P<g{i}>"));
        }
        named.push_str(part);
    }
    named
}
