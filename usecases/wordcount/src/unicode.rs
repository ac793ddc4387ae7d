//! White space and case beyond ASCII, as Python's `str.split()` and `str.lower()` have them.
//!
//! What becomes of a character is looked up in a table of the Basic Multilingual Plane, which the
//! first token that needs it fills: 256 KiB, a millisecond. The standard library's own search is
//! several times as slow on text that is all of another script.

use std::sync::LazyLock;

use crate::counts::Counts;

/// The characters in the table: those of the Basic Multilingual Plane.
const N_IN_TABLE: u32 = 0x1_0000;

static FATES: LazyLock<Vec<Fate>> = LazyLock::new(|| {
    let fate = |code| char::from_u32(code).map_or(Fate::Context, Fate::of);
    (0..N_IN_TABLE).map(fate).collect()
});

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It ends a word.
    Space,
    /// It becomes this one, perhaps itself.
    Lower(char),
    /// It becomes several, or it depends on what stands around it.
    Context,
}

impl Fate {
    fn of(c: char) -> Self {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            _ if is_space(c) => Fate::Space,
            // A capital sigma's small letter is another at the end of a word.
            (Some(lower), None) if c != 'Σ' => Fate::Lower(lower),
            _ => Fate::Context,
        }
    }

    fn looked_up(c: char) -> Self {
        FATES
            .get(c as usize)
            .copied()
            .unwrap_or_else(|| Fate::of(c))
    }
}

/// Counts the words of a token: valid UTF-8, cut at ASCII white space.
pub(crate) fn count(token: &[u8], counts: &mut Counts) {
    // Nothing is replaced where the codec keeps its word.
    let token = String::from_utf8_lossy(token);
    let mut word = Word::default();
    for (at, c) in token.char_indices() {
        match Fate::looked_up(c) {
            Fate::Space => {
                word.count(&token[..at], counts);
                word.start = at + c.len_utf8();
            }
            Fate::Lower(lower) => word.lower.push(lower),
            Fate::Context => word.needs_context = true,
        }
    }
    word.count(&token, counts);
}

/// The word that is being read.
#[derive(Default)]
struct Word {
    /// Where it starts in its token.
    start: usize,
    /// Its characters so far, those apart that need a context.
    lower: String,
    needs_context: bool,
}

impl Word {
    /// Counts the word, which reaches to the end of `text`, if it is one.
    fn count(&mut self, text: &str, counts: &mut Counts) {
        if self.needs_context {
            // The standard library knows how; white space gives no context, to Python neither.
            counts.add(text[self.start..].to_lowercase().as_bytes(), 1);
        } else if !self.lower.is_empty() {
            counts.add(self.lower.as_bytes(), 1);
        }
        self.lower.clear();
        self.needs_context = false;
    }
}

/// Python's `str.isspace` of one character.
fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r'
            | '\x1c'..=' '
            | '\u{85}'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_beyond_one_to_one_needs_a_context() {
        let context = ('\0'..=char::MAX).filter(|c| Fate::of(*c) == Fate::Context);
        assert_eq!(context.collect::<String>(), "İΣ");
    }

    #[test]
    fn the_table_says_what_the_standard_library_says() {
        assert!(('\0'..=char::MAX).all(|c| Fate::looked_up(c) == Fate::of(c)));
    }
}
