//! `cef`: ArcSight's Common Event Format, with or without a syslog header in front.
//!
//! ```text
//! Oct 11 22:14:15 host CEF:0|Vendor|Product|1.0|100|Name of it|5|src=192.0.2.1 spt=4711 msg=A text
//! ```
//!
//! | column | type | of |
//! |---|---|---|
//! | `timestamp` | time | `rt`, else the syslog header's time |
//! | `host_name` | text | the syslog header's host, else `dvchost` |
//! | `cef_version` | text | `0` of `CEF:0` |
//! | `observer_vendor`, `observer_product`, `observer_version` | text | the header's second to fourth field |
//! | `event_code` | text | the fifth: the signature's or event class's id |
//! | `cef_name` | text | the sixth: what the event is, for a person |
//! | `cef_severity` | text | the seventh, as it stands |
//! | `event_severity` | integer | the same where it is a number: 0 to 10, the worst |
//! | `event_action` | text | `act` |
//! | `event_outcome` | text | `outcome` |
//! | `event_reason` | text | `reason` |
//! | `message` | text | `msg` |
//! | `source_ip`, `source_port` | text, integer | `src`, `spt` |
//! | `source_mac`, `source_domain`, `source_user_name` | text | `smac`, `shost`, `suser` |
//! | `destination_ip`, `destination_port` | text, integer | `dst`, `dpt` |
//! | `destination_mac`, `destination_domain`, `destination_user_name` | text | `dmac`, `dhost`, `duser` |
//! | `network_transport` | text | `proto`, in small letters where it is a known one |
//! | `network_protocol` | text | `app` |
//! | `url_original` | text | `request` |
//! | `http_request_method` | text | `requestMethod` |
//! | `user_agent_original` | text | `requestClientApplication` |
//! | `log_syslog_priority` | integer | the syslog header's |
//! | any other | text | the extension's key of that name, such as `cs1` or `deviceExternalId`; also `src` and so on |
//!
//! Of two values of one key the first counts. Times of `rt` are milliseconds since 1970 or
//! any that [`TimeOptions`] speaks of, which are the keys of `[codec]`.
//!
//! # The extension as it is
//! A value ends before the next key: a word of letters, digits and `_ . - [ ]` between a space and
//! a `=` that no backslash stands before. So a value may hold spaces, and also a `=` that should
//! have been escaped, unless what stands before it looks like a key. `\=`, `\\`, `\|`, `\n` and
//! `\r` are resolved; any other backslash stands for itself. Spaces around a value are not of it.
//!
//! What stands before `CEF:` is a syslog header or is passed over. A space behind `CEF:` is, too.
//!
//! # Invalid
//! A line without `CEF:`, with fewer than seven fields in the header, or with an extension without
//! any key. What is not UTF-8 is replaced by U+FFFD and counted. Work is linear in a line's length.

use datashark_sdk::conf::Problem;
use memchr::memmem::Finder;

use crate::named::{Found, Known, NamedFormat, Scan, Value, known_columns, transport};
use crate::place::{Fault, Place, fault};
use crate::syslog::header::Header;
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;

/// Events of CEF.
#[derive(Debug, Clone, Default)]
pub struct Cef {
    times: Times,
}

impl Cef {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Cef { times })
    }
}

impl NamedFormat for Cef {
    const NAME: &'static str = "cef";

    type Scan = Events;

    fn scan(&self) -> Events {
        Events::new()
    }

    fn times(&self) -> &Times {
        &self.times
    }
}

pub(crate) struct Events {
    /// Finds `CEF:`.
    marker: Finder<'static>,
}

impl Events {
    fn new() -> Self {
        Events {
            marker: Finder::new(b"CEF:"),
        }
    }
}

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Priority: Integer = "log_syslog_priority",
    Version: Text = "cef_version",
    Vendor: Text = "observer_vendor",
    Product: Text = "observer_product",
    ProductVersion: Text = "observer_version",
    Code: Text = "event_code",
    Name: Text = "cef_name",
    Severity: Text = "cef_severity",
    SeverityNumber: Integer = "event_severity",
    Action: Text = "event_action",
    Outcome: Text = "event_outcome",
    Reason: Text = "event_reason",
    Message: Text = "message",
    SourceIp: Text = "source_ip",
    SourcePort: Integer = "source_port",
    SourceMac: Text = "source_mac",
    SourceDomain: Text = "source_domain",
    SourceUser: Text = "source_user_name",
    DestinationIp: Text = "destination_ip",
    DestinationPort: Integer = "destination_port",
    DestinationMac: Text = "destination_mac",
    DestinationDomain: Text = "destination_domain",
    DestinationUser: Text = "destination_user_name",
    Transport: Text = "network_transport",
    Protocol: Text = "network_protocol",
    Url: Text = "url_original",
    Method: Text = "http_request_method",
    Agent: Text = "user_agent_original",
}

/// The fields of the header, in order.
const HEADER: [Slot; 7] = [
    Slot::Version,
    Slot::Vendor,
    Slot::Product,
    Slot::ProductVersion,
    Slot::Code,
    Slot::Name,
    Slot::Severity,
];

