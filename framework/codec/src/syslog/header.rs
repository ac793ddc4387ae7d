//! The header of a syslog line, which other formats may have in front, too.

use super::{facility, severity};
use crate::named::{Found, Value};
use crate::place::{Fault, Place, fault};
use crate::timestamp::device::time_len;

/// The highest priority: facility 23, severity 7.
const PRIORITY_MAX: i64 = 191;
/// Digits of a count of octets that are looked at.
const COUNT_DIGITS_MAX: usize = 9;

/// What a line says before its message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) priority: Option<i64>,
    /// Of RFC 5424.
    pub(crate) version: Option<i64>,
    pub(crate) time: Option<Place>,
    pub(crate) host: Option<Place>,
    pub(crate) process: Option<Place>,
    pub(crate) procid: Option<Place>,
    pub(crate) msgid: Option<Place>,
    pub(crate) structured_data: Option<Place>,
    /// Where the message starts.
    pub(crate) message: usize,
}

impl Header {
    /// The header of a line of RFC 5424 or RFC 3164, whichever it is. `found` takes the parameters
    /// of structured data.
    ///
    /// # Errors
    /// A line that is neither.
    #[inline]
    pub(crate) fn scan(text: &[u8], found: Option<&mut Found<'_>>) -> Result<Header, Fault> {
        let start = counted(text)?;
        let (priority, at) = match text.get(start) {
            Some(b'<') => priority(text, start)?,
            _ => (None, start),
        };
        match text.get(at..at + 2) {
            Some([version @ b'1'..=b'9', b' ']) if priority.is_some() && is_new(text, at + 2) => {
                let header = Header {
                    priority,
                    version: Some(i64::from(version - b'0')),
                    ..Header::default()
                };
                header.of_5424(text, at + 2, found)
            }
            _ => {
                let header = Header {
                    priority,
                    ..Header::default()
                };
                header.of_3164(text, at)
            }
        }
    }

    /// The header before a message of another format, which starts at `end`. What is no header is
    /// passed over.
    #[inline]
    pub(crate) fn before(text: &[u8], end: usize) -> Header {
        match text[..end].trim_ascii_end().len() {
            0 => Header {
                message: end,
                ..Header::default()
            },
            len => Header::scan(&text[..len], None).unwrap_or_default(),
        }
    }

    /// `TIMESTAMP HOST APP-NAME PROCID MSGID STRUCTURED-DATA MSG`.
    fn of_5424(
        mut self,
        text: &[u8],
        at: usize,
        found: Option<&mut Found<'_>>,
    ) -> Result<Header, Fault> {
        let (time, at) = word(text, at).ok_or(fault("a time or `-`", at))?;
        let is_time = time_len(time.of(text)) == Some(time.end - time.start);
        self.time = time.unless_dash(text);
        if self.time.is_some() && !is_time {
            return Err(fault("a time of RFC 3339 or `-`", time.start));
        }
        let (host, at) = word(text, at).ok_or(fault("a host or `-`", at))?;
        let (process, at) = word(text, at).ok_or(fault("an application or `-`", at))?;
        let (procid, at) = word(text, at).ok_or(fault("a process id or `-`", at))?;
        let (msgid, at) = word(text, at).ok_or(fault("a message id or `-`", at))?;
        self.host = host.unless_dash(text);
        self.process = process.unless_dash(text);
        self.procid = procid.unless_dash(text);
        self.msgid = msgid.unless_dash(text);
        let end = match text.get(at) {
            Some(b'-') => at + 1,
            _ => structured_data(text, at, found)?,
        };
        self.structured_data = Place::new(at, end).unless_dash(text);
        self.message = match text.get(end) {
            None => end,
            Some(b' ') => end + 1,
            Some(_) => return Err(fault("a space behind the structured data", end)),
        };
        if text[self.message..].starts_with(b"\xEF\xBB\xBF") {
            self.message += 3;
        }
        Ok(self)
    }

    /// `TIMESTAMP HOST TAG[PID]: MESSAGE`, of which all but the priority or the time may be
    /// missing.
    #[inline]
    fn of_3164(mut self, text: &[u8], at: usize) -> Result<Header, Fault> {
        // Cisco's EMBLEM has a colon between the priority and the time.
        let mut at = at + usize::from(self.priority.is_some() && text.get(at) == Some(&b':'));
        let time = time_at(text, at).or_else(|| self.cisco_time(text, at));
        match time {
            Some(time) => {
                self.time = Some(time);
                at = self.host_behind(text, time.end);
            }
            None if self.priority.is_none() => {
                return Err(fault("a priority in `<>` or a time", at));
            }
            None => {}
        }
        self.tag(text, at);
        Ok(self)
    }

