//! What the conf's keys become to librdkafka, and which options are refused.

use super::*;

fn with(options: &[(&str, &str)]) -> Connection {
    let secret = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new(*value));
    Connection {
        options: options.iter().map(secret).collect(),
        ..Connection::default()
    }
}

fn said(connection: &Connection) -> Vec<String> {
    let problems = connection.problems(&[("enable.auto.commit", "false")]);
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn brokers_are_named_by_host_and_port_or_as_a_list() {
    assert_eq!(Connection::default().servers(), "127.0.0.1:9092");
    let one = Connection {
        host: Some("k".into()),
        port: Some(1),
        ..Connection::default()
    };
    assert_eq!(one.servers(), "k:1");
    let list = Connection {
        bootstrap_servers: Some(vec!["a:1".into(), "b:2".into()]),
        ..Connection::default()
    };
    assert_eq!(list.servers(), "a:1,b:2");
    assert!(said(&list).is_empty() && said(&one).is_empty());
}

#[test]
fn every_mistake_is_found_at_once() {
    let wrong = Connection {
        bootstrap_servers: Some(vec!["a:1".into(), "b".into()]),
        host: Some("c".into()),
        ca_file: Some("/none.pem".into()),
        verify: Some(false),
        user: Some("u".into()),
        ..with(&[
            ("fetch.wait.max.ms", "soon"),
            ("enable.auto.commit", "true"),
            ("no.such", "x"),
        ])
    };
    let said = said(&wrong);
    let expected = [
        "host: `bootstrap_servers` names the brokers already",
        "bootstrap_servers: expected `host:port`, found `b`",
        "ca_file: only `tls = true` looks at it: nothing would be encrypted",
        "verify: only `tls = true` looks at it: nothing would be encrypted",
        "user: nobody logs in without `sasl`",
        "options.enable.auto.commit: `enable.auto.commit` has to be `false` here",
        "options.fetch.wait.max.ms: librdkafka does not take `fetch.wait.max.ms`: ",
        "options.no.such: librdkafka does not take `no.such`: No such configuration property",
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_login_needs_a_user_and_a_password() {
    let sasl = Some(Sasl::ScramSha512);
    let nobody = Connection {
        sasl,
        ..Connection::default()
    };
    assert_eq!(
        said(&nobody),
        ["sasl: missing key `user`", "sasl: missing key `password`"]
    );
    let twice = Connection {
        sasl,
        user: Some("u".into()),
        password: Some(Secret::new("p")),
        password_file: Some("/none".into()),
        ..Connection::default()
    };
    assert_eq!(said(&twice), ["password_file: `password` is given already"]);
}

#[test]
fn a_client_has_the_options_but_for_what_the_plugin_relies_on() {
    let own = [("enable.auto.commit", "false")];
    let connection = Connection {
        tls: true,
        sasl: Some(Sasl::Plain),
        user: Some("u".into()),
        password: Some(Secret::new("p")),
        ..with(&[("client.id", "mine"), ("enable.auto.commit", "true")])
    };
    let client = connection.client(&own).unwrap();
    for (name, value) in [
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "u"),
        ("sasl.password", "p"),
        ("ssl.ca.location", "probe"),
        ("client.id", "mine"),
        ("enable.auto.commit", "false"),
    ] {
        assert_eq!(client.get(name), Some(value), "{name}");
    }
}

#[test]
fn a_password_is_read_from_its_file() {
    let missing = Connection {
        password_file: Some("/no/such/file".into()),
        ..Connection::default()
    };
    let error = missing.client(&[]).unwrap_err().to_string();
    assert!(
        error.starts_with("`password_file = /no/such/file`: "),
        "{error}"
    );
}
