//! `[log_filter]`: which records a use case wants, by regexes over named fields.
//!
//! A record passes when every include pattern matches its field and no exclude pattern does.
//! Patterns are matched from the field's start, as Python's `re.match` does, and not to its end. A
//! field that is not there fails an include and passes an exclude. Numbers and booleans are matched
//! as text.

use arrow::array::{Array, AsArray, BooleanBufferBuilder, RecordBatch, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datashark_codec::RecordFilter;
use regex::bytes::Regex;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::error::Result;

/// The patterns of a conf, each with its field.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    field: String,
    matcher: Matcher,
    include: bool,
}

/// A pattern, as the cheapest test that gives the same answer.
#[derive(Debug, Clone)]
enum Matcher {
    /// `^sshd$`: the field is this text.
    Is(Vec<u8>),
    /// `sshd`, `/(static|health)/`: the field starts with one of these texts.
    StartsWith(Vec<Start>),
    /// Anything else: the field starts with one of these texts, if any are known, and the regex
    /// matches.
    Regex { starts: Vec<Start>, regex: Regex },
}

/// A text that a field may start with.
#[derive(Debug, Clone)]
struct Start {
    text: Vec<u8>,
    /// Its first eight bytes, or all, and which bits of a word those are.
    head: u64,
    mask: u64,
}

impl Start {
    fn new(text: &[u8]) -> Self {
        let n_bytes = text.len().min(8);
        let mut head = [0; 8];
        head[..n_bytes].copy_from_slice(&text[..n_bytes]);
        Start {
            text: text.to_vec(),
            head: u64::from_le_bytes(head),
            mask: u64::MAX.checked_shr(64 - 8 * n_bytes as u32).unwrap_or(0),
        }
    }

    /// Whether a field starts so: by its first word, where that is all there is to know.
    #[inline]
    fn begins(&self, field: &[u8]) -> bool {
        match field.first_chunk::<8>() {
            Some(head) => {
                u64::from_le_bytes(*head) & self.mask == self.head
                    && (self.text.len() <= 8 || field.starts_with(&self.text))
            }
            None => field.starts_with(&self.text),
        }
    }
}

/// More texts than these are not looked for one by one.
const STARTS_MAX: usize = 8;

impl Matcher {
    /// Compiles a pattern.
    fn try_new(pattern: &str) -> Result<Self, regex::Error> {
        let regex = Regex::new(&format!("^(?:{pattern})"))?;
        // `Regex` has accepted the pattern; what is not known here is left to it.
        let hir = regex_syntax::parse(pattern).unwrap_or_else(|_| Hir::empty());
        if let Some(whole) = whole(&hir) {
            return Ok(Matcher::Is(whole));
        }
        let (starts, are_all) = starts(&hir);
        Ok(match are_all {
            true => Matcher::StartsWith(starts),
            false => Matcher::Regex { starts, regex },
        })
    }

    #[inline]
    fn matches(&self, text: &[u8]) -> bool {
        let starts_with = |starts: &[Start]| starts.iter().any(|start| start.begins(text));
        match self {
            Matcher::Is(whole) => text == whole,
            Matcher::StartsWith(starts) => starts_with(starts),
            Matcher::Regex { starts, regex } => {
                (starts.is_empty() || starts_with(starts)) && regex.is_match(text)
            }
        }
    }
}

/// The text of a pattern that is one text with both its ends marked, or its end alone: matching
/// begins at the start anyway.
fn whole(hir: &Hir) -> Option<Vec<u8>> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let kinds: Vec<&HirKind> = parts.iter().map(Hir::kind).collect();
    let literal = match kinds.as_slice() {
        [
            HirKind::Look(Look::Start),
            HirKind::Literal(literal),
            HirKind::Look(Look::End),
        ]
        | [HirKind::Literal(literal), HirKind::Look(Look::End)] => literal,
        _ => return None,
    };
    Some(literal.0.to_vec())
}

