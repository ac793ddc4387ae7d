//! The section `[out_syslog]` as the user writes it, and what types cannot check.

use std::path::PathBuf;
use std::time::Duration;

use datashark_sdk::conf::{Problem, Problems};
use datashark_sdk::document::DocumentNames;
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::priority::{Facility, Severity};

/// The section `[out_syslog]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyslogConf {
    /// The server's name or address.
    pub host: String,
    /// The server's port; without it 514, with TLS 6514 (RFC 5425).
    pub port: Option<u16>,
    /// How messages travel.
    pub transport: Transport,
    /// The socket of `transport = unix`; without it `/dev/log`.
    pub path: Option<PathBuf>,
    /// How a message looks.
    pub format: Format,
    /// How a finding stands in a message.
    pub body: Body,
    /// How messages are told apart in a stream; without it by octet counts, on a unix stream by
    /// line ends.
    pub framing: Option<Framing>,
    /// Who the messages are from.
    pub facility: Facility,
    /// How urgent they are.
    pub severity: Severity,
    /// The name of the program that they are from.
    pub app_name: String,
    /// The name of the machine that they are from; without it this one's.
    pub hostname: Option<String>,
    /// The longest message in bytes, without its frame; a longer one is refused. Without it
    /// 2,048 bytes by UDP and 8,192 elsewhere.
    #[serde(with = "datashark_sdk::conf::size::option")]
    pub max_size: Option<u64>,
    /// How long the server may take no byte, and at the end not close.
    #[serde(with = "datashark_sdk::conf::duration")]
    pub timeout: Duration,
    /// A PEM file with the authorities that the server's certificate may be from; without it those
    /// of the system.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with the certificate to show to the server, and those it was signed by.
    pub cert_file: Option<PathBuf>,
    /// A PEM file with that certificate's key.
    pub key_file: Option<PathBuf>,
    /// Whether the server has to prove who it is; without it `true`.
    pub verify: Option<bool>,
    /// The name of the key in a document.
    pub pkey: String,
    /// The name of the score in a document.
    pub score: String,
    /// The title in a document.
    pub title: String,
    /// Not used.
    pub debug: bool,
}

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// RFC 5426: a datagram each, and no word of whether it came.
    Udp,
    /// RFC 6587.
    Tcp,
    /// RFC 5425: TCP with TLS.
    Tls,
    /// A socket of this machine: of datagrams, or a stream where it is one.
    Unix,
}

/// How a message looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `<110>Oct 14 13:01:39 host app: …`, in local time.
    Rfc3164,
    /// `<110>1 2016-10-14T13:01:39Z host app - finding […] …`.
    Rfc5424,
}

/// How a finding stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// A JSON object.
    Json,
    /// Parameters of the structured data.
    Structured,
}

/// How messages are told apart in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// Its length stands before each (RFC 6587, 3.4.1; RFC 5425).
    Octet,
    /// A line end stands behind each (RFC 6587, 3.4.2).
    Newline,
}

impl Default for SyslogConf {
    /// What dataShark 1.2 sent: UDP to port 514, log audit, info, JSON.
    fn default() -> Self {
        SyslogConf {
            host: "127.0.0.1".into(),
            port: None,
            transport: Transport::Udp,
            path: None,
            format: Format::Rfc3164,
            body: Body::Json,
            framing: None,
            facility: Facility::Audit,
            severity: Severity::Info,
            app_name: "datashark".into(),
            hostname: None,
            max_size: None,
            timeout: Duration::from_secs(30),
            ca_file: None,
            cert_file: None,
            key_file: None,
            verify: None,
            pkey: "source_ip".into(),
            score: "anomaly_score".into(),
            title: "Use Case Title".into(),
            debug: false,
        }
    }
}

/// By UDP: what every receiver ought to take (RFC 5426, 3.2), in either format; the 1,024 bytes of
/// RFC 3164 are no receiver's limit any more.
const UDP_SIZE: u64 = 2048;
/// Elsewhere: what rsyslog takes unless told otherwise (`maxMessageSize`); syslog-ng takes 64 KiB.
const OTHER_SIZE: u64 = 8192;
/// The longest APP-NAME (RFC 5424, 6.2.5) and TAG (RFC 3164, 4.1.3).
const APP_NAME_5424: usize = 48;
const APP_NAME_3164: usize = 32;
/// The longest HOSTNAME (RFC 5424, 6.2.4).
const HOSTNAME: usize = 255;

