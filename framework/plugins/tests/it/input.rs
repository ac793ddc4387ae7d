//! An input in Rust, in a process of its own: its records come once, in order, however it ends.

use std::collections::BTreeMap;

use datashark_sdk::conf::Section;
use datashark_sdk::input::{Content, DynInput, InputEvent, Open, PartitionId, Resume};
use datashark_sdk::{Asked, Result, ThirdParty};

use crate::world::World;

const N: u64 = 35;

fn world() -> World {
    World::new().with_built("datashark_test_plugin_numbers", "libin_numbers.so")
}

async fn open(world: &World, own: &[(&str, &str)], max_retries: &str) -> Result<Box<dyn DynInput>> {
    let folder = world.path("");
    let asked = Asked {
        name: "numbers",
        folder: &folder,
    };
    let entry = world.plugins.input(asked).unwrap().unwrap();
    let n = N.to_string();
    let mut section: Section = own.iter().copied().chain([("n", n.as_str())]).collect();
    if section.text("isolation") != Some("none") {
        let granted = folder.to_str().unwrap().trim_end_matches('/');
        let sandbox = [
            ("write", granted),
            ("max_retries", max_retries),
            ("timeout", "2s"),
            ("memory", "64MiB"),
        ];
        section.insert("sandbox", Section::from_iter(sandbox));
    }
    entry.open(&section, Open::default()).await
}

/// All that comes, up to the end or an error: how often a partition was assigned, and the records.
async fn drained(input: &mut dyn DynInput) -> Result<(usize, Vec<u64>)> {
    let (mut n_assigned, mut records) = (0, Vec::new());
    while let Some(event) = input.next().await? {
        match event {
            InputEvent::Assigned { .. } => n_assigned += 1,
            InputEvent::Batch(batch) => {
                let end = batch.end_offset;
                let Content::Payloads(payloads) = batch.content else {
                    panic!("records")
                };
                let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
                let numbers = payloads.records.iter().flatten().map(text);
                records.extend(numbers.map(|number| number.parse::<u64>().unwrap()));
                assert_eq!(records.last(), Some(&(end - 1)));
                let done = BTreeMap::from([(PartitionId::new("p"), Resume::at(end))]);
                input.acknowledge(&done).await?;
            }
            other => panic!("{other:?}"),
        }
    }
    Ok((n_assigned, records))
}

fn all() -> Vec<u64> {
    (0..N).collect()
}

#[tokio::test]
async fn it_gives_its_records_in_either_place() {
    let world = world();
    for isolation in ["process", "none"] {
        let mut input = open(&world, &[("isolation", isolation)], "0")
            .await
            .unwrap();
        assert_eq!(drained(input.as_mut()).await.unwrap(), (1, all()));
    }
}

#[test]
fn a_conf_is_told_that_several_instances_share_it() {
    let world = world();
    let folder = world.path("");
    let asked = Asked {
        name: "numbers",
        folder: &folder,
    };
    assert!(world.plugins.input(asked).unwrap().unwrap().is_shared);
}

#[tokio::test]
async fn a_run_is_told_that_several_instances_share_it() {
    let world = world();
    for isolation in ["process", "none"] {
        let input = open(&world, &[("isolation", isolation)], "0").await;
        assert!(input.unwrap().is_shared(), "{isolation}");
    }
}

#[tokio::test]
async fn a_run_is_told_that_it_cannot_read_its_records_again() {
    let world = world();
    for isolation in ["process", "none"] {
        let input = open(&world, &[("isolation", isolation)], "0").await;
        assert!(!input.unwrap().reads_again(), "{isolation}");
    }
}

#[tokio::test]
async fn however_its_process_ends_the_next_one_goes_on_where_it_was() {
    for does in ["abort", "exit", "loop", "memory"] {
        let world = world();
        let mark = world.path("mark").display().to_string();
        let own = [("does", does), ("at", "17"), ("once", mark.as_str())];
        let mut input = open(&world, &own, "1").await.unwrap();
        let drained = drained(input.as_mut()).await.unwrap();
        assert!(world.path("mark").exists(), "{does}: it was to do it");
        assert_eq!(drained, (1, all()), "{does}");
    }
}

#[tokio::test]
async fn one_that_ends_again_and_again_is_given_up_in_one_line() {
    let world = world();
    let own = [("does", "abort"), ("at", "17")];
    let mut input = open(&world, &own, "1").await.unwrap();
    let error = drained(input.as_mut()).await.unwrap_err().to_string();
    let library = world.path("plugins/libin_numbers.so");
    let line = format!(
        "the plugin {} does not survive `next`, tried 2 times: it was ended by SIGABRT",
        library.display()
    );
    assert!(error.starts_with(&line), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[tokio::test]
async fn an_error_or_a_panic_of_its_own_is_said_in_either_place() {
    let world = world();
    for isolation in ["process", "none"] {
        for (does, expected) in [
            ("fail", "told to fail"),
            (
                "panic",
                "internal error: a panic: told to, at tests/plugins/numbers/src/lib.rs:",
            ),
        ] {
            let own = [("isolation", isolation), ("does", does), ("at", "17")];
            let mut input = open(&world, &own, "0").await.unwrap();
            let error = drained(input.as_mut()).await.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
