//! What a value of each type looks like in a row.

use arrow::array::{
    BooleanArray, DictionaryArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, UInt32Type};
use datashark_sdk::Window;

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> FindingsBatch {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    );
    let findings = Findings::try_from_rows(&rows.unwrap()).unwrap();
    let window = Window {
        start: 0,
        end: 60_000_000,
    };
    let ids = findings.ids("test", &window).into();
    FindingsBatch {
        use_case: "test".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn rows(conf: &CsvConf, columns: Vec<(&str, ArrayRef)>) -> Vec<String> {
    let bytes = Dialect::of(conf).rows(&batch(columns), "T").unwrap();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A column's values as they stand in a row with a key and a score before them.
fn shown(column: ArrayRef) -> Vec<String> {
    let keys = text(&vec!["k"; column.len()]);
    let scores = numbers(&vec![1.0; column.len()]);
    let rows = rows(
        &CsvConf::default(),
        vec![("k", keys), ("s", scores), ("m", column)],
    );
    rows.iter()
        .map(|row| row.strip_prefix("T,k,1,").unwrap().to_owned())
        .collect()
}

#[test]
fn a_score_is_as_short_as_it_can_be() {
    let scores = [
        309.0,
        0.1,
        -0.5,
        1e300,
        123_456_789_012.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let keys = text(&["k"; 8]);
    let rows = rows(
        &CsvConf::default(),
        vec![("k", keys), ("s", numbers(&scores))],
    );
    let expected = [
        "309",
        "0.1",
        "-0.5",
        "1e300",
        "123456789012",
        "NaN",
        "inf",
        "-inf",
    ];
    assert_eq!(rows, expected.map(|score| format!("T,k,{score}")));
}

#[test]
fn metadata_is_in_the_order_of_its_names() {
    let columns = vec![
        ("source", text(&["1.2.3.4"])),
        ("score", numbers(&[2.5])),
        ("twoxx", numbers(&[7.0])),
        ("cluster", numbers(&[1.0])),
        ("nxx", numbers(&[0.0])),
    ];
    let header = Dialect::of(&CsvConf::default())
        .header(&batch(columns.clone()).findings)
        .unwrap();
    assert_eq!(header, b"timestamp,key,score,cluster,nxx,twoxx\n");
    assert_eq!(rows(&CsvConf::default(), columns), ["T,1.2.3.4,2.5,1,0,7"]);
}

#[test]
fn only_what_needs_quotes_is_quoted() {
    let keys = text(&["a,b", "say \"x\"", "two\nlines", "it's", "", "ü;"]);
    let bytes = Dialect::of(&CsvConf::default()).rows(
        &batch(vec![("k", keys), ("s", numbers(&[1.0; 6]))]),
        "2016-10-14 13:01:39",
    );
    let expected = "2016-10-14 13:01:39,\"a,b\",1\n\
                    2016-10-14 13:01:39,\"say \"\"x\"\"\",1\n\
                    2016-10-14 13:01:39,\"two\nlines\",1\n\
                    2016-10-14 13:01:39,it's,1\n\
                    2016-10-14 13:01:39,,1\n\
                    2016-10-14 13:01:39,ü;,1\n";
    assert_eq!(String::from_utf8(bytes.unwrap()).unwrap(), expected);
}

#[test]
fn separator_and_quote_are_the_confs() {
    let conf = CsvConf {
        separator: ';',
        quote_char: '\'',
        ..CsvConf::default()
    };
    let columns = vec![("k", text(&["a;b", "a,\"b"])), ("s", numbers(&[1.0, 2.0]))];
    assert_eq!(rows(&conf, columns), ["T;'a;b';1", "T;a,\"b;2"]);
}

#[test]
fn null_is_nothing_whatever_the_type() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![None::<Vec<Option<i64>>>]);
    let columns: [ArrayRef; 4] = [
        Arc::new(Int64Array::from(vec![None])),
        Arc::new(Float64Array::from(vec![None])),
        Arc::new(StringArray::from(vec![None::<&str>])),
        Arc::new(list),
    ];
    for column in columns {
        assert_eq!(shown(column), [""]);
    }
}

#[test]
fn scalars_are_shown_plainly() {
    let dictionary: DictionaryArray<Int32Type> = ["GET", "PUT"].into_iter().collect();
    assert_eq!(shown(Arc::new(dictionary)), ["GET", "PUT"]);
    assert_eq!(
        shown(Arc::new(StringViewArray::from(vec!["a", "b"]))),
        ["a", "b"]
    );
    assert_eq!(
        shown(Arc::new(BooleanArray::from(vec![true, false]))),
        ["true", "false"]
    );
    assert_eq!(
        shown(Arc::new(Float32Array::from(vec![0.1, 2.0]))),
        ["0.1", "2"]
    );
}

#[test]
fn times_are_iso_8601() {
    let times = TimestampMicrosecondArray::from(vec![1_476_450_099_000_000, 1_476_450_099_500_000]);
    let zoned = times.clone().with_timezone("UTC");
    assert_eq!(
        shown(Arc::new(times)),
        ["2016-10-14T13:01:39", "2016-10-14T13:01:39.500"]
    );
    assert_eq!(
        shown(Arc::new(zoned)),
        ["2016-10-14T13:01:39Z", "2016-10-14T13:01:39.500Z"]
    );
}

#[test]
fn lists_and_structures_are_json() {
    let list = ListArray::from_iter_primitive::<UInt32Type, _, _>(vec![Some(vec![Some(1), None])]);
    assert_eq!(shown(Arc::new(list)), ["\"[1,null]\""]);
    let field = Arc::new(Field::new("path", DataType::Utf8, true));
    let structure = StructArray::from(vec![(field, text(&["/a\"b"]))]);
    assert_eq!(shown(Arc::new(structure)), [r#""{""path"":""/a\""b""}""#]);
}

#[test]
fn a_formula_is_left_alone_unless_spreadsheets_are_to_be_safe() {
    let keys = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-a",
        "@x",
        "\ty",
        "plain",
        "a=b",
        "",
    ];
    let columns = || {
        let scores = numbers(&[-1.0; 8]);
        vec![("k", text(&keys)), ("s", scores), ("m", text(&keys))]
    };
    let plain = rows(&CsvConf::default(), columns());
    assert_eq!(plain[0], "T,=cmd|' /C calc'!A0,-1,=cmd|' /C calc'!A0");
    let conf = CsvConf {
        spreadsheet_safe: true,
        ..CsvConf::default()
    };
    let safe = rows(&conf, columns());
    assert_eq!(safe[0], "T,'=cmd|' /C calc'!A0,-1,'=cmd|' /C calc'!A0");
    for (row, key) in safe[1..5].iter().zip(&keys[1..5]) {
        assert_eq!(*row, format!("T,'{key},-1,'{key}"));
    }
    assert_eq!(safe[5..], ["T,plain,-1,plain", "T,a=b,-1,a=b", "T,,-1,"]);
}
