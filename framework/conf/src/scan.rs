//! The line scanner: finds keys, values and sections with their places, and every broken line.
//!
//! It knows ConfigObj's lines and nothing of what they mean. After a broken line it goes on, so
//! that all of them are reported together. A file costs at most [`BYTES_MAX`], [`KEYS_MAX`] and
//! [`DEPTH_MAX`]; its lines are read once.

use std::collections::HashMap;
use std::ops::Range;

use crate::value::{self, End};

/// A conf may have this many bytes.
pub(crate) const BYTES_MAX: usize = 1 << 20;

/// A conf may have this many keys and sections.
pub(crate) const KEYS_MAX: usize = 10_000;

/// Sections may be nested this deep.
pub(crate) const DEPTH_MAX: usize = 16;

/// More broken lines than this are not looked for.
pub(crate) const FAULTS_MAX: usize = 100;

/// Where a key or a section stands; ranges are bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The 1-based number of its line.
    pub(crate) line: usize,
    /// The key with its quotes, or the section's header with its brackets.
    pub(crate) key: Range<usize>,
    /// The value with its quotes; `None` for a section.
    pub(crate) value: Option<Range<usize>>,
}

/// A key or a section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name, below its sections.
    pub(crate) path: Vec<String>,
    /// The value with its quotes; `None` for a section.
    pub(crate) raw: Option<String>,
    pub(crate) place: Place,
}

/// A line that does not say what it should.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) span: Range<usize>,
    /// The other line of two that contradict each other.
    pub(crate) first: Option<Range<usize>>,
    pub(crate) warning: bool,
}

/// All that a file says, in its order.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) entries: Vec<Entry>,
    pub(crate) faults: Vec<Fault>,
    /// Keys whose line is broken: that they are missing follows from that.
    pub(crate) broken: Vec<Vec<String>>,
    /// Whether the end of the file was not read: nothing is known to be missing then.
    pub(crate) is_cut: bool,
}

/// Scans a conf.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner {
        text,
        next: 0,
        line: 0,
        sections: Vec::new(),
        seen: HashMap::new(),
        scan: Scan::default(),
    };
    while let Some(line) = scanner.line() {
        scanner.read(line);
        if scanner.scan.faults.len() >= FAULTS_MAX {
            scanner.scan.is_cut = true;
            break;
        }
        if scanner.scan.entries.len() >= KEYS_MAX {
            let message = format!("a conf may have {KEYS_MAX} keys and sections; this has more");
            scanner.fault(line.range(), message);
            scanner.scan.is_cut = true;
            break;
        }
    }
    scanner.scan
}

/// A part of the text with its place in it.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn from(self, at: usize) -> Part<'a> {
        Part {
            text: &self.text[at..],
            start: self.start + at,
        }
    }

    fn to(self, at: usize) -> Part<'a> {
        Part {
            text: &self.text[..at],
            start: self.start,
        }
    }

    fn trim(self) -> Part<'a> {
        let trimmed = self.text.trim_start();
        let part = self.from(self.text.len() - trimmed.len());
        part.to(trimmed.trim_end().len())
    }
}

struct Scanner<'a> {
    text: &'a str,
    /// The first byte of the next line.
    next: usize,
    /// The number of the current line.
    line: usize,
    /// The sections that the current line is in.
    sections: Vec<String>,
    /// The entry of each path.
    seen: HashMap<Vec<String>, usize>,
    scan: Scan,
}

