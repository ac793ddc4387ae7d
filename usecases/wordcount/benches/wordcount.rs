//! Counts the words of seeded text, in lines as the codec cuts them.
//!
//! `licence`: few words, as the shipped sample repeats them; `zipf`: a natural text's spread over
//! 100,000 words; `distinct`: every second word is new, the worst case for the table.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewBuilder};
use arrow::buffer::Buffer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashark_sdk::Reduce;
use datashark_wordcount::{CountWords, Counts};

/// The text of a batch, in bytes.
const BATCH_BYTES: usize = 1 << 20;
/// The text of a case, in bytes.
const N_BYTES: usize = 64 << 20;

fn words(c: &mut Criterion) {
    let licence = include_str!("../../../conf/wordcount/wordcount.txt");
    let mut group = c.benchmark_group("wordcount");
    group.sample_size(10);
    let cases = [
        ("licence", licence.repeat(N_BYTES / licence.len() + 1)),
        ("zipf", generated(zipf)),
        (
            "distinct",
            generated(|random, n| {
                if n.is_multiple_of(2) {
                    n
                } else {
                    zipf(random, n)
                }
            }),
        ),
    ];
    for (name, text) in &cases {
        let batches = batches(&text[..N_BYTES]);
        group.throughput(Throughput::Bytes(N_BYTES as u64));
        group.bench_function(*name, |b| b.iter(|| black_box(count(&batches))));
    }
    group.finish();
}

fn count(batches: &[RecordBatch]) -> Counts {
    let mut counts = Counts::default();
    for batch in batches {
        CountWords.add(&mut counts, batch);
    }
    counts
}

/// The lines of a text as views into blocks of it.
fn batches(text: &str) -> Vec<RecordBatch> {
    text.as_bytes().chunks(BATCH_BYTES).map(batch).collect()
}

fn batch(block: &[u8]) -> RecordBatch {
    let mut lines = StringViewBuilder::new();
    let buffer = lines.append_block(Buffer::from(block));
    let mut start = 0;
    for line in block.split(|byte| *byte == b'\n') {
        lines
            .try_append_view(buffer, start, line.len() as u32)
            .expect("a line is in its block");
        start += line.len() as u32 + 1;
    }
    let lines: ArrayRef = Arc::new(lines.finish());
    RecordBatch::try_from_iter([("line", lines)]).expect("one column")
}

/// Lines of ten words, each of the number that `next` draws.
fn generated(next: impl Fn(u64, u64) -> u64) -> String {
    let mut text = String::with_capacity(N_BYTES + 200);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut n = 0;
    while text.len() < N_BYTES {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        n += 1;
        push_word(&mut text, next(random >> 11, n));
        text.push(if n.is_multiple_of(10) { '\n' } else { ' ' });
    }
    text
}

/// A rank by Zipf's law with exponent 1 among 100,000 words.
fn zipf(random: u64, _: u64) -> u64 {
    let uniform = random as f64 / (1_u64 << 53) as f64;
    100_000_f64.powf(uniform) as u64
}

/// A word of a rank: the commoner the shorter, some capitalised.
fn push_word(text: &mut String, rank: u64) {
    const SYLLABLES: [&str; 16] = [
        "a", "en", "the", "ro", "in", "st", "al", "ke", "ing", "or", "es", "qui", "ne", "Ta", "on",
        "de",
    ];
    let mut rest = rank;
    loop {
        text.push_str(SYLLABLES[(rest % 16) as usize]);
        rest /= 16;
        if rest == 0 {
            break;
        }
    }
    if rank.is_multiple_of(37) {
        write!(text, "{rank},").expect("a string takes all");
    }
}

criterion_group!(benches, words);
criterion_main!(benches);
