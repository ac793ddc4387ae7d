//! Sixty-four bytes at a time as bit masks: bit `i` says something of byte `i`.
//!
//! By `wide`: four SSE2 compares on x86-64, NEON on ARM, without unsafe code of ours.

use wide::u8x16;

/// Bytes that a mask is about.
pub(crate) const WIDTH: usize = 64;

/// What a JSON scanner needs to know of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonMasks {
    /// `"`.
    pub(crate) quotes: u64,
    /// `\`.
    pub(crate) backslashes: u64,
    /// Bytes below 0x20.
    pub(crate) controls: u64,
}

/// The masks of the first 64 bytes of `text`, or of all where there are fewer: what is missing
/// counts as spaces.
#[inline(always)]
pub(crate) fn json_masks(text: &[u8]) -> JsonMasks {
    match text.first_chunk::<WIDTH>() {
        Some(bytes) => of_block(bytes),
        None => {
            let mut bytes = [b' '; WIDTH];
            bytes[..text.len()].copy_from_slice(text);
            of_block(&bytes)
        }
    }
}

#[inline(always)]
fn of_block(bytes: &[u8; WIDTH]) -> JsonMasks {
    let quote = u8x16::splat(b'"');
    let backslash = u8x16::splat(b'\\');
    let last_control = u8x16::splat(0x1F);
    let mut masks = JsonMasks {
        quotes: 0,
        backslashes: 0,
        controls: 0,
    };
    for (i, part) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let part = u8x16::new(*part);
        let at = 16 * i;
        masks.quotes |= u64::from(part.simd_eq(quote).to_bitmask()) << at;
        masks.backslashes |= u64::from(part.simd_eq(backslash).to_bitmask()) << at;
        masks.controls |= u64::from(part.min(last_control).simd_eq(part).to_bitmask()) << at;
    }
    masks
}

/// Where a byte that is not 0 stands among the first 64 of `text`, or in all of it where there are
/// fewer.
#[inline(always)]
pub(crate) fn mask(text: &[u8], byte: u8) -> u64 {
    let mut padded = [0; WIDTH];
    let byte = u8x16::splat(byte);
    let parts = first_bytes(text, &mut padded).as_chunks::<16>().0;
    let masks = parts
        .iter()
        .map(|part| u64::from(u8x16::new(*part).simd_eq(byte).to_bitmask()));
    masks.rev().fold(0, |mask, part| mask << 16 | part)
}

/// Where one of two bytes stands among the first 64 of `text`, or in all of it where there are
/// fewer: the masks of `a` and of `b`, neither of which is 0.
#[inline(always)]
pub(crate) fn two_masks(text: &[u8], a: u8, b: u8) -> (u64, u64) {
    let mut padded = [0; WIDTH];
    let bytes = first_bytes(text, &mut padded);
    let (a, b) = (u8x16::splat(a), u8x16::splat(b));
    let mut masks = (0, 0);
    for (i, part) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let part = u8x16::new(*part);
        masks.0 |= u64::from(part.simd_eq(a).to_bitmask()) << (16 * i);
        masks.1 |= u64::from(part.simd_eq(b).to_bitmask()) << (16 * i);
    }
    masks
}

/// The first 64 bytes of `text`, or all and what is in `padded` behind them.
#[inline(always)]
fn first_bytes<'a>(text: &'a [u8], padded: &'a mut [u8; WIDTH]) -> &'a [u8; WIDTH] {
    match text.first_chunk::<WIDTH>() {
        Some(bytes) => bytes,
        None => {
            padded[..text.len()].copy_from_slice(text);
            padded
        }
    }
}

/// Which characters a backslash escapes, for the masks of texts in order.
///
/// After simdjson's `json_escape_scanner`: the carry of a subtraction runs through each series of
/// backslashes and comes out where its length is odd.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Escapes {
    /// 1 where the last byte so far escapes the next.
    carry: u64,
}

impl Escapes {
    /// The escaped bytes of the next 64.
    #[inline(always)]
    pub(crate) fn next(&mut self, backslashes: u64) -> u64 {
        if backslashes | self.carry == 0 {
            return 0;
        }
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let series = backslashes & !self.carry;
        let behind = series << 1;
        let ends = ((behind | ODD).wrapping_sub(series)) ^ ODD;
        let escaped = ends ^ (backslashes | self.carry);
        self.carry = (ends & backslashes) >> 63;
        escaped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(bytes: &[u8; WIDTH], is: impl Fn(u8) -> bool) -> u64 {
        (0..WIDTH).fold(0, |mask, i| mask | (u64::from(is(bytes[i])) << i))
    }

    fn plain_escaped(text: &[u8]) -> Vec<bool> {
        let mut escaped = vec![false; text.len()];
        for i in 1..text.len() {
            escaped[i] = text[i - 1] == b'\\' && !escaped[i - 1];
        }
        escaped
    }

    proptest! {
        #[test]
        fn masks_say_what_a_look_at_each_byte_says(
            bytes in proptest::array::uniform32(prop_oneof![
                any::<u8>(), Just(b'"'), Just(b'\\'), 0u8..0x24
            ])
        ) {
            let mut wide = [0; WIDTH];
            wide[..32].copy_from_slice(&bytes);
            wide[32..].copy_from_slice(&bytes);
            wide[32..].reverse();
            let expected = JsonMasks {
                quotes: plain(&wide, |byte| byte == b'"'),
                backslashes: plain(&wide, |byte| byte == b'\\'),
                controls: plain(&wide, |byte| byte < 0x20),
            };
            prop_assert_eq!(json_masks(&wide), expected);
            prop_assert_eq!(mask(&wide, b'"'), expected.quotes);
            prop_assert_eq!(two_masks(&wide, b'"', b'\\'), (expected.quotes, expected.backslashes));
            let cut = expected.quotes & ((1 << 40) - 1);
            prop_assert_eq!(mask(&wide[..40], b'"'), cut);
        }

        #[test]
        fn escapes_run_through_series_of_backslashes(text in "[\\\\\\\\\\\\a]{192}") {
            let text = text.as_bytes();
            let expected = plain_escaped(text);
            let mut escapes = Escapes::default();
            for (chunk, expected) in text.chunks(WIDTH).zip(expected.chunks(WIDTH)) {
                let escaped = escapes.next(json_masks(chunk).backslashes);
                let expected = (0..WIDTH).fold(0, |mask, i| mask | (u64::from(expected[i]) << i));
                prop_assert_eq!(escaped, expected);
            }
        }
    }
}
