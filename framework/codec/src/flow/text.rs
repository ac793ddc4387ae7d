//! Addresses, protocols, flags and times as text.

use std::io::Write;
use std::net::IpAddr;

use chrono::{DateTime, Datelike, Timelike};

/// The names of protocols, by IP's numbers, as `nfdump` prints them.
const PROTOCOLS: [(u8, &str); 24] = [
    (0, "HOPOPT"),
    (1, "ICMP"),
    (2, "IGMP"),
    (4, "IPIP"),
    (6, "TCP"),
    (8, "EGP"),
    (9, "IGP"),
    (17, "UDP"),
    (27, "RDP"),
    (33, "DCCP"),
    (41, "IPv6"),
    (43, "RTv6"),
    (44, "FRAG"),
    (46, "RSVP"),
    (47, "GRE"),
    (50, "ESP"),
    (51, "AH"),
    (58, "ICMP6"),
    (88, "EIGRP"),
    (89, "OSPF"),
    (103, "PIM"),
    (112, "VRRP"),
    (115, "L2TP"),
    (132, "SCTP"),
];

/// Writes an address.
#[inline]
pub(super) fn address(address: IpAddr, text: &mut Vec<u8>) {
    match address {
        IpAddr::V4(v4) => {
            for (idx, octet) in v4.octets().into_iter().enumerate() {
                if idx > 0 {
                    text.push(b'.');
                }
                if octet >= 100 {
                    text.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    text.push(b'0' + octet / 10 % 10);
                }
                text.push(b'0' + octet % 10);
            }
        }
        // Writing to memory cannot fail, here and below.
        IpAddr::V6(v6) => drop(write!(text, "{v6}")),
    }
}

/// Writes a protocol's name, else its number.
pub(super) fn protocol(number: u8, text: &mut Vec<u8>) {
    match PROTOCOLS.binary_search_by_key(&number, |(known, _)| *known) {
        Ok(idx) => text.extend_from_slice(PROTOCOLS[idx].1.as_bytes()),
        Err(_) => drop(write!(text, "{number}")),
    }
}

/// TCP's flags of such a text, whose last six places count: newer `nfdump` has two more before them.
pub(crate) fn read_flags(text: &[u8]) -> u8 {
    let last = &text[text.len().saturating_sub(6)..];
    let set = last.iter().zip(b"UAPRSF").enumerate();
    set.filter(|(_, (found, letter))| found == letter)
        .fold(0, |flags, (idx, _)| flags | 0x20 >> idx)
}

/// Writes TCP's flags: urgent, acknowledge, push, reset, synchronise, finish.
pub(super) fn flags(flags: u8, text: &mut Vec<u8>) {
    for (idx, letter) in b"UAPRSF".iter().enumerate() {
        let is_set = flags & (0x20 >> idx) != 0;
        text.push(if is_set { *letter } else { b'.' });
    }
}

/// A second and its texts, made once for all flows of it.
#[derive(Debug, Default)]
pub(crate) struct Seconds {
    second: Option<i64>,
    text: Vec<u8>,
    parts: [i64; 6],
}

impl Seconds {
    /// Moves to the second of a time in microseconds.
    #[inline]
    pub(crate) fn set(&mut self, micros: i64) {
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            self.make(second);
        }
    }

    fn make(&mut self, second: i64) {
        let time = DateTime::from_timestamp_secs(second).unwrap_or_default();
        self.second = Some(second);
        self.text.clear();
        let _ = write!(self.text, "{}", time.format("%Y-%m-%d %H:%M:%S"));
        self.parts = [
            time.year().into(),
            time.month().into(),
            time.day().into(),
            time.hour().into(),
            time.minute().into(),
            time.second().into(),
        ];
    }

    /// Seconds since 1970.
    pub(super) fn since_1970(&self) -> i64 {
        self.second.unwrap_or_default()
    }

    /// `2016-05-05 13:54:58`.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Year, month, day, hour, minute, second.
    pub(super) fn parts(&self) -> [i64; 6] {
        self.parts
    }
}