impl SyslogConf {
    /// The names in a document.
    pub(crate) fn names(&self) -> DocumentNames {
        DocumentNames {
            title: self.title.clone(),
            key: self.pkey.clone(),
            score: self.score.clone(),
        }
    }

    /// The port, given or usual.
    pub(crate) fn port(&self) -> u16 {
        let usual = match self.transport {
            Transport::Tls => 6514,
            _ => 514,
        };
        self.port.unwrap_or(usual)
    }

    /// The longest message, given or usual.
    pub(crate) fn max_size(&self) -> usize {
        let usual = match self.transport {
            Transport::Udp => UDP_SIZE,
            _ => OTHER_SIZE,
        };
        usize::try_from(self.max_size.unwrap_or(usual)).unwrap_or(usize::MAX)
    }

    /// Every mistake that the types let pass.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Problems::new();
        self.check_place(&mut problems);
        self.check_tls(&mut problems);
        self.check_message(&mut problems);
        problems
    }

    fn check_place(&self, problems: &mut Problems) {
        let mut mistake = |key, message: &str| problems.push(Problem::at([key], message));
        let unix = self.transport == Transport::Unix;
        if self.host.trim().is_empty() {
            mistake("host", "expected a name or an address, found nothing");
        }
        if self.port == Some(0) {
            mistake("port", "expected a port from 1 to 65535, found 0");
        }
        if self.path.is_some() && !unix {
            mistake("path", "only `transport = unix` has a path");
        }
        if self.timeout.is_zero() {
            mistake("timeout", "expected more than nothing");
        }
    }

    fn check_tls(&self, problems: &mut Problems) {
        let files = [
            ("ca_file", self.ca_file.is_some()),
            ("cert_file", self.cert_file.is_some()),
            ("key_file", self.key_file.is_some()),
            ("verify", self.verify.is_some()),
        ];
        if self.transport != Transport::Tls {
            for (key, _) in files.iter().filter(|(_, given)| *given) {
                let message = "only `transport = tls` looks at it: nothing would be encrypted";
                problems.push(Problem::at([*key], message));
            }
            return;
        }
        if self.verify == Some(false) {
            let message = "whoever answers is taken for the server";
            let problem = Problem::at(["verify"], message).of_key().warning();
            problems.push(problem.help("write `ca_file` with its certificate"));
        }
        if ServerName::try_from(self.host.as_str()).is_err() {
            let message = format!("`{}` cannot be the name in a certificate", self.host);
            problems.push(Problem::at(["host"], message));
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
        if self.verify == Some(false) && self.ca_file.is_some() {
            let message = "it is not looked at with `verify = false`";
            problems.push(Problem::at(["ca_file"], message));
        }
    }

    fn check_message(&self, problems: &mut Problems) {
        let (longest, fits): (usize, fn(u8) -> bool) = match self.format {
            Format::Rfc3164 => (APP_NAME_3164, is_tag),
            Format::Rfc5424 => (APP_NAME_5424, |byte| byte.is_ascii_graphic()),
        };
        problems.extend(name("app_name", &self.app_name, longest, fits));
        if let Some(hostname) = &self.hostname {
            let fits = |byte: u8| byte.is_ascii_graphic();
            problems.extend(name("hostname", hostname, HOSTNAME, fits));
        }
        if self.body == Body::Structured && self.format == Format::Rfc3164 {
            let message = "RFC 3164 has no structured data";
            problems.push(Problem::at(["body"], message).help("`format = rfc5424` has"));
        }
        if self.max_size == Some(0) {
            problems.push(Problem::at(["max_size"], "expected more than nothing"));
        }
        let taken = ["title", "timestamp"];
        for (key, name) in [("pkey", &self.pkey), ("score", &self.score)] {
            if name.is_empty() || taken.contains(&name.as_str()) {
                let message = format!("expected a name other than {taken:?}, found `{name}`");
                problems.push(Problem::at([key], message));
            }
        }
        if self.pkey == self.score {
            let message = format!("expected another name than the key's, `{}`", self.pkey);
            problems.push(Problem::at(["score"], message));
        }
    }
}

