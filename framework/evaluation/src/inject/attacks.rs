//! What the events of an attack look like.

use arrow::array::RecordBatch;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::event::{Code, Event};
use super::{Kind, Shape};
use crate::Micros;
use crate::role::{self, Role};

const SECOND: Micros = 1_000_000;
/// Bytes of a full packet's payload over Ethernet.
const PAYLOAD: i64 = 1460;
/// Bytes of the headers of a packet of TCP.
const HEADERS: i64 = 40;

/// What there is to attack.
pub(super) struct Scene {
    shape: Shape,
    /// The first time and the last.
    span: Option<(Micros, Micros)>,
    destinations: Vec<Option<String>>,
    /// The host of each request.
    hosts: Vec<Option<String>>,
    /// The records of each machine are its sources'.
    sources: Vec<Option<String>>,
    /// Whether bytes are those of the payload alone, so that a connection may have packets and no bytes.
    is_payload: bool,
}

impl Scene {
    pub(super) fn new(records: &RecordBatch, times: &[Option<Micros>], shape: Shape) -> Self {
        let known = || times.iter().flatten().copied();
        let texts = |role| role::texts(records, role).unwrap_or_default();
        let numbers = |role| role::numbers(records, role).unwrap_or_default();
        let (packets, bytes) = (numbers(Role::PacketsOut), numbers(Role::BytesOut));
        let mut sizes = packets.iter().zip(&bytes);
        Scene {
            shape,
            span: known().min().zip(known().max()),
            destinations: texts(Role::Destination),
            hosts: texts(Role::Host),
            sources: texts(Role::Source),
            is_payload: sizes.any(|(packets, bytes)| *packets > 0 && *bytes == 0),
        }
    }

    /// Another record of a machine, so that an attack does not repeat one record in all that is unknown.
    fn template(&self, attacker: usize, random: &mut Xoshiro256PlusPlus) -> usize {
        let source = self.sources.get(attacker);
        for _ in 0..16 {
            let other = random.gen_range(0..self.sources.len().max(1));
            if self.sources.get(other) == source {
                return other;
            }
        }
        attacker
    }

    /// The times of events that are so far apart each, within the span.
    fn times(
        &self,
        n_events: usize,
        mut gap: impl FnMut(&mut Xoshiro256PlusPlus) -> f64,
        random: &mut Xoshiro256PlusPlus,
    ) -> Vec<Option<Micros>> {
        let Some((first, last)) = self.span else {
            return vec![None; n_events];
        };
        let mut offsets = vec![0.0];
        for event in 1..n_events {
            let gap = gap(random);
            offsets.push(offsets[event - 1] + gap);
        }
        offsets.truncate(n_events);
        let (span, length) = (
            (last - first) as f64,
            offsets.last().copied().unwrap_or_default(),
        );
        // What is too long for the span is faster.
        let scale = if length > span { span / length } else { 1.0 };
        let room = (span - length * scale).max(0.0);
        let start = first as f64 + random.gen_range(0.0..=1.0) * room;
        let time = |offset: f64| Some(((start + offset * scale) as Micros).clamp(first, last));
        offsets.into_iter().map(time).collect()
    }

    fn bytes(&self, payload: i64, packets: i64) -> i64 {
        match self.is_payload {
            true => payload,
            false => payload + packets * HEADERS,
        }
    }
}

