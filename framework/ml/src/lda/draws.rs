//! Random numbers that depend on what they are drawn for alone.
//!
//! Each thing that is drawn for has a generator of its own, made of the seed and of what the thing
//! is. So it does not matter in which order, or by which thread, numbers are drawn.

use std::f64::consts::TAU;

/// What numbers are drawn for; two of them never share a generator.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The first weights of the topics of a cell: of a document and a word.
    Cell = 1,
    /// The first topics of a word.
    Word = 2,
    /// How often, or in which, a document is in a mini-batch.
    Batch = 3,
    /// The first topics of a document, in an iteration.
    Document = 4,
    /// The seed of another start.
    Start = 5,
}

/// A sequence of random numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The sequence of the thing that `one` and `other` name.
    pub(crate) fn of(seed: u64, purpose: Purpose, one: u64, other: u64) -> Self {
        let mut state = mixed(seed ^ (purpose as u64) << 56);
        state = mixed(state ^ one);
        Draws(mixed(state ^ other.rotate_left(32)))
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed_only(self.0)
    }

    /// A number of `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A number of the normal distribution (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// A number of the gamma distribution with shape 100 and scale 1/100 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma_100(&mut self) -> f64 {
        const D: f64 = 100.0 - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * D).sqrt()).powi(3);
            let u = 1.0 - self.uniform();
            if v > 0.0 && u.ln() < 0.5 * x * x + D - D * v + D * v.ln() {
                return D * v / 100.0;
            }
        }
    }

    /// A number of the Poisson distribution with a small mean (Knuth 1969).
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut n = 0;
        while product > limit {
            product *= self.uniform();
            n += 1;
        }
        n
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(state: u64) -> u64 {
    mixed_only(state.wrapping_add(GOLDEN))
}

fn mixed_only(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of what so many generators draw first.
    fn moments(draw: impl Fn(&mut Draws) -> f64) -> (f64, f64) {
        let n = 20_000;
        let drawn: Vec<f64> = (0..n)
            .map(|thing| draw(&mut Draws::of(7, Purpose::Word, thing, 0)))
            .collect();
        let mean = drawn.iter().sum::<f64>() / n as f64;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        (mean, variance)
    }

    fn assert_near(found: (f64, f64), expected: (f64, f64)) {
        assert!(
            (found.0 - expected.0).abs() < 0.05 * expected.0,
            "{found:?}"
        );
        assert!(
            (found.1 - expected.1).abs() < 0.05 * expected.1,
            "{found:?}"
        );
    }

    #[test]
    fn the_first_draws_for_many_things_have_the_moments_of_their_distribution() {
        assert_near(moments(Draws::uniform), (0.5, 1.0 / 12.0));
        assert_near(moments(Draws::gamma_100), (1.0, 0.01));
        assert_near(moments(|draws| f64::from(draws.poisson(0.5))), (0.5, 0.5));
    }

    #[test]
    fn purpose_seed_and_thing_each_make_another_sequence() {
        let draws = [
            Draws::of(0, Purpose::Word, 0, 0),
            Draws::of(1, Purpose::Word, 0, 0),
            Draws::of(0, Purpose::Cell, 0, 0),
            Draws::of(0, Purpose::Word, 1, 0),
            Draws::of(0, Purpose::Word, 0, 1),
        ];
        let mut numbers: Vec<u64> = draws.into_iter().map(|mut draws| draws.next()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 5);
    }
}
