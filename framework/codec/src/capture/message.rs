//! A record of a capture: what the packet says of a DNS message, then the message.
//!
//! ```text
//! "DNS1"  time_ns i64  frame_bytes u32  ports u16 u16  transport u8  version u8  addresses  message
//! ```
//!
//! Numbers are little-endian; the transport is IP's number, 6 or 17; the version is 4 or 6, and says
//! whether the addresses, source first, take 4 or 16 bytes each. A record that is kept in quarantine
//! reads by itself, wherever its capture is by then.

use std::net::IpAddr;

const MARK: &[u8; 4] = b"DNS1";

/// The bytes before the addresses.
const HEAD_BYTES: usize = 22;

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// In a connection, behind its length.
    Tcp,
}

/// A DNS message and the packet that completed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// When the packet was captured, in nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
    /// How long the packet was on the wire.
    pub frame_bytes: u32,
    /// How it came.
    pub transport: Transport,
    /// Who sent it.
    pub source: IpAddr,
    /// From which port.
    pub source_port: u16,
    /// To whom.
    pub destination: IpAddr,
    /// To which port.
    pub destination_port: u16,
    /// The message as it was sent, as far as it was captured.
    pub bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Appends the record.
    pub fn encode(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(MARK);
        record.extend_from_slice(&self.time_ns.to_le_bytes());
        record.extend_from_slice(&self.frame_bytes.to_le_bytes());
        record.extend_from_slice(&self.source_port.to_le_bytes());
        record.extend_from_slice(&self.destination_port.to_le_bytes());
        record.push(match self.transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        });
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                record.push(4);
                record.extend_from_slice(&source.octets());
                record.extend_from_slice(&destination.octets());
            }
            (source, destination) => {
                record.push(6);
                record.extend_from_slice(&v6(source));
                record.extend_from_slice(&v6(destination));
            }
        }
        record.extend_from_slice(self.bytes);
    }

    /// Reads a record; `None` if it is none.
    #[inline]
    pub fn decode(record: &'a [u8]) -> Option<Self> {
        let (head, rest) = record.split_first_chunk::<HEAD_BYTES>()?;
        let (mark, head) = head.split_first_chunk::<4>()?;
        let (time_ns, head) = head.split_first_chunk::<8>()?;
        let (frame_bytes, head) = head.split_first_chunk::<4>()?;
        let (source_port, head) = head.split_first_chunk::<2>()?;
        let (destination_port, head) = head.split_first_chunk::<2>()?;
        let &[transport, version] = head else {
            return None;
        };
        let transport = match transport {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => return None,
        };
        let (source, destination, bytes) = match version {
            4 => {
                let (source, rest) = rest.split_first_chunk::<4>()?;
                let (destination, rest) = rest.split_first_chunk::<4>()?;
                (IpAddr::from(*source), IpAddr::from(*destination), rest)
            }
            6 => {
                let (source, rest) = rest.split_first_chunk::<16>()?;
                let (destination, rest) = rest.split_first_chunk::<16>()?;
                (IpAddr::from(*source), IpAddr::from(*destination), rest)
            }
            _ => return None,
        };
        (mark == MARK).then_some(Message {
            time_ns: i64::from_le_bytes(*time_ns),
            frame_bytes: u32::from_le_bytes(*frame_bytes),
            transport,
            source,
            source_port: u16::from_le_bytes(*source_port),
            destination,
            destination_port: u16::from_le_bytes(*destination_port),
            bytes,
        })
    }
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