impl<'a> Scanner<'a> {
    /// The next line without the blanks around it.
    fn line(&mut self) -> Option<Part<'a>> {
        if self.next >= self.text.len() {
            return None;
        }
        let rest = Part {
            text: &self.text[self.next..],
            start: self.next,
        };
        let end = rest.text.find('\n').unwrap_or(rest.text.len());
        self.next += end + 1;
        self.line += 1;
        Some(rest.to(end).trim())
    }

    fn read(&mut self, line: Part<'a>) {
        match line.text.chars().next() {
            None | Some('#') => {}
            Some('[') => self.header(line),
            Some(_) => self.key_value(line),
        }
    }

    fn fault(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Fault {
        let index = self.scan.faults.len();
        self.scan.faults.push(Fault {
            message: message.into(),
            help: None,
            span,
            first: None,
            warning: false,
        });
        &mut self.scan.faults[index]
    }

    fn path(&self, name: &str) -> Vec<String> {
        self.sections
            .iter()
            .cloned()
            .chain([name.to_owned()])
            .collect()
    }

    fn header(&mut self, line: Part<'a>) {
        let header = Header::read(line.text);
        let depth = header.depth.min(self.sections.len() + 1);
        self.header_faults(&header, depth, line);
        if depth > DEPTH_MAX {
            return;
        }
        self.sections.truncate(depth - 1);
        let path = self.path(header.name);
        self.sections.push(header.name.to_owned());
        if header.fault.is_some() {
            self.scan.broken.push(path.clone());
        }
        let key = line.to(header.n_bytes).range();
        self.entry(
            path,
            None,
            Place {
                line: self.line,
                key,
                value: None,
            },
        );
    }

    /// What is wrong with a header that is read as this deep.
    fn header_faults(&mut self, header: &Header<'_>, depth: usize, line: Part<'_>) {
        if let Some(message) = &header.fault {
            self.fault(line.range(), message.clone()).help =
                Some("a section is `[name]`, one inside it `[[name]]`".into());
        } else if depth < header.depth {
            let message = format!(
                "section `{}` is {} levels deep, but the section above it only {}",
                header.name,
                header.depth,
                depth - 1
            );
            self.fault(line.range(), message).help = Some(format!(
                "a subsection here has {} on each side",
                brackets(depth)
            ));
        }
        if depth > DEPTH_MAX {
            self.fault(
                line.range(),
                format!("sections may be nested {DEPTH_MAX} deep"),
            );
        }
    }

    fn key_value(&mut self, line: Part<'a>) {
        let Some((key, value)) = self.split(line) else {
            return;
        };
        let name = unquoted_key(key.text);
        let path = self.path(name);
        let raw = match value::triple(value.text) {
            Some(quotes) => self.triple(value, quotes),
            None => self.single(value),
        };
        let Some(raw) = raw else {
            self.scan.broken.push(path);
            return;
        };
        // A value over several lines has moved the current line on.
        let line = self.line - raw.text.matches('\n').count();
        let place = Place {
            line,
            key: key.range(),
            value: Some(raw.range()),
        };
        self.entry(path, Some(raw.text.to_owned()), place);
    }

    /// Splits a line at the `=` behind its key.
    fn split(&mut self, line: Part<'a>) -> Option<(Part<'a>, Part<'a>)> {
        match split_at(line.text) {
            Some(0) => {
                self.fault(line.range(), "there is no key before `=`");
                None
            }
            Some(at) => Some((line.to(at).trim(), line.from(at + 1).trim())),
            None => {
                let first = line.text.split([' ', '\t', ':']).next().unwrap_or_default();
                self.scan.broken.push(self.path(first));
                let help = no_equals_help(line.text);
                self.fault(line.range(), "expected `key = value`").help = Some(help);
                None
            }
        }
    }

    fn single(&mut self, value: Part<'a>) -> Option<Part<'a>> {
        let end = value::end(value.text);
        if let End::Doubtful(end) = end {
            let fault = self.fault(value.from(end).trim().range(), "this is read as a comment");
            fault.help = Some("if it belongs to the value, use the other kind of quotes".into());
            fault.warning = true;
        }
        self.value(value, value, end)
    }

    fn triple(&mut self, value: Part<'a>, quotes: &str) -> Option<Part<'a>> {
        let rest = Part {
            text: &self.text[value.start..],
            start: value.start,
        };
        let end = value::triple_end(rest.text, quotes);
        // The lines inside the quotes are read, whatever stands behind the closing ones; without
        // those, everything is inside.
        match &end {
            End::At(end) | End::Doubtful(end) | End::TextBehind(end) => {
                for _ in 0..rest.text[..*end].matches('\n').count() {
                    self.line();
                }
            }
            End::Unclosed => {
                self.next = self.text.len();
                self.scan.is_cut = true;
            }
        }
        self.value(value, rest, end)
    }

    /// The value up to its end; a fault is shown on the line's part of it.
    fn value(&mut self, shown: Part<'a>, value: Part<'a>, end: End) -> Option<Part<'a>> {
        match end {
            End::At(end) | End::Doubtful(end) => Some(value.to(end)),
            End::Unclosed => {
                self.fault(shown.range(), "this quote is not closed").help =
                    Some("close it, or put the whole value into the other kind of quotes".into());
                None
            }
            End::TextBehind(at) => {
                let behind = value.from(at);
                let end = behind.text.find('\n').unwrap_or(behind.text.len());
                let span = behind.to(end).trim().range();
                self.fault(span, "text behind the closing quote").help =
                    Some("put the whole value into the other kind of quotes".into());
                None
            }
        }
    }

    fn entry(&mut self, path: Vec<String>, raw: Option<String>, place: Place) {
        if let Some(&first) = self.seen.get(&path) {
            self.repeated(first, &path, &place);
            return;
        }
        self.seen.insert(path.clone(), self.scan.entries.len());
        self.scan.entries.push(Entry { path, raw, place });
    }

    fn repeated(&mut self, first: usize, path: &[String], place: &Place) {
        let first = self.scan.entries[first].place.clone();
        let what = if place.value.is_some() {
            "key"
        } else {
            "section"
        };
        let name = path.last().map_or("", String::as_str);
        let message = format!(
            "{what} `{name}` is written twice, on lines {} and {}",
            first.line, place.line
        );
        self.fault(place.key.clone(), message).first = Some(first.key);
    }
}

/// A section's header, as far as it can be read.
struct Header<'a> {
    depth: usize,
    name: &'a str,
    fault: Option<String>,
    /// Its length without a comment.
    n_bytes: usize,
}

