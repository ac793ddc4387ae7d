//! `regex`: a record is what a pattern with named groups says it is.
//!
//! Conf: `pattern`, with groups as Python `(?P<name>…)` or Rust `(?<name>…)` write them. It is
//! matched as Python's `re.match`: from the start of a line, not necessarily to its end. The
//! columns are the named groups, text; a column may also be asked for as an integer, float, boolean
//! or time. A group that took no part in the match is null. A line that does not match is invalid.
//! A line that is not UTF-8 is matched with U+FFFD for each bad sequence, and counted.
//!
//! The syntax is that of the [regex](https://docs.rs/regex/latest/regex/#syntax) crate, and `\Z`
//! for `\z`. Look-around and back-references are not in it; that is what makes a match linear in
//! the line's length, whatever the line.
//!
//! Plain patterns are run by a scanner in place of the regex, with the same result, some ten times
//! as fast: see `scanner.rs` for what is plain.

use std::ops::Range;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datashark_sdk::conf::Problem;
use datashark_sdk::input::Payloads;
use regex_automata::meta::{Cache, Config, Regex as Engine};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};
use serde::Deserialize;

use crate::column::Column;
use crate::fixed_columns::check_names;
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::scanner::{Outcome, Scanner};
use crate::{CodecError, Columns, Decoded, Decoder, Format};

const NAME: &str = "regex";

/// The regex crate's own limits on compiled patterns.
const NFA_BYTES_MAX: usize = 10 << 20;
const LAZY_DFA_BYTES_MAX: usize = 2 << 20;

/// `[codec]` of `regex`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegexOptions {
    /// The pattern; its named groups are the columns.
    pub pattern: String,
}

/// Lines that match a pattern.
#[derive(Debug, Clone)]
pub struct Regex {
    engine: Engine,
    hir: Hir,
    /// Whether a match starts at the start of a line.
    anchored: Anchored,
    /// The named groups and their index in the pattern.
    groups: Vec<(String, usize)>,
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the pattern that are to blame.
    pub span: Option<Range<usize>>,
    /// What to write instead.
    pub help: Option<String>,
}

impl PatternError {
    /// The problem of the conf's `key`, which holds the pattern.
    pub fn problem(self, key: &str) -> Problem {
        let problem = Problem::at([key], self.message);
        let problem = match self.span {
            Some(span) => problem.span(span),
            None => problem,
        };
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl Regex {
    /// The format of a pattern.
    ///
    /// # Errors
    /// Where the pattern does not parse, has no named group, or becomes too large.
    pub fn try_new(pattern: &str) -> Result<Self, PatternError> {
        let plain = |message: String| PatternError {
            message,
            span: None,
            help: None,
        };
        let hir = parse(pattern)?;
        let limits = Config::new()
            .nfa_size_limit(Some(NFA_BYTES_MAX))
            .hybrid_cache_capacity(LAZY_DFA_BYTES_MAX);
        let engine = Engine::builder().configure(limits).build_from_hir(&hir);
        let engine = engine.map_err(|error| plain(format!("the pattern is too large: {error}")))?;
        let names = engine
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO);
        let groups: Vec<_> = names
            .enumerate()
            .filter_map(|(group_idx, name)| Some((name?.to_owned(), group_idx)))
            .collect();
        if groups.is_empty() {
            let help = Some("name what is to be a column: `(?P<source_ip>\\S+)`".to_owned());
            let message = "the pattern has no named group".to_owned();
            return Err(PatternError {
                message,
                span: None,
                help,
            });
        }
        Ok(Regex {
            engine,
            hir,
            anchored: Anchored::Yes,
            groups,
        })
    }

    /// The same, but that a match may start anywhere in a line.
    ///
    /// # Errors
    /// As [`Regex::try_new`].
    pub(crate) fn try_unanchored(pattern: &str) -> Result<Self, PatternError> {
        let regex = Self::try_new(pattern)?;
        let prefix = regex.hir.properties().look_set_prefix();
        let anchored = match prefix.contains(Look::Start) {
            true => Anchored::Yes,
            false => Anchored::No,
        };
        Ok(Regex { anchored, ..regex })
    }

    /// The named groups and their index in the pattern.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.groups.iter().map(|(name, idx)| (name.as_str(), *idx))
    }

    /// The names of the groups, in the order of the pattern.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|(name, _)| name.as_str())
    }

    fn group_idx(&self, name: &str) -> Option<usize> {
        self.groups
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, idx)| *idx)
    }

    /// A decoder of columns that are one of some groups each, the first that took part in the match.
    ///
    /// # Errors
    /// A type that no text has.
    pub(crate) fn decoder_of(
        &self,
        format: &'static str,
        columns: &[Field],
        groups: Vec<Vec<usize>>,
    ) -> Result<Box<dyn Decoder>, CodecError> {
        let asked: Vec<usize> = groups.iter().flatten().copied().collect();
        let n_groups = asked.iter().max().map_or(0, |last| last + 1);
        let parser = Lines {
            scanner: Scanner::new(&self.hir, &asked),
            is_ascii: false,
            marks: vec![0; 2 * n_groups],
            slots: vec![None; 2 * n_groups],
            cache: self.engine.create_cache(),
            engine: self.engine.clone(),
            anchored: self.anchored,
            names: columns.iter().map(|field| field.name().clone()).collect(),
            groups,
        };
        Ok(Box::new(RegexDecoder {
            rows: Rows::try_new(format, columns)?,
            parser,
        }))
    }
}