/// What RFC 3164's receivers take for a tag: it ends at the first other character.
fn is_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)
}

fn name(key: &str, found: &str, longest: usize, fits: fn(u8) -> bool) -> Option<Problem> {
    let usable = (1..=longest).contains(&found.len()) && found.bytes().all(fits);
    let allowed: String = (b'!'..=b'~')
        .filter(|byte| fits(*byte))
        .map(char::from)
        .collect();
    let message =
        format!("expected 1 to {longest} ASCII characters without space, found `{found}`");
    (!usable).then(|| Problem::at([key], message).help(format!("any of {allowed}")))
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;
    use datashark_sdk::output::OutputEntry;

    use super::*;
    use crate::Syslog;

    fn problems(entries: &[(&str, &str)]) -> Vec<String> {
        let section = Section::from_iter(entries.iter().copied());
        let problems = OutputEntry::of::<Syslog>().check(&section);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_section_of_datashark_1_2_is_right() {
        let old = [
            ("host", "127.0.0.1"),
            ("port", "514"),
            ("pkey", "source_ip"),
            ("score", "anomaly_score"),
            ("title", "Use Case Title"),
            ("debug", "false"),
        ];
        assert_eq!(problems(&old), [] as [&str; 0]);
        assert_eq!(problems(&[]), [] as [&str; 0]);
    }

    #[test]
    fn a_section_with_all_of_tls_is_right() {
        let tls = [
            ("host", "logs.example.com"),
            ("transport", "tls"),
            ("format", "rfc5424"),
            ("body", "structured"),
            ("facility", "local4"),
            ("severity", "warning"),
            ("ca_file", "ca.pem"),
            ("cert_file", "cert.pem"),
            ("key_file", "key.pem"),
            ("verify", "true"),
            ("timeout", "5s"),
            ("max_size", "64KiB"),
        ];
        assert_eq!(problems(&tls), [] as [&str; 0]);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let found = problems(&[
            ("host", "''"),
            ("port", "0"),
            ("path", "/dev/log"),
            ("ca_file", "ca.pem"),
            ("app_name", "data shark"),
            ("hostname", "é"),
            ("body", "structured"),
            ("max_size", "0"),
            ("timeout", "0s"),
            ("pkey", "x"),
            ("score", "x"),
        ]);
        assert_eq!(
            found,
            [
                "host: expected a name or an address, found nothing",
                "port: expected a port from 1 to 65535, found 0",
                "path: only `transport = unix` has a path",
                "timeout: expected more than nothing",
                "ca_file: only `transport = tls` looks at it: nothing would be encrypted",
                "app_name: expected 1 to 32 ASCII characters without space, found `data shark`",
                "hostname: expected 1 to 255 ASCII characters without space, found `é`",
                "body: RFC 3164 has no structured data",
                "max_size: expected more than nothing",
                "score: expected another name than the key's, `x`",
            ]
        );
    }

    #[test]
    fn tls_is_checked_before_it_is_used() {
        let found = problems(&[
            ("transport", "tls"),
            ("host", "two words"),
            ("cert_file", "cert.pem"),
            ("ca_file", "ca.pem"),
            ("verify", "false"),
        ]);
        assert_eq!(
            found,
            [
                "verify: whoever answers is taken for the server",
                "host: `two words` cannot be the name in a certificate",
                "cert_file: a certificate and its key go together: `cert_file` and `key_file`",
                "ca_file: it is not looked at with `verify = false`",
            ]
        );
    }

    #[test]
    fn a_name_that_is_not_known_is_answered_with_the_nearest() {
        let [facility] = &problems(&[("facility", "audti")])[..] else {
            panic!("one mistake")
        };
        assert!(facility.contains("`audit`"), "{facility}");
        assert_eq!(
            problems(&[("hots", "x")]),
            ["hots: unknown key `hots`, did you mean `host`?"]
        );
    }

    #[test]
    fn ports_and_sizes_are_those_of_the_transport() {
        let conf = |transport| SyslogConf {
            transport,
            ..SyslogConf::default()
        };
        let usual = |transport| (conf(transport).port(), conf(transport).max_size());
        assert_eq!(usual(Transport::Udp), (514, 2048));
        assert_eq!(usual(Transport::Tcp), (514, 8192));
        assert_eq!(usual(Transport::Tls), (6514, 8192));
    }
}
