//! What a conf comes to: every mistake that types let pass is found here, and nowhere later.

use std::path::PathBuf;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Secret};
use datashark_sdk::document::DocumentNames;
use elasticsearch::http::Url;

use crate::ElasticsearchConf;
use crate::hosts::{self, PORT};
use crate::index::IndexName;
use crate::login::{Login, Source};
use crate::options::{Operation, Options};

/// The most bytes of a request's body; as `FlushBytes` of `esutil.BulkIndexer` in Elastic's Go client.
const BULK_SIZE: u64 = 5_000_000;
/// How long a request may take; as es-hadoop's `es.http.timeout`.
const TIMEOUT: Duration = Duration::from_secs(60);
/// About the bytes of a document with its action line, for how many findings to gather.
const DOCUMENT_BYTES: u64 = 250;

/// What a conf comes to, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) hosts: Vec<Url>,
    pub(crate) login: Login,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) verify: bool,
    pub(crate) index: IndexName,
    pub(crate) names: DocumentNames,
    pub(crate) operation: Operation,
    pub(crate) bulk_size: usize,
    /// The most documents of a request.
    pub(crate) bulk_entries: usize,
    /// How many findings to gather for a request.
    pub(crate) n_gathered: usize,
    pub(crate) timeout: Duration,
    pub(crate) template: bool,
    pub(crate) compress: bool,
}

impl ElasticsearchConf {
    /// The settings, with every mistake and warning; they count only where there is no mistake.
    pub(crate) fn settings(&self) -> (Settings, Problems) {
        let mut problems = Problems::new();
        let mut options = Options::read(&self.options, &mut problems);
        let mut both = Both(&mut problems);
        let user = both.pick(
            "user",
            &self.user,
            &mut options.user,
            "es.net.http.auth.user",
        );
        let password = both.pick(
            "password",
            &self.password,
            &mut options.password,
            "es.net.http.auth.pass",
        );
        let index = both.pick(
            "index_name",
            &self.index_name,
            &mut options.index_name,
            "es.resource",
        );
        let bulk_size = both.pick(
            "bulk_size",
            &self.bulk_size,
            &mut options.bulk_size,
            "es.batch.size.bytes",
        );
        let timeout = both.pick(
            "timeout",
            &self.timeout,
            &mut options.timeout,
            "es.http.timeout",
        );
        let hosts = self.addresses(&mut options, &mut problems);
        let login = self.login(user, password, &mut problems);
        let bulk_size = bulk_size.unwrap_or(BULK_SIZE);
        if bulk_size == 0 {
            problems.push(Problem::at(
                ["bulk_size"],
                "expected a size above 0, found `0`",
            ));
        }
        let bulk_entries = options.bulk_entries.unwrap_or(usize::MAX);
        let settings = Settings {
            index: self.index(index.as_deref().unwrap_or("usecase"), &mut problems),
            names: self.names(&mut problems),
            ca_file: self.ca_file.clone(),
            verify: self.verify,
            operation: options.operation,
            bulk_size: usize::try_from(bulk_size).unwrap_or(usize::MAX),
            bulk_entries,
            n_gathered: usize::try_from(bulk_size / DOCUMENT_BYTES)
                .unwrap_or(usize::MAX)
                .min(bulk_entries),
            timeout: timeout.unwrap_or(TIMEOUT),
            template: self.template,
            compress: self.compress,
            hosts,
            login,
        };
        self.warn(&settings, &mut problems);
        (settings, problems)
    }

    fn addresses(&self, options: &mut Options, problems: &mut Problems) -> Vec<Url> {
        if self.hosts.is_some() && (self.host.is_some() || self.port.is_some()) {
            let message = "`hosts` says what `host` and `port` say: leave those out";
            problems.push(Problem::at(["hosts"], message).of_key());
        }
        let nodes = self
            .hosts
            .clone()
            .or_else(|| self.host.clone().map(|host| vec![host]));
        let key = if self.hosts.is_some() {
            "hosts"
        } else {
            "host"
        };
        let mut both = Both(problems);
        let port = both.pick("port", &self.port, &mut options.port, "es.port");
        let written = both.pick(key, &nodes, &mut options.nodes, "es.nodes");
        let key = if nodes.is_some() {
            vec![key]
        } else {
            vec!["options", "es.nodes"]
        };
        let written = written.unwrap_or_else(|| vec!["127.0.0.1".to_owned()]);
        if written.is_empty() {
            problems.push(Problem::at(
                key.clone(),
                "expected an address, found nothing",
            ));
        }
        let mut urls = Vec::with_capacity(written.len());
        for host in &written {
            match self.address(host, port, options) {
                Ok(url) => urls.push(url),
                Err(message) => problems.push(Problem::at(key.clone(), message)),
            }
        }
        urls
    }

