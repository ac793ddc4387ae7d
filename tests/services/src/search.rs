//! Search servers: which there are, and which of them tests run over.
//!
//! `DATASHARK_SEARCH` says which: a release such as `elasticsearch-9`, or `all`. Without it they are the newest of both
//! that run on Debian's Java.

use crate::Service;

/// A release of Elasticsearch or OpenSearch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchServer {
    /// The script: `elasticsearch` or `opensearch`.
    pub name: &'static str,
    /// The first number of the release.
    pub version: &'static str,
}

const ALL: [SearchServer; 6] = [
    server("opensearch", "1"),
    server("opensearch", "2"),
    server("opensearch", "3"),
    server("elasticsearch", "7"),
    server("elasticsearch", "8"),
    server("elasticsearch", "9"),
];

const USUAL: [SearchServer; 2] = [server("opensearch", "2"), server("elasticsearch", "8")];

const fn server(name: &'static str, version: &'static str) -> SearchServer {
    SearchServer { name, version }
}

impl SearchServer {
    /// The releases for tests that run over several.
    ///
    /// # Panics
    /// There is none of the name that was asked for.
    pub fn asked() -> Vec<Self> {
        let Ok(asked) = std::env::var("DATASHARK_SEARCH") else {
            return USUAL.to_vec();
        };
        if asked == "all" {
            return ALL.to_vec();
        }
        let named = |server: &Self| format!("{}-{}", server.name, server.version) == asked;
        let found = ALL.into_iter().find(named);
        vec![found.unwrap_or_else(|| panic!("DATASHARK_SEARCH = {asked}: there is {ALL:?}"))]
    }

    /// The release for tests that run over one.
    ///
    /// # Panics
    /// As [`SearchServer::asked`].
    pub fn one() -> Self {
        match Self::asked().as_slice() {
            [one] => *one,
            _ => USUAL[0],
        }
    }

    /// Starts a node, with settings of its own; `None` where it cannot be had.
    ///
    /// # Panics
    /// As [`Service::start`].
    pub fn start(self, settings: &str) -> Option<Service> {
        let variables = [("VERSION", self.version), ("SETTINGS", settings)];
        Service::start_with(self.name, &variables)
    }
}
