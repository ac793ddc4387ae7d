//! Addresses as the messages write them.

use std::net::IpAddr;

use crate::named::Value;
use crate::place::Place;

/// One end of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) interface: Option<Place>,
    pub(super) ip: Option<Place>,
    pub(super) port: Value,
    pub(super) user: Option<Place>,
}

/// `outside:192.0.2.1/443(LOCAL\user)`, of which all but the address may be missing.
#[inline]
pub(super) fn endpoint(text: &[u8], place: Place) -> Endpoint {
    let (main, group) = group(text, place.trimmed(text));
    let stated = main.of(text);
    let (address, port) = match memchr::memrchr(b'/', stated) {
        Some(slash) => (
            Place::new(main.start, main.start + slash),
            Place::new(main.start + slash + 1, main.end),
        ),
        None => (main, Place::new(main.end, main.end)),
    };
    let (interface, ip) = interface(text, address);
    Endpoint {
        interface,
        ip: ip.unless_empty(),
        port: self::port(text, port),
        user: group,
    }
}

/// `outside/192.0.2.1(443)(LOCAL\user)`, as 106100 has it.
#[inline]
pub(super) fn acl_endpoint(text: &[u8], place: Place) -> Endpoint {
    let place = place.trimmed(text);
    let stated = place.of(text);
    let open = memchr::memchr(b'(', stated).unwrap_or(stated.len());
    let address = Place::new(place.start, place.start + open);
    let slash = memchr::memchr(b'/', address.of(text));
    let (interface, ip) = match slash.map(|slash| address.start + slash) {
        Some(slash) => (
            Place::new(address.start, slash).unless_empty(),
            Place::new(slash + 1, address.end),
        ),
        None => (None, address),
    };
    let inside = |open: usize| {
        if text[..place.end].get(open) != Some(&b'(') {
            return None;
        }
        let start = open + 1;
        let len = memchr::memchr(b')', &text[start..place.end])?;
        Some(Place::new(start, start + len))
    };
    let port = inside(address.end);
    let user = port.and_then(|port| inside(port.end + 1));
    Endpoint {
        interface,
        ip: ip.unless_empty(),
        port: port.map_or(Value::Missing, |port| self::port(text, port)),
        user: user.and_then(Place::unless_empty),
    }
}

/// What stands before a `(…)` at the end, and what stands in it.
#[inline]
fn group(text: &[u8], place: Place) -> (Place, Option<Place>) {
    let stated = place.of(text);
    match memchr::memchr(b'(', stated) {
        Some(open) => {
            let start = place.start + open + 1;
            let inside = &text[start..place.end];
            let len = memchr::memchr(b')', inside).unwrap_or(inside.len());
            let main = Place::new(place.start, start - 1).trimmed(text);
            (main, Place::new(start, start + len).unless_empty())
        }
        None => (place, None),
    }
}

/// The interface before the address, unless the colon is the address's own.
#[inline]
fn interface(text: &[u8], place: Place) -> (Option<Place>, Place) {
    let stated = place.of(text);
    let Some(colon) = memchr::memchr(b':', stated) else {
        return (None, place);
    };
    let is_one = memchr::memchr(b':', &stated[colon + 1..]).is_none();
    let is_address =
        || std::str::from_utf8(stated).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
    if !is_one && is_address() {
        return (None, place);
    }
    let colon = place.start + colon;
    (
        Place::new(place.start, colon).unless_empty(),
        Place::new(colon + 1, place.end),
    )
}

/// A port by its number or by the name that the device shows for it; none for an unknown name.
#[inline]
fn port(text: &[u8], place: Place) -> Value {
    let stated = place.of(text);
    if !stated.is_empty() && stated.len() <= 5 && stated.iter().all(u8::is_ascii_digit) {
        return Value::At(place);
    }
    service(stated).map_or(Value::Missing, Value::Number)
}

/// The ports that the ASA shows by name, after the command reference's list of TCP and UDP ports.
fn service(name: &[u8]) -> Option<i64> {
    Some(match name {
        b"bootpc" => 68,
        b"bootps" => 67,
        b"domain" => 53,
        b"ftp" => 21,
        b"ftp-data" => 20,
        b"h323" => 1720,
        b"http" | b"www" => 80,
        b"https" => 443,
        b"imap4" => 143,
        b"isakmp" => 500,
        b"ldap" => 389,
        b"ldaps" => 636,
        b"netbios-dgm" => 138,
        b"netbios-ns" => 137,
        b"netbios-ssn" => 139,
        b"nfs" => 2049,
        b"ntp" => 123,
        b"pop3" => 110,
        b"pptp" => 1723,
        b"radius" => 1645,
        b"radius-acct" => 1646,
        b"rtsp" => 554,
        b"sip" => 5060,
        b"smtp" => 25,
        b"snmp" => 161,
        b"snmptrap" => 162,
        b"sqlnet" => 1521,
        b"ssh" => 22,
        b"sunrpc" => 111,
        b"syslog" => 514,
        b"tacacs" => 49,
        b"telnet" => 23,
        b"tftp" => 69,
        _ => return None,
    })
}
