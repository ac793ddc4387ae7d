//! `logfmt`: `key=value` with spaces between, with or without a syslog header in front.
//!
//! ```text
//! time=2026-10-11T22:14:15Z level=info msg="a text" src=192.0.2.1 cached
//! ```
//!
//! | column | type | of the first there is of |
//! |---|---|---|
//! | `timestamp` | time | `eventtime`, then `timestamp`, `ts`, `time`, `t`, then the syslog header's time |
//! | `host_name` | text | the syslog header's host, `hostname`, `host`, `devname` |
//! | `log_level` | text | `level`, `lvl` |
//! | `message` | text | `msg`, `message` |
//! | `error_message` | text | `err`, `error` |
//! | `event_action` | text | `action` |
//! | `source_ip` | text | `srcip`, `src_ip`, `src` |
//! | `source_port` | integer | `srcport`, `src_port`, `sport` |
//! | `destination_ip` | text | `dstip`, `dst_ip`, `dst` |
//! | `destination_port` | integer | `dstport`, `dst_port`, `dport` |
//! | `network_transport` | text | `ipproto`, then `proto`, `protocol`; in small letters where it is a known one |
//! | `user_name` | text | `user`, `username` |
//! | `log_syslog_priority` | integer | the syslog header's |
//! | any other | text | the key of that name; also those above |
//!
//! Where a row does not say `then`, the first of these in the line counts; of two values of one
//! key, too. A key alone is `true`. A time of day alone is no `timestamp`. `[codec]` has the keys
//! of [`TimeOptions`]; a zone in a key of its own, as `tz`, is not looked at.
//!
//! # Values
//! A value ends before a space or a tab. One in double quotes may hold them; it ends at a quote
//! that a space or the line's end follows and no backslash precedes, since not every sender escapes
//! quotes. Escapes in quotes are JSON's; a value in which a backslash is none of them, such as a
//! path of Windows, is given as it stands.
//!
//! # Invalid
//! A line without any `key=value`, a `=` without a key before it, and a quote that is not closed.
//! What is not UTF-8 is replaced by U+FFFD and counted. Work is linear in a line's length.

use datashark_sdk::conf::Problem;

use crate::json::escape;
use crate::named::{Found, Known, NamedFormat, Scan, Value, known_columns, transport};
use crate::place::{Fault, Place, fault};
use crate::syslog::header::Header;
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;

/// Keys and values.
#[derive(Debug, Clone, Default)]
pub struct Logfmt {
    times: Times,
}

impl Logfmt {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Logfmt { times })
    }
}

impl NamedFormat for Logfmt {
    const NAME: &'static str = "logfmt";

    type Scan = Pairs;

    fn scan(&self) -> Pairs {
        Pairs
    }

    fn times(&self) -> &Times {
        &self.times
    }
}

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Priority: Integer = "log_syslog_priority",
    Level: Text = "log_level",
    Message: Text = "message",
    Error: Text = "error_message",
    Action: Text = "event_action",
    SourceIp: Text = "source_ip",
    SourcePort: Integer = "source_port",
    DestinationIp: Text = "destination_ip",
    DestinationPort: Integer = "destination_port",
    Transport: Text = "network_transport",
    User: Text = "user_name",
}

pub(crate) struct Pairs;

impl Scan for Pairs {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let syslog = Header::scan(text, None).unwrap_or_default();
        if let Some(host) = syslog.host {
            found.set(Slot::Host, host);
        }
        let mut at = syslog.message;
        let mut n_values = 0;
        loop {
            at += spaces(&text[at..]);
            if at == text.len() {
                break;
            }
            let len = text[at..]
                .iter()
                .position(|byte| matches!(byte, b'=' | b' ' | b'\t'));
            let key = Place::new(at, at + len.unwrap_or(text.len() - at));
            if text.get(key.end) != Some(&b'=') {
                set(text, key, Value::Word("true"), found);
                at = key.end;
                continue;
            }
            if key.unless_empty().is_none() {
                return Err(fault("a key", at));
            }
            let (value, end) = value(text, key.end + 1)?;
            set(text, key, value, found);
            n_values += 1;
            at = end;
        }
        if n_values == 0 {
            return Err(fault("`key=value`", syslog.message));
        }
        syslog.set_first(found, Slot::Timestamp, Slot::Host);
        if let Some(priority) = syslog.priority {
            found.set(Slot::Priority, Value::Number(priority));
        }
        Ok(())
    }

    fn unescape(text: &[u8], plain: &mut Vec<u8>) {
        match escape::check(text) {
            Ok(()) => escape::unescape(text, plain),
            Err(_) => plain.extend_from_slice(text),
        }
    }
}

#[inline]
fn spaces(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// The value at `at`, and the place behind it.
#[inline]
fn value(text: &[u8], at: usize) -> Result<(Value, usize), Fault> {
    if text.get(at) != Some(&b'"') {
        let rest = &text[at..];
        let len = memchr::memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
        return Ok((Value::At(Place::new(at, at + len)), at + len));
    }
    let start = at + 1;
    let mut at = start;
    let mut escaped = false;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += memchr::memchr2(b'"', b'\\', rest)
            .ok_or(fault("the end of a value in quotes", text.len()))?;
        if text[at] == b'\\' {
            escaped = true;
            at += 2;
        } else if matches!(text.get(at + 1), None | Some(b' ' | b'\t')) {
            let place = Place::new(start, at);
            let value = if escaped {
                Value::Escaped(place)
            } else {
                Value::At(place)
            };
            return Ok((value, at + 1));
        } else {
            at += 1;
        }
    }
}

#[inline]
fn set(text: &[u8], key: Place, value: Value, found: &mut Found<'_>) {
    let name = key.of(text);
    found.other(name, value);
    let slot = match name {
        b"eventtime" => return found.set(Slot::Timestamp, time(text, value)),
        b"timestamp" | b"ts" | b"time" | b"t" => {
            return found.set_first(Slot::Timestamp, time(text, value));
        }
        b"ipproto" => return found.set(Slot::Transport, protocol(text, value)),
        b"proto" | b"protocol" => return found.set_first(Slot::Transport, protocol(text, value)),
        b"hostname" | b"host" | b"devname" => Slot::Host,
        b"level" | b"lvl" => Slot::Level,
        b"msg" | b"message" => Slot::Message,
        b"err" | b"error" => Slot::Error,
        b"action" => Slot::Action,
        b"srcip" | b"src_ip" | b"src" => Slot::SourceIp,
        b"srcport" | b"src_port" | b"sport" => Slot::SourcePort,
        b"dstip" | b"dst_ip" | b"dst" => Slot::DestinationIp,
        b"dstport" | b"dst_port" | b"dport" => Slot::DestinationPort,
        b"user" | b"username" => Slot::User,
        _ => return,
    };
    found.set_first(slot, value);
}

/// A value as a time, but for a time of day alone.
#[inline]
fn time(text: &[u8], value: Value) -> Value {
    match value {
        Value::At(place) => match place.of(text) {
            [_, _, b':', _, _] | [_, _, b':', _, _, b':', ..] => Value::Missing,
            _ => Value::Time(place),
        },
        other => other,
    }
}

#[inline]
fn protocol(text: &[u8], value: Value) -> Value {
    match value {
        Value::At(place) => transport(text, place),
        other => other,
    }
}

#[cfg(test)]
mod tests;