/// The texts that a match can start with; none where they are not known or too many. And whether
/// they are all there is to the pattern.
fn starts(hir: &Hir) -> (Vec<Start>, bool) {
    let found = Extractor::new().extract(hir);
    let literals = found.literals().unwrap_or_default();
    if literals.len() > STARTS_MAX || literals.iter().any(|literal| literal.is_empty()) {
        return (Vec::new(), false);
    }
    // The extractor takes `^`, `$` and `\b` for nothing.
    let are_all = !literals.is_empty()
        && literals.iter().all(|literal| literal.is_exact())
        && hir.properties().look_set().is_empty();
    (
        literals
            .iter()
            .map(|literal| Start::new(literal.as_bytes()))
            .collect(),
        are_all,
    )
}

impl Filter {
    /// Adds a pattern that a record's field must match.
    ///
    /// # Errors
    /// The pattern is no regex.
    pub fn include(&mut self, field: &str, pattern: &str) -> Result<(), regex::Error> {
        self.add(field, pattern, true)
    }

    /// Adds a pattern that a record's field must not match.
    ///
    /// # Errors
    /// The pattern is no regex.
    pub fn exclude(&mut self, field: &str, pattern: &str) -> Result<(), regex::Error> {
        self.add(field, pattern, false)
    }

    fn add(&mut self, field: &str, pattern: &str, include: bool) -> Result<(), regex::Error> {
        let matcher = Matcher::try_new(pattern)?;
        self.rules.push(Rule {
            field: field.to_owned(),
            matcher,
            include,
        });
        // Rules of one field stand together, so that its text is looked at once.
        self.rules.sort_by(|a, b| a.field.cmp(&b.field));
        Ok(())
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Which rows pass. A field without a column counts as missing.
    ///
    /// # Errors
    /// A column that cannot be shown as text.
    pub fn passing(&self, rows: &RecordBatch) -> Result<BooleanBuffer> {
        let mut passing = BooleanBuffer::new_set(rows.num_rows());
        for of_field in self.rules.chunk_by(|a, b| a.field == b.field) {
            let field = of_field
                .first()
                .map(|rule| rule.field.as_str())
                .unwrap_or_default();
            let found = match rows.column_by_name(field) {
                Some(column) => passing_field(of_field, &text(column)?, &passing),
                None if of_field.iter().any(|rule| rule.include) => {
                    BooleanBuffer::new_unset(rows.num_rows())
                }
                None => continue,
            };
            passing = &passing & &found;
        }
        Ok(passing)
    }
}

/// A filter and the columns that its rules are about, for a decoder that filters.
#[derive(Debug)]
pub(crate) struct OnColumns {
    columns: Vec<Field>,
    /// The rules of each column.
    rules: Vec<Vec<Rule>>,
}

impl OnColumns {
    /// A copy of the filter's rules, so that threads do not wait for each other's regexes.
    pub(crate) fn new(filter: &Filter, columns: &[Field]) -> Self {
        let of = |column: &Field| {
            let is_of = |rule: &&Rule| rule.field == *column.name();
            filter.rules.iter().filter(is_of).cloned().collect()
        };
        OnColumns {
            rules: columns.iter().map(of).collect(),
            columns: columns.to_vec(),
        }
    }
}

impl RecordFilter for OnColumns {
    fn columns(&self) -> &[Field] {
        &self.columns
    }

    #[inline]
    fn passes(&self, column_idx: usize, text: Option<&[u8]>) -> bool {
        pass(&self.rules[column_idx], text)
    }
}

/// Whether a field with this text may pass.
#[inline]
fn pass(rules: &[Rule], text: Option<&[u8]>) -> bool {
    rules.iter().all(|rule| match text {
        Some(text) => rule.matcher.matches(text) == rule.include,
        None => !rule.include,
    })
}

fn text(column: &dyn Array) -> Result<StringViewArray> {
    match column.as_string_view_opt() {
        Some(text) => Ok(text.clone()),
        None => Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone()),
    }
}

