//! A packet's headers, down to the datagram or segment in it.

use std::net::IpAddr;

use etherparse::{
    EtherType, IpNumber, Ipv6ExtensionSlice, LaxIpSlice, LaxNetSlice, LaxSlicedPacket, TcpSlice,
    TransportSlice, UdpSlice,
};

use super::fragments::{Ends, Fragment};
use super::tcp::Segment;

/// The link types that are read, by libpcap's numbers.
const LINKS: &str = "Ethernet (1), BSD loopback (0, 108), FDDI (10), raw IP (12, 14, 101, 228, 229), Linux \
                     cooked (113, 276)";

/// What is in a packet.
pub(super) enum Content<'a> {
    /// Neither UDP nor TCP.
    Other,
    /// Part of a packet.
    Fragment(Fragment<'a>),
    /// Who sends what to whom.
    Datagram(IpAddr, IpAddr, Datagram<'a>),
}

/// What IP carries.
pub(super) enum Datagram<'a> {
    Udp {
        source_port: u16,
        destination_port: u16,
        payload: &'a [u8],
    },
    Tcp(Segment<'a>),
}

impl Datagram<'_> {
    /// The ports, source first.
    pub(super) fn ports(&self) -> (u16, u16) {
        match self {
            Datagram::Udp {
                source_port,
                destination_port,
                ..
            } => (*source_port, *destination_port),
            Datagram::Tcp(segment) => (segment.source_port, segment.destination_port),
        }
    }
}

/// What is in a packet of a link type.
///
/// # Errors
/// Why it is damaged.
pub(super) fn content(link: i32, bytes: &[u8]) -> Result<Content<'_>, String> {
    let packet = slice(link, bytes)?;
    let damage = packet.stop_err.as_ref();
    let damage = damage.map(|(error, layer)| format!("{layer} is damaged: {error}"));
    let ip = match packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => LaxIpSlice::Ipv4(ip),
        Some(LaxNetSlice::Ipv6(ip)) => LaxIpSlice::Ipv6(ip),
        Some(LaxNetSlice::Arp(_)) | None => return damage.map_or(Ok(Content::Other), Err),
    };
    let (source, destination) = (ip.source_addr(), ip.destination_addr());
    if ip.is_fragmenting_payload() {
        return fragment(&ip, source, destination).map(Content::Fragment);
    }
    let datagram = match &packet.transport {
        Some(TransportSlice::Udp(udp)) => of_udp(udp),
        Some(TransportSlice::Tcp(tcp)) => of_tcp(tcp, ip.payload().incomplete),
        _ => return damage.map_or(Ok(Content::Other), Err),
    };
    Ok(Content::Datagram(source, destination, datagram))
}

fn slice(link: i32, bytes: &[u8]) -> Result<LaxSlicedPacket<'_>, String> {
    let behind = |n: usize| {
        let short = || {
            format!(
                "the link header is damaged: {n} bytes expected, {} found",
                bytes.len()
            )
        };
        bytes.split_at_checked(n).ok_or_else(short)
    };
    let tagged = |tag: &[u8], payload| {
        let ether_type = tag.try_into().map_or(0, u16::from_be_bytes);
        LaxSlicedPacket::from_ether_type(EtherType(ether_type), payload)
    };
    let ip = |bytes| {
        LaxSlicedPacket::from_ip(bytes)
            .map_err(|error| format!("the IP header is damaged: {error}"))
    };
    match link {
        1 => LaxSlicedPacket::from_ethernet(bytes)
            .map_err(|error| format!("the Ethernet header is damaged: {error}")),
        // The address family, whose numbers differ between systems: IP's own version says more.
        0 | 108 => ip(behind(4)?.1),
        // A control byte, two addresses, LLC and SNAP, whose last two bytes are Ethernet's type.
        10 => behind(21).map(|(head, payload)| tagged(&head[19..], payload)),
        12 | 14 | 101 | 228 | 229 => ip(bytes),
        113 => behind(16).map(|(head, payload)| tagged(&head[14..], payload)),
        276 => behind(20).map(|(head, payload)| tagged(&head[..2], payload)),
        other => Err(format!("link type {other} is not read; {LINKS} are")),
    }
}

fn fragment<'a>(
    ip: &LaxIpSlice<'a>,
    source: IpAddr,
    destination: IpAddr,
) -> Result<Fragment<'a>, String> {
    let payload = ip.payload();
    if payload.incomplete {
        return Err("an IP fragment was not captured whole".to_owned());
    }
    let (id, offset, more) = match ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            (
                u32::from(header.identification()),
                header.fragments_offset(),
                header.more_fragments(),
            )
        }
        LaxIpSlice::Ipv6(ip) => {
            let mut headers = ip.extensions().clone().into_iter();
            let header = headers.find_map(|header| match header {
                Ipv6ExtensionSlice::Fragment(header) => Some(header.to_header()),
                _ => None,
            });
            let header = header.ok_or("an IPv6 fragment has no fragment header")?;
            (
                header.identification,
                header.fragment_offset,
                header.more_fragments,
            )
        }
    };
    Ok(Fragment {
        ends: Ends {
            source,
            destination,
            protocol: payload.ip_number.0,
        },
        id,
        start: usize::from(offset.byte_offset()),
        more,
        bytes: payload.payload,
    })
}

/// What a packet put together of fragments carries.
///
/// # Errors
/// Why it is damaged.
pub(super) fn transport(protocol: u8, bytes: &[u8]) -> Result<Option<Datagram<'_>>, String> {
    Ok(Some(match IpNumber(protocol) {
        IpNumber::UDP => of_udp(
            &UdpSlice::from_slice_lax(bytes)
                .map_err(|error| format!("the UDP header is damaged: {error}"))?,
        ),
        IpNumber::TCP => of_tcp(
            &TcpSlice::from_slice(bytes)
                .map_err(|error| format!("the TCP header is damaged: {error}"))?,
            false,
        ),
        _ => return Ok(None),
    }))
}

fn of_udp<'a>(udp: &UdpSlice<'a>) -> Datagram<'a> {
    Datagram::Udp {
        source_port: udp.source_port(),
        destination_port: udp.destination_port(),
        payload: udp.payload(),
    }
}

fn of_tcp<'a>(tcp: &TcpSlice<'a>, cut_short: bool) -> Datagram<'a> {
    Datagram::Tcp(Segment {
        source_port: tcp.source_port(),
        destination_port: tcp.destination_port(),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        last: tcp.fin() || tcp.rst(),
        cut_short,
        bytes: tcp.payload(),
    })
}
