//! Lines of a table, as the directives before them say.

use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Field;
use datashark_sdk::conf::nearest;
use datashark_sdk::input::{Directives, Payloads};

use super::escape::{hex, unescape};
use super::{KNOWN, names};
use crate::bits::{WIDTH, two_masks};
use crate::column::Column;
use crate::directives::Follow;
use crate::known_columns::find;
use crate::record::Record;
use crate::rows::quote;

/// What stands between fields where no `#separator` says so.
const SEPARATOR: u8 = b'\t';

/// A decoder's way through tables.
pub(super) struct Table {
    follow: Follow,
    asked: Vec<String>,
    /// How the lines at hand are read, or why they cannot be.
    layout: Result<Layout, String>,
    /// Where each field of the last line ends.
    ends: Vec<usize>,
    /// The last text that had its escapes resolved.
    plain: Vec<u8>,
}

/// How lines are read.
#[derive(Debug)]
struct Layout {
    separator: u8,
    unset: Box<[u8]>,
    empty: Box<[u8]>,
    n_fields: usize,
    /// The field of each asked column, where there is one.
    picked: Vec<Option<Picked>>,
}

#[derive(Debug, Clone, Copy)]
struct Picked {
    field_idx: usize,
    /// Whether it holds several values.
    is_container: bool,
}

impl Table {
    pub(super) fn new(mark: u8, columns: &[Field]) -> Self {
        let follow = Follow::new(mark);
        let asked: Vec<String> = columns.iter().map(|field| field.name().clone()).collect();
        Table {
            layout: Layout::read(follow.directives(), &asked),
            follow,
            asked,
            ends: Vec::new(),
            plain: Vec::new(),
        }
    }

    /// Goes to the start of a block; gives the records that are no directives.
    pub(super) fn start(&mut self, payloads: &Payloads) -> Option<BooleanBuffer> {
        if self.follow.start(payloads) {
            self.read_layout();
        }
        self.follow.others()
    }

    /// Goes on to a record.
    #[inline(always)]
    pub(super) fn reach(&mut self, record_idx: usize) {
        if self.follow.reach(record_idx) {
            self.read_layout();
        }
    }

    #[cold]
    fn read_layout(&mut self) {
        self.layout = Layout::read(self.follow.directives(), &self.asked);
    }

    /// Appends a line's values.
    #[inline]
    pub(super) fn parse(
        &mut self,
        record: &Record<'_>,
        columns: &mut [Column],
    ) -> Result<(), String> {
        let layout = self.layout.as_ref().map_err(Clone::clone)?;
        let text = record.bytes();
        let has_escapes = split(text, layout.separator, &mut self.ends);
        if self.ends.len() != layout.n_fields {
            let (expected, found) = (layout.n_fields, self.ends.len());
            return Err(format!("expected {expected} fields, found {found}"));
        }
        for ((picked, column), name) in layout.picked.iter().zip(columns).zip(&self.asked) {
            let Some(picked) = picked else {
                column.push_null();
                continue;
            };
            let start = match picked.field_idx {
                0 => 0,
                idx => self.ends[idx - 1] + 1,
            };
            let place = (start, self.ends[picked.field_idx]);
            let resolve = has_escapes && !picked.is_container;
            let plain = resolve.then_some(&mut self.plain);
            push(layout, record, place, plain, column, name)?;
        }
        Ok(())
    }
}

/// Appends a field's value; `plain` is room for one whose escapes are to be resolved.
#[inline]
fn push(
    layout: &Layout,
    record: &Record<'_>,
    (start, end): (usize, usize),
    plain: Option<&mut Vec<u8>>,
    column: &mut Column,
    name: &str,
) -> Result<(), String> {
    let value = &record.bytes()[start..end];
    if *value == *layout.unset {
        column.push_null();
        return Ok(());
    }
    let is_empty = value.is_empty() || *value == *layout.empty;
    let pushed = match (&mut *column, plain) {
        (Column::Text(text), _) if is_empty => {
            text.push(record, start, start);
            true
        }
        (column, _) if is_empty => {
            column.push_null();
            true
        }
        (column @ Column::Boolean(..), _) => column.push_made(boolean(value)),
        (column, Some(plain)) if memchr::memchr(b'\\', value).is_some() => {
            plain.clear();
            unescape(value, plain);
            column.push_made(plain)
        }
        (column, _) => column.push(record, start, end),
    };
    if pushed {
        return Ok(());
    }
    let (found, expected) = (quote(value), column.expects());
    Err(format!("`{name}` is {found}, expected {expected}"))
}

