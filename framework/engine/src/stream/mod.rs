//! A stream that several use cases read: one consumer, one read, one decode.
//!
//! ```text
//!             ┌─► member: beacons ──► its run: filter, windows, outputs ──┐ acknowledge
//!  input ──► hub ─► member: scans ──► its run ────────────────────────────┤
//!   ▲         └─► member: tunnels ──► its run ────────────────────────────┘
//!   └── commit: the least far, with a note of the others ◄── places ◄─────┘
//! ```
//! Use cases share a stream where their confs name the same one ([`crate::Job`]'s input says so). Each
//! has a run of its own and knows nothing of the others; what it reads is a [`Member`] in place of an
//! input. The hub is the one task that has the input.
//!
//! - **One read.** A batch is given to every member that has not had it, as the same buffers. Members
//!   need not be at one place: one that comes later, or again after it failed, makes the hub go back
//!   ([`datashark_sdk::input::Input::seek`]), and the others are not given again what they have had.
//! - **One decode.** Members of one format decode a batch once, with the columns of all
//!   ([`decoding`]).
//! - **A slow member** slows the stream. One that takes nothing for [`PATIENCE`] is left behind, so that
//!   the others go on; when it has taken what it was given, the hub goes back for it.
//! - **Commits.** The source keeps one mark; it is at the member that is least far, and the note with
//!   it says where each of the others is ([`places`]). An enabled use case that is not running holds
//!   the mark where it is: what it has not had is read again when it comes. One that is new to the
//!   stream begins where the stream is.
//!
//! Only inputs whose partitions come and go are shared so ([`datashark_sdk::input::Input::IS_SHARED`]).
//! A use case that joins later and wants columns beside the records that nobody wanted before makes the
//! hub open the input anew: partitions then go and come as in any rebalance.

mod decoding;
mod feed;
mod hub;
mod member;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datashark_sdk::conf::Section;
use datashark_sdk::input::{InputEntry, Open, PartitionId, Resume};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

#[cfg(test)]
pub(crate) use self::decoding::shared;
pub(crate) use self::decoding::{SharedBatch, Wanted};
use self::feed::Feed;
use self::hub::Hub;
use self::member::Shown;
pub(crate) use self::member::{Member, Taken};
use crate::clock::Clock;
use crate::error::Result;
use crate::job::Job;

/// How many use cases may share a stream: as many as a broker's commit has room to speak of.
pub const MOST_USE_CASES: usize = 48;
/// How long a member may take nothing before the others go on without it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the first member waits for the others that are to come before the input is opened.
const GATHER: Duration = Duration::from_secs(2);
/// How many batches wait for a member.
const ROOM: usize = 4;

/// The streams of a process, each with the use cases that are to read it.
#[derive(Clone, Default)]
pub struct Streams {
    streams: Arc<Mutex<BTreeMap<Key, Stream>>>,
}