/// The events of one attack.
pub(super) fn events(
    scene: &Scene,
    kind: Kind,
    attacker: usize,
    n_events: usize,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Event> {
    let mut events = match (kind, scene.shape) {
        (Kind::Scan, Shape::Requests) => path_scan(scene, attacker, n_events, random),
        (Kind::Scan, _) => scan(scene, attacker, n_events, random),
        (Kind::Beacon, _) => beacon(scene, n_events, random),
        (Kind::Exfiltration, _) => exfiltration(scene, n_events, random),
        (Kind::DnsTunnel, _) => tunnel(scene, n_events, random),
        (Kind::Dga, _) => generated(scene, n_events, random),
    };
    for event in &mut events {
        event.template = scene.template(attacker, random);
        if scene.shape == Shape::Flows {
            event.is_tcp = true;
            event.source_port = Some(random.gen_range(32_768..61_000));
        }
    }
    events
}

/// Events at such times, each made by a function.
fn at(times: Vec<Option<Micros>>, mut event: impl FnMut(usize) -> Event) -> Vec<Event> {
    let events = times.into_iter().enumerate();
    events
        .map(|(idx, time)| Event { time, ..event(idx) })
        .collect()
}

/// An address outside: of those that are set aside for measurements (RFC 2544).
fn outside(random: &mut Xoshiro256PlusPlus) -> String {
    let [a, b] = [random.gen_range(0..256), random.gen_range(1..255)];
    format!("198.{}.{a}.{b}", random.gen_range(18..20))
}

fn scan(
    scene: &Scene,
    attacker: usize,
    n_events: usize,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Event> {
    const PORTS: [i64; 8] = [22, 23, 80, 443, 445, 3389, 5900, 8080];
    let per_second = random.gen_range(5.0..50.0);
    let gap =
        |random: &mut Xoshiro256PlusPlus| SECOND as f64 / per_second * random.gen_range(0.5..1.5);
    let times = scene.times(n_events, gap, random);
    let target = scene.destinations.get(attacker).cloned().flatten();
    let target = target.unwrap_or_else(|| outside(random));
    let network = target.rsplitn(3, '.').nth(2).map(str::to_owned);
    let is_of_ports = random.gen_bool(0.5);
    let port = PORTS.choose(random).copied().unwrap_or(22);
    let first_port = random.gen_range(1..10_000);
    at(times, |idx| {
        let answers = random.gen_bool(0.3);
        let packets = random.gen_range(1..=2);
        let anywhere = |network: &String, random: &mut Xoshiro256PlusPlus| {
            let [a, b] = [random.gen_range(0..256), random.gen_range(1..255)];
            format!("{network}.{a}.{b}")
        };
        let destination = match (&network, is_of_ports) {
            (_, true) => target.clone(),
            (Some(network), false) => anywhere(network, random),
            (None, false) => outside(random),
        };
        Event {
            destination: Some(destination),
            destination_port: Some(if is_of_ports {
                first_port + idx as i64
            } else {
                port
            }),
            duration: Some(random.gen_range(0.0..0.2)),
            packets_out: Some(packets),
            bytes_out: Some(scene.bytes(0, packets)),
            packets_in: Some(i64::from(answers)),
            bytes_in: Some(if answers { scene.bytes(0, 1) } else { 0 }),
            ..Event::default()
        }
    })
}

fn path_scan(
    scene: &Scene,
    attacker: usize,
    n_events: usize,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Event> {
    const WORDS: [&str; 16] = [
        "admin",
        "backup",
        "config",
        "db",
        "login",
        "old",
        "phpmyadmin",
        "private",
        "setup",
        "shell",
        "sql",
        "test",
        "tmp",
        "upload",
        "wp-admin",
        "wp-login",
    ];
    const ENDINGS: [&str; 8] = ["", "/", ".php", ".bak", ".zip", ".asp", ".sql", ".old"];
    let gap = |random: &mut Xoshiro256PlusPlus| SECOND as f64 * random.gen_range(0.02..0.5);
    let times = scene.times(n_events, gap, random);
    let host = scene.hosts.get(attacker).cloned().flatten();
    at(times, |_| {
        let mut word = || WORDS.choose(random).copied().unwrap_or_default();
        let (folder, file) = (word(), word());
        let ending = ENDINGS.choose(random).copied().unwrap_or_default();
        Event {
            host: host.clone(),
            path: Some(match random.gen_bool(0.5) {
                true => format!("/{folder}/{file}{ending}"),
                false => format!("/{file}{ending}"),
            }),
            method: Some(if random.gen_bool(0.8) { "GET" } else { "HEAD" }),
            status: Some(if random.gen_bool(0.95) { 404 } else { 403 }),
            request_bytes: Some(0),
            response_bytes: Some(random.gen_range(150..600)),
            ..Event::default()
        }
    })
}

fn beacon(scene: &Scene, n_events: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Event> {
    let period = random.gen_range(30.0_f64.ln()..600.0_f64.ln()).exp();
    let gap = |random: &mut Xoshiro256PlusPlus| SECOND as f64 * period * random.gen_range(0.9..1.1);
    let times = scene.times(n_events, gap, random);
    let destination = outside(random);
    let port = [80, 443, 8080, 8443].choose(random).copied();
    let (out, back) = (random.gen_range(200..1200), random.gen_range(150..2000));
    let (packets_out, packets_in) = (random.gen_range(4..9), random.gen_range(4..8));
    let path = format!(
        "/{}.php?id={}",
        letters(6, random),
        random.gen_range(1000..9999)
    );
    let mut about = |n: i64| n + random.gen_range(-n / 50..=n / 50);
    at(times, |_| Event {
        destination: Some(destination.clone()),
        destination_port: port,
        duration: Some(about(400) as f64 / 1e3),
        packets_out: Some(packets_out),
        bytes_out: Some(scene.bytes(about(out), packets_out)),
        packets_in: Some(packets_in),
        bytes_in: Some(scene.bytes(about(back), packets_in)),
        host: Some(destination.clone()),
        path: Some(path.clone()),
        method: Some("GET"),
        status: Some(200),
        request_bytes: Some(0),
        response_bytes: Some(about(back)),
        ..Event::default()
    })
}

fn exfiltration(scene: &Scene, n_events: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Event> {
    let gap = |random: &mut Xoshiro256PlusPlus| SECOND as f64 * random.gen_range(60.0..1200.0);
    let times = scene.times(n_events, gap, random);
    let destination = outside(random);
    let port = [21, 22, 443].choose(random).copied();
    let path = format!("/{}", letters(8, random));
    at(times, |_| {
        let bytes = random.gen_range(20e6_f64.ln()..2e9_f64.ln()).exp() as i64;
        let packets = bytes / PAYLOAD + 1;
        Event {
            destination: Some(destination.clone()),
            destination_port: port,
            duration: Some(bytes as f64 / 5e6),
            packets_out: Some(packets),
            bytes_out: Some(scene.bytes(bytes, packets)),
            packets_in: Some(packets / 2),
            bytes_in: Some(scene.bytes(0, packets / 2)),
            host: Some(destination.clone()),
            path: Some(path.clone()),
            method: Some("POST"),
            status: Some(200),
            request_bytes: Some(bytes),
            response_bytes: Some(random.gen_range(0..500)),
            ..Event::default()
        }
    })
}

fn tunnel(scene: &Scene, n_events: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Event> {
    const TYPES: [Code; 4] = [
        Code {
            number: 16,
            name: "TXT",
        },
        Code {
            number: 5,
            name: "CNAME",
        },
        Code {
            number: 15,
            name: "MX",
        },
        Code {
            number: 10,
            name: "NULL",
        },
    ];
    let gap = |random: &mut Xoshiro256PlusPlus| SECOND as f64 * random.gen_range(0.1..2.0);
    let times = scene.times(n_events, gap, random);
    let domain = format!("{}.com", letters(random.gen_range(6..12), random));
    let query_type = TYPES.choose(random).copied();
    at(times, |_| {
        let n_characters = random.gen_range(100..200);
        let data: Vec<u8> = (0..n_characters)
            .map(|_| {
                *b"abcdefghijklmnopqrstuvwxyz234567"
                    .choose(random)
                    .unwrap_or(&b'a')
            })
            .collect();
        // A label has 63 characters at most.
        let labels = data
            .chunks(60)
            .map(|label| String::from_utf8_lossy(label).into_owned());
        let name = format!("{}.{domain}", labels.collect::<Vec<_>>().join("."));
        Event {
            frame_bytes: Some(70 + name.len() as i64 + random.gen_range(60..250)),
            name: Some(name),
            query_type,
            response: Some(Code {
                number: 0,
                name: "NOERROR",
            }),
            ..Event::default()
        }
    })
}

fn generated(scene: &Scene, n_events: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Event> {
    const ENDINGS: [&str; 6] = ["com", "net", "org", "info", "biz", "ru"];
    let gap = |random: &mut Xoshiro256PlusPlus| SECOND as f64 * random.gen_range(0.2..5.0);
    let times = scene.times(n_events, gap, random);
    let (shortest, longest) = (random.gen_range(8..13), random.gen_range(14..25));
    at(times, |_| {
        let ending = ENDINGS.choose(random).copied().unwrap_or("com");
        let name = format!(
            "{}.{ending}",
            letters(random.gen_range(shortest..longest), random)
        );
        let exists = random.gen_bool(0.05);
        Event {
            frame_bytes: Some(82 + name.len() as i64 + if exists { 16 } else { 75 }),
            query_type: Some(Code {
                number: 1,
                name: "A",
            }),
            response: Some(match exists {
                true => Code {
                    number: 0,
                    name: "NOERROR",
                },
                false => Code {
                    number: 3,
                    name: "NXDOMAIN",
                },
            }),
            host: Some(name.clone()),
            path: Some("/".to_owned()),
            method: Some("GET"),
            status: Some(if exists { 200 } else { 502 }),
            request_bytes: Some(0),
            response_bytes: Some(random.gen_range(0..600)),
            name: Some(name),
            ..Event::default()
        }
    })
}

/// So many random letters.
fn letters(n: usize, random: &mut Xoshiro256PlusPlus) -> String {
    (0..n)
        .map(|_| char::from(random.gen_range(b'a'..=b'z')))
        .collect()
}
