//! `iptables`: packets as netfilter's `LOG` target and `nf_tables`' `log` write them, with or
//! without a syslog header in front; so those of UFW, firewalld and Shorewall.
//!
//! ```text
//! Oct 11 22:14:15 host kernel: [  997.390602] [UFW BLOCK] IN=eth0 OUT= MAC=… SRC=192.0.2.1 DST=…
//! ```
//!
//! | column | type | of |
//! |---|---|---|
//! | `timestamp` | time | the syslog header |
//! | `host_name` | text | the syslog header |
//! | `message` | text | the line without the syslog header |
//! | `netfilter_prefix` | text | what the rule has written before the packet: `[UFW BLOCK]` |
//! | `event_action` | text | the first word of the prefix that says what became of the packet, as it stands: `ACCEPT`, `ALLOW`, `PASS`, `DROP`, `BLOCK`, `DENY`, `REJECT`, `DISCARD`, `AUDIT`, `LIMIT` and their past forms, in any case |
//! | `source_ip`, `source_port` | text, integer | `SRC`, `SPT` |
//! | `source_mac` | text | the second six bytes of `MAC` |
//! | `destination_ip`, `destination_port` | text, integer | `DST`, `DPT` |
//! | `destination_mac` | text | the first six bytes of `MAC` |
//! | `network_transport` | text | `PROTO`, in small letters where it is a known one |
//! | `network_bytes` | integer | the first `LEN`: the packet's, with its IP header |
//! | `observer_ingress_interface_name`, `observer_egress_interface_name` | text | `IN`, `OUT`; null where empty |
//! | `icmp_type`, `icmp_code` | integer | `TYPE`, `CODE` |
//! | `tcp_flags` | text | the flags in a row: `ACK SYN` |
//! | `log_syslog_priority` | integer | the syslog header |
//! | any other | text | the key of that name, such as `TTL`, `MARK` or `PHYSIN`; a word alone, such as `DF`, is `true` |
//!
//! Of two values of one key the first counts. The packet that an ICMP error quotes in `[…]` is not
//! looked at. `[codec]` has the keys of [`TimeOptions`]: syslog's times mostly lack a year.
//!
//! # Invalid
//! A line without `IN=… OUT=…`. What is not UTF-8 is replaced by U+FFFD and counted. Work is linear
//! in a line's length.

use datashark_sdk::conf::Problem;
use memchr::memmem;

use crate::named::{Found, Known, NamedFormat, Scan, Value, known_columns, transport};
use crate::place::{Fault, Place, fault};
use crate::syslog::header::Header;
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;

/// What a prefix says of a packet, without endings.
const ACTIONS: [&[u8]; 10] = [
    b"ACCEPT", b"ALLOW", b"PASS", b"DROP", b"BLOCK", b"DENY", b"REJECT", b"DISCARD", b"AUDIT",
    b"LIMIT",
];
/// What stands behind them in past forms: `DROPPED`, `REJECTED`.
const ENDINGS: [&[u8]; 4] = [b"", b"ED", b"PED", b"S"];
/// `aa:bb:cc:dd:ee:ff`.
const MAC_BYTES: usize = 17;

/// Packets that netfilter logs.
#[derive(Debug, Clone, Default)]
pub struct Iptables {
    times: Times,
}

impl Iptables {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Iptables { times })
    }
}

impl NamedFormat for Iptables {
    const NAME: &'static str = "iptables";

    type Scan = Packets;

    fn scan(&self) -> Packets {
        Packets
    }

    fn times(&self) -> &Times {
        &self.times
    }
}

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Priority: Integer = "log_syslog_priority",
    Message: Text = "message",
    Prefix: Text = "netfilter_prefix",
    Action: Text = "event_action",
    SourceIp: Text = "source_ip",
    SourcePort: Integer = "source_port",
    SourceMac: Text = "source_mac",
    DestinationIp: Text = "destination_ip",
    DestinationPort: Integer = "destination_port",
    DestinationMac: Text = "destination_mac",
    Transport: Text = "network_transport",
    Bytes: Integer = "network_bytes",
    In: Text = "observer_ingress_interface_name",
    Out: Text = "observer_egress_interface_name",
    IcmpType: Integer = "icmp_type",
    IcmpCode: Integer = "icmp_code",
    Flags: Text = "tcp_flags",
}

pub(crate) struct Packets;

impl Scan for Packets {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let start = packet_start(text).ok_or(fault("`IN=… OUT=…`", 0))?;
        packet(text, start, found);
        let syslog = Header::scan(&text[..start], None).unwrap_or_default();
        syslog.set_first(found, Slot::Timestamp, Slot::Host);
        if let Some(priority) = syslog.priority {
            found.set(Slot::Priority, Value::Number(priority));
        }
        let message = message_start(&syslog, text);
        found.set(Slot::Message, Place::new(message, text.len()));
        let prefix = prefix(text, message, start);
        found.set(Slot::Prefix, prefix.unless_empty());
        found.set(Slot::Action, action(text, prefix));
        Ok(())
    }
}

