//! Records a second.

use std::time::Instant;

use crate::daemon::Daemon;
use crate::expected::Expected;
use crate::topic::{Filler, PER_SECOND};
use crate::{bare, broker, create};

/// What is aimed at: this share of the bare consumer's rate, or this rate of a core, whichever is lower.
const SHARE: f64 = 0.4;
const PER_CORE: f64 = 400_000.0;
/// One in so many records is none.
const POISON: u64 = 1000;
/// Of these, one in so many is of 20 MB.
const LARGE: u64 = 1000;

/// What reading a topic took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) n_records: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_bytes: u64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.n_records as f64 / self.seconds
    }

    fn per_cpu_second(&self) -> f64 {
        self.n_records as f64 / self.cpu_seconds
    }
}

/// Reads topics of one partition and of four, some times each.
pub(crate) fn run(n_records: u64, n_rounds: usize) {
    let Some(service) = broker("log.retention.bytes=-1") else {
        return;
    };
    let broker = service.value("bootstrap");
    for n_partitions in [1, 4] {
        let topic = format!("hits-{n_partitions}");
        create(broker, &topic, n_partitions);
        let n_written = Filler::new(broker, &topic, n_partitions).fill(n_records);
        heading(&format!("{n_written} records in {n_partitions} partitions"));
        let expected = Expected::of(n_records, PER_SECOND);
        for _ in 0..n_rounds {
            let limit = bare::measure(broker, &topic, n_partitions, n_written);
            tell("bare consumer", &limit, &limit);
            let one = measure(broker, &topic, n_written, 1, &expected);
            tell("dataShark", &one, &limit);
            let three = measure(broker, &topic, n_written, 3, &expected);
            tell("dataShark, 3 use cases", &three, &limit);
            let wanted = (SHARE * limit.rate()).min(PER_CORE * one.cpu_seconds / one.seconds);
            println!(
                "    aimed at {wanted:.0} records/s; three use cases take {:.2} times as long as one",
                three.seconds / one.seconds
            );
        }
    }
}

/// Reads a topic with records that are none, and one without.
pub(crate) fn poison(n_records: u64) {
    let Some(service) = broker("log.retention.bytes=-1") else {
        return;
    };
    let broker = service.value("bootstrap");
    let expected = Expected::of(n_records, PER_SECOND);
    let mut topics = Vec::new();
    for (topic, is_poisoned) in [("clean", false), ("poisoned", true)] {
        create(broker, topic, 1);
        let filler = Filler::new(broker, topic, 1);
        if is_poisoned {
            for n in 0..n_records {
                filler.send(n, n / PER_SECOND);
                if n % POISON == 0 {
                    poisonous(&filler, n / POISON);
                }
            }
            filler.close(n_records / PER_SECOND + 120);
        } else {
            filler.fill(n_records);
        }
        topics.push(topic);
    }
    heading(&format!(
        "{n_records} records, and without and with one in {POISON} more that is none"
    ));
    for _ in 0..3 {
        let [clean, poisoned] = [0, 1].map(|i| measure(broker, topics[i], n_records, 1, &expected));
        tell("clean", &clean, &clean);
        tell("poisoned", &poisoned, &clean);
    }
}

/// Writes the n-th record that is none.
fn poisonous(filler: &Filler, n: u64) {
    let large;
    let payload: Option<&[u8]> = match n % 4 {
        _ if n % LARGE == 1 => {
            large = vec![b'x'; 20_000_000];
            Some(&large)
        }
        0 => Some(br#"{"timestamp":"2026-01-01T00:00:00Z","source_ip":"#),
        1 => Some(b"\xff\xfe{\"source_ip\":\"192.0.2.1\"}"),
        2 => Some(b""),
        _ => None,
    };
    filler.put(0, payload);
}

/// Reads a topic and looks at what was found.
pub(crate) fn measure(
    broker: &str,
    topic: &str,
    n_records: u64,
    n_use_cases: usize,
    expected: &Expected,
) -> Measured {
    let started = Instant::now();
    let mut daemon = Daemon::start(broker, topic, n_use_cases);
    daemon.wait_for_rows(expected.n_rows());
    let seconds = started.elapsed().as_secs_f64();
    let usage = daemon.usage();
    expected.assert_eq(&daemon.stop());
    Measured {
        n_records,
        seconds,
        cpu_seconds: usage.cpu_seconds,
        peak_bytes: usage.peak_bytes,
    }
}

fn heading(what: &str) {
    println!("{what}");
    println!(
        "    {:<24}{:>12}{:>12}{:>12}{:>16}{:>18}",
        "", "records/s", "of the 1st", "peak MB", "CPU s/million", "records/CPU s"
    );
}

fn tell(name: &str, measured: &Measured, first: &Measured) {
    println!(
        "    {name:<24}{:>12.0}{:>11.0}%{:>12.0}{:>16.2}{:>18.0}",
        measured.rate(),
        measured.rate() / first.rate() * 100.0,
        measured.peak_bytes as f64 / 1e6,
        measured.cpu_seconds / measured.n_records as f64 * 1e6,
        measured.per_cpu_second(),
    );
}
