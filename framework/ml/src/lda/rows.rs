//! Rows of a weight per topic, and the arithmetic on them that all algorithms share.
//!
//! A row has `K` numbers, the number of topics rounded up; those beyond the topics are 0 and stay
//! so. Its length is known when this is compiled, so that a row is a handful of vector registers.
//! Sums are made in four parts whatever the processor has, so that their bits do not depend on it.

use super::real::Real;

/// A weight per topic.
pub(crate) type Row<F, const K: usize> = [F; K];

/// How many numbers are added side by side; `K` is a multiple of it.
const LANES: usize = 4;

/// The sum of the products of two rows.
#[inline(always)]
pub(crate) fn dot<F: Real, const K: usize>(one: &Row<F, K>, other: &Row<F, K>) -> F {
    let mut parts = [F::default(); LANES];
    for (one, other) in one.as_chunks().0.iter().zip(other.as_chunks().0) {
        let (one, other): (&[F; LANES], &[F; LANES]) = (one, other);
        for lane in 0..LANES {
            parts[lane] += one[lane] * other[lane];
        }
    }
    (parts[0] + parts[2]) + (parts[1] + parts[3])
}

/// The sum of a row.
#[inline(always)]
pub(crate) fn total<F: Real, const K: usize>(row: &Row<F, K>) -> F {
    let mut parts = [F::default(); LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            parts[lane] += chunk[lane];
        }
    }
    (parts[0] + parts[2]) + (parts[1] + parts[3])
}

/// Adds `by` times a row to another.
#[inline(always)]
pub(crate) fn add_scaled<F: Real, const K: usize>(sum: &mut Row<F, K>, by: F, row: &Row<F, K>) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += by * *value;
    }
}

/// Adds a row to another.
#[inline(always)]
pub(crate) fn add<F: Real, const K: usize>(sum: &mut Row<F, K>, row: &Row<F, K>) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += *value;
    }
}

/// The sum of rows, in their order.
pub(crate) fn sum_of<F: Real, const K: usize>(rows: &[Row<F, K>]) -> Row<F, K> {
    let mut sum = [F::default(); K];
    for row in rows {
        add(&mut sum, row);
    }
    sum
}

/// The products of two rows.
#[inline(always)]
pub(crate) fn product<F: Real, const K: usize>(one: &Row<F, K>, other: &Row<F, K>) -> Row<F, K> {
    std::array::from_fn(|topic| one[topic] * other[topic])
}

/// A row with a value for each topic.
pub(crate) fn from_topics<F: Real, const K: usize>(
    n_topics: usize,
    value: impl FnMut(usize) -> F,
) -> Row<F, K> {
    let mut row = [F::default(); K];
    for (to, value) in row.iter_mut().zip((0..n_topics).map(value)) {
        *to = value;
    }
    row
}

/// A row with the same value for each topic.
pub(crate) fn uniform<F: Real, const K: usize>(n_topics: usize, value: F) -> Row<F, K> {
    from_topics(n_topics, |_| value)
}

/// A row of these values.
pub(crate) fn padded<F: Real, const K: usize>(values: &[f64]) -> Row<F, K> {
    from_topics(values.len(), |topic| F::of(values[topic]))
}

/// By how much the products of a word's row and a document's mix are to be scaled so that they add
/// up to a count.
#[inline(always)]
pub(crate) fn scale<F: Real, const K: usize>(count: F, row: &Row<F, K>, mix: &Row<F, K>) -> F {
    let norm = dot(row, mix);
    let norm = if norm > F::TINY { norm } else { F::TINY };
    count / norm
}

/// The value of `$body`, where `$width` is the smallest length of rows that has room for the topics.
macro_rules! with_width {
    ($n_topics:expr, $width:ident => $body:expr) => {
        match $n_topics {
            ..=8 => $crate::lda::rows::with_width!(@ 8, $width => $body),
            ..=20 => $crate::lda::rows::with_width!(@ 20, $width => $body),
            ..=32 => $crate::lda::rows::with_width!(@ 32, $width => $body),
            ..=64 => $crate::lda::rows::with_width!(@ 64, $width => $body),
            _ => $crate::lda::rows::with_width!(@ 256, $width => $body),
        }
    };
    (@ $value:literal, $width:ident => $body:expr) => {{
        const $width: usize = $value;
        $body
    }};
}
pub(crate) use with_width;
