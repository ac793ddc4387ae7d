//! What the page promises.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;

use super::*;
use crate::column::micros_utc;
use crate::json::Json;
use crate::testing::{decode_text, lines_behind, text_field, texts, typed_field};

const CONN: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
    #path\tconn\n#open\t2026-03-01-12-00-00\n\
    #fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tservice\torig_bytes\tlocal_orig\ttunnel_parents\n\
    #types\ttime\tstring\taddr\tport\taddr\tport\tstring\tcount\tbool\tset[string]\n\
    1772366401.250000\tCa1\t192.0.2.1\t40000\t198.51.100.7\t443\tssl\t120\tT\t(empty)\n\
    1772366402.000000\tCa2\t192.0.2.2\t40001\t198.51.100.7\t53\t-\t-\tF\tCa\\x2c1,Ca2\n\
    #close\t2026-03-01-13-00-00\n";

fn decode(text: &str, fields: &[Field]) -> Decoded {
    let mut decoder = Zeek::new().decoder(fields).unwrap();
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
    typed_field(&Zeek::new(), name)
}

#[test]
fn shared_names_and_the_files_own_give_the_same_columns() {
    let fields = [
        known("timestamp"),
        known("source_ip"),
        known("source_port"),
        text_field("id.orig_h"),
        known("source_bytes"),
        known("http_request_method"),
    ];
    let decoded = decode(CONN, &fields);
    assert_eq!(reasons(&decoded), [""; 0], "header lines are not invalid");
    assert_eq!(decoded.rows.num_rows(), 2, "nor rows");
    assert_eq!(decoded.record_idx.unwrap().values(), &[8, 9]);
    let times = decoded.rows.column(0);
    let times = times.as_primitive::<TimestampMicrosecondType>().values();
    assert_eq!(times, &[1_772_366_401_250_000, 1_772_366_402_000_000]);
    let sources = [Some("192.0.2.1"), Some("192.0.2.2")];
    assert_eq!(texts(&decoded.rows, 1), sources);
    assert_eq!(texts(&decoded.rows, 3), sources);
    let ports = decoded.rows.column(2).as_primitive::<Int64Type>();
    assert_eq!(ports.values(), &[40000, 40001]);
    let bytes = decoded.rows.column(4).as_primitive::<Int64Type>();
    assert_eq!(bytes.iter().collect::<Vec<_>>(), [Some(120), None]);
    assert_eq!(texts(&decoded.rows, 5), [None, None]);
}

#[test]
fn unset_is_null_and_empty_is_empty_text() {
    let decoded = decode_texts(CONN, &["service", "tunnel_parents"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("ssl"), None]);
    assert_eq!(texts(&decoded.rows, 1), [Some(""), Some("Ca\\x2c1,Ca2")]);
    let number = Field::new("tunnel_parents", DataType::Int64, true);
    let decoded = decode(CONN, &[number]);
    assert_eq!(decoded.rows.column(0).null_count(), 1);
    let reason = "`tunnel_parents` is `Ca\\x2c1,Ca2`, expected an integer";
    assert_eq!(reasons(&decoded), [reason]);
}

#[test]
fn booleans_are_letters_in_a_table() {
    let field = Field::new("local_orig", DataType::Boolean, true);
    let decoded = decode(CONN, &[field]);
    let booleans = decoded.rows.column(0).as_boolean().iter();
    assert_eq!(booleans.collect::<Vec<_>>(), [Some(true), Some(false)]);
    let decoded = decode_texts(CONN, &["local_orig"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("T"), Some("F")]);
}

#[test]
fn escapes_are_resolved_but_in_sets() {
    let text = "#fields\tmsg\tall\n#types\tstring\tvector[string]\n\
        a\\x09b\\\\c and some more text\ta\\x2cb\n\\x00\\xc3\\x2d\t-\n";
    let decoded = decode_texts(text, &["msg", "all"]);
    let messages = [Some("a\tb\\c and some more text"), Some("\\x00\\xc3-")];
    assert_eq!(texts(&decoded.rows, 0), messages);
    assert_eq!(texts(&decoded.rows, 1), [Some("a\\x2cb"), None]);
}

#[test]
fn a_header_says_how_the_table_is_written() {
    let text = "#separator ,\n#unset_field,?\n#empty_field,none\n#fields,a,b\n1,?\nnone,-\n";
    let decoded = decode_texts(text, &["a", "b"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("1"), Some("")]);
    assert_eq!(texts(&decoded.rows, 1), [None, Some("-")]);
    let text = "#separator \\x7c\n#fields|a|b\nx|y\n";
    assert_eq!(texts(&decode_texts(text, &["b"]).rows, 0), [Some("y")]);
}

#[test]
fn a_header_may_come_again_with_other_fields() {
    let text =
        "#fields\ta\tb\n1\t2\n3\t4\n#close\tx\n#fields\tb\tc\ta\n5\t6\t7\n# comment\n8\t9\t10\n";
    let decoded = decode_texts(text, &["a"]);
    let expected = [Some("1"), Some("3"), Some("7"), Some("10")];
    assert_eq!(texts(&decoded.rows, 0), expected);
    assert_eq!(decoded.record_idx.unwrap().values(), &[1, 2, 5, 7]);
}

