//! Decides which file is read when, and tells the engine what becomes of each.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, select};
use datashark_sdk::input::InputEvent;
use tokio::time::Instant;

use crate::compress::Compression;
use crate::conf::FolderConf;
use crate::folder::failed;
use crate::identity::FileKey;
use crate::list::{Listing, list};
use crate::live::entering::{Waiting, mark};
use crate::live::tracked::{Next, Presence, Rest, Tracked};
use crate::live::watch::Watch;
use crate::live::{Job, Message, Timing};
use crate::outlet::Outlet;
use crate::pass::{End, Outcome, Tail};
use crate::register::Register;

/// How many passes may wait for a reader, per reader: each holds a file open.
const QUEUED_PER_READER: usize = 2;

/// The input was dropped.
pub(super) struct Closed;

pub(super) type Flow = Result<(), Closed>;

/// Follows the files of a folder.
pub(super) struct Planner {
    /// What the user wrote.
    pub(super) conf: FolderConf,
    pub(super) register: Register,
    pub(super) timing: Timing,
    pub(super) outlet: Outlet,
    n_readers: usize,
    jobs: Sender<Job>,
    messages: Sender<Message>,
    watch: Option<Watch>,
    /// The folder's device and inode.
    folder: Option<(u64, u64)>,
    pub(super) tracked: HashMap<FileKey, Tracked>,
    pub(super) waiting: HashMap<FileKey, Waiting>,
    /// Files to look after, in order.
    ready: VecDeque<FileKey>,
    /// Paths whose failure was reported.
    told: HashSet<PathBuf>,
    n_busy: usize,
    /// How many files are open; counted anew at each look.
    pub(super) n_open: usize,
    pub(super) n_entered: u64,
    pub(super) n_scans: u64,
    scan_at: Instant,
    may_scan_at: Instant,
    /// When to say which partitions of the checkpoint have no file.
    forget_at: Option<Instant>,
}

impl Planner {
    pub(super) fn new(
        conf: FolderConf,
        register: Register,
        timing: Timing,
        outlet: Outlet,
        n_readers: usize,
        jobs: Sender<Job>,
        messages: Sender<Message>,
    ) -> Self {
        let now = Instant::now();
        Planner {
            conf,
            register,
            timing,
            outlet,
            n_readers,
            jobs,
            messages,
            watch: None,
            folder: None,
            tracked: HashMap::new(),
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            told: HashSet::new(),
            n_busy: 0,
            n_open: 0,
            n_entered: 0,
            n_scans: 0,
            scan_at: now,
            may_scan_at: now,
            forget_at: None,
        }
    }