/// Zeek's booleans as words.
fn boolean(value: &[u8]) -> &[u8] {
    match value {
        b"T" => b"true",
        b"F" => b"false",
        other => other,
    }
}

/// Finds where the fields of a line end; whether there is a backslash in it.
#[inline]
fn split(text: &[u8], separator: u8, ends: &mut Vec<usize>) -> bool {
    ends.clear();
    let mut has_escapes = false;
    for base in (0..text.len()).step_by(WIDTH) {
        let (mut separators, backslashes) = two_masks(&text[base..], separator, b'\\');
        has_escapes |= backslashes != 0;
        while separators != 0 {
            ends.push(base + separators.trailing_zeros() as usize);
            separators &= separators - 1;
        }
    }
    ends.push(text.len());
    has_escapes
}

/// The separator that the directives name, or the usual one.
fn separator_of(directives: &Directives) -> Result<u8, String> {
    directives.get("separator").map_or(Ok(SEPARATOR), separator)
}

/// The fields that the directives name.
pub(super) fn fields_of(directives: &Directives) -> Vec<String> {
    let (Ok(separator), Some(fields)) = (separator_of(directives), directives.get("fields")) else {
        return Vec::new();
    };
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    values(fields, separator).into_iter().map(text).collect()
}

impl Layout {
    /// What the directives say of the asked columns.
    fn read(directives: &Directives, asked: &[String]) -> Result<Self, String> {
        let separator = separator_of(directives)?;
        let values = |kind: &str| Some(values(directives.get(kind)?, separator));
        let Some(fields) = values("fields") else {
            return Err("no `#fields` line stands before it, and it is no JSON object".to_owned());
        };
        let types = values("types").unwrap_or_default();
        let one = |kind: &str, default: &str| match values(kind) {
            Some(values) => values.concat().into(),
            None => default.as_bytes().into(),
        };
        let pick = |name: &String| pick(name, &fields, &types);
        Ok(Layout {
            separator,
            unset: one("unset_field", "-"),
            empty: one("empty_field", "(empty)"),
            n_fields: fields.len(),
            picked: asked.iter().map(pick).collect::<Result<_, _>>()?,
        })
    }
}

/// The field that a column is. One that formats share may be missing, the file's own may not.
fn pick(name: &str, fields: &[&[u8]], types: &[&[u8]]) -> Result<Option<Picked>, String> {
    let place = |name: &str| fields.iter().position(|field| *field == name.as_bytes());
    let found = names(&KNOWN, name).into_iter().find_map(place);
    if found.is_none() && find(&KNOWN, name).is_none() {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| String::from_utf8_lossy(field))
            .collect();
        return Err(match nearest(name, fields.iter().map(AsRef::as_ref)) {
            Some(near) => format!("the file has no field `{name}`, did you mean `{near}`?"),
            None => format!(
                "the file has no field `{name}`; it has {}",
                fields.join(", ")
            ),
        });
    }
    let picked = |field_idx: usize| {
        let field_type: &[u8] = types.get(field_idx).copied().unwrap_or_default();
        let is_container = field_type.starts_with(b"set[") || field_type.starts_with(b"vector[");
        Picked {
            field_idx,
            is_container,
        }
    };
    Ok(found.map(picked))
}

/// The separator that `#separator \x09` names.
fn separator(value: &[u8]) -> Result<u8, String> {
    let value = value.strip_prefix(b" ").unwrap_or(value).trim_ascii_end();
    let byte = match value {
        [one] => Some(*one),
        [_, _, _, _] => hex(value),
        _ => None,
    };
    match byte {
        Some(byte) if byte.is_ascii() && byte != 0 && byte != b'\\' => Ok(byte),
        _ => Err(format!(
            "the file's `#separator` is {}, expected one ASCII character as `\\x09`",
            quote(value)
        )),
    }
}

/// The values of a directive, which stand behind a separator each.
fn values(text: &[u8], separator: u8) -> Vec<&[u8]> {
    let is_separator = |byte: &u8| *byte == separator;
    // In front of the first one too.
    text.split(is_separator).skip(1).collect()
}
