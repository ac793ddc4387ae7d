//! Captures that are made here, packet by packet, and what comes of them.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::*;

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 53];

/// A pcap file of packets of a link type, a second apart.
fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, link] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (second, packet) in packets.iter().enumerate() {
        for word in [second as u32, 5, packet.len() as u32, packet.len() as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(packet);
    }
    file
}

/// A message of `n` bytes, whose id is `id`.
fn message(id: u16, n: usize) -> Vec<u8> {
    let mut message = vec![0; n];
    message[..2].copy_from_slice(&id.to_be_bytes());
    message
}

/// A datagram as raw IP.
fn udp(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(SERVER, CLIENT, 64).udp(53, 4000);
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

/// A segment as raw IP.
fn tcp(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(SERVER, CLIENT, 64).tcp(53, 4000, sequence, 1000);
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

/// Records, their offsets, and what is unreadable.
type Read = (Vec<Vec<u8>>, Vec<u64>, Vec<(u64, String)>);

/// Reads a file in pieces of `n_bytes`.
fn read(file: &[u8], n_bytes: usize) -> Read {
    let (mut capture, mut found) = (Capture::new(), Found::from(0));
    let (mut start, mut end) = (0, 0);
    while end < file.len() {
        end = file.len().min(end + n_bytes);
        match capture.take(&file[start..end], start as u64, &mut found) {
            Ok(n_taken) => start += n_taken,
            Err(damage) => {
                found.unreadable(damage.offset, damage.reason);
                start = file.len();
                break;
            }
        }
    }
    capture.finish(&file[start..], start as u64, &mut found);
    let (lines, unreadable) = found.take();
    let records = lines.records.iter().flatten().map(<[u8]>::to_vec);
    (records.collect(), lines.offsets.to_vec(), unreadable)
}

/// The messages of a file.
fn messages(file: &[u8]) -> Vec<Vec<u8>> {
    let (records, ..) = read(file, usize::MAX / 2);
    let bytes = |record: &Vec<u8>| Message::decode(record).unwrap().bytes.to_vec();
    records.iter().map(bytes).collect()
}

fn reasons(file: &[u8]) -> Vec<String> {
    let (_, _, unreadable) = read(file, usize::MAX / 2);
    unreadable.into_iter().map(|(_, reason)| reason).collect()
}

/// What a TCP connection carries: messages behind their lengths.
fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
    let parts = messages.iter().flat_map(|message| {
        let len = (message.len() as u16).to_be_bytes();
        [len.to_vec(), message.clone()]
    });
    parts.flatten().collect()
}

#[test]
fn a_record_says_who_sent_what_when_and_where_it_stands() {
    let file = pcap(101, &[udp(&message(1, 12)), udp(&message(2, 40))]);
    let (records, offsets, _) = read(&file, 7);
    assert_eq!(offsets, [24, 24 + 16 + 40]);
    let second = message(2, 40);
    let expected = Message {
        time_ns: 1_000_005_000,
        frame_bytes: 68,
        transport: Transport::Udp,
        source: IpAddr::V4(Ipv4Addr::from(SERVER)),
        source_port: 53,
        destination: IpAddr::V4(Ipv4Addr::from(CLIENT)),
        destination_port: 4000,
        bytes: &second,
    };
    assert_eq!(Message::decode(&records[1]), Some(expected));
}

#[test]
fn every_link_type_leads_to_the_same_message() {
    let ip = udp(&message(7, 20));
    let ethernet = |tags: &[u8]| [&[0; 12], tags, &[0x08, 0x00], &ip].concat();
    let behind = |head: &[u8]| [head, &ip].concat();
    let fddi = [&[0x50][..], &[0; 12], &[0xAA, 0xAA, 3, 0, 0, 0, 8, 0]].concat();
    for (link, packet) in [
        (1, ethernet(&[])),
        (1, ethernet(&[0x81, 0x00, 0, 5])),
        (1, ethernet(&[0x88, 0xA8, 0, 5, 0x81, 0x00, 0, 6])),
        (0, behind(&[2, 0, 0, 0])),
        (108, behind(&[0, 0, 0, 2])),
        (10, behind(&fddi)),
        (12, ip.clone()),
        (101, ip.clone()),
        (228, ip.clone()),
        (113, behind(&[&[0; 14][..], &[8, 0]].concat())),
        (276, behind(&[&[8, 0][..], &[0; 18]].concat())),
    ] {
        assert_eq!(messages(&pcap(link, &[packet])), [message(7, 20)], "{link}");
    }
    let reason = &reasons(&pcap(147, &[ip]))[0];
    assert!(
        reason.starts_with("link type 147 is not read; Ethernet (1), "),
        "{reason}"
    );
}

#[test]
fn what_is_no_dns_is_passed_over_and_what_is_damaged_is_told() {
    let mut other = udp(&message(1, 30));
    other[20..24].copy_from_slice(&[0, 80, 0, 81]);
    let mut headless = udp(&message(2, 30));
    headless.truncate(25);
    let mut file = pcap(101, &[other, headless, udp(&message(3, 30))]);
    file.truncate(file.len() - 1);
    let (records, _, unreadable) = read(&file, 1000);
    assert!(records.is_empty());
    let [(damaged_at, damaged), (_, cut)] = &unreadable[..] else {
        panic!("{unreadable:?}")
    };
    assert_eq!(*damaged_at, 24 + 16 + 58);
    assert!(damaged.starts_with("UDP header is damaged: "), "{damaged}");
    assert_eq!(
        cut,
        "the capture ends within a packet, after 73 bytes of it"
    );
}

#[test]
fn a_file_that_is_no_capture_or_breaks_is_not_read_on() {
    assert_eq!(
        reasons(b"GET / HTTP/1.1\r\n"),
        ["this is no capture: pcap begins with d4c3b2a1, pcapng with 0a0d0d0a, this with 47455420"]
    );
    let mut file = pcap(101, &[udp(&message(1, 12)), udp(&message(2, 12))]);
    file[80 + 11] = 0x7F;
    assert_eq!(messages(&file).len(), 1);
    assert_eq!(reasons(&file), ["a packet claims to have more than 16 MiB"]);
}

#[test]
fn messages_over_tcp_are_cut_by_their_lengths_wherever_segments_end() {
    let sent = [message(1, 12), message(2, 700), message(3, 50)];
    let stream = stream(&sent);
    // The second segment is sent twice, the third comes before it.
    let order = [0..100, 300..500, 100..300, 100..300, 500..768];
    let packets = order.map(|part| tcp(9_000_u32.wrapping_add(part.start as u32), &stream[part]));
    assert_eq!(messages(&pcap(101, &packets)), sent);
    let whole = tcp(u32::MAX, &stream);
    let (records, offsets, _) = read(&pcap(101, &[whole]), 1000);
    assert_eq!((records.len(), offsets), (3, vec![24, 25, 26]));
}

#[test]
fn a_connection_with_a_gap_or_no_dns_in_it_is_told() {
    let stream = stream(&[message(1, 100)]);
    let cut = pcap(101, &[tcp(5, &stream[..60])]);
    assert_eq!(
        reasons(&cut),
        ["a DNS message over TCP is not whole: 60 bytes of it were captured"]
    );
    let other = pcap(101, &[tcp(5, &[0, 3, 1, 2, 3])]);
    assert!(reasons(&other)[0].starts_with("a TCP connection has a message of 3 bytes"));
    let early: Vec<Vec<u8>> = (0..300).map(|n| tcp(5000 + n * 1000, &[0; 1000])).collect();
    let gap = [vec![tcp(5, &stream[..60])], early].concat();
    let missing = "4935 bytes of a TCP connection are missing; ";
    assert!(
        reasons(&pcap(101, &gap))
            .iter()
            .any(|reason| reason.starts_with(missing))
    );
}

#[test]
fn fragments_are_put_together_in_any_order() {
    let whole = udp(&message(9, 100));
    let (header, payload) = whole.split_at(20);
    let fragment = |start: usize, end: usize| {
        let mut packet = header.to_vec();
        packet[2..4].copy_from_slice(&((20 + end - start) as u16).to_be_bytes());
        let more = u16::from(end < payload.len()) << 13;
        packet[6..8].copy_from_slice(&(more | (start / 8) as u16).to_be_bytes());
        packet.extend_from_slice(&payload[start..end]);
        packet
    };
    let parts = [fragment(80, 108), fragment(0, 48), fragment(40, 88)];
    assert_eq!(messages(&pcap(101, &parts)), [message(9, 100)]);
    assert_eq!(
        reasons(&pcap(101, &parts[..2])),
        ["a fragmented packet is not whole: 76 bytes of it were captured"]
    );
}

#[test]
fn what_stands_before_a_place_is_read_and_not_given() {
    let stream = stream(&[message(1, 30), message(2, 30)]);
    let file = pcap(101, &[tcp(1, &stream[..40]), tcp(41, &stream[40..])]);
    let mut found = Found::from(25);
    Capture::new().take(&file, 0, &mut found).unwrap();
    let (lines, _) = found.take();
    assert_eq!(lines.offsets.to_vec(), [24 + 16 + 80]);
    assert_eq!(
        Message::decode(lines.records.value(0)).unwrap().bytes,
        message(2, 30)
    );
}

proptest! {
    /// The same is found whatever pieces the file comes in.
    #[test]
    fn pieces_do_not_matter(
        packets in proptest::collection::vec((0..3_usize, 12..90_usize), 1..12),
        n_bytes in 1..300_usize,
        flip in proptest::option::of((0..2000_usize, 0..8_u8)),
    ) {
        let mut sequence = 0;
        let packets: Vec<Vec<u8>> = packets.iter().enumerate().map(|(id, &(kind, n))| match kind {
            0 => udp(&message(id as u16, n)),
            1 => {
                let stream = stream(&[message(id as u16, n)]);
                let half = tcp(sequence, &stream);
                sequence += stream.len() as u32;
                half
            }
            _ => vec![0x45; n],
        }).collect();
        let mut file = pcap(101, &packets);
        if let Some((at, bit)) = flip {
            let at = at % file.len();
            file[at] ^= 1 << bit;
        }
        prop_assert_eq!(read(&file, n_bytes), read(&file, usize::MAX / 2));
    }

    /// What a connection carries comes out whole, however it is cut, in order.
    #[test]
    fn a_connection_is_the_messages_that_were_sent(
        lens in proptest::collection::vec(12..400_usize, 1..8),
        cuts in proptest::collection::vec(1..200_usize, 1..30),
        swap in 0..30_usize,
        sequence: u32,
    ) {
        let sent: Vec<Vec<u8>> = lens.iter().enumerate().map(|(id, n)| message(id as u16, *n)).collect();
        let stream = stream(&sent);
        let mut packets = vec![];
        let mut at = 0;
        for n in cuts.iter().cycle() {
            let end = stream.len().min(at + n);
            packets.push(tcp(sequence.wrapping_add(at as u32), &stream[at..end]));
            at = end;
            if at == stream.len() {
                break;
            }
        }
        // The first segment says where the connection begins.
        let n = packets.len();
        if n > 2 {
            packets.swap(1 + swap % (n - 1), n - 1);
        }
        prop_assert_eq!(messages(&pcap(101, &packets)), sent);
    }
}
