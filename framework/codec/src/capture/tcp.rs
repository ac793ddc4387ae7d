//! DNS over TCP: segments put in order, and cut into messages by the lengths before them.
//!
//! A connection that was begun before the capture is read from its first segment on, as if a message
//! began there. Bytes that come again are passed over; those that come early wait for the ones before
//! them, up to 256 KiB a connection, then the gap is given up: its connection is read anew from behind it,
//! and that is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use hashbrown::HashMap;

use super::Found;

/// Directions of connections that are followed; the one that was seen first makes room.
const CONNECTIONS_MAX: usize = 8_192;

/// What may wait in a direction, beside the one message that is not whole.
const EARLY_MAX: usize = 256 << 10;

/// What may wait in all of them.
const ALL_EARLY_MAX: usize = 16 << 20;

/// The shortest message: the header alone.
const MESSAGE_MIN: usize = 12;

/// A direction of a connection: from an address and port to another.
pub(super) type Direction = (IpAddr, u16, IpAddr, u16);

/// A segment.
pub(super) struct Segment<'a> {
    pub source_port: u16,
    pub destination_port: u16,
    pub sequence: u32,
    pub syn: bool,
    /// Whether nothing comes behind it: FIN or RST.
    pub last: bool,
    /// Whether it was not captured whole.
    pub cut_short: bool,
    pub bytes: &'a [u8],
}

/// The connections that were seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections {
    directions: HashMap<Direction, Stream>,
    /// In the order in which they were seen; some are gone by now.
    order: VecDeque<(u64, Direction)>,
    n_seen: u64,
    n_early: usize,
}

/// A direction as far as it was read.
#[derive(Debug, Clone, Default)]
struct Stream {
    /// Which one of all that were seen.
    nth: u64,
    /// The sequence number of what comes next.
    next: u32,
    /// A message that is not whole, from its length on.
    open: Vec<u8>,
    /// How many bytes were read.
    n_read: u64,
    /// What came early, by how many bytes go before it.
    early: BTreeMap<u64, Vec<u8>>,
    n_early: usize,
    /// Where its latest segment stands in the file.
    offset: u64,
}

