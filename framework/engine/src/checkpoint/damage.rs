//! What becomes of a damaged checkpoint.

use proptest::prelude::*;

use super::*;

fn checkpoint(closed_until: Micros) -> Checkpoint {
    let mut checkpoint = Checkpoint::new("Word Count");
    checkpoint.closed_until = Some(closed_until);
    let place = PartitionCheckpoint {
        offset: 4_096,
        accounted: 8_192,
        ..PartitionCheckpoint::default()
    };
    checkpoint.partitions.insert("8-15-1".to_owned(), place);
    let csv = OutputCheckpoint {
        receipt: Some("{\"/tmp/a.csv\":1384}".to_owned()),
        ..OutputCheckpoint::default()
    };
    checkpoint.outputs.insert("csv".to_owned(), csv);
    checkpoint
}

/// A folder with two checkpoints, the second the last.
fn saved() -> (tempfile::TempDir, CheckpointFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = CheckpointFile::in_folder(folder.path());
    file.save(&checkpoint(1)).unwrap();
    file.save(&checkpoint(2)).unwrap();
    (folder, file)
}

fn rewound(closed_until: Micros) -> Checkpoint {
    Checkpoint {
        is_rewound: true,
        ..checkpoint(closed_until)
    }
}

#[test]
fn a_damaged_checkpoint_is_put_aside_and_the_one_before_it_is_gone_on_from() {
    for damaged in [&b""[..], b"{", b"\xff\x00", &[b' '; 500]] {
        let (folder, file) = saved();
        fs::write(&file.path, damaged).unwrap();
        assert_eq!(file.load().unwrap(), Some(rewound(1)));
        let kept = folder.path().join("checkpoint.json.damaged");
        assert_eq!(fs::read(kept).unwrap(), damaged);
        // It stays so until there is a new one, which then has one before it again.
        assert_eq!(file.load().unwrap(), Some(rewound(1)));
        file.save(&checkpoint(3)).unwrap();
        fs::write(&file.path, damaged).unwrap();
        assert_eq!(file.load().unwrap(), Some(rewound(1)));
    }
}

#[test]
fn a_checkpoint_that_was_removed_is_not_gone_back_from() {
    let (_folder, file) = saved();
    fs::remove_file(&file.path).unwrap();
    assert_eq!(file.load().unwrap(), None);
    file.save(&checkpoint(5)).unwrap();
    fs::write(&file.path, "{").unwrap();
    let refused = file.load().unwrap_err().to_string();
    assert!(
        refused.contains("there is no right one before it"),
        "{refused}"
    );
    assert!(refused.contains("datashark doctor --repair"), "{refused}");
}

#[test]
fn a_checkpoint_that_none_stands_in_for_is_there_twice() {
    let (_folder, file) = saved();
    file.save_twice(&checkpoint(9)).unwrap();
    fs::write(&file.path, "{").unwrap();
    assert_eq!(file.load().unwrap(), Some(rewound(9)));
}

#[test]
fn a_checkpoint_of_an_earlier_version_needs_no_checksum() {
    let (_folder, file) = saved();
    fs::write(
        &file.path,
        include_bytes!("../../test-data/checkpoint.v2.json"),
    )
    .unwrap();
    assert_eq!(
        file.load().unwrap().unwrap().use_case,
        "Web Anomaly Detection"
    );
    // What is said to be of this version must have one.
    let without = include_str!("../../test-data/checkpoint.v2.json").replace("n\": 2", "n\": 3");
    let missing = Unusable::Damaged("its checksum is missing".to_owned());
    assert_eq!(parse(without.as_bytes()), Err(missing));
}

proptest! {
    /// A run goes on from what was saved last or before that, or not at all: never from anything else.
    #[test]
    fn no_damage_of_a_byte_gives_another_checkpoint(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (_folder, file) = saved();
        let right = fs::read(&file.path).unwrap();
        let mut bytes = right.clone();
        *at.get_mut(&mut bytes) = to;
        fs::write(&file.path, &bytes).unwrap();
        let expected = match bytes == right {
            true => checkpoint(2),
            false => rewound(1),
        };
        prop_assert_eq!(file.load().unwrap(), Some(expected));
    }

    #[test]
    fn no_cut_gives_another_checkpoint(length in any::<prop::sample::Index>()) {
        let (_folder, file) = saved();
        let bytes = fs::read(&file.path).unwrap();
        fs::write(&file.path, &bytes[..length.index(bytes.len())]).unwrap();
        prop_assert_eq!(file.load().unwrap(), Some(rewound(1)));
    }

    #[test]
    fn any_bytes_are_a_checkpoint_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse(&bytes).is_err());
    }
}