    /// The time behind a sequence number, the host or both, as Cisco's IOS writes them:
    /// `17: host: Oct 11 22:14:15`.
    #[cold]
    fn cisco_time(&mut self, text: &[u8], at: usize) -> Option<Place> {
        let (mut name, mut at) = word(text, at)?;
        for _ in 0..2 {
            let named = Place::new(name.start, name.end - 1).unless_empty()?;
            if text[named.end] != b':' {
                return None;
            }
            if let Some(time) = time_at(text, at) {
                let is_number = named.of(text).iter().all(u8::is_ascii_digit);
                self.host = Some(named).filter(|_| !is_number);
                return Some(time);
            }
            (name, at) = word(text, at)?;
        }
        None
    }

    /// The host behind the time, and the place behind it. There is none where a colon follows the
    /// time or where the first word is a tag.
    #[inline]
    fn host_behind(&mut self, text: &[u8], at: usize) -> usize {
        if text.get(at) == Some(&b':') {
            return after_space(text, at + 1);
        }
        let mut at = after_space(text, at);
        if text.get(at) == Some(&b'<')
            && let Some((priority, end)) = named_priority(text, at)
        {
            self.priority = self.priority.or(Some(priority));
            at = after_space(text, end);
        }
        let Some((host, end)) = word(text, at) else {
            return at;
        };
        // `host=…` is of a message of keys and values.
        let is_other = matches!(text[host.end - 1], b':' | b']')
            || memchr::memchr2(b'[', b'=', host.of(text)).is_some();
        match is_other {
            true => at,
            false => {
                self.host = Some(host);
                // `host : %ASA-…`
                end + 2 * usize::from(text.get(end..end + 2) == Some(b": "))
            }
        }
    }

    /// The tag: a word with a colon, a process id in brackets or both behind it.
    #[inline]
    fn tag(&mut self, text: &[u8], at: usize) {
        self.message = at;
        let rest = &text[at..];
        let Some(len) = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b':' | b'[' | b'\t'))
            .filter(|len| *len > 0)
        else {
            return;
        };
        let mut end = at + len;
        let mut procid = None;
        if text[end] == b'[' {
            let Some(close) = memchr::memchr(b']', &text[end..]) else {
                return;
            };
            let inside = Place::new(end + 1, end + close);
            if inside.unless_empty().is_none() || inside.of(text).contains(&b' ') {
                return;
            }
            (procid, end) = (Some(inside), end + close + 1);
        }
        let has_colon = text.get(end) == Some(&b':');
        end += usize::from(has_colon);
        if (has_colon || procid.is_some()) && matches!(text.get(end), None | Some(b' ')) {
            self.process = Some(Place::new(at, at + len));
            self.procid = procid;
            self.message = after_space(text, end);
        }
    }

    /// Gives the time and the host to their columns where nothing of the message did.
    #[inline]
    pub(crate) fn set_first(
        &self,
        found: &mut Found<'_>,
        time: impl Into<usize>,
        host: impl Into<usize>,
    ) {
        found.set_first(time, self.time.map_or(Value::Missing, Value::Time));
        found.set_first(host, self.host);
    }
}

/// Where the line starts behind a count of its octets (RFC 6587): `42 <13>…`. The count may take in
/// the line end that was cut off.
#[inline]
fn counted(text: &[u8]) -> Result<usize, Fault> {
    let n_digits = text
        .iter()
        .take(COUNT_DIGITS_MAX)
        .take_while(|byte| byte.is_ascii_digit());
    let n_digits = n_digits.count();
    if n_digits == 0 || !text[n_digits..].starts_with(b" <") {
        return Ok(0);
    }
    let start = n_digits + 1;
    let count = text[..n_digits].iter();
    let count = count.fold(0, |count, digit| count * 10 + usize::from(digit - b'0'));
    match (text.len() - start..=text.len() - start + 2).contains(&count) {
        true => Ok(start),
        false => Err(fault("a count of the octets behind it", 0)),
    }
}