/// All rules of one field, for the rows that no other field's rules have stopped.
fn passing_field(rules: &[Rule], texts: &StringViewArray, so_far: &BooleanBuffer) -> BooleanBuffer {
    let mut passing = BooleanBufferBuilder::new(texts.len());
    for (text, wanted) in texts.iter().zip(so_far) {
        passing.append(wanted && pass(rules, text.map(str::as_bytes)));
    }
    passing.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use proptest::prelude::*;

    use super::*;

    fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
        .unwrap()
    }

    fn texts(values: Vec<Option<&str>>) -> ArrayRef {
        Arc::new(StringViewArray::from(values))
    }

    fn passing(filter: &Filter, rows: &RecordBatch) -> Vec<bool> {
        filter.passing(rows).unwrap().iter().collect()
    }

    #[test]
    fn patterns_are_anchored_at_the_start_and_not_at_the_end() {
        let rows = rows(vec![(
            "program",
            texts(vec![Some("sshd"), Some("sshd2"), Some("a sshd")]),
        )]);
        let mut filter = Filter::default();
        filter.include("program", "ssh").unwrap();
        assert_eq!(passing(&filter, &rows), [true, true, false]);
        let mut whole = Filter::default();
        whole.include("program", "sshd$").unwrap();
        assert_eq!(passing(&whole, &rows), [true, false, false]);
    }

    #[test]
    fn a_missing_field_fails_an_include_and_passes_an_exclude() {
        let rows = rows(vec![("a", texts(vec![None, Some("x")]))]);
        let mut include = Filter::default();
        include.include("a", ".*").unwrap();
        assert_eq!(passing(&include, &rows), [false, true]);
        let mut exclude = Filter::default();
        exclude.exclude("a", ".*").unwrap();
        assert_eq!(passing(&exclude, &rows), [true, false]);
        let mut absent = Filter::default();
        absent.exclude("b", ".*").unwrap();
        assert_eq!(passing(&absent, &rows), [true, true]);
    }

    #[test]
    fn a_number_is_matched_as_its_text() {
        let rows = rows(vec![(
            "status",
            Arc::new(Int64Array::from(vec![200, 500, 50])) as ArrayRef,
        )]);
        let mut filter = Filter::default();
        filter.include("status", "5..").unwrap();
        assert_eq!(passing(&filter, &rows), [false, true, false]);
    }

    #[test]
    fn every_include_must_match_and_no_exclude_may() {
        let rows = rows(vec![
            ("a", texts(vec![Some("x1"), Some("x2"), Some("y")])),
            ("b", texts(vec![Some("1"), Some("2"), Some("1")])),
        ]);
        let mut filter = Filter::default();
        filter.include("a", "x").unwrap();
        filter.include("b", "1|2").unwrap();
        filter.exclude("a", "x2").unwrap();
        assert_eq!(passing(&filter, &rows), [true, false, false]);
    }

    /// What patterns are put together of.
    const PARTS: [&str; 13] = [
        "aAbcaAbcab",
        "a",
        r"b\.",
        "c?",
        "(a|bc)",
        "[ab]",
        "a{1,2}",
        "(ab|c)+",
        r"\b",
        "(?i:a)",
        "^",
        "$",
        "|",
    ];

    proptest! {
        #[test]
        fn a_shortcut_gives_the_regex_answer(
            parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..5),
            text in "(aAbcaAbca)?[a-cA.]{0,6}\n?",
        ) {
            let pattern = parts.concat();
            let Ok(regex) = Regex::new(&format!("^(?:{pattern})")) else { return Ok(()) };
            let matcher = Matcher::try_new(&pattern).unwrap();
            prop_assert_eq!(matcher.matches(text.as_bytes()), regex.is_match(text.as_bytes()), "{}", pattern);
        }
    }

    #[test]
    fn plain_texts_are_compared_and_not_matched() {
        let starts = |pattern: &str| Matcher::try_new(pattern).unwrap();
        assert!(matches!(starts("^sshd$"), Matcher::Is(_)));
        assert!(matches!(starts("nginx\\."), Matcher::StartsWith(_)));
        assert!(matches!(starts("/(static|health)/"), Matcher::StartsWith(all) if all.len() == 2));
        assert!(matches!(starts("/a.*b"), Matcher::Regex { starts, .. } if starts.len() == 1));
        assert!(matches!(starts(".*b"), Matcher::Regex { starts, .. } if starts.is_empty()));
    }
}
