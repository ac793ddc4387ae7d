//! What the page promises.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;

use super::*;
use crate::testing::{decode_text, lines_behind, text_field, texts, typed_field};

const IIS: &str = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n\
    #Date: 2026-03-01 12:00:00\n\
    #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) sc-status time-taken \n\
    2026-03-01 12:00:01 198.51.100.7 GET /a/index.htm b=1&c=2 443 EXAMPLE\\alice 192.0.2.1 HTTP/1.1 Mozilla/5.0+(X11) 200 15\n\
    2026-03-01 12:00:02.250 198.51.100.7 POST /login - 443 - 192.0.2.2 HTTP/2.0 - - 3\n";

const PROXY: &str = "#Software: SGOS 6.7.5.14\n#Date: 2026-03-01 12:00:00\n\
    #Fields: date time time-taken c-ip sc-status s-action sc-bytes cs-bytes cs-method cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs-username rs(Content-Type) cs(Referer) cs(User-Agent) cs-categories s-ip\n\
    #Remark: 1 \"proxy\"\n\
    2026-03-01 12:00:01 48 192.0.2.1 302 TCP_NC_MISS 1242 969 GET https example.com 443 /a ?b=1 alice text/html - \"Mozilla/5.0 (X11; \"\"odd\"\")\" \"Web Ads;News\" 198.51.100.7\n";

fn decode(text: &str, fields: &[Field]) -> Decoded {
    let mut decoder = W3c::default().decoder(fields).unwrap();
    decoder.decode(&lines_behind(text.as_bytes(), 0))
}

fn decode_texts(text: &str, columns: &[&str]) -> Decoded {
    let fields: Vec<_> = columns.iter().map(|name| text_field(name)).collect();
    decode(text, &fields)
}

fn reasons(decoded: &Decoded) -> Vec<&str> {
    let reasons = decoded.invalid.iter();
    reasons.map(|invalid| invalid.reason.as_str()).collect()
}

fn known(name: &str) -> Field {
    typed_field(&W3c::default(), name)
}

fn times(decoded: &Decoded) -> Vec<Option<i64>> {
    let times = decoded.rows.column(0);
    times
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .collect()
}

#[test]
fn a_line_of_iis_has_the_shared_columns() {
    let names = [
        "source_ip",
        "destination_ip",
        "user_name",
        "http_request_method",
        "http_version",
        "url_original",
        "url_path",
        "url_query",
        "user_agent_original",
        "url_domain",
    ];
    let decoded = decode_texts(IIS, &names);
    assert_eq!(reasons(&decoded), [""; 0]);
    let row = |row: usize| -> Vec<_> {
        let column = |column: usize| texts(&decoded.rows, column)[row];
        (0..names.len()).map(column).collect()
    };
    let first = [
        Some("192.0.2.1"),
        Some("198.51.100.7"),
        Some("EXAMPLE\\alice"),
        Some("GET"),
        Some("1.1"),
        Some("/a/index.htm?b=1&c=2"),
        Some("/a/index.htm"),
        Some("b=1&c=2"),
        Some("Mozilla/5.0+(X11)"),
        None,
    ];
    assert_eq!(row(0), first);
    let second = [
        Some("192.0.2.2"),
        Some("198.51.100.7"),
        None,
        Some("POST"),
        Some("2.0"),
        Some("/login"),
        Some("/login"),
        None,
        None,
        None,
    ];
    assert_eq!(row(1), second);
    let decoded = decode(
        IIS,
        &["destination_port", "http_response_status_code"].map(known),
    );
    let column = |column: usize| -> Vec<_> {
        let numbers = decoded.rows.column(column).as_primitive::<Int64Type>();
        numbers.iter().collect()
    };
    assert_eq!(column(0), [Some(443), Some(443)]);
    assert_eq!(column(1), [Some(200), None]);
}

#[test]
fn a_line_of_a_proxy_has_the_shared_columns_and_its_quotes_resolved() {
    let names = [
        "event_action",
        "url_original",
        "user_agent_original",
        "cs-categories",
        "#Remark",
    ];
    let decoded = decode_texts(PROXY, &names[..4]);
    let agent = "Mozilla/5.0 (X11; \"odd\")";
    let expected = ["TCP_NC_MISS", "/a?b=1", agent, "Web Ads;News"];
    for (column, expected) in expected.into_iter().enumerate() {
        assert_eq!(texts(&decoded.rows, column), [Some(expected)]);
    }
    let decoded = decode_texts(PROXY, &names[4..]);
    let reason = "the file has no field `#Remark`; it has date, time, time-taken";
    assert!(reasons(&decoded)[0].starts_with(reason), "{decoded:?}");
}

#[test]
fn the_time_is_date_and_time_wherever_they_stand() {
    let second = 1_772_366_401_000_000;
    let decoded = decode(IIS, &[known("timestamp")]);
    assert_eq!(times(&decoded), [Some(second), Some(second + 1_250_000)]);
    let text =
        "#Fields: time c-ip date\n12:00:01 x 2026-03-01\n- x 2026-03-01\nnoon x 2026-03-01\n";
    let decoded = decode(text, &[known("timestamp")]);
    assert_eq!(times(&decoded), [Some(second), None]);
    let reason = "`timestamp` is `2026-03-01 noon`, expected a time";
    assert_eq!(reasons(&decoded), [reason]);
    let decoded = decode_texts(text, &["timestamp"]);
    assert_eq!(texts(&decoded.rows, 0)[0], Some("2026-03-01 12:00:01"));
}