impl Scan for Events {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let start = self.marker.find(text).ok_or(fault("`CEF:`", 0))?;
        let at = header(text, start + 4, found)?;
        extension(text, at, found)?;
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

    fn unescape(text: &[u8], plain: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            plain.extend_from_slice(&rest[..at]);
            let resolved = match rest.get(at + 1) {
                Some(escaped @ (b'=' | b'\\' | b'|')) => Some(*escaped),
                Some(b'n') => Some(b'\n'),
                Some(b'r') => Some(b'\r'),
                _ => None,
            };
            plain.push(resolved.unwrap_or(b'\\'));
            rest = &rest[at + 1 + usize::from(resolved.is_some())..];
        }
        plain.extend_from_slice(rest);
    }
}

/// The seven fields of the header, the first of which is at `at`; gives where the extension starts.
#[inline]
fn header(text: &[u8], at: usize, found: &mut Found<'_>) -> Result<usize, Fault> {
    let mut at = at + usize::from(text.get(at) == Some(&b' '));
    for slot in HEADER {
        let is_last = slot == Slot::Severity;
        let place = Place::new(at, field_end(text, at, is_last)?);
        found.set(slot, value(text, place));
        let is_number = matches!(place.of(text), [b'0'..=b'9'] | [b'1', b'0']);
        if is_last && is_number {
            found.set(Slot::SeverityNumber, place);
        }
        at = (place.end + 1).min(text.len());
    }
    Ok(at)
}

/// Where a field of the header ends: before a `|` without a backslash. The last may end the line.
#[inline]
fn field_end(text: &[u8], at: usize, is_last: bool) -> Result<usize, Fault> {
    let mut at = at;
    loop {
        at = match text
            .get(at..)
            .and_then(|rest| memchr::memchr2(b'|', b'\\', rest))
        {
            Some(n) if text[at + n] == b'|' => return Ok(at + n),
            Some(n) => at + n + 2,
            None if is_last => return Ok(text.len()),
            None => return Err(fault("seven fields with `|` between them", text.len())),
        };
    }
}

/// The keys and values from `start` on.
#[inline]
fn extension(text: &[u8], start: usize, found: &mut Found<'_>) -> Result<(), Fault> {
    let mut last: Option<(Place, usize)> = None;
    for equals in memchr::memchr_iter(b'=', &text[start..]) {
        let value_start = last.map_or(start, |(_, value_start)| value_start);
        let equals = start + equals;
        let Some(key) = key_before(text, value_start, equals, last.is_none()) else {
            continue;
        };
        if let Some((key_before, value_start)) = last {
            set(text, key_before, Place::new(value_start, key.start), found);
        }
        last = Some((key, equals + 1));
    }
    match last {
        Some((key, value_start)) => set(text, key, Place::new(value_start, text.len()), found),
        None if text[start..].trim_ascii().is_empty() => {}
        None => return Err(fault("`key=value` behind the header", start)),
    }
    Ok(())
}

/// The key that ends before the `=` at `equals`; `None` where that is of a value. The first key
/// may also stand behind a `|` too many in the header.
#[inline]
fn key_before(text: &[u8], from: usize, equals: usize, is_first: bool) -> Option<Place> {
    let before = &text[from..equals];
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-[]".contains(byte);
    let len = before.iter().rev().take_while(|byte| is_key(byte)).count();
    let key = Place::new(equals - len, equals).unless_empty()?;
    match before[..before.len() - len].last() {
        None => is_first.then_some(key),
        Some(b' ' | b'\t' | b'\n' | b'\r') => Some(key),
        Some(b'|') => is_first.then_some(key),
        Some(_) => None,
    }
}

/// A value, with escapes to resolve where it has any.
#[inline]
fn value(text: &[u8], place: Place) -> Value {
    match memchr::memchr(b'\\', place.of(text)) {
        Some(_) => Value::Escaped(place),
        None => Value::At(place),
    }
}

#[inline]
fn set(text: &[u8], key: Place, place: Place, found: &mut Found<'_>) {
    let place = place.trimmed(text);
    let name = key.of(text);
    let value = value(text, place);
    found.other(name, value);
    let slot = match name {
        b"rt" => return found.set_first(Slot::Timestamp, Value::Time(place)),
        b"dvchost" => Slot::Host,
        b"act" => Slot::Action,
        b"outcome" => Slot::Outcome,
        b"reason" => Slot::Reason,
        b"msg" => Slot::Message,
        b"src" => Slot::SourceIp,
        b"spt" => Slot::SourcePort,
        b"smac" => Slot::SourceMac,
        b"shost" => Slot::SourceDomain,
        b"suser" => Slot::SourceUser,
        b"dst" => Slot::DestinationIp,
        b"dpt" => Slot::DestinationPort,
        b"dmac" => Slot::DestinationMac,
        b"dhost" => Slot::DestinationDomain,
        b"duser" => Slot::DestinationUser,
        b"proto" => return found.set_first(Slot::Transport, transport(text, place)),
        b"app" => Slot::Protocol,
        b"request" => Slot::Url,
        b"requestMethod" => Slot::Method,
        b"requestClientApplication" => Slot::Agent,
        _ => return,
    };
    found.set_first(slot, value);
}

#[cfg(test)]
mod tests;
