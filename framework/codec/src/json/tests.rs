//! What the page promises, and the whole against serde_json.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::column::micros_utc;
use crate::testing::{decode_text, payloads, text_field, texts};

fn decode(fields: &[Field], records: &[&str]) -> Decoded {
    Json::new()
        .decoder(fields)
        .unwrap()
        .decode(&payloads(records))
}

fn texts_of(decoded: &Decoded, column: usize) -> Vec<Option<&str>> {
    texts(&decoded.rows, column)
}

fn reasons(records: &[&str]) -> Vec<String> {
    let decoded = decode(&[], records);
    assert_eq!(decoded.invalid.len(), records.len(), "all are invalid");
    decoded
        .invalid
        .into_iter()
        .map(|invalid| invalid.reason)
        .collect()
}

#[test]
fn text_is_a_strings_text_or_a_values_json() {
    let record = r#" { "s" : "a\"b" , "n":-1.50,"t":true,"o":{"x": [1, 2]},"z":null,"l":"a plain long text"} "#;
    let decoded = decode_text(
        &Json::new(),
        &["s", "n", "t", "o", "z", "l", "none"],
        &[record],
    );
    let row: Vec<_> = (0..7).map(|column| texts_of(&decoded, column)[0]).collect();
    let expected = [
        Some("a\"b"),
        Some("-1.50"),
        Some("true"),
        Some(r#"{"x": [1, 2]}"#),
        None,
        Some("a plain long text"),
        None,
    ];
    assert_eq!(row, expected);
}

#[test]
fn a_null_is_text_for_a_filter_and_a_missing_member_is_not() {
    let field = with_null_as_text(text_field("a"));
    let decoded = decode(&[field], &[r#"{"a":null}"#, r#"{"b":1}"#]);
    assert_eq!(texts_of(&decoded, 0), [Some("null"), None]);
}

#[test]
fn an_exact_name_comes_before_a_path_wherever_it_stands() {
    let records = [
        r#"{"a":{"b":{"c":"nested"}}}"#,
        r#"{"a":{"b":{"c":"nested"}},"a.b.c":"exact"}"#,
        r#"{"a.b.c":"exact","a":{"b.c":"half","b":{"c":"nested"}}}"#,
        r#"{"a":{"b.c":"half","b":{"c":"nested"}}}"#,
        r#"{"a":"text","x":{"a.b.c":1}}"#,
    ];
    let decoded = decode_text(&Json::new(), &["a.b.c"], &records);
    let expected = [
        Some("nested"),
        Some("exact"),
        Some("exact"),
        Some("half"),
        None,
    ];
    assert_eq!(texts_of(&decoded, 0), expected);
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    let records = [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"a":null}"#,
        r#"{"a":{"b":1},"a":{"c":2}}"#,
        r#"{"a":{"b":1},"\u0061":{"b":3}}"#,
    ];
    let decoded = decode_text(&Json::new(), &["a", "a.b"], &records);
    let a = [Some("2"), None, Some(r#"{"c":2}"#), Some(r#"{"b":3}"#)];
    assert_eq!(texts_of(&decoded, 0), a);
    assert_eq!(texts_of(&decoded, 1), [None, None, None, Some("3")]);
}

#[test]
fn typed_columns_read_numbers_and_strings_that_hold_them() {
    let fields = [
        Field::new("i", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
        Field::new("b", DataType::Boolean, true),
        Field::new("t", micros_utc(), true),
    ];
    let decoded = decode(
        &fields,
        &[
            r#"{"i":12,"f":1.5,"b":true,"t":"2000-10-10T13:55:36-07:00"}"#,
            r#"{"i":"12","f":"15e-1","b":"true","t":971211336}"#,
            r#"{"i":null}"#,
        ],
    );
    assert_eq!(decoded.invalid, []);
    let column = |column: usize| decoded.rows.column(column);
    let ints = column(0).as_primitive::<Int64Type>();
    assert_eq!(ints.iter().collect::<Vec<_>>(), [Some(12), Some(12), None]);
    let floats = column(1).as_primitive::<Float64Type>();
    assert_eq!(
        floats.iter().collect::<Vec<_>>(),
        [Some(1.5), Some(1.5), None]
    );
    let booleans = column(2).as_boolean();
    assert_eq!(
        booleans.iter().collect::<Vec<_>>(),
        [Some(true), Some(true), None]
    );
    let times = column(3).as_primitive::<TimestampMicrosecondType>();
    let second = Some(971_211_336_000_000);
    assert_eq!(times.iter().collect::<Vec<_>>(), [second, second, None]);
}

#[test]
fn a_time_column_may_say_its_format() {
    let format = (
        crate::TIMESTAMP_FORMAT.to_owned(),
        "%d/%b/%Y:%H:%M:%S %z".to_owned(),
    );
    let field = Field::new("t", micros_utc(), true).with_metadata([format].into());
    let decoded = decode(
        &[field],
        &[
            r#"{"t":"10/Oct/2000:13:55:36 -0700"}"#,
            r#"{"t":971211336}"#,
        ],
    );
    let times = decoded
        .rows
        .column(0)
        .as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.values(), &[971_211_336_000_000]);
    assert_eq!(
        decoded.invalid[0].reason,
        "`t` is `971211336`, expected a time"
    );
}

#[test]
fn a_value_that_does_not_fit_its_column_makes_the_record_invalid_and_leaves_no_trace() {
    let fields = [text_field("s"), Field::new("i", DataType::Int64, true)];
    let decoded = decode(
        &fields,
        &[
            r#"{"s":"a","i":1}"#,
            r#"{"s":"b","i":"x y"}"#,
            r#"{"s":"c","i":3}"#,
        ],
    );
    assert_eq!(texts_of(&decoded, 0), [Some("a"), Some("c")]);
    assert_eq!(decoded.record_idx.as_ref().unwrap().values(), &[0, 2]);
    assert_eq!(decoded.invalid[0].record_idx, 1);
    assert_eq!(
        decoded.invalid[0].reason,
        "`i` is `x y`, expected an integer"
    );
}

#[test]
fn an_invalid_record_says_what_was_expected_and_where() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(128), "]".repeat(128));
    let records = [
        "",
        "[1]",
        "hello",
        "{",
        r#"{"a":1"#,
        r#"{"a":"b"#,
        r#"{"a":"b\"}"#,
        r#"{"a" "b"}"#,
        r#"{"a":1}}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":1,}"#,
        "{\"a\":\"\t\"}",
        &deep,
    ];
    let expected = [
        "expected a JSON object, found an empty record",
        "expected a JSON object at byte 0, found `[`",
        "expected a JSON object at byte 0, found `h`",
        "expected a name in quotes at byte 1, found the end of the record",
        "expected `,` or `}` at byte 6, found the end of the record",
        "expected the end of a string at byte 7, found the end of the record",
        "expected the end of a string at byte 10, found the end of the record",
        "expected `:` at byte 5, found `\"`",
        "expected the end of the record at byte 7, found `}`",
        "expected a number at byte 5, found `0`",
        "expected a digit at byte 7, found `}`",
        "expected a value at byte 5, found `t`",
        "expected an escape that JSON has at byte 6, found `\\`",
        "expected a name in quotes at byte 7, found `}`",
        "expected no control character in a string at byte 6, found byte 0x09",
        "expected at most 128 levels of nesting at byte 132, found `[`",
    ];
    assert_eq!(reasons(&records), expected);
}

#[test]
fn a_record_that_is_not_utf8_is_invalid_whatever_is_asked_for() {
    let records: [&[u8]; 3] = [
        b"{\"a\":1}",
        b"{\"b\":\"\xFF\"}",
        b"{\"a\":\"a long text \xC3\"}",
    ];
    for columns in [&[][..], &["a"]] {
        let decoded = decode_text(&Json::new(), columns, &records);
        let reasons: Vec<_> = decoded
            .invalid
            .iter()
            .map(|bad| bad.reason.as_str())
            .collect();
        assert_eq!(reasons, ["not UTF-8 at byte 6", "not UTF-8 at byte 18"]);
    }
}

#[test]
fn a_byte_order_mark_and_white_space_around_the_object_are_passed_over() {
    let decoded = decode_text(
        &Json::new(),
        &["a"],
        &["\u{FEFF}{\"a\":1}", " \t{\"a\":2} \t"],
    );
    assert_eq!(texts_of(&decoded, 0), [Some("1"), Some("2")]);
}

#[test]
fn records_of_several_blocks_and_of_none_keep_their_texts() {
    let long = r#"{"a":"a plain text of some length","b":"an escaped text\n of some length"}"#;
    let block = |text: &str| arrow::buffer::Buffer::from(text.as_bytes());
    let (first, second) = (format!("{long}\n"), format!("{long}\n{{\"a\":1}}\n"));
    let mut lines: Vec<_> = [&first, &second]
        .map(|text| crate::lines::split_lines(block(text), 0).records)
        .into();
    lines.push(arrow::array::BinaryViewArray::from_iter_values([
        br#"{"a":2}"#,
    ]));
    for (lines, n_rows) in [(&lines[..], 4), (&lines[2..], 1)] {
        let arrays: Vec<&dyn arrow::array::Array> = lines.iter().map(|lines| lines as _).collect();
        let mut payloads = payloads::<&str>(&[]);
        payloads.records = arrow::compute::concat(&arrays)
            .unwrap()
            .as_binary_view()
            .clone();
        let fields = [text_field("a"), text_field("b")];
        let decoded = Json::new().decoder(&fields).unwrap().decode(&payloads);
        assert_eq!(decoded.rows.num_rows(), n_rows);
        let plain = Some("a plain text of some length");
        let escaped = Some("an escaped text\n of some length");
        let a = [plain, plain, Some("1"), Some("2")];
        let b = [escaped, escaped, None, None];
        assert_eq!(texts_of(&decoded, 0), a[4 - n_rows..]);
        assert_eq!(texts_of(&decoded, 1), b[4 - n_rows..]);
    }
}

/// Any JSON, with names that meet the columns asked for.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        r#"[a"\\\\/é\n,:{}\[\]]{0,80}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            members(inner).prop_map(Value::Object),
        ]
    })
}

