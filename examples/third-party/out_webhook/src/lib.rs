//! Webhook: findings as JSON to an HTTP endpoint, some at a time.
//!
//! `output = webhook`, `[out_webhook]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `url` | required | where to: `https://hooks.example.com/findings` |
//! | `[[headers]]` | none | headers to send along: `Authorization = ${env:HOOK_TOKEN}` |
//! | `max_findings` | 100 | findings of one request, at most |
//! | `max_age` | `1s` | how long findings wait for more to come |
//! | `requests_per_minute` | 0 | requests begin no faster than this; 0 is as fast as they are answered |
//! | `timeout` | `10s` | how long a request may take |
//! | `retries` | 3 | how often a request is tried again within one delivery |
//! | `backoff` | `500ms` | the wait before the first of these; it doubles from one to the next |
//! | `patience` | `15s` | how long one delivery goes on beginning requests; what is left goes back to dataShark, which gives it again |
//! | `title`, `pkey`, `score` | `Use Case`, `source_ip`, `anomaly_score` | as with `[out_elasticsearch]` |
//!
//! ```ini
//! output = webhook
//! [out_webhook]
//!     url                 = https://hooks.example.com/findings
//!     requests_per_minute = 60
//!     [[headers]]
//!         Authorization = ${env:HOOK_TOKEN}
//!     [[sandbox]]
//!         network = yes
//! ```
//!
//! A plugin's process may open no connection unless `[[sandbox]]` says `network = yes`. Its `timeout` (`30s`)
//! must be longer than `patience` and this section's `timeout` together.
//!
//! # A request
//! `POST`, with the body
//! ```json
//! {"findings": [{"id": "…", "use_case": "…", "window": {"start": "…", "end": "…"}, "finding": {…}}]}
//! ```
//! The finding is the document that the elasticsearch output writes, see [`datashark_sdk::document`]; `window`
//! is `null` where the run has one window over everything.
//!
//! # Delivery
//! At least once: a request whose answer is lost comes again, perhaps in other company. The `id` of a finding
//! is the same each time. An answer 2xx means that all of a request was taken. 400, 413 and 422 mean that
//! something in it is wrong: it is sent again in halves, until one finding is left alone, which is refused
//! with what the server said and kept in the quarantine. All else means that trying again may help: no answer in
//! time, a connection that breaks off, 429, 5xx, and also 401, 403, 404 and redirects, since a conf is mended more
//! easily than a finding is found again. `Retry-After` in seconds is heeded.
//!
//! # Limits
//! Certificates of public authorities alone (webpki-roots); no proxy; HTTP 1.1.

mod conf;
mod endpoint;
mod requests;

use std::collections::VecDeque;
use std::ops::Range;

use async_trait::async_trait;
use datashark_sdk::Result;
use datashark_sdk::conf::Problems;
use datashark_sdk::document::DocumentNames;
use datashark_sdk::output::{Fate, FindingsBatch, Gather, OpenOutput, Outcome, Output};

pub use conf::Conf;
use endpoint::{Endpoint, Sent};

/// The output, open.
pub struct Webhook {
    endpoint: Endpoint,
    names: DocumentNames,
    max_findings: usize,
    url: String,
}

#[async_trait]
impl Output for Webhook {
    type Conf = Conf;
    const NAME: &'static str = "webhook";
    const ABOUT: &'static str = "findings as JSON to an HTTP endpoint";

    fn check(conf: &Conf) -> Problems {
        conf.problems()
    }

    fn servers(conf: &Conf) -> Vec<String> {
        conf.server().into_iter().collect()
    }

    fn gather(conf: &Conf) -> Gather {
        Gather {
            max_findings: conf.max_findings,
            max_age: conf.max_age,
        }
    }

    async fn open(conf: Conf, _: OpenOutput) -> Result<Self> {
        Ok(Webhook {
            endpoint: Endpoint::new(&conf),
            names: conf.names(),
            max_findings: conf.max_findings,
            url: conf.url,
        })
    }

    // It blocks, on a thread that dataShark gives this output for itself.
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        match requests::entries(batches, &self.names) {
            Ok(entries) => Outcome::Each(self.deliver(&entries)),
            Err(error) => Outcome::Stop(error),
        }
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Sent {n_findings} Documents to {}", self.url)
    }
}

impl Webhook {
    /// Sends entries, some at a time; gives what became of each.
    fn deliver(&mut self, entries: &[Vec<u8>]) -> Vec<Fate> {
        let mut fates = vec![Fate::Safe; entries.len()];
        let mut groups: VecDeque<Range<usize>> = (0..entries.len())
            .step_by(self.max_findings)
            .map(|start| start..(start + self.max_findings).min(entries.len()))
            .collect();
        let delivery = self.endpoint.begin();
        while let Some(group) = groups.pop_front() {
            match delivery.send(&mut self.endpoint, &requests::body(&entries[group.clone()])) {
                Sent::Taken => {}
                Sent::Wrong(why) if group.len() == 1 => fates[group.start] = Fate::Refused(why),
                Sent::Wrong(_) => {
                    let middle = group.start + group.len() / 2;
                    groups.push_front(middle..group.end);
                    groups.push_front(group.start..middle);
                }
                Sent::Not(why) => {
                    groups.push_front(group);
                    let rest = groups.into_iter().flatten();
                    rest.for_each(|at| fates[at] = Fate::Again(why.clone()));
                    break;
                }
            }
        }
        fates
    }
}

datashark_sdk::export_output!(Webhook);
