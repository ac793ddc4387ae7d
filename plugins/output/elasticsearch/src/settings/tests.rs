//! What a section `[out_elasticsearch]` may say, and what each mistake in it is told.

use datashark_sdk::conf::Section;
use datashark_sdk::output::{Output, OutputEntry};

use super::*;
use crate::Elasticsearch;

fn section(entries: &[(&str, &str)]) -> Section {
    let mut section = Section::new();
    let mut options = Section::new();
    for (key, value) in entries {
        match key.starts_with("es.") {
            true => options.insert(*key, *value),
            false => section.insert(*key, *value),
        };
    }
    if !options.is_empty() {
        section.insert("options", options);
    }
    section
}

fn conf(entries: &[(&str, &str)]) -> ElasticsearchConf {
    section(entries).parse().unwrap()
}

/// What is wrong with a conf; warnings have `(…)` around them.
fn problems(entries: &[(&str, &str)]) -> Vec<String> {
    let problems = match section(entries).parse::<ElasticsearchConf>() {
        Ok(conf) => conf.settings().1,
        Err(problems) => problems,
    };
    let shown = problems.iter().map(|problem| match problem.warning {
        true => format!("({problem})"),
        false => problem.to_string(),
    });
    shown.collect()
}

fn hosts(entries: &[(&str, &str)]) -> Vec<String> {
    let (settings, problems) = conf(entries).settings();
    assert!(!problems.has_errors(), "{problems}");
    settings.hosts.iter().map(ToString::to_string).collect()
}

#[test]
fn an_empty_section_is_the_one_of_datashark_1_2() {
    assert_eq!(problems(&[]), [] as [&str; 0]);
    let (settings, _) = conf(&[]).settings();
    assert_eq!(settings.hosts[0].as_str(), "http://127.0.0.1:9200/");
    assert_eq!(settings.index.on(0), "usecase");
    assert_eq!(settings.names, DocumentNames::default());
    assert_eq!(
        (settings.bulk_size, settings.timeout.as_secs()),
        (5_000_000, 60)
    );
    assert!(settings.template && settings.verify && !settings.compress);
    let gather = Elasticsearch::gather(&conf(&[]));
    assert_eq!((gather.max_findings, gather.max_age.as_secs()), (20_000, 1));
}

#[test]
fn a_section_of_datashark_1_2_is_right_and_its_type_is_warned_about() {
    let found = problems(&[
        ("host", "192.0.2.1"),
        ("port", "9200"),
        ("index_name", "web"),
        ("doc_type", "spark-driver"),
        ("pkey", "source_ip"),
        ("score", "anomaly_score"),
        ("title", "Web"),
        ("debug", "false"),
    ]);
    assert_eq!(
        found,
        ["(doc_type: types went away with Elasticsearch 8: `doc_type` is not sent)"]
    );
    let problems = OutputEntry::of::<Elasticsearch>().check(&section(&[("doc_type", "x")]));
    assert!(!problems.has_errors() && problems.iter().count() == 1);
}

#[test]
fn servers_are_named_in_three_ways() {
    assert_eq!(
        hosts(&[("host", "es.example.com"), ("port", "9201")]),
        ["http://es.example.com:9201/"]
    );
    assert_eq!(hosts(&[("host", "::1")]), ["http://[::1]:9200/"]);
    assert_eq!(
        hosts(&[("hosts", "https://a:9201, https://b.example.com/es")]),
        ["https://a:9201/", "https://b.example.com:9200/es"]
    );
    assert_eq!(
        hosts(&[
            ("es.nodes", "a,b:9201"),
            ("es.port", "9202"),
            ("es.net.ssl", "true")
        ]),
        ["https://a:9202/", "https://b:9201/"]
    );
    assert_eq!(
        hosts(&[("es.nodes", "a"), ("es.nodes.path.prefix", "/es/")]),
        ["http://a:9200/es"]
    );
}

#[test]
fn what_is_said_twice_is_a_mistake() {
    for (entries, expected) in [
        (
            vec![("host", "a"), ("hosts", "a")],
            "hosts: `hosts` says what `host` and `port` say: leave those out",
        ),
        (
            vec![("port", "1"), ("hosts", "a")],
            "hosts: `hosts` says what `host` and `port` say: leave those out",
        ),
        (
            vec![("host", "a"), ("es.nodes", "a")],
            "options.es.nodes: `host` says the same: leave `es.nodes` out",
        ),
        (
            vec![("index_name", "a"), ("es.resource", "a/b")],
            "options.es.resource: `index_name` says the same: leave `es.resource` out",
        ),
        (
            vec![("user", "u"), ("password", "p"), ("password_file", "/p")],
            "password_file: `password` says it already: leave one of them out",
        ),
        (
            vec![("user", "u"), ("password", "p"), ("api_key", "k")],
            "api_key: an API key takes the place of user and password: leave one of them out",
        ),
    ] {
        assert_eq!(problems(&entries), [expected]);
    }
}

#[test]
fn every_mistake_is_found_at_once() {
    let found = problems(&[
        ("host", "https://a:9200"),
        ("user", "shark"),
        ("index_name", "Web"),
        ("pkey", "_id"),
        ("score", "timestamp"),
        ("bulk_size", "0"),
        ("es.port", "x"),
    ]);
    assert_eq!(
        found,
        [
            "options.es.port: expected a port, found `x`",
            "host: expected a server's name or address, found `https://a:9200`: write `hosts = https://a:9200`",
            "user: `user` needs `password` or `password_file`",
            "bulk_size: expected a size above 0, found `0`",
            "index_name: an index's name is in lower case: `web`",
            "pkey: expected a member's name, not beginning with `_`, no part of it empty, found `_id`",
            "score: every document has a member `timestamp` of its own: expected another name",
        ]
    );
    assert_eq!(
        problems(&[("hostz", "a")]),
        ["hostz: unknown key `hostz`, did you mean `host`?"]
    );
    assert_eq!(
        problems(&[("pkey", "x"), ("score", "x")]),
        ["score: expected another name than that of `pkey`"]
    );
    assert_eq!(
        problems(&[("password", "x")]),
        ["password: a password needs `user`"]
    );
    assert_eq!(
        problems(&[("user", "a:b"), ("password", "x")]),
        ["user: a user's name cannot hold `:` (RFC 7617)"]
    );
    assert_eq!(
        problems(&[("es.nodes", ",")]),
        ["options.es.nodes: expected an address, found nothing"]
    );
}

#[test]
fn what_is_unsafe_is_warned_about() {
    let login = [("user", "u"), ("password", "p")];
    let with = |entries: &[(&'static str, &'static str)]| [&login[..], entries].concat();
    assert_eq!(problems(&with(&[])), [] as [&str; 0]);
    assert_eq!(problems(&with(&[("hosts", "https://a")])), [] as [&str; 0]);
    assert_eq!(
        problems(&with(&[("hosts", "a")])),
        ["(user: the login crosses the network unencrypted)"]
    );
    assert_eq!(
        problems(&[("hosts", "https://a"), ("verify", "false")]),
        ["(verify: whoever answers is taken for the server)"]
    );
    assert_eq!(
        problems(&[("ca_file", "/ca.pem")]),
        ["(ca_file: no server is reached by TLS: `ca_file` is not used)"]
    );
}

#[test]
fn a_password_is_not_shown() {
    let conf = conf(&[("user", "u"), ("es.net.http.auth.pass", "hunter2")]);
    let (settings, _) = conf.settings();
    assert!(!format!("{conf:?}{settings:?}").contains("hunter2"));
    assert!(settings.login.header().unwrap().is_some());
}
