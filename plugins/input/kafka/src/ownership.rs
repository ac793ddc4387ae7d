//! Which partitions are ours, what the group has committed for them, and what becomes of them where the
//! group is lost.
//!
//! librdkafka takes all partitions from us where the group's coordinator has not answered for
//! `session.timeout.ms`, also where it gives them back as soon as it can. What was read and not delivered
//! by then need not be read again if nobody else had the partition meanwhile: whoever has one commits. So a
//! partition whose commit is still one of ours is read on where it was, as if nothing had been.

use std::collections::BTreeMap;

use datashark_sdk::input::{PartitionId, Resume};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::start::Start;

/// How many of our latest commits are remembered while none arrives.
const COMMITS: usize = 64;

/// A change of what is ours.
#[derive(Debug)]
pub(crate) enum Change {
    /// These came.
    Assigned(Vec<Start>),
    /// These went.
    Revoked(Vec<PartitionId>),
    /// The group was lost, and whose these are is not known: they come again as if nothing had been, or they
    /// are revoked.
    Lost(Vec<PartitionId>),
}

/// A partition of ours, as far as commits go.
#[derive(Debug)]
struct Owned {
    topic: String,
    partition: i32,
    /// Where it began; less was never ours to commit.
    start: u64,
    committed: Option<Resume>,
    /// What the group has committed if nobody else did: what is known to have arrived, and what we have sent
    /// since.
    ours: Vec<Option<Resume>>,
}

/// A partition that was ours when the group was lost.
#[derive(Debug)]
struct Lost {
    owned: Owned,
    /// Where it is to be read on, once the reader has said.
    position: Option<u64>,
}

/// How a partition is named, to the checkpoint and to a person.
pub(crate) fn id(topic: &str, partition: i32) -> PartitionId {
    PartitionId::new(format!("{topic}[{partition}]"))
}

/// The partitions of a list.
pub(crate) fn ids(partitions: &TopicPartitionList) -> Vec<PartitionId> {
    let elements = partitions.elements();
    let ids = elements
        .iter()
        .map(|element| id(element.topic(), element.partition()));
    ids.collect()
}

/// What is ours, and what was when the group was lost.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    owned: BTreeMap<PartitionId, Owned>,
    /// It may be ours again.
    lost: BTreeMap<PartitionId, Lost>,
}

impl Ownership {
    /// Whether a partition is ours.
    pub(crate) fn has(&self, id: &PartitionId) -> bool {
        self.owned.contains_key(id)
    }

    /// Partitions are ours from now on. Those that were lost and that nobody else has read since are read on
    /// where we were, and the engine hears nothing of it.
    pub(crate) fn own(&mut self, mut starts: Vec<Start>) -> (Vec<Start>, Vec<Change>) {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for start in &mut starts {
            match self.lost.remove(&start.id) {
                Some(Lost {
                    owned: mut before,
                    position: Some(position),
                }) if before.ours.contains(&start.committed) => {
                    start.offset = position;
                    // The last of ours may not have arrived.
                    before.committed = start.committed.clone();
                    self.owned.insert(start.id.clone(), before);
                    continue;
                }
                Some(_) => went.push(start.id.clone()),
                None => {}
            }
            let partition = Owned {
                topic: start.topic.clone(),
                partition: start.partition,
                start: start.offset,
                committed: start.committed.clone(),
                ours: vec![start.committed.clone()],
            };
            self.owned.insert(start.id.clone(), partition);
            came.push(start.clone());
        }
        // The others are somebody else's now.
        went.extend(std::mem::take(&mut self.lost).into_keys());
        let went = (!went.is_empty()).then_some(Change::Revoked(went));
        let changes = went.into_iter().chain([Change::Assigned(came)]);
        (starts, changes.collect())
    }

    /// Partitions are no longer ours, or nobody knows.
    pub(crate) fn disown(&mut self, ids: Vec<PartitionId>, is_lost: bool) -> Change {
        for id in &ids {
            let owned = self.owned.remove(id).filter(|_| is_lost);
            let lost = owned.map(|owned| Lost {
                owned,
                position: None,
            });
            self.lost.extend(lost.map(|lost| (id.clone(), lost)));
        }
        match is_lost {
            true => Change::Lost(ids),
            false => Change::Revoked(ids),
        }
    }

    /// Should a partition that was lost be ours again, it is to be read on here; whether it was lost.
    pub(crate) fn read_lost_on_at(&mut self, id: &PartitionId, position: u64) -> bool {
        let lost = self.lost.get_mut(id);
        lost.map(|lost| lost.position = Some(position)).is_some()
    }

