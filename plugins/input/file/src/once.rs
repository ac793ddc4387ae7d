//! A run over the files that are there: each is read to its end, then the run is over.
//!
//! Files wait in one queue; each reading thread takes the next, so that one file's records come in
//! order. Whatever happens to a file, the engine is told that its partition has ended.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use datashark_sdk::input::{InputEvent, Micros, Open, PartitionId};
use datashark_sdk::{Error, Result};

use crate::blocks::Position;
use crate::columns::{Rows, Table};
use crate::identity::{FileKey, Fingerprint};
use crate::outlet::{Intake, Outlet};
use crate::pass::{End, Pass, Tail};
use crate::place::Place;
use crate::stream::Origin;

/// A file to be read.
#[derive(Debug)]
pub(crate) struct Task {
    /// Its partition.
    pub partition: PartitionId,
    /// Where it is.
    pub place: Place,
    /// Where to begin.
    pub offset: u64,
    /// When its records arrived.
    pub arrival: Option<Micros>,
    /// How many bytes it has, where it is known.
    pub size: Option<u64>,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Content {
    /// Text, in whatever file has the name.
    Text,
    /// Text, in just this file.
    TextOf(FileKey, Fingerprint),
    /// Parquet.
    Rows(Arc<Table>),
    /// Something else than what was begun under the name.
    Changed,
}

/// Reads the files, `n_readers` at a time, in order. The `first` events come before all others.
pub(crate) fn start(
    tasks: Vec<Task>,
    mut first: Vec<InputEvent>,
    open: &Open,
    n_readers: usize,
) -> Result<Intake> {
    first.extend(tasks.iter().map(|task| InputEvent::Assigned {
        partition: task.partition.clone(),
        name: task.place.path().display().to_string(),
        resume: None,
    }));
    let total_bytes = tasks.iter().map(|task| task.size).sum();
    let n_readers = n_readers.min(tasks.len());
    let (outlet, intake) = Intake::new(open, n_readers, first, total_bytes);
    let queue = Arc::new(Mutex::new(VecDeque::from(tasks)));
    for _ in 0..n_readers {
        let (queue, outlet) = (Arc::clone(&queue), outlet.clone());
        std::thread::Builder::new()
            .name("read-file".to_owned())
            .spawn(move || drain(&queue, &outlet))
            .map_err(|error| Error::io("no thread to read files with", error))?;
    }
    Ok(intake)
}

fn drain(queue: &Mutex<VecDeque<Task>>, outlet: &Outlet) {
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    while let Some(task) = next() {
        // A parser that panics over a hostile file must not pass for the end of the input.
        let read = catch_unwind(AssertUnwindSafe(|| task.read(outlet)));
        let read = read.unwrap_or_else(|_| {
            let path = task.place.path().display();
            Err(Error::internal(format!("reading `{path}` panicked")))
        });
        match read {
            Ok(true) if task.end(None, outlet) => {}
            Err(error) if task.end(Some(error.to_string()), outlet) => {}
            _ => return,
        }
    }
}

impl Task {
    /// Reads it all; false once nobody listens any more.
    fn read(&self, outlet: &Outlet) -> Result<bool> {
        match &self.content {
            Content::Text => self.read_text(None, outlet),
            Content::TextOf(key, fingerprint) => self.read_text(Some((*key, *fingerprint)), outlet),
            Content::Rows(table) => {
                let Task {
                    partition,
                    place,
                    offset,
                    arrival,
                    ..
                } = self;
                let (offset, arrival) = (*offset, *arrival);
                Rows {
                    partition,
                    place,
                    table,
                    offset,
                    arrival,
                }
                .read(outlet)
            }
            Content::Changed => Err(self.changed()),
        }
    }

    fn changed(&self) -> Error {
        let (path, offset) = (self.place.path().display(), self.offset);
        Error::data(format!(
            "`{path}` was written anew since an earlier run read {offset} bytes or rows of it; give \
             what is new another name, or read it anew by removing the state of this use case"
        ))
    }

    fn read_text(&self, expected: Option<(FileKey, Fingerprint)>, outlet: &Outlet) -> Result<bool> {
        let path = self.place.path();
        let cannot = |error| Error::io(format!("`{}` cannot be read", path.display()), error);
        let origin = match expected {
            None => self.place.open().map_err(cannot)?,
            Some((key, _)) => open_as(path, key)?,
        };
        let pass = Pass {
            partition: self.partition.clone(),
            origin,
            position: Position::at(self.offset),
            header: None,
            capture: None,
            fingerprint: expected.map(|(_, fingerprint)| fingerprint),
            raw_end: u64::MAX,
            n_counted: 0,
            tail: Tail::Take,
            mute: false,
            arrival: self.arrival,
        };
        match pass.run(outlet).end {
            End::Reached { .. } => Ok(true),
            End::Stopped => Ok(false),
            End::Refused(reason) => Err(Error::data(reason)),
            End::Replaced => Err(self.replaced()),
            End::Damaged(reason) => Err(Error::data(format!("`{}`: {reason}", path.display()))),
        }
    }

    fn replaced(&self) -> Error {
        let (path, offset) = (self.place.path().display(), self.offset);
        Error::data(match offset {
            0 => format!("`{path}` was emptied or written anew while it was read"),
            _ => format!("`{path}` is shorter than the {offset} bytes that were read of it before"),
        })
    }

    fn end(&self, reason: Option<String>, outlet: &Outlet) -> bool {
        let partition = self.partition.clone();
        let told = match reason {
            None => InputEvent::CaughtUp(partition),
            Some(reason) => InputEvent::Failed {
                partition: Some(partition),
                reason,
            },
        };
        let partition = self.partition.clone();
        outlet.send(told)
            && outlet.send(InputEvent::Ended {
                partition,
                forget: false,
            })
    }
}

/// Opens a file that was seen before; if it was renamed since, under its new name.
fn open_as(path: &Path, key: FileKey) -> Result<Origin> {
    let open = |path: &Path| {
        Origin::open(path)
            .ok()
            .filter(|origin| origin.key() == Some(key))
    };
    let folder = path.parent().map(std::fs::read_dir);
    let renamed = || {
        let mut entries = folder?.ok()?.flatten();
        entries.find_map(|entry| {
            let same = std::fs::metadata(entry.path()).is_ok_and(|it| FileKey::of(&it) == key);
            same.then(|| open(&entry.path())).flatten()
        })
    };
    if let Some(origin) = open(path).or_else(renamed) {
        return Ok(origin);
    }
    let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let error = std::fs::File::open(path).err().unwrap_or_else(gone);
    Err(Error::io(
        format!("`{}` cannot be read", path.display()),
        error,
    ))
}
