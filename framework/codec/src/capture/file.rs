//! The packets of a capture file, one after the other: pcap and pcapng.

use std::ops::Range;

use pcap_parser::nom::Err as Nom;
use pcap_parser::pcapng::{Block, EnhancedPacketBlock, InterfaceDescriptionBlock};
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_block_be, parse_block_le, parse_pcap_frame,
    parse_pcap_frame_be, parse_pcap_header,
};

/// A packet or block longer than this is no packet: what claims to be is damage.
const BLOCK_MAX: usize = 16 << 20;

/// The first bytes of a pcapng file, and of each section of it.
const SECTION: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];

/// Where pcapng's byte order stands in a section's first block, and what it is in big-endian order.
const BYTE_ORDER: Range<usize> = 8..12;
const BIG_ENDIAN: [u8; 4] = [0x1A, 0x2B, 0x3C, 0x4D];

/// The most interfaces of a section: no machine has that many.
const INTERFACES_MAX: usize = 4096;

/// A file that cannot be read from some place on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {offset})")]
pub struct Damage {
    /// The place.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

/// A packet as it was captured.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    /// What its first header is: libpcap's number.
    pub link: i32,
    /// When, in nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
    /// How long it was on the wire.
    pub frame_bytes: u32,
    /// What was kept of it.
    pub bytes: &'a [u8],
}

/// What the file's headers say so far.
#[derive(Debug, Clone, Default)]
pub(super) struct File(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    /// No byte was seen.
    #[default]
    Unknown,
    Pcap(Pcap),
    PcapNg(Section),
}

#[derive(Debug, Clone, Copy)]
struct Pcap {
    big_endian: bool,
    nanoseconds: bool,
    link: i32,
}

#[derive(Debug, Clone, Default)]
struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: i32,
    /// Units of a packet's time in a second.
    resolution: u64,
    /// Seconds that are added to it.
    offset: i64,
}

/// A packet, or nothing where the bytes hold something else, and how many bytes that takes.
type Step<'a> = (Option<Result<Packet<'a>, String>>, usize);

impl File {
    /// The first packet or header of `bytes`, which stand at `offset`; `None` until there are more.
    pub(super) fn packet<'a>(
        &mut self,
        bytes: &'a [u8],
        offset: u64,
    ) -> Result<Option<Step<'a>>, Damage> {
        let is_section = matches!(self.0, Kind::PcapNg(_)) && bytes.first_chunk() == Some(&SECTION);
        if is_section && bytes.len() < BYTE_ORDER.end {
            // Its length cannot be read before its byte order is known.
            return Ok(None);
        }
        let step = match &mut self.0 {
            Kind::Unknown => return self.begin(bytes, offset),
            Kind::Pcap(pcap) => pcap.packet(bytes),
            Kind::PcapNg(section) => section.block(bytes),
        };
        let kind = match self.0 {
            Kind::Pcap(_) => "packet",
            _ => "block",
        };
        match step {
            Ok(step) => Ok(Some(step)),
            Err(Nom::Incomplete(_)) if bytes.len() < BLOCK_MAX && !self.is_too_long(bytes) => {
                Ok(None)
            }
            Err(Nom::Incomplete(_)) => Err(Damage {
                offset,
                reason: format!("a {kind} claims to have more than 16 MiB"),
            }),
            Err(_) => Err(Damage {
                offset,
                reason: format!("a {kind} is not what it should be"),
            }),
        }
    }

    /// Whether what the bytes begin with claims to be longer than anything is.
    fn is_too_long(&self, bytes: &[u8]) -> bool {
        let (place, big_endian) = match &self.0 {
            Kind::Unknown => return false,
            Kind::Pcap(pcap) => (8..12, pcap.big_endian),
            Kind::PcapNg(section) => (4..8, section.big_endian),
        };
        let length = length_at(bytes, place, big_endian).unwrap_or(0);
        length as usize > BLOCK_MAX
    }

    fn begin<'a>(&mut self, bytes: &'a [u8], offset: u64) -> Result<Option<Step<'a>>, Damage> {
        let Some(magic) = bytes.first_chunk::<4>() else {
            return Ok(None);
        };
        if *magic == SECTION {
            self.0 = Kind::PcapNg(Section::default());
            return self.packet(bytes, offset);
        }
        match parse_pcap_header(bytes) {
            Ok((rest, header)) => {
                self.0 = Kind::Pcap(Pcap::of(&header));
                Ok(Some((None, bytes.len() - rest.len())))
            }
            Err(Nom::Incomplete(_)) => Ok(None),
            Err(_) => Err(Damage {
                offset,
                reason: format!(
                    "this is no capture: pcap begins with d4c3b2a1, pcapng with 0a0d0d0a, this with \
                     {:02x}{:02x}{:02x}{:02x}",
                    magic[0], magic[1], magic[2], magic[3]
                ),
            }),
        }
    }
}

