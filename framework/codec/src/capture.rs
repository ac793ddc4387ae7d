//! Captures of packets, pcap and pcapng, to the DNS messages in them: the records of [`crate::dns`].
//!
//! A [`Capture`] is given a file's bytes from the first one on, in pieces of any size, and puts what it
//! finds into [`Found`]: a record for each DNS message, and a reason for each packet that is damaged.
//! What is no DNS is passed over. The module pushes and never reads, so that whoever has the bytes
//! decides where they come from.
//!
//! | | |
//! |---|---|
//! | files | pcap of both byte orders, in micro- and nanoseconds; pcapng with any interfaces and sections |
//! | link types | Ethernet with VLAN tags, raw IP, Linux cooked (1 and 2), BSD loopback, FDDI |
//! | network | IPv4 and IPv6 with their extension headers; fragments are put together |
//! | transport | UDP; TCP, whose segments are put in order and cut into messages by their lengths |
//! | ports | 53 (DNS), 5353 (mDNS), 5355 (LLMNR), at either end |
//!
//! A record begins with what the packet says of the message ([`Message`]), then the message itself. One
//! that came over TCP or in fragments has the time, length and place of the packet that completed it.
//! The offset of a record is where its packet stands in the file; where one packet completes several
//! messages, each further one counts one byte more, so that each has a place of its own.
//!
//! What a capture has that no record shows is told as unreadable: a header that cannot be what it claims
//! to be, a connection with bytes missing, a packet that the file breaks off in. Damage to the file itself
//! ([`Damage`]) ends the reading: nothing says where the next packet would begin.
//!
//! What hostile input can cost: 16 MiB of segments out of order and a message of 64 KiB for each of 8,192
//! directions of connections, 256 fragmented packets of 64 KiB, and one block of the file of 16 MiB. Work is
//! linear in the input.

mod file;
mod fragments;
mod frame;
mod message;
mod tcp;

use std::net::IpAddr;

use arrow::array::BinaryViewArray;
use arrow::buffer::Buffer;

use crate::lines::Lines;
use crate::view::view;
use file::{File, Packet};
use fragments::Fragments;
use frame::{Content, Datagram};
use tcp::Connections;

pub use file::Damage;
pub use message::{Message, Transport};

/// The ports whose traffic is DNS: DNS itself, mDNS and LLMNR.
const PORTS: [u16; 3] = [53, 5353, 5355];

/// A capture as far as it was read.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    file: File,
    fragments: Fragments,
    connections: Connections,
}

impl Capture {
    /// A capture of which nothing was read.
    pub fn new() -> Self {
        Capture::default()
    }

    /// Takes whole packets off the front of `bytes`, which stand at `offset` in the file, and says how many
    /// bytes those are. The rest is to be given again, with more behind it.
    ///
    /// # Errors
    /// The file is no capture, or damaged so that nothing behind this place can be read.
    pub fn take(&mut self, bytes: &[u8], offset: u64, found: &mut Found) -> Result<usize, Damage> {
        let mut n_taken = 0;
        loop {
            let at = offset + n_taken as u64;
            let Some((packet, len)) = self.file.packet(&bytes[n_taken..], at)? else {
                return Ok(n_taken);
            };
            if let Some(packet) = packet
                && let Err(reason) = packet.and_then(|packet| self.see(&packet, at, found))
            {
                found.unreadable(at, reason);
            }
            n_taken += len;
        }
    }

    /// Nothing comes behind `rest`, which stands at `offset`: says what is not whole.
    pub fn finish(&mut self, rest: &[u8], offset: u64, found: &mut Found) {
        if !rest.is_empty() {
            let n = rest.len();
            found.unreadable(
                offset,
                format!("the capture ends within a packet, after {n} bytes of it"),
            );
        }
        self.fragments.finish(found);
        self.connections.finish(found);
    }

