//! The thread that polls: it gathers records into blocks and tells the engine, in order.
//!
//! Everything happens in one thread, within or right behind a poll: librdkafka calls the rebalance
//! while we poll, [`Context`] notes it, and it is told before the record that the same poll returns. So
//! `Assigned` comes before a partition's first batch and nothing behind its `Ended`, without a lock
//! around any of it.
//!
//! A block is given when it is full, or when a poll finds nothing more: a slow stream is given record
//! by record, a fast one in full blocks. While the engine takes nothing the partitions are paused and
//! the polls go on, as the group would take them from us otherwise (`max.poll.interval.ms`).

use std::sync::Arc;
use std::time::Duration;

use datashark_kafka_connection::Trouble;
use datashark_sdk::input::InputEvent;
use datashark_sdk::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::warn;

use crate::beside::BesideColumn;
use crate::block::{Block, Limits};
use crate::context::{Context, Standing};
use crate::intake::{Given, Outlet, Told};
use crate::ownership::Change;
use crate::start::{self, Start};
use crate::topics;

/// How long a poll waits for a record, and the engine's stop for the end of a poll.
const POLL: Duration = Duration::from_millis(100);
/// How long the engine may have no room before the partitions are paused. Pausing drops what was
/// fetched ahead, so that it is for long waits only.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many full blocks all partitions together may hold.
const BLOCKS: usize = 4;

/// Why the reading stops.
enum Stopped {
    /// Nobody listens any more.
    Over,
    /// The input cannot go on.
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Failed(error)
    }
}

impl From<KafkaError> for Stopped {
    fn from(error: KafkaError) -> Self {
        Stopped::Failed(Error::data(format!("Kafka: {error}")))
    }
}

/// The reading thread.
pub(crate) struct Reader {
    pub(crate) consumer: Arc<BaseConsumer<Context>>,
    pub(crate) outlet: Outlet,
    pub(crate) topics: Vec<String>,
    pub(crate) once: bool,
    pub(crate) limits: Limits,
    pub(crate) beside: Vec<BesideColumn>,
    pub(crate) partitions: Vec<Partition>,
    /// Which of them the last record was of.
    pub(crate) last_idx: usize,
    /// About what their blocks take.
    pub(crate) pending_bytes: usize,
}

/// A partition of ours.
pub(crate) struct Partition {
    start: Start,
    block: Block,
    /// Where its end was said to be, until that is reached.
    end: Option<u64>,
    caught_up: bool,
    /// In a run over what is there: it was read to its end.
    ended: bool,
}

impl Reader {
    /// Reads until the input is dropped; then leaves the group.
    pub(crate) fn run(mut self) {
        let read = match self.once {
            true => self.read_once(),
            false => self.read_on(),
        };
        let Reader {
            consumer, outlet, ..
        } = self;
        if let Err(Stopped::Failed(error)) = read {
            let mut event = Err(error);
            while !consumer.context().is_stopping() {
                match outlet.give(event, PATIENCE) {
                    Given::NotYet(again) => event = *again,
                    Given::Yes | Given::Never => break,
                }
            }
        }
        drop(outlet);
        // Commits are still to come, and to be answered.
        while !consumer.context().is_stopping() {
            consumer.poll(POLL);
        }
    }

