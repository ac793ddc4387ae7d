//! The same rows whatever the number of threads and of files read side by side: those that a plain
//! reading of the rules gives.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::shark::Folder;

pub(crate) const START: i64 = 1_772_366_400;
const SIZE: i64 = 60;
const SLIDE: i64 = 20;
const LATENESS: i64 = 5;

/// Logs of several files, the rows that they must give, and what else becomes of their records.
pub(crate) struct Logs {
    pub(crate) folder: Folder,
    /// Rows of the csv file, sorted.
    pub(crate) rows: Vec<String>,
    pub(crate) n_records: u64,
    pub(crate) n_late: u64,
    pub(crate) n_invalid: u64,
}

/// Numbers that look random and are the same each time (Knuth's MMIX).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

impl Logs {
    /// Files of so many records over two hours each, in and out of order, with late and broken ones
    /// among them.
    pub(crate) fn new(n_records: &[u64]) -> Self {
        let folder = Folder::new();
        folder.write("hits.conf", conf(8));
        folder.write(
            "hits.sql",
            "SELECT source AS key, count(*) AS score, sum(bytes) AS bytes FROM records GROUP BY source",
        );
        let mut random = Random(7);
        let mut reference = Reference::default();
        for (i, n) in n_records.iter().enumerate() {
            let mut text = String::new();
            reference.latest = i64::MIN / 2;
            for k in 0..*n {
                if random.below(500) == 0 {
                    let _ = writeln!(text, "broken {i} {k}");
                    reference.n_invalid += 1;
                    continue;
                }
                // Up to 5 s of disorder is allowed; now and then there is more.
                let back = if random.below(200) == 0 { 200 } else { 6 };
                let time = START + (k * 7200 / n) as i64 - random.below(back) as i64;
                let (source, bytes) = (random.below(40), random.below(1000));
                let _ = writeln!(
                    text,
                    "{{\"time\": {time}, \"source\": \"192.0.2.{source}\", \"bytes\": {bytes}}}"
                );
                reference.add(time, source, bytes);
            }
            folder.write(&format!("logs/{i:02}.json"), text);
        }
        Logs {
            folder,
            rows: reference.rows(),
            n_records: n_records.iter().sum(),
            n_late: reference.n_late,
            n_invalid: reference.n_invalid,
        }
    }

    fn account(&self) -> [u64; 5] {
        let aggregated = self.n_records - self.n_late - self.n_invalid;
        [self.n_records, 0, self.n_invalid, self.n_late, aggregated]
    }
}

/// The conf, with so many files read side by side.
pub(crate) fn conf(n_partitions: usize) -> String {
    format!(
        "name = Hits\ntype = streaming\nenabled = true\ncode = hits.sql\ninput = file\noutput = csv\n\
         window = {SIZE}s\nslide = {SLIDE}s\nallowed_lateness = {LATENESS}s\nkeep_late = true\n\
         timestamp_field = time\ntimestamp_format = epoch\n[codec]\nformat = json\n\
         [columns]\nbytes = integer\n[in_file]\nfolder_path = logs\npartitions = {n_partitions}\n\
         [out_csv]\npath = out.csv\n"
    )
}

/// The rules, read plainly: a record at a time, a window at a time.
#[derive(Default)]
struct Reference {
    /// The latest time of the file so far.
    latest: i64,
    windows: BTreeMap<(i64, u64), (u64, u64)>,
    n_late: u64,
    n_invalid: u64,
}

impl Reference {
    fn add(&mut self, time: i64, source: u64, bytes: u64) {
        let watermark = self.latest - LATENESS;
        self.latest = self.latest.max(time);
        let last = time.div_euclid(SLIDE) * SLIDE;
        let starts = (0..SIZE / SLIDE).map(|i| last - i * SLIDE);
        let mut is_late = true;
        for start in starts.filter(|start| start + SIZE > watermark) {
            let (n, sum) = self.windows.entry((start + SIZE, source)).or_default();
            *n += 1;
            *sum += bytes;
            is_late = false;
        }
        self.n_late += u64::from(is_late);
    }

