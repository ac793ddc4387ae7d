//! Every finding arrives, keyed, once, also over a broker's restart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};
use datashark_test_outputs::deliver;
use datashark_test_services::Service;
use serde_json::{Value, json};

use crate::broker::{arrived, create_topic, create_topic_with};
use crate::findings::{TIME, batch, open};

const N_FINDINGS: usize = 10_000;

fn keys() -> Vec<String> {
    (0..N_FINDINGS)
        .map(|n| format!("192.0.2.{}", n % 200))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_arrive_keyed_and_once_over_a_brokers_restart() {
    let Some(mut service) = Service::start("kafka") else {
        return;
    };
    let broker = service.value("bootstrap").to_owned();
    create_topic(&broker, "findings", 3, 1).await;
    let conf = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "findings"),
        ("timeout", "200s"),
    ];
    let mut output = open(&conf).await;
    // Known to the broker before it goes.
    deliver(output.as_mut(), batch(&["first"])).await;
    let restarted = tokio::task::spawn_blocking(move || {
        service.stop();
        service.start_again();
        service
    });
    let findings = batch(&keys());
    let delivered = deliver(output.as_mut(), findings.clone()).await;
    let _service = restarted.await.unwrap();
    assert!(
        delivered.again.is_empty() && delivered.refused.is_empty(),
        "{:?}",
        delivered.again
    );
    deliver(output.as_mut(), batch(&["last"])).await;

    let arrived = arrived(&broker, "findings", 3);
    assert_eq!(arrived.len(), N_FINDINGS + 2);
    let of_ids: BTreeSet<&str> = arrived.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(of_ids.len(), N_FINDINGS + 2);
    let mut places: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut partitions: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for record in &arrived {
        assert_eq!(record.millis, *TIME / 1000);
        let document: Value = serde_json::from_str(&record.json).unwrap();
        assert_eq!(document["source_ip"], record.key);
        places
            .entry(&record.key)
            .or_default()
            .push(document["place"].as_i64().unwrap());
        partitions
            .entry(&record.key)
            .or_default()
            .insert(record.partition);
    }
    // Those of one key are in one partition, in their order.
    assert!(partitions.values().all(|partitions| partitions.len() == 1));
    assert!(places.values().all(|places| places.is_sorted()));
    let one = arrived
        .iter()
        .find(|record| record.id == findings.ids[7])
        .unwrap();
    let time = DateTime::from_timestamp_micros(*TIME).unwrap();
    let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    assert_eq!(
        serde_json::from_str::<Value>(&one.json).unwrap(),
        json!({
            "title": "Use Case", "timestamp": time, "source_ip": "192.0.2.7",
            "anomaly_score": 7.0, "place": 7,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_what_is_away_is_tried_again() {
    let Some(mut service) = Service::start("kafka") else {
        return;
    };
    let broker = service.value("bootstrap").to_owned();
    create_topic_with(&broker, "sizes", 1, 1, "100000").await;
    // 100,000 bytes is what the topic takes, and librdkafka is told 2 MB.
    let conf = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "sizes"),
        ("max_size", "2MB"),
    ];
    let mut output = open(&conf).await;
    let keys = [
        "a".to_owned(),
        "b".repeat(150_000),
        "c".to_owned(),
        "d".repeat(3_000_000),
    ];
    let delivered = deliver(output.as_mut(), batch(&keys)).await;
    assert_eq!(delivered.refused.len(), 2, "{:?}", delivered.again);
    for refused in &delivered.refused {
        assert!(
            refused.contains("bytes, more than `max_size` or the topic's"),
            "{refused}"
        );
    }
    let keys: Vec<String> = arrived(&broker, "sizes", 1)
        .into_iter()
        .map(|it| it.key)
        .collect();
    assert_eq!(keys, ["a", "c"]);
    // One batch of these would be larger than the topic takes.
    let many = batch(&self::keys());
    let delivered = deliver(output.as_mut(), many.clone()).await;
    assert!(delivered.refused.is_empty(), "{}", delivered.refused.len());
    let ids: BTreeSet<String> = arrived(&broker, "sizes", 1)
        .into_iter()
        .map(|it| it.id)
        .collect();
    assert!(many.ids.iter().all(|id| ids.contains(id)));

    let missing = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "missing"),
        ("timeout", "2s"),
    ];
    let mut waiting = open(&missing).await;
    let broker_of = broker.clone();
    let made = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        create_topic(&broker_of, "missing", 1, 1).await;
    });
    let delivered = deliver(waiting.as_mut(), batch(&["late"])).await;
    made.await.unwrap();
    assert!(!delivered.again.is_empty());
    assert_eq!(arrived(&broker, "missing", 1)[0].key, "late");

    service.stop();
    let brief = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "sizes"),
        ("timeout", "2s"),
    ];
    let mut output = open(&brief).await;
    let starting = tokio::task::spawn_blocking(move || {
        std::thread::sleep(std::time::Duration::from_secs(4));
        service.start_again();
        service
    });
    let delivered = deliver(output.as_mut(), batch(&["e"])).await;
    let _service = starting.await.unwrap();
    assert!(!delivered.again.is_empty());
    let last = arrived(&broker, "sizes", 1).pop().unwrap();
    assert_eq!(last.key, "e");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_have_as_many_copies_as_their_topic_says() {
    let Some(service) = Service::start_with("kafka", &[("BROKERS", "3")]) else {
        return;
    };
    let brokers = service.value("bootstrap").replace(',', ", ");
    create_topic(service.value("bootstrap"), "copies", 6, 3).await;
    let mut output = open(&[("bootstrap_servers", &brokers), ("topic", "copies")]).await;
    let delivered = deliver(output.as_mut(), batch(&keys())).await;
    assert!(
        delivered.again.is_empty() && delivered.refused.is_empty(),
        "{:?}",
        delivered.again
    );
    assert_eq!(
        arrived(service.value("bootstrap"), "copies", 6).len(),
        N_FINDINGS
    );
}
