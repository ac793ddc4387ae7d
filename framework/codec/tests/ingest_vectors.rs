//! The lines that Apache Spot's ingest was run on, and what came of them: `ingest_*` of
//! `../shared/spec/spot-ml-vectors.json`. Where Spot failed or kept quotes, its mends IN-4, IN-10 and IN-11
//! say what is right. Those of DNS are in `dns/tests.rs`, as messages.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read shall stop the test"
)]

use arrow::array::{Array, ArrayRef, BinaryViewArray};
use arrow::datatypes::{DataType, Field};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datashark_codec::{Decoded, Format, registry};
use datashark_sdk::conf::Section;
use datashark_sdk::input::{Directives, Header, Payloads};
use serde_json::Value;

/// The order of Blue Coat's main format, which a log without a `#Fields` line has.
const BLUECOAT: &str = "date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result \
    cs-categories cs(Referer) sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port \
    cs-uri-path cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id \
    x-bluecoat-application-name x-bluecoat-application-operation";

/// Which of them each column of Spot's table `proxy` is, in the table's order.
const PROXY: [usize; 27] = [
    0, 1, 3, 15, 12, 20, 13, 2, 4, 5, 6, 7, 8, 9, 10, 11, 14, 16, 17, 18, 19, 21, 22, 23, 24, 25,
    26,
];

/// The columns of Spot's own `nfdump`.
const FLOW: &str = "treceived, tryear, trmonth, trday, trhour, trminute, trsec, tdur, sip, dip, sport, dport, proto, \
    flag, fwd, stos, ipkt, ibyt, opkt, obyt, input, output, sas, das, dtos, dir, rip";

fn vectors(name: &str) -> Vec<Value> {
    let Some(text) = datashark_test_data::spot_vectors() else {
        return Vec::new();
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let vectors = all[name].as_array().unwrap();
    assert!(!vectors.is_empty());
    vectors.clone()
}

fn decode(format: &dyn Format, fields: &[Field], line: &str) -> Decoded {
    let records = BinaryViewArray::from_iter_values([line.as_bytes()]);
    let payloads = Payloads {
        records,
        // Not the first line of a file, which might be its header.
        offsets: vec![1].into(),
        header: Some(Header::Directives(Directives::new(b'#'))),
        first_line: None,
        beside: None,
    };
    format.decoder(fields).unwrap().decode(&payloads)
}

/// The values of the row as text, `-` for null.
fn values(decoded: &Decoded) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    let value = |column: &ArrayRef| {
        let formatter = ArrayFormatter::try_new(column, &options);
        formatter.unwrap().value(0).to_string()
    };
    decoded.rows.columns().iter().map(value).collect()
}

/// A value of a vector as text.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn a_proxys_line_has_the_fields_of_spots_table() {
    let names: Vec<&str> = BLUECOAT.split_whitespace().collect();
    let format = registry::format(
        "w3c",
        &Section::from_iter([("fields", BLUECOAT)]),
        &registry::no_files,
    )
    .unwrap();
    let field = |idx: usize| match names[idx] {
        name @ ("time-taken" | "sc-bytes" | "cs-bytes") => Field::new(name, DataType::Int64, true),
        name => Field::new(name, DataType::Utf8View, true),
    };
    let fields: Vec<Field> = PROXY.iter().map(|idx| field(*idx)).collect();
    let both = [
        vectors("ingest_proxy_bluecoat"),
        vectors("ingest_proxy_stream"),
    ]
    .concat();
    for vector in both {
        let (id, line) = (text(&vector["id"]), text(&vector["input"]["line"]));
        let decoded = decode(format.as_ref(), &fields, &line);
        match (&vector["expected"], id.as_str()) {
            (Value::Array(expected), _) if !expected.is_empty() => {
                // IN-10: texts are stored without their quotes.
                let plain = |value: &Value| text(value).trim_matches('"').to_owned();
                let expected: Vec<String> = expected[..27].iter().map(plain).collect();
                assert_eq!(values(&decoded), expected, "{id}");
            }
            (Value::String(skipped), _) if skipped == "skipped" => {
                assert_eq!(
                    (decoded.rows.num_rows(), decoded.invalid.len()),
                    (0, 0),
                    "{id}"
                );
            }
            // IN-11: a dash is a missing number.
            (_, "ingest_proxy_bluecoat-05") => assert!(decoded.rows.column(7).is_null(0)),
            // IN-4: a bad line is kept with the reason, and the others go on.
            _ => assert_eq!(decoded.invalid.len(), 1, "{id}"),
        }
    }
}

#[test]
fn a_line_of_spots_nfdump_has_the_fields_of_its_table() {
    let options = Section::from_iter([("columns", FLOW), ("header", "false")]);
    let format = registry::format("csv", &options, &registry::no_files).unwrap();
    let field = |name: &str| {
        let data_type = match name {
            "treceived" | "sip" | "dip" | "proto" | "flag" | "rip" => DataType::Utf8View,
            "tdur" => DataType::Float64,
            _ => DataType::Int64,
        };
        Field::new(name, data_type, true)
    };
    let fields: Vec<Field> = FLOW.split(", ").map(field).collect();
    for vector in vectors("ingest_flow_stream") {
        let (id, line) = (text(&vector["id"]), text(&vector["input"]["line"]));
        let decoded = decode(format.as_ref(), &fields, &line);
        match &vector["expected"] {
            Value::Array(expected) => {
                // The second is the first as seconds since 1970; the last four are the partition.
                let table = expected[..1].iter().chain(&expected[2..28]);
                let expected: Vec<String> = table.map(text).collect();
                assert_eq!(values(&decoded), expected, "{id}");
            }
            _ => assert_eq!(decoded.invalid.len(), 1, "{id}"),
        }
    }
}
