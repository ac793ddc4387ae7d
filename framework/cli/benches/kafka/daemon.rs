//! `datashark start` in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::usage::Usage;

/// What the use cases find, one after another: the key is the source.
const SCORES: [&str; 3] = ["count(*)", "sum(bytes)", "max(duration_ms)"];
const POLL: Duration = Duration::from_millis(5);
/// Longer than any machine is busy.
const N_POLLS: u32 = 240_000;

/// How many were started: each has a consumer group of its own.
static N_STARTED: AtomicU32 = AtomicU32::new(0);

/// A daemon that runs.
pub(crate) struct Daemon {
    folder: TempDir,
    child: Child,
    n_use_cases: usize,
}

impl Daemon {
    /// Starts one with so many use cases over a topic, which is the stream that they share.
    pub(crate) fn start(broker: &str, topic: &str, n_use_cases: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let number = N_STARTED.fetch_add(1, Ordering::Relaxed);
        fs::write(
            folder.path().join("datashark.conf"),
            format!(
                "kafka.bootstrap.servers = {broker}\nkafka.queue.name = {topic}\nkafka.consumer.name = bench-{number}\n"
            ),
        )
        .unwrap();
        for (idx, score) in SCORES.iter().take(n_use_cases).enumerate() {
            let below = folder.path().join(format!("conf/hits{idx}"));
            fs::create_dir_all(&below).unwrap();
            fs::write(
                below.join("hits.conf"),
                conf(&format!("{number} {idx}"), idx),
            )
            .unwrap();
            let query = format!(
                "SELECT source_ip AS key, {score} AS score FROM records GROUP BY source_ip"
            );
            fs::write(below.join("hits.sql"), query).unwrap();
        }
        let said = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_datashark"))
            .args(["start", "--http", "off"])
            // As the service and the image have it.
            .env("MALLOC_ARENA_MAX", "2")
            .current_dir(folder.path())
            .env_remove("DATASHARK_HOME")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        Daemon {
            folder,
            child,
            n_use_cases,
        }
    }

    fn csv(&self, idx: usize) -> PathBuf {
        self.folder.path().join(format!("hits{idx}.csv"))
    }

    /// How many rows a use case has written; a file whose last line is not written yet has fewer.
    fn n_rows(&self, idx: usize) -> usize {
        let rows = fs::read(self.csv(idx)).unwrap_or_default();
        rows.iter().filter(|byte| **byte == b'\n').count()
    }

    /// Waits until each of the use cases has written so many rows.
    pub(crate) fn wait_for_rows(&mut self, n_rows: usize) {
        for idx in 0..self.n_use_cases {
            let mut length = 0;
            for poll in 0.. {
                let now = fs::metadata(self.csv(idx)).map_or(0, |metadata| metadata.len());
                if now != length && self.n_rows(idx) >= n_rows {
                    break;
                }
                length = now;
                let has_ended = self.child.try_wait().unwrap().is_some();
                assert!(!has_ended && poll < N_POLLS, "{}", self.said());
                std::thread::sleep(POLL);
            }
        }
    }

    /// What it takes of the machine.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Stops it; gives the rows of the first use case: the window's end, the source and the count.
    pub(crate) fn stop(mut self) -> Vec<(String, String, u64)> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{}", self.said());
        let text = fs::read_to_string(self.csv(0)).unwrap();
        let row = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            (
                fields[0].to_owned(),
                fields[1].to_owned(),
                fields[2].parse().unwrap(),
            )
        };
        text.lines().map(row).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn conf(name: &str, idx: usize) -> String {
    format!(
        "name = Hits {name}\n\
         type = streaming\n\
         enabled = true\n\
         code = hits.sql\n\
         output = csv\n\
         window = 60s\n\
         timestamp_field = timestamp\n\
         timestamp_format = rfc3339\n\
         [codec]\n\
         format = json\n\
         [columns]\n\
         bytes = integer\n\
         duration_ms = integer\n\
         [log_filter]\n\
         [[include]]\n\
         method = GET\n\
         [[exclude]]\n\
         path = /health\n\
         [out_csv]\n\
         path = hits{idx}.csv\n"
    )
}