    /// The address of one server; `host` has a name alone, `es.nodes` may have a port, too.
    fn address(&self, host: &str, port: Option<u16>, options: &Options) -> Result<Url, String> {
        if self.host.is_some() && host.contains(['/', '@']) {
            return Err(format!(
                "expected a server's name or address, found `{host}`: write `hosts = {host}`"
            ));
        }
        let mut text = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_owned(),
        };
        if options.tls && !text.contains("://") {
            text.insert_str(0, "https://");
        }
        let mut url = hosts::parse(&text)?;
        if let Some(port) = port.filter(|_| url.port() == Some(PORT)) {
            url.set_port(Some(port))
                .map_err(|()| format!("`{host}` has no place for a port"))?;
        }
        if let Some(prefix) = &options.path_prefix {
            url.set_path(prefix);
        }
        Ok(url)
    }

    fn login(
        &self,
        user: Option<String>,
        password: Option<Secret>,
        problems: &mut Problems,
    ) -> Login {
        let password = source(
            "password",
            password,
            "password_file",
            &self.password_file,
            problems,
        );
        let key = source(
            "api_key",
            self.api_key.clone(),
            "api_key_file",
            &self.api_key_file,
            problems,
        );
        let mut wrong = |key: &str, message: &str| problems.push(Problem::at([key], message));
        match (user, password, key) {
            (None, None, None) => Login::None,
            (Some(name), Some(password), None) => {
                if name.contains(':') {
                    wrong("user", "a user's name cannot hold `:` (RFC 7617)");
                }
                Login::User { name, password }
            }
            (None, None, Some(key)) => Login::ApiKey(key),
            (Some(_), None, None) => {
                wrong("user", "`user` needs `password` or `password_file`");
                Login::None
            }
            (None, Some(_), None) => {
                wrong("password", "a password needs `user`");
                Login::None
            }
            (_, _, Some(_)) => {
                wrong(
                    "api_key",
                    "an API key takes the place of user and password: leave one of them out",
                );
                Login::None
            }
        }
    }

    fn index(&self, name: &str, problems: &mut Problems) -> IndexName {
        IndexName::try_new(name).unwrap_or_else(|message| {
            let path = match self.index_name {
                Some(_) => vec!["index_name"],
                None => vec!["options", "es.resource"],
            };
            problems.push(Problem::at(path, message).help("an index, as `findings-{date}`"));
            IndexName::fallback()
        })
    }

    fn names(&self, problems: &mut Problems) -> DocumentNames {
        for (key, name) in [("pkey", &self.pkey), ("score", &self.score)] {
            if let Some(message) = member_problem(name) {
                problems.push(Problem::at([key], message));
            }
        }
        if self.pkey == self.score {
            problems.push(Problem::at(
                ["score"],
                "expected another name than that of `pkey`",
            ));
        }
        DocumentNames {
            title: self.title.clone(),
            key: self.pkey.clone(),
            score: self.score.clone(),
        }
    }

    fn warn(&self, settings: &Settings, problems: &mut Problems) {
        let tls = settings.hosts.iter().any(|url| url.scheme() == "https");
        let mut warn = |key: &str, message: &str, help: &str| {
            problems.push(Problem::at([key], message).help(help).of_key().warning());
        };
        if self.doc_type.is_some() {
            warn(
                "doc_type",
                "types went away with Elasticsearch 8: `doc_type` is not sent",
                "leave it out",
            );
        }
        if self.ca_file.is_some() && !tls {
            warn(
                "ca_file",
                "no server is reached by TLS: `ca_file` is not used",
                "write `hosts = https://…`",
            );
        }
        if !self.verify && tls {
            warn(
                "verify",
                "whoever answers is taken for the server",
                "write `ca_file` with its certificate",
            );
        }
        if settings.login.is_secret() && settings.hosts.iter().any(is_open) {
            let key = if self.api_key.is_some() || self.api_key_file.is_some() {
                "api_key"
            } else {
                "user"
            };
            warn(
                key,
                "the login crosses the network unencrypted",
                "write `hosts = https://…`",
            );
        }
    }
}

/// Takes what one of two places says; both is a mistake.
struct Both<'a>(&'a mut Problems);

impl Both<'_> {
    fn pick<T: Clone>(
        &mut self,
        key: &str,
        written: &Option<T>,
        option: &mut Option<T>,
        name: &str,
    ) -> Option<T> {
        if written.is_some() && option.is_some() {
            let message = format!("`{key}` says the same: leave `{name}` out");
            self.0
                .push(Problem::at(["options", name], message).of_key());
        }
        written.clone().or_else(|| option.take())
    }
}

fn source(
    key: &str,
    secret: Option<Secret>,
    file_key: &str,
    file: &Option<PathBuf>,
    problems: &mut Problems,
) -> Option<Source> {
    if secret.is_some() && file.is_some() {
        let message = format!("`{key}` says it already: leave one of them out");
        problems.push(Problem::at([file_key], message).of_key());
    }
    secret
        .map(Source::Conf)
        .or_else(|| file.clone().map(Source::File))
}

/// What a server would refuse every document for.
fn member_problem(name: &str) -> Option<String> {
    if ["title", "timestamp"].contains(&name) {
        return Some(format!(
            "every document has a member `{name}` of its own: expected another name"
        ));
    }
    let wrong = name.split('.').any(|part| part.trim().is_empty()) || name.starts_with('_');
    wrong.then(|| {
        format!(
            "expected a member's name, not beginning with `_`, no part of it empty, found `{name}`"
        )
    })
}

/// Whether others may read what goes to this address.
fn is_open(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    url.scheme() == "http"
        && host != "localhost"
        && !address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
