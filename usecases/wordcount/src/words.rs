//! Cuts text into words as Python's `str.split()` and `str.lower()` do.
//!
//! Text is classified 64 bytes at a time into a bit for each byte, and words are read off the
//! edges of that bit mask. Only ASCII is decided here. A token (what stands between ASCII white
//! space) with a byte beyond ASCII goes to [`unicode`], which knows the rest of Unicode's white
//! space and case; the two must agree on ASCII.
//!
//! Cost: linear in the bytes of the text, whatever they are.

use crate::counts::{Counts, Pending};
use crate::unicode;

/// The bytes that are classified at a time.
const BLOCK: usize = 64;
/// 1 in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = ONES << 7;

/// Counts the words of a text: valid UTF-8.
pub(crate) fn count(text: &[u8], counts: &mut Counts) {
    let mut pending = Pending::default();
    for_each_token(text, |start, end| {
        if !counts.add_ascii(text, start, end, &mut pending) {
            unicode::count(&text[start..end], counts);
        }
    });
    counts.add_pending(&mut pending);
}

/// Calls `token` with the start and the end of whatever stands between ASCII white space.
#[inline]
fn for_each_token(text: &[u8], mut token: impl FnMut(usize, usize)) {
    let (blocks, tail) = text.as_chunks::<BLOCK>();
    let mut open = None;
    for (i, block) in blocks.iter().enumerate() {
        open = tokens_of_block(block, i * BLOCK, open, &mut token);
    }
    // Filled up with white space, the last block ends the last token.
    let mut last = [b' '; BLOCK];
    last[..tail.len()].copy_from_slice(tail);
    open = tokens_of_block(&last, blocks.len() * BLOCK, open, &mut token);
    debug_assert_eq!(open.filter(|start| *start < text.len()), None);
}

/// The tokens that end in this block, which starts at `base`. `open` is the start of a token that
/// reaches into the block; gives that of one that reaches out of it.
#[inline(always)]
fn tokens_of_block(
    block: &[u8; BLOCK],
    base: usize,
    open: Option<usize>,
    token: &mut impl FnMut(usize, usize),
) -> Option<usize> {
    let inside = !white_space(block);
    let mut edges = inside ^ (inside << 1 | u64::from(open.is_some()));
    let mut next_edge = || {
        let edge = edges.trailing_zeros() as usize;
        edges &= edges.wrapping_sub(1);
        (edge < BLOCK).then_some(base + edge)
    };
    if let Some(start) = open {
        let Some(end) = next_edge() else { return open };
        token(start, end);
    }
    while let Some(start) = next_edge() {
        let Some(end) = next_edge() else {
            return Some(start);
        };
        token(start, end);
    }
    None
}

/// A bit for each byte that is ASCII white space; the lowest for the first.
#[inline(always)]
fn white_space(block: &[u8; BLOCK]) -> u64 {
    let (chunks, _) = block.as_chunks::<8>();
    let mut mask = 0;
    for (i, chunk) in chunks.iter().enumerate() {
        let spaces = white_space_of_8(u64::from_le_bytes(*chunk));
        // Gathers the highest bits of the eight bytes into the highest byte.
        let bits = (spaces >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (8 * i);
    }
    mask
}

/// The highest bit of each byte that is one of `\t \n \v \f \r`, `\x1c` to `\x1f` or a space.
#[inline(always)]
fn white_space_of_8(bytes: u64) -> u64 {
    let at_least = at_least(bytes);
    let controls = at_least(0x09) & !at_least(0x0e);
    let separators = at_least(0x1c) & !at_least(0x21);
    (controls | separators) & !bytes & HIGHS
}

/// Compares the lower seven bits of each byte: the result's highest bit of a byte says whether
/// they are at least as large; its other bits say nothing.
#[inline(always)]
fn at_least(bytes: u64) -> impl Fn(u8) -> u64 {
    let low = bytes & !HIGHS;
    // Neither sum carries into the next byte: 0x7f + 0x7f < 0x100.
    move |bound| low + ONES * u64::from(0x80 - bound)
}

/// Lower-cases eight bytes of ASCII; `None` if one is not ASCII.
#[inline(always)]
pub(crate) fn lower_ascii(bytes: u64) -> Option<u64> {
    let at_least = at_least(bytes);
    let capitals = at_least(b'A') & !at_least(b'[') & HIGHS;
    // 0x80 >> 2 is 0x20, which is what a small letter has over its capital.
    (bytes & HIGHS == 0).then_some(bytes | capitals >> 2)
}
