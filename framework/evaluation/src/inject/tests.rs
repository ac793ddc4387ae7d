//! What is planted: at the rate that was asked for, labelled, and the same for the same seed.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringViewArray};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;

/// So many flows with Spot's columns, or as Zeek has them; their times are a minute apart.
fn flows(n: usize) -> (RecordBatch, Vec<Option<Micros>>) {
    let text = |f: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values((0..n).map(f)))
    };
    let number = |f: &dyn Fn(usize) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..n).map(f)))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("trhour", number(&|row| row as i64 / 60 % 24)),
        ("sip", text(&|row| format!("10.0.0.{}", row % 20))),
        ("dip", text(&|row| format!("192.0.2.{}", row % 50))),
        ("sport", number(&|row| 40_000 + row as i64)),
        ("dport", number(&|row| if row % 3 == 0 { 53 } else { 443 })),
        (
            "proto",
            text(&|row| if row % 3 == 0 { "UDP" } else { "TCP" }.to_owned()),
        ),
        ("ipkt", number(&|row| 2 + row as i64 % 9)),
        ("ibyt", number(&|row| 100 + row as i64 % 900)),
        ("opkt", number(&|_| 0)),
        ("sensor", text(&|row| format!("of 10.0.0.{}", row % 20))),
    ];
    let times = (0..n).map(|row| Some(row as Micros * 60_000_000));
    (
        RecordBatch::try_from_iter(columns).unwrap(),
        times.collect(),
    )
}

fn numbers(records: &RecordBatch, name: &str) -> Vec<i64> {
    let column = records.column_by_name(name).unwrap();
    column.as_primitive::<Int64Type>().values().to_vec()
}

fn texts(records: &RecordBatch, name: &str) -> Vec<String> {
    let column = records
        .column_by_name(name)
        .unwrap()
        .as_string_view()
        .iter();
    column
        .map(|text| text.unwrap_or_default().to_owned())
        .collect()
}

fn scan(rate: f64) -> Injection {
    Injection {
        kind: Kind::Scan,
        rate,
    }
}

