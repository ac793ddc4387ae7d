//! Domains of the public suffix list's own cases, and of hosts that are none.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::testing;

fn of(host: &str) -> Option<String> {
    Finder::default().find(host).map(str::to_owned)
}

#[test]
fn the_suffix_and_one_label_more_in_lower_case() {
    for (host, domain) in [
        ("example.com", "example.com"),
        ("www.example.co.uk", "example.co.uk"),
        ("WWW.Example.CO.UK", "example.co.uk"),
        ("a.b.example.com.", "example.com"),
        ("alice.github.io", "alice.github.io"),
        ("_dmarc.example.com", "example.com"),
        ("pc1.office.corp", "office.corp"),
        ("www.食狮.中国", "食狮.中国"),
        ("WWW.GRÜN.example", "grün.example"),
        ("www.xn--85x722f.xn--fiqs8s", "xn--85x722f.xn--fiqs8s"),
    ] {
        assert_eq!(of(host).as_deref(), Some(domain), "{host}");
    }
}

#[test]
fn what_nobody_can_have_registered_is_null() {
    for host in [
        "",
        ".",
        "com",
        "co.uk",
        "github.io",
        "localhost",
        "-",
        "192.0.2.1",
        "192.0.2.300",
        "2001:db8::1",
        "[2001:db8::1]",
        "example.com:443",
        "http://example.com",
        "/a",
        ".example.com",
        "example..com",
        "example.com..",
        "*.example.com",
        "a b.example.com",
    ] {
        assert_eq!(of(host), None, "{host:?}");
    }
}

#[test]
fn a_column_of_any_kind_gives_the_same_and_keeps_its_blocks() {
    let hosts = [
        Some("www.a-rather-long-name.example"),
        None,
        Some("WWW.A-Rather-Long-Name.Example"),
        Some("x.example"),
        Some("192.0.2.1"),
        Some("www.ein-längerer-name.example"),
        Some("mail.another-long-name.example."),
    ];
    let domains = [
        Some("a-rather-long-name.example"),
        None,
        Some("a-rather-long-name.example"),
        Some("x.example"),
        None,
        Some("ein-längerer-name.example"),
        Some("another-long-name.example"),
    ];
    let found = testing::texts("registered_domain", &hosts, &[]);
    assert_eq!(found, domains.map(|domain| domain.map(str::to_owned)));

    let views = &testing::columns(&[hosts[0]])[2];
    let found = testing::column("registered_domain", views, &[]);
    let (views, found) = (views.to_data(), found.to_data());
    assert_eq!(
        views.buffers()[1].as_ptr(),
        found.buffers()[1].as_ptr(),
        "nothing was copied"
    );
}

/// The list's own test vectors: `checkPublicSuffix('b.example.com', 'example.com');`.
#[test]
fn the_lists_own_test_vectors_hold() {
    let Some(path) = datashark_test_data::shared_data("names/psl_test_psl.txt") else {
        return;
    };
    let vectors = fs::read_to_string(path).unwrap();
    let quoted = |text: &str| {
        text.trim()
            .strip_prefix('\'')
            .map(|text| text.replace('\'', ""))
    };
    let mut n_vectors = 0;
    for line in vectors.lines() {
        let Some(vector) = line.strip_prefix("checkPublicSuffix(") else {
            continue;
        };
        let (host, domain) = vector.trim_end_matches(");").split_once(',').unwrap();
        if let Some(host) = quoted(host) {
            assert_eq!(of(&host), quoted(domain), "{line}");
            n_vectors += 1;
        }
    }
    assert!(n_vectors > 70, "only {n_vectors} vectors were found");
}

proptest! {
    #[test]
    fn any_text_gives_null_or_a_lower_case_end_of_it_that_is_its_own_registered_domain(
        host in prop_oneof![".*", "([a-zA-Z0-9üß_-]{1,8}\\.){0,4}(com|co\\.uk|jp|ck|GitHub\\.io)\\.?"],
    ) {
        if let Some(domain) = of(&host) {
            let lower: String = host.chars().flat_map(char::to_lowercase).collect();
            let lower = lower.strip_suffix('.').unwrap_or(&lower);
            let below = format!(".{}", domain);
            prop_assert!(lower == domain || lower.ends_with(&below));
            prop_assert_eq!(of(&domain), Some(domain.clone()));
            prop_assert!(domain.contains('.'));
        }
    }

    #[test]
    fn a_column_gives_what_each_of_its_texts_gives(
        hosts in proptest::collection::vec(proptest::option::of("([a-zA-ü0-9]{1,9}\\.){0,3}(com|org)\\.?"), 0..20),
    ) {
        let hosts: Vec<Option<&str>> = hosts.iter().map(Option::as_deref).collect();
        let expected: Vec<_> = hosts.iter().map(|host| host.and_then(of)).collect();
        prop_assert_eq!(testing::texts("registered_domain", &hosts, &[]), expected);
    }
}
