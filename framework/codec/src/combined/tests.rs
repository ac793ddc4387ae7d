//! Lines worked by hand, and real logs against a plain regex.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;

use super::*;
use crate::testing::{decode_text, lines, payloads, texts};

fn fields(format: &AccessLog) -> Vec<Field> {
    match format.columns() {
        Columns::Fixed(fields) => fields.iter().map(|field| field.as_ref().clone()).collect(),
        Columns::Open => unreachable!("an access log's columns are fixed"),
    }
}

fn decode_all<B: AsRef<[u8]>>(format: &AccessLog, records: &[B]) -> Decoded {
    format
        .decoder(&fields(format))
        .unwrap()
        .decode(&payloads(records))
}

/// The only row, every value as text.
fn row(decoded: &Decoded) -> Vec<Option<String>> {
    assert_eq!(decoded.invalid, []);
    let value = |array: &arrow::array::ArrayRef| match array.data_type() {
        _ if array.is_null(0) => None,
        DataType::Utf8View => Some(array.as_string_view().value(0).to_owned()),
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(0).to_string()),
        _ => Some(
            array
                .as_primitive::<TimestampMicrosecondType>()
                .value(0)
                .to_string(),
        ),
    };
    decoded.rows.columns().iter().map(value).collect()
}

fn expect(line: &str, expected: [Option<&str>; 10]) {
    let decoded = decode_all(&AccessLog::combined(), &[line]);
    assert_eq!(
        row(&decoded),
        expected.map(|value| value.map(str::to_owned)),
        "{line}"
    );
}

#[test]
fn a_combined_line_gives_every_column() {
    let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#;
    let expected = [
        Some("127.0.0.1"),
        Some("frank"),
        Some("971211336000000"),
        Some("GET"),
        Some("/apache_pb.gif"),
        Some("1.0"),
        Some("200"),
        Some("2326"),
        Some("http://www.example.com/start.html"),
        Some("Mozilla/4.08 [en] (Win98; I ;Nav)"),
    ];
    expect(line, expected);
    expect(&format!("\"{line}\""), expected);
    expect(&format!("{line} \"-\" 17"), expected);
}

#[test]
fn dashes_are_nulls_and_a_broken_request_is_kept_whole() {
    let time = "[10/Oct/2000:13:55:36 -0700]";
    let micros = Some("971211336000000");
    let none = [None; 2];
    for request in [
        "-",
        "",
        "GET /a b HTTP/1.1",
        r"\x16\x03\x01",
        "GET /",
        "G3T / HTTP/1.0",
        " ",
    ] {
        let line = format!("::1 - - {time} \"{request}\" 400 - \"-\" \"-\"");
        let [method, version] = none;
        let row = [
            Some("::1"),
            None,
            micros,
            method,
            Some(request),
            version,
            Some("400"),
            None,
        ];
        let expected: Vec<_> = row.into_iter().chain(none).collect();
        expect(&line, expected.try_into().unwrap());
    }
}

