//! A connection, and how it is known that the server has what was sent.
//!
//! Plain syslog has no acknowledgement, and a byte that TCP has acknowledged may still be unread in
//! the server's socket when the server ends. So a stream is brought to its end: this side closes its
//! half and waits for the server to close the other. A server closes when it has read to the end.
//! One that ends with bytes unread answers with a reset instead, by TCP's rules (RFC 2525, 2.17).
//! One that had closed before the last bytes came answers these with a reset; [`all_taken`] waits for
//! that or for the last acknowledgement.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Where messages go.
#[derive(Clone)]
pub(crate) enum Target {
    Udp {
        host: String,
        port: u16,
    },
    Tcp {
        host: String,
        port: u16,
    },
    Tls {
        host: String,
        port: u16,
        connector: TlsConnector,
    },
    Unix(PathBuf),
}

/// An open connection.
pub(crate) enum Connection {
    Udp(UdpSocket),
    UnixDatagram(UnixDatagram),
    UnixStream(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Unix(path) => write!(f, "{}", path.display()),
            Target::Udp { host, port }
            | Target::Tcp { host, port }
            | Target::Tls { host, port, .. } => match host.contains(':') {
                true => write!(f, "[{host}]:{port}"),
                false => write!(f, "{host}:{port}"),
            },
        }
    }
}

impl Target {
    /// Connects, within a time.
    pub(crate) async fn connect(&self, within: Duration) -> Result<Connection> {
        let late = || timed_out(format!("no connection within {within:?}"));
        timeout(within, self.open()).await.map_err(|_| late())?
    }

