//! A line to its parts.

use crate::place::Place;
use crate::rows::quote;
use crate::scalar;

/// Nanoseconds of a millisecond.
const NANOS: i64 = 1_000_000;

/// A line's parts; what it lacks is empty.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) micros: i64,
    pub(super) duration_ns: i64,
    pub(super) source: Place,
    pub(super) action: Place,
    pub(super) status: Option<i64>,
    pub(super) size: Option<i64>,
    pub(super) method: Place,
    pub(super) url: Place,
    pub(super) user: Place,
    pub(super) peer_status: Place,
    pub(super) peer: Place,
    pub(super) mime_type: Place,
}

/// What was expected, and where something else stands.
#[derive(Debug)]
pub(super) struct Fault {
    expected: &'static str,
    at: Place,
}

impl Fault {
    /// The reason, for a person.
    #[cold]
    pub(super) fn reason(&self, text: &[u8]) -> String {
        let found = match self.at.of(text) {
            b"" => "the end of the line".to_owned(),
            found => quote(found),
        };
        format!("expected {}, found {found}", self.expected)
    }
}

impl Line {
    /// The parts of a line.
    #[inline]
    pub(super) fn parse(text: &[u8]) -> Result<Line, Fault> {
        let mut fields = Fields { text, at: 0 };
        let time = fields.next();
        let micros = scalar::epoch(time.of(text), Some(6)).filter(|_| is_decimal(time.of(text)));
        let micros = micros.ok_or(fault("seconds since 1970", time))?;
        let duration = fields.next();
        let duration_ns = scalar::int(duration.of(text)).and_then(|ms| ms.checked_mul(NANOS));
        let duration_ns = duration_ns.ok_or(fault("milliseconds", duration))?;
        let source = fields.some("a client")?;
        let result = fields.next();
        let (action, status) =
            in_two(text, result).ok_or(fault("a result such as `TCP_MISS/200`", result))?;
        let status = number(text, status).ok_or(fault("a status code", status))?;
        let size = fields.next();
        let size = number(text, size).ok_or(fault("a number of bytes", size))?;
        let method = fields.some("a method")?;
        let url = fields.some("a URL")?;
        let mut user = fields.some("a user")?;
        loop {
            let peer = fields.some("a server such as `HIER_DIRECT/192.0.2.1`")?;
            let parts = in_two(text, peer).filter(|(status, _)| is_status(status.of(text)));
            if let Some((peer_status, peer)) = parts {
                return Ok(Line {
                    micros,
                    duration_ns,
                    source,
                    action,
                    status,
                    size,
                    method,
                    url,
                    user,
                    peer_status,
                    peer,
                    mime_type: fields.next(),
                });
            }
            user.end = peer.end;
        }
    }
}

fn fault(expected: &'static str, at: Place) -> Fault {
    Fault { expected, at }
}

/// Seconds, with a fraction or without: not every number that a time may be written as.
fn is_decimal(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// The parts before and behind the first `/`, neither of them empty.
fn in_two(text: &[u8], place: Place) -> Option<(Place, Place)> {
    let slash = place.start + memchr::memchr(b'/', place.of(text))?;
    let Place { start, end } = place;
    let behind = Place {
        start: slash + 1,
        end,
    };
    (slash > start && slash + 1 < end).then_some((Place { start, end: slash }, behind))
}

/// A number that may be missing; none where it is no number.
fn number(text: &[u8], place: Place) -> Option<Option<i64>> {
    match place.of(text) {
        b"-" => Some(None),
        digits => scalar::int(digits).map(Some),
    }
}

/// Whether a text is one of Squid's words for how a server was found.
fn is_status(text: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    text[0].is_ascii_uppercase() && text.iter().all(is_word)
}

/// Fields between spaces.
struct Fields<'a> {
    text: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    /// The next field; empty at the end.
    #[inline]
    fn next(&mut self) -> Place {
        let mut start = self.at;
        while self.text.get(start) == Some(&b' ') {
            start += 1;
        }
        let rest = &self.text[start..];
        let end = start + memchr::memchr(b' ', rest).unwrap_or(rest.len());
        self.at = end;
        Place { start, end }
    }

    /// The next field, which has to be there.
    #[inline]
    fn some(&mut self, expected: &'static str) -> Result<Place, Fault> {
        let place = self.next();
        if place.start == place.end {
            return Err(Fault {
                expected,
                at: place,
            });
        }
        Ok(place)
    }
}
