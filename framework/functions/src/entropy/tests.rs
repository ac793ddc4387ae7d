//! Entropies against a count of characters in a map.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use proptest::prelude::*;

use super::*;
use crate::testing;

fn of(text: &str) -> f64 {
    Meter::default().entropy(text)
}

/// The formula as it is written.
fn plain(text: &str) -> f64 {
    let mut counts = BTreeMap::new();
    text.chars()
        .for_each(|c| *counts.entry(c).or_insert(0.0) += 1.0);
    let n: f64 = counts.values().sum();
    counts
        .values()
        .map(|count| -(count / n) * (count / n).log2())
        .sum()
}

#[test]
fn entropy_is_that_of_cases_worked_by_hand() {
    for (text, bits) in [
        ("", 0.0),
        ("a", 0.0),
        ("aaaa", 0.0),
        ("ab", 1.0),
        ("abcd", 2.0),
        ("0123456789abcdef", 4.0),
        // 3/4 log2 4/3 + 1/4 log2 4
        ("aaab", 0.811_278_124_459_132_8),
        // `e` twice in seven: log2 7 - 2/7
        ("example", 7_f64.log2() - 2.0 / 7.0),
        ("üü", 0.0),
        ("äöüß", 2.0),
    ] {
        assert!((of(text) - bits).abs() < 1e-12, "{text}: {}", of(text));
    }
}

#[test]
fn a_name_made_by_a_machine_lies_above_one_made_by_people() {
    assert!(of("xjw93kfq0z7ab") > of("international"));
}

#[test]
fn one_text_leaves_nothing_behind_for_the_next() {
    let texts = [
        Some("abcd"),
        Some("grün"),
        None,
        Some("abcd"),
        Some(""),
        Some("grün"),
    ];
    for column in testing::columns(&texts) {
        let found = testing::column("entropy", &column, &[]);
        let found: Vec<_> = found.as_primitive::<Float64Type>().iter().collect();
        assert_eq!(
            found,
            [Some(2.0), Some(2.0), None, Some(2.0), Some(0.0), Some(2.0)]
        );
    }
}

proptest! {
    #[test]
    fn entropy_is_what_the_formula_gives(text in prop_oneof![".{0,40}", "[a-d]{0,700}"]) {
        prop_assert!((of(&text) - plain(&text)).abs() < 1e-9);
    }

    #[test]
    fn entropy_lies_between_0_and_that_of_all_different_characters(text in ".*") {
        let n_chars = text.chars().count().max(1) as f64;
        prop_assert!((0.0..=n_chars.log2() + 1e-9).contains(&of(&text)));
    }
}
