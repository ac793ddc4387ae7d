//! The interval of event time that a result speaks of.

use std::fmt;

use crate::input::Micros;

/// An interval of time, `[start, end)`, in microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    /// The first microsecond inside.
    pub start: Micros,
    /// The first microsecond behind it.
    pub end: Micros,
}

impl Window {
    /// The window over everything, as a batch run has it.
    pub const WHOLE: Window = Window {
        start: Micros::MIN,
        end: Micros::MAX,
    };

    /// Whether this is the window over everything.
    pub fn is_whole(&self) -> bool {
        *self == Self::WHOLE
    }

    /// Whether a time lies inside.
    ///
    /// ```
    /// use datashark_sdk::Window;
    /// let minute = Window { start: 0, end: 60_000_000 };
    /// assert!(minute.contains(0) && !minute.contains(60_000_000));
    /// ```
    pub fn contains(&self, time: Micros) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether all of another lies inside.
    ///
    /// ```
    /// use datashark_sdk::Window;
    /// let hour = Window { start: 0, end: 3_600_000_000 };
    /// assert!(hour.encloses(&Window { start: 0, end: 60_000_000 }));
    /// assert!(!hour.encloses(&Window { start: -1, end: 60_000_000 }));
    /// ```
    pub fn encloses(&self, other: &Window) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return f.write_str("everything");
        }
        write!(f, "[{}, {})", Instant(self.start), Instant(self.end))
    }
}

/// A point in time, shown as ISO 8601 in UTC.
struct Instant(Micros);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match arrow::temporal_conversions::timestamp_us_to_datetime(self.0) {
            Some(time) => write!(f, "{}Z", time.format("%Y-%m-%dT%H:%M:%S%.f")),
            None => write!(f, "{}us", self.0),
        }
    }
}
