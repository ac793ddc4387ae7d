//! The parts of urls as logs have them, and what has no such part.

use datafusion_common::ScalarValue;
use datafusion_expr::ColumnarValue;
use proptest::prelude::*;

use super::*;
use crate::testing::{self, literal};

fn of<'a>(url: &'a str, part: &str) -> Option<&'a str> {
    Part::named(part).unwrap().of(url)
}

const NAMES: [&str; 9] = [
    "scheme",
    "user",
    "host",
    "port",
    "path",
    "extension",
    "query",
    "fragment",
    "query:q",
];

/// All parts of a URL in the order of `NAMES`; `-` where there is none.
fn all(url: &str) -> String {
    NAMES.map(|name| of(url, name).unwrap_or("-")).join(" ")
}

#[test]
fn every_part_of_every_form_of_a_url() {
    for (url, parts) in [
        (
            "https://alice:secret@www.example.com:8443/a/b.php?id=7&q=x#top",
            "https alice www.example.com 8443 /a/b.php php id=7&q=x top x",
        ),
        ("http://example.com", "http - example.com - - - - - -"),
        ("HTTP://Example.COM/A", "HTTP - Example.COM - /A - - - -"),
        ("http://example.com?q=1", "http - example.com - - - q=1 - 1"),
        ("http://example.com#top", "http - example.com - - - - top -"),
        (
            "http://[2001:db8::1]:8080/a",
            "http - 2001:db8::1 8080 /a - - - -",
        ),
        ("http://[2001:db8::1]", "http - 2001:db8::1 - - - - - -"),
        ("http://2001:db8::1/a", "http - 2001:db8::1 - /a - - - -"),
        (
            "ftp://192.0.2.1/a.tar.gz",
            "ftp - 192.0.2.1 - /a.tar.gz gz - - -",
        ),
        ("file:///etc/passwd", "file - - - /etc/passwd - - - -"),
        // Of a request.
        ("/", "- - - - / - - - -"),
        ("/a/b.php?q=1&q=2", "- - - - /a/b.php php q=1&q=2 - 1"),
        ("//a/b", "- - - - //a/b - - - -"),
        (
            "/a?url=http://example.com/#q",
            "- - - - /a - url=http://example.com/ q -",
        ),
        ("/a:b@c", "- - - - /a:b@c - - - -"),
        ("*", "- - - - * - - - -"),
        ("www.example.com:443", "- - www.example.com 443 - - - - -"),
        ("192.0.2.1:443", "- - 192.0.2.1 443 - - - - -"),
        ("[2001:db8::1]:443", "- - 2001:db8::1 443 - - - - -"),
        // Without a scheme.
        ("example.com", "- - example.com - - - - - -"),
        ("example.com/a.exe?q", "- - example.com - /a.exe exe q - "),
        ("localhost:8080/a", "- - localhost 8080 /a - - - -"),
        // Other schemes.
        (
            "mailto:alice@example.com",
            "mailto - - - alice@example.com - - - -",
        ),
        (
            "data:text/html,<b>?q=1",
            "data - - - text/html,<b> - q=1 - 1",
        ),
        ("tel:5551234", "tel - - - 5551234 - - - -"),
        ("tcp://example.com:", "tcp - example.com - - - - - -"),
    ] {
        assert_eq!(all(url), parts, "{url}");
    }
}

#[test]
fn what_is_no_url_has_no_parts() {
    for text in [
        "",
        "-",
        "?",
        "#",
        "?a=b",
        "\\x16\\x03\\x01",
        "a b",
        ":",
        "://a",
        "a_b:c",
    ] {
        assert_eq!(all(text), "- - - - - - - - -", "{text:?}");
    }
}

#[test]
fn tricks_with_hosts_give_the_host_that_a_browser_opens() {
    for (url, host) in [
        ("http://example.com@evil.example/", "evil.example"),
        ("http://example.com:80@evil.example:81/", "evil.example"),
        ("http://a@b@evil.example/", "evil.example"),
        ("http://evil.example\\@example.com/", "evil.example"),
        ("http://evil.example?@example.com/", "evil.example"),
        ("http://evil.example#@example.com/", "evil.example"),
        ("http://evil.example:80\\example.com", "evil.example"),
    ] {
        assert_eq!(of(url, "host"), Some(host), "{url}");
        assert_eq!(
            url::Url::parse(url).unwrap().host_str(),
            Some(host),
            "{url}"
        );
    }
}

#[test]
fn a_parameter_is_found_by_its_whole_name_and_given_as_it_stands() {
    let url = "/a?xid=0&id=7%20&id=8&empty=&bare&id2=9&a=b=c";
    for (name, value) in [
        ("id", Some("7%20")),
        ("id2", Some("9")),
        ("empty", Some("")),
        ("bare", Some("")),
        ("a", Some("b=c")),
        ("none", None),
        ("ID", None),
    ] {
        assert_eq!(of(url, &format!("query:{name}")), value, "{name}");
    }
}

