//! An object as a stream of bytes, for threads that may block.
//!
//! It is read in ranges of 4 MiB, three of them on their way at a time: one connection to a store
//! gives some 50 to 100 MB/s, which is less than one thread decodes. A web server that knows no
//! ranges gives all in one answer, and what comes before the place is passed over.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use object_store::GetOptions;

use crate::error::Reason;
use crate::runtime::{self, Begun};
use crate::{Object, StoreError};

/// How much is asked for at a time.
const RANGE_BYTES: u64 = 4 << 20;

/// How many requests are on their way.
const N_AHEAD: usize = 3;

/// Parts of a whole answer that wait to be read; each is what came with a packet or a few.
const N_PARTS: usize = 64;

/// Reads an object from a place on; what is held is at most three ranges.
#[derive(Debug)]
pub struct ObjectReader {
    object: Object,
    /// What was got and not read yet.
    part: Bytes,
    /// Behind the part.
    at: u64,
    /// Behind what was asked for.
    asked: u64,
    end: u64,
    coming: Coming,
}

/// What is on its way.
#[derive(Debug)]
enum Coming {
    Ranges(VecDeque<Begun<Result<Bytes, StoreError>>>),
    Whole {
        parts: Receiver<Result<Bytes, StoreError>>,
        /// Its end is the end of the work.
        _work: Begun<()>,
    },
}

impl ObjectReader {
    pub(crate) fn new(object: Object, at: u64, end: u64) -> Self {
        ObjectReader {
            object,
            part: Bytes::new(),
            at,
            asked: at,
            end,
            coming: Coming::Ranges(VecDeque::new()),
        }
    }

    /// Gets the next part; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        while self.part.is_empty() {
            if self.at >= self.end {
                return Ok(false);
            }
            let got = match &mut self.coming {
                Coming::Whole { parts, .. } => parts.recv().unwrap_or_else(|_| Ok(Bytes::new())),
                Coming::Ranges(_) => self.next_range()?,
            };
            match got {
                Ok(part) if part.is_empty() => {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                Ok(part) => {
                    self.at += part.len() as u64;
                    self.part = part;
                }
                Err(error) if self.has_no_ranges(&error) => self.get_whole()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn next_range(&mut self) -> io::Result<Result<Bytes, StoreError>> {
        let Coming::Ranges(coming) = &mut self.coming else {
            return Ok(Ok(Bytes::new()));
        };
        while coming.len() < N_AHEAD && self.asked < self.end {
            let range = self.asked..self.end.min(self.asked + RANGE_BYTES);
            self.asked = range.end;
            let object = self.object.clone();
            coming.push_back(runtime::begin(async move { object.range(range).await })?);
        }
        match coming.pop_front() {
            Some(begun) => begun.wait(),
            None => Ok(Ok(Bytes::new())),
        }
    }

    fn has_no_ranges(&self, error: &StoreError) -> bool {
        error.reason() == Reason::Unsupported && matches!(self.coming, Coming::Ranges(_))
    }

    /// Asks for all there is, to give what is behind the place.
    fn get_whole(&mut self) -> io::Result<()> {
        let (sender, parts) = sync_channel(N_PARTS);
        let (object, at, end) = (self.object.clone(), self.at, self.end);
        let all = async move {
            let mut place = 0;
            let mut stream = match object.get(GetOptions::new()).await {
                Ok(got) => got.into_stream(),
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return;
                }
            };
            while let Some(part) = stream.next().await {
                let part = part.map_err(|error| object.error(&error)).map(|part| {
                    let start = place;
                    place += part.len() as u64;
                    let [from, to] = [at, end].map(|place| part_of(place, start, part.len()));
                    part.slice(from..to)
                });
                if part.as_ref().is_ok_and(Bytes::is_empty) {
                    continue;
                }
                // A full queue may hold the thread: there is another, and readers take turns.
                if tokio::task::block_in_place(|| sender.send(part)).is_err() {
                    return;
                }
            }
        };
        self.coming = Coming::Whole {
            parts,
            _work: runtime::begin(all)?,
        };
        Ok(())
    }
}

/// How many bytes of a part that begins at `start` lie before `place`.
fn part_of(place: u64, start: u64, len: usize) -> usize {
    let before = place.saturating_sub(start);
    usize::try_from(before).unwrap_or(usize::MAX).min(len)
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || !self.advance()? {
            return Ok(0);
        }
        let n_bytes = buffer.len().min(self.part.len());
        self.part.copy_to_slice(&mut buffer[..n_bytes]);
        Ok(n_bytes)
    }
}