fn members(
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let name = prop_oneof![
        "[abc]",
        r#"[abc."\\\\é]{1,12}"#,
        Just("a_longer_name".to_owned())
    ];
    prop::collection::vec((name, value), 0..8).prop_map(|members| members.into_iter().collect())
}

const ASKED: [&str; 6] = ["a", "b", "a.b", "a.b.c", "c.a", "a_longer_name"];

/// The member that a column's name means, found in the plainest way.
fn lookup<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        lookup(object.get(first)?, rest)
    })
}

fn expected_text(record: &str, name: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(record).unwrap();
    lookup(&value, name)
        .filter(|value| !value.is_null())
        .cloned()
}

fn assert_like_serde(record: &str) -> Result<(), TestCaseError> {
    let decoded = decode_text(&Json::new(), &ASKED, &[record]);
    prop_assert_eq!(&decoded.invalid, &vec![], "{}", record);
    for (column, name) in ASKED.iter().enumerate() {
        let ours = texts_of(&decoded, column)[0];
        match expected_text(record, name) {
            Some(Value::String(text)) => prop_assert_eq!(ours, Some(text.as_str())),
            Some(value) => {
                let ours: Value = serde_json::from_str(ours.expect("a value")).unwrap();
                prop_assert_eq!(ours, value);
            }
            None => prop_assert_eq!(ours, None),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_asked_for_is_what_serde_json_finds(members in members(json())) {
        let value = Value::Object(members);
        assert_like_serde(&serde_json::to_string(&value).unwrap())?;
        assert_like_serde(&serde_json::to_string_pretty(&value).unwrap())?;
    }

    #[test]
    fn a_broken_record_is_invalid_exactly_where_serde_json_refuses_it(
        members in members(json()), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut record = serde_json::to_vec(&Value::Object(members)).unwrap();
        let at = at.index(record.len());
        record[at] = byte;
        assert_valid_like_serde(&record)?;
        assert_valid_like_serde(&record[..at])?;
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..10)
    ) {
        let decoded = decode_text(&Json::new(), &ASKED, &records);
        prop_assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), records.len());
    }
}

