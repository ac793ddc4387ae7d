//! Pairs of a document and a word that an iteration works through in a second, on one thread.
//!
//! The time of an iteration is that of a fit with six of them, less that of a fit with one, by five.
//! 20 topics; `spot` has a day's shape: few words, high counts, documents of very different
//! lengths. `limit/read` is what adding up the cells of the matrix costs. Run it with
//! `cargo bench -p datashark-ml`; peers are compared by `benches/peers/run.py`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datashark_ml::lda::{Algorithm, Counts, Lda, LdaParams, Precision};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Documents of `n_cells` pairs in all; words and lengths are skewed, counts are up to `count_max`.
fn matrix(n_docs: usize, n_words: usize, n_cells: usize, count_max: u32) -> Counts {
    let mut rng = Xoshiro256Plus::seed_from_u64(5);
    let mut uniform = move || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut triples = Vec::with_capacity(n_cells);
    for _ in 0..n_cells {
        let doc = (uniform().powi(2) * n_docs as f64) as u32;
        let word = (uniform().powi(3) * n_words as f64) as u32;
        let count = 1 + (uniform().powi(8) * f64::from(count_max)) as u32;
        triples.push((doc, word, count));
    }
    Counts::from_triples(n_docs, n_words, triples).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
fn seconds_of(params: &LdaParams, counts: &Counts) -> Duration {
    let begin = Instant::now();
    black_box(params.fit(counts).unwrap());
    begin.elapsed()
}

fn iterations(bench: &mut Criterion) {
    let shapes = [
        ("even", matrix(18_000, 5_000, 4_000_000, 1)),
        ("spot", matrix(50_000, 20_000, 4_000_000, 10_000)),
    ];
    let mut group = bench.benchmark_group("iteration");
    group.sample_size(10);
    for (shape, counts) in &shapes {
        group.throughput(Throughput::Elements(counts.n_cells() as u64));
        for (algorithm, precision) in [
            (Algorithm::Em, Precision::F32),
            (Algorithm::Em, Precision::F64),
            (Algorithm::Fast, Precision::F32),
        ] {
            let id = BenchmarkId::new(format!("{algorithm:?} {precision:?}").to_lowercase(), shape);
            let params = Lda::params(20)
                .algorithm(algorithm)
                .precision(precision)
                .threads(1);
            let (one, six) = (params.clone().max_iterations(1), params.max_iterations(6));
            group.bench_function(id, |bench| {
                bench.iter_custom(|n| {
                    let fits = || seconds_of(&six, counts).saturating_sub(seconds_of(&one, counts));
                    (0..n).map(|_| fits() / 5).sum()
                });
            });
        }
        group.bench_function(BenchmarkId::new("limit/read", shape), |bench| {
            bench.iter(|| black_box(counts).n_tokens());
        });
    }
}

criterion_group!(benches, iterations);
criterion_main!(benches);
