//! What one conf finds and another does not: a merge of two replays, window by window.
//!
//! Both have their windows in one order, by end and start, so that one window of each is in memory. In a
//! window findings go by key; where a key comes more than once, the first is compared with the first.

use std::cmp::Ordering;
use std::io::{self, Write};

use datashark_sdk::{Result, Window};

use super::spill::Found;
use crate::console::quoted;

/// Scores that differ by less than this share of the larger are the same: a sum of floats depends in
/// its last digits on the order in which records come.
const SAME_SHARE: f64 = 1e-9;

/// How many findings came, went, changed and stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) n_added: u64,
    pub(super) n_removed: u64,
    pub(super) n_changed: u64,
    pub(super) n_same: u64,
}

impl Totals {
    /// Whether there is any difference.
    pub(super) fn is_different(self) -> bool {
        self.n_added + self.n_removed + self.n_changed > 0
    }
}

/// Why a comparison stopped.
pub(super) enum Stopped {
    /// What was found cannot be read again.
    Unreadable(datashark_sdk::Error),
    /// The differences cannot be written.
    Unwritable(io::Error),
}

/// Writes the differences, a line each: `+`, `-` or `~`, the window, the key and the score.
///
/// # Errors
/// What is compared cannot be read, or the lines cannot be written.
pub(super) fn diff(
    before: impl Iterator<Item = Result<Found>>,
    after: impl Iterator<Item = Result<Found>>,
    out: &mut impl Write,
) -> std::result::Result<Totals, Stopped> {
    let (mut before, mut after) = (before.fuse(), after.fuse());
    let mut next_before = next(&mut before)?;
    let mut next_after = next(&mut after)?;
    let mut lines = Lines {
        out,
        totals: Totals::default(),
    };
    loop {
        let order = match (&next_before, &next_after) {
            (None, None) => return Ok(lines.totals),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => place(before.window).cmp(&place(after.window)),
        };
        let was = match order {
            Ordering::Less | Ordering::Equal => {
                std::mem::replace(&mut next_before, next(&mut before)?)
            }
            Ordering::Greater => None,
        };
        let is = match order {
            Ordering::Greater | Ordering::Equal => {
                std::mem::replace(&mut next_after, next(&mut after)?)
            }
            Ordering::Less => None,
        };
        lines.window(was, is).map_err(Stopped::Unwritable)?;
    }
}

fn next(
    windows: &mut impl Iterator<Item = Result<Found>>,
) -> std::result::Result<Option<Found>, Stopped> {
    windows.next().transpose().map_err(Stopped::Unreadable)
}

/// Windows come in this order.
fn place(window: Window) -> (i64, i64) {
    (window.end, window.start)
}

/// The differences on their way out.
struct Lines<'a, W> {
    out: &'a mut W,
    totals: Totals,
}

impl<W: Write> Lines<'_, W> {
    /// Compares the findings of one window, each of which may have none.
    fn window(&mut self, before: Option<Found>, after: Option<Found>) -> io::Result<()> {
        let Some(window) = before.as_ref().or(after.as_ref()).map(|found| found.window) else {
            return Ok(());
        };
        let findings = |found: Option<Found>| found.map(|found| found.findings).unwrap_or_default();
        let mut before = findings(before).into_iter().peekable();
        let mut after = findings(after).into_iter().peekable();
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(before), Some(after)) => before.0.cmp(&after.0),
            };
            let was = before.next_if(|_| order != Ordering::Greater);
            let is = after.next_if(|_| order != Ordering::Less);
            self.finding(window, was, is)?;
        }
    }

    fn finding(
        &mut self,
        window: Window,
        was: Option<(String, f64)>,
        is: Option<(String, f64)>,
    ) -> io::Result<()> {
        match (was, is) {
            (Some((_, was)), Some((_, is))) if is_same(was, is) => {
                self.totals.n_same += 1;
                Ok(())
            }
            (Some((key, was)), Some((_, is))) => {
                self.totals.n_changed += 1;
                writeln!(self.out, "~ {window} {} {was} -> {is}", quoted(&key))
            }
            (Some((key, was)), None) => {
                self.totals.n_removed += 1;
                writeln!(self.out, "- {window} {} {was}", quoted(&key))
            }
            (None, Some((key, is))) => {
                self.totals.n_added += 1;
                writeln!(self.out, "+ {window} {} {is}", quoted(&key))
            }
            (None, None) => Ok(()),
        }
    }
}

