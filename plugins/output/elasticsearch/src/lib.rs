//! The elasticsearch output: a document per finding, in Elasticsearch (7 to 9) or OpenSearch (1 to 3).
//!
//! `output = elasticsearch`, `[out_elasticsearch]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `host`, `port` | `127.0.0.1`, `9200` | the server |
//! | `hosts` | | in place of them, the servers' addresses: `https://a:9200, https://b:9200`; one is used until it fails |
//! | `user`, `password` | | the login; `${env:NAME}` is a variable of the environment |
//! | `api_key` | | in its place an API key, `id:key` or as the server shows it encoded |
//! | `password_file`, `api_key_file` | | a file whose first line is the secret, read anew when the server refuses it |
//! | `ca_file` | | certificates in PEM to trust besides the public authorities' |
//! | `verify` | `true` | whether the server's certificate is verified |
//! | `index_name` | `usecase` | the index; `{date}` is the day of the findings in UTC, as `2016-10-14` |
//! | `title` | `Use Case` | the value of the member `title` |
//! | `pkey`, `score` | `source_ip`, `anomaly_score` | the names of the key's and the score's member |
//! | `bulk_size` | `5MB` | the most bytes of a request, as in Elastic's Go client |
//! | `bulk_age` | `1s` | how long findings wait for more to come |
//! | `timeout` | `1m` | how long a request may take, as in es-hadoop |
//! | `compress` | `false` | whether requests are compressed (gzip) |
//! | `template` | `true` | whether an index template is installed |
//! | `[[options]]` | | settings of es-hadoop, for old confs' sake; those that no longer mean anything are warned about |
//! | `doc_type`, `debug` | | accepted for old confs' sake, not used |
//!
//! ```ini
//! output = elasticsearch
//! [out_elasticsearch]
//!     hosts      = https://es.example.com:9200
//!     api_key    = ${env:ES_API_KEY}
//!     index_name = findings-{date}
//! ```
//!
//! # A document
//! `{"title": …, "timestamp": …, <pkey>: key, <score>: score, …metadata}`; see
//! [`datashark_sdk::document`]. The time is the window's end.
//!
//! # Delivery
//! At least once, and each finding is there once: a document's id is the finding's, and a document of
//! that id is overwritten. What the server refuses for good (400, 413) is refused with its reason; all
//! else is tried again, a server that is away as well as a login that is refused, a full disk or an
//! index that is missing. A request that is too large for a server is sent in halves.
//!
//! # Index template
//! Before the first findings the template `datashark-<index_name>` gives members the types of their
//! columns. One that is there is left as it is, but for members that it lacks; without
//! `_meta.managed_by: datashark` in it, it is left alone. A template of the user's for the same indices
//! takes precedence: ours has the lowest priority, and where the server takes only one, ours is left
//! out with a warning.
//!
//! # Limits
//! An index that was there before the template keeps its mapping. With `{date}`, event times that a log
//! made up make up indices. A text of more than 8191 characters is kept and not indexed. Client
//! certificates and proxies are not supported. `verify = false` lets anybody be the server.

mod bulk;
mod client;
mod conf;
mod hosts;
mod index;
mod install;
mod items;
mod login;
mod options;
mod settings;
mod template;

use std::sync::Arc;

use async_trait::async_trait;
use datashark_sdk::Result;
use datashark_sdk::conf::Problems;
use datashark_sdk::document::Documents;
use datashark_sdk::output::{Backfill, Fate, FindingsBatch, Gather, OpenOutput, Outcome, Output};
use datashark_sdk::{Findings, Window};
use elasticsearch::http::{Method, StatusCode, Url};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tracing::warn;

use bulk::{Bulk, BulkWriter, Place};
use client::{Client, Content};
pub use conf::ElasticsearchConf;
use install::Template;

/// The elasticsearch output.
pub struct Elasticsearch {
    client: Client,
    writer: BulkWriter,
    bulk: Bulk,
    /// The properties of the template that is still to be installed.
    template: Option<Value>,
}

#[async_trait]
impl Output for Elasticsearch {
    type Conf = ElasticsearchConf;
    const NAME: &'static str = "elasticsearch";
    const ABOUT: &'static str = "Elasticsearch or OpenSearch, one document per finding";
    const BACKFILL: Backfill = Backfill::Overwrites;

    fn check(conf: &ElasticsearchConf) -> Problems {
        conf.settings().1
    }

    fn servers(conf: &ElasticsearchConf) -> Vec<String> {
        let server = |url: &Url| {
            let port = url.port_or_known_default()?;
            Some(format!("{}:{port}", url.host_str()?))
        };
        conf.settings().0.hosts.iter().filter_map(server).collect()
    }

