//! When in the window a pair's connections were: 24 bars, hours of a day.

use crate::rounded;

const N_BARS: usize = 24;
/// Fewer bars that are not empty say nothing of a duration.
const DURATION_LEAST: usize = 6;
/// So many bars in a row are as good as all.
const CONSISTENT: f64 = 12.0;
/// Fewer bars that are not empty have two frequent heights by chance.
const BIMODAL_LEAST: usize = 11;
/// Bars that may have another height than the two most frequent.
const BIMODAL_OUTLIERS: usize = 1;
/// Bars are as high as each other within one part of so many of the highest.
const HEIGHT_STEPS: u64 = 20;

/// How many of a pair's connections are in each part of the window.
pub(crate) struct Bars {
    heights: [u64; N_BARS],
    /// From the first to the last record of all pairs, in seconds.
    range: f64,
}

impl Bars {
    /// Of a pair's seconds in order, in the range of all records.
    pub(crate) fn of(seconds: &[i64], first: i64, last: i64) -> Self {
        let range = last.saturating_sub(first) as f64;
        let step = range / N_BARS as f64;
        let edges: [f64; N_BARS - 1] =
            std::array::from_fn(|i| first as f64 + (i + 1) as f64 * step);
        let mut heights = [0; N_BARS];
        for second in seconds {
            heights[edges.partition_point(|edge| *second as f64 >= *edge)] += 1;
        }
        Bars { heights, range }
    }

    fn full(&self) -> impl Iterator<Item = u64> {
        self.heights.into_iter().filter(|height| *height > 0)
    }

    /// How much of the window the connections are spread over; `times` are the pair's, in order.
    pub(crate) fn duration_score(&self, times: &[i64]) -> f64 {
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return 0.0;
        };
        if self.full().count() < DURATION_LEAST {
            return 0.0;
        }
        let raised = |share: f64| ((share * 1000.0).ceil() / 1000.0).min(1.0);
        let coverage = raised((last - first) as f64 / self.range);
        let consistency = raised(self.longest_run() as f64 / CONSISTENT);
        coverage.max(consistency)
    }

    /// The most bars in a row that are not empty, the last one followed by the first.
    fn longest_run(&self) -> usize {
        let (mut longest, mut run) = (0, 0);
        for height in self.heights.iter().chain(&self.heights) {
            run = if *height > 0 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest.min(N_BARS)
    }

    /// How equal the bars are, or those that are not empty of two heights.
    pub(crate) fn histogram_score(&self) -> f64 {
        self.flatness().max(self.bimodal())
    }

    fn flatness(&self) -> f64 {
        let n = N_BARS as f64;
        let mean = self.heights.iter().sum::<u64>() as f64 / n;
        let squares = self.heights.map(|height| {
            let difference = height as f64 - mean;
            difference * difference
        });
        let deviation = (squares.iter().sum::<f64>() / n).sqrt();
        let variation = deviation / mean;
        // No connection at all has no mean to speak of.
        match variation <= 1.0 {
            true => rounded(1.0 - variation),
            false => 0.0,
        }
    }

    fn bimodal(&self) -> f64 {
        let n_full = self.full().count();
        if n_full < BIMODAL_LEAST {
            return 0.0;
        }
        let highest = self.full().max().unwrap_or(1);
        let step = highest.div_ceil(HEIGHT_STEPS);
        let mut steps: Vec<u64> = self.full().map(|height| height / step).collect();
        steps.sort_unstable();
        let mut counts: Vec<usize> = steps.chunk_by(|a, b| a == b).map(<[u64]>::len).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let in_two: usize = counts.iter().take(2).sum();
        let of = n_full.saturating_sub(BIMODAL_OUTLIERS).max(1);
        rounded(in_two as f64 / of as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second in the middle of each of these hours of a day.
    fn day(hours: &[i64]) -> (Bars, Vec<i64>) {
        let seconds: Vec<i64> = hours.iter().map(|hour| hour * 3600 + 1800).collect();
        (Bars::of(&seconds, 0, 86_400), seconds)
    }

    #[test]
    fn bars_are_hours_of_a_day_and_the_end_belongs_to_the_last() {
        let bars = Bars::of(&[0, 3599, 3600, 86_399, 86_400], 0, 86_400);
        assert_eq!(
            (bars.heights[0], bars.heights[1], bars.heights[23]),
            (2, 1, 2)
        );
    }

    #[test]
    fn the_duration_is_the_span_or_the_longest_run_around_midnight() {
        let (bars, times) = day(&[0, 1, 2, 21, 22, 23]);
        // 23 hours of 24, more than a run of 6 of 12.
        assert_eq!(bars.duration_score(&times), 0.959);
        let (bars, times) = day(&[5, 6, 7, 8, 9, 10]);
        assert_eq!(bars.duration_score(&times), 0.5);
        let (bars, times) = day(&[5, 6, 7, 8, 9]);
        assert_eq!(bars.duration_score(&times), 0.0);
    }

    #[test]
    fn equal_bars_are_flat_and_two_heights_are_bimodal() {
        let all: Vec<i64> = (0..24).collect();
        assert_eq!(day(&all).0.flatness(), 1.0);
        // Every second hour, once and thrice by turns: 6 bars of each height.
        let mut hours: Vec<i64> = (0..24).step_by(2).collect();
        hours.extend((0..24).step_by(4).chain((0..24).step_by(4)));
        hours.sort_unstable();
        let (bars, _) = day(&hours);
        assert_eq!((bars.flatness(), bars.bimodal()), (0.0, 1.0));
        assert_eq!(bars.histogram_score(), 1.0);
    }

    #[test]
    fn no_connection_scores_nothing() {
        let (bars, times) = day(&[]);
        assert_eq!(
            (bars.histogram_score(), bars.duration_score(&times)),
            (0.0, 0.0)
        );
    }
}
