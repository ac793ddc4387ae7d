#![allow(unsafe_code, clippy::all, missing_docs)]
use std::sync::Arc;
use arrow::array::{ArrayRef, RecordBatch, StringViewBuilder};
use arrow::buffer::Buffer;
use datashark_sdk::Reduce;
use datashark_wordcount::{CountWords, Counts};
fn main() {
    let text = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut text = text;
    let one = text.clone();
    while text.len() < (64 << 20) { text.extend_from_slice(&one); }
    let batches: Vec<RecordBatch> = text.chunks(1 << 20).map(|block| {
        let mut lines = StringViewBuilder::new();
        let buffer = lines.append_block(Buffer::from(block));
        let mut start = 0;
        for line in block.split(|byte| *byte == b'\n') {
            unsafe { lines.append_view_unchecked(buffer, start, line.len() as u32) };
            start += line.len() as u32 + 1;
        }
        let lines: ArrayRef = Arc::new(lines.finish());
        RecordBatch::try_from_iter([("line", lines)]).unwrap()
    }).collect();
    let mut counts = Counts::default();
    for _ in 0..n { for b in &batches { CountWords.add(&mut counts, b); } }
    println!("{} words, {} bytes", counts.n_words(), n * text.len());
}
