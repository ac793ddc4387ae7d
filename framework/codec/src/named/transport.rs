//! Transport protocols.

use super::Value;
use crate::place::Place;

/// A transport protocol as IANA's list has it in small letters, by its name in any case or number,
/// without an application behind a `/`; what is not known is given as it stands.
#[inline]
pub(crate) fn transport(text: &[u8], place: Place) -> Value {
    const PROTOCOLS: [(&str, &[&[u8]]); 9] = [
        ("tcp", &[b"tcp", b"6"]),
        ("udp", &[b"udp", b"17"]),
        ("icmp", &[b"icmp", b"1"]),
        ("ipv6-icmp", &[b"ipv6-icmp", b"icmpv6", b"icmp6", b"58"]),
        ("gre", &[b"gre", b"47"]),
        ("esp", &[b"esp", b"50"]),
        ("ah", &[b"ah", b"51"]),
        ("igmp", &[b"igmp", b"2"]),
        ("sctp", &[b"sctp", b"132"]),
    ];
    let stated = place.of(text);
    let stated = &stated[..memchr::memchr(b'/', stated).unwrap_or(stated.len())];
    let known = PROTOCOLS
        .iter()
        .find(|(_, names)| names.iter().any(|name| stated.eq_ignore_ascii_case(name)));
    known.map_or(Value::At(place), |(name, _)| Value::Word(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_one_name_however_it_is_written() {
        let named = |text: &str| transport(text.as_bytes(), Place::new(0, text.len()));
        for text in ["tcp", "TCP", "6", "Tcp/https"] {
            assert_eq!(named(text), Value::Word("tcp"), "{text}");
        }
        assert_eq!(named("ICMPv6"), Value::Word("ipv6-icmp"));
        assert_eq!(named("carp"), Value::At(Place::new(0, 4)));
        assert_eq!(named(""), Value::At(Place::new(0, 0)));
    }
}
