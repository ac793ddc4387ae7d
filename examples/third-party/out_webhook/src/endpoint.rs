//! The server: requests, one at a time, no faster than they may come, and tried again where that may help.

use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ureq::{Agent, Body};

use crate::conf::Conf;

/// The longest wait before a request is tried again, unless the server says another.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// So much of a server's answer is shown.
const ANSWER_BYTES: u64 = 300;

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Sent {
    /// The server has it.
    Taken,
    /// The server will not have it; why.
    Wrong(String),
    /// Not yet; why.
    Not(String),
}

/// A server, and when it may be asked next.
pub(crate) struct Endpoint {
    agent: Agent,
    url: String,
    headers: HeaderMap,
    /// Between the beginnings of two requests.
    spacing: Duration,
    retries: u32,
    backoff: Duration,
    patience: Duration,
    next: Instant,
}

/// One call of dataShark's: requests begin before its time is over.
pub(crate) struct Delivery {
    until: Instant,
}

/// What a try came to.
enum Tried {
    Done(Sent),
    /// Trying again may help: why, and when the server wants it.
    Again(String, Option<Duration>),
}

impl Endpoint {
    /// The server of a conf that has no problems.
    pub(crate) fn new(conf: &Conf) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(conf.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("datashark-webhook/", env!("CARGO_PKG_VERSION")));
        let header = |(name, value): (&String, &datashark_sdk::conf::Secret)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.reveal()).ok()?))
        };
        let spacing = match conf.requests_per_minute {
            0 => Duration::ZERO,
            n => Duration::from_secs(60) / n,
        };
        Endpoint {
            agent: config.build().into(),
            url: conf.url.clone(),
            headers: conf.headers.iter().filter_map(header).collect(),
            spacing,
            retries: conf.retries,
            backoff: conf.backoff,
            patience: conf.patience,
            next: Instant::now(),
        }
    }

    pub(crate) fn begin(&self) -> Delivery {
        Delivery {
            until: Instant::now() + self.patience,
        }
    }

    fn post(&self, body: &[u8]) -> Tried {
        let mut request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error) => return Tried::Again(format!("{}: {error}", self.url), None),
        };
        let status = response.status();
        if status.is_success() {
            return Tried::Done(Sent::Taken);
        }
        let why = format!("{} answers {status}{}", self.url, said(response.body_mut()));
        match status {
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Tried::Done(Sent::Wrong(why)),
            _ => Tried::Again(why, retry_after(response.headers())),
        }
    }
}

impl Delivery {
    /// Sends a body, again if need be, for as long as there is time.
    pub(crate) fn send(&self, endpoint: &mut Endpoint, body: &[u8]) -> Sent {
        let mut wait = endpoint.backoff;
        let mut n_tries = 0;
        let mut last = None;
        loop {
            if !self.waited(endpoint.next) {
                let paced = || format!("{}: no more requests for now", endpoint.url);
                return Sent::Not(last.unwrap_or_else(paced));
            }
            endpoint.next = Instant::now() + endpoint.spacing;
            let (why, after) = match endpoint.post(body) {
                Tried::Done(sent) => return sent,
                Tried::Again(why, after) => (why, after),
            };
            endpoint.next = endpoint.next.max(Instant::now() + after.unwrap_or(wait));
            wait = (wait * 2).min(BACKOFF_MAX);
            if n_tries == endpoint.retries {
                return Sent::Not(why);
            }
            n_tries += 1;
            last = Some(why);
        }
    }

    /// Waits until then; `false` where that is later than there is time, which then is over.
    fn waited(&self, then: Instant) -> bool {
        let until = then.min(self.until);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        then <= self.until
    }
}

/// What the server wants waited, where it says so in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    // A day is longer than anybody means; the sum with now must be a time.
    Some(Duration::from_secs(u64::min(seconds, 86_400)))
}

/// The beginning of an answer, in one line.
fn said(body: &mut Body) -> String {
    let mut text = Vec::new();
    let reader = body.with_config().limit(1 << 20).reader();
    // What cannot be read is not shown.
    let _ = std::io::Read::read_to_end(&mut std::io::Read::take(reader, ANSWER_BYTES), &mut text);
    let text = String::from_utf8_lossy(&text).replace(char::is_control, " ");
    match text.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