impl Connections {
    /// Adds a segment that stands at `offset` in the file, and gives each message that it completes.
    ///
    /// # Errors
    /// What is wrong with the connection; it goes on behind that.
    pub(super) fn add(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        offset: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        if segment.bytes.is_empty() && !segment.syn && !segment.last {
            return Ok(());
        }
        if segment.syn {
            self.remove(&direction);
        }
        if !self.directions.contains_key(&direction) {
            self.begin(
                direction,
                segment.sequence.wrapping_add(u32::from(segment.syn)),
            );
        }
        let Some(stream) = self.directions.get_mut(&direction) else {
            return Ok(());
        };
        stream.offset = offset;
        let n_before = stream.n_early;
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        let result = stream.add(sequence, segment.bytes, &mut take);
        self.n_early = self.n_early + stream.n_early - n_before;
        let n_waiting = stream.n_waiting();
        if segment.last || segment.cut_short || self.n_early > ALL_EARLY_MAX {
            self.remove(&direction);
        }
        match (segment.cut_short, n_waiting) {
            (true, _) => Err("a TCP segment was not captured whole".to_owned()),
            (false, n) if n > 0 && segment.last => result.and(Err(not_whole(n))),
            _ => result,
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, found: &mut Found) {
        let mut streams: Vec<Stream> = self.directions.drain().map(|(_, stream)| stream).collect();
        streams.sort_unstable_by_key(|stream| stream.nth);
        for stream in streams {
            let n = stream.n_waiting();
            if n > 0 {
                found.unreadable(stream.offset, not_whole(n));
            }
        }
        *self = Connections::default();
    }

    fn begin(&mut self, direction: Direction, next: u32) {
        while self.directions.len() >= CONNECTIONS_MAX
            && let Some((nth, oldest)) = self.order.pop_front()
        {
            if self
                .directions
                .get(&oldest)
                .is_some_and(|stream| stream.nth == nth)
            {
                self.remove(&oldest);
            }
        }
        if self.order.len() >= 2 * CONNECTIONS_MAX {
            let is_there = |(nth, direction): &(u64, Direction)| {
                let stream = self.directions.get(direction);
                stream.is_some_and(|stream| stream.nth == *nth)
            };
            self.order.retain(is_there);
        }
        self.n_seen += 1;
        self.order.push_back((self.n_seen, direction));
        let stream = Stream {
            nth: self.n_seen,
            next,
            ..Stream::default()
        };
        self.directions.insert(direction, stream);
    }

    fn remove(&mut self, direction: &Direction) {
        if let Some(stream) = self.directions.remove(direction) {
            self.n_early -= stream.n_early;
        }
    }
}

impl Stream {
    fn add(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]),
    ) -> Result<(), String> {
        // How far behind what comes next the segment begins; what lies before it counts as negative.
        let ahead = sequence.wrapping_sub(self.next) as i32;
        if ahead > 0 {
            let place = self.n_read + u64::from(ahead.unsigned_abs());
            let known = self.early.get(&place).map_or(0, Vec::len);
            if bytes.len() > known {
                self.n_early += bytes.len() - known;
                self.early.insert(place, bytes.to_vec());
            }
            if self.n_early <= EARLY_MAX {
                return Ok(());
            }
            return self.skip_gap(take);
        }
        let known = ahead.unsigned_abs() as usize;
        let Some(new) = bytes.get(known..) else {
            return Ok(());
        };
        self.read(new, take)?;
        self.read_early(take)
    }

    /// Reads what follows directly.
    fn read(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<(), String> {
        self.next = self.next.wrapping_add(bytes.len() as u32);
        self.n_read += bytes.len() as u64;
        if self.open.is_empty() {
            let n_taken = messages(bytes, take)?;
            self.open.extend_from_slice(&bytes[n_taken..]);
            return Ok(());
        }
        self.open.extend_from_slice(bytes);
        match messages(&self.open, take) {
            Ok(n_taken) => {
                self.open.drain(..n_taken);
                Ok(())
            }
            Err(reason) => {
                self.open.clear();
                Err(reason)
            }
        }
    }

    /// Reads what had come early and follows now.
    fn read_early(&mut self, take: &mut impl FnMut(&[u8])) -> Result<(), String> {
        while let Some(entry) = self.early.first_entry()
            && *entry.key() <= self.n_read
        {
            let (place, bytes) = entry.remove_entry();
            self.n_early -= bytes.len();
            let known = usize::try_from(self.n_read - place).unwrap_or(usize::MAX);
            if let Some(new) = bytes.get(known..) {
                self.read(new, take)?;
            }
        }
        Ok(())
    }

    /// Goes on behind a gap, as if a message began there.
    fn skip_gap(&mut self, take: &mut impl FnMut(&[u8])) -> Result<(), String> {
        let first = self.early.keys().next().copied().unwrap_or(self.n_read);
        let n_missing = first - self.n_read;
        self.open.clear();
        self.next = self.next.wrapping_add(n_missing as u32);
        self.n_read = first;
        let missing = format!("{n_missing} bytes of a TCP connection are missing");
        Err(match self.read_early(take) {
            Ok(()) => missing,
            Err(reason) => format!("{missing}; {reason}"),
        })
    }

    fn n_waiting(&self) -> usize {
        self.open.len() + self.n_early
    }
}

/// Gives each whole message at the front of `bytes`; says how many bytes those are.
fn messages(bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<usize, String> {
    let mut n_taken = 0;
    while let Some((len, rest)) = bytes[n_taken..].split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        if len < MESSAGE_MIN {
            return Err(format!(
                "a TCP connection has a message of {len} bytes, fewer than a DNS header: it is not DNS, or was \
                 begun before the capture"
            ));
        }
        let Some(message) = rest.get(..len) else {
            break;
        };
        take(message);
        n_taken += 2 + len;
    }
    Ok(n_taken)
}

fn not_whole(n_bytes: usize) -> String {
    format!("a DNS message over TCP is not whole: {n_bytes} bytes of it were captured")
}
