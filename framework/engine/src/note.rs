//! What goes with the offset of a partition to whoever reads it next.
//!
//! A source that several instances read (a consumer group) keeps the offsets that were acknowledged for
//! all of them. To go on at one, an instance has to know what the one before it knew: the latest time
//! before it, which windows were delivered, and what was accounted for. That is the note: the entry of
//! the partition in `checkpoint.json`, as JSON in one line. An offset without one, as another tool may
//! have committed it, is where everything begins anew.

use datashark_sdk::input::{Micros, Resume};
use serde::{Deserialize, Serialize};

use crate::checkpoint::PartitionCheckpoint;

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

#[cfg(test)]
mod tests {
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
}
