//! One pass over a file of records: from a place in it to its end as it is now.
//!
//! A run over what is there makes one pass per file; a watched file gets a pass each time it grew.
//! Between passes a file costs no memory but its [`Position`].
//!
//! Where a [`Fingerprint`] is given, a block counts only if the file still held the content that
//! was begun when the block was read: a file may be emptied and written anew at any moment.

use std::io;

use arrow::array::{Array, BinaryViewArray};
use arrow::buffer::ScalarBuffer;
use datashark_codec::capture::Capture;
use datashark_codec::lines::Lines;
use datashark_sdk::input::{
    Content, Directives, Framing, Header, HeaderRule, InputBatch, InputEvent, Micros, Oversized,
    PartitionId, Payloads, Unreadable,
};
use datashark_store::StoreError;

use crate::blocks::{Block, Blocks, HEAD_BYTES, Position};
use crate::compress::Compression;
use crate::identity::{Fingerprint, Print};
use crate::outlet::Outlet;
use crate::stream::{Origin, RawPlace, Stream};

/// What to read of a file.
#[derive(Debug)]
pub(crate) struct Pass {
    /// Whose records these are.
    pub partition: PartitionId,
    /// The file.
    pub origin: Origin,
    /// Where to begin.
    pub position: Position,
    /// The file's header lines before the position, if an earlier pass found them.
    pub header: Option<Header>,
    /// What an earlier pass knows of a capture at the position.
    pub capture: Option<Box<Capture>>,
    /// What the file must begin with for its bytes to count.
    pub fingerprint: Option<Fingerprint>,
    /// Where to stop, in the file as it lies there.
    pub raw_end: u64,
    /// How many bytes of the file, as it lies there, were counted as read.
    pub n_counted: u64,
    /// What to do with a last line that has no line end.
    pub tail: Tail,
    /// Whether records are only passed over.
    pub mute: bool,
    /// When the records arrived, if not now.
    pub arrival: Option<Micros>,
}

/// What to do with a last line that has no line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The rest of it is yet to come.
    Leave,
    /// It is a record.
    Take,
    /// It is a record if the file still has this many bytes when its end is reached.
    TakeAt(u64),
}

/// What came of a pass.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Where the next one begins.
    pub position: Position,
    /// The file's header lines before the position, if they are asked for and known.
    pub header: Option<Header>,
    /// What is known of a capture at the position.
    pub capture: Option<Box<Capture>>,
    /// How many bytes of the file, as it lies there, were counted as read.
    pub n_counted: u64,
    /// How it ended.
    pub end: End,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// At the end of the file as it is now.
    Reached {
        /// Whether a line was left behind that has no line end yet.
        tail: bool,
    },
    /// The file holds other content now than what was begun, or less of it.
    Replaced,
    /// The rest cannot be read, or not yet.
    Damaged(String),
    /// The store that the file is in gives no more; the reason names the file.
    Refused(String),
    /// Nobody listens any more.
    Stopped,
}

impl Pass {
    /// Reads and gives every whole line, then the tail as told.
    pub(crate) fn run(mut self, outlet: &Outlet) -> Outcome {
        let mut raw = RawPlace::default();
        let end = match self.read(outlet, &mut raw) {
            Ok(end) => end,
            Err(_) if outlet.is_stopped() => End::Stopped,
            Err(error) => match refused(&error) {
                Some(reason) => End::Refused(reason),
                None => End::Damaged(self.origin.compression.explain(&error, raw.get())),
            },
        };
        let Pass {
            position,
            header,
            capture,
            n_counted,
            ..
        } = self;
        Outcome {
            position,
            header,
            capture,
            n_counted,
            end,
        }
    }

