//! `[[options]]`: the settings of es-hadoop that dataShark 1.2 passed on, as far as they still mean
//! something.
//!
//! Names, units and defaults are those of es-hadoop's `ConfigurationOptions`. What is not honoured is
//! named in a warning, with what to write instead.

use std::collections::BTreeMap;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems, Secret, duration, nearest, size};

/// What is honoured.
const HONOURED: [&str; 13] = [
    "es.nodes",
    "es.host",
    "es.port",
    "es.nodes.path.prefix",
    "es.net.ssl",
    "es.net.http.auth.user",
    "es.net.http.auth.pass",
    "es.batch.size.bytes",
    "es.batch.size.entries",
    "es.http.timeout",
    "es.resource",
    "es.resource.write",
    "es.write.operation",
];

/// What is not honoured and has a better answer than to leave it out.
const ANSWERS: [(&str, &str); 10] = [
    (
        "es.batch.write.retry",
        "what can be tried again is, until it is delivered: leave it out",
    ),
    (
        "es.http.retries",
        "what can be tried again is, until it is delivered: leave it out",
    ),
    (
        "es.nodes",
        "the named hosts are used and no others: leave it out",
    ),
    (
        "es.mapping.id",
        "the id is made of use case, window and key: leave it out",
    ),
    (
        "es.index.auto.create",
        "it is the server's setting `action.auto_create_index`",
    ),
    (
        "es.net.ssl.cert.allow.self.signed",
        "write `ca_file` with the certificate, or `verify = false`",
    ),
    (
        "es.net.ssl.truststore",
        "write `ca_file` with the certificates in PEM",
    ),
    (
        "es.net.ssl.keystore",
        "client certificates are not supported; use `api_key`",
    ),
    ("es.net.proxy", "proxies are not supported"),
    ("es.ser", "documents are written by dataShark: leave it out"),
];

/// How a finding is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Operation {
    /// Overwrites a document of that id.
    #[default]
    Index,
    /// Leaves a document of that id as it is; what data streams want.
    Create,
}

/// The options that are honoured, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) nodes: Option<Vec<String>>,
    pub(crate) port: Option<u16>,
    pub(crate) path_prefix: Option<String>,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) bulk_size: Option<u64>,
    pub(crate) bulk_entries: Option<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) index_name: Option<String>,
    pub(crate) operation: Operation,
}

impl Options {
    /// Reads the subsection; mistakes and warnings go to the problems.
    pub(crate) fn read(written: &BTreeMap<String, Secret>, problems: &mut Problems) -> Self {
        let mut options = Options::default();
        for (name, value) in written {
            match options.set(name, value.reveal().trim(), value) {
                Ok(true) => (),
                Ok(false) => problems.push(not_used(name)),
                Err(message) => problems.push(Problem::at(["options", name], message)),
            }
        }
        options
    }

    /// Sets one; `false` where it is not honoured.
    fn set(&mut self, name: &str, text: &str, secret: &Secret) -> Result<bool, String> {
        match name {
            "es.nodes" | "es.host" => {
                let nodes = text.split(',').map(|node| node.trim().to_owned());
                self.nodes = Some(nodes.filter(|node| !node.is_empty()).collect());
            }
            "es.port" => self.port = Some(number(text, "a port")?),
            "es.nodes.path.prefix" => self.path_prefix = Some(text.trim_matches('/').to_owned()),
            "es.net.ssl" => self.tls = boolean(text)?,
            "es.net.http.auth.user" => self.user = Some(text.to_owned()),
            "es.net.http.auth.pass" => self.password = Some(secret.clone()),
            "es.batch.size.bytes" => self.bulk_size = Some(bytes(text)?),
            "es.batch.size.entries" => {
                // 0 is no limit.
                self.bulk_entries = Some(number(text, "a number of documents")?).filter(|n| *n > 0);
            }
            "es.http.timeout" => self.timeout = Some(duration::parse(text)?),
            // What is behind the slash is the type, which no server has any more.
            "es.resource" | "es.resource.write" => {
                self.index_name = Some(text.split('/').next().unwrap_or_default().to_owned());
            }
            "es.write.operation" => {
                self.operation = match text {
                    // An upsert of a whole document is what `index` does.
                    "index" | "upsert" => Operation::Index,
                    "create" => Operation::Create,
                    _ => return Err(format!("expected `index` or `create`, found `{text}`")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn not_used(name: &str) -> Problem {
    let answer = ANSWERS.iter().find(|(prefix, _)| name.starts_with(prefix));
    let help = match (answer, nearest(name, &HONOURED)) {
        (Some((_, answer)), _) => (*answer).to_owned(),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => "leave it out".to_owned(),
    };
    Problem::at(
        ["options", name],
        format!("the option `{name}` of es-hadoop is not used"),
    )
    .help(help)
    .of_key()
    .warning()
}

fn number<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("expected {expected}, found `{text}`"))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" | "on" => Ok(true),
        "false" | "no" | "0" | "off" => Ok(false),
        _ => Err(format!("expected `true` or `false`, found `{text}`")),
    }
}

/// A size whose units are powers of 1024, as es-hadoop has them.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("kb", "KiB"),
        ("mb", "MiB"),
        ("gb", "GiB"),
        ("k", "KiB"),
        ("m", "MiB"),
        ("g", "GiB"),
    ];
    let lower = text.to_lowercase();
    let found = units
        .iter()
        .find_map(|(unit, iec)| Some((lower.strip_suffix(unit)?, iec)));
    match found {
        Some((digits, iec)) => size::parse(&format!("{digits}{iec}")),
        None => size::parse(&lower),
    }
    .map_err(|_| format!("expected a size such as `1mb`, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &[(&str, &str)]) -> (Options, Vec<String>) {
        let written = written
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Secret::new(*text)));
        let mut problems = Problems::new();
        let options = Options::read(&written.collect(), &mut problems);
        let shown = problems.iter().map(|problem| {
            format!(
                "{problem} ({})",
                problem.help.as_deref().unwrap_or_default()
            )
        });
        (options, shown.collect())
    }

