//! What the page promises.

use std::sync::LazyLock;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;

use super::*;
use crate::Decoded;
use crate::combined::AccessLog;
use crate::testing::{decode_text, payloads, texts};

const LINE: &str = r#"192.0.2.1 - alice [01/Mar/2026:12:00:01 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "http://example.com/" "Mozilla/5.0 (X11)""#;

static COMBINED: LazyLock<Grok> = LazyLock::new(|| grok("%{COMBINEDAPACHELOG}"));

fn grok(pattern: &str) -> Grok {
    with_patterns(pattern, &[]).unwrap()
}

fn with_patterns(pattern: &str, own: &[(&str, &str)]) -> Result<Grok, PatternError> {
    let own = own
        .iter()
        .map(|(name, own)| ((*name).to_owned(), (*own).to_owned()));
    Grok::try_new(&GrokOptions {
        pattern: pattern.to_owned(),
        patterns: own.collect(),
        patterns_file: Vec::new(),
    })
}

fn names(format: &Grok) -> Vec<&str> {
    let names = format.columns.iter().map(|column| column.name.as_str());
    names.collect()
}

/// All columns of some lines, with their types.
fn decode(format: &Grok, lines: &[&str]) -> Decoded {
    let Columns::Fixed(fields) = format.columns() else {
        panic!("the columns are known")
    };
    let fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
    format.decoder(&fields).unwrap().decode(&payloads(lines))
}

#[test]
fn an_access_log_is_read_as_in_logstash() {
    let format = &*COMBINED;
    let expected = [
        "clientip",
        "ident",
        "auth",
        "timestamp",
        "verb",
        "request",
        "httpversion",
        "rawrequest",
        "response",
        "bytes",
        "referrer",
        "agent",
    ];
    assert_eq!(names(format), expected);
    let decoded = decode(format, &[LINE, "no access log"]);
    let row: Vec<_> = (0..expected.len())
        .map(|column| texts(&decoded.rows, column)[0])
        .collect();
    let expected = [
        Some("192.0.2.1"),
        Some("-"),
        Some("alice"),
        Some("01/Mar/2026:12:00:01 +0000"),
        Some("GET"),
        Some("/a?b=1"),
        Some("1.1"),
        None,
        Some("200"),
        Some("512"),
        Some("\"http://example.com/\""),
        Some("\"Mozilla/5.0 (X11)\""),
    ];
    assert_eq!(row, expected);
    assert_eq!(
        decoded.invalid[0].reason,
        "the pattern does not match `no access log`"
    );
}

#[test]
fn columns_have_the_types_that_the_pattern_gives() {
    let format = grok("%{IP:[source][ip]} %{NUMBER:bytes:int} %{NUMBER:secs:float} (?<word>\\w+)");
    assert_eq!(names(&format), ["source_ip", "bytes", "secs", "word"]);
    let decoded = decode(&format, &["192.0.2.1 12 0.5 abc", "2001:db8::1 1.5 2 x"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("192.0.2.1")]);
    assert_eq!(
        decoded.rows.column(1).as_primitive::<Int64Type>().values(),
        &[12]
    );
    assert_eq!(
        decoded
            .rows
            .column(2)
            .as_primitive::<Float64Type>()
            .values(),
        &[0.5]
    );
    assert_eq!(texts(&decoded.rows, 3), [Some("abc")]);
    assert_eq!(
        decoded.invalid[0].reason,
        "`bytes` is `1.5`, expected an integer"
    );
}

#[test]
fn a_match_may_start_anywhere_but_behind_a_caret() {
    let lines = ["x=12", "12"];
    let anywhere = decode_text(&grok("%{INT:n}"), &["n"], &lines);
    assert_eq!(texts(&anywhere.rows, 0), [Some("12"), Some("12")]);
    let at_start = decode_text(&grok("^%{INT:n}"), &["n"], &lines);
    assert_eq!(texts(&at_start.rows, 0), [Some("12")]);
    assert_eq!(at_start.invalid[0].record_idx, 0);
}

#[test]
fn own_patterns_hold_others_and_come_first() {
    let own = [
        ("TICKET", "[A-Z]+-%{NUM:ticket_number:int}"),
        ("NUM", "\\d+"),
        ("INT", "none"),
    ];
    let format = with_patterns("%{TICKET:ticket}|%{INT:none}", &own).unwrap();
    assert_eq!(names(&format), ["ticket", "ticket_number", "none"]);
    let decoded = decode(&format, &["see AB-12.", "none", "12"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("AB-12"), None]);
    let numbers = decoded.rows.column(1).as_primitive::<Int64Type>();
    assert_eq!(numbers.iter().collect::<Vec<_>>(), [Some(12), None]);
    assert_eq!(texts(&decoded.rows, 2), [None, Some("none")]);
    assert_eq!(decoded.invalid[0].record_idx, 2);
}

#[test]
fn a_column_in_two_places_has_the_value_of_the_first_that_took_part() {
    let format = grok("^(?:%{IP:who} in|from %{WORD:who})(?: %{WORD:who})?$");
    assert_eq!(names(&format), ["who"]);
    let decoded = decode(&format, &["192.0.2.1 in", "from alice", "from alice bob"]);
    assert_eq!(
        texts(&decoded.rows, 0),
        [Some("192.0.2.1"), Some("alice"), Some("alice")]
    );
}

