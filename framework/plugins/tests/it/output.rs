//! An output in Rust, in a process of its own: what it was given is there once, however often it ends.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashark_sdk::conf::Section;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, OpenOutput, Outcome};
use datashark_sdk::{Asked, Findings, Stores, ThirdParty, Window};

use crate::world::World;

fn findings(keys: &[&str]) -> FindingsBatch {
    let scores: ArrayRef = Arc::new(Int64Array::from(vec![1; keys.len()]));
    let keys: ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
    let rows = RecordBatch::try_from_iter([("key", keys), ("score", scores)]).unwrap();
    let findings = Findings::try_from_rows(&rows).unwrap();
    let window = Window { start: 0, end: 1 };
    FindingsBatch {
        use_case: "u".into(),
        window,
        time: 1,
        ids: findings.ids("u", &window).into(),
        findings,
    }
}

async fn open(world: &World, isolation: &str) -> Box<dyn DynOutput> {
    let folder = world.path("");
    let asked = Asked {
        name: "kept",
        folder: &folder,
    };
    let entry = world.plugins.output(asked).unwrap().unwrap();
    let path = world.path("keys").display().to_string();
    let mut section = Section::from_iter([("path", path.as_str()), ("isolation", isolation)]);
    if isolation == "process" {
        let granted = folder.to_str().unwrap().trim_end_matches('/');
        section.insert(
            "sandbox",
            Section::from_iter([("write", granted), ("max_retries", "1")]),
        );
    }
    let problems = entry.check(&section);
    assert!(!problems.has_errors(), "{problems}");
    assert_eq!(problems.is_empty(), isolation == "process", "{problems}");
    assert_eq!(entry.files(&section).unwrap(), [world.path("keys")]);
    let open = OpenOutput {
        use_case: "u".into(),
        schema: findings(&[]).findings.batch().schema(),
        receipt: None,
        now: 0,
        stores: Stores::default(),
    };
    entry.open(&section, open).await.unwrap()
}

fn world() -> World {
    World::new().with_built("datashark_test_plugin_kept", "libout_kept.so")
}

fn kept(world: &World) -> String {
    fs::read_to_string(world.path("keys")).unwrap()
}

#[tokio::test]
async fn it_delivers_in_either_place() {
    for isolation in ["process", "none"] {
        let world = world();
        let mut output = open(&world, isolation).await;
        assert!(matches!(
            output
                .write(&[findings(&["a", "b"]), findings(&["c"])])
                .await,
            Outcome::Safe
        ));
        assert_eq!(output.sync().await.unwrap().as_deref(), Some("6"));
        assert_eq!(output.delivered(3), "Kept 3 Documents");
        assert_eq!(kept(&world), "a\nb\nc\n");
    }
}

#[tokio::test]
async fn what_was_not_synced_when_the_process_ended_is_written_again_and_once() {
    let world = world();
    let mut output = open(&world, "process").await;
    assert!(matches!(
        output.write(&[findings(&["synced"])]).await,
        Outcome::Safe
    ));
    output.sync().await.unwrap();
    assert!(matches!(
        output.write(&[findings(&["not synced"])]).await,
        Outcome::Safe
    ));
    let key = format!("abort unless {}", world.path("mark").display());
    let batch = findings(&["half", &key]);
    let Outcome::Again(why) = output.write(std::slice::from_ref(&batch)).await else {
        panic!("the process ends")
    };
    assert!(why.contains("SIGABRT"), "{why}");
    assert!(matches!(output.write(&[batch]).await, Outcome::Safe));
    output.sync().await.unwrap();
    assert_eq!(kept(&world), format!("synced\nnot synced\nhalf\n{key}\n"));
}

#[tokio::test]
async fn findings_that_it_does_not_survive_are_refused_and_the_next_ones_taken() {
    let world = world();
    let mut output = open(&world, "process").await;
    let deadly = [findings(&["a", "abort"])];
    assert!(matches!(output.write(&deadly).await, Outcome::Again(_)));
    let Outcome::Each(fates) = output.write(&deadly).await else {
        panic!("they are refused")
    };
    let is_refused = |fate: &Fate| matches!(fate, Fate::Refused(why) if why.contains("SIGABRT"));
    assert!(
        fates.len() == 2 && fates.iter().all(is_refused),
        "{fates:?}"
    );
    assert!(matches!(
        output.write(&[findings(&["b"])]).await,
        Outcome::Safe
    ));
    output.sync().await.unwrap();
    assert_eq!(kept(&world), "b\n");
}
