//! Batches through a library leave no memory behind. In a process of its own: other tests take memory too.
//!
//! tests/leaks/run.sh runs it under valgrind, which sees every byte.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use datashark_sdk::{Aggregate, Batches, DynUseCase, Window};

#[path = "it/world.rs"]
mod world;

use world::World;

const N: usize = 10_000;
/// More than any of these libraries keeps for itself. A batch has 7 KB or more: each left behind is 70 MB.
const GROWN_MAX: usize = 16 << 20;

/// What this process holds of memory, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Loads something very often, after it was loaded often.
fn grows_not(load: impl Fn()) {
    (0..N / 10).for_each(|_| load());
    let before = resident();
    (0..N).for_each(|_| load());
    let grown = resident().saturating_sub(before);
    // Valgrind keeps what is freed for a while.
    let is_watched = std::env::var_os("DATASHARK_VALGRIND").is_some();
    assert!(grown < GROWN_MAX || is_watched, "{grown} bytes more");
}

fn score(use_case: &dyn DynUseCase, rows: &RecordBatch) {
    let model = use_case.load(&serde_json::json!(1)).unwrap();
    let schema = rows.schema();
    grows_not(|| {
        // Cut, so that what comes back is a copy and not what went.
        let rows = [rows.slice(1, 500)];
        let rows = Batches::new(&schema, &rows);
        use_case.score(&model, &Window::WHOLE, rows).unwrap();
    });
}

// One test: they would count each other's memory.
#[test]
fn ten_thousand_batches_through_a_library_leave_nothing_behind() {
    let world = World::new()
        .with_unruly("libunruly.so", &[])
        .with_built("datashark_test_plugin_words", "libwords.so");
    let in_process = [("isolation", "none")];
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a key of some length"; 512]));
    let counts: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 512]));
    let in_c = world.use_case("unruly", &in_process, &[]).unwrap();
    let columns = [("key", Arc::clone(&keys)), ("score", Arc::clone(&counts))];
    score(in_c.as_ref(), &RecordBatch::try_from_iter(columns).unwrap());
    let in_rust = world.use_case("words", &in_process, &[]).unwrap();
    let columns = [("line", keys), ("count", counts)];
    score(
        in_rust.as_ref(),
        &RecordBatch::try_from_iter(columns).unwrap(),
    );

    let Aggregate::Reduce(reduce) = in_rust.aggregate() else {
        panic!("a reduce")
    };
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8View, false)]);
    let lines = StringViewArray::from(vec!["a line of some length"; 512]);
    let lines = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lines)]).unwrap();
    grows_not(|| {
        let mut state = reduce.empty().unwrap();
        reduce.add(&mut state, &lines).unwrap();
        let other = reduce.copy(&state).unwrap();
        reduce.merge(&mut state, other).unwrap();
        assert_eq!(reduce.rows(state).unwrap().num_rows(), 1);
    });
}
