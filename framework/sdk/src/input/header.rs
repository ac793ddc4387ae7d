//! The lines of a file that say what the columns of the others are.
//!
//! A file may be read from its middle, in pieces and by several decoders in turn, so what its
//! header says comes with every batch. It is either the file's first line, or its **directives**:
//! lines that begin with a mark (`#Fields: date time`), which may come again anywhere in the file
//! and then hold for what follows.

use std::sync::Arc;

use arrow::array::BinaryViewArray;

/// Kinds of directives that are kept for a file, the latest ones.
const KINDS_MAX: usize = 32;

/// What the directives of a file may take; the oldest are forgotten first.
const BYTES_MAX: usize = 16 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Which lines of a file a codec needs with each of its batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderRule {
    /// None.
    #[default]
    None,
    /// The first line.
    FirstLine,
    /// The lines that begin with this byte, wherever they stand.
    Directives(u8),
}

/// The header lines that hold for the first record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The first line of the file.
    FirstLine(Arc<Box<[u8]>>),
    /// The directives before the record; there may be none.
    Directives(Directives),
}

impl Header {
    /// The first line, if that is what this is.
    pub fn first_line(&self) -> Option<&[u8]> {
        match self {
            Header::FirstLine(line) => Some(line),
            Header::Directives(_) => None,
        }
    }

    /// What holds behind these records, if this holds before them.
    pub fn behind(&mut self, records: &BinaryViewArray) {
        if let Header::Directives(directives) = self {
            directives.read(records);
        }
    }
}

impl From<&[u8]> for Header {
    fn from(line: &[u8]) -> Self {
        Header::FirstLine(Arc::new(line.into()))
    }
}

/// The last directive of each kind, in the order in which they stand.
///
/// A kind is the word behind the mark: letters, digits, `-` and `_`. A marked line without such a
/// word is a comment and is not kept. 32 kinds and 16 KiB are kept at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives(Arc<Kept>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    mark: u8,
    lines: Vec<Box<[u8]>>,
}

impl Directives {
    /// No directive yet.
    pub fn new(mark: u8) -> Self {
        let lines = Vec::new();
        Directives(Arc::new(Kept { mark, lines }))
    }

    /// The byte that a directive begins with.
    pub fn mark(&self) -> u8 {
        self.0.mark
    }

    /// The lines that are kept.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.0.lines.iter().map(|line| &**line)
    }

    /// What stands behind the last directive of a kind: `: date time` of `#Fields: date time`.
    pub fn get(&self, kind: &str) -> Option<&[u8]> {
        let of_kind = |line: &&[u8]| kind_of(line) == kind.as_bytes();
        let line = self.lines().find(of_kind)?;
        Some(&line[1 + kind.len()..])
    }

    /// Whether a line is marked. A byte order mark before the mark is passed over.
    #[inline]
    pub fn is_marked(&self, line: &[u8]) -> bool {
        match line.first() {
            Some(first) if *first == self.0.mark => true,
            Some(0xEF) => line
                .strip_prefix(BYTE_ORDER_MARK)
                .is_some_and(|line| line.first() == Some(&self.0.mark)),
            _ => false,
        }
    }

    /// Which of some records are marked lines.
    pub fn marked(&self, records: &BinaryViewArray) -> Vec<u32> {
        // A view holds at least the first four bytes of what it is of.
        let may_be = |view: u128| {
            let first = (view >> 32) as u8;
            (first == self.0.mark || first == 0xEF) && view as u32 > 0
        };
        let views = records.views().iter().enumerate();
        let candidates = views.filter(|(_, view)| may_be(**view));
        candidates
            .filter(|(idx, _)| self.is_marked(records.value(*idx)))
            .map(|(idx, _)| idx as u32)
            .collect()
    }

    /// Takes a marked line; whether it says something new.
    pub fn push(&mut self, line: &[u8]) -> bool {
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let kind = kind_of(line);
        if kind.is_empty() {
            return false;
        }
        let known = self.0.lines.iter().position(|known| kind_of(known) == kind);
        if known.is_some_and(|known| *self.0.lines[known] == *line) {
            return false;
        }
        let lines = &mut Arc::make_mut(&mut self.0).lines;
        if let Some(known) = known {
            lines.remove(known);
        }
        if line.len() <= BYTES_MAX {
            lines.push(line.into());
        }
        while lines.len() > KINDS_MAX
            || lines.iter().map(|line| line.len()).sum::<usize>() > BYTES_MAX
        {
            lines.remove(0);
        }
        true
    }

    /// Takes the marked lines among some records.
    pub fn read(&mut self, records: &BinaryViewArray) {
        for idx in self.marked(records) {
            self.push(records.value(idx as usize));
        }
    }
}

/// The word behind a line's mark.
fn kind_of(line: &[u8]) -> &[u8] {
    let behind = line.get(1..).unwrap_or_default();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let len = behind.iter().take_while(|byte| is_word(byte)).count();
    &behind[..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Directives {
        let mut directives = Directives::new(b'#');
        directives.read(&BinaryViewArray::from_iter_values(lines));
        directives
    }

    fn shown(directives: &Directives) -> Vec<&str> {
        let text = |line| std::str::from_utf8(line).unwrap();
        directives.lines().map(text).collect()
    }

    #[test]
    fn the_last_directive_of_each_kind_is_kept() {
        let directives = read(&[
            "\u{FEFF}#Version: 1.0",
            "#Fields: date time",
            "2026-03-01 12:00:00",
            "",
            "# a comment",
            "#Fields: date time c-ip and many more",
        ]);
        assert_eq!(
            shown(&directives),
            ["#Version: 1.0", "#Fields: date time c-ip and many more"]
        );
        assert_eq!(directives.get("Version"), Some(b": 1.0".as_slice()));
        assert_eq!(directives.get("Field"), None);
    }

    #[test]
    fn a_directive_that_says_what_is_known_is_nothing_new() {
        let mut directives = read(&["#fields\tts"]);
        assert!(!directives.push(b"#fields\tts"));
        assert!(!directives.push(b"### a comment"));
        assert!(directives.push(b"#fields\tts\tuid"));
    }

    #[test]
    fn what_holds_behind_records_does_not_depend_on_how_they_are_cut() {
        let lines = ["#a 1", "x", "#b 1", "#a 2", "y", "#c", "#b 2"];
        for cut in 0..lines.len() {
            let mut directives = read(&lines[..cut]);
            directives.read(&BinaryViewArray::from_iter_values(&lines[cut..]));
            assert_eq!(directives, read(&lines), "cut at {cut}");
        }
    }

    #[test]
    fn many_kinds_and_large_directives_push_out_the_oldest() {
        let many: Vec<String> = (0..40).map(|i| format!("#kind{i} x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(shown(&read(&many))[0], "#kind8 x");
        let large = format!("#b {}", "x".repeat(BYTES_MAX - 5));
        assert_eq!(shown(&read(&["#a 123", &large])), [large.as_str()]);
        let too_large = format!("#a {}", "x".repeat(BYTES_MAX));
        assert_eq!(shown(&read(&["#a 123", &too_large])), [""; 0]);
    }
}
