//! Sends requests to the servers and says what became of them, in words for the user.
//!
//! The official client makes the connection, TLS and compression. It asks for plain JSON and checks
//! no product, so that OpenSearch answers it as Elasticsearch does; system proxies are not used.

use std::path::Path;

use bytes::Bytes;
use datashark_sdk::conf::{Problem, Problems, Secret};
use datashark_sdk::{Error, Result};
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{BuildError, Transport, TransportBuilder};
use elasticsearch::http::{Method, StatusCode};
use serde_json::Value;

use crate::hosts::Hosts;
use crate::login::Login;
use crate::settings::Settings;

/// How a certificate begins in PEM (RFC 7468).
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// How much of a server's reason is kept.
const REASON_CHARS_MAX: usize = 2000;

/// Talks to one server of the cluster at a time.
pub(crate) struct Client {
    transport: Transport,
    hosts: Hosts,
    login: Login,
    /// Whether the server refused the login, so that it is to be read anew.
    refused_login: bool,
}

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What a body is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    Json,
    /// One JSON object a line.
    Lines,
}

impl Client {
    /// Makes ready; nothing is sent yet.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let hosts = Hosts::new(&settings.hosts);
        let mut builder = TransportBuilder::new(hosts.clone())
            .timeout(settings.timeout)
            .request_body_compression(settings.compress)
            .disable_proxy()
            .enable_meta_header(false);
        if let Some(path) = &settings.ca_file {
            builder = builder.cert_validation(CertificateValidation::Full(certificates(path)?));
        }
        if !settings.verify {
            builder = builder.cert_validation(CertificateValidation::None);
        }
        let transport = builder
            .build()
            .map_err(|error| match (&settings.ca_file, error) {
                (Some(path), BuildError::Cert(error)) => {
                    let cause = root_cause(&error);
                    ca_problem(format!(
                        "`{}` has a certificate that is none: {cause}",
                        path.display()
                    ))
                }
                (_, error) => Error::data(format!("the connection cannot be made ready: {error}")),
            })?;
        let client = Client {
            transport,
            hosts,
            login: settings.login.clone(),
            refused_login: false,
        };
        client.log_in().map_err(Error::data)?;
        Ok(client)
    }

    /// `host:port` of the server that is used.
    pub(crate) fn host(&self) -> String {
        self.hosts.current()
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// There is none, or it says nothing of the request: the server is away, busy or does not know
    /// who asks. Trying again may help.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(Content, Bytes)>,
    ) -> Result<Answer, String> {
        if std::mem::take(&mut self.refused_login) && self.login.may_change() {
            // A file that cannot be read now leaves the old login, which is refused again.
            if let Err(reason) = self.log_in() {
                self.refused_login = true;
                return Err(reason);
            }
        }
        let answered = self.answer(method, path, body).await;
        let answer = answered.inspect_err(|_| self.hosts.turn())?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.refused_login = true,
            status if status.is_server_error() => self.hosts.turn(),
            _ => (),
        }
        Ok(answer)
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<(Content, Bytes)>,
    ) -> Result<Answer, String> {
        let mut headers = HeaderMap::new();
        if let Some((Content::Lines, _)) = body {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-ndjson"),
            );
        }
        let host = self.host();
        let body = body.map(|(_, bytes)| bytes);
        let failed = |error: elasticsearch::Error| match error.is_timeout() {
            true => format!("{host} did not answer in time"),
            false => format!("{host} cannot be reached: {}", root_cause(&error)),
        };
        let sent = self
            .transport
            .send(method, path, headers, None::<&()>, body, None)
            .await;
        let response = sent.map_err(failed)?;
        let status = response.status_code();
        let body = response
            .bytes()
            .await
            .map_err(|error| match error.is_timeout() {
                true => format!("{host} did not answer in time"),
                false => format!("{host} broke off its answer: {}", root_cause(&error)),
            })?;
        Ok(Answer { status, body })
    }

    fn log_in(&self) -> Result<(), String> {
        if let Some(header) = self.login.header()? {
            let header = Credentials::AuthorizationHeader(Secret::reveal(&header).to_owned());
            self.transport.set_auth(header);
        }
        Ok(())
    }
}

impl Answer {
    /// What the server said of the request, for a person.
    pub(crate) fn reason(&self, host: &str) -> String {
        let said = match serde_json::from_slice::<Value>(&self.body) {
            Ok(body) => body.get("error").map(error_reason).unwrap_or_default(),
            Err(_) => shortened(&String::from_utf8_lossy(&self.body)),
        };
        match said.trim() {
            "" => format!("{host} answered {}", self.status),
            said => format!("{host} answered {}: {said}", self.status),
        }
    }
}

fn ca_problem(message: String) -> Error {
    Problems::from(Problem::at(["ca_file"], message)).into()
}

fn certificates(path: &Path) -> Result<Certificate> {
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|error| ca_problem(format!("cannot read `{shown}`: {error}")))?;
    let none = || {
        ca_problem(format!(
            "expected certificates in PEM, found none in `{shown}`"
        ))
    };
    match pem.windows(PEM.len()).any(|window| window == PEM) {
        true => Certificate::from_pem(&pem).map_err(|_| none()),
        false => Err(none()),
    }
}

/// An `error` of an answer as one line: its type, its reason, and what caused it.
pub(crate) fn error_reason(error: &Value) -> String {
    let text =
        |error: &Value, name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut parts: Vec<String> = match error {
        Value::String(reason) => vec![reason.clone()],
        error => ["type", "reason"]
            .iter()
            .filter_map(|name| text(error, name))
            .collect(),
    };
    let mut cause = error.get("caused_by");
    while let Some(error) = cause {
        parts.extend(text(error, "reason").filter(|reason| !parts.contains(reason)));
        cause = error.get("caused_by");
    }
    shortened(&parts.join(": "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The innermost error, which is the one that says something: the outer ones repeat the address.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reason_says_what_caused_it_once_and_has_an_end() {
        let error = json!({
            "type": "mapper_parsing_exception", "reason": "failed to parse field [a]",
            "caused_by": {"type": "x", "reason": "For input string", "caused_by": {"reason": "For input string"}},
        });
        assert_eq!(
            error_reason(&error),
            "mapper_parsing_exception: failed to parse field [a]: For input string"
        );
        assert_eq!(error_reason(&json!("no handler")), "no handler");
        assert_eq!(error_reason(&json!("é".repeat(3000))).chars().count(), 2001);
    }

    #[test]
    fn an_answer_that_is_no_json_is_shown_as_it_is() {
        let answer = |body: &'static str| Answer {
            status: StatusCode::BAD_GATEWAY,
            body: body.into(),
        };
        assert_eq!(
            answer("<h1>proxy</h1>").reason("a:1"),
            "a:1 answered 502 Bad Gateway: <h1>proxy</h1>"
        );
        assert_eq!(answer("").reason("a:1"), "a:1 answered 502 Bad Gateway");
        assert_eq!(
            answer(r#"{"error":"gone"}"#).reason("a:1"),
            "a:1 answered 502 Bad Gateway: gone"
        );
    }
}