    /// What to commit of this: what is of partitions that are still ours, as far as it says something
    /// new.
    pub(crate) fn next_commit(
        &mut self,
        done: &BTreeMap<PartitionId, Resume>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (id, resume) in done {
            let Some(partition) = self.owned.get_mut(id) else {
                continue;
            };
            if resume.offset < partition.start || partition.committed.as_ref() == Some(resume) {
                continue;
            }
            let Ok(place) = i64::try_from(resume.offset) else {
                continue;
            };
            let mut element = list.add_partition(&partition.topic, partition.partition);
            element.set_metadata(&resume.note);
            if element.set_offset(Offset::Offset(place)).is_ok() {
                partition.committed = Some(resume.clone());
                partition.ours.push(Some(resume.clone()));
                if partition.ours.len() > COMMITS {
                    // The first is the one that has arrived.
                    partition.ours.remove(1);
                }
            }
        }
        list
    }

    /// A commit has arrived.
    pub(crate) fn committed(&mut self, list: &TopicPartitionList) {
        for element in list.elements() {
            let Some(partition) = self.get_mut(element.topic(), element.partition()) else {
                continue;
            };
            let is_it = |it: &Resume| {
                let offset = i64::try_from(it.offset).map(Offset::Offset);
                offset == Ok(element.offset()) && it.note == element.metadata()
            };
            let arrived = |it: &Option<Resume>| it.as_ref().is_some_and(is_it);
            if let Some(idx) = partition.ours.iter().position(arrived) {
                partition.ours.drain(..idx);
            }
        }
    }

    /// A commit did not come about, or nobody knows.
    pub(crate) fn not_committed(&mut self, list: &TopicPartitionList) {
        for element in list.elements() {
            if let Some(partition) = self.get_mut(element.topic(), element.partition()) {
                partition.committed = None;
            }
        }
    }

    fn get_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Owned> {
        self.owned.get_mut(&id(topic, partition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(offset: u64) -> Resume {
        let note = format!("up to {offset}");
        Resume { offset, note }
    }

    /// A partition as the group gives it: from its commit on.
    fn start(partition: i32, committed: Option<u64>) -> Start {
        Start {
            id: id("logs", partition),
            topic: "logs".to_owned(),
            partition,
            offset: committed.unwrap_or(0),
            committed: committed.map(resume),
            resume: committed.map(resume),
            end: None,
        }
    }

    fn commit(ours: &mut Ownership, offset: u64) -> TopicPartitionList {
        ours.next_commit(&BTreeMap::from([(id("logs", 0), resume(offset))]))
    }

    /// Two partitions were ours and read up to 30 when the group was lost. For the first, 10 was committed,
    /// and whether 20 was nobody knows.
    fn lost() -> Ownership {
        let mut ours = Ownership::default();
        ours.own(vec![start(0, None), start(1, Some(5))]);
        let arrived = commit(&mut ours, 10);
        ours.committed(&arrived);
        let unknown = commit(&mut ours, 20);
        ours.not_committed(&unknown);
        let both = [0, 1].map(|partition| id("logs", partition));
        ours.disown(both.to_vec(), true);
        assert!(both.iter().all(|id| ours.read_lost_on_at(id, 30)));
        ours
    }

    /// Where partitions that come begin, and which the engine is told went and came.
    fn own(ours: &mut Ownership, starts: Vec<Start>) -> (Vec<u64>, Vec<String>, Vec<String>) {
        let (starts, changes) = ours.own(starts);
        let (mut went, mut came) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Revoked(ids) => went.extend(ids.iter().map(ToString::to_string)),
                Change::Assigned(starts) => {
                    came.extend(starts.iter().map(|start| start.id.to_string()));
                }
                Change::Lost(ids) => panic!("{ids:?}"),
            }
        }
        let offsets = starts.iter().map(|start| start.offset).collect();
        (offsets, went, came)
    }

    #[test]
    fn what_was_lost_and_comes_again_unread_by_others_is_read_on_where_it_was() {
        for arrived in [10, 20] {
            let mut ours = lost();
            let again = vec![start(0, Some(arrived)), start(1, Some(5))];
            assert_eq!(own(&mut ours, again), (vec![30, 30], vec![], vec![]));
            // What has not arrived is sent again.
            let n_missing = usize::from(arrived != 20);
            assert_eq!(commit(&mut ours, 20).count(), n_missing);
        }
    }

    #[test]
    fn what_others_have_read_or_have_now_went_and_begins_anew() {
        // The group is not before what we know to have arrived, unless somebody has set it back.
        for committed in [None, Some(15), Some(25)] {
            let mut ours = lost();
            let (offsets, went, came) = own(&mut ours, vec![start(0, committed)]);
            assert_eq!(offsets, [committed.unwrap_or(0)]);
            assert_eq!(went, ["logs[0]", "logs[1]"]);
            assert_eq!(came, ["logs[0]"]);
            assert!(!ours.read_lost_on_at(&id("logs", 1), 30));
        }
    }

    #[test]
    fn what_was_taken_from_us_begins_where_the_group_is() {
        let mut ours = Ownership::default();
        ours.own(vec![start(0, Some(5))]);
        ours.disown(vec![id("logs", 0)], false);
        let (offsets, went, came) = own(&mut ours, vec![start(0, Some(5))]);
        assert_eq!((offsets, went), (vec![5], vec![]));
        assert_eq!(came, ["logs[0]"]);
    }
}