fn assert_valid_like_serde(record: &[u8]) -> Result<(), TestCaseError> {
    let decoded = decode_text(&Json::new(), &["a"], &[record]);
    let valid = match serde_json::from_slice::<&serde_json::value::RawValue>(record) {
        Ok(raw) => raw.get().starts_with('{'),
        Err(_) => false,
    };
    prop_assert_eq!(
        decoded.invalid.is_empty(),
        valid,
        "{}",
        String::from_utf8_lossy(record)
    );
    Ok(())
}

/// Wants the records whose `a` is or is not this text.
#[derive(Debug)]
struct OnA {
    columns: [Field; 1],
    text: Option<&'static str>,
    is: bool,
}

impl RecordFilter for OnA {
    fn columns(&self) -> &[Field] {
        &self.columns
    }

    fn passes(&self, _: usize, text: Option<&[u8]>) -> bool {
        (text == self.text.map(str::as_bytes)) == self.is
    }
}

/// What a decoder of column `b` gives for the records that the filter wants.
fn filtered(fields: &[Field], filter: OnA, records: &[&str]) -> Decoded {
    let filter: Arc<dyn RecordFilter> = Arc::new(filter);
    let decoder = Json::new().filtering_decoder(fields, &filter);
    decoder.unwrap().unwrap().decode(&payloads(records))
}