    fn rows(&self) -> Vec<String> {
        let row = |((end, source), (n, bytes)): (&(i64, u64), &(u64, u64))| {
            // All within one day that begins at noon.
            let second = end - START + 12 * 3600;
            let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
            format!("2026-03-01 {h:02}:{m:02}:{s:02},192.0.2.{source},{n},{bytes}")
        };
        let mut rows: Vec<String> = self.windows.iter().map(row).collect();
        rows.sort();
        rows
    }
}

/// The rows of the csv file, with their times, sorted.
pub(crate) fn rows(folder: &Folder) -> Vec<String> {
    let mut rows: Vec<String> = folder.read("out.csv").lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

/// Not `assert_eq!`: a difference of thousands of rows is of no use to anyone.
#[track_caller]
pub(crate) fn assert_same(found: &[String], expected: &[String], how: &str) {
    if found == expected {
        return;
    }
    // As a multiset: a row that comes twice is one too many.
    let lacks = |of: &[String], among: &[String]| {
        let count = |rows: &[String], row: &String| {
            rows.partition_point(|r| r <= row) - rows.partition_point(|r| r < row)
        };
        let missing = of.iter().filter(|row| count(of, row) > count(among, row));
        missing.take(5).cloned().collect::<Vec<_>>()
    };
    panic!(
        "{how}: {} in place of {}; missing {:#?}, not expected or once too often {:#?}",
        found.len(),
        expected.len(),
        lacks(expected, found),
        lacks(found, expected)
    );
}

#[test]
fn rows_do_not_depend_on_threads_or_on_files_read_side_by_side() {
    let logs = Logs::new(&[2_000; 30]);
    assert!(logs.n_late > 50 && logs.n_invalid > 50);
    for n_workers in ["1", "2", "8"] {
        for n_partitions in [1, 2, 8] {
            let how = format!("{n_workers} workers, {n_partitions} partitions");
            logs.folder.write("hits.conf", conf(n_partitions));
            let _ = std::fs::remove_file(logs.folder.path("out.csv"));
            let state = format!("state-{n_workers}-{n_partitions}");
            let args = [
                "standalone",
                "--once",
                "--workers",
                n_workers,
                "--state",
                &state,
                "hits.conf",
            ];
            let ran = logs.folder.run(&args).ends(0);
            assert_eq!(ran.account(), logs.account(), "{how}");
            assert_same(&rows(&logs.folder), &logs.rows, &how);
            let late = logs.folder.read(&format!("{state}/hits/late.ndjson"));
            assert_eq!(late.lines().count() as u64, logs.n_late, "{how}");
            let invalid = logs.folder.quarantined(&format!("{state}/hits"));
            assert_eq!(invalid.len() as u64, logs.n_invalid, "{how}");
        }
    }
}

#[test]
fn rows_do_not_depend_on_the_size_of_the_blocks_that_are_read() {
    // Few blocks to a file: whether the last of them are done when the file's end is known is chance.
    let logs = Logs::new(&[3_000; 3]);
    for block_size in ["4KiB", "16KiB", "64KiB"] {
        let global = format!("[engine]\nblock_size = {block_size}\n");
        logs.folder.write("datashark.conf", global);
        for (run, n_workers) in ["1", "2", "4", "4", "8"].into_iter().enumerate() {
            let how = format!("blocks of {block_size}, {n_workers} workers");
            let _ = std::fs::remove_file(logs.folder.path("out.csv"));
            let state = format!("state-{block_size}-{run}");
            let args = [
                "standalone",
                "--once",
                "--workers",
                n_workers,
                "--state",
                &state,
                "hits.conf",
            ];
            let ran = logs.folder.run(&args).ends(0);
            assert_eq!(ran.account(), logs.account(), "{how}");
            assert_same(&rows(&logs.folder), &logs.rows, &how);
        }
    }
}
