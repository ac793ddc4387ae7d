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
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{decode_text, payloads, text_field, texts};

    const WEB: &str = r#"(?P<source>\S+) \[[^\]]+\] \"[^\"]*\" (?P<response_code>\d{3}) .*"#;

    #[test]
    fn the_columns_are_the_named_groups_of_python_and_of_rust() {
        let regex = Regex::try_new(r"(?P<a>\d+)(x)(?<b>y)?").unwrap();
        assert_eq!(regex.group_names().collect::<Vec<_>>(), ["a", "b"]);
        let decoded = decode_text(&regex, &["b", "a"], &["12xy", "3x and more", "x"]);
        assert_eq!(texts(&decoded.rows, 0), [Some("y"), None]);
        assert_eq!(texts(&decoded.rows, 1), [Some("12"), Some("3")]);
        assert_eq!(decoded.invalid[0].reason, "the pattern does not match `x`");
    }

    #[test]
    fn a_match_starts_at_the_start_and_may_end_before_the_end() {
        let regex = Regex::try_new(r"a|(?P<x>b+)").unwrap();
        let decoded = decode_text(&regex, &["x"], &["ac", "bbc", "cb"]);
        assert_eq!(texts(&decoded.rows, 0), [None, Some("bb")]);
        assert_eq!(decoded.invalid[0].record_idx, 2);
    }

    #[test]
    fn the_web_anomaly_pattern_reads_an_epa_line() {
        let regex = Regex::try_new(WEB).unwrap();
        let line = r#"141.243.1.172 [29:23:53:25] "GET /Software.html HTTP/1.0" 200 1497"#;
        let decoded = decode_text(&regex, &["source", "response_code"], &[line]);
        assert_eq!(texts(&decoded.rows, 0), [Some("141.243.1.172")]);
        assert_eq!(texts(&decoded.rows, 1), [Some("200")]);
    }

    #[test]
    fn a_typed_group_that_does_not_fit_makes_the_record_invalid() {
        let regex = Regex::try_new(r"(?P<n>\S+)").unwrap();
        let mut decoder = regex
            .decoder(&[Field::new("n", DataType::Int64, true)])
            .unwrap();
        let decoded = decoder.decode(&payloads(&["12", "x"]));
        assert_eq!(
            decoded.rows.column(0).as_primitive::<Int64Type>().values(),
            &[12]
        );
        assert_eq!(decoded.invalid[0].reason, "`n` is `x`, expected an integer");
    }

    #[test]
    fn what_was_read_of_an_invalid_record_is_in_no_column() {
        let regex = Regex::try_new(r"(?P<a>\S+) (?P<n>\S+) (?P<b>\S+)").unwrap();
        let number = Field::new("n", DataType::Int64, true);
        let fields = [text_field("a"), number, text_field("b")];
        let mut decoder = regex.decoder(&fields).unwrap();
        let decoded = decoder.decode(&payloads(&["a 1 x", "b - y", "junk", "c 3 z"]));
        assert_eq!(texts(&decoded.rows, 0), [Some("a"), Some("c")]);
        assert_eq!(
            decoded.rows.column(1).as_primitive::<Int64Type>().values(),
            &[1, 3]
        );
        assert_eq!(texts(&decoded.rows, 2), [Some("x"), Some("z")]);
        assert_eq!(decoded.record_idx, Some(vec![0, 3].into()));
        let invalid = decoded.invalid.iter().map(|invalid| invalid.record_idx);
        assert_eq!(invalid.collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_long_group_shares_its_block_and_a_short_one_does_not() {
        let regex = Regex::try_new(r"(?P<a>\S+) (?P<b>\S+)").unwrap();
        let (short, long) = ("s".repeat(64), "l".repeat(65));
        let line = format!("{short} {long}");
        let payloads = payloads(&[line.as_str(), "é ü"]);
        let mut decoder = regex.decoder(&[text_field("a"), text_field("b")]).unwrap();
        let rows = decoder.decode(&payloads).rows;
        assert_eq!(texts(&rows, 0), [Some(short.as_str()), Some("é")]);
        assert_eq!(texts(&rows, 1), [Some(long.as_str()), Some("ü")]);
        let is_shared = |column: usize| {
            let theirs = payloads.records.data_buffers()[0].as_ptr();
            let ours = rows.column(column).as_string_view().data_buffers();
            ours.iter().any(|block| block.as_ptr() == theirs)
        };
        assert_eq!((is_shared(0), is_shared(1)), (false, true));
    }

    #[test]
    fn bytes_that_are_no_text_are_matched_as_the_replacement_character() {
        let regex = Regex::try_new(r"(?P<all>.+)$").unwrap();
        let decoded = decode_text(&regex, &["all"], &[b"a\xFFb"]);
        assert_eq!(texts(&decoded.rows, 0), [Some("a\u{FFFD}b")]);
        assert_eq!(decoded.n_replaced, 1);
    }

    #[test]
    fn lines_count_even_where_no_group_is_asked_for() {
        let regex = Regex::try_new(WEB).unwrap();
        let decoded = decode_text(&regex, &[], &[r#"a [b] "c" 200 x"#, "junk"]);
        assert_eq!((decoded.rows.num_rows(), decoded.invalid.len()), (1, 1));
    }

    #[test]
    fn a_wrong_pattern_says_where_it_is_wrong() {
        let error = Regex::try_new(r"(?P<a>x").unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.span),
            ("unclosed group", Some(0..1))
        );
        let error = Regex::try_new(r"(?P<a>x)(?=y)").unwrap_err();
        assert!(error.message.starts_with("look-around"), "{error}");
        assert!(error.help.is_some());
        assert_eq!(
            Regex::try_new("abc").unwrap_err().message,
            "the pattern has no named group"
        );
    }

    proptest! {
        /// The first is one for the scanner, in the others groups may take no part.
        #[test]
        fn a_match_anywhere_in_a_line_is_the_leftmost(
            pattern in prop::sample::select(vec![
                r"(?P<x>a+)b(?P<y>[0-9]*)",
                r"(?P<x>a)?b|(?P<y>b+)1",
                r"(?:(?P<x>ab?)|1)+(?P<y>b)?$",
            ]),
            text in "[ab1é]{0,12}",
        ) {
            let regex = Regex::try_unanchored(pattern).unwrap();
            let decoded = decode_text(&regex, &["x", "y"], &[&text]);
            let plain = regex::Regex::new(pattern).unwrap();
            let found = plain.captures(&text);
            prop_assert_eq!(decoded.invalid.is_empty(), found.is_some());
            if let Some(found) = found {
                for (column, name) in ["x", "y"].into_iter().enumerate() {
                    let expected = found.name(name).map(|group| group.as_str());
                    prop_assert_eq!(texts(&decoded.rows, column)[0], expected);
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_text_may_be_written_as_python_does() {
        let regex = Regex::try_new(r"(?P<a>\\Z+)\Z").unwrap();
        let decoded = decode_text(&regex, &["a"], &[r"\ZZ", r"\Zz"]);
        assert_eq!(texts(&decoded.rows, 0), [Some(r"\ZZ")]);
    }
}
