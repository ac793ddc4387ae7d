//! The connections of each pair of hosts, kept until the window closes.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashark_sdk::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
};
use datashark_sdk::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datashark_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// When a connection began.
pub(crate) const TIME: &str = "timestamp";
/// Who began it.
pub(crate) const SOURCE: &str = "source_ip";
/// With whom.
pub(crate) const DESTINATION: &str = "destination_ip";
/// What the source sent, in bytes, headers included.
pub(crate) const SIZE: &str = "orig_ip_bytes";

/// A connection a second, all day: what has more is not kept one by one.
const CONNECTIONS_MAX: u64 = 86_400;

/// Collects the connections of each pair.
pub(crate) struct Pairs {
    /// Pairs with connections in fewer different seconds give no row.
    pub(crate) min_connections: usize,
}

/// What was seen so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The first and the last second of all records.
    range: Option<(i64, i64)>,
    /// By source, then by destination.
    pairs: BTreeMap<String, BTreeMap<String, Pair>>,
    /// About what it holds, in bytes.
    n_bytes: usize,
}

/// The connections of a pair.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pair {
    n_connections: u64,
    /// The second and the size of each; none where there are too many.
    connections: Vec<(i64, i64)>,
}

/// What a pair takes besides its connections: names, nodes, lengths.
const PAIR_BYTES: usize = 160;
/// What a connection takes.
const CONNECTION_BYTES: usize = size_of::<(i64, i64)>();

impl Seen {
    fn widen(&mut self, first: i64, last: i64) {
        let (from, to) = self.range.unwrap_or((first, last));
        self.range = Some((from.min(first), to.max(last)));
    }

    fn pair(&mut self, source: &str, destination: &str) -> &mut Pair {
        if !self.pairs.contains_key(source) {
            self.pairs.insert(source.to_owned(), BTreeMap::new());
        }
        let to = self.pairs.get_mut(source).expect("it was just seen to");
        if !to.contains_key(destination) {
            self.n_bytes += PAIR_BYTES + source.len() + destination.len();
            to.insert(destination.to_owned(), Pair::default());
        }
        to.get_mut(destination).expect("it was just seen to")
    }

    fn add(&mut self, source: &str, destination: &str, connections: Pair) {
        let n_added = connections.connections.len();
        let pair = self.pair(source, destination);
        let n_before = pair.connections.len();
        pair.n_connections += connections.n_connections;
        match pair.n_connections > CONNECTIONS_MAX {
            true => pair.connections = Vec::new(),
            false => pair.connections.extend(connections.connections),
        }
        let n_after = pair.connections.len();
        let n_freed = n_before + n_added - n_after;
        self.n_bytes += n_added * CONNECTION_BYTES;
        self.n_bytes = self.n_bytes.saturating_sub(n_freed * CONNECTION_BYTES);
    }
}

impl Reduce for Pairs {
    type State = Seen;

    fn add(&self, state: &mut Seen, batch: &RecordBatch) {
        let columns = [TIME, SOURCE, DESTINATION, SIZE].map(|name| batch.column_by_name(name));
        let [Some(times), Some(sources), Some(destinations), Some(sizes)] = columns else {
            return;
        };
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let sizes = sizes.as_primitive::<Int64Type>();
        let (sources, destinations) = (sources.as_string_view(), destinations.as_string_view());
        for row in 0..batch.num_rows() {
            if times.is_null(row) {
                continue;
            }
            let second = times.value(row).div_euclid(1_000_000);
            state.widen(second, second);
            if sources.is_null(row) || destinations.is_null(row) || sizes.is_null(row) {
                continue;
            }
            let one = Pair {
                n_connections: 1,
                connections: vec![(second, sizes.value(row))],
            };
            state.add(sources.value(row), destinations.value(row), one);
        }
    }

