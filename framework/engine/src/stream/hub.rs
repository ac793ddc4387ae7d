//! The task that has a stream's input and gives what comes of it to all members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use datashark_sdk::conf::Section;
use datashark_sdk::input::{
    DynInput, InputBatch, InputEntry, InputEvent, Micros, Open, PartitionId, Resume,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::{debug, info};

use super::decoding::Groups;
use super::feed::{Feed, first_offset};
use super::member::Shown;
use super::places::Places;
use super::{Command, GATHER, PATIENCE, ROOM, UseCases};
use crate::clock::Clock;
use crate::error::Result;
use crate::run::micros;

/// How often is looked for members that have caught up, and what the stream shows is brought up to date.
const TICK: Micros = 200_000;

/// A stream's task.
pub(super) struct Hub {
    use_cases: UseCases,
    /// The columns beside the records that the input was opened with.
    beside: BTreeSet<String>,
    commands: mpsc::UnboundedReceiver<Command>,
    shown: Arc<Mutex<Shown>>,
    clock: Arc<dyn Clock>,
    feeds: Vec<Feed>,
    groups: Groups,
    places: Places,
    partitions: BTreeMap<PartitionId, Partition>,
    /// How many partitions have come.
    n_came: u64,
    committed: BTreeMap<PartitionId, Resume>,
}

/// A partition that is ours.
struct Partition {
    name: String,
    epoch: u64,
    /// The first offset that has not been given; `None` until it is known where it begins.
    reading: Option<u64>,
    caught_up: bool,
}

/// Why the input is given up.
enum Over {
    /// Other columns are wanted beside the records.
    Reopen,
    /// All has ended; somebody may wait to hear it.
    Closed(Option<oneshot::Sender<()>>),
}

impl Hub {
    /// The hub of these use cases.
    pub(super) fn new(
        use_cases: UseCases,
        commands: mpsc::UnboundedReceiver<Command>,
        shown: Arc<Mutex<Shown>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Hub {
            use_cases,
            beside: BTreeSet::new(),
            commands,
            shown,
            clock,
            feeds: Vec::new(),
            groups: Groups::default(),
            places: Places::default(),
            partitions: BTreeMap::new(),
            n_came: 0,
            committed: BTreeMap::new(),
        }
    }

    /// Opens the input and reads it until all members have gone for good, or it cannot go on.
    pub(super) async fn run(mut self, entry: InputEntry, section: Section, open: Open) {
        let mut over = self.gather().await;
        loop {
            match over {
                Some(Over::Closed(waiting)) => {
                    let _ = waiting.map(|waiting| waiting.send(()));
                    return;
                }
                Some(Over::Reopen) => self.revoke_all(),
                None => {}
            }
            self.beside.clone_from(&self.use_cases.beside);
            let open = Open {
                beside: self.beside.iter().cloned().collect(),
                ..open.clone()
            };
            let mut input = match entry.open(&section, open).await {
                Ok(input) => input,
                Err(error) => return self.fail(&error.to_string()),
            };
            let read = self.read(input.as_mut()).await;
            drop(input);
            match read {
                Ok(ended) => over = Some(ended),
                Err(error) => return self.fail(&error.to_string()),
            }
        }
    }

    /// Waits for a moment until all have come, so that the input need not be gone back in.
    async fn gather(&mut self) -> Option<Over> {
        let until = self.clock.now() + micros(GATHER);
        let clock = Arc::clone(&self.clock);
        while self.feeds.len() < self.use_cases.names.len() {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Some(Over::Closed(None)),
                    Some(Command::Close { closed }) => return Some(Over::Closed(Some(closed))),
                    Some(command) => self.take(command),
                },
                () = clock.wait_until(until) => break,
            }
        }
        None
    }

    async fn read(&mut self, input: &mut dyn DynInput) -> Result<Over> {
        let clock = Arc::clone(&self.clock);
        let mut next_tick = clock.now();
        loop {
            let may_read = self.feeds.iter().any(|feed| !feed.is_behind);
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Ok(Over::Closed(None)),
                    Some(Command::Close { closed }) => {
                        self.commit(input).await?;
                        return Ok(Over::Closed(Some(closed)));
                    }
                    Some(command) => {
                        self.take(command);
                        if self.use_cases.names.is_empty() {
                            return Ok(Over::Closed(None));
                        }
                        if !self.use_cases.beside.is_subset(&self.beside) {
                            return Ok(Over::Reopen);
                        }
                        self.seek(input).await?;
                        self.commit(input).await?;
                    }
                },
                () = clock.wait_until(next_tick) => {
                    next_tick = clock.now() + TICK;
                    self.show(input);
                    self.fetch_those_behind();
                    self.seek(input).await?;
                }
                event = input.next(), if may_read => match event? {
                    Some(event) => self.event(event, input).await?,
                    None => return Err(datashark_sdk::Error::data("the stream has ended").into()),
                },
            }
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::UseCases(use_cases) => self.use_cases = use_cases,
            Command::Attach(feed) => self.attach(*feed),
            Command::Detach { id } => {
                self.feeds.retain(|feed| feed.id != id);
                self.regroup();
            }
            Command::Acknowledge { use_case, places } => {
                for (partition, epoch, place) in places {
                    let ours = self.partitions.get(&partition);
                    if ours.is_some_and(|ours| ours.epoch == epoch) {
                        self.places.reached(&use_case, &partition, place);
                    }
                }
            }
            // Taken where it is heard.
            Command::Close { .. } => {}
        }
    }

    fn attach(&mut self, mut feed: Feed) {
        for (id, partition) in &self.partitions {
            let place = self.places.of(&feed.use_case, id);
            feed.introduce(id, (&partition.name, partition.epoch), place);
            if let Some(reading) = partition.reading
                && feed.begin(id, reading)
            {
                self.places.reached(&feed.use_case, id, Resume::at(reading));
            }
            if partition.caught_up && feed.has_all(id, partition.reading) {
                feed.tell(InputEvent::CaughtUp(id.clone()));
            }
        }
        self.feeds.push(feed);
        self.regroup();
    }

    fn regroup(&mut self) {
        let wanted = self.feeds.iter().filter_map(|feed| feed.wanted.as_ref());
        self.groups = Groups::new(wanted);
    }

    async fn event(&mut self, event: InputEvent, input: &mut dyn DynInput) -> Result<()> {
        match event {
            InputEvent::Assigned {
                partition,
                name,
                resume,
            } => self.assigned(partition, name, resume),
            InputEvent::Batch(batch) => return self.batch(batch, input).await,
            InputEvent::CaughtUp(id) => {
                if let Some(partition) = self.partitions.get_mut(&id) {
                    partition.caught_up = true;
                    let has_all = |feed: &&Feed| feed.has_all(&id, partition.reading);
                    let feeds = self.feeds.iter().filter(has_all);
                    feeds.for_each(|feed| feed.tell(InputEvent::CaughtUp(id.clone())));
                }
            }
            InputEvent::Revoked(partition) => self.revoked(&partition),
            event @ (InputEvent::Ended { .. } | InputEvent::Failed { .. }) => {
                self.feeds.iter().for_each(|feed| feed.tell(event.clone()));
            }
        }
        Ok(())
    }

    fn assigned(&mut self, id: PartitionId, name: String, resume: Option<Resume>) {
        self.n_came += 1;
        let epoch = self.n_came;
        self.places.assigned(id.clone(), resume);
        for feed in &mut self.feeds {
            let place = self.places.of(&feed.use_case, &id);
            feed.introduce(&id, (&name, epoch), place);
        }
        let partition = Partition {
            name,
            epoch,
            reading: None,
            caught_up: false,
        };
        self.partitions.insert(id, partition);
    }

    fn revoked(&mut self, id: &PartitionId) {
        self.partitions.remove(id);
        self.places.revoked(id);
        self.committed.remove(id);
        self.feeds.iter_mut().for_each(|feed| feed.forget(id));
    }

    fn revoke_all(&mut self) {
        let ids: Vec<PartitionId> = self.partitions.keys().cloned().collect();
        ids.iter().for_each(|id| self.revoked(id));
    }

    async fn batch(&mut self, batch: InputBatch, input: &mut dyn DynInput) -> Result<()> {
        let Some(partition) = self.partitions.get_mut(&batch.partition) else {
            return Ok(());
        };
        let (id, first) = (&batch.partition, first_offset(&batch));
        // Those who get nothing of it were told that there is nothing more.
        if std::mem::take(&mut partition.caught_up) {
            let others = self.feeds.iter().filter(|feed| !feed.lacks(&batch));
            others.for_each(|feed| feed.tell_of_more(id));
        }
        match partition.reading {
            None => {
                partition.reading = Some(first);
                self.places.began(id, first);
                for feed in &mut self.feeds {
                    if feed.begin(id, first) {
                        self.places.reached(&feed.use_case, id, Resume::at(first));
                    }
                }
                // Somebody is not as far as the group.
                if self.seek(input).await? {
                    return Ok(());
                }
            }
            // The source had to begin elsewhere than it was told, and has said why.
            Some(reading) if first < reading => {
                self.feeds
                    .iter_mut()
                    .for_each(|feed| feed.go_back(id, first));
            }
            Some(_) => {}
        }
        if let Some(partition) = self.partitions.get_mut(id) {
            partition.reading = Some(batch.end_offset);
        }
        match self.give(&batch).await {
            true => self.seek(input).await.map(drop),
            false => Ok(()),
        }
    }

    /// Gives a batch to all who have not had it; whether somebody was left behind.
    async fn give(&mut self, batch: &InputBatch) -> bool {
        let takes = |feed: &&mut Feed| !feed.is_behind && feed.lacks(batch);
        let n_takers = self.feeds.iter_mut().filter(takes).count();
        let shared = (n_takers > 1).then(|| self.groups.batch()).flatten();
        let mut has_left = false;
        for feed in self.feeds.iter_mut().filter(takes) {
            match room(&feed.room, self.clock.as_ref()).await {
                Some(room) => feed.give(batch, shared.as_ref(), room),
                None => {
                    info!(use_case = %feed.use_case, "takes nothing; the others of its stream go on without it");
                    feed.is_behind = true;
                    has_left = true;
                }
            }
        }
        has_left
    }

    /// Those that were left behind and have taken all they were given are given to again.
    fn fetch_those_behind(&mut self) {
        for feed in self.feeds.iter_mut().filter(|feed| feed.is_behind) {
            feed.is_behind = feed.room.available_permits() < ROOM;
        }
    }

    /// Reads on where the member is that has had least; whether that is elsewhere.
    async fn seek(&mut self, input: &mut dyn DynInput) -> Result<bool> {
        let least = |id: &PartitionId| {
            let feeds = self.feeds.iter().filter(|feed| !feed.is_behind);
            feeds.filter_map(|feed| feed.next(id)).min()
        };
        let elsewhere = self.partitions.iter().filter_map(|(id, partition)| {
            let (reading, least) = (partition.reading?, least(id)?);
            (least != reading).then(|| (id.clone(), least))
        });
        let elsewhere: BTreeMap<PartitionId, u64> = elsewhere.collect();
        if elsewhere.is_empty() {
            return Ok(false);
        }
        debug!(?elsewhere, "a stream is read on elsewhere");
        input.seek(&elsewhere).await?;
        for (id, offset) in elsewhere {
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.reading = Some(offset);
                if std::mem::take(&mut partition.caught_up) {
                    self.feeds.iter().for_each(|feed| feed.tell_of_more(&id));
                }
            }
        }
        Ok(true)
    }

    /// Commits what has come since the last time.
    async fn commit(&mut self, input: &mut dyn DynInput) -> Result<()> {
        let done = self.places.to_commit(&self.use_cases.names);
        if done != self.committed {
            input.acknowledge(&done).await?;
            self.committed = done;
        }
        Ok(())
    }

    fn show(&self, input: &dyn DynInput) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Shown {
            progress: input.progress(),
            ends: input.ends(),
        };
    }

    fn fail(self, reason: &str) {
        self.feeds.iter().for_each(|feed| feed.fail(reason));
    }
}

/// Room for a batch; `None` where there is none for too long.
async fn room(room: &Arc<Semaphore>, clock: &dyn Clock) -> Option<OwnedSemaphorePermit> {
    let until = clock.now() + micros(PATIENCE);
    tokio::select! {
        biased;
        room = Arc::clone(room).acquire_owned() => room.ok(),
        () = clock.wait_until(until) => None,
    }
}