    fn read(&mut self, outlet: &Outlet, raw: &mut RawPlace) -> io::Result<End> {
        if self.is_replaced()? {
            return Ok(End::Replaced);
        }
        let is_capture = outlet.framing == Framing::Capture;
        let begin = match &self.capture {
            // What a packet is depends on what stands before it.
            None if is_capture => 0,
            _ => self.position.unread(),
        };
        let stream = self.stream(begin, self.raw_end, outlet)?;
        *raw = stream.raw.clone();
        if stream.missing > 0 {
            return Ok(End::Replaced);
        }
        if is_capture {
            return self.give_messages(stream, begin, outlet);
        }
        self.find_header(outlet)?;
        self.give_blocks(stream, outlet)
    }

    fn stream(&self, offset: u64, raw_end: u64, outlet: &Outlet) -> io::Result<Stream> {
        let outlet = outlet.clone();
        self.origin
            .stream(offset, raw_end, move || !outlet.is_stopped())
    }

    fn give_blocks(&mut self, stream: Stream, outlet: &Outlet) -> io::Result<End> {
        let Stream { bytes, raw, .. } = stream;
        let hint = self.size_hint();
        let mut blocks = Blocks::new(bytes, self.position.clone(), outlet.limits, hint);
        while let Some(block) = blocks.next()? {
            if self.is_rewritten(&raw)? {
                return Ok(End::Replaced);
            }
            self.count(&raw, outlet);
            if !self.give(block, outlet) {
                return Ok(End::Stopped);
            }
            self.position = blocks.position().clone();
        }
        self.count(&raw, outlet);
        self.position = blocks.position().clone();
        if self.fingerprint.is_some() && self.is_replaced()? {
            return Ok(End::Replaced);
        }
        self.give_tail(&mut blocks, outlet)
    }

    /// Counts what is newly read; what is read once more does not count.
    pub(crate) fn count(&mut self, raw: &RawPlace, outlet: &Outlet) {
        outlet.count(raw.get().saturating_sub(self.n_counted));
        self.n_counted = self.n_counted.max(raw.get());
    }

    fn give_tail<R: io::Read>(
        &mut self,
        blocks: &mut Blocks<R>,
        outlet: &Outlet,
    ) -> io::Result<End> {
        let take = match self.tail {
            Tail::Leave => false,
            Tail::Take => true,
            Tail::TakeAt(size) => self.origin.size()? == size,
        };
        if take && let Some(block) = blocks.take_tail() {
            if !self.give(block, outlet) {
                return Ok(End::Stopped);
            }
            self.position = blocks.position().clone();
        }
        Ok(End::Reached {
            tail: blocks.has_tail(),
        })
    }

    /// Whether the file does not begin as it did, or ends before what was read of it.
    pub(crate) fn is_replaced(&self) -> io::Result<bool> {
        // A compressed file may be in the middle of being copied once more.
        let plain = self.origin.compression == Compression::Plain && !self.origin.is_piped();
        if plain && self.origin.size()? < self.position.unread() {
            return Ok(true);
        }
        let Some(fingerprint) = &self.fingerprint else {
            return Ok(false);
        };
        let print = self.origin.compare(fingerprint)?;
        Ok(print == Print::Other || (plain && print == Print::Shorter))
    }

    /// Whether what was just read may be of other content: the file does not begin as it did, and
    /// is long enough again for these bytes to be of the new content. If it is shorter, they were
    /// read before.
    pub(crate) fn is_rewritten(&self, raw: &RawPlace) -> io::Result<bool> {
        let Some(fingerprint) = &self.fingerprint else {
            return Ok(false);
        };
        let changed = self.origin.compare(fingerprint)? == Print::Other;
        Ok(changed && self.origin.size()? >= raw.get())
    }

    fn size_hint(&self) -> u64 {
        let size = self.origin.size().unwrap_or(u64::MAX);
        match self.origin.compression {
            Compression::Plain if size > 0 => size
                .min(self.raw_end)
                .saturating_sub(self.position.unread()),
            _ => u64::MAX,
        }
    }

