//! Whole messages, as they go over the wire.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use datashark_sdk::{Findings, Window};

use super::*;

const TIME: i64 = 1_476_450_099_000_000;

fn batch(columns: Vec<(&str, ArrayRef)>) -> FindingsBatch {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    );
    let findings = Findings::try_from_rows(&rows.unwrap()).unwrap();
    let window = Window {
        start: 0,
        end: TIME,
    };
    let ids = (0..findings.len()).map(|n| format!("{n:032x}")).collect();
    FindingsBatch {
        use_case: "x".into(),
        window,
        time: TIME,
        findings,
        ids,
    }
}

fn keys(keys: &[&str]) -> FindingsBatch {
    let scores = Float64Array::from_iter_values(keys.iter().map(|key| key.len() as f64));
    batch(vec![
        ("k", Arc::new(StringArray::from_iter_values(keys))),
        ("s", Arc::new(scores)),
    ])
}

fn conf(format: Format, body: Body) -> SyslogConf {
    SyslogConf {
        format,
        body,
        title: "Web".into(),
        ..SyslogConf::default()
    }
}

/// The bytes of a batch, all in one chunk.
fn sent(conf: &SyslogConf, batch: &FindingsBatch, framing: Option<Framing>) -> String {
    let mut chunk = Chunk::default();
    let mut encoder = Encoder::new(conf, "sensor");
    let next = encoder.fill(batch, 0, framing, &mut chunk).unwrap();
    assert_eq!(next, batch.findings.len());
    String::from_utf8(chunk.bytes).unwrap()
}

#[test]
fn a_json_message_of_rfc_5424_has_the_id_and_the_document() {
    let batch = batch(vec![
        ("k", Arc::new(StringArray::from(vec!["é\n\u{7f}"]))),
        ("s", Arc::new(Int64Array::from(vec![7]))),
        ("n", Arc::new(Int64Array::from(vec![40]))),
    ]);
    assert_eq!(
        sent(&conf(Format::Rfc5424, Body::Json), &batch, None),
        concat!(
            "<110>1 2016-10-14T13:01:39Z sensor datashark - finding ",
            r#"[datashark@32473 id="00000000000000000000000000000000"] "#,
            r#"{"title":"Web","timestamp":"2016-10-14T13:01:39Z","#,
            r#""source_ip":"é\n\u007f","anomaly_score":7.0,"n":40}"#
        )
    );
}

#[test]
fn parameters_have_the_members_of_the_document() {
    let lists =
        ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let batch = batch(vec![
        ("k", Arc::new(StringArray::from(vec![r#"a]"\"#, "b"]))),
        ("s", Arc::new(Float64Array::from(vec![0.5, f64::NAN]))),
        ("id", Arc::new(Int64Array::from(vec![Some(-3), None]))),
        (
            "last seen",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC")),
        ),
        ("codes", Arc::new(lists)),
    ]);
    let conf = conf(Format::Rfc5424, Body::Structured);
    let expected = concat!(
        "<110>1 2016-10-14T13:01:39Z sensor datashark - finding ",
        r#"[datashark@32473 id="00000000000000000000000000000000" title="Web" "#,
        r#"timestamp="2016-10-14T13:01:39Z" source_ip="a\]\"\\" anomaly_score="0.5" "#,
        r#"metadata_id="-3" last_seen="1970-01-01T00:00:00Z" codes="[1,null\]"] Web"#,
        "\n<110>1 2016-10-14T13:01:39Z sensor datashark - finding ",
        r#"[datashark@32473 id="00000000000000000000000000000001" title="Web" "#,
        r#"timestamp="2016-10-14T13:01:39Z" source_ip="b" last_seen="1970-01-01T00:00:00.000001Z"] Web"#,
        "\n"
    );
    assert_eq!(sent(&conf, &batch, Some(Framing::Newline)), expected);
}

#[test]
fn octet_counts_are_of_bytes() {
    let conf = conf(Format::Rfc3164, Body::Json);
    let framed = sent(&conf, &keys(&["é", "日本"]), Some(Framing::Octet));
    let mut rest = framed.as_str();
    for key in ["é", "日本"] {
        let (count, message) = rest.split_once(' ').unwrap();
        let (message, next) = message.split_at(count.parse().unwrap());
        assert!(message.starts_with("<110>Oct 14 "), "{message}");
        let (_, json) = message.split_once(" sensor datashark: ").unwrap();
        let document: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(document["source_ip"], key);
        rest = next;
    }
    assert_eq!(rest, "");
}

#[test]
fn a_message_is_whole_or_too_long() {
    let batch = keys(&["a", &"b".repeat(1000), "c"]);
    let whole = sent(&conf(Format::Rfc3164, Body::Json), &keys(&["a"]), None).len();
    let conf = SyslogConf {
        max_size: Some(whole as u64),
        ..conf(Format::Rfc3164, Body::Json)
    };
    let mut chunk = Chunk::default();
    let mut encoder = Encoder::new(&conf, "sensor");
    encoder
        .fill(&batch, 0, Some(Framing::Newline), &mut chunk)
        .unwrap();
    let n_bytes = match &chunk.messages[..] {
        [
            Encoded::At(first),
            Encoded::TooLong(n_bytes),
            Encoded::At(last),
        ] => {
            assert_eq!((first, last), (&(0..whole), &(whole + 1..2 * whole + 1)));
            *n_bytes
        }
        messages => panic!("{messages:?}"),
    };
    // The key, and its score that has three digits more.
    assert_eq!(n_bytes, whole + 999 + 3);
}

#[test]
fn findings_come_in_chunks_none_twice() {
    let names: Vec<String> = (0..20_000).map(|n| format!("key-{n}")).collect();
    let batch = keys(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut encoder = Encoder::new(&conf(Format::Rfc5424, Body::Json), "sensor");
    let (mut chunk, mut row, mut found) = (Chunk::default(), 0, Vec::new());
    while row < batch.findings.len() {
        let next = encoder
            .fill(&batch, row, Some(Framing::Newline), &mut chunk)
            .unwrap();
        assert_eq!(next - row, chunk.messages.len());
        let text = std::str::from_utf8(&chunk.bytes).unwrap();
        let key = |line: &str| {
            line.split_once("\"source_ip\":\"")
                .unwrap()
                .1
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        found.extend(text.lines().map(key));
        row = next;
    }
    assert_eq!(found, names);
}