/// Where the message starts: before a tag that is none of a program but a prefix with a colon.
#[inline]
fn message_start(syslog: &Header, text: &[u8]) -> usize {
    match syslog.process {
        Some(tag) if syslog.procid.is_none() && tag.of(text) != b"kernel" => tag.start,
        _ => syslog.message,
    }
}

/// Where `IN=eth0 OUT=` starts.
#[inline]
fn packet_start(text: &[u8]) -> Option<usize> {
    let mut outs = memmem::find_iter(text, b" OUT=");
    let mut from = 0;
    outs.find_map(|out| {
        let start = memmem::rfind(&text[from..out], b"IN=").map(|n| from + n);
        from = out; // What was searched once holds none.
        start.filter(|start| memchr::memchr(b' ', &text[*start..out]).is_none())
    })
}

/// The keys, values and words from `start` on.
#[inline]
fn packet(text: &[u8], start: usize, found: &mut Found<'_>) {
    let mut flags: Option<Place> = None;
    let mut at = start;
    while at < text.len() {
        let len = memchr::memchr(b' ', &text[at..]).unwrap_or(text.len() - at);
        let part = Place::new(at, at + len);
        at = part.end + 1;
        let stated = part.of(text);
        if stated.first() == Some(&b'[') {
            break;
        }
        match memchr::memchr(b'=', stated) {
            Some(n) => {
                let value = Place::new(part.start + n + 1, part.end);
                set(text, &stated[..n], value, found);
            }
            None if is_flag(stated) => {
                found.other(stated, Value::Word("true"));
                let first = flags.map_or(part.start, |flags| flags.start);
                flags = Some(Place::new(first, part.end));
            }
            None => found.other(stated, Value::Word("true")),
        }
    }
    found.set(Slot::Flags, flags);
}

#[inline]
fn is_flag(word: &[u8]) -> bool {
    matches!(
        word,
        b"SYN" | b"ACK" | b"FIN" | b"RST" | b"PSH" | b"URG" | b"ECE" | b"CWR"
    )
}

#[inline]
fn set(text: &[u8], key: &[u8], place: Place, found: &mut Found<'_>) {
    found.other(key, place);
    let slot = match key {
        b"IN" => return found.set_first(Slot::In, place.unless_empty()),
        b"OUT" => return found.set_first(Slot::Out, place.unless_empty()),
        b"MAC" => return mac(text, place, found),
        b"PROTO" => return found.set_first(Slot::Transport, transport(text, place)),
        b"SRC" => Slot::SourceIp,
        b"SPT" => Slot::SourcePort,
        b"DST" => Slot::DestinationIp,
        b"DPT" => Slot::DestinationPort,
        b"LEN" => Slot::Bytes,
        b"TYPE" => Slot::IcmpType,
        b"CODE" => Slot::IcmpCode,
        _ => return,
    };
    found.set_first(slot, place);
}

/// An Ethernet header: destination, source and type.
#[inline]
fn mac(text: &[u8], place: Place, found: &mut Found<'_>) {
    let source_start = place.start + MAC_BYTES + 1;
    let has_both = place.end >= source_start + MAC_BYTES && text[source_start - 1] == b':';
    if has_both && place.of(text).is_ascii() {
        let destination = Place::new(place.start, source_start - 1);
        found.set_first(Slot::DestinationMac, destination);
        found.set_first(
            Slot::SourceMac,
            Place::new(source_start, source_start + MAC_BYTES),
        );
    }
}

/// What stands before the packet, without the kernel's time since it was started: `[  997.390602]`.
#[inline]
fn prefix(text: &[u8], start: usize, end: usize) -> Place {
    let place = Place::new(start, end).trimmed(text);
    let stated = place.of(text);
    let is_uptime = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b' ');
    match stated
        .strip_prefix(b"[")
        .and_then(|rest| rest.iter().position(|byte| *byte == b']'))
    {
        Some(len) if stated[1..=len].iter().all(is_uptime) => {
            Place::new(place.start + len + 2, place.end).trimmed(text)
        }
        _ => place,
    }
}

/// The first word of a prefix that says what became of the packet.
#[inline]
fn action(text: &[u8], prefix: Place) -> Option<Place> {
    let mut at = prefix.start;
    while at < prefix.end {
        let rest = &text[at..prefix.end];
        let len = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        if is_action(&rest[..len]) {
            return Some(Place::new(at, at + len));
        }
        at += len + 1;
    }
    None
}

fn is_action(word: &[u8]) -> bool {
    ACTIONS.iter().any(|action| {
        let matches = word
            .get(..action.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(action));
        matches
            && ENDINGS
                .iter()
                .any(|ending| word[action.len()..].eq_ignore_ascii_case(ending))
    }) || word.eq_ignore_ascii_case(b"DENIED")
}

#[cfg(test)]
mod tests;