    /// Reads the file's header lines, where this pass does not begin with them.
    fn find_header(&mut self, outlet: &Outlet) -> io::Result<()> {
        let at_start = self.position.unread() == 0 || self.origin.is_piped();
        if self.header.is_some() {
            return Ok(());
        }
        self.header = match outlet.header {
            HeaderRule::Directives(mark) if at_start => {
                Some(Header::Directives(Directives::new(mark)))
            }
            HeaderRule::Directives(mark) => Some(self.directives(mark, outlet)?),
            HeaderRule::FirstLine if !at_start => {
                let stream = self.stream(0, u64::MAX, outlet)?;
                let hint = u64::MAX;
                let mut blocks = Blocks::new(stream.bytes, Position::at(0), outlet.limits, hint);
                let first = blocks.next()?.or_else(|| blocks.take_tail());
                first.and_then(|block| first_line(&block))
            }
            HeaderRule::FirstLine | HeaderRule::None => None,
        };
        Ok(())
    }

    /// Reads the file up to the position for its directives, which may stand anywhere.
    fn directives(&self, mark: u8, outlet: &Outlet) -> io::Result<Header> {
        let mut directives = Directives::new(mark);
        let stream = self.stream(0, u64::MAX, outlet)?;
        let mut blocks = Blocks::new(stream.bytes, Position::at(0), outlet.limits, u64::MAX);
        while blocks.position().offset < self.position.offset
            && let Some(block) = blocks.next()?
        {
            let lines = &block.lines;
            let n_before = lines
                .offsets
                .partition_point(|offset| *offset < self.position.offset);
            let before = lines.records.slice(0, n_before);
            pass_directives(&mut directives, &before, outlet.limits.record_bytes);
        }
        Ok(Header::Directives(directives))
    }

    /// Gives a block: one batch, and one more for each oversized record in its midst.
    pub(crate) fn give(&mut self, block: Block, outlet: &Outlet) -> bool {
        let is_first = self.header.is_none() && block.offset == 0;
        if outlet.header == HeaderRule::FirstLine && is_first {
            self.header = first_line(&block);
        }
        if self.mute {
            if let Some(Header::Directives(directives)) = &mut self.header {
                pass_directives(directives, &block.lines.records, outlet.limits.record_bytes);
            }
            return true;
        }
        let Block {
            lines,
            offset,
            first_line,
            oversized,
            unreadable,
            end_offset,
        } = block;
        let may_exceed = end_offset - offset > outlet.limits.record_bytes as u64;
        let mut rest = Part {
            lines: &lines,
            start: 0,
            offset,
            first_line,
        };
        if may_exceed {
            for idx in oversized_idx(&lines.records, outlet.limits.record_bytes) {
                if !outlet.send(self.batch(rest.cut_before(idx, end_offset))) {
                    return false;
                }
            }
        }
        let n_rest = lines.records.len() - rest.start;
        let mut part = rest.payloads(n_rest, oversized, end_offset);
        part.unreadable = unreadable;
        part.is_empty() || outlet.send(self.batch(part))
    }

    fn batch(&mut self, part: Given) -> InputEvent {
        let Given {
            records,
            offsets,
            first_line,
            oversized,
            unreadable,
            end_offset,
            n_bytes,
        } = part;
        let header = self.header.clone();
        if let Some(header) = &mut self.header {
            header.behind(&records);
        }
        InputEvent::Batch(InputBatch {
            partition: self.partition.clone(),
            content: Content::Payloads(Payloads {
                records,
                offsets,
                header,
                beside: None,
                first_line,
            }),
            end_offset,
            n_bytes,
            unreadable,
            oversized: oversized.into_iter().collect(),
            arrival: self.arrival,
        })
    }
}

/// The lines of a block from `start` on, which were not given yet.
struct Part<'a> {
    lines: &'a Lines,
    start: usize,
    offset: u64,
    first_line: Option<u64>,
}

/// Lines that go into one batch, and the oversized record behind them.
struct Given {
    records: BinaryViewArray,
    offsets: ScalarBuffer<u64>,
    first_line: Option<u64>,
    oversized: Option<Oversized>,
    unreadable: Vec<Unreadable>,
    end_offset: u64,
    n_bytes: u64,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.n_bytes == 0 && self.oversized.is_none() && self.unreadable.is_empty()
    }
}

