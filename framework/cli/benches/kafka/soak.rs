//! A long run at half of the maximum rate, and what it takes of the machine meanwhile.
//!
//! `MINUTES` (30) is how long it lasts, `SAMPLES` the file that is written: seconds, records written,
//! resident bytes, open files, threads, with tabs between. `RATE` is how many records a second are
//! written, in place of half of what is measured first.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::expected::Expected;
use crate::topic::{Filler, PER_SECOND, source};
use crate::{broker, create, number, rates};

const N_PARTITIONS: u64 = 4;
/// Threads that write: each has partitions of its own, so that their records are in order.
const N_WRITERS: u64 = 2;
const SAMPLE: Duration = Duration::from_secs(5);
/// How often it is looked how far the writing has to be.
const STEP: Duration = Duration::from_millis(10);
/// What the maximum is measured with.
const N_MEASURED: u64 = 8_000_000;

/// Runs the soak.
pub(crate) fn run() {
    let Some(service) = broker("") else { return };
    let broker = service.value("bootstrap");
    let per_second = match number("RATE", 0) {
        0 => maximum(broker) / 2,
        rate => rate,
    };
    let n_records = number("MINUTES", 30) * 60 * per_second;
    println!("{per_second} records/s, {n_records} records");
    create(broker, "soak", N_PARTITIONS);
    let filler = Filler::new(broker, "soak", N_PARTITIONS);
    let mut daemon = Daemon::start(broker, "soak", 1);
    let path = std::env::var("SAMPLES").unwrap_or_else(|_| "soak.tsv".to_owned());
    let mut samples = File::create(path).unwrap();
    writeln!(samples, "seconds\trecords\tresident_bytes\tfiles\tthreads").unwrap();
    let (started, n_written) = (Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writing: Vec<_> = (0..N_WRITERS)
            .map(|writer| {
                let (filler, n_written) = (&filler, &n_written);
                let paced = Paced {
                    started,
                    per_second,
                    n_records,
                };
                scope.spawn(move || paced.write(writer, filler, n_written))
            })
            .collect();
        for n_samples in 0.. {
            if writing.iter().all(|thread| thread.is_finished()) {
                break;
            }
            std::thread::sleep((SAMPLE * n_samples).saturating_sub(started.elapsed()));
            let (seconds, usage) = (started.elapsed().as_secs_f64(), daemon.usage());
            let (n, resident) = (n_written.load(Ordering::Relaxed), usage.resident_bytes);
            let (files, threads) = (usage.n_files, usage.n_threads);
            writeln!(samples, "{seconds:.1}\t{n}\t{resident}\t{files}\t{threads}").unwrap();
        }
    });
    filler.close(n_records / per_second + 120);
    let expected = Expected::of(n_records, per_second);
    daemon.wait_for_rows(expected.n_rows());
    let (seconds, usage) = (started.elapsed().as_secs_f64(), daemon.usage());
    expected.assert_eq(&daemon.stop());
    println!(
        "{n_records} records in {seconds:.0} s, every count right; {:.2} CPU s/million",
        usage.cpu_seconds / n_records as f64 * 1e6
    );
}

/// So many records, so many a second.
struct Paced {
    started: Instant,
    per_second: u64,
    n_records: u64,
}

impl Paced {
    /// Writes the records of the partitions that are this writer's.
    fn write(&self, writer: u64, filler: &Filler, n_written: &AtomicU64) {
        let mut n = 0;
        while n < self.n_records {
            let due = self.started.elapsed().as_secs_f64() * self.per_second as f64;
            let due = self.n_records.min(due as u64);
            let mine = (n..due).filter(|n| source(*n) % N_PARTITIONS % N_WRITERS == writer);
            let n_sent = mine.map(|n| filler.send(n, n / self.per_second)).count();
            n_written.fetch_add(n_sent as u64, Ordering::Relaxed);
            n = due.max(n);
            std::thread::sleep(STEP);
        }
    }
}

/// The rate at which a topic is read that was written before.
fn maximum(broker: &str) -> u64 {
    create(broker, "maximum", N_PARTITIONS);
    let n_written = Filler::new(broker, "maximum", N_PARTITIONS).fill(N_MEASURED);
    let expected = Expected::of(N_MEASURED, PER_SECOND);
    let measured = rates::measure(broker, "maximum", n_written, 1, &expected);
    println!("maximum: {:.0} records/s", measured.rate());
    measured.rate() as u64
}
