//! What the user sees of a mistake: the file, the line itself, what was expected, what to write.
//!
//! Rendering gives text and prints nothing; where it goes, and whether that is a terminal, is the
//! cli's business.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource, Severity,
    SourceCode, SourceSpan, SpanContents,
};

/// Bytes of a file with the line they are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) span: Range<usize>,
    /// 1-based.
    pub(crate) line: usize,
    pub(crate) text: Option<&'static str>,
}

/// One mistake or warning, with the place it points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub(crate) file: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The place itself, then others that belong to it; none for the file as a whole.
    pub(crate) labels: Vec<Label>,
    pub(crate) warning: bool,
}

impl Diagnostic {
    /// A mistake of a file as a whole: it is missing, or cannot be read.
    pub fn of_file(file: impl fmt::Display, message: impl Into<String>) -> Self {
        Diagnostic {
            file: file.to_string().into(),
            text: "".into(),
            message: message.into(),
            help: None,
            labels: Vec::new(),
            warning: false,
        }
    }

    /// A mistake at a place in a text that is no conf: a query's line. The line is 1-based, as is
    /// the column, which counts characters.
    pub fn at_place(
        file: impl fmt::Display,
        text: &str,
        (line, column): (usize, usize),
        message: impl Into<String>,
    ) -> Self {
        let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
        let line_start: usize = lines.map(str::len).sum();
        let in_line = text
            .get(line_start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or("");
        let before: usize = in_line
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let word = |c: &char| c.is_alphanumeric() || *c == '_';
        let rest = in_line.get(before..).unwrap_or("");
        let n_word: usize = rest.chars().take_while(word).map(char::len_utf8).sum();
        let start = line_start + before;
        Diagnostic {
            text: text.into(),
            labels: vec![Label {
                span: start..start + n_word,
                line,
                text: None,
            }],
            ..Diagnostic::of_file(file, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The file as it was named.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The 1-based line it points at; `None` for the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.labels.first().map(|label| label.line)
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was expected, or what to write instead.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Whether the run may go on.
    pub fn is_warning(&self) -> bool {
        self.warning
    }
}

/// `file:line: message`, for a log.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(line) = self.line() {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

/// How diagnostics are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// ASCII without colours, for files and pipes.
    Plain,
    /// Box drawing without colours, for a terminal with `NO_COLOR`.
    Unicode,
    /// Box drawing and colours, for a terminal.
    Fancy,
}

/// All mistakes and warnings of one or several confs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing to say so far.
    pub fn new() -> Self {
        Diagnostics::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether there is nothing to say, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// What stops the run, in the order found.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|diagnostic| !diagnostic.warning)
    }

    /// What does not stop the run, in the order found.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|diagnostic| diagnostic.warning)
    }

    /// All of them file by file, in the order of their lines; what points at no line comes first.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut files: Vec<&str> = Vec::new();
        let mut keyed: Vec<_> = self
            .0
            .iter()
            .map(|diagnostic| {
                let file = files.iter().position(|file| *file == diagnostic.file());
                let file = file.unwrap_or_else(|| {
                    files.push(diagnostic.file());
                    files.len() - 1
                });
                let start = diagnostic.labels.first().map(|label| label.span.start);
                ((file, start), diagnostic)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed
            .into_iter()
            .map(|(_, diagnostic)| diagnostic)
            .collect()
    }

    /// Draws all of them, sorted, for a display of this many columns.
    pub fn render(&self, style: Style, n_columns: usize) -> String {
        let theme = match style {
            Style::Plain => GraphicalTheme::none(),
            Style::Unicode => GraphicalTheme::unicode_nocolor(),
            Style::Fancy => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(n_columns)
            .with_context_lines(1)
            .with_break_words(false)
            .with_links(false);
        let mut text = String::new();
        for (i, diagnostic) in self.sorted().into_iter().enumerate() {
            if i > 0 {
                text.push('\n');
            }
            // Writing to a string cannot fail, and labels lie in their text.
            let drawn = handler.render_report(&mut text, &Report::new(diagnostic));
            if drawn.is_err() {
                text.push_str(&diagnostic.to_string());
            }
        }
        text
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Diagnostics(iter.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

/// One line each, sorted, for a log.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.sorted().into_iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// A text that shows the whole lines of a span and no others, however many are asked for.
#[derive(Debug)]
struct Lines(Arc<str>);

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        n_before: usize,
        n_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text: &str = &self.0;
        let (start, end) = (span.offset(), span.offset() + span.len());
        // Without lines around it, it is asked for line and column.
        let (Some(head), Some(tail), 1..) = (text.get(..start), text.get(end..), n_before) else {
            return text.read_span(span, n_before, n_after);
        };
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        let n_tail = tail.lines().next().map_or(0, str::len);
        text.read_span(&(start..end + n_tail).into(), 0, 0)
    }
}

/// A diagnostic as miette draws it.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<Lines>,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic) -> Self {
        let source = NamedSource::new(&diagnostic.file, Lines(Arc::clone(&diagnostic.text)));
        Report { diagnostic, source }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diagnostic.labels.is_empty() {
            // No line is drawn, which would name the file.
            write!(f, "{}: ", self.diagnostic.file)?;
        }
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(if self.diagnostic.warning {
            Severity::Warning
        } else {
            Severity::Error
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.diagnostic.labels.is_empty()).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels.iter().enumerate().map(|(i, label)| {
            let (text, span) = (label.text.map(str::to_owned), label.span.clone());
            if i == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        });
        Some(Box::new(labels))
    }
}
