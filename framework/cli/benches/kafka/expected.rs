//! What is to be found in a topic.

use crate::topic::{N_SOURCES, passes, source};

/// How many records of each source pass in each minute.
#[derive(Default)]
pub(crate) struct Expected {
    /// A minute's sources behind each other.
    counts: Vec<u64>,
}

impl Expected {
    /// Of so many records, so many a second.
    pub(crate) fn of(n_records: u64, per_second: u64) -> Self {
        let mut expected = Expected::default();
        (0..n_records).for_each(|n| expected.add(n, n / per_second));
        expected
    }

    /// The n-th record was written, with this second as its time.
    pub(crate) fn add(&mut self, n: u64, second: u64) {
        if passes(n) {
            *self.at(place(second / 60, source(n))) += 1;
        }
    }

    /// What somebody else wrote is there, too.
    pub(crate) fn merge(&mut self, other: &Expected) {
        for (place, count) in other.counts.iter().enumerate() {
            *self.at(place) += count;
        }
    }

    fn at(&mut self, place: usize) -> &mut u64 {
        if self.counts.len() <= place {
            let n_minutes = place / N_SOURCES as usize + 1;
            self.counts.resize(n_minutes * N_SOURCES as usize, 0);
        }
        &mut self.counts[place]
    }

    /// How many rows that makes.
    pub(crate) fn n_rows(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Looks at every row: each is there once, with its count.
    pub(crate) fn assert_eq(&self, rows: &[(String, String, u64)]) {
        let mut found = vec![0; self.counts.len()];
        for (window, key, count) in rows {
            let number = |text: &str| text.parse::<u64>().unwrap();
            let minute = number(&window[11..13]) * 60 + number(&window[14..16]) - 1;
            let numbers: Vec<u64> = key.split('.').map(number).collect();
            let place = place(minute, numbers[2] * 100 + numbers[3]);
            assert_eq!(found[place], 0, "{key} comes twice in {window}");
            found[place] = *count;
        }
        assert!(found == self.counts, "the rows are not those expected");
    }
}

fn place(minute: u64, source: u64) -> usize {
    (minute * N_SOURCES + source) as usize
}
