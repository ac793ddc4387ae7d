//! A record to its fields.
//!
//! The separators of a record without quotes are found 64 bytes at a time. Where there are quotes,
//! fields that stand in the record as they are, in quotes or not, are found one by one; as soon as
//! one does not (doubled quotes, or text behind the closing one), the whole record goes through
//! `csv_core`, whose reading of quotes is what counts.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::bits::{WIDTH, two_masks};
use crate::place::Place;

/// What ends a record for `csv_core`; a byte that UTF-8 does not have.
const END: &[u8] = b"\xFF";

/// Splits records. Not `Clone`, since a clone of `csv_core`'s reader (0.1.13) reads nothing.
#[derive(Debug)]
pub(super) struct Splitter {
    separator: u8,
    quote: u8,
    reader: Box<Reader>,
    ends: Vec<usize>,
}

const UNCLOSED: &str = "a quote is not closed";

impl Splitter {
    /// A splitter at `separator`, with fields optionally between `quote`s.
    pub(super) fn new(separator: u8, quote: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder
            .delimiter(separator)
            .quote(quote)
            .terminator(Terminator::Any(END[0]));
        Splitter {
            separator,
            quote,
            reader: Box::new(builder.build()),
            ends: Vec::new(),
        }
    }

    /// Finds the fields of `record`. `true`: their places are in the record; `false`: in
    /// `unquoted`.
    ///
    /// # Errors
    /// A quote that is not closed.
    #[inline]
    pub(super) fn split(
        &mut self,
        record: &[u8],
        places: &mut Vec<Place>,
        unquoted: &mut Vec<u8>,
    ) -> Result<bool, String> {
        if self.split_unquoted(record, places) {
            return Ok(true);
        }
        places.clear();
        let mut start = 0;
        loop {
            let place = if record.get(start) == Some(&self.quote) {
                match self.quoted(record, start + 1) {
                    Some(place) => place,
                    None => return self.split_by_core(record, places, unquoted),
                }
            } else {
                let rest = &record[start..];
                let end = memchr::memchr(self.separator, rest).map_or(record.len(), |n| start + n);
                Place { start, end }
            };
            places.push(place);
            let behind = place.end + usize::from(place.start > start);
            if behind >= record.len() {
                return Ok(true);
            }
            start = behind + 1;
        }
    }

    /// Finds the fields of a record without quotes; `false` where there is one.
    #[inline]
    fn split_unquoted(&self, record: &[u8], places: &mut Vec<Place>) -> bool {
        places.clear();
        let mut start = 0;
        for base in (0..record.len()).step_by(WIDTH) {
            let (mut separators, quotes) = two_masks(&record[base..], self.separator, self.quote);
            if quotes != 0 {
                return false;
            }
            while separators != 0 {
                let end = base + separators.trailing_zeros() as usize;
                separators &= separators - 1;
                places.push(Place { start, end });
                start = end + 1;
            }
        }
        places.push(Place {
            start,
            end: record.len(),
        });
        true
    }

    /// The field behind an opening quote, if its text ends at the next quote.
    #[inline]
    fn quoted(&self, record: &[u8], start: usize) -> Option<Place> {
        let end = start + memchr::memchr(self.quote, &record[start..])?;
        let behind = record.get(end + 1);
        behind
            .is_none_or(|byte| *byte == self.separator)
            .then_some(Place { start, end })
    }

    fn split_by_core(
        &mut self,
        record: &[u8],
        places: &mut Vec<Place>,
        unquoted: &mut Vec<u8>,
    ) -> Result<bool, String> {
        self.reader.reset();
        // What is read first could be a byte order mark; this is not, and is passed over.
        self.reader.read_record(END, &mut [0], &mut [0]);
        unquoted.resize(record.len() + 1, 0);
        self.ends.resize(record.len() + 1, 0);
        let (mut n_out, mut n_ends) = (0, 0);
        for input in [record, END] {
            let (result, _, n_bytes, n_fields) =
                self.reader
                    .read_record(input, &mut unquoted[n_out..], &mut self.ends[n_ends..]);
            n_out += n_bytes;
            n_ends += n_fields;
            if matches!(result, ReadRecordResult::Record) {
                break;
            }
            if input == END {
                return Err(UNCLOSED.to_owned()); // The end was taken for text in quotes.
            }
        }
        places.clear();
        let mut start = 0;
        for end in &self.ends[..n_ends] {
            places.push(Place { start, end: *end });
            start = *end;
        }
        Ok(false)
    }
}
