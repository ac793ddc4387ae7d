//! `leef`: QRadar's Log Event Extended Format, 1.0 and 2.0, with or without a syslog header in
//! front.
//!
//! ```text
//! Jan 18 11:07:53 host LEEF:1.0|Vendor|Product|1.0|100|src=192.0.2.1<TAB>dst=198.51.100.1<TAB>sev=5
//! Jan 18 11:07:53 host LEEF:2.0|Vendor|Product|1.0|100|^|src=192.0.2.1^dst=198.51.100.1^sev=5
//! ```
//!
//! | column | type | of |
//! |---|---|---|
//! | `timestamp` | time | `devTime`, else the syslog header's time |
//! | `host_name` | text | the syslog header's host, else `identHostName` |
//! | `leef_version` | text | `1.0` of `LEEF:1.0` |
//! | `observer_vendor`, `observer_product`, `observer_version` | text | the header's second to fourth field |
//! | `event_code` | text | the fifth: the event's id |
//! | `event_severity` | integer | `sev`: 1 to 10, the worst |
//! | `event_category` | text | `cat` |
//! | `event_action` | text | `action`, else `disp` |
//! | `event_reason` | text | `reason` |
//! | `message` | text | `msg` |
//! | `source_ip`, `source_port` | text, integer | `src`, `srcPort` |
//! | `source_mac`, `source_bytes` | text, integer | `srcMAC`, `srcBytes` |
//! | `destination_ip`, `destination_port` | text, integer | `dst`, `dstPort` |
//! | `destination_mac`, `destination_bytes` | text, integer | `dstMAC`, `dstBytes` |
//! | `network_transport` | text | `proto`, in small letters where it is a known one |
//! | `user_name` | text | `usrName` |
//! | `url_original` | text | `url` |
//! | `log_syslog_priority` | integer | the syslog header's |
//! | any other | text | the attribute of that name, as `policy`; also `src` and so on |
//!
//! Of two values of one attribute the first counts. Spaces around a value are not of it.
//!
//! `devTime` is milliseconds since 1970 or a time that [`TimeOptions`] speaks of, which are the
//! keys of `[codec]`; `devTimeFormat` is not looked at. Times of another form are asked for as
//! `devTime`, with a pattern in `timestamp_format`.
//!
//! # The attributes
//! A tab stands between them. In 2.0 the sixth field of the header may name another character, as
//! it is or as `x5E` or `0x5E`; where that field is missing, a tab does. `#011`, as rsyslog writes
//! tabs, is taken for one where there is no tab. A part without `=` is of the value before it.
//!
//! What stands before `LEEF:` is a syslog header or is passed over.
//!
//! # Invalid
//! A line without `LEEF:`, with fewer than five fields in the header, or whose first attribute has
//! no `=`. What is not UTF-8 is replaced by U+FFFD and counted. Work is linear in a line's length.

use datashark_sdk::conf::Problem;
use memchr::memmem::{self, Finder};

use crate::named::{Found, Known, NamedFormat, Scan, Value, known_columns, transport};
use crate::place::{Fault, Place, fault};
use crate::syslog::header::Header;
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;

/// A tab as rsyslog writes it.
const ESCAPED_TAB: &[u8] = b"#011";

/// Events of LEEF.
#[derive(Debug, Clone, Default)]
pub struct Leef {
    times: Times,
}

impl Leef {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Leef { times })
    }
}

impl NamedFormat for Leef {
    const NAME: &'static str = "leef";

    type Scan = Events;

    fn scan(&self) -> Events {
        Events::new()
    }

    fn times(&self) -> &Times {
        &self.times
    }
}

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Priority: Integer = "log_syslog_priority",
    Version: Text = "leef_version",
    Vendor: Text = "observer_vendor",
    Product: Text = "observer_product",
    ProductVersion: Text = "observer_version",
    Code: Text = "event_code",
    Severity: Integer = "event_severity",
    Category: Text = "event_category",
    Action: Text = "event_action",
    Reason: Text = "event_reason",
    Message: Text = "message",
    SourceIp: Text = "source_ip",
    SourcePort: Integer = "source_port",
    SourceMac: Text = "source_mac",
    SourceBytes: Integer = "source_bytes",
    DestinationIp: Text = "destination_ip",
    DestinationPort: Integer = "destination_port",
    DestinationMac: Text = "destination_mac",
    DestinationBytes: Integer = "destination_bytes",
    Transport: Text = "network_transport",
    User: Text = "user_name",
    Url: Text = "url_original",
}

/// The fields of the header, in order.
const HEADER: [Slot; 5] = [
    Slot::Version,
    Slot::Vendor,
    Slot::Product,
    Slot::ProductVersion,
    Slot::Code,
];

