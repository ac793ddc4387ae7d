//! The thread that receives: datagrams in, batches out.

use std::convert::Infallible;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crossbeam_channel::TryRecvError;
use datashark_codec::netflow::{Collector, Datagram, Taken};
use datashark_sdk::input::{Content, InputBatch, InputEvent, PartitionId, Unreadable};
use datashark_sdk::{Error, Result};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use tokio::sync::mpsc;

use crate::NetflowConf;

/// The longest datagram.
const DATAGRAM_BYTES: usize = 65_535;

/// Flows that make a batch.
const BATCH_ROWS: usize = 16_384;

/// How long a flow waits for others at most, and how soon a stop is seen.
const WAIT: Duration = Duration::from_micros(WAIT_MICROS);
const WAIT_MICROS: u64 = 100_000;

/// A socket and what came of it.
pub(crate) struct Receiver {
    socket: UdpSocket,
    partition: PartitionId,
    collector: Collector,
    /// Where the next batch begins.
    offset: u64,
    /// Datagrams that the kernel has dropped since the socket was made.
    n_dropped: u32,
    unreadable: Vec<String>,
    /// Bytes since the last batch.
    n_bytes: u64,
    /// When the first datagram of the batch was received.
    begun: Option<i64>,
    /// Whether what there is goes to the engine now.
    is_due: bool,
}

/// A datagram's length, and what the kernel says beside it.
struct Received {
    len: usize,
    from: Option<IpAddr>,
    micros: Option<i64>,
    n_dropped: Option<u32>,
}

impl Receiver {
    /// Makes the socket.
    pub(crate) fn bind(
        listen: &str,
        conf: &NetflowConf,
        partition: PartitionId,
        collector: Collector,
    ) -> Result<Self> {
        let cannot = |error| Error::io(format!("`{listen}` cannot be received at"), error);
        let socket = UdpSocket::bind(listen).map_err(cannot)?;
        let wanted = usize::try_from(conf.receive_buffer).unwrap_or(usize::MAX);
        let prepared = socket
            .set_read_timeout(Some(WAIT))
            .and_then(|()| Ok(setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?))
            .and_then(|()| Ok(setsockopt(&socket, sockopt::RxqOvfl, &1)?))
            .and_then(|()| Ok(setsockopt(&socket, sockopt::RcvBuf, &wanted)?));
        prepared.map_err(cannot)?;
        // The kernel doubles what it is asked for, for its own bookkeeping.
        let got = nix::sys::socket::getsockopt(&socket, sockopt::RcvBuf).unwrap_or(0) / 2;
        if got < wanted {
            tracing::warn!(
                listen,
                wanted,
                got,
                "the kernel's `net.core.rmem_max` is less than `receive_buffer`"
            );
        }
        Ok(Receiver {
            socket,
            partition,
            collector,
            offset: 0,
            n_dropped: 0,
            unreadable: Vec::new(),
            n_bytes: 0,
            begun: None,
            is_due: false,
        })
    }

    /// The same, with offsets from this one on.
    pub(crate) fn from(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Where it receives.
    pub(crate) fn address(&self) -> String {
        let address = self.socket.local_addr();
        address.map_or_else(|_| String::new(), |address| address.to_string())
    }

    /// Whether it is this partition's.
    pub(crate) fn is_of(&self, partition: &PartitionId) -> bool {
        self.partition == *partition
    }

    /// Receives until nobody listens any more.
    pub(crate) fn run(
        mut self,
        events: &mpsc::Sender<InputEvent>,
        alive: &crossbeam_channel::Receiver<Infallible>,
    ) {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        while alive.try_recv() != Err(TryRecvError::Disconnected) {
            match self.receive(&mut buffer) {
                Ok(Some(received)) => self.take(&received, &buffer),
                Ok(None) => self.is_due = true,
                Err(error) => {
                    let reason = format!("`{}` cannot be received at: {error}", self.address());
                    let partition = Some(self.partition.clone());
                    let _ = events.blocking_send(InputEvent::Failed { partition, reason });
                    return;
                }
            }
            if self.is_due
                && let Some(batch) = self.batch()
                && events.blocking_send(InputEvent::Batch(batch)).is_err()
            {
                return;
            }
        }
    }

    /// The next datagram; `None` if there was none for a while.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let mut beside = nix::cmsg_space!(TimeSpec, u32);
        let mut room = [IoSliceMut::new(buffer)];
        let fd = self.socket.as_raw_fd();
        let message =
            recvmsg::<SockaddrStorage>(fd, &mut room, Some(&mut beside), MsgFlags::empty());
        let message = match message {
            Ok(message) => message,
            // EAGAIN after the time limit; ECONNREFUSED is of nothing that was sent from here.
            Err(nix::Error::EAGAIN | nix::Error::EINTR | nix::Error::ECONNREFUSED) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let (mut micros, mut n_dropped) = (None, None);
        for said in message.cmsgs()? {
            match said {
                ControlMessageOwned::ScmTimestampns(time) => {
                    micros = Some(time.tv_sec() * 1_000_000 + time.tv_nsec() / 1_000);
                }
                ControlMessageOwned::RxqOvfl(n) => n_dropped = Some(n),
                _ => {}
            }
        }
        Ok(Some(Received {
            len: message.bytes,
            from: message.address.as_ref().and_then(address),
            micros,
            n_dropped,
        }))
    }

    fn take(&mut self, received: &Received, buffer: &[u8]) {
        self.n_bytes += received.len as u64;
        if let Some(n_dropped) = received.n_dropped {
            let n = n_dropped.wrapping_sub(self.n_dropped);
            self.n_dropped = n_dropped;
            if n > 0 {
                self.unreadable.push(format!(
                    "{n} datagrams were dropped: the socket's buffer was full; raise `receive_buffer`"
                ));
            }
        }
        let (Some(exporter), Some(micros)) = (received.from, received.micros) else {
            self.unreadable
                .push("a datagram without its sender or its time".to_owned());
            return;
        };
        self.collector.read(&Datagram {
            exporter,
            received: micros,
            bytes: &buffer[..received.len],
        });
        let begun = *self.begun.get_or_insert(micros);
        let waited = u64::try_from(micros - begun).unwrap_or(0);
        self.is_due = self.collector.n_rows() >= BATCH_ROWS || waited >= WAIT_MICROS;
    }

    /// What came since the last batch.
    fn batch(&mut self) -> Option<InputBatch> {
        (self.begun, self.is_due) = (None, false);
        let Taken { rows, unreadable } = self.collector.take();
        let reasons = std::mem::take(&mut self.unreadable)
            .into_iter()
            .chain(unreadable);
        let first_offset = self.offset;
        self.offset += rows.num_rows() as u64;
        let unreadable: Vec<Unreadable> = reasons
            .map(|reason| {
                let offset = self.offset;
                self.offset += 1;
                Unreadable { offset, reason }
            })
            .collect();
        if self.offset == first_offset {
            return None;
        }
        Some(InputBatch {
            partition: self.partition.clone(),
            content: Content::Columns { rows, first_offset },
            end_offset: self.offset,
            n_bytes: std::mem::take(&mut self.n_bytes),
            oversized: Vec::new(),
            unreadable,
            arrival: None,
        })
    }
}

/// Who sent a datagram; an IPv4 address that came to a socket of IPv6 is one of IPv4.
fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = from.as_sockaddr_in().map(|from| IpAddr::V4(from.ip()));
    v4.or_else(|| {
        let from: SocketAddr = (*from.as_sockaddr_in6()?).into();
        Some(from.ip().to_canonical())
    })
}
