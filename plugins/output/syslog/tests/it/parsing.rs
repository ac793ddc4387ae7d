//! Both servers parse every format over every transport as it was meant, hostile values and all.

use std::collections::BTreeMap;

use datashark_test_outputs::deliver;
use serde_json::json;

use crate::findings::{HOSTILE, batch, open};
use crate::received::Received;
use crate::server::{BOTH, Kind, Server};

/// What a section says besides the place.
const RFC_5424: [(&str, &str); 2] = [("format", "rfc5424"), ("hostname", "sensor.example.com")];
const STRUCTURED: [(&str, &str); 3] = [
    ("format", "rfc5424"),
    ("body", "structured"),
    ("hostname", "sensor.example.com"),
];
const RFC_3164: [(&str, &str); 1] = [("hostname", "sensor.example.com")];

/// Sends the hostile keys and gives what was received when the server has stopped: no message more.
async fn send_hostile(
    kind: Kind,
    place: &[(&str, &str)],
    message: &[(&str, &str)],
) -> Option<Vec<Received>> {
    let mut server = Server::start(kind)?;
    let place: Vec<(&str, &str)> = place
        .iter()
        .map(|(key, value)| match value.strip_prefix('@') {
            Some(value) => (*key, server.value(value)),
            None => (*key, *value),
        })
        .collect();
    let mut output = open(&[&place[..], message].concat()).await;
    let delivered = deliver(output.as_mut(), batch(&HOSTILE)).await;
    assert!(delivered.refused.is_empty(), "{delivered:?}");
    assert!(delivered.again.is_empty(), "{delivered:?}");
    server.received(HOSTILE.len()).await;
    let received = server.stop();
    let complaints = server.complaints().to_lowercase();
    assert!(!complaints.contains("error"), "{complaints}");
    Some(received)
}

const UDP: [(&str, &str); 1] = [("port", "@port")];
const TCP: [(&str, &str); 2] = [("transport", "tcp"), ("port", "@port")];

/// TCP with line ends: rsyslog takes them where it takes counts.
fn newline(kind: Kind) -> [(&'static str, &'static str); 3] {
    let port = match kind {
        Kind::Rsyslog => "@port",
        Kind::SyslogNg => "@newline_port",
    };
    [("transport", "tcp"), ("framing", "newline"), ("port", port)]
}

fn assert_header(message: &Received) {
    assert_eq!(message.priority, "110");
    assert_eq!(message.host, "sensor.example.com");
    assert_eq!(message.program, "datashark");
    assert_eq!(message.process, "");
}

fn assert_documents(received: &[Received]) {
    assert_eq!(received.len(), HOSTILE.len());
    for (place, (message, key)) in received.iter().zip(HOSTILE).enumerate() {
        let document = json!({
            "title": "Use Case Title", "timestamp": "2016-10-14T13:01:39Z",
            "source_ip": key, "anomaly_score": place as f64, "place": place,
        });
        assert_eq!(message.document(), document);
        assert_header(message);
    }
}

fn assert_rfc_5424(received: &[Received]) {
    let ids = batch(&HOSTILE).ids;
    for (message, id) in received.iter().zip(ids.iter()) {
        assert_eq!(message.time, "2016-10-14T13:01:39Z");
        assert_eq!(message.kind, "finding");
        assert_eq!(message.parameters["id"], *id);
        assert!(matches!(message.version.as_deref(), None | Some("1")));
    }
}

/// RFC 3164 has no year and no zone: what is left of the time.
fn assert_rfc_3164(received: &[Received]) {
    for message in received {
        let local = chrono::DateTime::from_timestamp_micros(crate::findings::TIME).unwrap();
        let local = local
            .with_timezone(&chrono::Local)
            .format("-%m-%dT%H:%M:%S");
        assert!(message.time.contains(&local.to_string()), "{message:?}");
        assert!(matches!(message.version.as_deref(), None | Some("0")));
        assert_eq!(message.parameters, BTreeMap::new());
    }
}

#[tokio::test]
async fn rfc_5424_with_json_is_parsed_as_it_was_meant() {
    for kind in BOTH {
        for place in [&UDP[..], &TCP[..], &newline(kind)[..]] {
            let Some(received) = send_hostile(kind, place, &RFC_5424).await else {
                return;
            };
            assert_documents(&received);
            assert_rfc_5424(&received);
        }
    }
}

#[tokio::test]
async fn rfc_3164_with_json_is_parsed_as_it_was_meant() {
    for kind in BOTH {
        for place in [&UDP[..], &TCP[..], &newline(kind)[..]] {
            let Some(received) = send_hostile(kind, place, &RFC_3164).await else {
                return;
            };
            assert_documents(&received);
            assert_rfc_3164(&received);
        }
    }
}

/// What a reader is shown of a text in a parameter: control characters as JSON's escapes.
fn shown(key: &str) -> String {
    let escaped = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    };
    key.chars().map(escaped).collect()
}

#[tokio::test]
async fn structured_data_is_parsed_as_it_was_meant() {
    for kind in BOTH {
        for place in [&TCP[..], &newline(kind)[..]] {
            let Some(received) = send_hostile(kind, place, &STRUCTURED).await else {
                return;
            };
            assert_eq!(received.len(), HOSTILE.len());
            assert_rfc_5424(&received);
            for (place, (message, key)) in received.iter().zip(HOSTILE).enumerate() {
                assert_header(message);
                assert_eq!(message.text, "Use Case Title");
                let mut parameters = message.parameters.clone();
                parameters.remove("id");
                let expected = [
                    ("title", "Use Case Title".to_owned()),
                    ("timestamp", "2016-10-14T13:01:39Z".to_owned()),
                    ("source_ip", shown(key)),
                    ("anomaly_score", format!("{place}.0")),
                    ("place", place.to_string()),
                ];
                let expected = expected.map(|(name, value)| (name.to_owned(), value));
                assert_eq!(parameters, BTreeMap::from(expected));
            }
        }
    }
}

#[tokio::test]
async fn unix_sockets_take_what_syslog_3_writes() {
    let datagrams = [("transport", "unix"), ("path", "@datagrams")];
    let stream = [("transport", "unix"), ("path", "@stream")];
    for (kind, place) in [
        (Kind::Rsyslog, datagrams),
        (Kind::SyslogNg, datagrams),
        (Kind::SyslogNg, stream),
    ] {
        let Some(received) = send_hostile(kind, &place, &[]).await else {
            return;
        };
        assert_eq!(received.len(), HOSTILE.len());
        for (message, key) in received.iter().zip(HOSTILE) {
            assert_eq!(message.document()["source_ip"], key);
            assert_eq!(message.program, "datashark");
            assert_eq!(message.priority, "110");
        }
        assert_rfc_3164(&received);
    }
}
