//! Asks a daemon by HTTP what it is doing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};

use crate::args::{Engine, Http};
use crate::board::Report;
use crate::global::global;
use crate::{Failure, text};

/// How long an answer may take to begin; it comes from memory.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A daemon, by its address.
#[derive(Debug, Clone)]
pub(crate) struct Daemon {
    client: Client,
    address: SocketAddr,
}

impl Daemon {
    /// The one that the command line or `datashark.conf` gives an address of.
    pub(crate) fn of(http: &Http, engine: &Engine) -> Result<Self, Failure> {
        let address = http.over(global(engine)?.engine.http);
        let off = || Failure::Run("`[engine] http` is off; `--http` says where to ask".to_owned());
        let address = reachable(address.ok_or_else(off)?);
        // The daemon is asked itself, whatever proxy the environment names.
        let client = Client::builder().no_proxy().connect_timeout(TIMEOUT);
        let client = client
            .build()
            .map_err(|error| Failure::Run(format!("no HTTP: {}", text::causes(&error))))?;
        Ok(Daemon { client, address })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its use cases are doing.
    ///
    /// # Errors
    /// It does not answer, or is another program.
    pub(crate) async fn report(&self) -> Result<Report, String> {
        let answer = async {
            let response = self.get("/api/usecases").await?;
            response.bytes().await.map_err(|error| self.failed(&error))
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        let answer = answer.map_err(|_| format!("{} does not answer", self.address))??;
        serde_json::from_slice(&answer).map_err(|error| {
            format!(
                "what answers at {} is no dataShark of this version: {error}",
                self.address
            )
        })
    }

    /// An answer.
    ///
    /// # Errors
    /// There is none, or it says what is wrong.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, String> {
        let url = format!("http://{}{path}", self.address);
        let response = self.client.get(url).send().await;
        let response = response.map_err(|error| self.failed(&error))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => {
                let said = response.text().await.unwrap_or_default();
                Err(match said.trim() {
                    "" => format!("{} answers {status}", self.address),
                    said => said.to_owned(),
                })
            }
        }
    }

    fn failed(&self, error: &reqwest::Error) -> String {
        let refused = text::sources(error).any(|cause| {
            let cause = cause.downcast_ref::<io::Error>();
            cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
        });
        match refused {
            true => format!("no daemon answers at {}", self.address),
            false => format!("{}: {}", self.address, text::causes(error)),
        }
    }
}

/// Where one is asked that listens at all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}
