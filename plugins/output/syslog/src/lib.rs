//! The syslog output: a message for each finding, by UDP, TCP, TLS or a unix socket.
//!
//! `output = syslog`, `[out_syslog]`:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `host` | `127.0.0.1` | the server's name or address |
//! | `port` | `514`; `6514` by TLS | its port |
//! | `transport` | `udp` | `udp`, `tcp`, `tls` or `unix` |
//! | `path` | `/dev/log` | the socket of `transport = unix`: of datagrams or a stream |
//! | `format` | `rfc3164` | `rfc3164` or `rfc5424` |
//! | `body` | `json` | `json`; with `rfc5424` also `structured`: parameters of structured data |
//! | `framing` | `octet`; on a unix stream `newline` | how messages are told apart in a stream |
//! | `facility` | `audit` (13) | `kern`, `user`, … `local7` |
//! | `severity` | `info` (6) | `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug` |
//! | `app_name` | `datashark` | the program's name (tag) |
//! | `hostname` | this machine's; on a unix socket with `rfc3164` none | the machine's name |
//! | `pkey` | `source_ip` | the name of the key in the document |
//! | `score` | `anomaly_score` | the name of the score |
//! | `title` | `Use Case Title` | the document's title |
//! | `max_size` | `2048` by UDP, else `8192` | the longest message in bytes; a longer one is refused |
//! | `timeout` | `30s` | how long the server may take no byte, and at the end not close |
//! | `ca_file` | the system's | TLS: a PEM file with the authorities to trust |
//! | `verify` | `true` | TLS: `false` trusts whoever answers, and with it whoever stands between |
//! | `cert_file`, `key_file` | none | TLS: the certificate to show to the server and its key, PEM |
//! | `debug` | `false` | accepted for old confs' sake, not used |
//!
//! ```ini
//! output = syslog
//! [out_syslog]
//!     host = logs.example.com
//!     transport = tls
//!     format = rfc5424
//!     ca_file = /etc/datashark/ca.pem
//! ```
//!
//! # A message
//! With `body = json` the text is a finding's [document](datashark_sdk::document):
//! `<110>Oct 14 13:01:39 sensor datashark: {"title":…,"timestamp":…,"source_ip":…,…}`. With
//! `body = structured` the same members are parameters of the element `datashark@32473`, their names
//! cut to the 32 characters of RFC 5424, and the text is the title. In RFC 5424 the element has the
//! finding's `id` in either case. The default is RFC 3164, which is what a server at port 514 takes a
//! message for that was not told otherwise.
//!
//! The header's time is the finding's, and a finding that is sent again is the same message, so that
//! doubles can be told by comparing. There is no byte order mark before the text, which RFC 5424
//! lets stand before UTF-8: JSON must not have one (RFC 8259, 8.1), and rsyslog keeps it as a part of
//! the text. Text is UTF-8 as it is. Control characters are JSON's escapes (`\n`, `\u0000`), in
//! parameters too, so that no value ends a line or a message.
//!
//! # Delivery
//! A message is sent whole or refused, never cut: findings whose message is longer than `max_size`
//! are kept by the engine with that reason. The defaults are what receivers are sure to take: by UDP
//! what RFC 5426 (3.2) asks of them, else what rsyslog takes unless its `maxMessageSize` says
//! otherwise (it cuts what is longer). Raise both together.
//!
//! **TCP, TLS, unix stream**: findings are delivered when the server has read them. A connection
//! carries one write, at most 10,000 findings and what fills a chunk. Then this side closes its half,
//! and the server's close in return says that it has read to the end; another connection without a
//! message shows that it did not close because it was stopped. After a reset, or no close within
//! `timeout`, all findings of this connection are sent again. So a server that stops or
//! restarts gets each finding, those of one connection perhaps twice.
//!
//! What a server does with what it has read is its own: rsyslog drops what is left in its queue
//! `queue.timeoutShutdown` after it was stopped, unless `queue.saveOnShutdown` is on. A server that is
//! killed loses what it had not written yet, and plain syslog has no way to tell. Behind a proxy
//! all this holds of the proxy; and TCP's close is not signed, so that somebody in between could
//! feign it, by TLS too.
//!
//! **UDP, unix datagrams**: findings are delivered when the kernel has taken them. By UDP a server
//! that is away or slow loses them, unless it is on this machine: then that nobody listens is seen.
//!
//! # Limits
//! What the header cannot hold is `_` in the machine's name. The `syslog` crate's formatters (7.0) are
//! not used: they stamp each message with the time of formatting, which is not the finding's; in
//! RFC 3164 they write UTC and a zero before a day of one digit; they leave control characters in
//! parameters; and they build maps and strings for each message.