    /// Reads what the group gives us.
    fn read_on(&mut self) -> Result<(), Stopped> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&topics)?;
        self.read()
    }

    /// Reads all partitions to where they end now. They are not the group's to share out.
    fn read_once(&mut self) -> Result<(), Stopped> {
        let Some(list) = self.find_partitions()? else {
            return Ok(());
        };
        let consumer = Arc::clone(&self.consumer);
        let Some(starts) = consumer.context().begin(&consumer, &list) else {
            return Ok(());
        };
        let list = start::list(&starts)?;
        consumer.assign(&list)?;
        self.tell_changes()?;
        (0..self.partitions.len()).try_for_each(|idx| self.finish_if_read(idx))?;
        match self.all_ended() {
            true => Ok(()),
            false => self.read(),
        }
    }

    /// Asks for the partitions until the brokers say.
    fn find_partitions(&self) -> Result<Option<TopicPartitionList>, Stopped> {
        let context = self.consumer.context();
        while !context.is_stopping() {
            // What is wrong is told by the poll.
            self.consumer.poll(POLL);
            if let Some(line) = context.fatal() {
                return Err(Error::data(line).into());
            }
            match topics::partitions(&self.consumer, &self.topics) {
                Ok(list) => return Ok(Some(list)),
                Err(error) if topics::is_missing(&error) => {
                    let line = context
                        .complaints
                        .line(Trouble::Topic, &self.topics.join(", "));
                    return Err(Error::data(line).into());
                }
                Err(error) => context.trouble(&error, &error.to_string()),
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<(), Stopped> {
        let consumer = Arc::clone(&self.consumer);
        while !consumer.context().is_stopping() {
            // Before the poll, so that the record that it returns is of the new place.
            self.seek()?;
            // Now, not with a record in hand: if the group is lost while we tell, that would come again.
            self.tell_changes()?;
            self.tell_standings()?;
            let is_pending = self.partitions.iter().any(|it| !it.block.is_empty());
            let wait = if is_pending { Duration::ZERO } else { POLL };
            let polled = consumer.poll(wait);
            if let Some(line) = consumer.context().fatal() {
                return Err(Error::data(line).into());
            }
            self.tell_changes()?;
            match polled {
                None => self.ran_dry()?,
                Some(Ok(record)) => self.take(&record)?,
                Some(Err(KafkaError::PartitionEOF(partition))) => self.reached_end_of(partition)?,
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(error.into());
                }
                // The context was told of it, with what there is to say.
                Some(Err(_)) => {}
            }
            if self.once && self.all_ended() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn all_ended(&self) -> bool {
        self.partitions.iter().all(|partition| partition.ended)
    }

    /// Tells the engine which partitions came and went.
    fn tell_changes(&mut self) -> Result<(), Stopped> {
        loop {
            let changes = self.consumer.context().changes();
            if changes.is_empty() {
                return Ok(());
            }
            changes
                .into_iter()
                .try_for_each(|it| self.tell_change(it))?;
        }
    }

    fn tell_change(&mut self, change: Change) -> Result<(), Stopped> {
        match change {
            Change::Assigned(starts) => self.assigned(starts),
            Change::Revoked(ids) => ids.into_iter().try_for_each(|id| {
                // What was gathered and not given comes again, where the partition went.
                let n_before = self.partitions.len();
                self.partitions.retain(|partition| partition.start.id != id);
                match self.partitions.len() < n_before {
                    true => self.give(InputEvent::Revoked(id)),
                    false => Ok(()),
                }
            }),
            Change::Lost(ids) => {
                self.note_lost();
                let is_lost = |idx: &usize| ids.contains(&self.partitions[*idx].start.id);
                let lost: Vec<usize> = (0..self.partitions.len()).filter(is_lost).collect();
                lost.into_iter().try_for_each(|idx| self.may_grow(idx))
            }
        }
    }

    /// Says where partitions that were lost are to be read on.
    fn note_lost(&self) {
        let mut ours = self.consumer.context().ownership();
        for Partition { start, block, .. } in &self.partitions {
            ours.read_lost_on_at(&start.id, block.end_offset());
        }
    }

    fn assigned(&mut self, starts: Vec<Start>) -> Result<(), Stopped> {
        let n_before = self.partitions.len();
        let partition = |start: Start| Partition {
            block: Block::new(start.offset, &self.beside),
            start,
            end: None,
            caught_up: false,
            ended: false,
        };
        self.partitions.extend(starts.into_iter().map(partition));
        for idx in n_before..self.partitions.len() {
            let Partition { start, block, .. } = &mut self.partitions[idx];
            let (partition, name) = (start.id.clone(), start.id.as_str().to_owned());
            // It says where the partition begins, so that this is committed even if nothing comes: a
            // restart shall not begin at a later end.
            let first = block.take(&partition)?;
            let resume = start.resume.clone();
            self.give(InputEvent::Assigned {
                partition,
                name,
                resume,
            })?;
            if first.end_offset > 0 {
                self.give(InputEvent::Batch(first))?;
            }
        }
        Ok(())
    }

    /// Reads partitions on where that was asked for, and says from when on it does.
    fn seek(&mut self) -> Result<(), Stopped> {
        for (id, offset) in self.consumer.context().seeks() {
            let found = self.partitions.iter_mut().find(|it| it.start.id == id);
            if let Some(partition) = found {
                let context = self.consumer.context();
                let is_lost = context.ownership().read_lost_on_at(&id, offset);
                if !is_lost {
                    let at = Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
                    let (topic, number) = (&partition.start.topic, partition.start.partition);
                    self.consumer.seek(topic, number, at, PATIENCE)?;
                }
                let dropped_bytes = partition.block.size_bytes();
                partition.block = Block::new(offset, &self.beside);
                partition.end = None;
                partition.caught_up = false;
                self.pending_bytes = self.pending_bytes.saturating_sub(dropped_bytes);
            }
            self.tell(Told::Sought(id))?;
        }
        Ok(())
    }

    /// Gathers a record.
    fn take(&mut self, record: &impl Message) -> Result<(), Stopped> {
        let Some(idx) = self.idx_of(record) else {
            // Of a partition that was just taken from us.
            return Ok(());
        };
        let limits = self.limits;
        let partition = &mut self.partitions[idx];
        let offset = u64::try_from(record.offset()).unwrap_or(0);
        let is_behind_end = partition.start.end.is_some_and(|end| offset >= end);
        if partition.ended || is_behind_end {
            return self.finish_at(idx);
        }
        partition.caught_up = false;
        partition.end = partition.end.filter(|end| *end > offset);
        let before = partition.block.size_bytes();
        partition.block.push(record, limits);
        let size_bytes = partition.block.size_bytes();
        self.pending_bytes += size_bytes - before;
        if size_bytes >= limits.block_bytes {
            self.give_block(idx)?;
        } else if self.pending_bytes >= BLOCKS * limits.block_bytes {
            self.give_all()?;
        }
        self.finish_if_read(idx)
    }

    fn idx_of(&mut self, record: &impl Message) -> Option<usize> {
        let (topic, number) = (record.topic(), record.partition());
        let is_it = |partition: &Partition| {
            partition.start.partition == number && partition.start.topic == topic
        };
        if !self.partitions.get(self.last_idx).is_some_and(is_it) {
            self.last_idx = self.partitions.iter().position(is_it)?;
        }
        Some(self.last_idx)
    }

    /// There is nothing more in a partition of this number now. Which topic's, librdkafka does not say here:
    /// where there are several, its statistics do, a little later.
    fn reached_end_of(&mut self, number: i32) -> Result<(), Stopped> {
        self.give_all()?;
        let is_it = |partition: &Partition| partition.start.partition == number;
        let mut of_number = (0..self.partitions.len()).filter(|idx| is_it(&self.partitions[*idx]));
        match (of_number.next(), of_number.next()) {
            (Some(idx), None) => self.reached_end(idx),
            _ => Ok(()),
        }
    }

    /// All that was fetched was polled.
    fn ran_dry(&mut self) -> Result<(), Stopped> {
        self.give_all()?;
        (0..self.partitions.len()).try_for_each(|idx| match self.partitions[idx].end {
            Some(_) => self.reached_end(idx),
            None => Ok(()),
        })
    }

    fn reached_end(&mut self, idx: usize) -> Result<(), Stopped> {
        let partition = &mut self.partitions[idx];
        partition.end = None;
        if self.once {
            return self.finish_at(idx);
        }
        if std::mem::replace(&mut partition.caught_up, true) {
            return Ok(());
        }
        let id = partition.start.id.clone();
        self.give(InputEvent::CaughtUp(id))
    }

    /// Tells the engine which partitions are at their end, and of which that is no longer known: windows wait
    /// for what a broker has that cannot be reached.
    fn tell_standings(&mut self) -> Result<(), Stopped> {
        for (id, standing) in self.consumer.context().standings() {
            let found = self.partitions.iter().position(|it| it.start.id == id);
            let Some(idx) = found else { continue };
            let partition = &mut self.partitions[idx];
            match standing {
                // Statistics overtake records. Where there is something at the end that is no record, as a
                // transaction's marker, it is reached when there is nothing more to poll.
                Standing::AtEnd(end) if partition.block.end_offset() < end => {
                    partition.end = Some(end);
                }
                Standing::AtEnd(end) if partition.block.end_offset() == end => {
                    self.give_block(idx)?;
                    self.reached_end(idx)?;
                }
                Standing::AtEnd(_) | Standing::Reading => {}
                Standing::Away => self.may_grow(idx)?,
            }
        }
        Ok(())
    }

    /// It is not known whether there is more in a partition.
    fn may_grow(&mut self, idx: usize) -> Result<(), Stopped> {
        let partition = &mut self.partitions[idx];
        partition.end = None;
        match std::mem::take(&mut partition.caught_up) {
            true => {
                let nothing = partition.block.take(&partition.start.id)?;
                self.give(InputEvent::Batch(nothing))
            }
            false => Ok(()),
        }
    }

    /// In a run over what is there: ends a partition of which all was read.
    fn finish_if_read(&mut self, idx: usize) -> Result<(), Stopped> {
        let partition = &self.partitions[idx];
        let is_read = |end: u64| partition.block.end_offset() >= end;
        match partition.start.end.is_some_and(is_read) {
            true => self.finish_at(idx),
            false => Ok(()),
        }
    }

    fn finish_at(&mut self, idx: usize) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.partitions[idx].ended, true) {
            return Ok(());
        }
        self.give_block(idx)?;
        let partition = self.partitions[idx].start.id.clone();
        self.give(InputEvent::CaughtUp(partition.clone()))?;
        let forget = false;
        self.give(InputEvent::Ended { partition, forget })
    }

    fn give_all(&mut self) -> Result<(), Stopped> {
        self.pending_bytes = 0;
        (0..self.partitions.len()).try_for_each(|idx| self.give_block(idx))
    }

    fn give_block(&mut self, idx: usize) -> Result<(), Stopped> {
        let Some(partition) = self.partitions.get_mut(idx) else {
            return Ok(());
        };
        if partition.block.is_empty() {
            return Ok(());
        }
        self.pending_bytes = self
            .pending_bytes
            .saturating_sub(partition.block.size_bytes());
        let batch = partition.block.take(&partition.start.id)?;
        self.outlet.count(batch.n_bytes);
        self.consumer.context().well();
        self.give(InputEvent::Batch(batch))
    }

    /// Gives an event to the engine. While there is no room the group is kept content.
    fn give(&mut self, event: InputEvent) -> Result<(), Stopped> {
        self.tell(Told::Event(event))
    }

    fn tell(&mut self, told: Told) -> Result<(), Stopped> {
        let mut told = Ok(told);
        let mut paused = false;
        loop {
            match self.outlet.give(told, PATIENCE) {
                Given::Yes => break,
                Given::Never => return Err(Stopped::Over),
                Given::NotYet(again) => told = *again,
            }
            if self.consumer.context().is_stopping() {
                return Err(Stopped::Over);
            }
            paused = true;
            self.keep_up();
        }
        if paused {
            self.for_all(|consumer, list| consumer.resume(list));
        }
        Ok(())
    }

    /// Polls for the group's sake. What was fetched before the pause is dropped and fetched again, so
    /// that no record comes; should one come all the same, it is kept.
    fn keep_up(&mut self) {
        let consumer = Arc::clone(&self.consumer);
        loop {
            // Before each poll: what a rebalance has just brought is paused before it gives records.
            self.for_all(|consumer, list| consumer.pause(list));
            let polled = consumer.poll(Duration::ZERO);
            // They may come again before the engine hears of it.
            self.note_lost();
            match polled {
                None => return,
                Some(Ok(record)) => {
                    if let Some(idx) = self.idx_of(&record) {
                        self.partitions[idx].block.push(&record, self.limits);
                    }
                }
                Some(Err(_)) => {}
            }
        }
    }

    fn for_all(
        &self,
        change: impl Fn(&BaseConsumer<Context>, &TopicPartitionList) -> KafkaResult<()>,
    ) {
        let assignment = self.consumer.assignment();
        let changed = assignment.and_then(|list| change(&self.consumer, &list));
        if let Err(error) = changed {
            warn!(%error, "partitions cannot be paused");
        }
    }
}
