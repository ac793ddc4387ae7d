//! One pass over a record: all of it is checked, what is wanted is noted.
//!
//! The quotes of a record are found 64 bytes at a time; between two strings there are only a few
//! bytes, which are looked at one by one. A record is checked in full whatever is asked for, so
//! whether it is valid does not depend on the query; nesting is limited to [`DEPTH_MAX`].

use crate::bits::{Escapes, WIDTH, json_masks};

use super::escape;
use super::fields::{Fields, NodeIdx, Wanted};

/// How deep arrays and objects may nest: as serde_json has it, and a bound on our stack.
pub(super) const DEPTH_MAX: usize = 128;

/// What stands at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Nothing: there was no such member.
    #[default]
    Missing,
    /// A string without escapes; the place is between its quotes.
    String,
    /// A string with escapes.
    Escaped,
    /// `null`.
    Null,
    /// A number, a boolean, an array or an object: its JSON text.
    Raw,
}

/// A value and its place in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Why a record is invalid: what was expected, and at which byte it was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) expected: &'static str,
    pub(super) at: usize,
}

type Scanned = Result<usize, Fault>;

/// A string's place between its quotes.
struct Quoted {
    start: usize,
    end: usize,
    escaped: bool,
}

/// The scan of one record.
pub(super) struct Scan<'a> {
    /// The record.
    record: &'a [u8],
    /// The record and what follows it in its block, for wide loads.
    after: &'a [u8],
    fields: &'a Fields,
    found: &'a mut [Found],
    /// Where the 64 bytes of `quotes` start.
    window: usize,
    /// Quotes of the window that are not yet passed and not escaped.
    quotes: u64,
    escapes: Escapes,
    /// Whether there was a backslash, or a control character, up to the end of the window.
    backslash_seen: bool,
    control_seen: bool,
}

impl<'a> Scan<'a> {
    /// Scans a record; `found` has a place for each of the fields' targets, all missing.
    ///
    /// # Errors
    /// Where the record is not one JSON object.
    pub(super) fn run(
        record: &'a [u8],
        after: &'a [u8],
        fields: &'a Fields,
        found: &'a mut [Found],
    ) -> Result<(), Fault> {
        let mut scan = Scan {
            record,
            after,
            fields,
            found,
            window: 0,
            quotes: 0,
            escapes: Escapes::default(),
            backslash_seen: false,
            control_seen: false,
        };
        scan.load();
        scan.document()
    }

    fn document(&mut self) -> Result<(), Fault> {
        let bom = if self.record.starts_with(b"\xEF\xBB\xBF") {
            3
        } else {
            0
        };
        let start = self.skip_space(bom);
        if self.byte(start) != b'{' {
            return Err(Fault {
                expected: "a JSON object",
                at: start,
            });
        }
        let end = self.object(start + 1, Some(Fields::ROOT), 1)?;
        let end = self.skip_space(end);
        if end < self.record.len() {
            return Err(Fault {
                expected: "the end of the record",
                at: end,
            });
        }
        Ok(())
    }

    /// The members of an object, from behind its `{`; gives the place behind its `}`.
    #[inline]
    fn object(&mut self, start: usize, node: Option<NodeIdx>, depth: usize) -> Scanned {
        let mut at = self.skip_space(start);
        if self.byte(at) == b'}' {
            return Ok(at + 1);
        }
        loop {
            if self.byte(at) != b'"' {
                return Err(Fault {
                    expected: "a name in quotes",
                    at,
                });
            }
            let name = self.string(at)?;
            at = self.skip_space(name.end + 1);
            if self.byte(at) != b':' {
                return Err(Fault {
                    expected: "`:`",
                    at,
                });
            }
            at = self.skip_space(at + 1);
            let wanted = match node {
                Some(node) => self.find(node, &name),
                None => Wanted::NOTHING,
            };
            at = self.value(at, wanted, depth)?;
            at = self.skip_space(at);
            match self.byte(at) {
                b',' => at = self.skip_space(at + 1),
                b'}' => return Ok(at + 1),
                _ => {
                    return Err(Fault {
                        expected: "`,` or `}`",
                        at,
                    });
                }
            }
        }
    }

    #[inline(always)]
    fn find(&mut self, node: NodeIdx, name: &Quoted) -> Wanted {
        let wanted = if name.escaped {
            let mut plain = Vec::new();
            escape::unescape(&self.record[name.start..name.end], &mut plain);
            self.fields.find(node, &plain, plain.len())
        } else {
            self.fields
                .find(node, &self.after[name.start..], name.end - name.start)
        };
        if let Some(child) = wanted.child {
            // The last of two members of one name counts, with all that is in it.
            for target in self.fields.below(child) {
                self.found[*target as usize] = Found::default();
            }
        }
        wanted
    }

    /// The value at `start`; gives the place behind it.
    #[inline(always)]
    fn value(&mut self, start: usize, wanted: Wanted, depth: usize) -> Scanned {
        let mut found = Found {
            kind: Kind::Raw,
            start: start as u32,
            end: 0,
        };
        let end = match self.byte(start) {
            b'"' => {
                let string = self.string(start)?;
                found.kind = if string.escaped {
                    Kind::Escaped
                } else {
                    Kind::String
                };
                found.start = string.start as u32;
                found.end = string.end as u32;
                string.end + 1
            }
            b'-' | b'0'..=b'9' => self.number(start)?,
            b'{' | b'[' => self.nested(start, wanted.child, depth)?,
            _ => {
                let (kind, end) = self.word(start)?;
                found.kind = kind;
                end
            }
        };
        if let Some(target) = wanted.target {
            if !matches!(found.kind, Kind::String | Kind::Escaped) {
                found.end = end as u32;
            }
            self.found[target as usize] = found;
        }
        Ok(end)
    }

