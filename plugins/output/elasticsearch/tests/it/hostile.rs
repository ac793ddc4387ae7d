//! Values that an attacker chose name no path, index or id.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};

use crate::double::Double;
use crate::findings::{TIME, batch_of, deliver, key, open, try_open};

/// Keys that would be a path, a line, an action or a value too long, were they taken for one.
pub(crate) fn keys() -> Vec<String> {
    vec![
        "../../_all".into(),
        "%2e%2e%2f_cluster".into(),
        "a\0b".into(),
        "line\n{\"delete\":{\"_index\":\"x\",\"_id\":\"y\"}}\n".into(),
        "\r\nAuthorization: x".into(),
        "\"}}".into(),
        "{date}".into(),
        "\u{2028}\u{feff}\u{202e}".into(),
        "2016-10-14".into(),
        String::new(),
        "x".repeat(1 << 20),
        "é".repeat(1 << 19),
    ]
}

#[tokio::test]
async fn hostile_keys_are_values_and_nothing_else() {
    let double = Double::start([]).await;
    let keys = keys();
    let scores = Float64Array::from_iter_values((0..).take(keys.len()).map(f64::from));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(StringArray::from_iter_values(&keys))),
        ("score", Arc::new(scores)),
        ("path", Arc::new(StringArray::from_iter_values(&keys))),
    ];
    let findings = batch_of(TIME, columns);
    let mut output = open(
        &[("hosts", &double.url), ("index_name", "web-{date}")],
        &findings,
    )
    .await;
    let delivered = deliver(&mut output, std::slice::from_ref(&findings)).await;
    assert_eq!(delivered.n_safe, keys.len());
    let documents = double.documents();
    for (row, id) in findings.ids.iter().enumerate() {
        let document = &documents[&("web-2016-10-14".to_owned(), id.clone())];
        assert_eq!(document["source_ip"], key(&findings, row));
        assert_eq!(document["path"], key(&findings, row));
    }
    assert_eq!(documents.len(), keys.len());
    let mut paths: Vec<_> = double
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "/_index_template/datashark-web-date",
            "/web-2016-10-14/_bulk?filter_path=items.*.status,items.*.error"
        ]
    );
}

#[tokio::test]
async fn names_of_the_conf_are_escaped() {
    let double = Double::start([]).await;
    let findings = crate::findings::many(TIME, 1);
    let names = [
        ("pkey", "a\"b\\c"),
        ("score", "s{}"),
        ("title", "\"},\n"),
        ("index_name", "a%2e&b=ü"),
    ];
    let entries = [&[("hosts", double.url.as_str())][..], &names].concat();
    let mut output = open(&entries, &findings).await;
    assert_eq!(deliver(&mut output, &[findings]).await.n_safe, 1);
    let requests = double.requests();
    let path = requests
        .last()
        .unwrap()
        .path
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(path, "/a%252e%26b%3D%C3%BC/_bulk");
    let documents = double.documents();
    let document = documents.values().next().unwrap();
    assert_eq!(
        (&document["a\"b\\c"], &document["title"]),
        (&"192.0.2.0".into(), &"\"},\n".into())
    );
}

#[tokio::test]
async fn a_conf_that_names_a_path_is_refused() {
    let findings = crate::findings::many(TIME, 1);
    for index in ["../x", "a/b", "a\0", "_all", "a\nb"] {
        let refused = try_open(&[("index_name", index)], &findings).await;
        assert!(
            refused
                .err()
                .unwrap()
                .to_string()
                .starts_with("index_name: "),
            "{index}"
        );
    }
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_refused_at_the_opening() {
    let findings = crate::findings::many(TIME, 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, text, expected) in [
        (
            "/nowhere/ca.pem",
            "",
            "ca_file: cannot read `/nowhere/ca.pem`: No such file".to_owned(),
        ),
        (
            path,
            "",
            format!("ca_file: expected certificates in PEM, found none in `{path}`"),
        ),
        (
            path,
            broken,
            format!("ca_file: `{path}` has a certificate that is none: "),
        ),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let entries = [("hosts", "https://127.0.0.1:1"), ("ca_file", path)];
        let message = try_open(&entries, &findings)
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(message.starts_with(&expected), "{message}");
    }
}
