//! Cuts a stream of bytes into blocks of whole lines.
//!
//! [`Blocks`] reads ahead of what it gives: what stands behind a block's last line end is carried
//! to the next block, and left behind as the **tail** at the end of the stream, for the caller to
//! take or to wait on. A line beyond the limit is skipped as it streams by and never held: what
//! hostile input can cost is one block and one record of the largest size.
//!
//! Every whole line that was read is given before the stream's error is.

use std::io::{self, Read};

use arrow::array::Array;
use arrow::buffer::Buffer;
use datashark_codec::lines::{Lines, split_lines};
use datashark_sdk::input::{Oversized, Unreadable};

use crate::pool::Pool;

/// How many bytes of an oversized record are kept to show.
pub(crate) const HEAD_BYTES: usize = 4 << 10;

/// How much is asked for at a time: what a decoder unpacked before it saw damage is lost with the
/// call.
const READ_BYTES: usize = 64 << 10;

/// How much to read and to hold at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// About how large a block is.
    pub block_bytes: usize,
    /// A line longer than this, without its line end, is skipped.
    pub record_bytes: usize,
}

/// A place between two records, and how far a skipped record behind it was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Where the next record starts.
    pub offset: u64,
    /// Its 1-based line number, where known.
    pub line: Option<u64>,
    /// Set while a record too large to hold is passing by.
    pub skipping: Option<Skipping>,
}

impl Position {
    /// A place whose line number is known only at the start of the file.
    pub(crate) fn at(offset: u64) -> Self {
        Position {
            offset,
            line: (offset == 0).then_some(1),
            skipping: None,
        }
    }

    /// The first byte that was not looked at.
    pub(crate) fn unread(&self) -> u64 {
        self.offset
            + self
                .skipping
                .as_ref()
                .map_or(0, |skipping| skipping.n_bytes)
    }
}

/// What is known of a record that is too large to hold and has not ended yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipping {
    n_bytes: u64,
    head: Vec<u8>,
    ends_in_return: bool,
}

impl Skipping {
    fn pass(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.n_bytes += bytes.len() as u64;
        if let Some(last) = bytes.last() {
            self.ends_in_return = *last == b'\r';
        }
    }
}

/// Whole records and where they stand.
#[derive(Debug)]
pub(crate) struct Block {
    /// The lines, the last one's line end may be missing; or the messages of a capture.
    pub lines: Lines,
    /// Where the block starts.
    pub offset: u64,
    /// The line number of its first line.
    pub first_line: Option<u64>,
    /// A record that was skipped; then the block has no lines.
    pub oversized: Option<Oversized>,
    /// What stands among the lines and is none.
    pub unreadable: Vec<Unreadable>,
    /// Where the next block starts.
    pub end_offset: u64,
}

/// Blocks of lines out of a stream.
pub(crate) struct Blocks<R> {
    input: R,
    limits: Limits,
    position: Position,
    /// Room to read into, as far as it was made. It is never cleared: what an earlier block left
    /// is read over.
    room: Vec<u8>,
    /// How much of the room was read and not given yet; it starts at the position.
    n_read: usize,
    pool: Pool,
    /// How many bytes are worth allocating for.
    size_hint: usize,
    at_end: bool,
    error: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// Blocks of a stream whose first byte is the position's first unread one; the hint is how
    /// many bytes it has, for small files to take little memory.
    pub(crate) fn new(input: R, position: Position, limits: Limits, size_hint: u64) -> Self {
        let size_hint = usize::try_from(size_hint).unwrap_or(usize::MAX);
        let (room, at_end, error) = (Vec::new(), false, None);
        Blocks {
            input,
            limits,
            position,
            room,
            n_read: 0,
            pool: Pool::default(),
            size_hint,
            at_end,
            error,
        }
    }

    /// The place behind everything that was given.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// Whether something that is no whole line stands behind the position.
    pub(crate) fn has_tail(&self) -> bool {
        self.n_read > 0 || self.position.skipping.is_some()
    }

