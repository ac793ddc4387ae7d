//! Messages as they stand in a capture, and their columns.

use std::net::IpAddr;

use arrow::array::{Array, AsArray};
use proptest::prelude::*;

use super::*;
use crate::testing::{payloads, printed, typed_fields};

/// The header of a response with so many questions and answers.
fn header(rcode: u8, questions: u8, answers: u8) -> Vec<u8> {
    vec![
        0x12, 0x34, 0x81, rcode, 0, questions, 0, answers, 0, 0, 0, 0,
    ]
}

const QUESTION: &[u8] = b"\x03www\x07example\x03com\x00\x00\x01\x00\x01";

/// A record whose name is the question's.
fn answer(rtype: u8, data: &[u8]) -> Vec<u8> {
    let len = data.len() as u8;
    [&[0xC0, 12, 0, rtype, 0, 1, 0, 0, 0, 60, 0, len], data].concat()
}

fn record(bytes: &[u8]) -> Vec<u8> {
    let message = Message {
        time_ns: 1_483_504_866_337_519_000,
        frame_bytes: 168,
        transport: Transport::Udp,
        source: IpAddr::from([10, 0, 0, 53]),
        source_port: 53,
        destination: IpAddr::from([172, 16, 9, 132]),
        destination_port: 40_000,
        bytes,
    };
    let mut record = Vec::new();
    message.encode(&mut record);
    record
}

/// The values of a message as text, `-` for null; else why it is invalid.
fn values(columns: &[&str], message: &[u8]) -> Result<Vec<String>, String> {
    let format = DnsPackets::new();
    let fields = typed_fields(&format, columns);
    let decoded = format
        .decoder(&fields)
        .unwrap()
        .decode(&payloads(&[record(message)]));
    if let Some(invalid) = decoded.invalid.first() {
        return Err(invalid.reason.clone());
    }
    let columns = decoded.rows.columns().iter();
    Ok(columns.map(|column| printed(column, 0)).collect())
}

const TABLE: [&str; 10] = [
    "frame_time",
    "unix_tstamp",
    "frame_len",
    "ip_dst",
    "ip_src",
    "dns_qry_name",
    "dns_qry_class",
    "dns_qry_type",
    "dns_qry_rcode",
    "dns_a",
];

#[test]
fn a_response_is_a_row_of_spots_table() {
    let address = answer(1, &[93, 184, 216, 34]);
    let message = [&header(0, 1, 1)[..], QUESTION, &address].concat();
    assert_eq!(
        values(&TABLE, &message).unwrap(),
        [
            "Jan  4, 2017 04:41:06.337519000 UTC",
            "1483504866",
            "168",
            "172.16.9.132",
            "10.0.0.53",
            "www.example.com",
            "0x00000001",
            "1",
            "0",
            "93.184.216.34"
        ]
    );
}

#[test]
fn a_response_without_an_answer_has_its_questions_name_type_and_class() {
    let message = [&header(3, 1, 0)[..], QUESTION].concat();
    let values = values(&TABLE[5..], &message).unwrap();
    assert_eq!(values, ["www.example.com", "0x00000001", "1", "3", "-"]);
}

#[test]
fn answers_are_addresses_and_names() {
    let alias = answer(5, b"\x03cdn\xC0\x10");
    let v6 = answer(
        28,
        &[0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    );
    let text = answer(16, b"\x02hi");
    let message = [&header(0, 1, 3)[..], QUESTION, &alias, &v6, &text].concat();
    let columns = [
        "dns_a",
        "dns_answers",
        "dns_malformed",
        "dns_response",
        "dns_id",
    ];
    assert_eq!(
        values(&columns, &message).unwrap(),
        [
            "2001:db8::1",
            "cdn.example.com 2001:db8::1 TXT",
            "-",
            "true",
            "4660"
        ]
    );
}

#[test]
fn a_message_without_a_question_is_a_row_without_a_name() {
    assert_eq!(
        values(&["dns_qry_name", "dns_qry_type"], &header(0, 0, 0)).unwrap(),
        ["-", "-"]
    );
}

#[test]
fn bytes_of_a_name_that_are_no_text_are_escaped() {
    let question = b"\x05a.b\\ \x03\x00\xE9~\x00\x00\x01\x00\x01";
    let message = [&header(0, 1, 0)[..], question].concat();
    assert_eq!(
        values(&["dns_qry_name"], &message).unwrap(),
        ["a\\.b\\\\\\032.\\000\\233~"]
    );
    let root = [&header(0, 1, 0)[..], b"\x00\x00\x02\x00\x01"].concat();
    assert_eq!(values(&["dns_qry_name"], &root).unwrap(), ["."]);
}

#[test]
fn damage_before_the_end_of_the_question_is_a_reason_and_behind_it_a_column() {
    let reason = |message: &[u8]| values(&[], message).unwrap_err();
    assert_eq!(
        reason(&[0; 11]),
        "a DNS header has 12 bytes, of this message there are 11"
    );
    let cut = [&header(0, 1, 0)[..], &QUESTION[..9]].concat();
    assert_eq!(
        reason(&cut),
        "the question is damaged: unexpected end of input"
    );
    let looped = [&header(0, 1, 0)[..], &[0xC0, 12, 0, 1, 0, 1]].concat();
    assert_eq!(
        reason(&looped),
        "the question is damaged: too many compression pointers"
    );
    let address = answer(1, &[93, 184, 216]);
    let short = [&header(0, 1, 1)[..], QUESTION, &address].concat();
    assert_eq!(
        values(&["dns_qry_name", "dns_malformed", "dns_a"], &short).unwrap(),
        [
            "www.example.com",
            "a record of type A is damaged: unexpected end of input",
            "-"
        ]
    );
}

#[test]
fn a_record_of_something_else_is_invalid() {
    let format = DnsPackets::new();
    let decoded = format
        .decoder(&[])
        .unwrap()
        .decode(&payloads(&["GET / HTTP/1.1"]));
    assert_eq!(
        decoded.invalid[0].reason,
        "not a record of a capture: it does not begin as one"
    );
}

proptest! {
    /// Whatever a message holds, each column can be had, and the verdict is the same for none.
    #[test]
    fn any_message_gives_a_row_or_a_reason(mut message in proptest::collection::vec(any::<u8>(), 0..200)) {
        if message.len() > 12 {
            message[4..12].copy_from_slice(&[0, 1, 0, 2, 0, 1, 0, 1]);
        }
        let format = DnsPackets::new();
        let Columns::Fixed(fields) = format.columns() else { unreachable!() };
        let fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
        let records = payloads(&[record(&message)]);
        let all = format.decoder(&fields).unwrap().decode(&records);
        let none = format.decoder(&[]).unwrap().decode(&records);
        prop_assert_eq!(&all.invalid, &none.invalid);
        prop_assert_eq!(all.rows.num_rows() + all.invalid.len(), 1);
        if all.rows.num_rows() == 1 {
            let names = all.rows.column_by_name("dns_qry_name").unwrap().as_string_view();
            prop_assert!(names.is_null(0) || names.value(0).is_ascii());
        }
    }
}
