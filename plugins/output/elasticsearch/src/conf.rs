//! The section `[out_elasticsearch]` as the user writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use datashark_sdk::conf::{Secret, duration, size};
use datashark_sdk::document::DocumentNames;
use serde::Deserialize;

/// The section `[out_elasticsearch]`. The crate's page has the keys in a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticsearchConf {
    /// The server's name or address; `127.0.0.1` where nothing names a server.
    pub host: Option<String>,
    /// The server's port; 9200.
    pub port: Option<u16>,
    /// The servers' addresses, `https://a:9200`, in place of `host` and `port`.
    pub hosts: Option<Vec<String>>,
    /// Who to log in as.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// A file with the password, read anew when the server refuses it.
    pub password_file: Option<PathBuf>,
    /// An API key, `id:key` or encoded, in place of user and password.
    pub api_key: Option<Secret>,
    /// A file with the API key, read anew when the server refuses it.
    pub api_key_file: Option<PathBuf>,
    /// A file with certificates in PEM that are trusted besides those of the public authorities.
    pub ca_file: Option<PathBuf>,
    /// Whether the server's certificate is verified.
    pub verify: bool,
    /// The index, `usecase`; `{date}` is the day of the findings.
    pub index_name: Option<String>,
    /// Not used: types went away with Elasticsearch 8.
    pub doc_type: Option<String>,
    /// The name of the key's member.
    pub pkey: String,
    /// The name of the score's member.
    pub score: String,
    /// The value of the member `title`.
    pub title: String,
    /// Not used.
    pub debug: bool,
    /// The most bytes of a request's body, unless a single document has more.
    #[serde(with = "size::option")]
    pub bulk_size: Option<u64>,
    /// How long findings may wait for more to come.
    #[serde(with = "duration")]
    pub bulk_age: Duration,
    /// How long a request may take.
    #[serde(with = "duration::option")]
    pub timeout: Option<Duration>,
    /// Whether an index template is installed.
    pub template: bool,
    /// Whether requests are compressed (gzip).
    pub compress: bool,
    /// Settings of es-hadoop; some are honoured, the others warned about. Secrets, as a password may
    /// be among them.
    pub options: BTreeMap<String, Secret>,
}

impl Default for ElasticsearchConf {
    fn default() -> Self {
        let names = DocumentNames::default();
        ElasticsearchConf {
            host: None,
            port: None,
            hosts: None,
            user: None,
            password: None,
            password_file: None,
            api_key: None,
            api_key_file: None,
            ca_file: None,
            verify: true,
            index_name: None,
            doc_type: None,
            pkey: names.key,
            score: names.score,
            title: names.title,
            debug: false,
            bulk_size: None,
            bulk_age: Duration::from_secs(1),
            timeout: None,
            template: true,
            compress: false,
            options: BTreeMap::new(),
        }
    }
}