    /// Goes on until the input is dropped.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        while self.step(inbox).is_ok() {}
    }

    fn step(&mut self, inbox: &Receiver<Message>) -> Flow {
        let now = Instant::now();
        if now >= self.scan_at {
            return self.scan(now);
        }
        let alive = self.outlet.alive();
        select! {
            recv(alive) -> _ => Err(Closed),
            recv(inbox) -> message => match message {
                Ok(Message::Changed) => {
                    self.scan_soon();
                    Ok(())
                }
                Ok(Message::Done(key, outcome)) => self.settle(key, outcome),
                Err(_) => Err(Closed),
            },
            default(self.scan_at.duration_since(now)) => Ok(()),
        }
    }

    pub(super) fn tell(&self, event: InputEvent) -> Flow {
        if self.outlet.send(event) {
            Ok(())
        } else {
            Err(Closed)
        }
    }

    pub(super) fn tell_once(&mut self, path: &Path, reason: String) -> Flow {
        if !self.told.insert(path.to_owned()) {
            return Ok(());
        }
        self.tell(InputEvent::Failed {
            partition: None,
            reason,
        })
    }

    fn scan_soon(&mut self) {
        self.scan_at = self.scan_at.min(self.may_scan_at);
    }

    /// Looks at the folder and at every file in it.
    fn scan(&mut self, now: Instant) -> Flow {
        if let Some(watch) = &self.watch {
            watch.rearm();
        }
        match self.look() {
            Ok((listing, presence)) => self.take(&listing, presence, now)?,
            Err(error) => {
                self.watch = None;
                let folder = self.conf.folder_path.clone();
                if self.told.insert(folder.clone()) {
                    self.tell(failed(&folder, &error))?;
                }
            }
        }
        self.note_sizes();
        self.schedule(now)?;
        let end = Instant::now();
        self.may_scan_at = end + self.timing.pause.max(end.duration_since(now) * 10);
        let pending = !self.waiting.is_empty() || self.tracked.values().any(Tracked::is_pending);
        let often = pending || self.watch.is_none();
        self.scan_at = end
            + if often {
                self.timing.poll_often
            } else {
                self.timing.poll
            };
        Ok(())
    }

    /// Of a compressed file, whose offsets count what is in it, the size says nothing.
    fn note_sizes(&self) {
        let plain = self
            .tracked
            .values()
            .filter(|file| file.compression == Compression::Plain);
        let sizes = plain.map(|file| (file.partition.clone(), file.stamp.size));
        self.outlet.note_sizes(sizes.collect());
    }

    /// Lists the folder, watched before it is listed. Says what it means if a file is not in it.
    fn look(&mut self) -> io::Result<(Listing, Presence)> {
        let path = &self.conf.folder_path;
        let metadata = fs::metadata(path)?;
        let folder = (metadata.dev(), metadata.ino());
        let same_device = self.folder.is_none_or(|(device, _)| device == folder.0);
        let other = self.folder != Some(folder) || self.told.contains(path);
        if other && self.timing.notify {
            let watch = Watch::new(path, self.conf.recursive, self.messages.clone());
            if let Err(error) = &watch {
                tracing::warn!(%error, folder = %path.display(), "no notifications, polling");
            }
            self.watch = watch.ok();
        }
        let listing = list(path, self.conf.recursive)?;
        self.folder = Some(folder);
        self.told.remove(path);
        Ok((
            listing,
            if same_device {
                Presence::Gone
            } else {
                Presence::Unmounted
            },
        ))
    }

    fn take(&mut self, listing: &Listing, presence: Presence, now: Instant) -> Flow {
        for (folder, error) in &listing.unread {
            if self.told.insert(folder.clone()) {
                self.tell(failed(folder, error))?;
            }
        }
        let listed: HashSet<_> = listing.files.iter().map(|file| file.key).collect();
        for file in &listing.files {
            match self.tracked.get_mut(&file.key) {
                Some(tracked) => tracked.see(file, now),
                None if self.register.wants(file) => self.enter(file, now)?,
                None => {}
            }
        }
        if listing.unread.is_empty() {
            self.miss(&listed, presence, now)?;
            self.forget_stale(&listed, now)?;
            let paths: HashSet<_> = listing.files.iter().map(|file| &file.path).collect();
            self.told.retain(|path| paths.contains(path));
        }
        self.n_scans += 1;
        Ok(())
    }

    /// Files that are not in the folder any more.
    fn miss(&mut self, listed: &HashSet<FileKey>, presence: Presence, now: Instant) -> Flow {
        for tracked in self.tracked.values_mut() {
            if !listed.contains(&tracked.identity.key) {
                tracked.miss(presence, now);
            }
        }
        let gone = self.waiting.extract_if(|key, _| !listed.contains(key));
        for (_, waiting) in gone.collect::<Vec<_>>() {
            // What it has will not grow into more.
            if let Ok(Some(entry)) = self.register.enter(&waiting.path, waiting.file) {
                let key = entry.identity.key;
                self.track(entry, waiting.stamp, now)?;
                self.tracked
                    .entry(key)
                    .and_modify(|tracked| tracked.miss(presence, now));
            }
        }
        Ok(())
    }

    /// What the checkpoint knows and the folder does not have: said once, some time after the
    /// first look, which may have missed a file that was just being renamed.
    fn forget_stale(&mut self, listed: &HashSet<FileKey>, now: Instant) -> Flow {
        match self.forget_at {
            Some(at) if now >= at => self.forget_at = None,
            Some(_) => return Ok(()),
            None if self.n_scans > 0 => return Ok(()),
            None => {
                self.forget_at = Some(now + self.timing.quiet_gone);
                return Ok(());
            }
        }
        let tracked = &self.tracked;
        let current = |key| tracked.get(&key).map(|tracked| tracked.partition.clone());
        for partition in self.register.take_stale(listed, current) {
            self.tell(InputEvent::Ended {
                partition,
                forget: true,
            })?;
        }
        Ok(())
    }

    /// Decides what to do with each file.
    fn schedule(&mut self, now: Instant) -> Flow {
        self.close_surplus();
        let due = self
            .tracked
            .values()
            .filter(|it| it.next(now, &self.timing) != Next::Wait);
        let mut due: Vec<_> = due
            .map(|tracked| (tracked.order, tracked.identity.key))
            .collect();
        due.sort_unstable();
        self.ready = due.into_iter().map(|(_, key)| key).collect();
        self.feed(now)
    }

    /// Does what is to be done, as far as there are readers for it.
    fn feed(&mut self, now: Instant) -> Flow {
        while self.n_busy < self.n_readers * QUEUED_PER_READER {
            let Some(key) = self.ready.pop_front() else {
                return Ok(());
            };
            let Some(tracked) = self.tracked.get_mut(&key) else {
                continue;
            };
            match tracked.next(now, &self.timing) {
                Next::Wait => {}
                Next::Pass(tail) => self.pass(key, tail)?,
                Next::End => self.end(key)?,
                Next::Tell(reason) => {
                    tracked.rest = Rest::Told;
                    let reason = format!("`{}`: {reason}", tracked.path.display());
                    let partition = Some(tracked.partition.clone());
                    self.tell(InputEvent::Failed { partition, reason })?;
                }
            }
        }
        Ok(())
    }

    /// Closes the files that were quiet the longest, if too many are open.
    fn close_surplus(&mut self) {
        let open = self
            .tracked
            .values()
            .filter(|tracked| tracked.file.is_some());
        self.n_open = open.count();
        let n_surplus = self.n_open.saturating_sub(self.timing.n_open);
        if n_surplus == 0 {
            return;
        }
        let mut idle: Vec<_> = self
            .tracked
            .values_mut()
            .filter(|it| it.may_close())
            .collect();
        idle.sort_by_key(|tracked| tracked.changed_at());
        for tracked in idle.into_iter().take(n_surplus) {
            tracked.file = None;
            self.n_open -= 1;
        }
    }

    /// Has a reader read on in a file.
    fn pass(&mut self, key: FileKey, tail: Tail) -> Flow {
        let Some(tracked) = self.tracked.get_mut(&key) else {
            return Ok(());
        };
        let was_closed = tracked.file.is_none();
        let file = match reopen(tracked) {
            Ok(Some(file)) => file,
            // It was renamed or deleted, which the next look will show.
            Ok(None) => {
                self.scan_soon();
                return Ok(());
            }
            Err(error) => {
                let path = tracked.path.clone();
                return self.tell_once(&path, cannot_read(&path, &error));
            }
        };
        let pass = tracked.pass(file, tail);
        tracked.begin();
        self.n_busy += 1;
        self.n_open += usize::from(was_closed);
        self.jobs.send(Job { key, pass }).map_err(|_| Closed)
    }

    /// A pass is over.
    fn settle(&mut self, key: FileKey, outcome: Outcome) -> Flow {
        let now = Instant::now();
        self.n_busy -= 1;
        let rest = match &outcome.end {
            End::Stopped => return Err(Closed),
            End::Replaced => None,
            End::Reached { tail: false } => Some(Rest::Nothing),
            End::Reached { tail: true } => Some(Rest::Tail),
            End::Damaged(reason) | End::Refused(reason) => Some(Rest::Damage(reason.clone())),
        };
        match rest {
            None => self.restart(key, now)?,
            Some(rest) => self.rest(key, outcome, rest, now)?,
        }
        self.feed(now)
    }

    /// A file was read to its end.
    fn rest(&mut self, key: FileKey, outcome: Outcome, rest: Rest, now: Instant) -> Flow {
        let Some(tracked) = self.tracked.get_mut(&key) else {
            return Ok(());
        };
        tracked.finish(outcome, rest, now);
        let unmute = tracked.mute && !matches!(tracked.rest, Rest::Damage(_));
        tracked.look(now);
        let seen = tracked.passed.map_or(0, |passed| passed.size);
        let n_new = tracked.stamp.size.saturating_sub(seen);
        let due = tracked.is_due();
        if self.n_open > self.timing.n_open && tracked.may_close() {
            tracked.file = None;
            self.n_open -= 1;
        }
        let (partition, end) = (tracked.partition.clone(), tracked.position.offset);
        if unmute {
            tracked.mute = false;
            self.tell(mark(&partition, end))?;
        }
        if n_new > self.outlet.limits.block_bytes as u64 {
            self.ready.push_back(key);
            return Ok(());
        }
        if due {
            // A little was added while we read: a next look in a moment finds it with more.
            self.scan_soon();
        }
        self.tell(InputEvent::CaughtUp(partition))
    }

    /// A file was emptied or written anew: it is another partition now.
    fn restart(&mut self, key: FileKey, now: Instant) -> Flow {
        let Some(tracked) = self.tracked.remove(&key) else {
            return Ok(());
        };
        self.tell(InputEvent::Ended {
            partition: tracked.partition,
            forget: true,
        })?;
        self.register.note(tracked.identity, None);
        self.scan_soon();
        match tracked.file {
            Some(file) => self.admit(&tracked.path, file, key, now),
            None => Ok(()),
        }
    }

    /// A file is gone, and all of it was read.
    fn end(&mut self, key: FileKey) -> Flow {
        let Some(tracked) = self.tracked.remove(&key) else {
            return Ok(());
        };
        let forget = tracked.presence != Presence::Unmounted;
        if forget {
            self.register.forget(key);
        } else {
            self.register
                .note(tracked.identity, Some(tracked.position.offset));
        }
        self.tell(InputEvent::Ended {
            partition: tracked.partition,
            forget,
        })
    }
}

/// The open file; opened anew where it was closed. `None` if another file has its name now.
fn reopen(tracked: &mut Tracked) -> io::Result<Option<Arc<File>>> {
    if let Some(file) = &tracked.file {
        return Ok(Some(Arc::clone(file)));
    }
    let file = match File::open(&tracked.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => Arc::new(file?),
    };
    if FileKey::of(&file.metadata()?) != tracked.identity.key {
        return Ok(None);
    }
    tracked.file = Some(Arc::clone(&file));
    Ok(Some(file))
}

pub(super) fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("`{}` cannot be read: {error}", path.display())
}
