//! Every record, once, in order; where a partition begins.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datashark_sdk::input::Open;

use crate::broker::{
    Written, committed, create_topic, numbered, shared, write, write_in_transaction,
};
use crate::seen::{Seen, once, resume};

const N_RECORDS: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn every_record_comes_once_in_order_with_its_offset() {
    let Some(broker) = shared() else { return };
    for topic in ["all-a", "all-b"] {
        create_topic(broker, topic, 3).await;
        write(broker, topic, &numbered(0..N_RECORDS, 3));
    }
    for topics in ["all-a, all-b", "^all-[ab]$"] {
        let conf = [
            ("bootstrap_servers", broker),
            ("topic", topics),
            ("group", "all"),
        ];
        let open = Open {
            block_bytes: 50_000,
            ..once()
        };
        let mut seen = Seen::open(&conf, open).await;
        seen.read_all().await;
        assert_eq!(
            (seen.records.len(), seen.ended.len(), seen.caught_up.len()),
            (6, 6, 6)
        );
        for (partition, records) in &seen.records {
            let number: usize = partition[6..7].parse().unwrap();
            let expected = (number..N_RECORDS).step_by(3);
            let expected = expected.map(|n| format!("record number {n}").into_bytes());
            let offsets = records.iter().map(|(offset, _)| *offset);
            assert!(offsets.eq(0..records.len() as u64), "{partition}");
            assert!(
                records
                    .iter()
                    .map(|(_, record)| record.clone())
                    .eq(expected)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_at_the_later_of_the_groups_commit_and_the_state_folders_offset() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "restart", 2).await;
    write(broker, "restart", &numbered(0..200, 2));
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "restart"),
        ("group", "restart"),
    ];
    let mut first = Seen::open(&conf, Open::default()).await;
    first
        .until(|seen| seen.n_records() == 200 && seen.caught_up.len() == 2)
        .await;
    first.acknowledge(&[("restart[0]", 10)]).await;
    first
        .acknowledge(&[("restart[0]", 30), ("no-such-topic[0]", 7)])
        .await;
    // Its end is waited for, with all commits.
    drop(first);
    assert_eq!(committed(broker, "restart", "restart", 0), Some(30));
    assert_eq!(committed(broker, "restart", "restart", 1), None);

    // Another instance has gone on in one; the group knows nothing of the other.
    let state = resume(&[("restart[0]", 20), ("restart[1]", 40)]);
    let mut second = Seen::open(&conf, state).await;
    second.until(|seen| seen.n_records() == 130).await;
    assert_eq!(second.records["restart[0]"][0].0, 30);
    assert_eq!(second.records["restart[1]"][0].0, 40);
    drop(second);
    // A commit was lost: what this one knows to be done is not read again.
    let mut third = Seen::open(&conf, resume(&[("restart[0]", 90), ("restart[1]", 95)])).await;
    third.until(|seen| seen.n_records() == 15).await;
    assert_eq!(third.records["restart[0]"][0].0, 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_knows_where_its_partitions_end_as_they_grow() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "growing", 2).await;
    write(broker, "growing", &numbered(0..30, 2));
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "growing"),
        ("group", "growing"),
    ];
    let mut seen = Seen::open(&conf, Open::default()).await;
    seen.until(|seen| seen.n_records() == 30).await;
    seen.until_ends_are(&[("growing[0]", 15), ("growing[1]", 15)])
        .await;
    write(broker, "growing", &[Written::text(1, "one more")]);
    // It is not taken, and known all the same.
    seen.until_ends_are(&[("growing[0]", 15), ("growing[1]", 16)])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_when_all_was_read_also_behind_the_mark_of_a_transaction() {
    let Some(broker) = shared() else { return };
    // Both have a partition 0: at whose end it is librdkafka does not say.
    create_topic(broker, "plain", 1).await;
    create_topic(broker, "marked", 1).await;
    write(broker, "plain", &numbered(0..3, 1));
    write_in_transaction(broker, "marked", &["one", "two"]);
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "plain, marked"),
        ("group", "marked"),
    ];
    let mut seen = Seen::open(&conf, Open::default()).await;
    seen.until(|seen| seen.n_records() == 5 && seen.caught_up.len() == 2)
        .await;
    write_in_transaction(broker, "marked", &["three"]);
    seen.until(|seen| seen.n_records() == 6 && seen.caught_up.len() == 2)
        .await;
    drop(seen);
    let mut again = Seen::open(&conf, once()).await;
    again.read_all().await;
    assert_eq!((again.n_records(), again.ended.len()), (6, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_a_name_is_named_after_the_use_case() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "named", 1).await;
    write(broker, "named", &numbered(0..5, 1));
    let open = Open {
        use_case: "Web  Anomaly (Test)".to_owned(),
        ..once()
    };
    let conf = [("bootstrap_servers", broker), ("topic", "named")];
    let mut seen = Seen::open(&conf, open).await;
    seen.read_all().await;
    seen.acknowledge(&[("named[0]", 5)]).await;
    drop(seen);
    let group = "datashark-web-anomaly-test";
    assert_eq!(committed(broker, group, "named", 0), Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_begins_at_its_end_or_at_a_time() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "times", 1).await;
    let at = |n: i64| Written {
        // 2026-01-01 and the days after it.
        millis: Some(1_767_225_600_000 + n * 86_400_000),
        ..Written::text(0, format!("day {n}"))
    };
    write(broker, "times", &[at(0), at(1), at(2)]);
    let conf = |from, group| {
        [
            ("bootstrap_servers", broker),
            ("topic", "times"),
            ("from", from),
            ("group", group),
        ]
    };
    for (from, expected) in [
        ("2026-01-02", &["day 1", "day 2"][..]),
        ("2026-01-02T00:00:01Z", &["day 2"]),
        ("2030-01-01", &[]),
        ("earliest", &["day 0", "day 1", "day 2"]),
        ("latest", &[]),
    ] {
        let mut seen = Seen::open(&conf(from, from), once()).await;
        seen.read_all().await;
        assert_eq!(seen.texts(), expected, "{from}");
    }

    // Its beginning is committed: what comes while it is stopped is not passed over.
    let mut first = Seen::open(&conf("latest", "late"), Open::default()).await;
    first.until(|seen| !seen.ends.is_empty()).await;
    first.acknowledge_all().await;
    drop(first);
    write(broker, "times", &[at(3)]);
    let mut second = Seen::open(&conf("latest", "late"), Open::default()).await;
    second.until(|seen| seen.n_records() == 1).await;
    assert_eq!(second.texts(), ["day 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_empty_and_huge_records_are_all_accounted_for() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "odd", 1).await;
    let huge = Written {
        payload: Some(vec![b'x'; 20_000_000]),
        ..Written::default()
    };
    let null = Written {
        key: Some("a key".to_owned()),
        ..Written::default()
    };
    let records = [
        Written::text(0, "first"),
        null,
        Written::text(0, ""),
        huge,
        Written::text(0, "last"),
    ];
    write(broker, "odd", &records);
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "odd"),
        ("group", "odd"),
    ];
    let mut seen = Seen::open(&conf, once()).await;
    seen.read_all().await;
    let read: Vec<_> = seen.records["odd[0]"]
        .iter()
        .map(|(at, record)| (*at, record.len()))
        .collect();
    assert_eq!(read, [(0, 5), (2, 0), (4, 4)]);
    assert_eq!((seen.unreadable.len(), seen.unreadable[0].offset), (1, 1));
    let [over] = &seen.oversized[..] else {
        panic!("one")
    };
    assert_eq!(
        (over.offset, over.n_bytes, over.head.len()),
        (3, 20_000_000, 4096)
    );

    let open = Open {
        max_record_bytes: 32_000_000,
        ..once()
    };
    let mut seen = Seen::open(&conf, open).await;
    seen.read_all().await;
    assert_eq!(seen.records["odd[0]"][2].1.len(), 20_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_a_record_is_a_column() {
    let Some(broker) = shared() else { return };
    create_topic(broker, "beside", 1).await;
    let record = |key: Option<&str>| Written {
        key: key.map(str::to_owned),
        header: Some(("trace", "1a")),
        ..Written::text(0, "x")
    };
    write(broker, "beside", &[record(Some("k")), record(None)]);
    let conf = [
        ("bootstrap_servers", broker),
        ("topic", "beside"),
        ("group", "beside"),
    ];
    let open = Open {
        beside: ["_headers", "_key", "_offset"].map(str::to_owned).to_vec(),
        ..once()
    };
    let mut seen = Seen::open(&conf, open).await;
    seen.read_all().await;
    let rows = arrow::compute::concat_batches(&seen.beside[0].schema(), &seen.beside).unwrap();
    let texts = |i: usize| rows.column(i).as_string_view().iter().collect::<Vec<_>>();
    assert_eq!(texts(0), [Some(r#"{"trace":"1a"}"#); 2]);
    assert_eq!(texts(1), [Some("k"), None]);
    let offsets = rows.column(2).as_primitive::<Int64Type>();
    assert_eq!(offsets.values()[..], [0, 1]);
}
