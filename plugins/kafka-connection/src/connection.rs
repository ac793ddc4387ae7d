//! The keys of a connection, checked, and as librdkafka has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datashark_sdk::conf::{Problem, Problems, Secret};
use datashark_sdk::{Error, Result};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use serde::Deserialize;

/// Kafka's usual port.
const PORT: u16 = 9092;

/// How to connect; the crate's page has the keys in a table.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The brokers to begin with.
    pub bootstrap_servers: Option<Vec<String>>,
    /// In place of them, one broker's name or address.
    pub host: Option<String>,
    /// Its port.
    pub port: Option<u16>,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// A PEM file with the authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// Whether a broker has to prove who it is.
    pub verify: Option<bool>,
    /// A PEM file with the certificate to show to the brokers.
    pub cert_file: Option<PathBuf>,
    /// A PEM file with that certificate's key.
    pub key_file: Option<PathBuf>,
    /// How to log in.
    pub sasl: Option<Sasl>,
    /// Who to log in as.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Properties of librdkafka.
    pub options: BTreeMap<String, Secret>,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Sasl {
    /// The password itself (RFC 4616): for TLS.
    #[serde(rename = "plain")]
    Plain,
    /// A proof of the password by SHA-256 (RFC 7677).
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// A proof of the password by SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

impl Sasl {
    fn mechanism(self) -> &'static str {
        match self {
            Sasl::Plain => "PLAIN",
            Sasl::ScramSha256 => "SCRAM-SHA-256",
            Sasl::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Connection {
    /// The brokers to begin with, `a:9092,b:9092`.
    pub fn servers(&self) -> String {
        match &self.bootstrap_servers {
            Some(servers) => servers.join(","),
            None => {
                let host = self.host.as_deref().unwrap_or("127.0.0.1");
                format!("{host}:{}", self.port.unwrap_or(PORT))
            }
        }
    }

    /// Every mistake that the types let pass; `own` are the properties that the plugin relies on.
    pub fn problems(&self, own: &[(&str, &str)]) -> Problems {
        let mut problems = Problems::new();
        self.check_servers(&mut problems);
        self.check_tls(&mut problems);
        self.check_login(&mut problems);
        self.check_options(own, &mut problems);
        problems
    }

    /// The configuration of a client with these properties of the plugin's own.
    ///
    /// # Errors
    /// The password's file cannot be read.
    pub fn client(&self, own: &[(&str, &str)]) -> Result<ClientConfig> {
        let mut client = self.without_password(own);
        if let Some(path) = &self.password_file {
            client.set("sasl.password", first_line(path)?);
        }
        Ok(client)
    }

    fn without_password(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut client = ClientConfig::new();
        // Warnings and errors: librdkafka's lesser lines are for its own developers.
        client.set_log_level(RDKafkaLogLevel::Warning);
        client.set("client.id", "datashark");
        client.set("bootstrap.servers", self.servers());
        client.set("security.protocol", self.protocol());
        self.set_tls(&mut client);
        if let Some(sasl) = self.sasl {
            client.set("sasl.mechanism", sasl.mechanism());
        }
        if let Some(user) = &self.user {
            client.set("sasl.username", user);
        }
        if let Some(password) = &self.password {
            client.set("sasl.password", password.reveal());
        }
        for (name, value) in &self.options {
            client.set(name, value.reveal());
        }
        for (name, value) in own {
            client.set(*name, *value);
        }
        client
    }

    fn protocol(&self) -> &'static str {
        match (self.tls, self.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        }
    }

    fn set_tls(&self, client: &mut ClientConfig) {
        if !self.tls {
            return;
        }
        // OpenSSL need not know where this system has its authorities.
        let ca_file = self.ca_file.as_deref().unwrap_or(Path::new("probe"));
        let files = [
            ("ssl.ca.location", Some(ca_file)),
            ("ssl.certificate.location", self.cert_file.as_deref()),
            ("ssl.key.location", self.key_file.as_deref()),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                client.set(name, path.display().to_string());
            }
        }
        if self.verify == Some(false) {
            client.set("enable.ssl.certificate.verification", "false");
        }
    }

    fn check_servers(&self, problems: &mut Problems) {
        let Some(servers) = &self.bootstrap_servers else {
            let blank = self
                .host
                .as_ref()
                .is_some_and(|host| host.trim().is_empty());
            if blank {
                let message = "expected a name or an address, found nothing";
                problems.push(Problem::at(["host"], message));
            }
            if self.port == Some(0) {
                problems.push(Problem::at(
                    ["port"],
                    "expected a port from 1 to 65535, found 0",
                ));
            }
            return;
        };
        for (key, given) in [("host", self.host.is_some()), ("port", self.port.is_some())] {
            if given {
                let message = "`bootstrap_servers` names the brokers already";
                problems.push(Problem::at([key], message).help("leave one of the two out"));
            }
        }
        if servers.is_empty() {
            let message = "expected brokers such as `a:9092, b:9092`, found nothing";
            problems.push(Problem::at(["bootstrap_servers"], message));
        }
        for server in servers.iter().filter(|server| !is_address(server)) {
            let message = format!("expected `host:port`, found `{server}`");
            problems.push(Problem::at(["bootstrap_servers"], message));
        }
    }

    fn check_tls(&self, problems: &mut Problems) {
        let files = [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
        ];
        let given = files
            .iter()
            .filter_map(|(key, path)| Some((*key, path.as_ref()?)));
        for (key, path) in given {
            if !self.tls {
                let message = "only `tls = true` looks at it: nothing would be encrypted";
                problems.push(Problem::at([key], message));
            } else if let Err(error) = std::fs::File::open(path) {
                let message = format!("`{}` cannot be read: {error}", path.display());
                problems.push(Problem::at([key], message));
            }
        }
        if self.verify.is_some() && !self.tls {
            let message = "only `tls = true` looks at it: nothing would be encrypted";
            problems.push(Problem::at(["verify"], message));
        }
        for (key, given, other) in [
            ("cert_file", &self.cert_file, &self.key_file),
            ("key_file", &self.key_file, &self.cert_file),
        ] {
            if given.is_some() && other.is_none() {
                let message = "a certificate and its key go together: `cert_file` and `key_file`";
                problems.push(Problem::at([key], message));
            }
        }
    }

    fn check_login(&self, problems: &mut Problems) {
        let given = [
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("password_file", self.password_file.is_some()),
        ];
        if self.sasl.is_none() {
            for (key, _) in given.iter().filter(|(_, given)| *given) {
                let message = "nobody logs in without `sasl`";
                let help = "write `sasl = scram-sha-512`, `scram-sha-256` or `plain`";
                problems.push(Problem::at([*key], message).help(help));
            }
            return;
        }
        if self.user.is_none() {
            problems.push(Problem::at(["sasl"], "missing key `user`"));
        }
        match (&self.password, &self.password_file) {
            (None, None) => problems.push(Problem::at(["sasl"], "missing key `password`")),
            (Some(_), Some(_)) => {
                let message = "`password` is given already";
                problems.push(Problem::at(["password_file"], message));
            }
            _ => {}
        }
    }

    /// librdkafka knows its own properties and their values.
    fn check_options(&self, own: &[(&str, &str)], problems: &mut Problems) {
        for (name, value) in &self.options {
            if let Some((_, ours)) = own.iter().find(|(own, _)| own == name) {
                let message = format!("`{name}` has to be `{ours}` here");
                problems.push(Problem::at(["options", name], message).of_key());
                continue;
            }
            let mut client = ClientConfig::new();
            client.set(name, value.reveal());
            if let Err(KafkaError::ClientConfig(_, why, ..)) = client.create_native_config() {
                // Its message quotes the value, which may be a secret only where it is a password's.
                let message = format!("librdkafka does not take `{name}`: {why}");
                problems.push(Problem::at(["options", name], message));
            }
        }
    }
}

/// Whether this is `host:port`; the protocol's own words before it (`SASL_SSL://`) are librdkafka's.
fn is_address(server: &str) -> bool {
    server.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

fn first_line(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format!("`password_file = {}`", path.display()), error))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Error::data(format!(
            "`password_file = {}` is empty",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests;
