//! The fields of one line of an access log, by their places.

use crate::place::{Fault, Place, fault};

/// A line's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) source: Place,
    pub(super) user: Place,
    pub(super) time: Place,
    pub(super) request: Place,
    pub(super) status: i64,
    pub(super) size: Option<i64>,
    pub(super) referrer: Option<Place>,
    pub(super) agent: Option<Place>,
}

/// The three parts of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestParts {
    pub(super) method: Place,
    pub(super) url: Place,
    pub(super) version: Place,
}

/// Bytes of `10/Oct/2000:13:55:36 -0700`.
const TIME_BYTES: usize = 26;
/// Bytes of `" 200 `.
const STATUS_BYTES: usize = 6;

impl Line {
    /// Finds the fields of a line.
    ///
    /// # Errors
    /// The first thing that is not as it should be.
    #[inline]
    pub(super) fn parse(text: &[u8]) -> Result<Line, Fault> {
        let (start, end) = unwrapped(text);
        let text = &text[..end];
        let source = Place {
            start,
            end: space(text, start).ok_or(fault("a host", start))?,
        };
        let (user, time_start) = user(text, source.end)?;
        let time = Place {
            start: time_start,
            end: time_start + TIME_BYTES,
        };
        if text
            .get(time.end..)
            .is_none_or(|rest| !rest.starts_with(b"] \""))
        {
            return Err(fault(
                "a time in brackets and a request in quotes",
                time_start,
            ));
        }
        let (request, status) = request(text, time.end + 2)?;
        let (size, at) = size(text, request.end + STATUS_BYTES)?;
        let mut line = Line {
            source,
            user,
            time,
            request,
            status,
            size,
            referrer: None,
            agent: None,
        };
        line.trailer(text, at)?;
        Ok(line)
    }

    /// Referrer and user agent, both or neither.
    #[inline]
    fn trailer(&mut self, text: &[u8], at: usize) -> Result<(), Fault> {
        match text.get(at..) {
            None | Some([]) => return Ok(()),
            Some([b' ', b'"', ..]) => {}
            Some([b' ', ..]) => return Ok(()),
            Some(_) => return Err(fault("a space", at)),
        }
        let referrer = quoted(text, at + 1).ok_or(fault("the end of the referrer", text.len()))?;
        let at = referrer.end + 1;
        if text.get(at..).is_none_or(|rest| !rest.starts_with(b" \"")) {
            return Err(fault("a user agent in quotes", at));
        }
        let agent = quoted(text, at + 1).ok_or(fault("the end of the user agent", text.len()))?;
        if text.get(agent.end + 1).is_some_and(|byte| *byte != b' ') {
            return Err(fault("a space", agent.end + 1));
        }
        (self.referrer, self.agent) = (Some(referrer), Some(agent));
        Ok(())
    }

    /// The parts of a request of the form `METHOD URL HTTP/VERSION`.
    #[inline]
    pub(super) fn request_parts(&self, text: &[u8]) -> Option<RequestParts> {
        let Place { start, end } = self.request;
        let method_end = space(&text[..end], start)?;
        let named = text[start..method_end].iter().all(u8::is_ascii_alphabetic);
        let url_end = start + memchr::memrchr(b' ', &text[start..end])?;
        let version = text[url_end + 1..end].strip_prefix(b"HTTP/")?;
        let url = Place {
            start: method_end + 1,
            end: url_end,
        };
        let formed = named
            && method_end > start
            && url.end > url.start
            && !version.is_empty()
            && memchr::memchr(b' ', &text[url.start..url.end]).is_none();
        formed.then_some(RequestParts {
            method: Place {
                start,
                end: method_end,
            },
            url,
            version: Place {
                start: end - version.len(),
                end,
            },
        })
    }
}

/// Where the line lies: without one pair of double quotes around all of it.
#[inline]
fn unwrapped(text: &[u8]) -> (usize, usize) {
    match text {
        [b'"', .., b'"'] => (1, text.len() - 1),
        _ => (0, text.len()),
    }
}

/// The user, and where the time starts. The identity before the user is passed over.
#[inline]
fn user(text: &[u8], source_end: usize) -> Result<(Place, usize), Fault> {
    let missing = || fault("an identity, a user and a time", source_end);
    let rest = &text[source_end..];
    if rest.starts_with(b" - - [") {
        return Ok((
            Place {
                start: source_end + 3,
                end: source_end + 4,
            },
            source_end + 6,
        ));
    }
    let identity_end = space(text, source_end + 1).ok_or_else(missing)?;
    let start = identity_end + 1;
    let mut at = start;
    loop {
        let bracket = at + memchr::memchr(b'[', &text[at..]).ok_or_else(missing)?;
        if bracket > start && text[bracket - 1] == b' ' {
            if text[start..bracket].starts_with(b"- ") && bracket - start > 2 {
                return Err(fault("a time behind the user `-`", start + 2));
            }
            return Ok((
                Place {
                    start,
                    end: bracket - 1,
                },
                bracket + 1,
            ));
        }
        at = bracket + 1;
    }
}

/// The place between the quotes of a field whose opening quote stands at `open`.
#[inline]
fn quoted(text: &[u8], open: usize) -> Option<Place> {
    let start = open + 1;
    let mut at = start;
    loop {
        let end = at + memchr::memchr(b'"', text.get(at..)?)?;
        let backslashes = text[start..end]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if backslashes % 2 == 0 {
            return Some(Place { start, end });
        }
        at = end + 1;
    }
}

/// The request in quotes at `open` and the status behind it. A quote that no status follows is of
/// the request: not every server escapes them.
#[inline]
fn request(text: &[u8], open: usize) -> Result<(Place, i64), Fault> {
    let mut request = quoted(text, open).ok_or(fault("the end of the request", text.len()))?;
    let first_end = request.end;
    loop {
        if let Some(status) = status(text, request.end) {
            return Ok((request, status));
        }
        match quoted(text, request.end) {
            Some(longer) => request.end = longer.end,
            None => return Err(fault("a status of three digits and a size", first_end + 1)),
        }
    }
}

/// The status of `" 200 ` at `at`.
#[inline]
fn status(text: &[u8], at: usize) -> Option<i64> {
    match text.get(at..at + STATUS_BYTES) {
        Some(
            [
                b'"',
                b' ',
                a @ b'0'..=b'9',
                b @ b'0'..=b'9',
                c @ b'0'..=b'9',
                b' ',
            ],
        ) => {
            let digit = |byte: &u8| i64::from(byte - b'0');
            Some(100 * digit(a) + 10 * digit(b) + digit(c))
        }
        _ => None,
    }
}

/// The size at `at`, and the place behind it.
#[inline]
fn size(text: &[u8], at: usize) -> Result<(Option<i64>, usize), Fault> {
    const DIGITS_MAX: usize = 18;
    if text.get(at) == Some(&b'-') {
        return Ok((None, at + 1));
    }
    let rest = text.get(at..).unwrap_or_default();
    let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if n_digits == 0 || n_digits > DIGITS_MAX {
        return Err(fault("a size in bytes or `-`", at));
    }
    let digits = rest[..n_digits].iter();
    let size = digits.fold(0, |size, byte| size * 10 + i64::from(byte - b'0'));
    Ok((Some(size), at + n_digits))
}

/// The next space, behind at least one other byte.
#[inline]
fn space(text: &[u8], from: usize) -> Option<usize> {
    let n = memchr::memchr(b' ', text.get(from..)?)?;
    (n > 0).then_some(from + n)
}
