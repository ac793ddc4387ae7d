//! What Prometheus gets to read.

use std::collections::BTreeMap;

use datashark_engine::Lag;

use super::*;

fn partition(id: &str, name: &str, read: u64) -> PartitionStatus {
    PartitionStatus {
        id: id.to_owned(),
        name: name.to_owned(),
        ledger: Ledger {
            read,
            aggregated: read,
            ..Ledger::default()
        },
        ..PartitionStatus::default()
    }
}

fn report(run: Status) -> Report {
    let mut output = OutputStatus::default();
    output.latency.counts[1] = 3;
    output.latency.counts[10] = 1;
    output.latency.sum = 200_012_000;
    let use_case = UseCase {
        name: "Hits".to_owned(),
        conf: "conf/hits/hits.conf".to_owned(),
        is_streaming: true,
        state: State::Running,
        reason: None,
        n_restarts: 2,
        run: Some(run),
        outputs: BTreeMap::from([("csv".to_owned(), output)]),
    };
    Report {
        version: "1".to_owned(),
        time: 5_000_000,
        use_cases: vec![use_case],
    }
}

fn lines_of(text: &str, name: &str) -> Vec<String> {
    let of_name = |line: &&str| line.starts_with(name) && !line.starts_with('#');
    text.lines().filter(of_name).map(str::to_owned).collect()
}

#[test]
fn names_that_would_end_a_label_are_escaped_and_files_of_one_name_stay_apart() {
    let mut with_lag = partition("t[0]", "t[0]", 7);
    with_lag.lag = Some(Lag {
        n: 4,
        unit: OffsetUnit::Records,
    });
    let text = render(&report(Status {
        partitions: vec![
            partition("1", "a\"b\\\nc", 5),
            partition("2", "a\"b\\\nc", 6),
            with_lag,
        ],
        ..Status::default()
    }));
    assert_eq!(
        lines_of(&text, "datashark_records_read_total"),
        [
            r#"datashark_records_read_total{use_case="Hits",partition="a\"b\\\nc",partition_id="1"} 5"#,
            r#"datashark_records_read_total{use_case="Hits",partition="a\"b\\\nc",partition_id="2"} 6"#,
            r#"datashark_records_read_total{use_case="Hits",partition="t[0]"} 7"#,
        ]
    );
    assert_eq!(
        lines_of(&text, "datashark_partition_lag"),
        [r#"datashark_partition_lag_records{use_case="Hits",partition="t[0]"} 4"#]
    );
}

#[test]
fn more_partitions_than_are_told_are_told_as_one() {
    let partitions = (0..=MOST_PARTITIONS).map(|i| partition(&i.to_string(), "a", 1));
    let text = render(&report(Status {
        partitions: partitions.collect(),
        total: Ledger {
            read: 9_000,
            ..Ledger::default()
        },
        ..Status::default()
    }));
    assert_eq!(
        lines_of(&text, "datashark_records_read_total"),
        [r#"datashark_records_read_total{use_case="Hits",partition="*"} 9000"#]
    );
}

#[test]
fn a_histogram_counts_up_and_the_watermark_lags_behind_the_clock() {
    let text = render(&report(Status {
        watermark: Some(3_500_000),
        ..Status::default()
    }));
    let latency = lines_of(&text, "datashark_output_latency_seconds");
    let of = |n: usize| latency[n].rsplit_once("output=\"csv\"").unwrap().1;
    assert_eq!(of(0), ",le=\"0.001\"} 0");
    assert_eq!(of(1), ",le=\"0.005\"} 3");
    assert_eq!(of(10), ",le=\"+Inf\"} 4");
    assert_eq!(of(11), "} 200.012");
    assert_eq!(of(12), "} 4");
    assert_eq!(
        lines_of(&text, "datashark_watermark_lag_seconds"),
        ["datashark_watermark_lag_seconds{use_case=\"Hits\"} 1.5"]
    );
}
