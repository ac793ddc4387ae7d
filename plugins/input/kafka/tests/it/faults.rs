//! What goes wrong, each with its line.

use std::time::Duration;

use datashark_sdk::input::Open;
use datashark_test_services::Service;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use crate::broker::{
    committed, create_topic, delete_records, keep_log, logged, numbered, shared, write,
};
use crate::seen::{Seen, once};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for_at_the_start_and_later() {
    keep_log();
    let Some(mut service) = Service::start("kafka") else {
        return;
    };
    let broker = service.value("bootstrap").to_owned();
    create_topic(&broker, "away", 1).await;
    write(&broker, "away", &numbered(0..100, 1));
    service.stop();
    let conf = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "away"),
        ("group", "away"),
    ];
    let options = [("reconnect.backoff.max.ms", "500")];
    let mut seen = Seen::open_with(&conf, &options, Open::default()).await;
    assert!(
        timeout(Duration::from_secs(3), seen.next()).await.is_err(),
        "it waits"
    );
    let line = format!("Kafka at {broker} cannot be reached: ");
    assert_eq!(logged(&line).len(), 1, "{:?}", logged(&broker));
    service.start_again();
    seen.until(|seen| seen.n_records() == 100).await;
    assert_eq!(logged(&format!("Kafka at {broker} answers again")).len(), 1);

    seen.until(|seen| seen.caught_up.len() == 1).await;

    service.kill();
    // Nobody knows now whether there is more.
    seen.until(|seen| seen.caught_up.is_empty()).await;
    service.start_again();
    seen.until(|seen| seen.caught_up.len() == 1).await;
    write(&broker, "away", &numbered(100..200, 1));
    seen.until(|seen| seen.n_records() == 200 && seen.caught_up.len() == 1)
        .await;
    let offsets = seen.records["away[0]"].iter().map(|(offset, _)| *offset);
    assert!(offsets.eq(0..200));
    seen.acknowledge_all().await;
    drop(seen);
    assert_eq!(committed(&broker, "away", "away", 0), Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_ends_a_run_over_what_is_there_and_is_waited_for_else() {
    keep_log();
    let Some(broker) = shared() else { return };
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "missing"),
        ("group", "missing"),
    ];
    let expected = format!("Kafka at {broker} has no such topic: missing");
    assert_eq!(Seen::open(&conf, once()).await.error().await, expected);

    let options = [("topic.metadata.refresh.interval.ms", "300")];
    let mut seen = Seen::open_with(&conf, &options, Open::default()).await;
    assert!(
        timeout(Duration::from_secs(3), seen.next()).await.is_err(),
        "it waits"
    );
    assert_eq!(
        logged("has no such topic: ").len(),
        1,
        "{:?}",
        logged("missing")
    );
    create_topic(broker, "missing", 1).await;
    write(broker, "missing", &numbered(0..10, 1));
    seen.until(|seen| seen.n_records() == 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_no_longer_there_is_said_and_passed_over() {
    keep_log();
    let Some(broker) = shared() else { return };
    create_topic(broker, "expired", 1).await;
    write(broker, "expired", &numbered(0..100, 1));
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "expired"),
        ("group", "expired"),
    ];
    let mut first = Seen::open(&conf, Open::default()).await;
    first.until(|seen| seen.n_records() == 100).await;
    first.acknowledge(&[("expired[0]", 10)]).await;
    drop(first);
    delete_records(broker, "expired", 60).await;
    let mut second = Seen::open(&conf, Open::default()).await;
    second.until(|seen| seen.n_records() == 40).await;
    assert_eq!(second.records["expired[0]"][0].0, 60);
    let said = logged("expired [0]: offset reset (at offset 10");
    assert!(
        said.len() == 1 && said[0].contains("out of range"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_repeated_with_the_next() {
    let mock = MockCluster::new(1).unwrap();
    let broker = mock.bootstrap_servers();
    mock.create_topic("mocked", 1, 1).unwrap();
    write(&broker, "mocked", &numbered(0..10, 1));
    let conf = [
        ("bootstrap_servers", broker.as_str()),
        ("topic", "mocked"),
        ("group", "mocked"),
    ];
    let mut seen = Seen::open(&conf, Open::default()).await;
    seen.until(|seen| seen.n_records() == 10).await;
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE];
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &refused);
    // The same offset over and over, as the engine has it while nothing happens.
    for _ in 0..100 {
        seen.acknowledge(&[("mocked[0]", 10)]).await;
        if committed(&broker, "mocked", "mocked", 0) == Some(10) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is not repeated");
}
