//! The two servers, with the differences between their scripts levelled out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use datashark_test_services::Service;

use crate::received::{Received, parse};

/// A server that runs, and the folder of its certificates.
pub(crate) struct Server {
    service: Service,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsyslog,
    SyslogNg,
}

pub(crate) const BOTH: [Kind; 2] = [Kind::Rsyslog, Kind::SyslogNg];

/// How long a condition may take to come about: longer than any machine is busy.
const BOUND: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(50);

impl Server {
    /// Starts it; `None` where it cannot be had, which has been said then.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        Server::start_with(kind, &[])
    }

    pub(crate) fn start_with(kind: Kind, variables: &[(&str, &str)]) -> Option<Self> {
        let name = match kind {
            Kind::Rsyslog => "rsyslog",
            Kind::SyslogNg => "syslog-ng",
        };
        let service = Service::start_with(name, variables)?;
        Some(Server { service, kind })
    }

    /// What its script says of it: `port`, `tls_port`, `datagrams`, …
    pub(crate) fn value(&self, key: &str) -> &str {
        self.service.value(key)
    }

    /// The file of what it has received.
    pub(crate) fn file(&self) -> PathBuf {
        self.service.folder().join("received.json")
    }

    /// What it complains of.
    pub(crate) fn complaints(&self) -> String {
        let file = match self.kind {
            Kind::Rsyslog => "complaints",
            Kind::SyslogNg => "log",
        };
        std::fs::read_to_string(self.service.folder().join(file)).unwrap_or_default()
    }

    /// Waits for so many messages and gives all there are.
    pub(crate) async fn received(&self, n_messages: usize) -> Vec<Received> {
        let file = self.file();
        wait(|| n_lines(&file) >= n_messages, || self.complaints()).await;
        // One that is not ours, or came twice, has come by the time the server has stopped; tests
        // that care stop it first.
        parse(self.kind, &std::fs::read_to_string(file).unwrap())
    }

    /// Stops it and gives what it has received in all.
    pub(crate) fn stop(&mut self) -> Vec<Received> {
        self.service.stop();
        parse(
            self.kind,
            &std::fs::read_to_string(self.file()).unwrap_or_default(),
        )
    }

    /// Stops it, whatever it has received.
    pub(crate) fn stop_running(&mut self) {
        self.service.stop();
    }

    /// Starts it again after [`Server::stop`].
    pub(crate) fn start_again(&mut self) {
        self.service.start_again();
    }
}

/// How many messages a file has.
pub(crate) fn n_lines(file: &Path) -> usize {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Waits until a condition holds.
pub(crate) async fn wait(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    let mut waited = Duration::ZERO;
    while !holds() {
        assert!(waited < BOUND, "not after {BOUND:?}: {}", what());
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
}