    fn nested(&mut self, start: usize, child: Option<NodeIdx>, depth: usize) -> Scanned {
        if depth >= DEPTH_MAX {
            return Err(Fault {
                expected: "at most 128 levels of nesting",
                at: start,
            });
        }
        match self.byte(start) {
            b'{' => self.object(start + 1, child, depth + 1),
            _ => self.array(start + 1, depth + 1),
        }
    }

    fn array(&mut self, start: usize, depth: usize) -> Scanned {
        let mut at = self.skip_space(start);
        if self.byte(at) == b']' {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, Wanted::NOTHING, depth)?;
            at = self.skip_space(at);
            match self.byte(at) {
                b',' => at = self.skip_space(at + 1),
                b']' => return Ok(at + 1),
                _ => {
                    return Err(Fault {
                        expected: "`,` or `]`",
                        at,
                    });
                }
            }
        }
    }

    /// The string whose opening quote stands at `open`.
    #[inline(always)]
    fn string(&mut self, open: usize) -> Result<Quoted, Fault> {
        let opens = self.next_quote();
        debug_assert!(
            opens.is_none_or(|at| at == open),
            "strings are passed in order"
        );
        let Some(end) = self.next_quote() else {
            return Err(Fault {
                expected: "the end of a string",
                at: self.record.len(),
            });
        };
        let start = open + 1;
        // Nothing here may need an address: what is written to memory as a byte and read back as a
        // word waits for the write, at each string.
        let escaped = match self.backslash_seen | self.control_seen {
            true => self.check_string(start, end)?,
            false => false,
        };
        Ok(Quoted {
            start,
            end,
            escaped,
        })
    }

    /// Looks closer at a string that may hold escapes or control characters; whether it has escapes.
    #[cold]
    fn check_string(&self, start: usize, end: usize) -> Result<bool, Fault> {
        let text = &self.record[start..end];
        if self.control_seen
            && let Some(at) = text.iter().position(|byte| *byte < 0x20)
        {
            let at = start + at;
            return Err(Fault {
                expected: "no control character in a string",
                at,
            });
        }
        let escaped = self.backslash_seen && memchr::memchr(b'\\', text).is_some();
        if escaped {
            let wrong = |at| Fault {
                expected: "an escape that JSON has",
                at: start + at,
            };
            escape::check(text).map_err(wrong)?;
        }
        Ok(escaped)
    }

    /// The place of the next quote that ends or starts a string.
    #[inline(always)]
    fn next_quote(&mut self) -> Option<usize> {
        while self.quotes == 0 {
            self.window += WIDTH;
            if self.window >= self.record.len() {
                return None;
            }
            self.load();
        }
        let at = self.window + self.quotes.trailing_zeros() as usize;
        self.quotes &= self.quotes - 1;
        Some(at)
    }

    /// Finds the quotes of the window.
    #[inline(always)]
    fn load(&mut self) {
        let masks = json_masks(&self.after[self.window..]);
        let n_left = self.record.len() - self.window;
        let inside = if n_left < WIDTH {
            (1 << n_left) - 1
        } else {
            u64::MAX
        };
        let backslashes = masks.backslashes & inside;
        self.quotes = masks.quotes & inside & !self.escapes.next(backslashes);
        self.backslash_seen |= backslashes != 0;
        self.control_seen |= masks.controls & inside != 0;
    }

    /// A number as RFC 8259 writes it.
    #[inline(always)]
    fn number(&self, start: usize) -> Scanned {
        let first = start + usize::from(self.byte(start) == b'-');
        let mut at = self.skip_digits(first);
        if at == first || (self.byte(first) == b'0' && at > first + 1) {
            return Err(Fault {
                expected: "a number",
                at: start,
            });
        }
        if self.byte(at) == b'.' {
            let fraction = at + 1;
            at = self.skip_digits(fraction);
            if at == fraction {
                return Err(Fault {
                    expected: "a digit",
                    at,
                });
            }
        }
        if self.byte(at) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
            let exponent = at + 1 + sign;
            at = self.skip_digits(exponent);
            if at == exponent {
                return Err(Fault {
                    expected: "a digit",
                    at,
                });
            }
        }
        Ok(at)
    }

    /// `true`, `false` or `null`.
    #[inline(always)]
    fn word(&self, start: usize) -> Result<(Kind, usize), Fault> {
        let rest = self.record.get(start..).unwrap_or_default();
        if rest.starts_with(b"true") {
            Ok((Kind::Raw, start + 4))
        } else if rest.starts_with(b"false") {
            Ok((Kind::Raw, start + 5))
        } else if rest.starts_with(b"null") {
            Ok((Kind::Null, start + 4))
        } else {
            Err(Fault {
                expected: "a value",
                at: start,
            })
        }
    }

    #[inline(always)]
    fn skip_digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    /// The byte at `at`, or 0 behind the end, which JSON allows nowhere.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.record.get(at).copied().unwrap_or(0)
    }
}
