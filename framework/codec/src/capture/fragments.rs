//! IP fragments, until the packet is whole.
//!
//! Where fragments overlap the first to come counts. 256 packets wait at most; the oldest makes room.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::Found;

/// Packets that wait for their other fragments.
const WAITING_MAX: usize = 256;

/// The longest packet of IP.
const PACKET_MAX: usize = 65_535;

/// Who sends a fragmented packet to whom, and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
}

/// A part of a packet.
pub(super) struct Fragment<'a> {
    pub ends: Ends,
    /// The same in each part of a packet.
    pub id: u32,
    /// Where in the packet it stands.
    pub start: usize,
    /// Whether it is not the last part.
    pub more: bool,
    pub bytes: &'a [u8],
}

/// Packets of which there are parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragments(VecDeque<Waiting>);

#[derive(Debug, Clone)]
struct Waiting {
    ends: Ends,
    id: u32,
    /// Where the latest part stood in the file.
    offset: u64,
    bytes: Vec<u8>,
    /// The parts that are there, in order, none next to another.
    there: Vec<(usize, usize)>,
    /// How long it is, once the last part was seen.
    len: Option<usize>,
}

impl Fragments {
    /// Adds a part that stands at `offset` in the file; gives the packet once it is whole.
    ///
    /// # Errors
    /// Why the fragment is damaged.
    pub(super) fn add(
        &mut self,
        fragment: &Fragment<'_>,
        offset: u64,
        found: &mut Found,
    ) -> Result<Option<(Ends, Vec<u8>)>, String> {
        if fragment.start + fragment.bytes.len() > PACKET_MAX {
            return Err("an IP fragment reaches behind the longest packet".to_owned());
        }
        let is_of = |waiting: &Waiting| waiting.ends == fragment.ends && waiting.id == fragment.id;
        let idx = match self.0.iter().position(is_of) {
            Some(idx) => idx,
            None => {
                if self.0.len() == WAITING_MAX
                    && let Some(oldest) = self.0.pop_front()
                {
                    oldest.tell(found);
                }
                self.0.push_back(Waiting::of(fragment));
                self.0.len() - 1
            }
        };
        let waiting = &mut self.0[idx];
        waiting.offset = offset;
        waiting.put(fragment);
        if !waiting.is_whole() {
            return Ok(None);
        }
        let whole = self.0.remove(idx);
        Ok(whole.map(|whole| (whole.ends, whole.bytes)))
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, found: &mut Found) {
        for waiting in self.0.drain(..) {
            waiting.tell(found);
        }
    }
}

impl Waiting {
    fn of(fragment: &Fragment<'_>) -> Self {
        Waiting {
            ends: fragment.ends,
            id: fragment.id,
            offset: 0,
            bytes: Vec::new(),
            there: Vec::new(),
            len: None,
        }
    }

    fn put(&mut self, fragment: &Fragment<'_>) {
        let end = fragment.start + fragment.bytes.len();
        if !fragment.more && self.len.is_none() {
            self.len = Some(end);
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut start = fragment.start;
        // What stands between the parts that are there already.
        for &(there_start, there_end) in &self.there {
            if start < there_start.min(end) {
                let gap = start..there_start.min(end);
                self.bytes[gap.clone()].copy_from_slice(
                    &fragment.bytes[gap.start - fragment.start..gap.end - fragment.start],
                );
            }
            start = start.max(there_end);
        }
        if start < end {
            self.bytes[start..end].copy_from_slice(&fragment.bytes[start - fragment.start..]);
        }
        self.there.push((fragment.start, end));
        self.there.sort_unstable();
        self.there = merged(&self.there);
    }

    fn is_whole(&mut self) -> bool {
        let Some(len) = self.len else {
            return false;
        };
        let whole = matches!(self.there[..], [(0, end), ..] if end >= len);
        if whole {
            self.bytes.truncate(len);
        }
        whole
    }

    fn tell(&self, found: &mut Found) {
        let n: usize = self.there.iter().map(|(start, end)| end - start).sum();
        found.unreadable(
            self.offset,
            format!("a fragmented packet is not whole: {n} bytes of it were captured"),
        );
    }
}

/// Ranges in order, those that touch as one.
fn merged(ranges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(ranges.len());
    for &(start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}