    fn gather(conf: &ElasticsearchConf) -> Gather {
        Gather {
            max_findings: conf.settings().0.n_gathered,
            max_age: conf.bulk_age,
        }
    }

    async fn open(conf: ElasticsearchConf, open: OpenOutput) -> Result<Self> {
        let (settings, problems) = conf.settings();
        let settings = problems.or_ok(settings)?;
        check_types(&open, &settings.names)?;
        let properties = || template::properties(&settings.names, &open.schema);
        Ok(Elasticsearch {
            client: Client::open(&settings)?,
            template: settings.template.then(properties),
            bulk: Bulk::default(),
            writer: BulkWriter {
                index: settings.index,
                names: settings.names,
                operation: settings.operation,
                bytes_max: settings.bulk_size,
                documents_max: settings.bulk_entries,
            },
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        if let Some(properties) = &self.template {
            let index = &self.writer.index;
            let template = Template { index, properties };
            if let Err(reason) = template.install(&mut self.client).await {
                return Outcome::Again(reason);
            }
            self.template = None;
        }
        let n_findings = batches.iter().map(|batch| batch.findings.len()).sum();
        let mut fates = Vec::with_capacity(n_findings);
        let mut place = Place::default();
        while fates.len() < n_findings {
            place = match self.writer.fill(&mut self.bulk, batches, place) {
                Ok(next) => next,
                Err(error) => return Outcome::Stop(error),
            };
            if let Err(reason) = self.send(&mut fates).await {
                return again(fates, n_findings, reason);
            }
        }
        match fates.iter().all(|fate| *fate == Fate::Safe) {
            true => Outcome::Safe,
            false => Outcome::Each(fates),
        }
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!(
            "Inserted {n_findings} Documents in Elasticsearch {}",
            self.client.host()
        )
    }
}

impl Elasticsearch {
    /// Sends the filled bulk and adds its documents' fates, in order, as far as they are known.
    ///
    /// # Errors
    /// Of the rest nothing is known: try again.
    async fn send(&mut self, fates: &mut Vec<Fate>) -> Result<(), String> {
        let body = self.bulk.take();
        let path = format!("{}/_bulk?{}", path_segment(&self.bulk.index), items::FILTER);
        // What is still to be sent, the first at the end.
        let mut parts: Vec<_> = std::iter::once(0..self.bulk.len()).collect();
        while let Some(part) = parts.pop() {
            let bytes = self.bulk.part(&body, part.clone());
            let n_bytes = bytes.len();
            let answer = self
                .client
                .send(Method::Post, &path, Some((Content::Lines, bytes)))
                .await?;
            match answer.status {
                status if status.is_success() => {
                    fates.extend(items::fates(&answer.body, part.len())?)
                }
                // Whatever it is that the server cannot take, it is in one of the halves.
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::BAD_REQUEST if part.len() > 1 => {
                    if answer.status == StatusCode::PAYLOAD_TOO_LARGE {
                        self.shrink(n_bytes);
                    }
                    let middle = part.start + part.len() / 2;
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                }
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::BAD_REQUEST => {
                    fates.push(Fate::Refused(answer.reason(&self.client.host())));
                }
                _ => return Err(answer.reason(&self.client.host())),
            }
        }
        self.bulk.give_back(body);
        Ok(())
    }

    /// Makes further bodies half as large as one that was too large.
    fn shrink(&mut self, n_bytes: usize) {
        if n_bytes / 2 < self.writer.bytes_max {
            self.writer.bytes_max = (n_bytes / 2).max(1);
            let bulk_size = self.writer.bytes_max;
            warn!(
                n_bytes,
                bulk_size, "a request was too large for the server; smaller ones follow"
            );
        }
    }
}

/// All that are not known yet are tried again.
fn again(mut fates: Vec<Fate>, n_findings: usize, reason: String) -> Outcome {
    if fates.is_empty() {
        return Outcome::Again(reason);
    }
    fates.resize(n_findings, Fate::Again(reason));
    Outcome::Each(fates)
}

/// Refuses at once a schema that no document can show.
fn check_types(open: &OpenOutput, names: &datashark_sdk::document::DocumentNames) -> Result<()> {
    let window = Window { start: 0, end: 0 };
    let batch = FindingsBatch {
        use_case: Arc::clone(&open.use_case),
        window,
        time: 0,
        findings: Findings::empty(&open.schema)?,
        ids: Arc::default(),
    };
    Documents::try_new(&batch, names).map(drop)
}

/// All but what stands for itself in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn path_segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}