proptest! {
    #[test]
    fn the_rate_is_right_and_each_record_is_labelled(
        n in 100usize..3000,
        rate in 0.001f64..0.3,
        seed in any::<u64>(),
    ) {
        let (records, times) = flows(n);
        let injections = [scan(rate), Injection { kind: Kind::Exfiltration, rate: 0.01 }];
        let injected = inject(&records, &times, &injections, seed).unwrap();
        let n_planted = injected.records.num_rows();
        prop_assert_eq!(injected.times.len(), n_planted);
        prop_assert_eq!(injected.attack_of.len(), n_planted);
        let of_kind = |kind| {
            let of = injected.attack_of.iter();
            of.filter(|attack| injected.attacks[**attack as usize] == kind).count()
        };
        let n_all = (n + n_planted) as f64;
        for injection in injections {
            // To half a record and the rounding of the others.
            let wanted = (n_all * injection.rate).max(1.0);
            prop_assert!((of_kind(injection.kind) as f64 - wanted).abs() <= 1.0);
        }
        for (attack, kind) in injected.attacks.iter().enumerate() {
            let n_events = injected.attack_of.iter().filter(|of| **of as usize == attack).count();
            prop_assert!((1..=kind.most_events()).contains(&n_events));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same(seed in any::<u64>()) {
        let (records, times) = flows(500);
        let injections = [scan(0.05)];
        let planted = |seed| inject(&records, &times, &injections, seed).unwrap();
        prop_assert_eq!(planted(seed), planted(seed));
        prop_assert_ne!(planted(seed), planted(seed.wrapping_add(1)));
    }
}

#[test]
fn there_is_one_event_at_least() {
    let (records, times) = flows(200);
    let injected = inject(&records, &times, &[scan(1e-6)], 0).unwrap();
    assert_eq!(injected.records.num_rows(), 1);
}

#[test]
fn times_lie_within_the_inputs_and_are_told_in_each_column() {
    let (records, times) = flows(1000);
    let injected = inject(&records, &times, &[scan(0.1)], 3).unwrap();
    let (first, last) = (0, 999 * 60_000_000);
    for (time, hour) in injected
        .times
        .iter()
        .zip(numbers(&injected.records, "trhour"))
    {
        let time = time.unwrap();
        assert!((first..=last).contains(&time));
        assert_eq!(time / 3_600_000_000 % 24, hour);
    }
}

#[test]
fn what_nobody_knows_is_as_the_machine_has_it_and_what_says_nothing_stays() {
    let (records, times) = flows(1000);
    let injected = inject(&records, &times, &[scan(0.1)], 4).unwrap();
    let sensors = texts(&injected.records, "sensor");
    let sources = texts(&injected.records, "sip");
    assert!(
        sensors
            .iter()
            .zip(&sources)
            .all(|(sensor, source)| *sensor == format!("of {source}"))
    );
    // All flows have 0 packets back: the input does not know them.
    assert!(
        numbers(&injected.records, "opkt")
            .iter()
            .all(|packets| *packets == 0)
    );
}

#[test]
fn a_machine_attacks_by_itself_and_an_attack_is_what_it_is_called() {
    let (records, times) = flows(1000);
    for (kind, rate) in [
        (Kind::Scan, 0.1),
        (Kind::Beacon, 0.02),
        (Kind::Exfiltration, 0.002),
    ] {
        let injected = inject(&records, &times, &[Injection { kind, rate }], 5).unwrap();
        let of_first: Vec<usize> = (0..injected.records.num_rows())
            .filter(|row| injected.attack_of[*row] == 0)
            .collect();
        let column = |name| texts(&injected.records, name);
        let distinct = |name| {
            let values = column(name);
            let values: HashSet<String> = of_first.iter().map(|row| values[*row].clone()).collect();
            values.len()
        };
        assert_eq!(distinct("sip"), 1, "{kind:?}");
        let ports = numbers(&injected.records, "dport");
        let ports: HashSet<i64> = of_first.iter().map(|row| ports[*row]).collect();
        let bytes = numbers(&injected.records, "ibyt");
        match kind {
            Kind::Scan => assert!(distinct("dip") > 20 || ports.len() > 20),
            Kind::Beacon => assert_eq!((distinct("dip"), ports.len()), (1, 1)),
            _ => assert!(of_first.iter().all(|row| bytes[*row] >= 20_000_000)),
        }
        assert!(column("proto").iter().all(|protocol| protocol == "TCP"));
    }
}

#[test]
fn names_of_a_tunnel_are_long_and_below_one_domain() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("source_ip", Arc::new(StringViewArray::from(vec!["a", "b"]))),
        (
            "dns_question_name",
            Arc::new(StringViewArray::from(vec!["x.org", "y.org"])),
        ),
        (
            "dns_question_type",
            Arc::new(StringViewArray::from(vec!["A", "AAAA"])),
        ),
    ];
    let records = RecordBatch::try_from_iter(columns).unwrap();
    let tunnel = Injection {
        kind: Kind::DnsTunnel,
        rate: 0.9,
    };
    let injected = inject(&records, &[None, None], &[tunnel], 1).unwrap();
    let names = texts(&injected.records, "dns_question_name");
    assert_eq!(names.len(), 18);
    let domain = |name: &str| name.rsplitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let domains: HashSet<String> = names.iter().map(|name| domain(name)).collect();
    assert_eq!(domains.len(), 1);
    for name in &names {
        assert!(name.len() > 100 && name.len() < 254, "{name}");
        assert!(name.split('.').all(|label| label.len() <= 63), "{name}");
    }
    assert!(injected.times.iter().all(Option::is_none));
}

#[test]
fn what_records_cannot_have_is_refused() {
    let (records, times) = flows(10);
    let says = |text: &str| {
        let injection = text.parse::<Injection>();
        let injected = injection.and_then(|one| inject(&records, &times, &[one], 0));
        injected.unwrap_err().to_string()
    };
    assert_eq!(
        says("dga"),
        "`dga` cannot be planted here: the records are of other traffic"
    );
    assert_eq!(
        says("scans"),
        "unknown kind of attack `scans`; there is scan, beacon, exfiltration, dns-tunnel, dga"
    );
    assert_eq!(
        says("scan:2"),
        "expected a rate above 0 and below 1, as `scan:1e-4`, found `scan:2`"
    );
    let both = [scan(0.5), scan(0.5)];
    assert!(inject(&records, &times, &both, 0).is_err());
}
