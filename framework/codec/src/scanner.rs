//! Patterns that need no regex engine: a sequence of texts, repeated classes and groups.
//!
//! `(?P<source>\S+) \[[^\]]+\] "[^"]*" (?P<response_code>\d{3}) .*` is how most log patterns look.
//! Such a pattern is run as steps over the bytes: a class followed by something that is not in it
//! has one length, a `.+?` before a text is a search for that text. Where a length can be chosen,
//! choices are tried in the order that Perl, Python and the regex crate prefer, so the first match
//! is the match, with the same groups.
//!
//! Steps know ASCII only: a record with other bytes is for the regex. So is a record with more
//! than [`TRIES_MAX`] choices, which bounds what a hostile record can cost to that many passes
//! over it.

mod class;
mod compile;
mod needle;

use regex_syntax::hir::Hir;

use compile::{Next, Repeat, Step, compile};

/// How many choices of a length are followed before the record is left to the regex.
const TRIES_MAX: usize = 64;

/// A pattern as steps.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    steps: Vec<Step>,
}

/// What the scanner found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The pattern matches; the marks are set.
    Match,
    /// It does not.
    NoMatch,
    /// The regex has to say.
    Unknown,
}

impl Scanner {
    /// A scanner that gives the asked groups, by index; `None` where the pattern is not of the
    /// kind that it serves.
    pub(crate) fn new(pattern: &Hir, asked: &[usize]) -> Option<Self> {
        Some(Scanner {
            steps: compile(pattern, asked)?,
        })
    }

    /// Matches a record from its start: the first `len` bytes of `text`, all of them ASCII. What
    /// stands behind them does not matter, but makes it faster. Group `g` lies at
    /// `marks[2 * g]..marks[2 * g + 1]`.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], len: usize, marks: &mut [usize]) -> Outcome {
        Scan {
            text,
            len,
            marks,
            n_tries: 0,
        }
        .steps(&self.steps, 0)
    }
}

struct Scan<'a> {
    /// The record and what stands behind it.
    text: &'a [u8],
    /// How long the record is.
    len: usize,
    marks: &'a mut [usize],
    n_tries: usize,
}

impl Scan<'_> {
    /// Whether the steps match from `at` on.
    fn steps(&mut self, steps: &[Step], mut at: usize) -> Outcome {
        for (i, step) in steps.iter().enumerate() {
            match step {
                Step::Mark(slot) => self.marks[*slot] = at,
                Step::Literal(literal) => {
                    let end = at + literal.text().len();
                    if end > self.len || !literal.begins(&self.text[at..]) {
                        return Outcome::NoMatch;
                    }
                    at = end;
                }
                Step::End if at == self.len => {}
                Step::End => return Outcome::NoMatch,
                Step::Repeat(repeat) => {
                    let first = at.saturating_add(repeat.min);
                    let last = at.saturating_add(repeat.max).min(self.len);
                    if first > last {
                        return Outcome::NoMatch;
                    }
                    if !repeat.to_run_end && first < last {
                        return self.choose(repeat, &steps[i + 1..], at, first, last);
                    }
                    at = repeat.class.run_end(self.text, at, last);
                    if at < first {
                        return Outcome::NoMatch;
                    }
                }
            }
        }
        Outcome::Match
    }

    /// Tries the lengths of a repetition from `at` that end in `first..=last`, in the order it prefers.
    fn choose(
        &mut self,
        repeat: &Repeat,
        rest: &[Step],
        at: usize,
        first: usize,
        last: usize,
    ) -> Outcome {
        if repeat.greedy {
            let last = repeat.class.run_end(self.text, at, last);
            return self.longest_first(&repeat.next, rest, first, last);
        }
        let mut checked = at;
        let mut end = first;
        while let Some(found) = self.next_after(&repeat.next, end, last) {
            checked = repeat.class.run_end(self.text, checked, found);
            if checked < found {
                return Outcome::NoMatch;
            }
            match self.try_rest(rest, found) {
                Outcome::NoMatch => end = found + 1,
                outcome => return outcome,
            }
        }
        Outcome::NoMatch
    }

    fn longest_first(&mut self, next: &Next, rest: &[Step], first: usize, last: usize) -> Outcome {
        let mut last = last;
        while let Some(found) = self.next_before(next, first, last) {
            match self.try_rest(rest, found) {
                Outcome::NoMatch if found > first => last = found - 1,
                outcome => return outcome,
            }
        }
        Outcome::NoMatch
    }

    fn try_rest(&mut self, rest: &[Step], at: usize) -> Outcome {
        self.n_tries += 1;
        if self.n_tries > TRIES_MAX {
            return Outcome::Unknown;
        }
        self.steps(rest, at)
    }

    /// The first place in `from..=to` where what follows may match.
    #[inline]
    fn next_after(&self, next: &Next, from: usize, to: usize) -> Option<usize> {
        if from > to {
            return None;
        }
        match next {
            Next::Accept | Next::Anything => Some(from),
            Next::End => (to == self.len).then_some(to),
            Next::Literal(literal) => {
                let to = to.min(self.len.checked_sub(literal.text().len())?);
                literal.find(self.text, from, to)
            }
            Next::Class(class) => {
                let to = to.min(self.len.checked_sub(1)?);
                (from..=to).find(|at| class.contains(self.text[*at]))
            }
        }
    }

    /// The last place in `from..=to` where what follows may match.
    #[inline]
    fn next_before(&self, next: &Next, from: usize, to: usize) -> Option<usize> {
        if from > to {
            return None;
        }
        match next {
            Next::Accept | Next::Anything => Some(to),
            Next::End => (to == self.len).then_some(to),
            Next::Literal(literal) => {
                let to = to.min(self.len.checked_sub(literal.text().len())?);
                literal.find_last(self.text, from, to)
            }
            Next::Class(class) => {
                let to = to.min(self.len.checked_sub(1)?);
                (from..=to).rfind(|at| class.contains(self.text[*at]))
            }
        }
    }
}

#[cfg(test)]
mod tests;
