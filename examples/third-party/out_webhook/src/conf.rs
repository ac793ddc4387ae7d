//! The section `[out_webhook]`.

use std::collections::BTreeMap;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Secret, duration};
use datashark_sdk::document::DocumentNames;
use ureq::http::{HeaderName, HeaderValue, Uri};

/// The section `[out_webhook]`; the crate's page has its keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Secret>,
    #[serde(default = "hundred")]
    pub(crate) max_findings: usize,
    #[serde(default = "second", with = "duration")]
    pub(crate) max_age: Duration,
    #[serde(default)]
    pub(crate) requests_per_minute: u32,
    #[serde(default = "ten_seconds", with = "duration")]
    pub(crate) timeout: Duration,
    #[serde(default = "three")]
    pub(crate) retries: u32,
    #[serde(default = "half_a_second", with = "duration")]
    pub(crate) backoff: Duration,
    #[serde(default = "fifteen_seconds", with = "duration")]
    pub(crate) patience: Duration,
    title: Option<String>,
    pkey: Option<String>,
    score: Option<String>,
}

fn hundred() -> usize {
    100
}

fn three() -> u32 {
    3
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn half_a_second() -> Duration {
    Duration::from_millis(500)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn fifteen_seconds() -> Duration {
    Duration::from_secs(15)
}

impl Conf {
    /// All that types do not tell.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Problems::new();
        let mut note = |key: &[&str], message: String| {
            problems.push(Problem::at(key.iter().copied(), message));
        };
        if self.server().is_none() {
            let message = "expected `http://` or `https://` and a host";
            note(&["url"], format!("{message}, found `{}`", self.url));
        }
        for (name, value) in &self.headers {
            let key = ["headers", name.as_str()];
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                note(&key, format!("`{name}` is no name of a header"));
            }
            // Which value it is, is nobody's business.
            if HeaderValue::from_str(value.reveal()).is_err() {
                note(&key, "expected one line of visible characters".to_owned());
            }
        }
        if self.max_findings == 0 {
            note(&["max_findings"], "expected 1 or more".to_owned());
        }
        for (key, value) in [("timeout", self.timeout), ("patience", self.patience)] {
            if value.is_zero() {
                note(&[key], "expected more than nothing".to_owned());
            }
        }
        problems
    }

    /// The server, `host:port`.
    pub(crate) fn server(&self) -> Option<String> {
        let url: Uri = self.url.parse().ok()?;
        let port = match url.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let host = url.host().filter(|host| !host.is_empty())?;
        Some(format!("{host}:{}", url.port_u16().unwrap_or(port)))
    }

    /// What the members of a document are called.
    pub(crate) fn names(&self) -> DocumentNames {
        let DocumentNames { title, key, score } = DocumentNames::default();
        DocumentNames {
            title: self.title.clone().unwrap_or(title),
            key: self.pkey.clone().unwrap_or(key),
            score: self.score.clone().unwrap_or(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;

    use super::*;

    fn conf(keys: &[(&str, &str)]) -> Conf {
        keys.iter().copied().collect::<Section>().parse().unwrap()
    }

    #[test]
    fn servers_have_their_schemes_ports() {
        let server = |url| conf(&[("url", url)]).server();
        assert_eq!(server("http://a/b").as_deref(), Some("a:80"));
        assert_eq!(
            server("https://a.example/").as_deref(),
            Some("a.example:443")
        );
        assert_eq!(
            server("http://127.0.0.1:8080").as_deref(),
            Some("127.0.0.1:8080")
        );
        assert_eq!((server("ftp://a/"), server("a.example/b")), (None, None));
    }

    #[test]
    fn all_mistakes_are_said_at_once_and_no_secret() {
        let mut section = Section::from_iter([
            ("url", "hooks.example.com"),
            ("max_findings", "0"),
            ("timeout", "0s"),
        ]);
        section.insert(
            "headers",
            Section::from_iter([("a b", "x"), ("token", "sec\tret\u{7f}")]),
        );
        let problems = section.parse::<Conf>().unwrap().problems().to_string();
        let expected = "url: expected `http://` or `https://` and a host, found `hooks.example.com`; \
                        headers.a b: `a b` is no name of a header; \
                        headers.token: expected one line of visible characters; \
                        max_findings: expected 1 or more; timeout: expected more than nothing";
        assert_eq!(problems, expected);
    }
}
