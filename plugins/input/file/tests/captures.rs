//! What the inputs read of captures of packets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use datashark_codec::capture::Message;
use datashark_input_file::{Batch, Folder};
use datashark_sdk::input::{
    Content, Framing, Input, InputBatch, InputEvent, Open, PartitionId, Resume,
};
use support::{batch_conf, folder, folder_conf, pack, timeout};

/// An open capture of a run over what is there.
fn once() -> Open {
    Open {
        framing: Framing::Capture,
        ..support::once()
    }
}

/// A pcap file of raw IP.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, 101_u32] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for packet in packets {
        for word in [1, 2, packet.len() as u32, packet.len() as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(packet);
    }
    file
}

/// A packet of IPv4 with this behind its header.
fn ip(protocol: u8, body: &[u8]) -> Vec<u8> {
    let len = (20 + body.len() as u16).to_be_bytes();
    let head = [0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    [&head[..], &[192, 0, 2, 1], &[192, 0, 2, 53], body].concat()
}

/// A DNS message of 12 bytes in a datagram.
fn udp(id: u8) -> Vec<u8> {
    let head = [0x10, 0, 0, 53, 0, 20, 0, 0];
    ip(17, &[&head[..], &message(id)].concat())
}

/// A segment of a connection.
fn tcp(sequence: u32, bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![0x10, 0, 0, 53];
    head.extend_from_slice(&sequence.to_be_bytes());
    head.extend_from_slice(&[0, 0, 0, 0, 0x50, 0x10, 0xFF, 0xFF, 0, 0, 0, 0]);
    ip(6, &[&head[..], bytes].concat())
}

fn message(id: u8) -> [u8; 12] {
    let mut message = [0; 12];
    message[0] = id;
    message
}

/// What an input said: ids of messages with their offsets, reasons, and how it ended.
#[derive(Debug, Default, PartialEq)]
struct Said {
    messages: Vec<(u64, u8)>,
    unreadable: Vec<(u64, String)>,
    failed: Option<String>,
    end_offset: u64,
    n_bytes: u64,
    partition: Option<PartitionId>,
}

impl Said {
    fn take(&mut self, event: InputEvent) {
        match event {
            InputEvent::Batch(batch) => self.batch(batch),
            InputEvent::Failed { reason, .. } => self.failed = Some(reason),
            _ => {}
        }
    }

    fn batch(&mut self, batch: InputBatch) {
        let Content::Payloads(payloads) = &batch.content else {
            panic!("no payloads")
        };
        for (record, offset) in payloads.records.iter().zip(payloads.offsets.iter()) {
            let message = Message::decode(record.unwrap()).unwrap();
            self.messages.push((*offset, message.bytes[0]));
        }
        let unreadable = batch.unreadable.into_iter();
        self.unreadable
            .extend(unreadable.map(|bad| (bad.offset, bad.reason)));
        self.end_offset = batch.end_offset;
        self.n_bytes += batch.n_bytes;
        self.partition = Some(batch.partition);
    }
}

async fn read(name: &str, file: &[u8], open: Open) -> Said {
    let folder = folder(&[(name, file)]);
    read_from(&folder.path().join(name), open).await
}

async fn read_from(path: &std::path::Path, open: Open) -> Said {
    let mut input = Batch::open(batch_conf(path), open).await.unwrap();
    let mut said = Said::default();
    while let Some(event) = timeout(input.next()).await.unwrap() {
        said.take(event);
    }
    said
}

#[tokio::test]
async fn a_capture_gives_its_messages_packed_or_not_and_whatever_a_block_is() {
    let file = pcap(&[udp(1), vec![0; 30], udp(2), udp(3)]);
    let plain = read("a.pcap", &file, once()).await;
    assert_eq!(
        plain.messages,
        [(24, 1), (24 + 56 + 46, 2), (24 + 56 + 46 + 56, 3)]
    );
    let (at, reason) = &plain.unreadable[0];
    assert_eq!(*at, 80);
    assert!(reason.starts_with("the IP header is damaged: "), "{reason}");
    assert_eq!(
        (plain.end_offset, plain.n_bytes),
        (file.len() as u64, file.len() as u64)
    );
    for block_bytes in [1, 50, 200] {
        let open = Open {
            block_bytes,
            ..once()
        };
        let packed = read("a.pcap.gz", &pack("gz", &file), open).await;
        assert_eq!(
            (packed.messages, packed.unreadable),
            (plain.messages.clone(), plain.unreadable.clone())
        );
    }
}

#[tokio::test]
async fn what_a_capture_breaks_off_in_is_unreadable_and_what_is_none_fails() {
    let file = pcap(&[udp(1), udp(2)]);
    let cut = read("a.pcap", &file[..file.len() - 5], once()).await;
    assert_eq!(cut.messages, [(24, 1)]);
    assert_eq!(
        cut.unreadable,
        [(
            80,
            "the capture ends within a packet, after 51 bytes of it".to_owned()
        )]
    );
    let packed = pack("gz", &file);
    let cut = read("a.pcap.gz", &packed[..packed.len() - 9], once()).await;
    assert!(cut.failed.unwrap().contains("the file is truncated"));
    let none = read("a.pcap", b"GET / HTTP/1.1\n", once()).await;
    let failed = none.failed.unwrap();
    assert!(failed.contains("this is no capture: "), "{failed}");
}

#[tokio::test]
async fn a_restart_goes_on_within_a_connection() {
    let stream = [
        &[0, 12][..],
        &message(1),
        &[0, 12],
        &message(2),
        &[0, 12],
        &message(3),
    ]
    .concat();
    let file = pcap(&[tcp(1, &stream[..20]), tcp(21, &stream[20..])]);
    let folder = folder(&[("a.pcap", &file)]);
    let path = folder.path().join("a.pcap");
    let whole = read_from(&path, once()).await;
    assert_eq!(whole.messages, [(24, 1), (100, 2), (101, 3)]);
    for (place, n_before) in [(25, 1), (100, 1), (101, 2), (102, 3)] {
        let partition = whole.partition.clone().unwrap();
        let resume = BTreeMap::from([(partition, Resume::at(place))]);
        let rest = read_from(&path, Open { resume, ..once() }).await;
        assert_eq!(rest.messages, whole.messages[n_before..], "{place}");
        assert_eq!(rest.end_offset, file.len() as u64);
    }
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_told() {
    let open = Open {
        max_record_bytes: 30,
        ..once()
    };
    let said = read("a.pcap", &pcap(&[udp(1)]), open).await;
    assert!(said.messages.is_empty());
    assert_eq!(said.end_offset, 80);
}

#[tokio::test]
async fn a_capture_that_is_being_written_is_followed() {
    let stream = [&[0, 12][..], &message(2)].concat();
    let file = pcap(&[udp(1), tcp(1, &stream[..5]), tcp(6, &stream[5..]), udp(3)]);
    let folder = folder(&[("a.pcap", &file[..30])]);
    let open = Open {
        framing: Framing::Capture,
        ..Open::default()
    };
    let mut input = Folder::open(folder_conf(folder.path(), &[]), open)
        .await
        .unwrap();
    let mut said = Said::default();
    let mut capture = File::options()
        .append(true)
        .open(folder.path().join("a.pcap"))
        .unwrap();
    // Each piece ends within a packet, one of them between the segments of a message.
    for (piece, n_messages) in [(30..100, 1), (100..160, 1), (160..file.len(), 3)] {
        capture.write_all(&file[piece]).unwrap();
        while said.messages.len() < n_messages {
            said.take(timeout(input.next()).await.unwrap().unwrap());
        }
    }
    let ids: Vec<u8> = said.messages.iter().map(|(_, id)| *id).collect();
    assert_eq!((ids, said.n_bytes), (vec![1, 2, 3], file.len() as u64));
    assert!(said.unreadable.is_empty());
}
