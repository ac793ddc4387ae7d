//! What the hub knows of a member, and how it gives to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BinaryViewArray;
use datashark_sdk::input::{Content, InputBatch, InputEvent, Open, PartitionId, Payloads, Resume};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::ROOM;
use super::decoding::{SharedBatch, Wanted};
use super::member::Told;

/// The hub's side of a member.
pub(super) struct Feed {
    pub(super) id: u64,
    pub(super) use_case: String,
    pub(super) wanted: Option<Wanted>,
    /// Whether it took nothing for too long, so that the others went on.
    pub(super) is_behind: bool,
    pub(super) room: Arc<Semaphore>,
    told: mpsc::UnboundedSender<Told>,
    /// Where its state folder says that it goes on.
    resume: BTreeMap<PartitionId, u64>,
    /// Whether that counts alone.
    rewind: bool,
    /// The first offset that it has not had, of the partitions of which that is known.
    next: BTreeMap<PartitionId, u64>,
}

impl Feed {
    /// A member that is told this way.
    pub(super) fn new(
        id: u64,
        use_case: String,
        told: mpsc::UnboundedSender<Told>,
        wanted: Option<Wanted>,
        open: &Open,
    ) -> Self {
        let resume = open.resume.iter();
        Feed {
            id,
            use_case,
            wanted,
            is_behind: false,
            room: Arc::new(Semaphore::new(ROOM)),
            told,
            resume: resume.map(|(id, it)| (id.clone(), it.offset)).collect(),
            rewind: open.rewind,
            next: BTreeMap::new(),
        }
    }

    /// The first offset that it has not had.
    pub(super) fn next(&self, partition: &PartitionId) -> Option<u64> {
        self.next.get(partition).copied()
    }

    /// Whether it has had all that was given so far.
    pub(super) fn has_all(&self, partition: &PartitionId, given: Option<u64>) -> bool {
        self.next(partition) >= given
    }

    /// Whether a batch has something for it.
    pub(super) fn lacks(&self, batch: &InputBatch) -> bool {
        let next = self.next(&batch.partition);
        next.is_none_or(|next| next < batch.end_offset)
    }

    /// Tells it of a partition, and where it goes on there as the stream knows.
    pub(super) fn introduce(
        &mut self,
        partition: &PartitionId,
        (name, epoch): (&str, u64),
        place: Option<Resume>,
    ) {
        let own = self.resume.get(partition).copied();
        let place = place.filter(|_| !(self.rewind && own.is_some()));
        let at = own.max(place.as_ref().map(|place| place.offset));
        if let Some(at) = at {
            self.next.insert(partition.clone(), at);
        }
        let event = InputEvent::Assigned {
            partition: partition.clone(),
            name: name.to_owned(),
            resume: place,
        };
        self.send(event, None, epoch, None);
    }

    /// Has it begin where the stream is, if nobody knows where it was.
    pub(super) fn begin(&mut self, partition: &PartitionId, at: u64) -> bool {
        if self.next.contains_key(partition) {
            return false;
        }
        self.next.insert(partition.clone(), at);
        // So that this is committed even if nothing comes.
        self.tell(InputEvent::Batch(nothing(partition, at)));
        true
    }

    /// Has it take again what comes from here on: the source has gone back.
    pub(super) fn go_back(&mut self, partition: &PartitionId, at: u64) {
        if let Some(next) = self.next.get_mut(partition) {
            *next = at.min(*next);
        }
    }

    /// A partition is somebody else's.
    pub(super) fn forget(&mut self, partition: &PartitionId) {
        self.next.remove(partition);
        // What the state folder said has been overtaken by what was committed.
        self.resume.remove(partition);
        self.tell(InputEvent::Revoked(partition.clone()));
    }

    /// Gives it a batch, or what it has not had of it.
    pub(super) fn give(
        &mut self,
        batch: &InputBatch,
        shared: Option<&Arc<SharedBatch>>,
        room: OwnedSemaphorePermit,
    ) {
        let next = self.next(&batch.partition).unwrap_or(0);
        self.next.insert(batch.partition.clone(), batch.end_offset);
        let (batch, shared) = match first_offset(batch) < next {
            true => (behind(batch, next), None),
            false => (batch.clone(), shared.cloned()),
        };
        self.send(InputEvent::Batch(batch), shared, 0, Some(room));
    }

    /// Tells it what needs no room.
    pub(super) fn tell(&self, event: InputEvent) {
        self.send(event, None, 0, None);
    }

    /// Takes back that there is nothing more in a partition: nothing behind what it has had so far says so.
    pub(super) fn tell_of_more(&self, partition: &PartitionId) {
        if let Some(next) = self.next(partition) {
            self.tell(InputEvent::Batch(nothing(partition, next)));
        }
    }

    /// Tells it that the stream cannot go on.
    pub(super) fn fail(&self, reason: &str) {
        let _ = self.told.send(Told::Failed(reason.to_owned()));
    }

    fn send(
        &self,
        event: InputEvent,
        shared: Option<Arc<SharedBatch>>,
        epoch: u64,
        room: Option<OwnedSemaphorePermit>,
    ) {
        // One that has gone says so by itself.
        let _ = self.told.send(Told::Event {
            event,
            shared,
            epoch,
            room,
        });
    }
}

/// The offset of the first record, or where one would be.
pub(super) fn first_offset(batch: &InputBatch) -> u64 {
    let of_content = match &batch.content {
        Content::Payloads(payloads) => payloads.offsets.first().copied(),
        Content::Columns { rows, first_offset } => (rows.num_rows() > 0).then_some(*first_offset),
    };
    let others = batch.oversized.first().map(|it| it.offset);
    let unreadable = batch.unreadable.first().map(|it| it.offset);
    let first = of_content.into_iter().chain(others).chain(unreadable).min();
    first.unwrap_or(batch.end_offset)
}

/// No records, up to here.
fn nothing(partition: &PartitionId, end_offset: u64) -> InputBatch {
    InputBatch {
        partition: partition.clone(),
        content: Content::Payloads(Payloads {
            records: BinaryViewArray::from_iter_values(std::iter::empty::<&[u8]>()),
            offsets: Vec::new().into(),
            header: None,
            first_line: None,
            beside: None,
        }),
        end_offset,
        n_bytes: 0,
        oversized: Vec::new(),
        unreadable: Vec::new(),
        arrival: None,
    }
}

/// What a batch has at this offset and behind it.
fn behind(batch: &InputBatch, offset: u64) -> InputBatch {
    let mut batch = batch.clone();
    batch.oversized.retain(|it| it.offset >= offset);
    batch.unreadable.retain(|it| it.offset >= offset);
    batch.content = match batch.content {
        Content::Payloads(payloads) => {
            let n_had = payloads.offsets.partition_point(|it| *it < offset);
            Content::Payloads(payloads.slice(n_had, payloads.offsets.len() - n_had))
        }
        Content::Columns { rows, first_offset } => {
            let n_had = offset.saturating_sub(first_offset);
            let n_had = usize::try_from(n_had)
                .unwrap_or(usize::MAX)
                .min(rows.num_rows());
            Content::Columns {
                rows: rows.slice(n_had, rows.num_rows() - n_had),
                first_offset: first_offset.max(offset),
            }
        }
    };
    batch
}
