//! The two kinds of numbers that are worked with.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A floating-point number: `f32` or `f64`.
pub(crate) trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Div<Output = Self>
    + Mul<Output = Self>
    + Sub<Output = Self>
    + Sum
    + 'static
{
    /// Taken for smaller numbers where something is divided by them: no count over it is infinite.
    const TINY: Self;

    /// The nearest number of this kind.
    fn of(value: f64) -> Self;

    /// The nearest number of this kind to a count.
    fn of_count(count: u32) -> Self;

    /// The same number.
    fn to_f64(self) -> f64;
}

impl Real for f32 {
    const TINY: f32 = 1e-28;

    fn of(value: f64) -> f32 {
        value as f32
    }

    fn of_count(count: u32) -> f32 {
        count as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const TINY: f64 = 1e-100;

    fn of(value: f64) -> f64 {
        value
    }

    fn of_count(count: u32) -> f64 {
        f64::from(count)
    }

    fn to_f64(self) -> f64 {
        self
    }
}