#[test]
fn without_a_date_the_day_of_the_date_line_counts() {
    let text = "#Date: 2026-03-01 00:00:00\n#Fields: time c-ip\n12:00:01 x\n\
        #Date: 2026-03-02 00:00:00\n12:00:01 x\n";
    let second = 1_772_366_401_000_000;
    let decoded = decode(text, &[known("timestamp")]);
    assert_eq!(
        times(&decoded),
        [Some(second), Some(second + 86_400_000_000)]
    );
    let decoded = decode("#Fields: time c-ip\n12:00:01 x\n", &[known("timestamp")]);
    assert_eq!(times(&decoded), [None], "there is no day");
}

#[test]
fn fields_may_change_within_a_file() {
    let text =
        "#Fields: c-ip cs-method\nx GET\n#Version: 1.0\n#Fields: cs-method time C-IP\nPOST - y\n";
    let decoded = decode_texts(text, &["source_ip", "cs-Method"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("x"), Some("y")]);
    assert_eq!(texts(&decoded.rows, 1), [Some("GET"), Some("POST")]);
    assert_eq!(decoded.record_idx.unwrap().values(), &[1, 4]);
}

#[test]
fn the_conf_names_the_fields_of_a_file_without_a_header() {
    let options = W3cOptions {
        fields: "#Fields: c-ip, cs-method\tsc-status".to_owned(),
    };
    let format = W3c::new(&options);
    let mut decoder = format
        .decoder(&["source_ip", "sc-status"].map(text_field))
        .unwrap();
    let text = "192.0.2.1 GET 200\n#Fields: sc-status c-ip\n404 192.0.2.2\n";
    let decoded = decoder.decode(&lines_behind(text.as_bytes(), 0));
    assert_eq!(
        texts(&decoded.rows, 0),
        [Some("192.0.2.1"), Some("192.0.2.2")]
    );
    assert_eq!(texts(&decoded.rows, 1), [Some("200"), Some("404")]);
}

#[test]
fn what_is_invalid_says_why() {
    let none = decode_texts("192.0.2.1 GET\n", &["source_ip"]);
    assert_eq!(reasons(&none), ["no `#Fields` line stands before it"]);
    let text = "#Fields: c-ip cs-uri-stem sc-status\nx /a\nx /a b 200\n\nx /a many\n";
    let decoded = decode(text, &[known("http_response_status_code")]);
    let expected = [
        "expected 3 fields, found 2",
        "expected 3 fields, found 4",
        "expected 3 fields, found 0",
        "`http_response_status_code` is `many`, expected an integer",
    ];
    assert_eq!(reasons(&decoded), expected);
    let reason = "the file has no field `cs-uri-sten`, did you mean `cs-uri-stem`?";
    assert_eq!(reasons(&decode_texts(text, &["cs-uri-sten"]))[0], reason);
}

#[test]
fn a_filter_and_a_query_may_read_a_column_as_different_types() {
    let fields = [
        Field::new("time-taken", DataType::Int64, true),
        Field::new("time-taken", DataType::Float64, true),
    ];
    let decoded = decode(IIS, &fields);
    assert_eq!(reasons(&decoded), [""; 0]);
    assert_eq!(decoded.rows.column(1).null_count(), 0);
}

/// A log with headers in its midst.
fn log() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        4 => "[a-c\"\t-]{0,8}( [a-c\"-]{0,8}){0,2}",
        1 => Just("#Fields: a b".to_owned()),
        1 => Just("#Fields: b time a".to_owned()),
        1 => Just("#Date: 2026-03-01 12:00:00".to_owned()),
        1 => Just("#".to_owned()),
    ];
    prop::collection::vec(line, 0..20)
}

proptest! {
    #[test]
    fn values_are_what_a_plain_split_finds(
        records in prop::collection::vec("[a-c-]{1,20}( {1,3}[a-c-]{1,20}){0,3}", 0..10)
    ) {
        let text = format!("#Fields: a b c\n{}\n", records.join("\n"));
        let decoded = decode_texts(&text, &["b"]);
        let fields = records.iter().map(|record| record.split_whitespace().collect::<Vec<_>>());
        let fields = fields.filter(|fields| fields.len() == 3);
        let expected: Vec<_> = fields.map(|fields| Some(fields[1]).filter(|b| *b != "-")).collect();
        prop_assert_eq!(texts(&decoded.rows, 0), expected);
    }

    #[test]
    fn a_file_may_be_read_from_anywhere(lines in log(), cut in any::<prop::sample::Index>()) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let cut = cut.index(lines.len() + 1);
        let fields = [text_field("a"), text_field("timestamp")];
        let mut decoder = W3c::default().decoder(&fields).unwrap();
        let behind = lines_behind(text.as_bytes(), cut);
        let before = lines_behind(text.as_bytes(), 0).slice(0, cut);
        let (second, first) = (decoder.decode(&behind), decoder.decode(&before));
        let whole = decode(&text, &fields);
        for column in 0..2 {
            let parts = [texts(&first.rows, column), texts(&second.rows, column)].concat();
            prop_assert_eq!(texts(&whole.rows, column), parts);
        }
        let n_invalid = first.invalid.len() + second.invalid.len();
        prop_assert_eq!(whole.invalid.len(), n_invalid);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        records in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b' '), Just(b'#'), Just(b'"')], 0..40), 0..10)
    ) {
        let format = W3c::new(&W3cOptions { fields: "a b".to_owned() });
        let decoded = decode_text(&format, &["a", "url_original"], &records);
        let n_marked = records.iter().filter(|record| record.first() == Some(&b'#')).count();
        let n_records = decoded.rows.num_rows() + decoded.invalid.len();
        prop_assert_eq!(n_records + n_marked, records.len());
    }
}