/// The input's name, and its section as text.
type Key = (&'static str, String);

#[derive(Default)]
struct Stream {
    /// Those that are enabled, whether they run or not: by name, with the columns beside the records
    /// that they use.
    use_cases: BTreeMap<String, Vec<String>>,
    hub: Option<Running>,
}

struct Running {
    commands: mpsc::UnboundedSender<Command>,
    shown: Arc<Mutex<Shown>>,
    task: JoinHandle<()>,
    n_members: u64,
}

/// What a hub is told.
enum Command {
    /// These are enabled from now on.
    UseCases(UseCases),
    /// A member comes.
    Attach(Box<Feed>),
    /// A member has gone.
    Detach { id: u64 },
    /// A member is done with all before these places; each with the number that its partition came with.
    Acknowledge {
        use_case: String,
        places: Vec<(PartitionId, u64, Resume)>,
    },
    /// All members have gone for good.
    Close { closed: oneshot::Sender<()> },
}

/// The use cases of a stream that are enabled, whether they run or not.
#[derive(Clone, Default)]
struct UseCases {
    names: BTreeSet<String>,
    /// The columns beside the records that any of them uses.
    beside: BTreeSet<String>,
}

/// A use case that reads a stream with others.
#[derive(Clone)]
pub(crate) struct Joined {
    streams: Streams,
    key: Key,
    entry: InputEntry,
    section: Section,
}

impl Streams {
    /// Has a use case read its input together with others of these streams, if its conf says so: the
    /// group's commit holds what it has not had, from now on until [`Streams::leave`].
    pub fn join(&self, job: &mut Job) {
        let key = job.stream.as_ref();
        let key = key.map(|(entry, section)| (entry.name, format!("{section:?}")));
        self.leave_but(job.name(), key.as_ref());
        let (Some((entry, section)), Some(key)) = (&job.stream, key) else {
            return;
        };
        let mut streams = self.locked();
        let stream = streams.entry(key.clone()).or_default();
        let beside = job.open().beside;
        stream.use_cases.insert(job.name().to_owned(), beside);
        stream.tell();
        drop(streams);
        job.joined = Some(Joined {
            streams: self.clone(),
            key,
            entry: *entry,
            section: section.clone(),
        });
    }

    /// A use case is no longer to be read for.
    pub fn leave(&self, use_case: &str) {
        self.leave_but(use_case, None);
    }

    fn leave_but(&self, use_case: &str, kept: Option<&Key>) {
        for (key, stream) in self.locked().iter_mut() {
            if Some(key) == kept {
                continue;
            }
            let n_before = stream.use_cases.len();
            stream
                .use_cases
                .retain(|name, _| !name.eq_ignore_ascii_case(use_case));
            if stream.use_cases.len() < n_before {
                stream.tell();
            }
        }
    }

    /// Ends all streams once their members have ended: what was acknowledged is committed.
    pub async fn close(&self) {
        let streams = std::mem::take(&mut *self.locked());
        for running in streams.into_values().filter_map(|stream| stream.hub) {
            running.close().await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<Key, Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Tells the hub who is enabled.
    fn tell(&self) {
        if let Some(hub) = &self.hub {
            let _ = hub.commands.send(Command::UseCases(self.enabled()));
        }
    }

    fn enabled(&self) -> UseCases {
        UseCases {
            names: self.use_cases.keys().cloned().collect(),
            beside: self.use_cases.values().flatten().cloned().collect(),
        }
    }
}

impl Running {
    /// Has the hub end, and waits until it has.
    async fn close(self) {
        let (closed, waits) = oneshot::channel();
        let _ = self.commands.send(Command::Close { closed });
        let _ = waits.await;
        let _ = self.task.await;
    }
}

impl Joined {
    /// The use case's part of the stream, which is opened for the first.
    ///
    /// # Errors
    /// More use cases than can share a stream.
    pub(crate) fn attach(
        &self,
        open: Open,
        wanted: Option<Wanted>,
        clock: Arc<dyn Clock>,
    ) -> Result<Member> {
        let mut streams = self.streams.locked();
        let stream = streams.entry(self.key.clone()).or_default();
        let n_use_cases = stream.use_cases.len();
        if n_use_cases > MOST_USE_CASES {
            let reason = format!(
                "{n_use_cases} use cases share a stream, and {MOST_USE_CASES} can; give some an `input` of their own"
            );
            return Err(datashark_sdk::Error::data(reason).into());
        }
        let has_ended = |hub: &mut Running| hub.task.is_finished();
        let hub = match stream.hub.take_if(|hub| !has_ended(hub)) {
            Some(hub) => hub,
            None => self.start(stream.enabled(), &open, clock),
        };
        let hub = stream.hub.insert(hub);
        hub.n_members += 1;
        let id = hub.n_members;
        let (told, tells) = mpsc::unbounded_channel();
        let use_case = open.use_case.clone();
        let feed = Feed::new(id, use_case.clone(), told, wanted, &open);
        let _ = hub.commands.send(Command::Attach(Box::new(feed)));
        Ok(Member {
            id,
            use_case,
            told: tells,
            commands: hub.commands.clone(),
            shown: Arc::clone(&hub.shown),
            epochs: BTreeMap::new(),
        })
    }

    fn start(&self, use_cases: UseCases, open: &Open, clock: Arc<dyn Clock>) -> Running {
        let (commands, orders) = mpsc::unbounded_channel();
        let shown = Arc::default();
        let hub = Hub::new(use_cases, orders, Arc::clone(&shown), clock);
        let open = Open {
            resume: BTreeMap::new(),
            rewind: false,
            ..open.clone()
        };
        let task = tokio::spawn(hub.run(self.entry, self.section.clone(), open));
        Running {
            commands,
            shown,
            task,
            n_members: 0,
        }
    }
}

#[cfg(test)]
mod tests;