/// What a pattern says.
///
/// # Errors
/// It is none.
pub(crate) fn parse(pattern: &str) -> Result<Hir, PatternError> {
    let mut parser = regex_syntax::Parser::new();
    parser.parse(&python_end(pattern)).map_err(syntax)
}

/// `\Z` of Python as `\z`; no byte moves.
fn python_end(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut escaped = false;
    for character in pattern.chars() {
        out.push(if escaped && character == 'Z' {
            'z'
        } else {
            character
        });
        escaped = character == '\\' && !escaped;
    }
    out
}

/// A syntax error with its place.
fn syntax(error: regex_syntax::Error) -> PatternError {
    let (message, span) = match &error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), Some(error.span())),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span())),
        other => (other.to_string(), None),
    };
    let span = span.map(|span| span.start.offset..span.end.offset);
    let help = message
        .contains("look-around")
        .then(|| "match what follows too: the match need not reach the end of the line".to_owned());
    PatternError {
        message,
        span,
        help,
    }
}

impl Format for Regex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        let fields = self
            .group_names()
            .map(|name| Field::new(name, DataType::Utf8View, true));
        Columns::Fixed(fields.collect())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_names(NAME, &self.columns(), columns)?;
        let group = |field: &Field| self.group_idx(field.name());
        let groups = columns
            .iter()
            .map(|field| group(field).into_iter().collect());
        self.decoder_of(NAME, columns, groups.collect())
    }
}

struct RegexDecoder {
    rows: Rows,
    parser: Lines,
}

impl Decoder for RegexDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.parser, payloads, None)
    }
}

struct Lines {
    scanner: Option<Scanner>,
    /// Whether all records are ASCII; else it is looked at each.
    is_ascii: bool,
    engine: Engine,
    cache: Cache,
    anchored: Anchored,
    /// The groups of each column, best first.
    groups: Vec<Vec<usize>>,
    names: Vec<String>,
    /// Where the scanner says that groups lie: `marks[2 * g]..marks[2 * g + 1]`.
    marks: Vec<usize>,
    /// Where the regex says so.
    slots: Vec<Option<NonMaxUsize>>,
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Replace;

    fn begin(&mut self, is_ascii: bool) {
        self.is_ascii = is_ascii;
    }

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let text = record.bytes();
        let scanned = match &self.scanner {
            Some(scanner) if self.is_ascii || text.is_ascii() => {
                scanner.scan(record.bytes_and_after(), text.len(), &mut self.marks)
            }
            _ => Outcome::Unknown,
        };
        match scanned {
            Outcome::Match => {
                let marks = &self.marks;
                self.push(record, columns, |group| {
                    Some(marks[2 * group]..marks[2 * group + 1])
                })
            }
            Outcome::NoMatch if self.anchored == Anchored::Yes => Err(no_match(text)),
            Outcome::NoMatch | Outcome::Unknown if self.search(text) => {
                let slot = |slot: usize| self.slots[slot].map(NonMaxUsize::get);
                self.push(record, columns, |group| {
                    Some(slot(2 * group)?..slot(2 * group + 1)?)
                })
            }
            Outcome::NoMatch | Outcome::Unknown => Err(no_match(text)),
        }
    }
}

impl Lines {
    /// Most lines match from their start, which is found out sooner than whether they do from
    /// anywhere; and where they do, no match begins before it.
    fn search(&mut self, text: &[u8]) -> bool {
        self.search_from(text, Anchored::Yes)
            || self.anchored == Anchored::No && self.search_from(text, Anchored::No)
    }

    fn search_from(&mut self, text: &[u8], anchored: Anchored) -> bool {
        let input = Input::new(text).anchored(anchored);
        self.engine
            .search_slots_with(&mut self.cache, &input, &mut self.slots)
            .is_some()
    }

    #[inline]
    fn push(
        &self,
        record: &Record<'_>,
        columns: &mut [Column],
        place: impl Fn(usize) -> Option<Range<usize>>,
    ) -> Result<(), String> {
        for ((column, groups), name) in columns.iter_mut().zip(&self.groups).zip(&self.names) {
            let found = groups.iter().find_map(|group| place(*group));
            let Some(Range { start, end }) = found else {
                column.push_null();
                continue;
            };
            if !column.push(record, start, end) {
                let found = quote(&record.bytes()[start..end]);
                return Err(format!(
                    "`{name}` is {found}, expected {}",
                    column.expects()
                ));
            }
        }
        Ok(())
    }
}

fn no_match(text: &[u8]) -> String {
    format!("the pattern does not match {}", quote(text))
}

#[cfg(test)]
mod tests;