#[test]
fn a_filter_leaves_records_out_before_their_values_are_looked_at() {
    let records = [
        r#"{"a":"x","b":1}"#,
        r#"{"a":"y","b":"none"}"#,
        r#"{"a":"\u0078","b":2}"#,
        r#"{"a":"y","b":3"#,
        r#"{"a":"x","b":"none"}"#,
        r#"{"b":4}"#,
    ];
    let fields = [Field::new("b", DataType::Int64, true)];
    let filter = OnA {
        columns: [text_field("a")],
        text: Some("x"),
        is: true,
    };
    let decoded = filtered(&fields, filter, &records);
    let b = decoded.rows.column(0).as_primitive::<Int64Type>();
    assert_eq!(b.values(), &[1, 2]);
    assert_eq!(decoded.record_idx.unwrap().values(), &[0, 2]);
    let invalid: Vec<u32> = decoded.invalid.iter().map(|bad| bad.record_idx).collect();
    assert_eq!((invalid, decoded.n_filtered), (vec![3, 4], 2));
}

proptest! {
    #[test]
    fn a_filter_leaves_out_what_filtering_the_rows_would(
        records in prop::collection::vec(
            prop_oneof![
                "\\{\"a\":(\"x\"|null|\"y\"|1|\\{\\}),\"b\":\"[a-z]{0,20}\"\\}",
                "\\{\"b\":\"[a-z]{0,3}\"(,\"a\":\"x\")?\\}?",
            ],
            0..12,
        ),
        text in prop_oneof![Just(None), Just(Some("x")), Just(Some("1"))],
        is in any::<bool>(),
    ) {
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let all = decode(&[text_field("b"), text_field("a")], &records);
        let wanted = |row: &usize| (texts_of(&all, 1)[*row] == text) == is;
        let rows: Vec<usize> = (0..all.rows.num_rows()).filter(wanted).collect();
        let filter = OnA { columns: [text_field("a")], text, is };
        let ours = filtered(&[text_field("b")], filter, &records);
        let expected: Vec<_> = rows.iter().map(|row| texts_of(&all, 0)[*row]).collect();
        prop_assert_eq!(texts_of(&ours, 0), expected);
        prop_assert_eq!(&ours.invalid, &all.invalid);
        prop_assert_eq!(ours.n_filtered, all.rows.num_rows() - rows.len());
        let record_of = |decoded: &Decoded, row: usize| match &decoded.record_idx {
            Some(record_idx) => record_idx.value(row) as usize,
            None => row,
        };
        for (row, of_all) in rows.iter().enumerate() {
            prop_assert_eq!(record_of(&ours, row), record_of(&all, *of_all));
        }
    }
}
