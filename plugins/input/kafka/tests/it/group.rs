//! Two instances in one group, and one that is slow.

use std::collections::BTreeSet;
use std::time::Duration;

use datashark_sdk::input::Open;
use tokio::time::timeout;

use crate::broker::{create_topic, numbered, shared, write};
use crate::seen::{Seen, noted};

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_read_all_between_them_however_partitions_move() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "moving", 4).await;
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "moving"),
        ("group", "moving"),
    ];
    write(broker, "moving", &numbered(0..4000, 4));
    let mut first = Seen::open(&conf, Open::default()).await;
    first
        .until(|seen| seen.n_records() == 4000 && seen.caught_up.len() == 4)
        .await;
    // Half of each is done; the other half's windows are open.
    let half: Vec<(String, u64)> = (0..4).map(|n| (format!("moving[{n}]"), 500)).collect();
    let half: Vec<(&str, u64)> = half.iter().map(|(id, end)| (id.as_str(), *end)).collect();
    first.acknowledge(&half).await;

    let mut second = Seen::open(&conf, Open::default()).await;
    // Both have to be driven for partitions to move.
    while first.active.len() != 2 || second.active.len() != 2 {
        let (_, _) = tokio::join!(
            timeout(Duration::from_millis(500), first.next()),
            timeout(Duration::from_millis(500), second.next()),
        );
    }
    assert_eq!(first.ended.len(), 2);
    assert!(first.active.is_disjoint(&second.active));
    write(broker, "moving", &numbered(4000..6000, 4));
    first.until(|seen| seen.n_records() >= 4000 + 1000).await;
    second.until(|seen| seen.n_records() >= 1000 + 1000).await;
    // The new owner begins at the commit, and not where the first one had read to.
    for records in second.records.values() {
        assert_eq!(records[0].0, 500);
        assert_eq!(records.len(), 1000);
    }
    // It is told what went with the commit.
    assert_eq!(second.resumed.len(), 2);
    for resume in second.resumed.values() {
        assert_eq!(*resume, noted(500));
    }
    // What is no longer ours is not ours to commit.
    let given_up = first.ended.clone();
    let stale: Vec<(&str, u64)> = given_up.iter().map(|id| (id.as_str(), 1000)).collect();
    first.acknowledge(&stale).await;

    second.acknowledge_all().await;
    drop(second);
    first.until(|seen| seen.active.len() == 4).await;
    write(broker, "moving", &numbered(6000..6400, 4));
    first
        .until(|seen| seen.n_records() == 4000 + 1000 + 400)
        .await;
    // The second's commits count, and the first goes on there.
    for id in &given_up {
        let offsets: Vec<u64> = first.records[id]
            .iter()
            .map(|(offset, _)| *offset)
            .collect();
        assert_eq!(offsets[1000..], (1500..1600).collect::<Vec<_>>());
    }
    let all: BTreeSet<String> = first
        .texts()
        .into_iter()
        .chain(
            numbered(4000..6000, 4)
                .iter()
                .map(|record| String::from_utf8(record.payload.clone().unwrap()).unwrap()),
        )
        .collect();
    assert_eq!(all.len(), 6400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_takes_nothing_keeps_its_partitions() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "slow", 2).await;
    write(broker, "slow", &numbered(0..50_000, 2));
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "slow"),
        ("group", "slow"),
    ];
    let options = [
        ("max.poll.interval.ms", "6000"),
        ("session.timeout.ms", "6000"),
    ];
    let open = Open {
        block_bytes: 20_000,
        ..Open::default()
    };
    let mut seen = Seen::open_with(&conf, &options, open).await;
    seen.until(|seen| seen.n_records() > 0).await;
    // Longer than the group waits for a poll.
    tokio::time::sleep(Duration::from_secs(9)).await;
    seen.until(|seen| seen.n_records() == 50_000).await;
    assert!(seen.ended.is_empty(), "{:?}", seen.ended);
    for records in seen.records.values() {
        assert!(records.iter().map(|(offset, _)| *offset).eq(0..25_000));
    }
}
