//! What the formats share whose records are named values: columns that are known before, and any
//! other name that a record happens to have.
//!
//! A format is a [`Scan`]: it walks over a record once and says where each value stands
//! ([`Found::set`], [`Found::other`]). A value becomes what its column's type wants only if the
//! column is asked for.

mod format;
mod names;
mod transport;

use arrow::datatypes::{Field, Fields, SchemaRef};
use datashark_sdk::input::Payloads;

use crate::column::Column;
use crate::found;
use crate::known_columns::Kind;
use crate::place::{Fault, Place};
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::timestamp::TimestampFormat;
use crate::timestamp::device::Times;
use crate::{CodecError, Decoded, Decoder};
pub(crate) use format::NamedFormat;
use names::Names;
pub(crate) use transport::transport;

/// Digits that 2^64 and its sign take at most.
const NUMBER_BYTES_MAX: usize = 20;

/// A known column: its name and type. Its place in the format's list is its slot.
pub(crate) type Known = (&'static str, Kind);

/// Lists a format's known columns, `Slot: Type = "name"`, as the enum `Slot` and the list `KNOWN`.
macro_rules! known_columns {
    ($($slot:ident: $kind:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Slot {
            $($slot,)*
        }

        impl From<Slot> for usize {
            #[inline]
            fn from(slot: Slot) -> usize {
                slot as usize
            }
        }

        const KNOWN: &[$crate::named::Known] = &[$(($name, $crate::known_columns::Kind::$kind),)*];
    };
}
pub(crate) use known_columns;

/// The known columns as a format gives them.
pub(crate) fn fields(known: &[Known]) -> Fields {
    known.iter().map(|(name, kind)| kind.field(name)).collect()
}

/// A value of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Value {
    /// There is none.
    #[default]
    Missing,
    /// What stands there.
    At(Place),
    /// The time that stands there.
    Time(Place),
    /// What stands there, without the escapes of the format.
    Escaped(Place),
    /// A word that does not stand in the record.
    Word(&'static str),
    /// A number that does not stand in the record.
    Number(i64),
}

impl From<Place> for Value {
    #[inline]
    fn from(place: Place) -> Self {
        Value::At(place)
    }
}

impl From<Option<Place>> for Value {
    #[inline]
    fn from(place: Option<Place>) -> Self {
        place.map_or(Value::Missing, Value::At)
    }
}

/// A format whose records are named values.
pub(crate) trait Scan: Send {
    /// Its known columns, in the order of their slots.
    const KNOWN: &'static [Known];

    /// Finds the values of a record.
    ///
    /// # Errors
    /// What the record lacks.
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault>;

    /// Appends a value of [`Value::Escaped`] without its escapes.
    fn unescape(text: &[u8], plain: &mut Vec<u8>) {
        plain.extend_from_slice(text);
    }
}

/// The values of a record as they are found.
#[derive(Debug)]
pub(crate) struct Found<'f> {
    known: &'f mut [Value],
    others: &'f mut [Value],
    names: &'f Names,
    /// All names of the record, for a look at a log.
    noted: Option<&'f mut Vec<(String, Value)>>,
}

impl Found<'_> {
    /// The value of a known column; the last one counts.
    #[inline]
    pub(crate) fn set(&mut self, slot: impl Into<usize>, value: impl Into<Value>) {
        self.known[slot.into()] = value.into();
    }

    /// The value of a known column if it has none yet.
    #[inline]
    pub(crate) fn set_first(&mut self, slot: impl Into<usize>, value: impl Into<Value>) {
        let known = &mut self.known[slot.into()];
        if *known == Value::Missing {
            *known = value.into();
        }
    }

    /// A value by the name that the record has for it; the first one counts.
    #[inline]
    pub(crate) fn other(&mut self, name: &[u8], value: impl Into<Value>) {
        let value = value.into();
        if let Some(noted) = &mut self.noted {
            noted.push((String::from_utf8_lossy(name).into_owned(), value));
        }
        if let Some(idx) = self.names.find(name)
            && self.others[idx] == Value::Missing
        {
            self.others[idx] = value;
        }
    }

    /// As [`Found::other`], for the name `group.name`.
    #[inline]
    pub(crate) fn other_of(&mut self, group: &[u8], name: &[u8], value: Value) {
        if let Some(noted) = &mut self.noted {
            let (group, name) = (
                String::from_utf8_lossy(group),
                String::from_utf8_lossy(name),
            );
            noted.push((format!("{group}.{name}"), value));
        }
        if let Some(idx) = self.names.find_in(group, name)
            && self.others[idx] == Value::Missing
        {
            self.others[idx] = value;
        }
    }
}

/// The known columns, and the names of the first records but those whose value a known column has.
pub(crate) fn found_columns<S: Scan>(scan: &S, payloads: &Payloads) -> Vec<Field> {
    let names = Names::default();
    let mut others: Vec<String> = Vec::new();
    for record in payloads.records.iter().flatten().take(found::N_RECORDS) {
        let mut known = vec![Value::Missing; S::KNOWN.len()];
        let mut noted = Vec::new();
        let mut found = Found {
            known: &mut known,
            others: &mut [],
            names: &names,
            noted: Some(&mut noted),
        };
        if scan.scan(record, &mut found).is_err() {
            continue;
        }
        let stands_at = |value: &Value| match value {
            Value::At(place) | Value::Time(place) | Value::Escaped(place) => Some(*place),
            Value::Missing | Value::Word(_) | Value::Number(_) => None,
        };
        for (name, value) in noted {
            let place = stands_at(&value);
            let is_known = place.is_some() && known.iter().any(|known| stands_at(known) == place);
            if !is_known && !others.contains(&name) {
                others.push(name);
            }
        }
    }
    found::columns(&fields(S::KNOWN), others, |_| false)
}