    /// The next block; `None` at the end, where [`Blocks::has_tail`] may hold.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            if self.position.skipping.is_some() {
                if let Some(block) = self.skip()? {
                    return Ok(Some(block));
                }
                if self.at_end {
                    return self.end();
                }
                continue;
            }
            self.fill();
            if let Some(last) = memchr::memrchr(b'\n', self.carry()) {
                return Ok(Some(self.cut(last + 1)));
            }
            if self.is_too_long() {
                self.start_skipping();
            } else if self.at_end {
                return self.end();
            }
        }
    }

    /// Takes the tail as the last line, its line end missing.
    pub(crate) fn take_tail(&mut self) -> Option<Block> {
        if self.position.skipping.is_some() {
            return Some(self.finish_skipping(0));
        }
        (self.n_read > 0).then(|| self.cut(self.n_read))
    }

    /// What was read and not given yet.
    fn carry(&self) -> &[u8] {
        &self.room[..self.n_read]
    }

    /// Reads until a block is full. A line that did not fit gets another block's room.
    fn fill(&mut self) {
        let block = self.limits.block_bytes;
        let target = if self.n_read < block {
            block
        } else {
            self.n_read + block
        };
        while self.n_read < target && !self.at_end {
            if self.room.len() == self.n_read {
                // One byte more than is expected, to see the end; of a file that has grown, more.
                let more = self.size_hint.saturating_add(1).max(self.n_read / 2);
                let room = target.min(self.n_read.saturating_add(more));
                self.make_room(room);
            }
            let end = target.min(self.room.len()).min(self.n_read + READ_BYTES);
            match self.input.read(&mut self.room[self.n_read..end]) {
                Ok(0) => self.at_end = true,
                Ok(n_read) => {
                    self.n_read += n_read;
                    self.size_hint = self.size_hint.saturating_sub(n_read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.at_end = true;
                    self.error = Some(error);
                }
            }
        }
    }

    /// Makes the room this large.
    fn make_room(&mut self, n_bytes: usize) {
        if self.room.is_empty() {
            // Memory that the system gives as zeros is not written twice.
            self.room = vec![0; n_bytes];
        } else {
            self.room.resize(n_bytes, 0);
        }
    }

    fn end(&mut self) -> io::Result<Option<Block>> {
        self.error.take().map_or(Ok(None), Err)
    }

    /// Gives the first `len` bytes of what was read.
    fn cut(&mut self, len: usize) -> Block {
        // A small file has one block: there is nothing to use again.
        let is_full = self.n_read >= self.limits.block_bytes;
        let n_rest = self.n_read - len;
        let mut room = match is_full {
            true => self.pool.room(),
            false => Vec::new(),
        };
        if room.len() < n_rest {
            let hint = n_rest.saturating_add(self.size_hint).saturating_add(1);
            room = vec![0; n_rest.max(self.limits.block_bytes.min(hint))];
        }
        room[..n_rest].copy_from_slice(&self.room[len..self.n_read]);
        let mut bytes = std::mem::replace(&mut self.room, room);
        self.n_read = n_rest;
        bytes.truncate(len);
        if bytes.capacity() / 2 > len {
            bytes.shrink_to_fit();
        }
        let bytes = match is_full {
            true => self.pool.lend(bytes),
            false => Buffer::from_vec(bytes),
        };
        let (offset, first_line) = (self.position.offset, self.position.line);
        let lines = split_lines(bytes, offset);
        self.position.offset += len as u64;
        if let Some(line) = &mut self.position.line {
            *line += lines.records.len() as u64;
        }
        Block {
            lines,
            offset,
            first_line,
            oversized: None,
            unreadable: Vec::new(),
            end_offset: self.position.offset,
        }
    }

    /// Whether what is there of a line is already more than the largest record and a `\r`.
    fn is_too_long(&self) -> bool {
        self.n_read > self.limits.record_bytes.saturating_add(1)
    }

    fn start_skipping(&mut self) {
        let mut skipping = Skipping {
            n_bytes: 0,
            head: Vec::new(),
            ends_in_return: false,
        };
        skipping.pass(self.carry());
        self.n_read = 0;
        self.position.skipping = Some(skipping);
    }

    /// Reads on in a record that is being skipped; gives it once its end is found.
    fn skip(&mut self) -> io::Result<Option<Block>> {
        self.fill();
        let end = memchr::memchr(b'\n', self.carry());
        let Some(skipping) = &mut self.position.skipping else {
            return Ok(None);
        };
        skipping.pass(&self.room[..end.unwrap_or(self.n_read)]);
        match end {
            Some(end) => {
                self.room.copy_within(end + 1..self.n_read, 0);
                self.n_read -= end + 1;
                Ok(Some(self.finish_skipping(1)))
            }
            None => {
                self.n_read = 0;
                Ok(None)
            }
        }
    }

    /// The record that was skipped has ended in a line end of `n_end` bytes.
    fn finish_skipping(&mut self, n_end: u64) -> Block {
        let offset = self.position.offset;
        let line = self.position.line;
        let oversized = self.position.skipping.take().map(|skipping| {
            self.position.offset += skipping.n_bytes + n_end;
            let n_bytes = skipping.n_bytes - u64::from(skipping.ends_in_return);
            Oversized {
                offset,
                line,
                n_bytes,
                head: skipping.head,
            }
        });
        self.position.line = line.map(|line| line + 1);
        let end_offset = self.position.offset;
        Block {
            lines: split_lines(Buffer::from_vec(Vec::<u8>::new()), end_offset),
            offset,
            first_line: line,
            oversized,
            unreadable: Vec::new(),
            end_offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: Limits = Limits {
        block_bytes: 16,
        record_bytes: 24,
    };

    /// Reads all blocks and the tail; gives the text of the lines and the oversized records.
    fn read(text: &[u8], limits: Limits) -> (Vec<u8>, Vec<Oversized>) {
        let mut blocks = Blocks::new(text, Position::at(0), limits, text.len() as u64);
        let (mut lines, mut oversized, mut end) = (Vec::new(), Vec::new(), 0);
        let mut give = |block: Block| {
            assert_eq!(block.offset, end, "blocks stand side by side");
            end = block.end_offset;
            lines.extend_from_slice(&text_of(&block));
            oversized.extend(block.oversized);
        };
        while let Some(block) = blocks.next().unwrap() {
            give(block);
        }
        if let Some(block) = blocks.take_tail() {
            give(block);
        }
        assert_eq!(end, text.len() as u64);
        (lines, oversized)
    }

    /// The bytes of a block.
    fn text_of(block: &Block) -> Vec<u8> {
        let blocks = block.lines.records.data_buffers().first();
        blocks.map(|block| block.to_vec()).unwrap_or_default()
    }

    #[test]
    fn a_block_ends_at_a_line_end_and_carries_the_rest() {
        let mut blocks = Blocks::new(
            &b"one\ntwo\nthree and more\nlast"[..],
            Position::at(0),
            SMALL,
            0,
        );
        let first = blocks.next().unwrap().unwrap();
        assert_eq!(
            (text_of(&first), first.first_line),
            (b"one\ntwo\n".to_vec(), Some(1))
        );
        let second = blocks.next().unwrap().unwrap();
        assert_eq!(text_of(&second), b"three and more\n");
        assert_eq!((second.offset, second.first_line), (8, Some(3)));
        assert!(blocks.next().unwrap().is_none());
        assert!(blocks.has_tail());
        assert_eq!(
            blocks.position().offset,
            23,
            "the tail is not given unasked"
        );
        assert_eq!(text_of(&blocks.take_tail().unwrap()), b"last");
        assert!(!blocks.has_tail());
        assert_eq!(blocks.position().line, Some(5));
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_and_told() {
        let long = "x".repeat(5000);
        let text = format!("one\n{long}\r\ntwo\n");
        let (lines, oversized) = read(text.as_bytes(), SMALL);
        assert_eq!(lines, b"one\ntwo\n");
        let head = long.as_bytes()[..HEAD_BYTES].to_vec();
        assert_eq!(
            oversized,
            [Oversized {
                offset: 4,
                line: Some(2),
                n_bytes: 5000,
                head
            }]
        );
    }

    #[test]
    fn a_skipped_line_goes_on_where_an_earlier_pass_ended() {
        let text = format!("{}\nnext\n", "y".repeat(100));
        let mut blocks = Blocks::new(&text.as_bytes()[..60], Position::at(0), SMALL, 0);
        assert!(blocks.next().unwrap().is_none());
        let position = blocks.position().clone();
        assert_eq!((position.offset, position.unread()), (0, 60));
        let mut blocks = Blocks::new(&text.as_bytes()[60..], position, SMALL, 0);
        let oversized = blocks.next().unwrap().unwrap();
        assert_eq!(
            (oversized.end_offset, oversized.oversized.unwrap().n_bytes),
            (101, 100)
        );
        let next = blocks.next().unwrap().unwrap();
        assert_eq!(
            (text_of(&next), next.first_line),
            (b"next\n".to_vec(), Some(2))
        );
    }

    #[test]
    fn whole_lines_before_an_error_are_given_before_it() {
        let input = (&b"one\ntwo\nthr"[..]).chain(Broken);
        let mut blocks = Blocks::new(input, Position::at(0), SMALL, 0);
        assert_eq!(text_of(&blocks.next().unwrap().unwrap()), b"one\ntwo\n");
        assert_eq!(blocks.next().unwrap_err().to_string(), "broken");
        assert_eq!(blocks.position().offset, 8);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    proptest! {
        #[test]
        fn every_line_is_given_or_told_oversized(
            lines in proptest::collection::vec(0_usize..60, 0..30),
            ended: bool,
            block_bytes in 1_usize..50,
        ) {
            let lines: Vec<_> = lines.into_iter().map(|n| "z".repeat(n)).collect();
            let text = lines.join("\n") + if ended { "\n" } else { "" };
            let limits = Limits { block_bytes, record_bytes: 24 };
            let (given, oversized) = read(text.as_bytes(), limits);
            let given = String::from_utf8(given).unwrap();
            prop_assert!(oversized.iter().all(|record| record.n_bytes > 24));
            let n_lines = text.lines().count();
            prop_assert_eq!(given.lines().count() + oversized.len(), n_lines);
            let n_bytes = text.lines().map(str::len).sum::<usize>();
            let n_given = given.lines().map(str::len).sum::<usize>();
            let n_told = oversized.iter().map(|record| record.n_bytes as usize).sum::<usize>();
            prop_assert_eq!(n_given + n_told, n_bytes);
        }
    }
}
