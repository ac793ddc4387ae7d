//! What it costs that a use case is a plugin: a window of rows scored by one that hands them on as they
//! are, linked in, loaded here, and in a process of its own.
//!
//! `rows/8192` is a batch of the usual size; `payload/…` is a window of that many bytes of text, for the
//! bytes a second that go to a process and come back.
#![expect(clippy::unwrap_used, reason = "a bench is a test")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_plugins::Plugins;
use datashark_sdk::conf::Section;
use datashark_sdk::prelude::*;
use datashark_sdk::{Asked, DynUseCase, ThirdParty, UseCaseEntry};

/// Hands rows on.
struct Plain;

#[derive(serde::Deserialize)]
struct NoKeys {}

impl UseCase for Plain {
    type Conf = NoKeys;
    type Model = ();
    const NAME: &'static str = "plain";
    const ABOUT: &'static str = "hands rows on";

    fn new(_: NoKeys) -> Result<Self> {
        Ok(Plain)
    }
}

fn compiled(folder: &Path) -> Plugins {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-I"])
        .arg(here.join("../sdk/include"));
    cc.arg("-o")
        .arg(folder.join("libunruly.so"))
        .arg(here.join("tests/it/unruly.c"));
    assert!(cc.status().unwrap().success());
    let host = PathBuf::from(env!("CARGO_BIN_EXE_datashark-plugin-host"));
    Plugins::new(vec![folder.to_owned()], host, Vec::new())
}

fn rows(n: usize, text: &str) -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..n).map(|i| format!("{i:06}{text}")),
    ));
    let scores: ArrayRef = Arc::new(Float64Array::from_iter_values((0..n).map(|i| i as f64)));
    RecordBatch::try_from_iter([("key", keys), ("score", scores)]).unwrap()
}

fn overhead(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let plugins = compiled(folder.path());
    let asked = Asked {
        name: "unruly",
        folder: folder.path(),
    };
    let entry = plugins.use_case(asked).unwrap().unwrap();
    let of = |entry: UseCaseEntry, own: &[(&str, &str)]| {
        entry
            .build(&own.iter().copied().collect::<Section>())
            .unwrap()
    };
    let places: [(&str, Box<dyn DynUseCase>); 3] = [
        ("linked in", of(UseCaseEntry::of::<Plain>(), &[])),
        ("isolation = none", of(entry, &[("isolation", "none")])),
        ("isolation = process", of(entry, &[])),
    ];
    let windows = [
        ("rows/1", rows(1, "")),
        ("rows/8192", rows(8192, "")),
        ("payload/8 MiB", rows(8192, &"x".repeat(1018))),
    ];
    for (name, rows) in windows {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(rows.get_array_memory_size() as u64));
        for (place, use_case) in &places {
            let model = use_case.load(&serde_json::Value::Null).unwrap();
            let schema = rows.schema();
            let rows = [rows.clone()];
            group.bench_function(*place, |bencher| {
                bencher.iter(|| {
                    let rows = Batches::new(&schema, &rows);
                    black_box(use_case.score(&model, &Window::WHOLE, rows).unwrap())
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);
