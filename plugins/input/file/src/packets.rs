//! A pass over a capture: its messages in place of lines.
//!
//! What a packet means depends on what stands before it in the file: which interface it is of, and what
//! of its connection is known. So a pass goes on with the [`Capture`] that the last one left behind, or
//! reads the file from its beginning and gives what stands behind its place. The file's bytes that are
//! not taken yet, at most one packet's, are read again by the next pass.

use std::io;

use datashark_codec::capture::{Capture, Found};
use datashark_sdk::input::Unreadable;

use crate::blocks::{Block, Position};
use crate::outlet::Outlet;
use crate::pass::{End, Pass, Tail};
use crate::stream::Stream;

/// How much is asked for at a time: what a decoder unpacked before it saw damage is lost with the call.
const READ_BYTES: usize = 64 << 10;

/// Bytes of the file that were read and not taken yet.
struct Unread {
    bytes: Vec<u8>,
    /// Where they stand.
    offset: u64,
}

impl Pass {
    /// Gives the messages of a stream that begins at the file's byte `begin`.
    pub(crate) fn give_messages(
        &mut self,
        stream: Stream,
        begin: u64,
        outlet: &Outlet,
    ) -> io::Result<End> {
        let Stream { mut bytes, raw, .. } = stream;
        let from = if self.mute {
            u64::MAX
        } else {
            self.position.offset
        };
        let mut capture = self.capture.take().unwrap_or_default();
        let mut found = Found::from(from);
        let mut unread = Unread {
            bytes: Vec::new(),
            offset: begin,
        };
        loop {
            // What was read before an error is given before it.
            let filled = unread.fill(&mut bytes, outlet.limits.block_bytes);
            if self.is_rewritten(&raw)? {
                return Ok(End::Replaced);
            }
            self.count(&raw, outlet);
            let damage = unread.cut(&mut capture, &mut found).err();
            if matches!(filled, Ok(true)) && damage.is_none() {
                break;
            }
            if !self.give_found(&mut found, unread.offset, outlet) {
                return Ok(End::Stopped);
            }
            if let Some(damage) = damage {
                return Ok(End::Damaged(damage.to_string()));
            }
            filled?;
        }
        if unread.offset < self.position.offset || self.is_replaced()? {
            return Ok(End::Replaced);
        }
        if self.tail == Tail::Take {
            capture.finish(&unread.bytes, unread.offset, &mut found);
            unread.offset += unread.bytes.len() as u64;
        }
        if !self.give_found(&mut found, unread.offset, outlet) {
            return Ok(End::Stopped);
        }
        self.capture = Some(capture);
        // The rest of a packet comes with the file's growth, however long that takes.
        Ok(End::Reached { tail: false })
    }

    /// Gives what was found before the byte at `end`.
    fn give_found(&mut self, found: &mut Found, end: u64, outlet: &Outlet) -> bool {
        let (lines, unreadable) = found.take();
        let offset = self.position.offset;
        let end_offset = end.max(offset);
        let unreadable = unreadable.into_iter();
        let block = Block {
            lines,
            offset,
            first_line: None,
            oversized: None,
            unreadable: unreadable
                .map(|(offset, reason)| Unreadable { offset, reason })
                .collect(),
            end_offset,
        };
        self.position = Position {
            offset: end_offset,
            line: None,
            skipping: None,
        };
        self.give(block, outlet)
    }
}

impl Unread {
    /// Reads until there is about a block; whether that was the stream's end.
    fn fill(&mut self, input: &mut impl io::Read, block_bytes: usize) -> io::Result<bool> {
        let target = self.bytes.len() + block_bytes;
        while self.bytes.len() < target {
            let start = self.bytes.len();
            let room = READ_BYTES.min(target - start);
            self.bytes.resize(start + room, 0);
            let read = input.read(&mut self.bytes[start..]);
            self.bytes.truncate(start + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(true),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(false)
    }

    /// Takes whole packets off.
    fn cut(
        &mut self,
        capture: &mut Capture,
        found: &mut Found,
    ) -> Result<(), datashark_codec::capture::Damage> {
        match capture.take(&self.bytes, self.offset, found) {
            Ok(n_taken) => {
                self.bytes.drain(..n_taken);
                self.offset += n_taken as u64;
                Ok(())
            }
            Err(damage) => {
                self.offset = damage.offset;
                Err(damage)
            }
        }
    }
}