#[test]
fn a_plain_pattern_behind_a_caret_is_read_like_any_other() {
    let lines = ["a=1 b=2", "a=x b=", "c"];
    for pattern in [
        "^a=%{NOTSPACE:a} b=%{GREEDYDATA:b}",
        "a=%{NOTSPACE:a} b=%{GREEDYDATA:b}",
    ] {
        let decoded = decode_text(&grok(pattern), &["b", "a"], &lines);
        assert_eq!(texts(&decoded.rows, 0), [Some("2"), Some("")]);
        assert_eq!(texts(&decoded.rows, 1), [Some("1"), Some("x")]);
        assert_eq!(decoded.invalid.len(), 1);
    }
}

#[test]
fn mistakes_say_where_they_are_and_what_was_meant() {
    let error = |pattern: &str| with_patterns(pattern, &[]).unwrap_err();
    let unknown = error("x %{COMBINEDAPACHLOG}");
    let message = "there is no pattern `COMBINEDAPACHLOG`, did you mean `COMBINEDAPACHELOG`?";
    assert_eq!(
        (unknown.message.as_str(), unknown.span),
        (message, Some(2..21))
    );
    let far = error("%{QQQQQQQQ:a}");
    assert_eq!(far.message, "there is no pattern `QQQQQQQQ`");
    assert!(far.help.unwrap().contains("[[patterns]]"));
    let wrong_type = error("%{IP:a:intt}");
    assert_eq!(
        wrong_type.message,
        "unknown type `intt`, did you mean `int`?"
    );
    let none = error("%{IP}");
    assert_eq!(none.message, "the pattern has no named group");
    assert_eq!(
        none.help.as_deref(),
        Some("name what is to be a column: `%{IP:source_ip}`")
    );
    assert_eq!(error("%{IP:a} (").message, "unclosed group: `(`");
    assert!(error("%{IP:a}(?=x)").message.starts_with("look-around"));
    let ring = with_patterns("%{A:a}", &[("A", "x%{B}"), ("B", "%{A}")]).unwrap_err();
    assert!(ring.message.ends_with("holds itself"), "{ring}");
    let deep: Vec<(String, String)> = (0..40)
        .map(|i| (format!("P{i}"), format!("%{{P{}}}%{{P{}}}", i + 1, i + 1)))
        .collect();
    let mut deep: Vec<(&str, &str)> = deep.iter().map(|(a, b)| (&**a, &**b)).collect();
    deep.push(("P40", "x"));
    let large = with_patterns("%{P0:a}", &deep).unwrap_err();
    assert!(
        large.message.starts_with("the regex is too long"),
        "{large}"
    );
}

#[test]
fn logstashs_patterns_are_regexes() {
    let failed = ::grok::patterns().iter().filter_map(|(name, _)| {
        let error = with_patterns(&format!("%{{{name}:it}}"), &[]).err()?;
        Some(format!("{name}: {}", error.message))
    });
    assert_eq!(failed.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn logstashs_patterns_match_what_they_are_named_for() {
    for (name, text) in [
        ("IP", "192.0.2.1"),
        ("IP", "2001:db8::1"),
        ("IPORHOST", "www.example.com"),
        ("NUMBER", "-1.5"),
        ("QUOTEDSTRING", r#""a \"b\" c""#),
        ("UUID", "01234567-89ab-cdef-0123-456789abcdef"),
        ("MAC", "00:00:5e:00:53:01"),
        ("URI", "https://example.com:8080/a?b=1"),
        ("TIMESTAMP_ISO8601", "2026-03-01T12:00:01.5+01:00"),
        ("SYSLOGTIMESTAMP", "Mar  1 12:00:01"),
        ("HTTPDATE", "01/Mar/2026:12:00:01 +0000"),
        ("LOGLEVEL", "WARNING"),
        ("EMAILADDRESS", "alice@example.com"),
    ] {
        let format = grok(&format!("%{{{name}:it}}"));
        let line = format!("= {text} and more");
        let decoded = decode_text(&format, &["it"], &[line]);
        assert_eq!(texts(&decoded.rows, 0), [Some(text)], "{name}");
    }
}

proptest! {
    /// Where the pattern and the format `combined` both read a line, they read the same.
    #[test]
    fn access_logs_are_what_combined_reads(
        user in "[a-z]{1,8}|-", path in "/[a-z/.?=]{0,20}", status in 100u16..600,
        size in prop_oneof![Just("-".to_owned()), (0u32..1000000).prop_map(|n| n.to_string())],
        agent in "[a-zA-Z/. ]{1,20}"
    ) {
        let line = format!(
            "192.0.2.1 - {user} [01/Mar/2026:12:00:01 +0000] \"GET {path} HTTP/1.1\" {status} {size} \"-\" \"{agent}\""
        );
        let ours = decode_text(
            &*COMBINED, &["clientip", "request", "verb", "httpversion"], &[&line]
        );
        let asked = ["source_ip", "url_original", "http_request_method", "http_version"];
        let theirs = decode_text(&AccessLog::combined(), &asked, &[&line]);
        for column in 0..asked.len() {
            prop_assert_eq!(texts(&ours.rows, column), texts(&theirs.rows, column));
        }
    }

    #[test]
    fn any_pattern_and_any_line_are_read_or_refused(
        pattern in r"(%\{(INT|WORD|DATA|A|[A-Z]{0,3})(:[a-z]{0,2})?(:int)?\}?|[a-z ()\[\\^$|.*]){0,6}",
        line in "[a-z0-9 ]{0,20}"
    ) {
        if let Ok(format) = with_patterns(&pattern, &[("A", "a%{INT:n:int}?")]) {
            let decoded = decode(&format, &[&line]);
            prop_assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), 1);
        }
    }
}
