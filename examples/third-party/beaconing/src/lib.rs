//! Beaconing: pairs of hosts whose connections come back as a clock does.
//!
//! # Finds
//! Pairs of a source and a destination, each with a score from 0 to 1 for how much its connections look
//! like those of a program that asks its server for orders: evenly spaced, of one size, all day.
//!
//! # Why it matters
//! A computer that was taken over asks its controller what to do, again and again (MITRE ATT&CK T1071,
//! T1029). What it asks and whom changes from one malware to the next; that it comes back does not.
//!
//! # Reads
//! Zeek's `conn.log`, as tables or JSON: `timestamp`, `source_ip`, `destination_ip`, and `orig_ip_bytes`,
//! what the source sent. A connection without a size is not counted.
//!
//! # Parameters
//! | key | default | meaning |
//! |---|---|---|
//! | `min_connections` | 4 | pairs with connections in fewer different seconds are not scored; 4 or more, so that there are the three intervals that quartiles need (RITA's `unique_connection_threshold`) |
//! | `min_score` | 0.5 | pairs that score less are no findings (RITA's lowest threshold, 50 of 100) |
//!
//! # The score
//! A quarter each of four scores from 0 to 1, as in RITA 5 (`analysis/beacons.go`). Every score is rounded
//! to three decimals, half up. Times are whole seconds.
//!
//! *Intervals and sizes.* For the seconds between a pair's successive connections (several in one second
//! count as one), and for the bytes of each of its connections:
//! ```text
//! skewness  = (Q1 + Q3 - 2 Q2) / (Q3 - Q1)     0 where Q3 - Q1 < 10, Q2 = Q1 or Q2 = Q3
//! deviation = median of |x - Q2|
//! score     = ((1 - |skewness|) + (Q2 - deviation) / Q2) / 2
//! ```
//! The first is Bowley's skewness, the second the median absolute deviation. Q2 is the median; Q1 and Q3 are
//! the medians of the values below and above the middle, which is left out where their number is odd.
//! Where Q2 < 1 the second term is 1 for intervals and 0 for sizes.
//!
//! *Duration and histogram.* The time from the first to the last record of the window, of all pairs, is
//! cut into 24 bars of equal width, hours of a day; a bar's height is the pair's connections in it. Where
//! six bars or more are not empty, the duration score is the greater of
//! ```text
//! coverage    = (last - first connection of the pair) / (last - first record)
//! consistency = most bars in a row that are not empty / 12     the last bar is followed by the first
//! ```
//! each rounded up to three decimals, at most 1. The histogram score is the greater of
//! ```text
//! flatness = 1 - standard deviation / mean of the heights      0 where that is negative
//! bimodal  = bars in the two most frequent groups / (bars that are not empty - 1)
//! ```
//! For the second, the bars that are not empty are grouped by height, in steps of a twentieth of the
//! highest, rounded up; it counts where there are at least eleven, and is at most 1.
//!
//! # Findings
//! `key`: source and destination. `score`: 0 to 1; high is suspicious. `source_ip`, `destination_ip`,
//! `connections`, `interval_score`, `interval_skewness`, `interval_deviation` (seconds), `size_score`,
//! `size_skewness`, `size_deviation` (bytes), `duration_score`, `histogram_score`.
//!
//! # Known limits
//! Time servers, monitors and update checks come back as a clock does too: leave those that you know out by
//! `[log_filter]`. A window should be a day; in a shorter one each bar is less than an hour. RITA scores the
//! last day of what it has; here the window says what is scored. A pair with more than 86,400 connections, one
//! a second all day, is no beacon but something louder, and not scored (RITA calls it a strobe). Memory: 16
//! bytes a connection.
//!
//! # Run it
//! ```text
//! cargo build --release && datashark standalone -d conf/beaconing.conf
//! ```
//!
//! # References
//! - RITA 5, `analysis/beacons.go` and its default configuration: Active Countermeasures,
//!   <https://github.com/activecm/rita>.
//! - A. L. Bowley, *Elements of Statistics*, 4th edition, 1920: the measure of skewness by quartiles.
//! - F. R. Hampel, "The Influence Curve and its Role in Robust Estimation", Journal of the American
//!   Statistical Association 69 (1974): the median absolute deviation.
//! - D. S. Moore and G. P. McCabe, *Introduction to the Practice of Statistics*: quartiles without the median.

mod bars;
mod pairs;
mod spread;

use std::sync::Arc;

use datashark_sdk::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, UInt64Array,
};
use datashark_sdk::arrow::compute::filter_record_batch;
use datashark_sdk::arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use datashark_sdk::conf::Problem;
use datashark_sdk::prelude::*;

use bars::Bars;
use pairs::Pairs;
use spread::Spread;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fewer connections have fewer than three intervals.
const CONNECTIONS_LEAST: usize = 4;

/// Pairs of hosts that come back as a clock does.
pub struct Beaconing {
    conf: Conf,
}

/// Its own keys of a conf.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conf {
    min_connections: usize,
    min_score: f64,
}

impl Default for Conf {
    fn default() -> Self {
        Conf {
            min_connections: CONNECTIONS_LEAST,
            min_score: 0.5,
        }
    }
}