mod conf;
mod connection;
mod escape;
mod header;
mod message;
mod priority;
mod structured;
mod tls;

use std::time::Duration;

use async_trait::async_trait;
use datashark_sdk::conf::Problems;
use datashark_sdk::output::{Fate, FindingsBatch, Gather, OpenOutput, Outcome, Output};
use datashark_sdk::{Error, Result};
use rustix::io::Errno;

pub use conf::{Body, Format, Framing, SyslogConf, Transport};
use connection::{Connection, Target};
use message::{Chunk, Encoded, Encoder};
pub use priority::{Facility, Severity};

/// How many findings go over a stream before its end is waited for: what is sent again after a
/// failure. With 300 bytes each this is 3 MB, against which two round trips do not count.
const FINDINGS_PER_CONNECTION: usize = 10_000;
/// How long findings wait for more to share a connection.
const MAX_AGE: Duration = Duration::from_millis(200);

/// The syslog output.
pub struct Syslog {
    target: Target,
    framing: Option<Framing>,
    timeout: Duration,
    encoder: Encoder,
    chunk: Chunk,
}

#[async_trait]
impl Output for Syslog {
    type Conf = SyslogConf;
    const NAME: &'static str = "syslog";
    const ABOUT: &'static str = "a syslog server, by UDP, TCP, TLS or a unix socket";

    fn check(conf: &SyslogConf) -> Problems {
        conf.problems()
    }

    fn servers(conf: &SyslogConf) -> Vec<String> {
        match conf.transport {
            Transport::Tcp | Transport::Tls => vec![format!("{}:{}", conf.host, conf.port())],
            Transport::Udp | Transport::Unix => Vec::new(),
        }
    }

    fn gather(_: &SyslogConf) -> Gather {
        Gather {
            max_findings: FINDINGS_PER_CONNECTION,
            max_age: MAX_AGE,
        }
    }

