//! Columns that several formats share under one name, where a format has names of its own for
//! them: `source_ip` is Zeek's `id.orig_h` and Suricata's `src_ip`.

use arrow::datatypes::{DataType, Field, Fields};

use crate::column::micros_utc;

/// A shared column of a format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownColumn {
    /// The name that all formats share.
    pub(crate) name: &'static str,
    kind: Kind,
    /// The format's own names of it, best first.
    pub(crate) of: &'static [&'static str],
}

/// The type of a column that is known before a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// An integer.
    Integer,
    /// A number with a fraction.
    Float,
    /// A time.
    Time,
}

impl Kind {
    /// A column of this type, which may have nulls.
    pub(crate) fn field(self, name: &str) -> Field {
        let data_type = match self {
            Kind::Text => DataType::Utf8View,
            Kind::Integer => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Time => micros_utc(),
        };
        Field::new(name, data_type, true)
    }
}

/// A column of text.
pub(crate) const fn text(name: &'static str, of: &'static [&'static str]) -> KnownColumn {
    let kind = Kind::Text;
    KnownColumn { name, kind, of }
}

/// A column of integers.
pub(crate) const fn integer(name: &'static str, of: &'static [&'static str]) -> KnownColumn {
    let kind = Kind::Integer;
    KnownColumn { name, kind, of }
}

/// A column of numbers with a fraction.
pub(crate) const fn float(name: &'static str, of: &'static [&'static str]) -> KnownColumn {
    let kind = Kind::Float;
    KnownColumn { name, kind, of }
}

/// A column of times.
pub(crate) const fn time(name: &'static str, of: &'static [&'static str]) -> KnownColumn {
    let kind = Kind::Time;
    KnownColumn { name, kind, of }
}

/// The columns with their types.
pub(crate) fn fields(known: &[KnownColumn]) -> Fields {
    let field = |column: &KnownColumn| column.kind.field(column.name);
    known.iter().map(field).collect()
}

/// The column of this name.
pub(crate) fn find(known: &'static [KnownColumn], name: &str) -> Option<&'static KnownColumn> {
    known.iter().find(|column| column.name == name)
}

/// The names that a column may have in a record, best first: its own, then those it is known by.
pub(crate) fn names<'a>(known: &'static [KnownColumn], name: &'a str) -> Vec<&'a str> {
    let others = find(known, name).map_or(&[][..], |column| column.of);
    std::iter::once(name)
        .chain(others.iter().copied())
        .collect()
}