/// `<34>` at `at`, and the place behind it.
#[inline]
fn priority(text: &[u8], at: usize) -> Result<(Option<i64>, usize), Fault> {
    let digits = &text[at + 1..];
    let n_digits = digits
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let value = digits[..n_digits].iter();
    let value = value.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    match digits.get(n_digits) {
        Some(b'>') if n_digits > 0 && value <= PRIORITY_MAX => Ok((Some(value), at + n_digits + 2)),
        _ => Err(fault("a priority from 0 to 191 in `<>`", at)),
    }
}

/// `<auth.info>` at `at`, as BSD's syslogd writes it with `-v`, and the place behind it.
fn named_priority(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let end = at + memchr::memchr(b'>', text.get(at..at + 24).unwrap_or(&text[at..]))?;
    let dot = at + memchr::memchr(b'.', &text[at..end])?;
    let facility = facility::code(&text[at + 1..dot])?;
    let severity = severity::code(&text[dot + 1..end])?;
    Some((facility * 8 + severity, end + 1))
}

/// Whether what stands behind `<PRI>VERSION ` is a time as RFC 5424 has it.
#[inline]
fn is_new(text: &[u8], at: usize) -> bool {
    match text.get(at) {
        Some(b'-') => true,
        Some(byte) => byte.is_ascii_digit() && text.get(at + 4) == Some(&b'-'),
        None => false,
    }
}

/// The time at `at`, behind the mark that Cisco sets where its clock is not.
#[inline]
fn time_at(text: &[u8], at: usize) -> Option<Place> {
    let start = at + usize::from(matches!(text.get(at), Some(b'*' | b'.')));
    let end = start + time_len(text.get(start..)?)?;
    let one_word = !text[start].is_ascii_digit() || text.get(start + 10) != Some(&b' ');
    let ends = matches!(text.get(end), None | Some(b' ' | b':'));
    (one_word && ends).then_some(Place::new(start, end))
}

/// The word at `at` and the place behind the space that follows it.
#[inline]
fn word(text: &[u8], at: usize) -> Option<(Place, usize)> {
    let rest = text.get(at..)?;
    let len = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let next = (at + len + 1).min(text.len());
    (len > 0).then_some((Place::new(at, at + len), next))
}

#[inline]
fn after_space(text: &[u8], at: usize) -> usize {
    at + usize::from(text.get(at) == Some(&b' '))
}

/// The end of the elements `[ID NAME="VALUE" …]` at `at`.
fn structured_data(
    text: &[u8],
    at: usize,
    mut found: Option<&mut Found<'_>>,
) -> Result<usize, Fault> {
    if text.get(at) != Some(&b'[') {
        return Err(fault("structured data or `-`", at));
    }
    let mut at = at;
    while text.get(at) == Some(&b'[') {
        let id = name(text, at + 1).ok_or(fault("the name of an element", at + 1))?;
        at = id.end;
        while text.get(at) == Some(&b' ') {
            let key = name(text, at + 1).ok_or(fault("the name of a parameter", at + 1))?;
            if !text[key.end..].starts_with(b"=\"") {
                return Err(fault("`=` and a value in quotes", key.end));
            }
            let start = key.end + 2;
            let (len, escaped) =
                quoted_len(&text[start..]).ok_or(fault("the end of a value", text.len()))?;
            let place = Place::new(start, start + len);
            if let Some(found) = found.as_deref_mut() {
                let value = if escaped {
                    Value::Escaped(place)
                } else {
                    Value::At(place)
                };
                found.other(key.of(text), value);
                found.other_of(id.of(text), key.of(text), value);
            }
            at = place.end + 1;
        }
        if text.get(at) != Some(&b']') {
            return Err(fault("the end of an element", at));
        }
        at += 1;
    }
    Ok(at)
}

/// A name of structured data at `at`.
#[inline]
fn name(text: &[u8], at: usize) -> Option<Place> {
    let rest = text.get(at..)?;
    let is_end = |byte: &u8| matches!(byte, b' ' | b'=' | b']' | b'"');
    let len = rest.iter().position(is_end)?;
    Place::new(at, at + len).unless_empty()
}

/// How long a value is up to the quote that ends it, and whether it holds escapes.
#[inline]
fn quoted_len(text: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut escaped = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}
