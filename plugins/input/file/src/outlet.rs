//! Between the reading threads and the engine: a short queue of events.
//!
//! The queue is what bounds the read-ahead: it holds two events per reading thread, so at most two
//! blocks, and each thread another that it is busy with. Dropping the [`Intake`] stops the threads
//! at their next block.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use datashark_sdk::Result;
use datashark_sdk::input::{
    Ends, Framing, HeaderRule, InputEvent, OffsetUnit, Open, PartitionId, Progress,
};
use tokio::sync::mpsc;

use crate::blocks::Limits;

/// Events that wait for the engine, per reading thread.
const QUEUED_PER_READER: usize = 2;

/// About how many bytes are given at a time, unless the engine says.
const BLOCK_BYTES: usize = 1 << 20;

/// The largest record, unless the engine says.
const RECORD_BYTES: usize = 1 << 20;

/// A block must be less than 4 GiB for views to address it; with a record behind it, too.
const BYTES_MAX: usize = 1 << 30;

/// What a reading thread needs to know and where it puts what it read.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    events: mpsc::Sender<Result<InputEvent>>,
    alive: Receiver<Infallible>,
    read_bytes: Arc<AtomicU64>,
    sizes: Arc<Mutex<BTreeMap<PartitionId, u64>>>,
    /// How much to read at a time.
    pub limits: Limits,
    /// What the records of a file are.
    pub framing: Framing,
    /// Which lines of its file each batch carries.
    pub header: HeaderRule,
}

impl Outlet {
    /// Gives an event to the engine, waiting for room; false once nobody listens any more.
    #[must_use]
    pub(crate) fn send(&self, event: InputEvent) -> bool {
        !self.is_stopped() && self.events.blocking_send(Ok(event)).is_ok()
    }

    /// Ends the input with an error.
    pub(crate) fn fail(&self, error: datashark_sdk::Error) {
        // Nobody listens any more: then nobody needs to know.
        let _ = self.events.blocking_send(Err(error));
    }

    /// Whether the input was dropped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.alive.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// What is disconnected once the input was dropped.
    pub(crate) fn alive(&self) -> Receiver<Infallible> {
        self.alive.clone()
    }

    /// Counts bytes of a source as read.
    pub(crate) fn count(&self, n_bytes: u64) {
        self.read_bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Says how long files are that offsets count the bytes of.
    pub(crate) fn note_sizes(&self, sizes: BTreeMap<PartitionId, u64>) {
        *self.sizes.lock().unwrap_or_else(PoisonError::into_inner) = sizes;
    }
}

/// The engine's side.
#[derive(Debug)]
pub(crate) struct Intake {
    first: VecDeque<InputEvent>,
    events: mpsc::Receiver<Result<InputEvent>>,
    /// Its end is what tells the threads to stop.
    _alive: Sender<Infallible>,
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
    sizes: Arc<Mutex<BTreeMap<PartitionId, u64>>>,
}

impl Intake {
    /// A queue for `n_readers` threads. The `first` events come before whatever these read.
    pub(crate) fn new(
        open: &Open,
        n_readers: usize,
        first: Vec<InputEvent>,
        total_bytes: Option<u64>,
    ) -> (Outlet, Intake) {
        let (sender, events) = mpsc::channel(n_readers.max(1) * QUEUED_PER_READER);
        let (keep_alive, alive) = crossbeam_channel::bounded(0);
        let read_bytes = Arc::new(AtomicU64::new(0));
        let sizes = Arc::new(Mutex::default());
        let outlet = Outlet {
            events: sender,
            alive,
            read_bytes: Arc::clone(&read_bytes),
            sizes: Arc::clone(&sizes),
            limits: limits(open),
            framing: open.framing,
            header: open.header,
        };
        let first = first.into();
        (
            outlet,
            Intake {
                first,
                events,
                _alive: keep_alive,
                read_bytes,
                total_bytes,
                sizes,
            },
        )
    }

    /// What comes next; nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<InputEvent>> {
        if let Some(event) = self.first.pop_front() {
            return Ok(Some(event));
        }
        self.events.recv().await.transpose()
    }

    /// How far the threads are.
    pub(crate) fn progress(&self) -> Progress {
        let read_bytes = self.read_bytes.load(Ordering::Relaxed);
        Progress {
            read_bytes,
            total_bytes: self.total_bytes,
        }
    }

    /// Where the files end that are watched.
    pub(crate) fn ends(&self) -> Ends {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        Ends {
            unit: OffsetUnit::Bytes,
            offsets: sizes.clone(),
        }
    }
}

fn limits(open: &Open) -> Limits {
    let or = |value, default| if value == 0 { default } else { value };
    Limits {
        block_bytes: or(open.block_bytes, BLOCK_BYTES).min(BYTES_MAX),
        record_bytes: or(open.max_record_bytes, RECORD_BYTES).min(BYTES_MAX),
    }
}

/// How many files are read side by side.
pub(crate) fn n_readers(conf: Option<usize>, open: &Open) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let engine = Some(open.n_partitions).filter(|n| *n > 0);
    conf.or(engine).unwrap_or_else(cores).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datashark_sdk::input::Input;

    use super::*;
    use crate::{Batch, BatchConf, Folder, FolderConf, From};

    /// Whether all threads of a dropped input end, although nobody took what they read.
    async fn stops(intake: Intake) {
        let threads = Arc::downgrade(&intake.read_bytes);
        drop(intake);
        let stopped = async {
            while threads.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), stopped)
            .await
            .expect("the threads stop");
    }

    #[tokio::test]
    async fn a_dropped_input_stops_its_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "a line\n".repeat(2_000_000)).unwrap();
        let once = Open {
            once: true,
            ..Open::default()
        };
        let conf = BatchConf {
            files: vec![path.to_str().unwrap().to_owned()],
        };
        stops(Batch::open(conf, once.clone()).await.unwrap().intake).await;
        for open in [once, Open::default()] {
            let (folder_path, pattern) = (folder.path().to_owned(), "*".to_owned());
            let (from, recursive, partitions) = (From::Beginning, false, None);
            let conf = FolderConf {
                folder_path,
                pattern,
                from,
                recursive,
                partitions,
            };
            let mut input = Folder::open(conf, open).await.unwrap();
            input.next().await.unwrap();
            stops(input.intake).await;
        }
    }
}
