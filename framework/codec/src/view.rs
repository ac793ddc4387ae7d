//! Views of bytes in a block.
//!
//! A record shares its block: what is made here is Arrow's 16-byte view, `(length, prefix, block,
//! place)`, or the bytes themselves up to 12 of them. Nothing here is unsafe: Arrow checks every view
//! again when the array is made.

use arrow::array::ByteView;

/// The longest text that a view holds itself.
pub(crate) const INLINE_MAX: usize = 12;

/// A view of `block[start..start + len]`, where the block is the array's `block_idx`th.
#[inline]
pub(crate) fn view(block: &[u8], start: usize, len: usize, block_idx: u32) -> u128 {
    if len <= INLINE_MAX {
        return inline(&block[start..], len);
    }
    let prefix = match block[start..].first_chunk::<4>() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => 0,
    };
    ByteView {
        length: len as u32,
        prefix,
        buffer_index: block_idx,
        offset: start as u32,
    }
    .as_u128()
}

/// A view that holds the first `len` bytes itself; `len` is at most 12.
#[inline]
fn inline(bytes: &[u8], len: usize) -> u128 {
    let word = match bytes.first_chunk::<16>() {
        Some(word) => u128::from_le_bytes(*word) & ((1 << (8 * len)) - 1),
        None => {
            let mut word = [0; 16];
            word[..len].copy_from_slice(&bytes[..len]);
            u128::from_le_bytes(word)
        }
    };
    (word << 32) | len as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_made_here_is_the_view_that_arrow_makes() {
        let block = b"0123456789abcdefghijklmnop";
        for start in 0..block.len() {
            for end in start..=block.len() {
                let ours = view(block, start, end - start, 3);
                let theirs = arrow::array::make_view(&block[start..end], 3, start as u32);
                assert_eq!(ours, theirs, "{start}..{end}");
            }
        }
    }
}
