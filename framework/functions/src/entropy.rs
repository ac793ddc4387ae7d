//! `entropy(text)`: how evenly the characters of a text are spread, in bits a character.
//!
//! | argument | |
//! |---|---|
//! | `text` | any text |
//!
//! Shannon's entropy of the characters' frequencies: `H = -Σ p(c) log2 p(c)` over the distinct
//! Unicode characters `c`, where `p(c)` is the share of the text that is `c`. It is 0 for a text of
//! one character however often repeated, and `log2 n` for `n` different ones, which is the most
//! that a text of `n` characters can have. So it grows with the length: compare texts of like
//! lengths. Names made by a machine lie above names made by people, and encoded data higher still.
//!
//! The empty text has 0. Null: null.
//!
//! ```sql
//! entropy('aaaa')      -- 0
//! entropy('abcd')      -- 2
//! entropy('example')   -- 2.5216…
//! ```
//!
//! C. E. Shannon, A Mathematical Theory of Communication, Bell System Technical Journal 27 (1948),
//! section 6.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion_common::Result;

use crate::function::{Arguments, Function};

/// Counts up to this one have their `n log2 n` in a table: a name of DNS is no longer.
const TABLE_LEN: usize = 256;

/// Computes entropies; keeps the room for counts from text to text.
#[derive(Debug, Clone)]
pub struct Meter {
    /// How often each ASCII character is there; all 0 between two texts.
    counts: [u32; 128],
    /// The characters of a text beyond ASCII, sorted.
    chars: Vec<char>,
    /// `n log2 n` of small `n`.
    n_log_n: [f64; TABLE_LEN],
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            counts: [0; 128],
            chars: Vec::new(),
            n_log_n: std::array::from_fn(n_log_n),
        }
    }
}

impl Meter {
    /// The entropy of a text in bits a character.
    ///
    /// ```
    /// use datashark_functions::entropy::Meter;
    ///
    /// assert_eq!(Meter::default().entropy("abcd"), 2.0);
    /// ```
    #[inline]
    pub fn entropy(&mut self, text: &str) -> f64 {
        match text.is_ascii() {
            true => self.of_ascii(text.as_bytes()),
            false => self.of_chars(text),
        }
    }

    /// With counts `k` of `n` characters, `H = log2 n - (Σ k log2 k) / n`.
    #[inline]
    fn of_ascii(&mut self, text: &[u8]) -> f64 {
        for byte in text {
            self.counts[usize::from(byte & 0x7F)] += 1;
        }
        let mut sum = 0.0;
        for byte in text {
            // Each character once: its count is 0 from then on, as it has to be for the next text.
            let count = std::mem::take(&mut self.counts[usize::from(byte & 0x7F)]);
            sum += self.n_log_n(count as usize);
        }
        self.bits(text.len(), sum)
    }

    fn of_chars(&mut self, text: &str) -> f64 {
        let mut chars = std::mem::take(&mut self.chars);
        chars.clear();
        chars.extend(text.chars());
        chars.sort_unstable();
        let counts = chars.chunk_by(|a, b| a == b).map(<[char]>::len);
        let sum = counts.map(|count| self.n_log_n(count)).sum();
        let n_chars = chars.len();
        self.chars = chars;
        self.bits(n_chars, sum)
    }

    #[inline]
    fn bits(&self, n: usize, sum: f64) -> f64 {
        match n {
            0 => 0.0,
            // Rounding may leave it a little below 0.
            n => ((self.n_log_n(n) - sum) / n as f64).max(0.0),
        }
    }

    #[inline]
    fn n_log_n(&self, n: usize) -> f64 {
        match self.n_log_n.get(n) {
            Some(value) => *value,
            None => n_log_n(n),
        }
    }
}

fn n_log_n(n: usize) -> f64 {
    match n {
        0 => 0.0,
        n => n as f64 * (n as f64).log2(),
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entropy;

impl Function for Entropy {
    const NAME: &'static str = "entropy";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[("text", "Any text.")];
    const RETURNS: DataType = DataType::Float64;
    const ABOUT: &'static str = "Shannon's entropy of a text in bits a character: 0 for a text of \
        one character however often repeated, log2 n for n different ones. Characters are those \
        of Unicode. 0 for the empty text.";
    const EXAMPLE: &'static str = "SELECT entropy('abcd') -- 2";

    fn run(arguments: &Arguments<'_>) -> Result<ArrayRef> {
        let texts = arguments.column(0)?;
        let mut meter = Meter::default();
        let entropies = texts.iter().map(|text| Some(meter.entropy(text?)));
        Ok(Arc::new(entropies.collect::<Float64Array>()) as ArrayRef)
    }
}

#[cfg(test)]
mod tests;
