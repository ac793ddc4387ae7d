//! Whatever is done to the files of a folder, watched or not: every line comes exactly once.

use std::collections::BTreeMap;
use std::time::Duration;

use datashark_sdk::input::{PartitionId, Resume};
use proptest::prelude::*;

use super::harness::{Harness, quick};
use crate::live::Timing;

/// What may happen; a slot is one of a few file names.
#[derive(Debug, Clone)]
enum Operation {
    /// Lines are appended, and the last one's end may be yet to come.
    Append {
        slot: usize,
        n_lines: usize,
        half: bool,
    },
    /// The file is renamed, and its name is free.
    Rotate { slot: usize },
    /// The file is emptied, once it was read.
    Truncate { slot: usize },
    /// The file is deleted, once it was read.
    Delete { slot: usize },
    /// The input stops; part of what it gave last was not committed and is to come again.
    Stop { lost: prop::sample::Index },
    /// The input starts again, if it is stopped.
    Start,
}

fn operation() -> impl Strategy<Value = Operation> {
    let slot = 0_usize..3;
    prop_oneof![
        6 => (slot.clone(), 1_usize..40, any::<bool>())
            .prop_map(|(slot, n_lines, half)| Operation::Append { slot, n_lines, half }),
        2 => slot.clone().prop_map(|slot| Operation::Rotate { slot }),
        2 => slot.clone().prop_map(|slot| Operation::Truncate { slot }),
        1 => slot.prop_map(|slot| Operation::Delete { slot }),
        2 => any::<prop::sample::Index>().prop_map(|lost| Operation::Stop { lost }),
        3 => Just(Operation::Start),
    ]
}

/// The files' writer, who knows what he wrote.
struct Writer {
    it: Harness,
    timing: Timing,
    n_written: usize,
    n_rotated: usize,
    /// How many records are committed for good.
    n_safe: usize,
    /// Per slot: whether the file is there, and whether its last line has no end yet.
    there: [bool; 3],
    half: [bool; 3],
    running: bool,
}

impl Writer {
    async fn new(n_open: usize) -> Self {
        let mut it = Harness::new();
        it.block_bytes(200);
        it.patience = Duration::from_secs(20);
        let timing = Timing { n_open, ..quick() };
        it.start(timing.clone()).await;
        let (there, half) = ([false; 3], [false; 3]);
        Writer {
            it,
            timing,
            n_written: 0,
            n_rotated: 0,
            n_safe: 0,
            there,
            half,
            running: true,
        }
    }

    async fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Append {
                slot,
                n_lines,
                half,
            } => self.append(*slot, *n_lines, *half),
            Operation::Rotate { slot } if self.there[*slot] => {
                self.complete(*slot);
                self.n_rotated += 1;
                let (from, to) = (name(*slot), format!("{}.{}", name(*slot), self.n_rotated));
                self.it.rename(&from, &to);
                self.there[*slot] = false;
            }
            Operation::Truncate { slot } if self.there[*slot] => {
                self.read_all(*slot).await;
                self.it.truncate(&name(*slot));
            }
            Operation::Delete { slot } if self.there[*slot] => {
                self.read_all(*slot).await;
                self.it.delete(&name(*slot));
                self.there[*slot] = false;
            }
            Operation::Stop { lost } => self.stop(lost),
            Operation::Start => self.start().await,
            _ => {}
        }
    }

    fn append(&mut self, slot: usize, n_lines: usize, half: bool) {
        self.complete(slot);
        let first = self.n_written;
        let lines = (first..first + n_lines).map(|i| format!("{i} {slot}\n"));
        self.n_written += n_lines;
        self.it.append(&name(slot), &lines.collect::<String>());
        if half {
            self.it.append(&name(slot), &self.n_written.to_string());
            self.n_written += 1;
        }
        (self.there[slot], self.half[slot]) = (true, half);
    }

    fn complete(&mut self, slot: usize) {
        if std::mem::take(&mut self.half[slot]) {
            self.it.append(&name(slot), " late\n");
        }
    }

    /// What was not read before a file is emptied or deleted is lost, by whatever reads it.
    async fn read_all(&mut self, slot: usize) {
        self.start().await;
        self.complete(slot);
        let n_half = self.half.iter().filter(|half| **half).count();
        let n_expected = self.n_written - n_half;
        self.it.until(|it| it.n_records() >= n_expected).await;
        self.n_safe = self.it.n_records();
    }

    /// Each partition goes on at one of its last records, or where it had come to.
    fn stop(&mut self, lost: &prop::sample::Index) {
        self.running = false;
        self.it.stop();
        let n_records = self.it.n_records();
        let keep = lost
            .index(n_records + 1)
            .max(n_records.saturating_sub(50))
            .max(self.n_safe);
        let undone = self.it.records.split_off(keep);
        let mut resume: BTreeMap<PartitionId, Resume> = BTreeMap::new();
        for (partition, offset, line) in undone {
            if self.it.resume.contains_key(&partition) {
                resume.entry(partition).or_insert(Resume::at(offset));
            } else {
                // The file is gone, and the engine had committed it to its end.
                self.it.records.push((partition, offset, line));
            }
        }
        self.it.resume.extend(resume);
    }

    async fn start(&mut self) {
        if !self.running {
            self.running = true;
            self.it.start(self.timing.clone()).await;
        }
    }

    async fn finish(mut self) {
        self.start().await;
        (0..3).for_each(|slot| self.complete(slot));
        let n_written = self.n_written;
        self.it.until(|it| it.n_records() >= n_written).await;
        // What came twice would come now.
        self.it.settle_for(Duration::from_millis(60)).await;
        let number = |line: &&str| line.split(' ').next().unwrap().parse::<usize>().unwrap();
        let mut numbers: Vec<_> = self.it.lines().iter().map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..n_written).collect::<Vec<_>>());
        assert!(self.it.failed.is_empty(), "{:?}", self.it.failed);
    }
}

fn name(slot: usize) -> String {
    format!("{slot}.log")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 30, ..Default::default() })]
    #[test]
    fn every_line_comes_exactly_once_whatever_happens_to_the_files(
        operations in prop::collection::vec(operation(), 1..40),
        n_open in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut writer = Writer::new(n_open).await;
            for operation in &operations {
                writer.perform(operation).await;
            }
            writer.finish().await;
        });
    }
}