/// The length that stands there; `None` until it does.
fn length_at(bytes: &[u8], place: Range<usize>, big_endian: bool) -> Option<u32> {
    let bytes = bytes.get(place)?.try_into().ok()?;
    Some(match big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    })
}

impl Pcap {
    fn of(header: &PcapHeader) -> Self {
        Pcap {
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            // The upper bits may say how long the frame check sequence is.
            link: header.network.0 & 0xFFFF,
        }
    }

    fn packet<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, Nom<PcapError<&'a [u8]>>> {
        let parse = match self.big_endian {
            true => parse_pcap_frame_be,
            false => parse_pcap_frame,
        };
        let (rest, frame): (_, LegacyPcapBlock<'a>) = parse(bytes)?;
        let fraction = i64::from(frame.ts_usec) * if self.nanoseconds { 1 } else { 1_000 };
        let packet = Packet {
            link: self.link,
            time_ns: i64::from(frame.ts_sec) * 1_000_000_000 + fraction,
            frame_bytes: frame.origlen,
            bytes: frame.data,
        };
        Ok((Some(Ok(packet)), bytes.len() - rest.len()))
    }
}

impl Section {
    fn block<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Nom<PcapError<&'a [u8]>>> {
        if bytes.first_chunk() == Some(&SECTION) {
            self.big_endian = bytes.get(BYTE_ORDER) == Some(&BIG_ENDIAN);
            self.interfaces.clear();
        }
        // The parser takes the twelve bytes that each block has around its content from any length.
        if length_at(bytes, 4..8, self.big_endian).is_some_and(|length| length < 12) {
            return Err(Nom::Error(PcapError::HeaderNotRecognized));
        }
        let (rest, block) = match self.big_endian {
            true => parse_block_be(bytes)?,
            false => parse_block_le(bytes)?,
        };
        let packet = match block {
            Block::InterfaceDescription(interface) => {
                if self.interfaces.len() < INTERFACES_MAX {
                    self.interfaces.push(Interface::of(&interface));
                }
                None
            }
            Block::EnhancedPacket(packet) => Some(self.enhanced(&packet)),
            // A record without a time would be of 1970.
            Block::SimplePacket(_) => Some(Err("the packet has no time".to_owned())),
            _ => None,
        };
        Ok((packet, bytes.len() - rest.len()))
    }

    fn enhanced<'a>(&self, block: &EnhancedPacketBlock<'a>) -> Result<Packet<'a>, String> {
        let interface = self.interfaces.get(block.if_id as usize);
        let interface = interface.ok_or_else(|| {
            let id = block.if_id;
            format!("the packet is of interface {id}, which the capture does not describe")
        })?;
        let ticks = (u64::from(block.ts_high) << 32) | u64::from(block.ts_low);
        let bytes = block.data.get(..block.caplen as usize);
        Ok(Packet {
            link: interface.link,
            time_ns: interface.time_ns(ticks).ok_or("the time is out of range")?,
            frame_bytes: block.origlen,
            bytes: bytes.ok_or("the packet is longer than its block")?,
        })
    }
}

impl Interface {
    fn of(block: &InterfaceDescriptionBlock<'_>) -> Self {
        Interface {
            link: block.linktype.0,
            resolution: block.ts_resolution().unwrap_or(0),
            offset: block.ts_offset(),
        }
    }

    fn time_ns(&self, ticks: u64) -> Option<i64> {
        let second = 1_000_000_000_i128;
        let ns = (i128::from(ticks) * second).checked_div(i128::from(self.resolution))?;
        i64::try_from(ns + i128::from(self.offset) * second).ok()
    }
}