impl<'a> Header<'a> {
    fn read(line: &'a str) -> Header<'a> {
        let depth = line.bytes().take_while(|b| *b == b'[').count();
        let inner = &line[depth..];
        let (name, rest) = Header::name(inner);
        let n_closing = rest.bytes().take_while(|b| *b == b']').count();
        let behind = rest[n_closing..].trim_start();
        let fault = if name.is_empty() {
            Some("this section has no name".to_owned())
        } else if n_closing == 0 {
            Some(format!("section `{name}` is not closed by `]`"))
        } else if n_closing != depth {
            let (opened, closed) = (brackets(depth), brackets(n_closing));
            Some(format!(
                "section `{name}` opens with {opened} and closes with {closed}"
            ))
        } else if !behind.is_empty() && !behind.starts_with('#') {
            Some(format!("text behind the header of section `{name}`"))
        } else {
            None
        };
        let n_bytes = if fault.is_some() {
            line.len()
        } else {
            line.len() - rest.len() + n_closing
        };
        Header {
            depth,
            name,
            fault,
            n_bytes,
        }
    }

    /// The name without its quotes, and what follows it.
    fn name(inner: &'a str) -> (&'a str, &'a str) {
        let trimmed = inner.trim_start();
        if let Some(quote @ ('"' | '\'')) = trimmed.chars().next()
            && let Some(close) = trimmed[1..].find(quote)
        {
            return (&trimmed[1..=close], trimmed[close + 2..].trim_start());
        }
        let end = inner.find(']').unwrap_or(inner.len());
        (inner[..end].trim(), &inner[end..])
    }
}

fn brackets(n: usize) -> String {
    if n == 1 {
        "1 bracket".to_owned()
    } else {
        format!("{n} brackets")
    }
}

/// Where the `=` behind the key is.
fn split_at(line: &str) -> Option<usize> {
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    let quoted = quote.and_then(|quote| {
        line.match_indices(quote).skip(1).find_map(|(at, _)| {
            let behind = &line[at + 1..];
            let blanks = behind.len() - behind.trim_start().len();
            behind
                .trim_start()
                .starts_with('=')
                .then_some(at + 1 + blanks)
        })
    });
    quoted.or_else(|| line.find('='))
}

fn unquoted_key(key: &str) -> &str {
    datashark_sdk::conf::unquote(key)
}

fn no_equals_help(line: &str) -> String {
    if line.starts_with(';') || line.starts_with("//") || line.starts_with("--") {
        "a comment starts with `#`".to_owned()
    } else if line.contains(':') {
        "write `=` between a key and its value, not `:`".to_owned()
    } else {
        "a value stands on its key's line; one of several lines is put in three quotes".to_owned()
    }
}