#[test]
fn extensions_are_those_of_the_last_name() {
    for (url, extension) in [
        ("/a.b/c", None),
        ("/a/.htaccess", None),
        ("/a/b.", None),
        ("/a/b.JPG", Some("JPG")),
        ("/a/b.jsp;jsessionid=1.2", Some("jsp")),
        ("/a.php/b?x=y.exe", None),
    ] {
        assert_eq!(of(url, "extension"), extension, "{url}");
    }
}

#[test]
fn a_column_of_any_kind_gives_the_same_and_copies_nothing() {
    let urls = [
        Some("http://www.a-rather-long-name.example/a/rather/long/path?q=1"),
        None,
        Some("/a"),
        Some("no url"),
        Some("another-long-name.example:443"),
    ];
    let found = testing::texts("url_part", &urls, &[literal("host")]);
    let hosts = [
        Some("www.a-rather-long-name.example"),
        None,
        None,
        None,
        Some("another-long-name.example"),
    ];
    assert_eq!(found, hosts.map(|host| host.map(str::to_owned)));

    let views = &testing::columns(&[urls[0]])[2];
    let found = testing::column("url_part", views, &[literal("path")]);
    let (views, found) = (views.to_data(), found.to_data());
    assert_eq!(views.buffers()[1].as_ptr(), found.buffers()[1].as_ptr());
}

#[test]
fn a_part_that_no_url_has_is_an_error_of_the_query_with_the_nearest_name() {
    let urls = ColumnarValue::Array(std::sync::Arc::clone(&testing::columns(&[Some("/a")])[0]));
    let parts = ColumnarValue::Array(std::sync::Arc::clone(&testing::columns(&[Some("host")])[0]));
    let null = ColumnarValue::Scalar(ScalarValue::Utf8(None));
    for (part, message) in [
        (
            literal("hots"),
            "a URL has no part `hots`, did you mean `host`?; its parts are scheme, user, host, port, path, extension, query, fragment and query:NAME",
        ),
        (literal("query:"), "a URL has no part `query:`"),
        (literal(""), "a URL has no part ``"),
        (null, "a URL has no part `null`"),
        (parts, "the part has to be a literal text, such as 'host'"),
    ] {
        let error = testing::call("url_part", vec![urls.clone(), part]).unwrap_err();
        let error = error.strip_backtrace();
        assert!(
            error.starts_with("Error during planning: `url_part`: "),
            "{error}"
        );
        assert!(error.contains(message), "{error}");
    }
}

/// `scheme://[user@]host[:port][/path][?query][#fragment]`, in the form that the URL Standard leaves
/// as it is.
fn well_formed() -> impl Strategy<Value = String> {
    "(http|https|ftp)://([a-z]{1,5}@)?([a-z]{1,6}(-[a-z0-9]{1,3})?\\.){0,2}(example|test)(:[1-9][0-9]{3})?(/([a-zA-Z0-9_%-]{1,6}/){0,3}([a-z]{1,5}(\\.[a-z]{1,4})?)?)(\\?[a-z]{1,3}=[a-z0-9&=/:]{0,8})?(#[a-z/?]{1,5})?"
}

proptest! {
    #[test]
    fn of_a_well_formed_url_the_parts_are_those_of_the_url_standard(text in well_formed()) {
        let url = url::Url::parse(&text).unwrap();
        let port = url.port().map(|port| port.to_string());
        prop_assert_eq!(of(&text, "scheme"), Some(url.scheme()));
        prop_assert_eq!(of(&text, "user"), Some(url.username()).filter(|user| !user.is_empty()));
        prop_assert_eq!(of(&text, "host"), url.host_str());
        prop_assert_eq!(of(&text, "port"), port.as_deref());
        prop_assert_eq!(of(&text, "path"), Some(url.path()));
        prop_assert_eq!(of(&text, "query"), url.query());
        prop_assert_eq!(of(&text, "fragment"), url.fragment());
    }

    #[test]
    fn the_parts_of_any_text_are_slices_of_it_in_their_order(
        text in prop_oneof![".*", "[a-z:/?#@\\[\\]\\\\.;&=0-9]{0,30}"],
    ) {
        let mut at = 0;
        for name in ["scheme", "user", "host", "port", "path", "query", "fragment"] {
            if let Some(part) = of(&text, name) {
                let start = part.as_ptr().addr() - text.as_ptr().addr();
                prop_assert!(start >= at && start + part.len() <= text.len(), "{}", name);
                at = start + part.len();
            }
        }
    }

    #[test]
    fn a_column_gives_what_each_of_its_texts_gives(
        urls in proptest::collection::vec(proptest::option::of("(http://)?[a-z.]{1,14}(:[0-9]{2})?(/[a-z?=&]{0,14})?"), 0..20),
        name in proptest::sample::select(NAMES.to_vec()),
    ) {
        let urls: Vec<Option<&str>> = urls.iter().map(Option::as_deref).collect();
        let expected: Vec<_> = urls.iter().map(|url| of((*url)?, name).map(str::to_owned)).collect();
        prop_assert_eq!(testing::texts("url_part", &urls, &[literal(name)]), expected);
    }
}