pub(crate) struct Events {
    /// Finds `LEEF:`.
    marker: Finder<'static>,
}

impl Events {
    fn new() -> Self {
        Events {
            marker: Finder::new(b"LEEF:"),
        }
    }
}

impl Scan for Events {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let start = self.marker.find(text).ok_or(fault("`LEEF:`", 0))?;
        let mut at = start + 5;
        for slot in HEADER {
            let len = memchr::memchr(b'|', &text[at..])
                .ok_or(fault("five fields with `|` behind each", text.len()))?;
            found.set(slot, Place::new(at, at + len).trimmed(text));
            at += len + 1;
        }
        let is_second = text[start + 5..].trim_ascii_start().starts_with(b"2");
        let mut separator = b'\t';
        if is_second && let Some((stated, behind)) = separator_at(text, at) {
            (separator, at) = (stated, behind);
        }
        attributes(text, at, separator, found)?;
        let syslog = Header::before(text, start);
        // The host that sent the line is known better than what the event says of its own.
        if let Some(host) = syslog.host {
            found.set(Slot::Host, host);
        }
        syslog.set_first(found, Slot::Timestamp, Slot::Host);
        if let Some(priority) = syslog.priority {
            found.set(Slot::Priority, Value::Number(priority));
        }
        Ok(())
    }
}

/// The separator that the field at `at` names, and the place behind the field.
#[inline]
fn separator_at(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let len = memchr::memchr(b'|', text[at..].get(..8).unwrap_or(&text[at..]))?;
    let stated = match &text[at..at + len] {
        [] => b'\t',
        [one] if one.is_ascii() => *one,
        [b'x' | b'X', hex @ ..] | [b'0', b'x' | b'X', hex @ ..] => {
            let digits = std::str::from_utf8(hex).ok()?;
            u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?
        }
        _ => return None,
    };
    Some((stated, at + len + 1))
}

#[inline]
fn attributes(
    text: &[u8],
    start: usize,
    separator: u8,
    found: &mut Found<'_>,
) -> Result<(), Fault> {
    let rest = &text[start..];
    let one = [separator];
    let escaped = separator == b'\t' && memchr::memchr(b'\t', rest).is_none();
    let separator = match escaped && memmem::find(rest, ESCAPED_TAB).is_some() {
        true => ESCAPED_TAB,
        false => &one,
    };
    let mut last: Option<(Place, usize)> = None;
    let mut at = start;
    loop {
        let end = find(text, at, separator).unwrap_or(text.len());
        match memchr::memchr(b'=', &text[at..end]) {
            Some(len) => {
                if let Some((key, value_start)) = last {
                    set(
                        text,
                        key,
                        Place::new(value_start, at - separator.len()),
                        found,
                    );
                }
                last = Some((Place::new(at, at + len).trimmed(text), at + len + 1));
            }
            None if last.is_none() && !text[at..end].trim_ascii().is_empty() => {
                return Err(fault("`key=value` behind the header", at));
            }
            None => {}
        }
        if end == text.len() {
            break;
        }
        at = end + separator.len();
    }
    if let Some((key, value_start)) = last {
        set(text, key, Place::new(value_start, text.len()), found);
    }
    Ok(())
}

#[inline]
fn find(text: &[u8], at: usize, separator: &[u8]) -> Option<usize> {
    let rest = &text[at..];
    let found = match separator {
        [one] => memchr::memchr(*one, rest),
        more => memmem::find(rest, more),
    };
    found.map(|n| at + n)
}

#[inline]
fn set(text: &[u8], key: Place, place: Place, found: &mut Found<'_>) {
    let place = place.trimmed(text);
    let name = key.of(text);
    found.other(name, place);
    let slot = match name {
        b"devTime" => return found.set_first(Slot::Timestamp, Value::Time(place)),
        b"proto" => return found.set_first(Slot::Transport, transport(text, place)),
        b"action" => return found.set(Slot::Action, place),
        b"identHostName" => Slot::Host,
        b"sev" => Slot::Severity,
        b"cat" => Slot::Category,
        b"disp" => Slot::Action,
        b"reason" => Slot::Reason,
        b"msg" => Slot::Message,
        b"src" => Slot::SourceIp,
        b"srcPort" => Slot::SourcePort,
        b"srcMAC" => Slot::SourceMac,
        b"srcBytes" => Slot::SourceBytes,
        b"dst" => Slot::DestinationIp,
        b"dstPort" => Slot::DestinationPort,
        b"dstMAC" => Slot::DestinationMac,
        b"dstBytes" => Slot::DestinationBytes,
        b"usrName" => Slot::User,
        b"url" => Slot::Url,
        _ => return,
    };
    found.set_first(slot, place);
}

#[cfg(test)]
mod tests;