/// Where the value of an asked column is.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Known(usize),
    Other(usize),
}

/// The decoder of such a format.
pub(crate) struct NamedDecoder<S> {
    rows: Rows,
    parser: Parser<S>,
}

impl<S: Scan> NamedDecoder<S> {
    /// A decoder of these columns.
    ///
    /// # Errors
    /// A type that no text has.
    pub(crate) fn try_new(
        format: &'static str,
        scan: S,
        times: Times,
        columns: &[Field],
    ) -> Result<Self, CodecError> {
        let mut names = Names::default();
        let asked = columns.iter().map(|field| {
            let known = S::KNOWN.iter().position(|(name, _)| name == field.name());
            let slot = match known {
                Some(slot) => Slot::Known(slot),
                None => Slot::Other(names.add(field.name())),
            };
            (field.name().clone(), slot)
        });
        let asked = asked.collect();
        Ok(NamedDecoder {
            rows: Rows::try_new(format, columns)?,
            parser: Parser {
                scan,
                asked,
                known: vec![Value::Missing; S::KNOWN.len()],
                others: vec![Value::Missing; names.len()],
                names,
                texts: Texts {
                    times,
                    plain: Vec::new(),
                },
            },
        })
    }
}

impl<S: Scan> Decoder for NamedDecoder<S> {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.parser, payloads, None)
    }
}

struct Parser<S> {
    scan: S,
    asked: Vec<(String, Slot)>,
    known: Vec<Value>,
    others: Vec<Value>,
    names: Names,
    texts: Texts,
}

impl<S: Scan> Parse for Parser<S> {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let text = record.bytes();
        self.known.fill(Value::Missing);
        self.others.fill(Value::Missing);
        let mut found = Found {
            known: &mut self.known,
            others: &mut self.others,
            names: &self.names,
            noted: None,
        };
        if let Err(fault) = self.scan.scan(text, &mut found) {
            return Err(fault.reason(text));
        }
        for ((name, slot), column) in self.asked.iter().zip(columns) {
            let value = match slot {
                Slot::Known(slot) => self.known[*slot],
                Slot::Other(idx) => self.others[*idx],
            };
            self.texts
                .push(value, record, column, S::unescape)
                .map_err(|misfit| format!("`{name}` is {misfit}"))?;
        }
        Ok(())
    }
}

/// Turns values into what a column holds.
struct Texts {
    times: Times,
    /// The last text that does not stand in the record.
    plain: Vec<u8>,
}

impl Texts {
    #[inline]
    fn push(
        &mut self,
        value: Value,
        record: &Record<'_>,
        column: &mut Column,
        unescape: fn(&[u8], &mut Vec<u8>),
    ) -> Result<(), String> {
        match value {
            Value::Missing => column.push_null(),
            Value::At(place) => return shared(place, record, column),
            Value::Time(place) => return self.time(place, record, column),
            Value::Escaped(place) => {
                self.plain.clear();
                unescape(place.of(record.bytes()), &mut self.plain);
                return copied(&self.plain, column);
            }
            Value::Word(word) => return copied(word.as_bytes(), column),
            Value::Number(number) => match column {
                Column::Int(numbers) => numbers.push(Some(number)),
                _ => {
                    self.plain.clear();
                    push_digits(number, &mut self.plain);
                    return copied(&self.plain, column);
                }
            },
        }
        Ok(())
    }

    #[inline]
    fn time(
        &mut self,
        place: Place,
        record: &Record<'_>,
        column: &mut Column,
    ) -> Result<(), String> {
        let Column::Time(numbers, format) = column else {
            return shared(place, record, column);
        };
        if *format != TimestampFormat::default() {
            return shared(place, record, column); // The conf says how these are written.
        }
        let text = place.of(record.bytes());
        let micros = match text {
            [] => None,
            _ => Some(self.times.micros(text)?),
        };
        numbers.push(micros);
        Ok(())
    }
}

/// Appends what stands in the record; nothing there is null, but for text.
#[inline]
fn shared(place: Place, record: &Record<'_>, column: &mut Column) -> Result<(), String> {
    let Place { start, end } = place;
    if start == end && !matches!(column, Column::Text(_)) {
        column.push_null();
        return Ok(());
    }
    match column.push(record, start, end) {
        true => Ok(()),
        false => Err(misfit(place.of(record.bytes()), column)),
    }
}

#[inline]
fn copied(text: &[u8], column: &mut Column) -> Result<(), String> {
    match column.push_made(text) {
        true => Ok(()),
        false => Err(misfit(text, column)),
    }
}

#[cold]
fn misfit(text: &[u8], column: &Column) -> String {
    format!("{}, expected {}", quote(text), column.expects())
}

fn push_digits(number: i64, plain: &mut Vec<u8>) {
    let mut digits = [0; NUMBER_BYTES_MAX];
    let (mut at, mut rest) = (digits.len(), number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        plain.push(b'-');
    }
    plain.extend_from_slice(&digits[at..]);
}
