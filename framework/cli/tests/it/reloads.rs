//! Reloads under load: whatever is changed, added, taken away or wrong, no use case loses or repeats a
//! record, and one that is unchanged hardly notices.
//!
//! `DATASHARK_RELOADS` says how many; `tests/reloads/run.sh` runs a thousand of a release build. How long
//! the unchanged use case stood still is printed and not asserted, as that is the machine's, too: it is the
//! longest time between two batches of it, seen by a tap, while a steady stream of records is written.

#![expect(clippy::disallowed_methods, reason = "a pause is measured")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::chaos::is_accounted_for;
use crate::hits::{CONF, Counts, QUERY, Writer, broker, rows_of};
use crate::http::start_at;
use crate::search::asked;
use crate::shark::{Folder, Running, wait_until};

const N_RELOADS: usize = 50;
/// Records a second.
const RATE: usize = 20_000;
const STEP: Duration = Duration::from_millis(2);

/// Confs that come, change and go.
struct Confs {
    folder: Folder,
    bootstrap: String,
}

impl Confs {
    fn path(name: &str) -> String {
        format!("conf/{name}/{name}.conf")
    }

    /// Writes a conf; with another version it is another use case to a reload, and finds the same.
    fn write(&self, name: &str, version: usize) {
        let conf = CONF
            .replace("BROKER", &self.bootstrap)
            .replace("name = Hits", &format!("name = {name}"))
            .replace("hits.csv", &format!("{name}.csv"))
            .replace(
                "window = 60s",
                &format!("window = 60s\nidle_timeout = {}s", 30 + version),
            );
        self.folder.write(&format!("conf/{name}/hits.sql"), QUERY);
        self.folder.write(&Confs::path(name), conf);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path(&Confs::path(name))).unwrap();
    }

    /// Writes the n-th change; gives what the daemon is to say of it.
    fn change(&self, n: usize) -> &'static str {
        match n % 5 {
            0 => {
                self.write("changed", n);
                "reloaded: 1 as before, 1 stopped, 1 started"
            }
            1 => {
                self.folder
                    .write(&Confs::path("wrong"), "name = Wrong\nwindow = soon\n");
                "nothing was reloaded: what ran goes on"
            }
            2 => {
                self.remove("wrong");
                self.write("guest", n);
                "reloaded: 2 as before, 0 stopped, 1 started"
            }
            3 => {
                self.write("changed", n);
                self.write("guest", n);
                "reloaded: 1 as before, 2 stopped, 2 started"
            }
            _ => {
                self.remove("guest");
                "reloaded: 2 as before, 1 stopped, 0 started"
            }
        }
    }
}

/// Writes evenly until it is told to stop.
fn write_evenly(bootstrap: &str, stop: &Arc<AtomicBool>) -> JoinHandle<Counts> {
    let (mut writer, stop) = (Writer::to(bootstrap), Arc::clone(stop));
    thread::spawn(move || {
        let started = Instant::now();
        let mut n_written = 0;
        while !stop.load(Ordering::Relaxed) {
            let due = (started.elapsed().as_secs_f64() * RATE as f64) as usize;
            writer.write(due - n_written);
            n_written = due;
            thread::sleep(STEP);
        }
        writer.close_windows();
        writer.counts
    })
}

/// Sees the longest time between two batches of a use case.
struct Pauses(Arc<AtomicU64>);

impl Pauses {
    fn watch(http: &str, use_case: &str) -> Self {
        let mut stream = TcpStream::connect(http).unwrap();
        let path = format!("/api/usecases/{use_case}/tap?at=before-filter");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {http}\r\n\r\n").unwrap();
        let longest = Arc::new(AtomicU64::new(0));
        let pauses = Pauses(Arc::clone(&longest));
        thread::spawn(move || {
            let mut last: Option<Instant> = None;
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                if line.contains("partition") {
                    let now = Instant::now();
                    let pause = last.replace(now).map_or(Duration::ZERO, |last| now - last);
                    longest.fetch_max(pause.as_micros() as u64, Ordering::Relaxed);
                }
            }
        });
        pauses
    }

    /// The longest since this was last asked; in milliseconds.
    fn longest(&self) -> f64 {
        self.0.swap(0, Ordering::Relaxed) as f64 / 1e3
    }
}

/// The lines that say what came of the reloads.
fn outcomes(running: &Running) -> Vec<String> {
    let said = running.stderr();
    let whole = said
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let outcomes = whole.filter(|line| line.contains("reloaded: "));
    outcomes.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn reloads_under_load_lose_and_repeat_nothing() {
    let Some(broker) = broker() else { return };
    let n_reloads = asked("DATASHARK_RELOADS", N_RELOADS);
    let bootstrap = broker.value("bootstrap").to_owned();
    let stop_writing = Arc::new(AtomicBool::new(false));
    let writing = write_evenly(&bootstrap, &stop_writing);
    let folder = Folder::new();
    let confs = Confs { folder, bootstrap };
    confs.write("steady", 0);
    confs.write("changed", 0);
    let (mut running, http) = start_at(&confs.folder, "127.0.0.1:0");
    let has_rows = |name: &str| !rows_of(&confs.folder, &format!("{name}.csv")).is_empty();
    wait_until("windows are found", || {
        has_rows("steady") && has_rows("changed")
    });
    let pauses = Pauses::watch(&http, "steady");
    let started = Instant::now();
    for n in 0..n_reloads {
        // Version 0 is what runs.
        let expected = confs.change(n + 5);
        match n % 2 {
            0 => running.signal("HUP"),
            _ => drop(confs.folder.run(&["reload"]).ends(0)),
        }
        let mut outcomes = Vec::new();
        wait_until("it is reloaded", || {
            assert!(!running.has_ended(), "{}", running.stderr());
            outcomes = self::outcomes(&running);
            outcomes.len() > n
        });
        assert_eq!(outcomes[n], expected, "reload {n}");
        is_accounted_for(&http);
    }
    let (took, longest) = (started.elapsed(), pauses.longest());
    // As long again, to see what the machine alone makes of it.
    thread::sleep(took);
    eprintln!(
        "{n_reloads} reloads in {:.1} s, {RATE} records/s meanwhile; longest pause of the unchanged use \
         case {longest:.1} ms, and {:.1} ms in as long a time without reloads",
        took.as_secs_f64(),
        pauses.longest(),
    );
    stop_writing.store(true, Ordering::Relaxed);
    let expected = writing.join().unwrap();

    // All of them once more, to find what is left.
    let _ = std::fs::remove_file(confs.folder.path(&Confs::path("wrong")));
    confs.write("guest", 0);
    running.signal("HUP");
    let names = ["steady", "changed", "guest"];
    for name in names {
        wait_until(&format!("{name} has found all"), || {
            assert!(!running.has_ended(), "{}", running.stderr());
            rows_of(&confs.folder, &format!("{name}.csv")).len() >= expected.len()
        });
    }
    is_accounted_for(&http);
    running.signal("TERM");
    running.finish().ends(0);
    for name in names {
        let rows = rows_of(&confs.folder, &format!("{name}.csv"));
        assert_eq!(rows.len(), expected.len(), "{name}: each row once");
        let row = |(window, source, count)| ((window, source), count);
        let found: Counts = rows.into_iter().map(row).collect();
        assert!(found == expected, "{name}: the rows are not those expected");
    }
}