#[test]
fn quotes_inside_quotes_are_escaped_and_stay_so() {
    let line = r#"h i "a user" [10/Oct/2000:13:55:36 -0700] "GET /\"x\\" 200 0 "a\"b" "\\""#;
    let decoded = decode_all(&AccessLog::combined(), &[line]);
    let row = row(&decoded);
    assert_eq!(row[1].as_deref(), Some("\"a user\""));
    assert_eq!(row[4].as_deref(), Some(r#"GET /\"x\\"#));
    assert_eq!(row[8].as_deref(), Some(r#"a\"b"#));
    assert_eq!(row[9].as_deref(), Some(r"\\"));
}

#[test]
fn a_bare_quote_is_of_the_request_unless_a_status_follows() {
    let line =
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /<b>alert("x")</b> HTTP/1.0" 404 1 "-" "a""#;
    let decoded = decode_text(&AccessLog::combined(), &["url_original"], &[line]);
    assert_eq!(texts(&decoded.rows, 0), [Some("/<b>alert(\"x\")</b>")]);
}

#[test]
fn a_line_may_end_after_the_size_and_common_reads_both() {
    let common = r#"h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1"#;
    let combined = format!(r#"{common} "-" "x""#);
    let decoded = decode_text(
        &AccessLog::combined(),
        &["user_agent_original"],
        &[common, &combined],
    );
    assert_eq!(texts(&decoded.rows, 0), [None, Some("x")]);
    let decoded = decode_all(&AccessLog::common(), &[common, &combined]);
    assert_eq!(
        (decoded.rows.num_rows(), decoded.rows.num_columns()),
        (2, 8)
    );
}

#[test]
fn an_invalid_line_says_what_was_expected() {
    let records = [
        "",
        "host",
        r#"v:80 h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 814"#,
        "[Sat Jun 01 11:23:08 2013] [error] [client 1.2.3.4] File does not exist: /xxx/~",
        r#"h - - [31/Jan/2015:14:29:44 ] "GET / HTTP/1.1" 200 814"#,
        r#"h - - [10/Xxx/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 814"#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1"#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /" 20 814"#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 many"#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 1 "http://x"#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 1 "-""#,
        r#"h - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 1 "-" "a"b"#,
    ];
    let expected = [
        "expected a host, found the end of the line",
        "expected a host at byte 0, found `host`",
        "expected a time behind the user `-` at byte 9, found `- [10/Oct/2000:13:55:36 -0700] \"GET / HT…`",
        "expected a time in brackets and a request in quotes at byte 28, found `error] [client 1.2.3.4] File does not ex…`",
        "expected a time in brackets and a request in quotes at byte 7, found `31/Jan/2015:14:29:44 ] \"GET / HTTP/1.1\" …`",
        "`10/Xxx/2000:13:55:36 -0700` is no time",
        "expected the end of the request, found the end of the line",
        "expected a status of three digits and a size at byte 42, found ` 20 814`",
        "expected a size in bytes or `-` at byte 47, found `many`",
        "expected the end of the referrer, found the end of the line",
        "expected a user agent in quotes, found the end of the line",
        "expected a space at byte 56, found `b`",
    ];
    let decoded = decode_all(&AccessLog::combined(), &records);
    let reasons: Vec<_> = decoded
        .invalid
        .iter()
        .map(|bad| bad.reason.as_str())
        .collect();
    assert_eq!(reasons, expected);
    assert_eq!(
        decode_text(&AccessLog::common(), &[], &records).invalid,
        decoded.invalid
    );
}

/// The same in a regex, as one would write it down.
const REFERENCE: &str = r#"^(?<wrap>"?)(?<source>[^ ]+) [^ ]+ (?<user>.*?) \[(?<time>.{26})\] "(?<request>(?:[^\\]|\\.)*?)" (?<status>\d{3}) (?<size>\d{1,18}|-)(?: "(?<referrer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)")?(?: .*|"?)$"#;

fn real_logs() -> Option<Vec<u8>> {
    let names = [
        "plaso_apache_access.log",
        "elastic_apache_combined.log.gz",
        "attack_acunetix.log.gz",
        "attack_w3af.log.gz",
    ];
    let logs = names.map(|name| datashark_test_data::read(&format!("access_logs/{name}")));
    Some(logs.into_iter().collect::<Option<Vec<_>>>()?.concat())
}

#[test]
fn real_logs_have_the_fields_that_a_regex_finds() {
    let Some(logs) = real_logs() else {
        return;
    };
    let logs = String::from_utf8_lossy(&logs).into_owned();
    let reference = regex::Regex::new(REFERENCE).unwrap();
    let columns = [
        "source_ip",
        "user_name",
        "http_request_referrer",
        "user_agent_original",
    ];
    let text_fields: Vec<_> = columns
        .iter()
        .map(|name| crate::testing::text_field(name))
        .collect();
    let mut decoder = AccessLog::combined().decoder(&text_fields).unwrap();
    let decoded = decoder.decode(&lines(logs.as_bytes()));
    let n_invalid = decoded.invalid.len();
    // Three user agents that were cut off, and four lines that begin with a virtual host.
    assert_eq!(n_invalid, 7, "{:?}", decoded.invalid.first());
    let rows: Vec<usize> = match &decoded.record_idx {
        Some(record_idx) => record_idx
            .values()
            .iter()
            .map(|idx| *idx as usize)
            .collect(),
        None => (0..decoded.rows.num_rows()).collect(),
    };
    let all: Vec<&str> = logs.lines().collect();
    assert!(rows.len() > 20_000);
    for (row, record) in rows.into_iter().enumerate() {
        let groups = reference.captures(all[record]).expect(all[record]);
        let group = |name| {
            groups
                .name(name)
                .map(|m| m.as_str())
                .filter(|text| *text != "-")
        };
        let expected = [
            group("source"),
            group("user"),
            group("referrer"),
            group("agent"),
        ];
        let ours = [0, 1, 2, 3]
            .map(|column| texts(&decoded.rows.slice(row, 1), column)[0].map(str::to_owned));
        assert_eq!(
            ours,
            expected.map(|text| text.map(str::to_owned)),
            "{}",
            all[record]
        );
    }
}

proptest! {
    #[test]
    fn any_line_is_decoded_or_refused_alike_for_all_columns_and_for_none(
        records in prop::collection::vec(r#"("?(h|) (-|) (-|a b) \[10/Oct/2000:13:55:36 -0700\] "(GET /a HTTP/1.1|-|\\"|\\)" ?[0-9]{3} (-|[0-9]{0,3})( "[-\\"]?"){0,3} ?"?)|\PC{0,60}"#, 1..20)
    ) {
        let all = decode_all(&AccessLog::combined(), &records);
        prop_assert_eq!(all.rows.num_rows() + all.invalid.len(), records.len());
        let none = decode_text(&AccessLog::combined(), &[], &records);
        prop_assert_eq!(none.invalid, all.invalid);
    }
}