    fn see(&mut self, packet: &Packet<'_>, offset: u64, found: &mut Found) -> Result<(), String> {
        match frame::content(packet.link, packet.bytes)? {
            Content::Other => Ok(()),
            Content::Fragment(fragment) => {
                let Some((ends, whole)) = self.fragments.add(&fragment, offset, found)? else {
                    return Ok(());
                };
                match frame::transport(ends.protocol, &whole)? {
                    Some(datagram) => self.datagram(
                        packet,
                        ends.source,
                        ends.destination,
                        datagram,
                        offset,
                        found,
                    ),
                    None => Ok(()),
                }
            }
            Content::Datagram(source, destination, datagram) => {
                self.datagram(packet, source, destination, datagram, offset, found)
            }
        }
    }

    fn datagram(
        &mut self,
        packet: &Packet<'_>,
        source: IpAddr,
        destination: IpAddr,
        datagram: Datagram<'_>,
        offset: u64,
        found: &mut Found,
    ) -> Result<(), String> {
        let (source_port, destination_port) = datagram.ports();
        if !PORTS.contains(&source_port) && !PORTS.contains(&destination_port) {
            return Ok(());
        }
        let mut message = Message {
            time_ns: packet.time_ns,
            frame_bytes: packet.frame_bytes,
            transport: Transport::Udp,
            source,
            source_port,
            destination,
            destination_port,
            bytes: &[],
        };
        match datagram {
            Datagram::Udp { payload, .. } => {
                message.bytes = payload;
                found.message(offset, 0, &message);
                Ok(())
            }
            Datagram::Tcp(segment) => {
                message.transport = Transport::Tcp;
                let ends = (source, source_port, destination, destination_port);
                let mut n = 0;
                let take = |bytes: &[u8]| {
                    let message = Message { bytes, ..message };
                    found.message(offset, n, &message);
                    n += 1;
                };
                self.connections.add(ends, &segment, offset, take)
            }
        }
    }
}

/// What was found in a piece of a capture.
#[derive(Debug, Default)]
pub struct Found {
    block: Vec<u8>,
    ends: Vec<usize>,
    offsets: Vec<u64>,
    unreadable: Vec<(u64, String)>,
    /// What stands before this place was given before.
    from: u64,
}

impl Found {
    /// Nothing yet; what is found before `from` is not kept.
    pub fn from(from: u64) -> Self {
        Found {
            from,
            ..Found::default()
        }
    }

    /// About how many bytes the records take.
    pub fn n_bytes(&self) -> usize {
        self.block.len()
    }

    /// The records and their offsets, and the offsets and reasons of what has none; leaves nothing.
    ///
    /// # Panics
    /// If the records have 4 GiB or more, which a view cannot address; take them sooner.
    pub fn take(&mut self) -> (Lines, Vec<(u64, String)>) {
        let block = std::mem::take(&mut self.block);
        let mut start = 0;
        let ends = std::mem::take(&mut self.ends).into_iter();
        let views: Vec<u128> = ends
            .map(|end| {
                let record = view(&block, start, end - start, 0);
                start = end;
                record
            })
            .collect();
        let records = BinaryViewArray::try_new(views.into(), vec![Buffer::from_vec(block)], None)
            .expect("records lie within their block");
        let offsets = std::mem::take(&mut self.offsets).into();
        (
            Lines { records, offsets },
            std::mem::take(&mut self.unreadable),
        )
    }

    /// The `nth` message that the packet at `offset` completes.
    fn message(&mut self, offset: u64, nth: u64, message: &Message<'_>) {
        // A packet that closes a gap may complete more messages than it has bytes itself; a packet of
        // either kind of file takes 16 at least, and those at the last of them share it.
        let place = offset + nth.min(15);
        if place >= self.from {
            message.encode(&mut self.block);
            self.ends.push(self.block.len());
            self.offsets.push(place);
        }
    }

    fn unreadable(&mut self, offset: u64, reason: String) {
        if offset >= self.from {
            self.unreadable.push((offset, reason));
        }
    }
}

#[cfg(test)]
mod tests;