    async fn open(conf: SyslogConf, _: OpenOutput) -> Result<Self> {
        let machine = rustix::system::uname();
        Ok(Syslog {
            target: target(&conf)?,
            framing: conf.framing,
            timeout: conf.timeout,
            encoder: Encoder::new(&conf, &machine.nodename().to_string_lossy()),
            chunk: Chunk::default(),
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let mut fates = Fates::default();
        match self.deliver(batches, &mut fates).await {
            Ok(()) => fates.outcome(),
            Err(Failure::Broken(error)) => Outcome::Stop(error),
            Err(Failure::Away(error)) => {
                let n_findings = batches.iter().map(|batch| batch.findings.len()).sum();
                let reason = format!("syslog server {}: {error}", self.target);
                fates.or_again(n_findings, reason)
            }
        }
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Written {n_findings} Documents to Syslog {}", self.target)
    }
}

fn target(conf: &SyslogConf) -> Result<Target> {
    let (host, port) = (conf.host.clone(), conf.port());
    Ok(match conf.transport {
        Transport::Udp => Target::Udp { host, port },
        Transport::Tcp => Target::Tcp { host, port },
        Transport::Tls => Target::Tls {
            host,
            port,
            connector: tls::connector(conf)?,
        },
        Transport::Unix => Target::Unix(conf.path.clone().unwrap_or_else(|| "/dev/log".into())),
    })
}

/// Why a write came to no end.
enum Failure {
    /// The server is away or has gone.
    Away(std::io::Error),
    /// The findings cannot be made messages.
    Broken(Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Away(error)
    }
}

impl Syslog {
    async fn deliver(
        &mut self,
        batches: &[FindingsBatch],
        fates: &mut Fates,
    ) -> Result<(), Failure> {
        let mut connection = None;
        for batch in batches {
            let mut row = 0;
            while row < batch.findings.len() {
                let open = match connection.take() {
                    Some(open) => open,
                    None => self.target.connect(self.timeout).await?,
                };
                let open = connection.insert(open);
                row = self.fill(batch, row, open)?;
                self.send(open, fates).await?;
                if fates.n_pending() >= FINDINGS_PER_CONNECTION
                    && let Some(open) = connection.take()
                {
                    self.finish(open).await?;
                    fates.settle();
                }
            }
        }
        if let Some(open) = connection {
            self.finish(open).await?;
        }
        fates.settle();
        Ok(())
    }

    /// Ends a connection; without an error its messages have arrived.
    ///
    /// A server that is being stopped may have read more than it has looked at, and closes the
    /// connection as one that has come to its end: syslog-ng loses so up to 64 KiB. So the server has
    /// to show that it is still there: it takes another connection to its end, one without a
    /// message. One that is on its way out no longer does.
    async fn finish(&self, open: Connection) -> std::io::Result<()> {
        let is_stream = !open.is_of_datagrams();
        open.finish(self.timeout).await?;
        if is_stream {
            let proof = self.target.connect(self.timeout).await?;
            proof.finish(self.timeout).await?;
        }
        Ok(())
    }

    /// Encodes findings from this row on for a connection; gives the first row that is left.
    fn fill(
        &mut self,
        batch: &FindingsBatch,
        row: usize,
        connection: &Connection,
    ) -> Result<usize, Failure> {
        let usual = match connection {
            Connection::Udp(_) | Connection::UnixDatagram(_) => None,
            Connection::UnixStream(_) => Some(self.framing.unwrap_or(Framing::Newline)),
            Connection::Tcp(_) | Connection::Tls(_) => Some(self.framing.unwrap_or(Framing::Octet)),
        };
        let filled = self.encoder.fill(batch, row, usual, &mut self.chunk);
        filled.map_err(Failure::Broken)
    }

    /// Sends the chunk and notes what became of its findings, as far as it is known.
    async fn send(
        &mut self,
        connection: &mut Connection,
        fates: &mut Fates,
    ) -> Result<(), Failure> {
        let of_datagrams = connection.is_of_datagrams();
        if !of_datagrams {
            connection.send(&self.chunk.bytes, self.timeout).await?;
        }
        for encoded in &self.chunk.messages {
            let fate = match encoded {
                Encoded::TooLong(n_bytes) => too_long(*n_bytes, self.encoder.max_size()),
                Encoded::At(range) if of_datagrams => {
                    let message = &self.chunk.bytes[range.clone()];
                    match connection.send(message, self.timeout).await {
                        Err(error) if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) => {
                            Fate::Refused(format!(
                                "the message has {} bytes, more than a datagram holds here",
                                message.len()
                            ))
                        }
                        sent => sent.map(|()| Fate::Safe)?,
                    }
                }
                Encoded::At(_) => Fate::Safe,
            };
            fates.push(fate);
        }
        Ok(())
    }
}

fn too_long(n_bytes: usize, max_size: usize) -> Fate {
    Fate::Refused(format!(
        "the message has {n_bytes} bytes, more than `max_size = {max_size}`"
    ))
}

/// What became of the findings of a write, in their order.
#[derive(Default)]
struct Fates {
    fates: Vec<Fate>,
    /// How many of them are final; the others hold if the connection comes to a good end.
    n_settled: usize,
}

impl Fates {
    fn push(&mut self, fate: Fate) {
        self.fates.push(fate);
    }

    fn n_pending(&self) -> usize {
        self.fates.len() - self.n_settled
    }

    fn settle(&mut self) {
        self.n_settled = self.fates.len();
    }

    fn outcome(self) -> Outcome {
        match self.fates.iter().all(|fate| *fate == Fate::Safe) {
            true => Outcome::Safe,
            false => Outcome::Each(self.fates),
        }
    }

    /// What is settled, and for the rest of so many findings again.
    fn or_again(mut self, n_findings: usize, reason: String) -> Outcome {
        if self.n_settled == 0 {
            return Outcome::Again(reason);
        }
        self.fates.truncate(self.n_settled);
        self.fates.resize(n_findings, Fate::Again(reason));
        Outcome::Each(self.fates)
    }
}
