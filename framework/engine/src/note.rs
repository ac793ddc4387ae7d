//! What goes with the offset of a partition to whoever reads it next.
//!
//! A source that several instances read (a consumer group) keeps the offsets that were acknowledged for
//! all of them. To go on at one, an instance has to know what the one before it knew: the latest time
//! before it, which windows were delivered, and what was accounted for. That is the note: the entry of
//! the partition in `checkpoint.json`, as JSON in one line. An offset without one, as another tool may
//! have committed it, is where everything begins anew.

use std::collections::BTreeMap;

use datashark_sdk::input::{Micros, Resume};
use serde::{Deserialize, Serialize};

use crate::checkpoint::PartitionCheckpoint;
use crate::model::digest_of;

/// The version of the note that this build writes and reads.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Note {
    version: u32,
    max_time: Option<Micros>,
    accounted: u64,
    closed_until: Option<Micros>,
}

/// Where a partition goes on, with its note.
pub(crate) fn resume(place: &PartitionCheckpoint) -> Resume {
    let note = Note {
        version: VERSION,
        max_time: place.max_time,
        accounted: place.accounted,
        closed_until: place.closed_until,
    };
    Resume {
        offset: place.offset,
        // Numbers alone: it cannot fail.
        note: serde_json::to_string(&note).unwrap_or_default(),
    }
}

/// Where a partition of this name goes on, by its note.
pub(crate) fn place(name: &str, resume: &Resume) -> PartitionCheckpoint {
    let note = serde_json::from_str::<Note>(&resume.note).ok();
    let note = note.filter(|note| note.version == VERSION);
    let (max_time, closed_until, accounted) = note.map_or((None, None, 0), |note| {
        (note.max_time, note.closed_until, note.accounted)
    });
    PartitionCheckpoint {
        name: name.to_owned(),
        offset: resume.offset,
        max_time,
        accounted: accounted.max(resume.offset),
        closed_until,
    }
}

/// The version of a joint note that this build writes and reads.
const JOINT_VERSION: u32 = 2;
/// How many hexadecimal digits of a use case's digest stand for its name in a joint note.
const TAG_DIGITS: usize = 8;

/// What several use cases have to know of a partition that they share, at the offset of the one that is
/// least far: for each what its own note says, in as few bytes as will do. A broker keeps 4,096 bytes
/// with an offset (`offset.metadata.max.bytes`).
#[derive(Serialize, Deserialize)]
struct JointNote {
    version: u32,
    /// By the use case's tag: its offset and what it accounted for, both less the joint offset, between
    /// and behind them its latest time and until when its windows were delivered.
    of: BTreeMap<String, (i64, Option<Micros>, i64, Option<Micros>)>,
}

/// Where several use cases go on in a partition, each with its own offset and note: at `offset`, with the
/// joint note.
pub(crate) fn joint<'a>(
    offset: u64,
    use_cases: impl IntoIterator<Item = (&'a str, &'a Resume)>,
) -> Resume {
    let of = use_cases.into_iter().map(|(use_case, resume)| {
        let place = place("", resume);
        let entry = (
            place.offset.wrapping_sub(offset).cast_signed(),
            place.max_time,
            place.accounted.wrapping_sub(offset).cast_signed(),
            place.closed_until,
        );
        (tag(use_case), entry)
    });
    let note = JointNote {
        version: JOINT_VERSION,
        of: of.collect(),
    };
    Resume {
        offset,
        // Numbers and tags alone: it cannot fail.
        note: serde_json::to_string(&note).unwrap_or_default(),
    }
}

/// Where one use case goes on by a joint note; `None` where it says nothing of it.
pub(crate) fn of_joint(joint: &Resume, use_case: &str) -> Option<Resume> {
    let note = serde_json::from_str::<JointNote>(&joint.note).ok();
    let note = note.filter(|note| note.version == JOINT_VERSION)?;
    let (offset, max_time, accounted, closed_until) = *note.of.get(&tag(use_case))?;
    Some(resume(&PartitionCheckpoint {
        name: String::new(),
        offset: joint.offset.wrapping_add_signed(offset),
        max_time,
        accounted: joint.offset.wrapping_add_signed(accounted),
        closed_until,
    }))
}

fn tag(use_case: &str) -> String {
    let mut tag = digest_of(use_case.to_lowercase());
    tag.truncate(TAG_DIGITS);
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_comes_back_from_its_note() {
        let before = PartitionCheckpoint {
            name: "logs[3]".to_owned(),
            offset: 10,
            max_time: Some(-7),
            accounted: 30,
            closed_until: Some(60),
        };
        assert_eq!(place("logs[3]", &resume(&before)), before);
    }

    #[test]
    fn an_offset_with_another_tools_note_begins_anew() {
        for note in ["", "x", "{}", r#"{"version":9,"accounted":90}"#] {
            let resume = Resume {
                offset: 10,
                note: note.to_owned(),
            };
            let place = place("logs[3]", &resume);
            assert_eq!((place.offset, place.accounted), (10, 10));
            assert_eq!((place.max_time, place.closed_until), (None, None));
        }
    }

    proptest! {
        #[test]
        fn each_of_several_comes_back_from_a_joint_note(
            joint_offset: u64, offset: u64, accounted: u64, max_time: Option<i64>, closed_until: Option<i64>,
        ) {
            let accounted = accounted.max(offset);
            let name = String::new();
            let own = resume(&PartitionCheckpoint { name, offset, max_time, accounted, closed_until });
            let other = Resume::at(7);
            let both = joint(joint_offset, [("Beacons", &own), ("Scans", &other)]);
            prop_assert_eq!(of_joint(&both, "beacons"), Some(own));
            prop_assert_eq!(of_joint(&both, "Scans").map(|it| it.offset), Some(7));
            prop_assert_eq!(of_joint(&both, "Tunnels"), None);
        }

        #[test]
        fn no_text_is_taken_for_a_note_that_it_is_not(note: String, offset: u64) {
            prop_assert_eq!(of_joint(&Resume { offset, note }, "Beacons"), None);
        }
    }

    #[test]
    fn as_many_as_may_share_a_stream_fit_into_a_commit() {
        let own = resume(&PartitionCheckpoint {
            name: String::new(),
            offset: 123_456_789_012,
            max_time: Some(1_790_000_000_000_000),
            accounted: 123_456_999_999,
            closed_until: Some(1_790_000_000_000_000),
        });
        let names: Vec<String> = (0..crate::stream::MOST_USE_CASES)
            .map(|n| format!("use case {n}"))
            .collect();
        let all = joint(
            123_400_000_000,
            names.iter().map(|name| (name.as_str(), &own)),
        );
        assert!(all.note.len() <= 4096, "{} bytes", all.note.len());
    }
}
