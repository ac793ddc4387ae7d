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
    let minutes = number("MINUTES", 30);
    println!("{per_second} records/s for {minutes} minutes");
    create(broker, "soak", N_PARTITIONS);
    let filler = Filler::new(broker, "soak", N_PARTITIONS);
    let mut daemon = Daemon::start(broker, "soak", 1);
    let path = std::env::var("SAMPLES").unwrap_or_else(|_| "soak.tsv".to_owned());
    let mut samples = File::create(path).unwrap();
    writeln!(samples, "seconds\trecords\tresident_bytes\tfiles\tthreads").unwrap();
    let started = Instant::now();
    let n_written = AtomicU64::new(0);
    let expected = std::thread::scope(|scope| {
        let writer = |writer| {
            let paced = Paced {
                started,
                until: Duration::from_secs(minutes * 60),
                per_second,
                writer,
            };
            let (filler, n_written) = (&filler, &n_written);
            scope.spawn(move || paced.write(filler, n_written))
        };
        let writing: Vec<_> = (0..N_WRITERS).map(writer).collect();
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
        let mut expected = Expected::default();
        writing
            .into_iter()
            .for_each(|thread| expected.merge(&thread.join().unwrap()));
        expected
    });
    filler.close(minutes * 60 + 120);
    let n_records = n_written.into_inner();
    daemon.wait_for_rows(expected.n_rows());
    let (seconds, usage) = (started.elapsed().as_secs_f64(), daemon.usage());
    expected.assert_eq(&daemon.stop());
    println!(
        "{n_records} records in {seconds:.0} s, every count right; {:.2} CPU s/million",
        usage.cpu_seconds / n_records as f64 * 1e6
    );
}

/// A writer: so many records a second, for so long, of the time at which they are written.
struct Paced {
    started: Instant,
    until: Duration,
    per_second: u64,
    writer: u64,
}

impl Paced {
    /// Writes the records of the partitions that are this writer's; gives what is to be found of them. One
    /// that falls behind does not make up for it: no more is written at a time than is due in a second.
    fn write(&self, filler: &Filler, n_written: &AtomicU64) -> Expected {
        let (mut n, mut missed) = (0, 0);
        let mut expected = Expected::default();
        loop {
            let elapsed = self.started.elapsed();
            if elapsed >= self.until {
                return expected;
            }
            let due = (elapsed.as_secs_f64() * self.per_second as f64) as u64 - missed;
            let end = due.min(n + self.per_second);
            missed += due - end;
            for n in (n..end).filter(|n| source(*n) % N_PARTITIONS % N_WRITERS == self.writer) {
                filler.send(n, elapsed.as_secs());
                expected.add(n, elapsed.as_secs());
                n_written.fetch_add(1, Ordering::Relaxed);
            }
            n = end;
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
