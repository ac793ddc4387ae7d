//! Include and exclude patterns over decoded columns, records a second; beside them the plain
//! comparison of the same texts, which is the limit.
#![allow(missing_docs, reason = "a benchmark's entry points have no readers")]

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_engine::Filter;

const N_RECORDS: usize = 64 * 1024;
const PROGRAMS: [&str; 8] = [
    "sshd",
    "cron",
    "kernel",
    "nginx",
    "postfix/smtpd",
    "systemd",
    "sudo",
    "dhclient",
];

/// A column of program names, from a fixed linear congruential generator.
fn programs() -> RecordBatch {
    let mut state = 42u64;
    let names = (0..N_RECORDS).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        PROGRAMS[(state >> 33) as usize % PROGRAMS.len()]
    });
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(names));
    RecordBatch::try_from_iter([("program", column)]).expect("one column is a batch")
}

fn filter(include: &str, exclude: &str) -> Filter {
    let mut filter = Filter::default();
    if !include.is_empty() {
        filter
            .include("program", include)
            .expect("the pattern is a regex");
    }
    if !exclude.is_empty() {
        filter
            .exclude("program", exclude)
            .expect("the pattern is a regex");
    }
    filter
}

fn patterns(c: &mut Criterion) {
    let rows = programs();
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Elements(N_RECORDS as u64));
    group.bench_function("limit: compare each text", |b| {
        let texts = rows
            .column(0)
            .as_any()
            .downcast_ref::<StringViewArray>()
            .expect("text");
        b.iter(|| {
            texts
                .iter()
                .flatten()
                .filter(|text| *black_box(text) == "sshd")
                .count()
        });
    });
    for (name, include, exclude) in [
        ("include ^sshd$", "^sshd$", ""),
        ("include sshd|sudo", "sshd|sudo", ""),
        ("include s.*d", "s.*d", ""),
        ("include s, exclude sudo", "s", "sudo"),
    ] {
        let filter = filter(include, exclude);
        group.bench_function(name, |b| b.iter(|| filter.passing(black_box(&rows))));
    }
    group.finish();
}

criterion_group!(benches, patterns);
criterion_main!(benches);
