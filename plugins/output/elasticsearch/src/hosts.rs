//! The servers' addresses, and which of them is being used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use elasticsearch::http::Url;
use elasticsearch::http::transport::{Connection, ConnectionPool};

/// The port where none is written, as of Elastic's own shippers; not HTTP's 80 or 443.
pub(crate) const PORT: u16 = 9200;

/// Reads an address: `https://a:9200`, `a:9200`, `a`, `https://proxy/elasticsearch`.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let expected =
        || format!("expected an address such as `https://es.example.com:{PORT}`, found `{text}`");
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    if !["http", "https"].contains(&scheme) {
        return Err(format!("{}: only http and https are known", expected()));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(expected());
    }
    let mut url = Url::parse(&format!("{scheme}://{rest}"))
        .map_err(|error| format!("{}: {error}", expected()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "an address cannot hold a user or password: write `user` and `password`".to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(expected());
    }
    // `url.port()` knows nothing of a default port that was written.
    let authority = rest.split('/').next().unwrap_or_default();
    let written = authority.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !written {
        url.set_port(Some(PORT)).map_err(|()| expected())?;
    }
    Ok(url)
}

/// `host:port` of an address.
pub(crate) fn name(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or(PORT);
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// The servers of a cluster: one is used until it fails, then the next.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    connections: Arc<[Connection]>,
    current: Arc<AtomicUsize>,
}

impl Hosts {
    /// The servers with these addresses, of which there is one at least.
    pub(crate) fn new(urls: &[Url]) -> Self {
        Hosts {
            connections: urls.iter().cloned().map(Connection::new).collect(),
            current: Arc::default(),
        }
    }

    /// `host:port` of the server that is used.
    pub(crate) fn current(&self) -> String {
        name(&self.next().url())
    }

    /// Turns to the next server.
    pub(crate) fn turn(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }
}

impl ConnectionPool for Hosts {
    fn next(&self) -> Connection {
        let current = self.current.load(Ordering::Relaxed);
        self.connections[current % self.connections.len()].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_port_whatever_is_left_out() {
        for (text, url) in [
            ("a", "http://a:9200/"),
            ("a:9201", "http://a:9201/"),
            ("https://a", "https://a:9200/"),
            ("https://a:443", "https://a/"),
            ("https://a:443/es/", "https://a/es/"),
            ("http://[::1]", "http://[::1]:9200/"),
            ("[::1]:1", "http://[::1]:1/"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), url, "{text}");
        }
        assert_eq!(name(&parse("https://a:443").unwrap()), "a:443");
    }

    #[test]
    fn what_is_no_address_says_what_to_write() {
        for text in [
            "",
            "http://",
            "ftp://a",
            "a b",
            "a:99999",
            "a:x",
            "http://a?x",
            "http://u:p@a",
            "a\n",
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.contains("such as `https://es.example.com:9200`")
                    || error.contains("`user` and `password`"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_server_is_used_until_it_fails() {
        let hosts = Hosts::new(&[parse("a").unwrap(), parse("b").unwrap()]);
        let used = hosts.clone();
        assert_eq!([hosts.current(), hosts.current()], ["a:9200", "a:9200"]);
        used.turn();
        assert_eq!(hosts.current(), "b:9200");
        used.turn();
        assert_eq!(hosts.current(), "a:9200");
    }
}
