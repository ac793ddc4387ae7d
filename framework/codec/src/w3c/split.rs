//! A line to its fields, between spaces or in quotes.

use crate::bits::{WIDTH, two_masks};

/// The fields of a line.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Where each field is, without its quotes.
    places: Vec<(usize, usize)>,
    /// Where quoted fields start.
    quoted: Vec<usize>,
}

/// A quoted field that is being passed.
#[derive(Debug, Clone, Copy)]
enum Quote {
    /// None is.
    No,
    /// It closes here.
    Closes(usize),
    /// No quote of the line closes any more.
    Open,
}

impl Splitter {
    /// Finds the fields of a line.
    #[inline]
    pub(super) fn split(&mut self, text: &[u8]) {
        self.places.clear();
        self.quoted.clear();
        let (mut start, mut quote) = (0, Quote::No);
        for base in (0..text.len()).step_by(WIDTH) {
            let (spaces, tabs) = two_masks(&text[base..], b' ', b'\t');
            let mut separators = spaces | tabs;
            while separators != 0 {
                let at = base + separators.trailing_zeros() as usize;
                separators &= separators - 1;
                if self.field(text, start, at, &mut quote) {
                    start = at + 1;
                }
            }
        }
        self.field(text, start, text.len(), &mut quote);
    }

    pub(super) fn n_fields(&self) -> usize {
        self.places.len()
    }

    /// Where a field is, without its quotes.
    #[inline]
    pub(super) fn place(&self, idx: usize) -> (usize, usize) {
        self.places[idx]
    }

    /// Whether the field that starts here stood in quotes.
    #[inline]
    pub(super) fn is_quoted(&self, start: usize) -> bool {
        !self.quoted.is_empty() && self.quoted.binary_search(&start).is_ok()
    }

    /// Takes the field from `start` to a separator at `end`; not if it is quoted and goes on.
    #[inline(always)]
    fn field(&mut self, text: &[u8], start: usize, end: usize, quote: &mut Quote) -> bool {
        if start >= end {
            return true; // A separator behind another.
        }
        if text[start] == b'"' {
            return self.quoted_field(text, start, end, quote);
        }
        self.places.push((start, end));
        true
    }

    fn quoted_field(&mut self, text: &[u8], start: usize, end: usize, quote: &mut Quote) -> bool {
        if let Quote::No = quote {
            *quote = match closing(text, start + 1) {
                Some(at) => Quote::Closes(at),
                None => Quote::Open,
            };
        }
        match *quote {
            Quote::Closes(at) if at >= end => return false,
            Quote::Closes(at) => {
                self.quoted.push(start + 1);
                self.places.push((start + 1, at));
                *quote = Quote::No;
            }
            Quote::Open | Quote::No => self.places.push((start, end)),
        }
        true
    }
}

/// The next quote that stands before a separator or the end, and is not one of two.
fn closing(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr(b'"', text.get(at..)?)?;
        match text.get(at + 1) {
            None | Some(b' ' | b'\t') => return Some(at),
            Some(b'"') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// The text with one quote for two, appended to `out`.
pub(super) fn undouble(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        let n_passed = at + 1 + usize::from(rest.get(at + 1) == Some(&b'"'));
        rest = &rest[n_passed..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(line: &str) -> Vec<&str> {
        let mut splitter = Splitter::default();
        splitter.split(line.as_bytes());
        let places = (0..splitter.n_fields()).map(|idx| splitter.place(idx));
        places.map(|(start, end)| &line[start..end]).collect()
    }

    #[test]
    fn fields_stand_between_any_number_of_spaces_and_tabs() {
        assert_eq!(split(" a  b\tc \t d "), ["a", "b", "c", "d"]);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split("  "), [""; 0]);
    }

    #[test]
    fn quotes_hold_spaces_and_doubled_quotes() {
        assert_eq!(
            split(r#""a b" "" "c ""d"" e" f"#),
            ["a b", "", r#"c ""d"" e"#, "f"]
        );
        assert_eq!(split(r#"a="b c" d"e"#), ["a=\"b", "c\"", "d\"e"]);
        let mut out = Vec::new();
        undouble(br#"c ""d"" e" "#, &mut out);
        assert_eq!(out, br#"c "d" e" "#);
    }

    #[test]
    fn a_quote_that_is_not_closed_stands_for_itself() {
        assert_eq!(split(r#""a b c"#), ["\"a", "b", "c"]);
        assert_eq!(split(r#"x "a"b "c"#), ["x", "\"a\"b", "\"c"]);
        assert_eq!(split("\""), ["\""]);
    }

    #[test]
    fn a_field_may_be_longer_than_a_mask() {
        let long = "x".repeat(200);
        let quoted = format!("a \"{long} {long}\" b");
        assert_eq!(split(&quoted), ["a", &format!("{long} {long}"), "b"]);
    }

    proptest! {
        #[test]
        fn without_quotes_fields_are_those_of_the_standard_library(line in "[ab \t]{0,200}") {
            let expected: Vec<_> = line.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
            prop_assert_eq!(split(&line), expected);
        }

        #[test]
        fn quoted_fields_come_back(
            fields in prop::collection::vec("[ab \"\t]{0,40}", 0..8)
        ) {
            let quoted = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\"")));
            let line = quoted.collect::<Vec<_>>().join(" ");
            let found = split(&line).into_iter().map(|field| {
                let mut out = Vec::new();
                undouble(field.as_bytes(), &mut out);
                String::from_utf8(out).unwrap()
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), fields);
        }
    }
}