    async fn open(&self) -> Result<Connection> {
        Ok(match self {
            Target::Udp { host, port } => Connection::Udp(udp(host, *port).await?),
            Target::Tcp { host, port } => Connection::Tcp(tcp(host, *port).await?),
            Target::Tls {
                host,
                port,
                connector,
            } => {
                let name = ServerName::try_from(host.clone()).map_err(Error::other)?;
                let stream = connector.connect(name, tcp(host, *port).await?).await?;
                Connection::Tls(Box::new(stream))
            }
            Target::Unix(path) => unix(path).await?,
        })
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream> {
    TcpStream::connect((host, port)).await
}

/// The first of the host's addresses that this machine has a way to.
async fn udp(host: &str, port: u16) -> Result<UdpSocket> {
    let mut failed = Error::new(ErrorKind::NotFound, format!("`{host}` has no address"));
    for address in lookup_host((host, port)).await? {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// The socket as what it is: of datagrams, or a stream.
async fn unix(path: &Path) -> Result<Connection> {
    let socket = UnixDatagram::unbound()?;
    match socket.connect(path) {
        Ok(()) => Ok(Connection::UnixDatagram(socket)),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::PROTOTYPE) => {
            Ok(Connection::UnixStream(UnixStream::connect(path).await?))
        }
        Err(error) => Err(error),
    }
}

impl Connection {
    /// Whether each message is a packet of its own.
    pub(crate) fn is_of_datagrams(&self) -> bool {
        matches!(self, Connection::Udp(_) | Connection::UnixDatagram(_))
    }

    /// Hands over a message, or any bytes of a stream. Each `within` the other side must take some.
    pub(crate) async fn send(&mut self, bytes: &[u8], within: Duration) -> Result<()> {
        match self {
            Connection::Udp(socket) => whole(socket.send(bytes), bytes, within).await,
            Connection::UnixDatagram(socket) => whole(socket.send(bytes), bytes, within).await,
            Connection::UnixStream(stream) => write(stream, bytes, within).await,
            Connection::Tcp(stream) => write(stream, bytes, within).await,
            Connection::Tls(stream) => write(stream.as_mut(), bytes, within).await,
        }
    }

    /// Ends the connection; without an error the server has read all that was sent by a stream, and
    /// a datagram is on its way.
    pub(crate) async fn finish(self, within: Duration) -> Result<()> {
        match self {
            // That nobody listens comes back as an error of the socket, at once on this machine.
            Connection::Udp(socket) => socket.take_error()?.map_or(Ok(()), Err),
            Connection::UnixDatagram(socket) => socket.take_error()?.map_or(Ok(()), Err),
            Connection::UnixStream(mut stream) => to_the_end(&mut stream, within).await,
            Connection::Tcp(mut stream) => {
                to_the_end(&mut stream, within).await?;
                all_taken(&stream, within).await
            }
            Connection::Tls(mut stream) => {
                to_the_end(stream.as_mut(), within).await?;
                all_taken(stream.get_ref().0, within).await
            }
        }
    }
}

/// Sends a datagram.
async fn whole(
    sent: impl Future<Output = Result<usize>>,
    bytes: &[u8],
    within: Duration,
) -> Result<()> {
    let late = |_| timed_out(format!("the receiver's queue is full since {within:?}"));
    match timeout(within, sent).await.map_err(late)?? {
        n if n == bytes.len() => Ok(()),
        n => Err(Error::other(format!(
            "{n} of {} bytes were sent",
            bytes.len()
        ))),
    }
}

/// Writes to a stream.
async fn write(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut bytes: &[u8],
    within: Duration,
) -> Result<()> {
    let late = |_| timed_out(format!("the server takes nothing since {within:?}"));
    while !bytes.is_empty() {
        match timeout(within, stream.write(bytes)).await.map_err(late)? {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) => return Err(said_before(stream).await.unwrap_or(error)),
        }
    }
    // TLS may hold some back.
    timeout(within, stream.flush()).await.map_err(late)?
}

/// Why the server has closed, where it said so before: a TLS alert tells more than `broken pipe`.
async fn said_before(stream: &mut (impl AsyncRead + Unpin)) -> Option<Error> {
    let mut read = [0; 512];
    let said = timeout(Duration::ZERO, stream.read(&mut read)).await.ok()?;
    said.err()
        .filter(|error| error.kind() == ErrorKind::InvalidData)
}

/// Closes this half of a stream and waits until the server has closed its own.
async fn to_the_end(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    within: Duration,
) -> Result<()> {
    let late = |_| {
        timed_out(format!(
            "the server has not read to the end within {within:?}"
        ))
    };
    if let Err(error) = timeout(within, stream.shutdown()).await.map_err(late)? {
        return Err(said_before(stream).await.unwrap_or(error));
    }
    // What it says meanwhile (TLS tickets, a greeting) is read and not looked at: closing a socket
    // with something unread in it would be a reset, which drops what the server has not read.
    let mut read = [0; 4096];
    loop {
        match timeout(within, stream.read(&mut read))
            .await
            .map_err(late)?
        {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // rsyslog closes TCP without closing TLS; what counts here is TCP.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Waits until a connection that both sides have closed is at its end, with every byte acknowledged.
///
/// Linux has no peer for a socket in the state CLOSED (`getpeername` in `net/ipv4/af_inet.c`), and a
/// socket gets there when this side's close, which comes behind its last byte, is acknowledged, or
/// by a reset, which leaves an error. If the server closed first (syslog-ng does so at the end of
/// TLS, before that of TCP) either may still be on its way.
async fn all_taken(stream: &TcpStream, within: Duration) -> Result<()> {
    let closed = async {
        let mut pause = Duration::from_micros(100);
        while stream.peer_addr().is_ok() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    };
    let late = |_| {
        timed_out(format!(
            "the last bytes are not acknowledged within {within:?}"
        ))
    };
    timeout(within, closed).await.map_err(late)?;
    // In this order: a reset in between must not go unseen.
    stream.take_error()?.map_or(Ok(()), Err)
}

fn timed_out(message: String) -> Error {
    Error::new(ErrorKind::TimedOut, message)
}

#[cfg(test)]
mod tests;
