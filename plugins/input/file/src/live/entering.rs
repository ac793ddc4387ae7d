//! How a file comes to be followed: from its first whole line on, under its partition.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::BinaryViewArray;
use datashark_sdk::input::{Content, InputBatch, InputEvent, PartitionId, Payloads};
use tokio::time::Instant;

use crate::blocks::Position;
use crate::compress::Compression;
use crate::conf::From;
use crate::folder::no_parquet;
use crate::identity::{FINGERPRINT_BYTES, FileKey};
use crate::list::Listed;
use crate::live::planner::{Flow, Planner, cannot_read};
use crate::live::tracked::{Stamp, Tracked};
use crate::names::is_parquet;
use crate::register::Entry;

/// A new file without a whole line yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub path: PathBuf,
    pub file: Arc<File>,
    pub stamp: Stamp,
    since: Instant,
}

impl Planner {
    /// A file that is not followed yet.
    pub(super) fn enter(&mut self, listed: &Listed, now: Instant) -> Flow {
        let path = &listed.path;
        if listed.metadata.len() == 0 {
            return Ok(());
        }
        if is_parquet(path) {
            return self.tell_once(path, no_parquet(path));
        }
        let file = match File::open(path) {
            Ok(file) => Arc::new(file),
            // It is gone again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return self.tell_once(path, cannot_read(path, &error)),
        };
        self.admit(path, file, listed.key, now)
    }

    /// Follows an open file, once it has a whole line.
    pub(super) fn admit(
        &mut self,
        path: &Path,
        file: Arc<File>,
        key: FileKey,
        now: Instant,
    ) -> Flow {
        let entered = file.metadata().and_then(|metadata| {
            let entry = self.register.enter(path, Arc::clone(&file))?;
            Ok((entry, Stamp::of(&metadata)))
        });
        match entered {
            // Another file took its name, which the next look will show.
            Ok((Some(entry), _)) if entry.identity.key != key => Ok(()),
            Ok((Some(entry), stamp)) if self.must_wait(&entry, stamp, now) => Ok(()),
            Ok((Some(entry), stamp)) => {
                self.waiting.remove(&key);
                self.track(entry, stamp, now)
            }
            Ok((None, _)) => Ok(()),
            Err(error) => self.tell_once(path, cannot_read(path, &error)),
        }
    }

    /// Whether a new file is too short yet to be told from others by its beginning.
    fn must_wait(&mut self, entry: &Entry, stamp: Stamp, now: Instant) -> bool {
        let Entry {
            identity,
            origin,
            file,
            head,
            is_new,
            ..
        } = entry;
        let plain = origin.compression == Compression::Plain;
        let whole = head.len() == FINGERPRINT_BYTES || (plain && head.contains(&b'\n'));
        if whole || !is_new || self.begins_at_end() || self.waiting.len() >= self.timing.n_open {
            return false;
        }
        let quiet = if plain {
            self.timing.quiet
        } else {
            self.timing.settle
        };
        let waiting = self.waiting.entry(identity.key).or_insert_with(|| {
            let (path, file) = (origin.path.clone(), Arc::clone(file));
            Waiting {
                path,
                file,
                stamp,
                since: now,
            }
        });
        if waiting.stamp != stamp {
            (waiting.stamp, waiting.since) = (stamp, now);
        }
        now.duration_since(waiting.since) < quiet
    }

    pub(super) fn track(&mut self, entry: Entry, stamp: Stamp, now: Instant) -> Flow {
        let (key, is_new) = (entry.identity.key, entry.is_new);
        let mut tracked = Tracked::new(entry, stamp, self.n_entered, now);
        self.n_entered += 1;
        let (partition, name) = (
            tracked.partition.clone(),
            tracked.path.display().to_string(),
        );
        self.tell(InputEvent::Assigned {
            partition,
            name,
            resume: None,
        })?;
        if is_new && self.begins_at_end() {
            self.begin_at_end(&mut tracked)?;
        }
        if self.n_open < self.timing.n_open {
            self.n_open += 1;
        } else {
            tracked.file = None;
        }
        self.tracked.insert(key, tracked);
        Ok(())
    }

    /// Whether a new file is one that is there at the first start, whose lines are not asked for.
    fn begins_at_end(&self) -> bool {
        self.n_scans == 0 && self.register.first_start && self.conf.from == From::End
    }

    /// Passes over what a file has now. The end of a compressed one is found by a pass.
    fn begin_at_end(&self, tracked: &mut Tracked) -> Flow {
        if tracked.compression != Compression::Plain {
            tracked.mute = true;
            return Ok(());
        }
        let Some(file) = &tracked.file else {
            return Ok(());
        };
        let end = last_line_start(file, self.outlet.limits.record_bytes);
        let end = end.unwrap_or(tracked.stamp.size);
        tracked.position = Position::at(end);
        tracked.n_counted = end;
        self.tell(mark(&tracked.partition, end))
    }
}

/// A batch without records, which tells the checkpoint where a partition goes on.
pub(super) fn mark(partition: &PartitionId, end_offset: u64) -> InputEvent {
    let records = BinaryViewArray::from_iter_values(std::iter::empty::<&[u8]>());
    let (offsets, header) = (Vec::new().into(), None);
    let payloads = Payloads {
        records,
        offsets,
        header,
        beside: None,
        first_line: None,
    };
    InputEvent::Batch(InputBatch {
        partition: partition.clone(),
        content: Content::Payloads(payloads),
        end_offset,
        n_bytes: 0,
        unreadable: Vec::new(),
        oversized: Vec::new(),
        arrival: None,
    })
}

/// Where the last line of a file starts that is not ended yet, if it is no longer than a record.
fn last_line_start(file: &File, record_bytes: usize) -> Option<u64> {
    let size = file.metadata().ok()?.len();
    let n_bytes = usize::try_from(size)
        .unwrap_or(usize::MAX)
        .min(record_bytes.saturating_add(1));
    let mut tail = vec![0; n_bytes];
    file.read_exact_at(&mut tail, size - n_bytes as u64).ok()?;
    match memchr::memrchr(b'\n', &tail) {
        Some(at) => Some(size - (tail.len() - at - 1) as u64),
        None => (tail.len() as u64 == size).then_some(0),
    }
}