impl UseCase for Beaconing {
    type Conf = Conf;
    type Model = ();
    const NAME: &'static str = "beaconing";
    const ABOUT: &'static str = "pairs of hosts whose connections come back as a clock does";

    fn new(conf: Conf) -> Result<Self> {
        if conf.min_connections < CONNECTIONS_LEAST {
            return Err(wrong(
                "min_connections",
                "expected 4 or more: three intervals",
            ));
        }
        if !(0.0..=1.0).contains(&conf.min_score) {
            return Err(wrong("min_score", "expected a number from 0 to 1"));
        }
        Ok(Beaconing { conf })
    }

    fn input(&self) -> Records {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Records::format("zeek").columns([
            Field::new(pairs::TIME, time, true),
            Field::new(pairs::SOURCE, DataType::Utf8View, true),
            Field::new(pairs::DESTINATION, DataType::Utf8View, true),
            Field::new(pairs::SIZE, DataType::Int64, true),
        ])
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::reduce(Pairs {
            min_connections: self.conf.min_connections,
        })
    }

    fn score(&self, _: &(), _: &Window, rows: Batches<'_>) -> Result<Findings> {
        let rows = rows.concat();
        let scored = (0..rows.num_rows()).map(|row| Scored::of(&rows, row));
        let scored = scored.collect::<Result<Vec<Scored>>>()?;
        let is_found: BooleanArray = scored
            .iter()
            .map(|one| Some(one.score >= self.conf.min_score))
            .collect();
        let found = filter_record_batch(&scored_rows(&rows, &scored)?, &is_found)?;
        Findings::try_from_rows(&found)
    }
}

fn wrong(key: &str, message: &str) -> Error {
    Error::Conf(Problem::at([key], message).into())
}

/// What a pair is found to be.
struct Scored {
    score: f64,
    n_connections: u64,
    intervals: Spread,
    sizes: Spread,
    duration: f64,
    histogram: f64,
}

impl Scored {
    /// A row of [`Pairs`].
    fn of(rows: &RecordBatch, row: usize) -> Result<Scored> {
        let (seconds, sizes) = (list(rows, "seconds", row)?, list(rows, "sizes", row)?);
        let (first, last) = (number(rows, "first", row)?, number(rows, "last", row)?);
        let bars = Bars::of(&seconds, first, last);
        let mut times = seconds.clone();
        times.dedup();
        let intervals = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64);
        let intervals = Spread::of(intervals.collect(), 1.0);
        let sizes = Spread::of(sizes.into_iter().map(|size| size as f64).collect(), 0.0);
        let (duration, histogram) = (bars.duration_score(&times), bars.histogram_score());
        let score =
            intervals.score * 0.25 + sizes.score * 0.25 + duration * 0.25 + histogram * 0.25;
        Ok(Scored {
            score: rounded(score),
            n_connections: seconds.len() as u64,
            intervals,
            sizes,
            duration,
            histogram,
        })
    }
}

/// To three decimals, half up; what is rounded here is never negative.
fn rounded(score: f64) -> f64 {
    (score * 1000.0 + 0.5).floor() / 1000.0
}

fn scored_rows(rows: &RecordBatch, scored: &[Scored]) -> Result<RecordBatch> {
    let numbers = |of: fn(&Scored) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(scored.iter().map(of)))
    };
    let counts = UInt64Array::from_iter_values(scored.iter().map(|one| one.n_connections));
    let columns: [(&str, ArrayRef); 12] = [
        ("pair", column(rows, "pair")?),
        ("score", numbers(|one| one.score)),
        (pairs::SOURCE, column(rows, pairs::SOURCE)?),
        (pairs::DESTINATION, column(rows, pairs::DESTINATION)?),
        ("connections", Arc::new(counts)),
        ("interval_score", numbers(|one| one.intervals.score)),
        ("interval_skewness", numbers(|one| one.intervals.skewness)),
        ("interval_deviation", numbers(|one| one.intervals.deviation)),
        ("size_score", numbers(|one| one.sizes.score)),
        ("size_skewness", numbers(|one| one.sizes.skewness)),
        ("size_deviation", numbers(|one| one.sizes.deviation)),
        ("duration_score", numbers(|one| one.duration)),
    ];
    let columns = columns
        .into_iter()
        .chain([("histogram_score", numbers(|one| one.histogram))]);
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn column(rows: &RecordBatch, name: &str) -> Result<ArrayRef> {
    let column = rows.column_by_name(name).map(Arc::clone);
    column.ok_or_else(|| Error::data(format!("the rows have no column `{name}`")))
}

fn number(rows: &RecordBatch, name: &str, row: usize) -> Result<i64> {
    Ok(column(rows, name)?.as_primitive::<Int64Type>().value(row))
}

fn list(rows: &RecordBatch, name: &str, row: usize) -> Result<Vec<i64>> {
    let values = column(rows, name)?.as_list::<i32>().value(row);
    Ok(values.as_primitive::<Int64Type>().values().to_vec())
}

datashark_sdk::export_usecase!(Beaconing);