fn is_same(a: f64, b: f64) -> bool {
    let larger = a.abs().max(b.abs());
    let is_near = larger.is_finite() && (a - b).abs() <= SAME_SHARE * larger;
    a == b || is_near || (a.is_nan() && b.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// A window of so many minutes and its findings.
    fn found(start: i64, minutes: i64, findings: &[(&str, f64)]) -> Found {
        let start = start * MINUTE;
        let end = start + minutes * MINUTE;
        let findings = findings
            .iter()
            .map(|(key, score)| ((*key).to_owned(), *score));
        Found {
            window: Window { start, end },
            findings: findings.collect(),
        }
    }

    fn lines(before: &[Found], after: &[Found]) -> (Vec<String>, Totals) {
        let mut out = Vec::new();
        let before = before.iter().cloned().map(Ok);
        let Ok(totals) = diff(before, after.iter().cloned().map(Ok), &mut out) else {
            panic!("nothing stops it")
        };
        let text = String::from_utf8(out).unwrap();
        (text.lines().map(str::to_owned).collect(), totals)
    }

    #[test]
    fn what_came_went_and_changed_is_told_by_window_and_key() {
        let before = [
            found(0, 1, &[("a", 1.0), ("b", 2.0), ("c", 3.0)]),
            found(2, 1, &[("x", 1.0)]),
        ];
        let after = [
            found(0, 1, &[("a", 1.0), ("b", 5.0), ("d", 4.0)]),
            found(1, 1, &[("it's", 0.5)]),
        ];
        let (lines, totals) = lines(&before, &after);
        assert_eq!(
            lines,
            [
                "~ [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z) 'b' 2 -> 5",
                "- [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z) 'c' 3",
                "+ [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z) 'd' 4",
                "+ [1970-01-01T00:01:00Z, 1970-01-01T00:02:00Z) 'it\\'s' 0.5",
                "- [1970-01-01T00:02:00Z, 1970-01-01T00:03:00Z) 'x' 1",
            ]
        );
        let expected = Totals {
            n_added: 2,
            n_removed: 2,
            n_changed: 1,
            n_same: 1,
        };
        assert_eq!(totals, expected);
    }

    #[test]
    fn windows_of_another_length_are_other_windows() {
        let (lines, totals) = lines(&[found(0, 1, &[("a", 1.0)])], &[found(0, 2, &[("a", 1.0)])]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!((totals.n_removed, totals.n_added, totals.n_same), (1, 1, 0));
    }

    #[test]
    fn a_key_that_comes_twice_is_compared_in_its_order() {
        let twice = [found(0, 1, &[("a", 1.0), ("a", 2.0)])];
        assert!(!lines(&twice, &twice).1.is_different());
        let (told, _) = lines(&twice, &[found(0, 1, &[("a", 1.0)])]);
        assert_eq!(
            told,
            ["- [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z) 'a' 2"]
        );
    }

    #[test]
    fn the_last_digits_of_a_sum_are_no_difference() {
        assert!(is_same(0.1 + 0.2, 0.3) && is_same(f64::NAN, f64::NAN) && is_same(0.0, -0.0));
        assert!(!is_same(0.3, 0.300_001) && !is_same(0.0, 1e-300) && !is_same(f64::NAN, 1.0));
        assert!(is_same(f64::INFINITY, f64::INFINITY) && !is_same(f64::INFINITY, 1.0));
    }
}
