//! How far each use case of a stream is, and with that what may be committed for all of them.
//!
//! The source keeps one mark for a partition: it is at the use case that is least far, and the note
//! with it says where each of the others is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use datashark_sdk::input::{PartitionId, Resume};

use crate::note;

/// How far each use case is in the partitions that are ours.
#[derive(Debug, Default)]
pub(super) struct Places {
    partitions: BTreeMap<PartitionId, Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    /// What the source had as its mark.
    committed: Option<Resume>,
    /// Where it was begun to be read; `None` until that is known.
    start: Option<u64>,
    /// By the use case's name.
    of: BTreeMap<String, Resume>,
}

impl Places {
    /// A partition came, and this is its mark.
    pub(super) fn assigned(&mut self, partition: PartitionId, committed: Option<Resume>) {
        let came = Partition {
            start: committed.as_ref().map(|resume| resume.offset),
            committed,
            of: BTreeMap::new(),
        };
        self.partitions.insert(partition, came);
    }

    /// A partition is somebody else's.
    pub(super) fn revoked(&mut self, partition: &PartitionId) {
        self.partitions.remove(partition);
    }

    /// A partition is read from here; what was said first counts.
    pub(super) fn began(&mut self, partition: &PartitionId, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(partition) {
            partition.start.get_or_insert(offset);
        }
    }

    /// A use case is done with all before this.
    pub(super) fn reached(&mut self, use_case: &str, partition: &PartitionId, place: Resume) {
        if let Some(partition) = self.partitions.get_mut(partition) {
            partition.of.insert(use_case.to_owned(), place);
        }
    }

    /// Where a use case goes on, as it has said itself or as somebody committed it for it.
    pub(super) fn of(&self, use_case: &str, partition: &PartitionId) -> Option<Resume> {
        let partition = self.partitions.get(partition)?;
        let told = || note::of_joint(partition.committed.as_ref()?, use_case);
        partition.of.get(use_case).cloned().or_else(told)
    }

    /// What may be committed: of each partition the place of the use case that is least far, with what
    /// the others have to know. One that has said nothing yet is where the partition was begun. Not less
    /// than where that is: what is before was never ours to commit, and the note knows better.
    pub(super) fn to_commit(&self, use_cases: &BTreeSet<String>) -> BTreeMap<PartitionId, Resume> {
        let of = |(id, partition): (&PartitionId, &Partition)| {
            let start = partition.start?;
            let places = use_cases.iter().map(|use_case| {
                let place = self.of(use_case, id);
                (use_case, place.unwrap_or_else(|| Resume::at(start)))
            });
            let places: Vec<(&String, Resume)> = places.collect();
            let least = places.iter().map(|(_, place)| place.offset).min()?;
            let places = places.iter().map(|(name, place)| (name.as_str(), place));
            Some((id.clone(), note::joint(least.max(start), places)))
        };
        self.partitions.iter().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_least_far_is_committed_and_the_others_are_known_to_the_next_owner() {
        let p = PartitionId::new("logs[0]");
        let mut places = Places::default();
        places.assigned(p.clone(), None);
        places.began(&p, 100);
        places.reached("a", &p, Resume::at(180));
        places.reached("b", &p, Resume::at(150));
        let both = names(&["a", "b"]);
        let committed = places.to_commit(&both)[&p].clone();
        assert_eq!(committed.offset, 150);

        let mut next = Places::default();
        next.assigned(p.clone(), Some(committed));
        assert_eq!(next.of("a", &p).unwrap().offset, 180);
        assert_eq!(next.of("b", &p).unwrap().offset, 150);
        next.reached("b", &p, Resume::at(200));
        assert_eq!(next.to_commit(&both)[&p].offset, 180);
        // One that is enabled and has not come holds the mark where the partition began.
        assert_eq!(next.to_commit(&names(&["a", "b", "c"]))[&p].offset, 150);
        // One that is gone does not.
        assert_eq!(next.to_commit(&names(&["b"]))[&p].offset, 200);
        next.revoked(&p);
        assert!(next.to_commit(&both).is_empty());
    }

    #[test]
    fn a_use_case_that_is_behind_the_mark_is_known_by_the_note() {
        let p = PartitionId::new("logs[0]");
        let mut places = Places::default();
        places.assigned(p.clone(), Some(Resume::at(100)));
        places.reached("late", &p, Resume::at(40));
        let committed = places.to_commit(&names(&["late"]))[&p].clone();
        assert_eq!(committed.offset, 100);
        let mut next = Places::default();
        next.assigned(p.clone(), Some(committed));
        assert_eq!(next.of("late", &p).unwrap().offset, 40);
    }
}