#[test]
fn json_lines_are_read_with_the_same_names_whatever_stands_before_them() {
    let text = "{\"ts\":1772366401.25,\"id.orig_h\":\"192.0.2.1\",\"id\":{\"orig_p\":40000}}\n\
        #fields\tid.orig_h\n192.0.2.2\n\
        {\"ts\":\"2026-03-01T12:00:02Z\",\"source_ip\":\"192.0.2.3\",\"uid\":null}\n";
    let fields = [known("source_ip"), known("source_port")];
    let decoded = decode(text, &fields);
    let sources = [Some("192.0.2.1"), Some("192.0.2.2"), Some("192.0.2.3")];
    assert_eq!(texts(&decoded.rows, 0), sources);
    let ports = decoded.rows.column(1).as_primitive::<Int64Type>();
    let ports: Vec<_> = ports.iter().collect();
    assert_eq!(ports, [Some(40000), None, None]);
    let decoded = decode(text, &[Field::new("timestamp", micros_utc(), true)]);
    let times = decoded.rows.column(0);
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let second = 1_772_366_402_000_000;
    let expected = [Some(second - 750_000), None, Some(second)];
    assert_eq!(times.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_invalid_says_why() {
    let none = decode_texts("1\t2\n{\"a\":\n", &["uid"]);
    let no_header = "no `#fields` line stands before it, and it is no JSON object";
    let no_json = "expected a value at byte 5, found the end of the record";
    assert_eq!(reasons(&none), [no_header, no_json]);
    let text = "#fields\tuid\tid.orig_h\nCa1\n";
    let short = decode_texts(text, &["uid"]);
    assert_eq!(reasons(&short), ["expected 2 fields, found 1"]);
    let reason = |column| reasons(&decode_texts(text, &[column]))[0].to_owned();
    let near = "the file has no field `id.orig`, did you mean `id.orig_h`?";
    assert_eq!(reason("id.orig"), near);
    let far = "the file has no field `query_name`; it has uid, id.orig_h";
    assert_eq!(reason("query_name"), far);
    let text = "#separator \\xzz\n#fields\ta\nx\n";
    let reason = "the file's `#separator` is `\\xzz`, expected one ASCII character as `\\x09`";
    assert_eq!(reasons(&decode_texts(text, &["a"])), [reason]);
}

/// A log of tables, with headers in their midst.
fn log() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        4 => "[a-c\\\\x0-9-]{0,8}(\t[a-c]{0,8}){0,2}",
        1 => Just("#fields\ta\tb".to_owned()),
        1 => Just("#fields\tb\tc\ta".to_owned()),
        1 => Just("#unset_field\tb".to_owned()),
        1 => Just("# x".to_owned()),
        1 => Just("{\"a\":1}".to_owned()),
    ];
    prop::collection::vec(line, 0..20)
}

/// The column `a` of each line that has it, in the plainest way.
fn plain(lines: &[String]) -> Vec<Option<String>> {
    let (mut fields, mut unset) = (None, "-");
    let mut column = Vec::new();
    for line in lines {
        if let Some(names) = line.strip_prefix("#fields\t") {
            fields = Some(names.split('\t').collect::<Vec<_>>());
        } else if let Some(value) = line.strip_prefix("#unset_field\t") {
            unset = value;
        } else if line.starts_with('{') {
            column.push(Some("1".to_owned()));
        } else if let Some(fields) = fields.as_ref().filter(|_| !line.starts_with('#')) {
            let values: Vec<_> = line.split('\t').collect();
            if values.len() == fields.len() {
                let at = fields.iter().position(|name| *name == "a").unwrap();
                let mut value = Vec::new();
                escape::unescape(values[at].as_bytes(), &mut value);
                let value = String::from_utf8(value).unwrap();
                column.push(Some(value).filter(|_| values[at] != unset));
            }
        }
    }
    column
}

proptest! {
    #[test]
    fn values_are_what_a_plain_split_finds(lines in log()) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let decoded = decode_texts(&text, &["a"]);
        let ours = texts(&decoded.rows, 0).into_iter();
        let ours: Vec<_> = ours.map(|text| text.map(str::to_owned)).collect();
        prop_assert_eq!(ours, plain(&lines));
        let n_marked = lines.iter().filter(|line| line.starts_with('#')).count();
        let n_records = decoded.rows.num_rows() + decoded.invalid.len();
        prop_assert_eq!(n_records + n_marked, lines.len());
    }

    #[test]
    fn a_file_may_be_read_from_anywhere(lines in log(), cut in any::<prop::sample::Index>()) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let cut = cut.index(lines.len() + 1);
        let mut decoder = Zeek::new().decoder(&[text_field("a")]).unwrap();
        let behind = lines_behind(text.as_bytes(), cut);
        let before = lines_behind(text.as_bytes(), 0).slice(0, cut);
        let (second, first) = (decoder.decode(&behind), decoder.decode(&before));
        let whole = decode_texts(&text, &["a"]);
        let parts = [texts(&first.rows, 0), texts(&second.rows, 0)].concat();
        prop_assert_eq!(texts(&whole.rows, 0), parts);
        let n_invalid = first.invalid.len() + second.invalid.len();
        prop_assert_eq!(whole.invalid.len(), n_invalid);
    }

    #[test]
    fn objects_are_what_the_json_format_reads(
        records in prop::collection::vec("\\{[\"a-c:,1{}]{0,12}\\}?", 0..10)
    ) {
        let ours = decode_text(&Zeek::new(), &["a", "b"], &records);
        let theirs = decode_text(&Json::new(), &["a", "b"], &records);
        prop_assert_eq!(ours.rows, theirs.rows);
        prop_assert_eq!(ours.invalid, theirs.invalid);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        records in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b'\t'), Just(b'#'), Just(b'\\')], 0..40), 0..10)
    ) {
        let decoded = decode_text(&Zeek::new(), &["a"], &records);
        let n_marked = records.iter().filter(|record| record.first() == Some(&b'#')).count();
        let n_records = decoded.rows.num_rows() + decoded.invalid.len();
        prop_assert_eq!(n_records + n_marked, records.len());
    }
}
