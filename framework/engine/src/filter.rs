//! `[log_filter]`: which records a use case wants, by regexes over named fields.
//!
//! A record passes when every include pattern matches its field and no exclude pattern does.
//! Patterns are matched from the field's start, as Python's `re.match` does, and not to its end. A
//! field that is not there fails an include and passes an exclude. Numbers and booleans are matched
//! as text.

use arrow::array::{Array, AsArray, BooleanBufferBuilder, RecordBatch, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use regex::Regex;
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
    Is(String),
    /// `sshd`: the field starts with this text.
    StartsWith(String),
    /// Anything else.
    Regex(Regex),
}

impl Matcher {
    /// Compiles a pattern.
    fn try_new(pattern: &str) -> Result<Self, regex::Error> {
        let regex = Regex::new(&format!("^(?:{pattern})"))?;
        let literal = regex_syntax::parse(pattern)
            .ok()
            .and_then(|hir| literal(&hir));
        Ok(literal.unwrap_or(Matcher::Regex(regex)))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Matcher::Is(whole) => text == whole,
            Matcher::StartsWith(start) => text.starts_with(start.as_str()),
            Matcher::Regex(regex) => regex.is_match(text),
        }
    }
}

/// A pattern that is plain text, with or without its ends marked.
fn literal(hir: &Hir) -> Option<Matcher> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.iter().map(Hir::kind).collect(),
        single => vec![single],
    };
    let parts = match parts.as_slice() {
        [HirKind::Look(Look::Start), rest @ ..] => rest,
        all => all,
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match parts {
        [HirKind::Literal(literal)] => text(&literal.0).map(Matcher::StartsWith),
        [HirKind::Literal(literal), HirKind::Look(Look::End)] => text(&literal.0).map(Matcher::Is),
        _ => None,
    }
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
        let passes = |rule: &Rule| match text {
            Some(text) => rule.matcher.matches(text) == rule.include,
            None => !rule.include,
        };
        passing.append(wanted && rules.iter().all(passes));
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

    proptest! {
        #[test]
        fn a_shortcut_gives_the_regex_answer(
            literal in "[a-c.]{0,3}", anchored in any::<bool>(), ended in any::<bool>(),
            text in "[a-c.]{0,5}\n?",
        ) {
            let (start, end) = (if anchored { "^" } else { "" }, if ended { "$" } else { "" });
            let pattern = format!("{start}{}{end}", regex::escape(&literal));
            let regex = Regex::new(&format!("^(?:{pattern})")).unwrap();
            let matcher = Matcher::try_new(&pattern).unwrap();
            prop_assert_eq!(matcher.matches(&text), regex.is_match(&text));
        }
    }
}
