//! Batches through a library leave no memory behind. In a process of its own: other tests take memory too.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datashark_sdk::{Batches, Window};

#[expect(dead_code, reason = "the other tests need the rest of it")]
#[path = "it/world.rs"]
mod world;

use world::World;

/// What this process holds of memory, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn ten_thousand_batches_through_a_library_leave_nothing_behind() {
    let world = World::new().with_unruly("libunruly.so", &[]);
    let use_case = world
        .use_case("unruly", &[("isolation", "none")], &[])
        .unwrap();
    let model = use_case.load(&serde_json::Value::Null).unwrap();
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a key of some length"; 512]));
    let scores: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 512]));
    let rows = [RecordBatch::try_from_iter([("key", keys), ("score", scores)]).unwrap()];
    let schema = rows[0].schema();
    let load = |n: usize| {
        for _ in 0..n {
            // Cut, so that what comes back is a copy and not what went.
            let rows = [rows[0].slice(1, 500)];
            use_case
                .score(&model, &Window::WHOLE, Batches::new(&schema, &rows))
                .unwrap();
        }
    };
    load(1_000);
    let before = resident();
    load(10_000);
    let grown = resident().saturating_sub(before);
    // A batch has 14 KB: 140 MB if each were left behind.
    assert!(grown < 16 << 20, "{grown} bytes more");
}
