//! `--split`: where training ends and scoring begins.

use std::str::FromStr;

use chrono::DateTime;
use datashark_sdk::input::Micros;

/// Where training ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Split {
    /// Behind this part of the records, in the order of their times.
    Part(f64),
    /// Before this time.
    Time(Micros),
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(part) = text.parse::<f64>() {
            return match part > 0.0 && part < 1.0 {
                true => Ok(Split::Part(part)),
                false => Err(format!("expected a part between 0 and 1, found `{text}`")),
            };
        }
        let time = DateTime::parse_from_rfc3339(text);
        let time = time.map_err(|_| {
            format!("expected a part as 0.5, or a time as 2026-01-31T12:00:00Z, found `{text}`")
        })?;
        Ok(Split::Time(time.timestamp_micros()))
    }
}

impl Split {
    /// How many of these times, in order, are before it. What has no time comes first.
    pub(crate) fn n_before(self, times: &[Option<Micros>]) -> usize {
        match self {
            Split::Part(part) => (times.len() as f64 * part) as usize,
            Split::Time(end) => times.partition_point(|time| time.is_none_or(|time| time < end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_or_a_time_splits() {
        let times = [None, Some(1_000_000), Some(2_000_000), Some(3_000_000)];
        let n_before = |text: &str| text.parse::<Split>().map(|split| split.n_before(&times));
        assert_eq!(n_before("0.5"), Ok(2));
        assert_eq!(n_before("1970-01-01T00:00:03Z"), Ok(3));
        assert!(n_before("1").is_err());
        assert!(n_before("noon").is_err());
    }
}
