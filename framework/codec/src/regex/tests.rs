//! Columns, records and patterns of regexes, and the scanner against the engine.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;
use crate::testing::{decode_text, payloads, text_field, texts};

const WEB: &str = r#"(?P<source>\S+) \[[^\]]+\] \"[^\"]*\" (?P<response_code>\d{3}) .*"#;

#[test]
fn the_columns_are_the_named_groups_of_python_and_of_rust() {
    let regex = Regex::try_new(r"(?P<a>\d+)(x)(?<b>y)?").unwrap();
    assert_eq!(regex.group_names().collect::<Vec<_>>(), ["a", "b"]);
    let decoded = decode_text(&regex, &["b", "a"], &["12xy", "3x and more", "x"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("y"), None]);
    assert_eq!(texts(&decoded.rows, 1), [Some("12"), Some("3")]);
    assert_eq!(decoded.invalid[0].reason, "the pattern does not match `x`");
}

#[test]
fn a_match_starts_at_the_start_and_may_end_before_the_end() {
    let regex = Regex::try_new(r"a|(?P<x>b+)").unwrap();
    let decoded = decode_text(&regex, &["x"], &["ac", "bbc", "cb"]);
    assert_eq!(texts(&decoded.rows, 0), [None, Some("bb")]);
    assert_eq!(decoded.invalid[0].record_idx, 2);
}

#[test]
fn the_web_anomaly_pattern_reads_an_epa_line() {
    let regex = Regex::try_new(WEB).unwrap();
    let line = r#"141.243.1.172 [29:23:53:25] "GET /Software.html HTTP/1.0" 200 1497"#;
    let decoded = decode_text(&regex, &["source", "response_code"], &[line]);
    assert_eq!(texts(&decoded.rows, 0), [Some("141.243.1.172")]);
    assert_eq!(texts(&decoded.rows, 1), [Some("200")]);
}

#[test]
fn a_typed_group_that_does_not_fit_makes_the_record_invalid() {
    let regex = Regex::try_new(r"(?P<n>\S+)").unwrap();
    let mut decoder = regex
        .decoder(&[Field::new("n", DataType::Int64, true)])
        .unwrap();
    let decoded = decoder.decode(&payloads(&["12", "x"]));
    assert_eq!(
        decoded.rows.column(0).as_primitive::<Int64Type>().values(),
        &[12]
    );
    assert_eq!(decoded.invalid[0].reason, "`n` is `x`, expected an integer");
}

#[test]
fn what_was_read_of_an_invalid_record_is_in_no_column() {
    let regex = Regex::try_new(r"(?P<a>\S+) (?P<n>\S+) (?P<b>\S+)").unwrap();
    let number = Field::new("n", DataType::Int64, true);
    let fields = [text_field("a"), number, text_field("b")];
    let mut decoder = regex.decoder(&fields).unwrap();
    let decoded = decoder.decode(&payloads(&["a 1 x", "b - y", "junk", "c 3 z"]));
    assert_eq!(texts(&decoded.rows, 0), [Some("a"), Some("c")]);
    assert_eq!(
        decoded.rows.column(1).as_primitive::<Int64Type>().values(),
        &[1, 3]
    );
    assert_eq!(texts(&decoded.rows, 2), [Some("x"), Some("z")]);
    assert_eq!(decoded.record_idx, Some(vec![0, 3].into()));
    let invalid = decoded.invalid.iter().map(|invalid| invalid.record_idx);
    assert_eq!(invalid.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_long_group_shares_its_block_and_a_short_one_does_not() {
    let regex = Regex::try_new(r"(?P<a>\S+) (?P<b>\S+)").unwrap();
    let (short, long) = ("s".repeat(64), "l".repeat(65));
    let line = format!("{short} {long}");
    let payloads = payloads(&[line.as_str(), "é ü"]);
    let mut decoder = regex.decoder(&[text_field("a"), text_field("b")]).unwrap();
    let rows = decoder.decode(&payloads).rows;
    assert_eq!(texts(&rows, 0), [Some(short.as_str()), Some("é")]);
    assert_eq!(texts(&rows, 1), [Some(long.as_str()), Some("ü")]);
    let is_shared = |column: usize| {
        let theirs = payloads.records.data_buffers()[0].as_ptr();
        let ours = rows.column(column).as_string_view().data_buffers();
        ours.iter().any(|block| block.as_ptr() == theirs)
    };
    assert_eq!((is_shared(0), is_shared(1)), (false, true));
}

#[test]
fn bytes_that_are_no_text_are_matched_as_the_replacement_character() {
    let regex = Regex::try_new(r"(?P<all>.+)$").unwrap();
    let decoded = decode_text(&regex, &["all"], &[b"a\xFFb"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("a\u{FFFD}b")]);
    assert_eq!(decoded.n_replaced, 1);
}

#[test]
fn lines_count_even_where_no_group_is_asked_for() {
    let regex = Regex::try_new(WEB).unwrap();
    let decoded = decode_text(&regex, &[], &[r#"a [b] "c" 200 x"#, "junk"]);
    assert_eq!((decoded.rows.num_rows(), decoded.invalid.len()), (1, 1));
}

#[test]
fn a_wrong_pattern_says_where_it_is_wrong() {
    let error = Regex::try_new(r"(?P<a>x").unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.span),
        ("unclosed group", Some(0..1))
    );
    let error = Regex::try_new(r"(?P<a>x)(?=y)").unwrap_err();
    assert!(error.message.starts_with("look-around"), "{error}");
    assert!(error.help.is_some());
    assert_eq!(
        Regex::try_new("abc").unwrap_err().message,
        "the pattern has no named group"
    );
}

proptest! {
    /// The first is one for the scanner, in the others groups may take no part.
    #[test]
    fn a_match_anywhere_in_a_line_is_the_leftmost(
        pattern in prop::sample::select(vec![
            r"(?P<x>a+)b(?P<y>[0-9]*)",
            r"(?P<x>a)?b|(?P<y>b+)1",
            r"(?:(?P<x>ab?)|1)+(?P<y>b)?$",
        ]),
        text in "[ab1é]{0,12}",
    ) {
        let regex = Regex::try_unanchored(pattern).unwrap();
        let decoded = decode_text(&regex, &["x", "y"], &[&text]);
        let plain = regex::Regex::new(pattern).unwrap();
        let found = plain.captures(&text);
        prop_assert_eq!(decoded.invalid.is_empty(), found.is_some());
        if let Some(found) = found {
            for (column, name) in ["x", "y"].into_iter().enumerate() {
                let expected = found.name(name).map(|group| group.as_str());
                prop_assert_eq!(texts(&decoded.rows, column)[0], expected);
            }
        }
    }
}

#[test]
fn the_end_of_the_text_may_be_written_as_python_does() {
    let regex = Regex::try_new(r"(?P<a>\\Z+)\Z").unwrap();
    let decoded = decode_text(&regex, &["a"], &[r"\ZZ", r"\Zz"]);
    assert_eq!(texts(&decoded.rows, 0), [Some(r"\ZZ")]);
}