    #[test]
    fn what_still_means_something_is_honoured() {
        let (options, problems) = read(&[
            ("es.nodes", "a, b:9201"),
            ("es.port", "9202"),
            ("es.net.ssl", "true"),
            ("es.net.http.auth.user", "shark"),
            ("es.net.http.auth.pass", "x"),
            ("es.batch.size.bytes", "1mb"),
            ("es.batch.size.entries", "1000"),
            ("es.http.timeout", "2m"),
            ("es.resource", "web/spark-driver"),
            ("es.write.operation", "create"),
        ]);
        assert_eq!(problems, [] as [&str; 0]);
        assert_eq!(
            options.nodes,
            Some(vec!["a".to_owned(), "b:9201".to_owned()])
        );
        assert_eq!((options.port, options.tls), (Some(9202), true));
        assert_eq!(
            (options.bulk_size, options.bulk_entries),
            (Some(1 << 20), Some(1000))
        );
        assert_eq!(options.timeout, Some(Duration::from_secs(120)));
        assert_eq!(options.index_name.as_deref(), Some("web"));
        assert_eq!(options.operation, Operation::Create);
    }

    #[test]
    fn every_option_that_is_honoured_is_suggested() {
        for option in HONOURED {
            let set = Options::default().set(option, "1", &Secret::new("1"));
            assert!(set != Ok(false), "{option}");
        }
    }

    #[test]
    fn what_is_not_used_is_named_with_what_to_write_instead() {
        let (_, problems) = read(&[
            ("es.batch.write.retry.count", "3"),
            ("es.field.read.empty.as.null", "yes"),
            ("es.nods", "a"),
            ("es.nodes.wan.only", "true"),
        ]);
        assert_eq!(
            problems,
            [
                "options.es.batch.write.retry.count: the option `es.batch.write.retry.count` of es-hadoop \
                 is not used (what can be tried again is, until it is delivered: leave it out)",
                "options.es.field.read.empty.as.null: the option `es.field.read.empty.as.null` of \
                 es-hadoop is not used (leave it out)",
                "options.es.nodes.wan.only: the option `es.nodes.wan.only` of es-hadoop is not used \
                 (the named hosts are used and no others: leave it out)",
                "options.es.nods: the option `es.nods` of es-hadoop is not used (did you mean `es.nodes`?)",
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_mistake() {
        let (_, problems) = read(&[
            ("es.batch.size.bytes", "much"),
            ("es.net.ssl", "maybe"),
            ("es.port", "99999"),
            ("es.write.operation", "delete"),
        ]);
        assert_eq!(
            problems,
            [
                "options.es.batch.size.bytes: expected a size such as `1mb`, found `much` ()",
                "options.es.net.ssl: expected `true` or `false`, found `maybe` ()",
                "options.es.port: expected a port, found `99999` ()",
                "options.es.write.operation: expected `index` or `create`, found `delete` ()",
            ]
        );
    }
}
