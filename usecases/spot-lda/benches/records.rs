//! Counting the pairs of flows, and looking at flows with a model: records a second on one core.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, new_null_array};
use arrow::datatypes::Schema;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_sdk::conf::Section;
use datashark_sdk::{Batches, DynReduce, UseCase};
use datashark_spot_lda::{Conf, Kind, SpotLda};

/// Records of a batch: what the engine gives at a time is of this order.
const N_RECORDS: usize = 16_384;
const N_BATCHES: usize = 64;

/// As the generator of the samples: 64 bits, mixed.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Flows of 20,000 clients to 500 servers.
fn flows(batch: u64) -> RecordBatch {
    let rows = || (0..N_RECORDS as u64).map(move |row| mixed(batch << 32 | row));
    let numbers = |of: fn(u64) -> u64| -> ArrayRef {
        Arc::new(rows().map(|n| Some(of(n) as i64)).collect::<Int64Array>())
    };
    let texts = |of: fn(u64) -> String| -> ArrayRef {
        Arc::new(rows().map(|n| Some(of(n))).collect::<StringViewArray>())
    };
    let columns = Kind::Flow.columns();
    let arrays = columns.iter().map(|field| match field.name().as_str() {
        "treceived" => texts(|_| "2026-08-27 10:00:00".to_owned()),
        "trhour" => numbers(|n| n % 24),
        "trminute" | "trsec" => numbers(|n| n % 60),
        "sip" => texts(|n| format!("192.168.{}.{}", n % 80, (n >> 8) % 250)),
        "dip" => texts(|n| format!("203.0.113.{}", (n >> 20) % 250)),
        "sport" => numbers(|n| 1025 + (n >> 12) % 60_000),
        "dport" => numbers(|n| [443, 443, 443, 80, 53, 22, 8443][(n >> 40) as usize % 7]),
        "proto" => texts(|n| ["TCP", "TCP", "UDP"][(n >> 44) as usize % 3].to_owned()),
        "ipkt" => numbers(|n| 1 + (n >> 30) % 300),
        "ibyt" => numbers(|n| 40 + (n >> 34) % 100_000),
        _ => new_null_array(field.data_type(), N_RECORDS),
    });
    let arrays = arrays.collect();
    RecordBatch::try_new(Arc::new(Schema::new(columns)), arrays).expect("the columns fit")
}

fn use_case() -> SpotLda {
    let section = Section::from_iter([("analysis", "flow"), ("threshold", "1e-9")]);
    let conf: Conf = section.parse().expect("the keys are right");
    SpotLda::new(conf).expect("the settings make sense")
}

fn reduce_of(use_case: &SpotLda) -> Arc<dyn DynReduce> {
    match use_case.aggregate() {
        datashark_sdk::Aggregate::Reduce(reduce) => reduce,
        _ => unreachable!("training counts by code"),
    }
}

fn add_all(reduce: &dyn DynReduce, batches: &[RecordBatch]) -> datashark_sdk::ReduceState {
    let mut state = reduce.empty().expect("a state");
    for batch in batches {
        let refused = reduce
            .refused(batch)
            .expect("it is ours")
            .unwrap_or_default();
        assert!(black_box(refused).is_empty());
        reduce.add(&mut state, batch).expect("it is ours");
    }
    state
}

fn records(criterion: &mut Criterion) {
    let batches: Vec<RecordBatch> = (0..N_BATCHES as u64).map(flows).collect();
    let use_case = use_case();
    let count = reduce_of(&use_case);
    let mut group = criterion.benchmark_group("flow");
    group.sample_size(10);
    group.throughput(Throughput::Elements((N_BATCHES * N_RECORDS) as u64));
    group.bench_function("count", |bencher| {
        bencher.iter(|| add_all(count.as_ref(), &batches));
    });
    let counted = add_all(count.as_ref(), &batches[..8]);
    let rows = count.rows(counted).expect("the counts are rows");
    let schema = rows.schema();
    let model = use_case
        .train(Batches::new(&schema, &[rows]))
        .expect("there are words");
    let screen = use_case
        .screen(&Arc::new(model))
        .expect("records are screened");
    group.bench_function("score", |bencher| {
        bencher.iter(|| add_all(screen.as_ref(), &batches));
    });
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
