//! Chunks of documents: what one thread works on at a time.
//!
//! Where chunks begin and how their sums are added up depends on the data alone. Any number of
//! threads thus gives the same bits.

use std::ops::Range;

use rayon::prelude::*;

use super::real::Real;
use super::rows::{Row, add, sum_of};

/// More chunks would keep more threads busy, but each has sums for every word.
const CHUNKS_MAX: usize = 32;

/// A chunk's sums take as long to add up as this many cells of its documents to work on.
const CELLS_PER_WORD_MIN: usize = 4;

/// How many words one thread adds up at a time.
const WORDS_PER_BLOCK: usize = 512;

/// Cuts documents, whose cells start at `starts`, into chunks with about as many cells each.
pub(crate) fn chunks(starts: &[usize], n_words: usize) -> Vec<Range<usize>> {
    let (n_docs, n_cells) = (starts.len() - 1, starts[starts.len() - 1] - starts[0]);
    let n_chunks = n_cells / (CELLS_PER_WORD_MIN * n_words.max(1));
    let n_chunks = n_chunks.clamp(1, CHUNKS_MAX);
    let mut chunks = Vec::with_capacity(n_chunks);
    let mut begin = 0;
    for chunk in 1..=n_chunks {
        let until = starts[0] + n_cells * chunk / n_chunks;
        let end = match chunk == n_chunks {
            true => n_docs,
            false => starts.partition_point(|start| *start < until).max(begin),
        };
        chunks.push(begin..end.min(n_docs));
        begin = end.min(n_docs);
    }
    chunks
}

/// Sums by word, for each chunk; 0 between two uses.
pub(crate) struct Sums<F, const K: usize> {
    n_words: usize,
    of_chunks: Vec<Vec<Row<F, K>>>,
}

impl<F: Real, const K: usize> Sums<F, K> {
    pub(crate) fn new(n_words: usize) -> Self {
        Sums {
            n_words,
            of_chunks: Vec::new(),
        }
    }

    /// Sums for so many chunks.
    pub(crate) fn of_chunks(&mut self, n_chunks: usize) -> &mut [Vec<Row<F, K>>] {
        while self.of_chunks.len() < n_chunks {
            self.of_chunks.push(vec![[F::default(); K]; self.n_words]);
        }
        &mut self.of_chunks[..n_chunks]
    }

    /// Adds up the chunks' sums of each word, in the chunks' order, and sets them to 0.
    ///
    /// `put` gets each word, its row of `into`, and its sum; the result is the total of the rows.
    pub(crate) fn take(
        &mut self,
        into: &mut [Row<F, K>],
        put: impl Fn(usize, &mut Row<F, K>, Row<F, K>) + Sync,
    ) -> Row<F, K> {
        let n_blocks = into.len().div_ceil(WORDS_PER_BLOCK);
        let mut blocks: Vec<Vec<&mut [Row<F, K>]>> = (0..n_blocks).map(|_| Vec::new()).collect();
        for sums in &mut self.of_chunks {
            for (block, sums) in blocks.iter_mut().zip(sums.chunks_mut(WORDS_PER_BLOCK)) {
                block.push(sums);
            }
        }
        let rows = into.par_chunks_mut(WORDS_PER_BLOCK).zip(blocks);
        let totals: Vec<Row<F, K>> = rows
            .enumerate()
            .map(|(block, (rows, mut chunks))| {
                for (at, row) in rows.iter_mut().enumerate() {
                    let mut sum = [F::default(); K];
                    for chunk in &mut chunks {
                        add(&mut sum, &chunk[at]);
                        chunk[at] = [F::default(); K];
                    }
                    put(block * WORDS_PER_BLOCK + at, row, sum);
                }
                sum_of(rows)
            })
            .collect();
        sum_of(&totals)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_document_is_in_one_chunk(lens in proptest::collection::vec(0_usize..300, 1..60), n_words in 1_usize..50) {
            let starts: Vec<usize> = std::iter::once(0)
                .chain(lens.iter().scan(0, |sum, len| { *sum += len; Some(*sum) }))
                .collect();
            let chunks = chunks(&starts, n_words);
            let docs: Vec<usize> = chunks.iter().cloned().flatten().collect();
            prop_assert_eq!(docs, Vec::from_iter(0..lens.len()));
            prop_assert!(chunks.len() <= CHUNKS_MAX);
            // A chunk has its part of the cells and at most one document more.
            let part = starts[lens.len()].div_ceil(chunks.len());
            for chunk in chunks {
                prop_assert!(starts[chunk.end] - starts[chunk.start] <= part + 300);
            }
        }
    }

    #[test]
    fn sums_are_taken_once_and_in_every_block() {
        let n_words = 2 * WORDS_PER_BLOCK + 3;
        let mut sums = Sums::<f64, 8>::new(n_words);
        for (chunk, sums) in sums.of_chunks(3).iter_mut().enumerate() {
            for (word, row) in sums.iter_mut().enumerate() {
                row[0] = (word * 10 + chunk) as f64;
            }
        }
        let mut words = vec![[0.0; 8]; n_words];
        let total = sums.take(&mut words, |word, row, sum| {
            assert_eq!(sum[0], (30 * word + 3) as f64);
            *row = sum;
        });
        assert_eq!(total[0], words.iter().map(|row| row[0]).sum::<f64>());
        let total = sums.take(&mut words, |_, row, sum| *row = sum);
        assert_eq!(total, [0.0; 8]);
    }
}