impl Part<'_> {
    /// Takes the lines before an oversized one, and that one.
    fn cut_before(&mut self, idx: usize, block_end: u64) -> Given {
        let Lines { records, offsets } = self.lines;
        let line = self.first_line.map(|line| line + (idx - self.start) as u64);
        let record = records.value(idx);
        let head = record[..record.len().min(HEAD_BYTES)].to_vec();
        let n_bytes = record.len() as u64;
        let oversized = Oversized {
            offset: offsets[idx],
            line,
            n_bytes,
            head,
        };
        let end_offset = offsets.get(idx + 1).copied().unwrap_or(block_end);
        let given = self.payloads(idx - self.start, Some(oversized), end_offset);
        self.start = idx + 1;
        self.offset = end_offset;
        self.first_line = line.map(|line| line + 1);
        given
    }

    fn payloads(&self, len: usize, oversized: Option<Oversized>, end_offset: u64) -> Given {
        Given {
            records: self.lines.records.slice(self.start, len),
            offsets: self.lines.offsets.slice(self.start, len),
            first_line: self.first_line,
            oversized,
            unreadable: Vec::new(),
            end_offset,
            n_bytes: end_offset - self.offset,
        }
    }
}

fn oversized_idx(records: &BinaryViewArray, limit: usize) -> Vec<usize> {
    let lens = records.lengths().enumerate();
    lens.filter(|(_, len)| *len as usize > limit)
        .map(|(idx, _)| idx)
        .collect()
}

/// Takes the directives among lines that are not given, but for those too large to be given.
fn pass_directives(directives: &mut Directives, lines: &BinaryViewArray, record_bytes: usize) {
    for idx in directives.marked(lines) {
        let line = lines.value(idx as usize);
        if line.len() <= record_bytes {
            directives.push(line);
        }
    }
}

/// What a store said, if it is what a reading error is about.
fn refused(error: &io::Error) -> Option<String> {
    let said = error.get_ref()?.downcast_ref::<StoreError>()?;
    Some(said.to_string())
}

/// The first line of a block, without its line end.
fn first_line(block: &Block) -> Option<Header> {
    let records = &block.lines.records;
    (!records.is_empty()).then(|| records.value(0).into())
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::Arc;

    use datashark_sdk::input::Open;

    use super::*;
    use crate::outlet::Intake;

    #[tokio::test]
    async fn a_block_read_after_the_file_was_written_anew_is_not_given() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let line = |letter: &str| letter.repeat(99) + "\n";
        std::fs::write(&path, line("a").repeat(50)).unwrap();
        let open = Open {
            block_bytes: 100,
            ..Open::default()
        };
        let (outlet, mut intake) = Intake::new(&open, 1, Vec::new(), None);
        let file = Arc::new(File::open(&path).unwrap());
        let pass = Pass {
            partition: PartitionId::new("a"),
            origin: Origin::of_file(path.to_path_buf(), file).unwrap(),
            position: Position::at(0),
            header: None,
            capture: None,
            fingerprint: Some(Fingerprint::of(line("a").as_bytes())),
            raw_end: u64::MAX,
            n_counted: 0,
            tail: Tail::Leave,
            mute: false,
            arrival: None,
        };
        let reader = std::thread::spawn(move || pass.run(&outlet).end);
        // The reader has read at least this, and waits for room in the queue soon after.
        let mut given = vec![intake.next().await.unwrap().unwrap()];
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(line("b").repeat(60).as_bytes()).unwrap();
        while let Some(event) = intake.next().await.unwrap() {
            given.push(event);
        }
        assert_eq!(reader.join().unwrap(), End::Replaced);
        assert!(given.len() < 10, "{}", given.len());
        for event in given {
            let InputEvent::Batch(batch) = event else {
                panic!("{event:?}")
            };
            let Content::Payloads(payloads) = batch.content else {
                panic!("no payloads")
            };
            assert!(payloads.records.value(0).iter().all(|byte| *byte == b'a'));
        }
    }
}
