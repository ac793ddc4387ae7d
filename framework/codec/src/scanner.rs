//! Patterns that need no regex engine: a sequence of texts, repeated classes and groups.
//!
//! `(?P<source>\S+) \[[^\]]+\] "[^"]*" (?P<response_code>\d{3}) .*` is how most log patterns look.
//! Such a pattern is run as steps over the bytes: a class followed by something that is not in it
//! has one length, a `.+?` before a text is a search for that text. Where a length can be chosen,
//! choices are tried in the order that Perl, Python and the regex crate prefer, so the first match
//! is the match, with the same groups.
//!
//! Steps know ASCII only: a record with other bytes goes to the regex. So does a record with more
//! than [`TRIES_MAX`] choices, which bounds what a hostile record can cost to that many passes
//! over it.

mod class;
mod compile;

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

    /// Matches from the start of `text`. Group `g` lies at `marks[2 * g]..marks[2 * g + 1]`.
    pub(crate) fn scan(&self, text: &[u8], marks: &mut [usize]) -> Outcome {
        if !text.is_ascii() {
            return Outcome::Unknown;
        }
        Scan {
            text,
            marks,
            n_tries: 0,
        }
        .steps(&self.steps, 0)
    }
}

struct Scan<'a> {
    text: &'a [u8],
    marks: &'a mut [usize],
    n_tries: usize,
}

impl Scan<'_> {
    /// Whether the steps match from `at` on.
    fn steps(&mut self, steps: &[Step], mut at: usize) -> Outcome {
        for (i, step) in steps.iter().enumerate() {
            match step {
                Step::Mark(slot) => self.marks[*slot] = at,
                Step::Literal(literal) if literal.begins(&self.text[at..]) => {
                    at += literal.text.len();
                }
                Step::End if at == self.text.len() => {}
                Step::Literal(_) | Step::End => return Outcome::NoMatch,
                Step::Repeat(repeat) => {
                    let Some(first) = at.checked_add(repeat.min) else {
                        return Outcome::NoMatch;
                    };
                    let last = at.saturating_add(repeat.max).min(self.text.len());
                    if first > last || repeat.class.run_end(self.text, at, first) < first {
                        return Outcome::NoMatch;
                    }
                    if repeat.to_run_end {
                        at = repeat.class.run_end(self.text, first, last);
                    } else if first == last {
                        at = first;
                    } else {
                        return self.choose(repeat, &steps[i + 1..], first, last);
                    }
                }
            }
        }
        Outcome::Match
    }

    /// Tries the lengths of a repetition that end in `first..=last`, in the order it prefers.
    fn choose(&mut self, repeat: &Repeat, rest: &[Step], first: usize, last: usize) -> Outcome {
        if repeat.greedy {
            let last = repeat.class.run_end(self.text, first, last);
            return self.longest_first(&repeat.next, rest, first, last);
        }
        let mut checked = first;
        let mut end = first;
        while let Some(found) = next_after(&repeat.next, self.text, end, last) {
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
        let mut end = last;
        while let Some(found) = next_before(next, self.text, first, end) {
            match self.try_rest(rest, found) {
                Outcome::NoMatch if found > first => end = found - 1,
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
}

/// The first place in `from..=to` where what follows may match.
fn next_after(next: &Next, text: &[u8], from: usize, to: usize) -> Option<usize> {
    if from > to {
        return None;
    }
    let found = match next {
        Next::Accept | Next::Anything => 0,
        Next::End => text.len() - from,
        Next::Literal(finders) => {
            let behind = to.saturating_add(finders.0.needle().len()).min(text.len());
            finders.0.find(&text[from..behind])?
        }
        Next::Class(class) => text[from..]
            .iter()
            .take(to - from + 1)
            .position(|byte| class.contains(*byte))?,
    };
    (from + found <= to).then_some(from + found)
}

/// The last place in `from..=to` where what follows may match.
fn next_before(next: &Next, text: &[u8], from: usize, to: usize) -> Option<usize> {
    let found = match next {
        Next::Accept | Next::Anything => to - from,
        Next::End if to == text.len() => to - from,
        Next::End => return None,
        Next::Literal(finders) => {
            let behind = to.saturating_add(finders.1.needle().len()).min(text.len());
            finders.1.rfind(&text[from..behind])?
        }
        Next::Class(class) => {
            let behind = (to + 1).min(text.len());
            text[from..behind]
                .iter()
                .rposition(|byte| class.contains(*byte))?
        }
    };
    Some(from + found)
}

#[cfg(test)]
mod tests;
