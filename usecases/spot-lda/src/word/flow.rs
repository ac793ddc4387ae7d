//! The two words of a network flow: `[-1_]port_protocol_hour_bytes_packets`.
//!
//! The port is that of the service: the side that owns it gets the word with `-1_` in front, the other
//! side the bare one. `333333` stands for two high ports, `111111` for two low ones. Bytes and packets
//! are their numbers of bits.

use std::fmt::Write;

use crate::number::bits;
use crate::settings::Words;

/// The highest port that is a service's.
const LAST_LOW_PORT: i64 = 1024;
/// In place of a port where both are low.
const BOTH_LOW: i64 = 111_111;
/// In place of a port where both are high.
const BOTH_HIGH: i64 = 333_333;

/// In place of a protocol that is missing.
const UNKNOWN: &str = "unknown";

/// What the words of a flow are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow<'a> {
    /// Hour of the day.
    pub hour: i64,
    /// Port of the source.
    pub sport: i64,
    /// Port of the destination.
    pub dport: i64,
    /// `TCP`, `UDP`, …
    pub proto: Option<&'a str>,
    /// Bytes from the source.
    pub ibyt: i64,
    /// Packets from the source.
    pub ipkt: i64,
}

/// Which side owns the service's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Neither, or both.
    None = 0,
    /// The source.
    Source = 1,
    /// The destination.
    Destination = 2,
}

/// What the field of the port says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// There is no port.
    None,
    /// Both are low.
    BothLow,
    /// Both are high.
    BothHigh,
    /// This one.
    Port(i64),
}

/// The words of a flow, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowWord<'a> {
    port: i64,
    proto: &'a str,
    /// Of the day.
    pub hour: i64,
    /// How many bits the number of bytes has.
    pub bytes: u32,
    /// How many bits the number of packets has.
    pub packets: u32,
    /// Which side owns the service's port.
    pub server: Server,
}

impl<'a> FlowWord<'a> {
    /// The words of a valid flow.
    #[inline]
    pub fn of(flow: &Flow<'a>, words: Words) -> Self {
        let (port, server) = service(flow.sport, flow.dport);
        let size = |n: i64| bits(n.max(0).unsigned_abs());
        FlowWord {
            port,
            proto: protocol(flow.proto, words),
            hour: flow.hour,
            bytes: size(flow.ibyt),
            packets: size(flow.ipkt),
            server,
        }
    }

    /// What the field of the port says. A port of which the number is that of a mark can only be with
    /// `spot-1.1`, where the words are the same, too.
    pub fn service(&self) -> Service {
        match self.port {
            0 => Service::None,
            BOTH_LOW => Service::BothLow,
            BOTH_HIGH => Service::BothHigh,
            port => Service::Port(port),
        }
    }

    /// The protocol as the word has it.
    pub fn protocol(&self, words: Words) -> String {
        match words {
            Words::V2 if self.proto != UNKNOWN => self.proto.to_ascii_uppercase(),
            _ => self.proto.to_owned(),
        }
    }

    /// The protocol as the word has it but for the case of its letters.
    pub(crate) fn proto(&self) -> &'a str {
        self.proto
    }

    /// All but the protocol in one number; `None` where it does not fit into one.
    #[inline]
    pub(crate) fn code(&self, proto: u16) -> Option<u64> {
        let port = u64::try_from(self.port)
            .ok()
            .filter(|port| *port < 1 << 31)?;
        let hour = u64::try_from(self.hour)
            .ok()
            .filter(|hour| *hour < 1 << 5)?;
        let sizes = u64::from(self.bytes) << 6 | u64::from(self.packets);
        let proto = u64::from(proto);
        (proto < 1 << 13)
            .then_some(port << 33 | hour << 28 | sizes << 16 | proto << 2 | self.server as u64)
    }

    /// Writes the word of one side: with `-1_` in front where it owns the service's port.
    pub fn write(&self, owns_port: bool, words: Words, word: &mut String) {
        word.clear();
        if owns_port {
            word.push_str("-1_");
        }
        let FlowWord {
            port,
            proto,
            hour,
            bytes,
            packets,
            ..
        } = self;
        // Writing to a text does not fail.
        let _ = write!(word, "{port}_");
        match words {
            Words::Spot11 => word.push_str(proto),
            Words::V2 if *proto == UNKNOWN => word.push_str(proto),
            Words::V2 => word.extend(proto.chars().map(|c| c.to_ascii_uppercase())),
        }
        let _ = write!(word, "_{hour}_{bytes}_{packets}");
    }

    /// Writes the source's word and then the destination's.
    pub fn write_both(&self, words: Words, source: &mut String, destination: &mut String) {
        self.write(self.server == Server::Source, words, source);
        self.write(self.server == Server::Destination, words, destination);
    }
}

fn protocol(proto: Option<&str>, words: Words) -> &str {
    match (words, proto) {
        (Words::Spot11, proto) => proto.unwrap_or("null"),
        (Words::V2, proto) => match proto.map(str::trim) {
            None | Some("") => UNKNOWN,
            Some(proto) => proto,
        },
    }
}

/// The port that names the service, and the side that owns it.
#[inline]
fn service(sport: i64, dport: i64) -> (i64, Server) {
    let is_low = |port: i64| port <= LAST_LOW_PORT;
    match (sport, dport) {
        (0, 0) => (0, Server::None),
        (_, 0) => (sport, Server::Source),
        (0, _) => (dport, Server::Destination),
        _ => match (is_low(sport), is_low(dport)) {
            (true, true) => (BOTH_LOW, Server::None),
            (true, false) => (sport, Server::Source),
            (false, true) => (dport, Server::Destination),
            (false, false) => (BOTH_HIGH, Server::None),
        },
    }
}
