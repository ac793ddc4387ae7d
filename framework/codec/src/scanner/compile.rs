//! Patterns to steps.

use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::class::Class;
use super::needle::Needle;

/// A part of a pattern that the scanner serves.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// This text.
    Literal(Needle),
    /// Members of a class.
    Repeat(Box<Repeat>),
    /// A border of an asked group: slot `2g` is its start, `2g + 1` its end.
    Mark(usize),
    /// The end of the text.
    End,
}

/// Members of a class, between `min` and `max` of them.
#[derive(Debug, Clone)]
pub(super) struct Repeat {
    pub(super) class: Class,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) greedy: bool,
    pub(super) next: Next,
    /// Where what follows can match at one place only: at the end of the longest run.
    pub(super) to_run_end: bool,
}

/// What follows a repetition.
#[derive(Debug, Clone)]
pub(super) enum Next {
    /// Nothing: the pattern ends.
    Accept,
    /// The end of the text.
    End,
    /// A text.
    Literal(Needle),
    /// At least one member of this class.
    Class(Class),
    /// Something that may be empty.
    Anything,
}

/// The steps of a pattern, with marks for the asked groups; `None` where it is not a plain
/// sequence of texts, repeated classes and groups.
pub(super) fn compile(pattern: &Hir, asked: &[usize]) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    append(pattern, asked, &mut steps)?;
    if let Some(at) = steps.iter().position(|step| matches!(step, Step::End))
        && steps[at..]
            .iter()
            .any(|step| matches!(step, Step::Literal(_) | Step::Repeat(_)))
    {
        return None;
    }
    trim_tail(&mut steps);
    for i in 0..steps.len() {
        let next = next(&steps[i + 1..]);
        if let Step::Repeat(repeat) = &mut steps[i] {
            repeat.to_run_end = to_run_end(&repeat.class, repeat.greedy, &next);
            repeat.next = next;
        }
    }
    Some(steps)
}

fn append(pattern: &Hir, asked: &[usize], steps: &mut Vec<Step>) -> Option<()> {
    match pattern.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => append_literal(&literal.0, steps),
        HirKind::Class(class) => steps.push(repeat(Class::of(class), 1, Some(1), true)),
        HirKind::Look(Look::Start) => {
            let first = steps.iter().all(|step| matches!(step, Step::Mark(_)));
            return first.then_some(());
        }
        HirKind::Look(Look::End) => steps.push(Step::End),
        HirKind::Look(_) | HirKind::Alternation(_) => return None,
        HirKind::Repetition(repetition) => steps.push(repeated(repetition)?),
        HirKind::Capture(group) => {
            let group_idx = group.index as usize;
            let mark = |slot, steps: &mut Vec<Step>| {
                if asked.contains(&group_idx) {
                    steps.push(Step::Mark(slot));
                }
            };
            mark(2 * group_idx, steps);
            append(&group.sub, asked, steps)?;
            mark(2 * group_idx + 1, steps);
        }
        HirKind::Concat(parts) => {
            return parts.iter().try_for_each(|part| append(part, asked, steps));
        }
    }
    Some(())
}

/// Appends a text, to the one before it where there is one.
fn append_literal(text: &[u8], steps: &mut Vec<Step>) {
    if let Some(Step::Literal(before)) = steps.last_mut() {
        *before = Needle::new(&[before.text(), text].concat());
    } else {
        steps.push(Step::Literal(Needle::new(text)));
    }
}

fn repeated(repetition: &Repetition) -> Option<Step> {
    let class = match repetition.sub.kind() {
        HirKind::Class(class) => Class::of(class),
        HirKind::Literal(literal) if literal.0.len() == 1 => Class::one(literal.0[0]),
        _ => return None,
    };
    Some(repeat(
        class,
        repetition.min,
        repetition.max,
        repetition.greedy,
    ))
}

fn repeat(class: Class, min: u32, max: Option<u32>, greedy: bool) -> Step {
    Step::Repeat(Box::new(Repeat {
        class,
        min: min as usize,
        max: max.map_or(usize::MAX, |max| max as usize),
        greedy,
        next: Next::Anything,
        to_run_end: false,
    }))
}

/// Takes away what cannot change whether the pattern matches, nor what is asked for: how often the
/// last repetition repeats.
fn trim_tail(steps: &mut Vec<Step>) {
    while let Some(Step::Repeat(last)) = steps.last_mut() {
        last.max = last.min;
        if last.min > 0 {
            return;
        }
        steps.pop();
    }
}

fn next(rest: &[Step]) -> Next {
    match rest.iter().find(|step| !matches!(step, Step::Mark(_))) {
        None => Next::Accept,
        Some(Step::Literal(literal)) => Next::Literal(literal.clone()),
        Some(Step::Repeat(repeat)) if repeat.min > 0 => Next::Class(repeat.class),
        Some(Step::Repeat(_) | Step::Mark(_)) => Next::Anything,
        Some(Step::End) => Next::End,
    }
}

/// Whether what follows a run cannot match where the run could still go on: then greedy and lazy
/// are the same, and no other length needs to be tried.
fn to_run_end(class: &Class, greedy: bool, next: &Next) -> bool {
    match next {
        Next::Accept => greedy,
        Next::End => true,
        Next::Literal(literal) => !class.contains(literal.text()[0]),
        Next::Class(next) => class.is_disjoint(next),
        Next::Anything => false,
    }
}
