//! What the page promises.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;

use super::*;
use crate::testing::{decode_text, payloads, texts};

const LINE: &str = "1772366401.250     48 192.0.2.1 TCP_MISS/200 1242 GET http://example.com/a?b=1 alice HIER_DIRECT/198.51.100.7 text/html";

const TEXTS: [&str; 8] = [
    "source_ip",
    "event_action",
    "http_request_method",
    "url_original",
    "user_name",
    "peer_status",
    "destination_ip",
    "http_response_mime_type",
];

fn text_row(line: &str) -> Vec<Option<String>> {
    let decoded = decode_text(&Squid::new(), &TEXTS, &[line]);
    assert_eq!(decoded.invalid, []);
    let text = |column| texts(&decoded.rows, column)[0].map(str::to_owned);
    (0..TEXTS.len()).map(text).collect()
}

fn all() -> Vec<Field> {
    let Columns::Fixed(fields) = Squid::new().columns() else {
        panic!("the columns are known")
    };
    fields.iter().map(|field| field.as_ref().clone()).collect()
}

fn reasons(lines: &[&str]) -> Vec<String> {
    let decoded = decode_text(&Squid::new(), &[], lines);
    let reasons = decoded.invalid.into_iter().map(|invalid| invalid.reason);
    reasons.collect()
}

#[test]
fn a_line_has_its_columns() {
    let expected = [
        "192.0.2.1",
        "TCP_MISS",
        "GET",
        "http://example.com/a?b=1",
        "alice",
        "HIER_DIRECT",
        "198.51.100.7",
        "text/html",
    ];
    assert_eq!(text_row(LINE), expected.map(|text| Some(text.to_owned())));
    let mut decoder = Squid::new().decoder(&all()).unwrap();
    let decoded = decoder.decode(&payloads(&[LINE]));
    let times = decoded.rows.column(0);
    let times = times.as_primitive::<TimestampMicrosecondType>().values();
    assert_eq!(times, &[1_772_366_401_250_000]);
    for (column, expected) in [(1, 48_000_000), (4, 200), (5, 1242)] {
        let numbers = decoded.rows.column(column).as_primitive::<Int64Type>();
        assert_eq!(numbers.values(), &[expected]);
    }
}

#[test]
fn dashes_are_null_and_a_type_may_be_missing() {
    let line = "1772366401.250 0 192.0.2.1 NONE_NONE/000 0 - error:invalid-request - HIER_NONE/-";
    let row = text_row(line);
    assert_eq!(row[2], None);
    assert_eq!(row[3].as_deref(), Some("error:invalid-request"));
    assert_eq!(row[4..], [None, Some("HIER_NONE".to_owned()), None, None]);
}

#[test]
fn a_user_may_hold_spaces_and_look_like_a_server() {
    let line = |user: &str| {
        format!(
            "1.5 1 192.0.2.1 TCP_HIT/200 1 GET http://x/ {user} DIRECT/x text/html News Mozilla/4.76 [en] (X11)"
        )
    };
    for user in ["CN=Agent Smith,OU=fr", "CORP/alice", "a  b"] {
        let row = text_row(&line(user));
        assert_eq!(row[4].as_deref(), Some(user));
        assert_eq!(row[5].as_deref(), Some("DIRECT"));
        assert_eq!(row[7].as_deref(), Some("text/html"));
    }
}

#[test]
fn what_is_invalid_says_what_was_expected() {
    let lines = [
        "",
        "May 1 192.0.2.1",
        "1e9 1",
        "1772366401.250 fast 192.0.2.1",
        "1772366401.250 9223372036854775807 192.0.2.1",
        "1772366401.250 1 192.0.2.1 TCP_MISS 1",
        "1772366401.250 1 192.0.2.1 TCP_MISS/ok 1",
        "1772366401.250 1 192.0.2.1 TCP_MISS/200 many",
        "1772366401.250 1 192.0.2.1 TCP_MISS/200 1 GET",
        "1772366401.250 1 192.0.2.1 TCP_MISS/200 1 GET http://x/ alice text/html",
    ];
    let expected = [
        "expected seconds since 1970, found the end of the line",
        "expected seconds since 1970, found `May`",
        "expected seconds since 1970, found `1e9`",
        "expected milliseconds, found `fast`",
        "expected milliseconds, found `9223372036854775807`",
        "expected a result such as `TCP_MISS/200`, found `TCP_MISS`",
        "expected a status code, found `ok`",
        "expected a number of bytes, found `many`",
        "expected a URL, found the end of the line",
        "expected a server such as `HIER_DIRECT/192.0.2.1`, found the end of the line",
    ];
    assert_eq!(reasons(&lines), expected);
}

proptest! {
    #[test]
    fn parts_come_back(
        client in "[a-z0-9.:]{1,20}", status in 0i64..1000, size in 0i64..1 << 40,
        url in "[a-z:/?=.]{1,40}", user in "[a-z]{1,8}( [a-z/]{1,8}){0,2}", host in "[a-z0-9.]{1,20}",
        spaces in 1usize..6
    ) {
        let space = " ".repeat(spaces);
        let line = format!(
            "1772366401.250{space}7 {client} TCP_HIT/{status:03} {size} GET {url} {user} FIRSTUP_PARENT/{host} -"
        );
        let row = text_row(&line);
        let expected = [&client, "TCP_HIT", "GET", &url, &user, "FIRSTUP_PARENT", &host];
        let found: Vec<_> = row.iter().flatten().map(String::as_str).collect();
        prop_assert_eq!(found, expected);
        let mut decoder = Squid::new().decoder(&all()[4..6]).unwrap();
        let decoded = decoder.decode(&payloads(&[line]));
        for (column, expected) in [(0, status), (1, size)] {
            let numbers = decoded.rows.column(column).as_primitive::<Int64Type>();
            prop_assert_eq!(numbers.value(0), expected);
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_whatever_is_asked_for(
        records in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b' '), Just(b'/'), Just(b'1')], 0..60), 0..10),
        at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut records = records;
        let mut line = LINE.as_bytes().to_vec();
        let at = at.index(line.len());
        line[at] = byte;
        records.push(line);
        let decoded = decode_text(&Squid::new(), &TEXTS, &records);
        prop_assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), records.len());
        let none = decode_text(&Squid::new(), &[], &records);
        prop_assert_eq!(none.invalid, decoded.invalid);
    }
}
