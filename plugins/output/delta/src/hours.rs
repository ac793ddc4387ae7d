//! Which hour rows belong to.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int8Builder, Int16Builder, Int64Array};
use chrono::{DateTime, Datelike, Timelike, Utc};

const HOUR: i64 = 3600;

/// The columns `y`, `m`, `d`, `h` of times in seconds since 1970, in UTC; null of what is no time.
pub fn hours(seconds: &Int64Array) -> [ArrayRef; 4] {
    let n_rows = seconds.len();
    let mut years = Int16Builder::with_capacity(n_rows);
    let [mut months, mut days, mut hours] = [(); 3].map(|()| Int8Builder::with_capacity(n_rows));
    // Neighbours are mostly of one hour, and a date costs more than a comparison.
    let mut last: (Option<i64>, Option<DateTime<Utc>>) = (None, None);
    for seconds in seconds {
        let hour = seconds.map(|seconds| seconds.div_euclid(HOUR));
        if hour != last.0 {
            last = (hour, hour.and_then(time_of));
        }
        let short = |of: fn(&DateTime<Utc>) -> u32| {
            last.1.as_ref().and_then(|time| i8::try_from(of(time)).ok())
        };
        years.append_option(last.1.and_then(|time| i16::try_from(time.year()).ok()));
        months.append_option(short(DateTime::month));
        days.append_option(short(DateTime::day));
        hours.append_option(short(DateTime::hour));
    }
    [
        Arc::new(years.finish()),
        Arc::new(months.finish()),
        Arc::new(days.finish()),
        Arc::new(hours.finish()),
    ]
}

fn time_of(hour: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(hour.checked_mul(HOUR)?, 0)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int8Type, Int16Type};

    use super::*;

    #[test]
    fn an_hour_is_that_of_utc_also_before_1970() {
        let seconds = Int64Array::from(vec![
            Some(1_467_939_599),
            Some(1_467_939_600),
            Some(-1),
            None,
            Some(i64::MAX),
        ]);
        let [years, months, days, hours] = hours(&seconds);
        let years = years.as_primitive::<Int16Type>();
        assert_eq!(
            years.iter().collect::<Vec<_>>(),
            [Some(2016), Some(2016), Some(1969), None, None]
        );
        let number = |column: &ArrayRef, row| {
            let column = column.as_primitive::<Int8Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let at = |row| [&months, &days, &hours].map(|column| number(column, row));
        assert_eq!(at(0), [Some(7), Some(8), Some(0)]);
        assert_eq!(at(1), [Some(7), Some(8), Some(1)]);
        assert_eq!(at(2), [Some(12), Some(31), Some(23)]);
        assert_eq!(at(3), [None; 3]);
    }
}
