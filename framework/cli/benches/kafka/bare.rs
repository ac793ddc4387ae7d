//! The limit: a consumer of librdkafka that polls every record and looks at its length.
//!
//! It is a process of its own, so that what it takes of the machine is its own.

use std::process::Command;
use std::time::Instant;

use crate::rates::Measured;
use crate::topic::poll_all;
use crate::usage::Usage;

const ASKED: &str = "DATASHARK_BARE";

/// What this process is asked to read, where it is one that reads.
pub(crate) fn asked() -> Option<String> {
    std::env::var(ASKED).ok()
}

/// Reads a topic in a process of its own.
pub(crate) fn measure(broker: &str, topic: &str, n_partitions: u64, n_records: u64) -> Measured {
    let asked = format!("{broker} {topic} {n_partitions} {n_records}");
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ASKED, asked)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let values: Vec<f64> = text
        .split_whitespace()
        .map(|value| value.parse().unwrap())
        .collect();
    Measured {
        n_records,
        seconds: values[0],
        cpu_seconds: values[1],
        peak_bytes: values[2] as u64,
    }
}

/// Reads a topic and says what that took: seconds, seconds of the processors, bytes.
pub(crate) fn run(asked: &str) {
    let asked: Vec<&str> = asked.split(' ').collect();
    let (broker, topic) = (asked[0], asked[1]);
    let n_partitions: i32 = asked[2].parse().unwrap();
    let n_records: u64 = asked[3].parse().unwrap();
    let started = Instant::now();
    let n_bytes = poll_all(broker, topic, n_partitions, n_records);
    let seconds = started.elapsed().as_secs_f64();
    let usage = Usage::of(std::process::id());
    assert!(n_bytes > 0);
    println!("{seconds} {} {}", usage.cpu_seconds, usage.peak_bytes);
}
