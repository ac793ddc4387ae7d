//! What the page promises, and splitting against the csv crate.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;

use super::*;
use crate::testing::{decode_text, lines, payloads, text_field, texts};

fn without_header(columns: &[&str]) -> Csv {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    Csv::try_new(CsvOptions {
        header: false,
        columns,
        ..CsvOptions::default()
    })
    .unwrap()
}

fn decode_file(text: &str, columns: &[&str]) -> Decoded {
    let fields: Vec<_> = columns.iter().map(|name| text_field(name)).collect();
    let mut payloads = lines(text.as_bytes());
    payloads.header = text.lines().next().map(|line| line.as_bytes().into());
    Csv::try_new(CsvOptions::default())
        .unwrap()
        .decoder(&fields)
        .unwrap()
        .decode(&payloads)
}

#[test]
fn a_header_names_the_columns_and_is_no_record() {
    let decoded = decode_file("\u{FEFF}a,\"b c\",d\n1,2,3\n4,5,6\n", &["d", "b c", "a"]);
    assert_eq!(texts(&decoded.rows, 0), [Some("3"), Some("6")]);
    assert_eq!(texts(&decoded.rows, 1), [Some("2"), Some("5")]);
    assert_eq!(texts(&decoded.rows, 2), [Some("1"), Some("4")]);
    assert_eq!(decoded.record_idx.unwrap().values(), &[1, 2]);
}

#[test]
fn the_header_holds_for_later_blocks_of_its_file_and_changes_with_the_file() {
    let mut decoder = Csv::try_new(CsvOptions::default())
        .unwrap()
        .decoder(&[text_field("b")])
        .unwrap();
    let mut block = payloads(&["1,2"]);
    block.offsets = vec![100].into();
    for (header, expected) in [("a,b", Some("2")), ("b,a", Some("1"))] {
        block.header = Some(header.as_bytes().into());
        let decoded = decoder.decode(&block);
        assert_eq!(texts(&decoded.rows, 0), [expected]);
        assert_eq!(decoded.record_idx, None);
    }
}

#[test]
fn a_column_that_the_header_lacks_makes_every_record_invalid_and_names_the_nearest() {
    let decoded = decode_file("source_ip,bytes\na,1\nb,2\n", &["source_up"]);
    assert_eq!(decoded.rows.num_rows(), 0);
    let reason = "the file has no column `source_up`, did you mean `source_ip`?";
    assert_eq!(
        decoded
            .invalid
            .iter()
            .map(|bad| &bad.reason)
            .collect::<Vec<_>>(),
        [reason; 2]
    );
}

#[test]
fn quotes_hold_separators_and_doubled_quotes() {
    let records = [
        r#""a,b","say ""hi""","#,
        r#""",x"y"z,a much longer text than a view"#,
        r#""a"b,,"#,
    ];
    let decoded = decode_text(
        &without_header(&["a", "b", "c"]),
        &["a", "b", "c"],
        &records,
    );
    assert_eq!(texts(&decoded.rows, 0), [Some("a,b"), Some(""), Some("ab")]);
    assert_eq!(
        texts(&decoded.rows, 1),
        [Some("say \"hi\""), Some("x\"y\"z"), Some("")]
    );
    let third = [Some(""), Some("a much longer text than a view"), Some("")];
    assert_eq!(texts(&decoded.rows, 2), third);
}

#[test]
fn records_of_another_shape_are_invalid() {
    let records = ["1,2", "1", "1,2,3", "\"1,2", "1,\"2\"\"", ""];
    let decoded = decode_text(&without_header(&["a", "b"]), &["a"], &records);
    assert_eq!(texts(&decoded.rows, 0), [Some("1")]);
    let reasons: Vec<_> = decoded
        .invalid
        .iter()
        .map(|bad| bad.reason.as_str())
        .collect();
    let expected = [
        "expected 2 fields, found 1",
        "expected 2 fields, found 3",
        "a quote is not closed",
        "a quote is not closed",
        "expected 2 fields, found 1",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn an_empty_field_is_null_where_a_number_was_asked_for_and_empty_as_text() {
    let format = without_header(&["a", "b"]);
    let fields = [Field::new("a", DataType::Int64, true), text_field("b")];
    let decoded = format
        .decoder(&fields)
        .unwrap()
        .decode(&payloads(&["1,x", ",", "z,"]));
    let ints = decoded.rows.column(0).as_primitive::<Int64Type>();
    assert_eq!(ints.iter().collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(texts(&decoded.rows, 1), [Some("x"), Some("")]);
    assert_eq!(decoded.invalid[0].reason, "`a` is `z`, expected an integer");
}

#[test]
fn other_separators_and_quotes_are_used() {
    let options = CsvOptions {
        separator: '\t',
        quote_char: '\'',
        header: false,
        columns: vec!["a".to_owned(), "b".to_owned()],
    };
    let decoded = decode_text(
        &Csv::try_new(options).unwrap(),
        &["a", "b"],
        &["'x\ty'\t\"z\""],
    );
    assert_eq!(texts(&decoded.rows, 0), [Some("x\ty")]);
    assert_eq!(texts(&decoded.rows, 1), [Some("\"z\"")]);
}

#[test]
fn options_that_cannot_be_are_refused() {
    let wrong = |options: CsvOptions| Csv::try_new(options).unwrap_err().to_string();
    let base = CsvOptions::default();
    let options = CsvOptions {
        separator: '"',
        ..base.clone()
    };
    assert_eq!(wrong(options), "`separator` and `quote_char` are the same");
    let options = CsvOptions {
        separator: '§',
        ..base.clone()
    };
    assert_eq!(wrong(options), "`§` is not one ASCII character");
    let options = CsvOptions {
        header: false,
        ..base.clone()
    };
    assert_eq!(
        wrong(options),
        "without a header, `columns` has to name the columns"
    );
    let options = CsvOptions {
        columns: vec!["a".to_owned()],
        ..base
    };
    assert_eq!(
        wrong(options),
        "`columns` is for files without a header; set `header = false`"
    );
}

fn by_the_csv_crate(record: &str) -> Vec<String> {
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder
        .has_headers(false)
        .flexible(true)
        .from_reader(record.as_bytes());
    let record = reader.records().next().unwrap().unwrap();
    record.iter().map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn fields_are_those_of_the_csv_crate(record in r#"[a",é]{1,20}"#) {
        let mut splitter = Splitter::new(b',', b'"');
        let (mut places, mut unquoted) = (Vec::new(), Vec::new());
        if let Ok(in_place) = splitter.split(record.as_bytes(), &mut places, &mut unquoted) {
            let source = if in_place { record.as_bytes() } else { &unquoted };
            let field = |place: &Place| {
                String::from_utf8(source[place.start..place.end].to_vec()).unwrap()
            };
            prop_assert_eq!(places.iter().map(field).collect::<Vec<_>>(), by_the_csv_crate(&record));
        } else {
            // Unclosed: a line end does not end the record, so that what follows is part of it.
            let longer = by_the_csv_crate(&format!("{record}\nx"));
            prop_assert!(longer.last().unwrap().ends_with("\nx"), "{:?}", longer);
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        records in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b','), Just(b'"')], 0..40), 0..10)
    ) {
        let decoded = decode_text(&without_header(&["a", "b"]), &["b"], &records);
        prop_assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), records.len());
    }
}