    fn merge(&self, state: &mut Seen, other: Seen) {
        if let Some((first, last)) = other.range {
            state.widen(first, last);
        }
        for (source, destinations) in other.pairs {
            for (destination, pair) in destinations {
                state.add(&source, &destination, pair);
            }
        }
    }

    fn rows(&self, state: Seen) -> Result<RecordBatch> {
        let (first, last) = state.range.unwrap_or_default();
        let mut names = [(); 3].map(|()| StringBuilder::new());
        let mut lists = [(); 2].map(|()| ListBuilder::new(Int64Builder::new()));
        for (source, destinations) in state.pairs {
            for (destination, pair) in destinations {
                let (seconds, sizes) = sorted(pair.connections);
                if n_different(&seconds) < self.min_connections {
                    continue;
                }
                names[0].append_value(format!("{source} -> {destination}"));
                names[1].append_value(&source);
                names[2].append_value(destination);
                lists[0].append_value(seconds.into_iter().map(Some));
                lists[1].append_value(sizes.into_iter().map(Some));
            }
        }
        let [pairs, sources, destinations] = names.map(|mut names| Arc::new(names.finish()));
        let [seconds, sizes] = lists.map(|mut lists| Arc::new(lists.finish()));
        let n_rows = pairs.len();
        let same = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value; n_rows])) };
        let columns: [(&str, ArrayRef); 7] = [
            ("pair", pairs),
            (SOURCE, sources),
            (DESTINATION, destinations),
            ("seconds", seconds),
            ("sizes", sizes),
            ("first", same(first)),
            ("last", same(last)),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }

    fn size_bytes(&self, state: &Seen) -> usize {
        state.n_bytes
    }
}

/// Seconds and sizes, each in order: which size was when does not matter.
fn sorted(connections: Vec<(i64, i64)>) -> (Vec<i64>, Vec<i64>) {
    let (mut seconds, mut sizes): (Vec<i64>, Vec<i64>) = connections.into_iter().unzip();
    seconds.sort_unstable();
    sizes.sort_unstable();
    (seconds, sizes)
}

fn n_different(sorted: &[i64]) -> usize {
    sorted.chunk_by(|a, b| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(second: i64) -> Pair {
        Pair {
            n_connections: 1,
            connections: vec![(second, 7)],
        }
    }

    #[test]
    fn merging_does_not_depend_on_the_order() {
        let reduce = Pairs { min_connections: 4 };
        let part = |seconds: &[i64]| {
            let mut seen = Seen::default();
            for second in seconds {
                seen.widen(*second, *second);
                seen.add("a", "b", one(*second));
            }
            seen
        };
        let rows = |parts: [&[i64]; 3]| {
            let mut state = Seen::default();
            for seconds in parts {
                reduce.merge(&mut state, part(seconds));
            }
            reduce.rows(state).unwrap()
        };
        let parts: [&[i64]; 3] = [&[5, 9], &[1], &[30, 2, 2]];
        let turned = [parts[2], parts[0], parts[1]];
        assert_eq!(rows(parts), rows(turned));
        assert_eq!(rows(parts).num_rows(), 1);
        // Five different seconds are too few for six.
        let six = Pairs { min_connections: 6 };
        let mut state = part(parts[0]);
        six.merge(&mut state, part(parts[2]));
        assert_eq!(six.rows(state).unwrap().num_rows(), 0);
    }

    #[test]
    fn a_pair_with_more_than_a_connection_a_second_is_not_kept() {
        let mut seen = Seen::default();
        for second in 0..CONNECTIONS_MAX as i64 {
            seen.add("a", "b", one(second));
        }
        let reduce = Pairs { min_connections: 4 };
        assert_eq!(reduce.rows(seen.clone()).unwrap().num_rows(), 1);
        assert!(seen.n_bytes > 86_400 * CONNECTION_BYTES);
        seen.add("a", "b", one(1));
        assert!(seen.n_bytes < 1_000);
        assert_eq!(reduce.rows(seen).unwrap().num_rows(), 0);
    }
}
