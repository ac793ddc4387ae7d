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

/// A row with the same value for each topic.
pub(crate) fn uniform<F: Real, const K: usize>(n_topics: usize, value: F) -> Row<F, K> {
    std::array::from_fn(|topic| {
        if topic < n_topics {
            value
        } else {
            F::default()
        }
    })
}

/// By how much the products of a word's row and a document's mix are to be scaled so that they add
/// up to a count.
#[inline(always)]
pub(crate) fn scale<F: Real, const K: usize>(count: F, row: &Row<F, K>, mix: &Row<F, K>) -> F {
    let norm = dot(row, mix);
    let norm = if norm > F::TINY { norm } else { F::TINY };
    count / norm
}

/// Calls `$function::<f32 or f64, K>` with the smallest `K` that has room for the topics.
macro_rules! with_width {
    ($precision:expr, $n_topics:expr, $function:ident($($argument:expr),*)) => {
        match $precision {
            $crate::lda::Precision::F32 => {
                $crate::lda::rows::with_width!(@ f32, $n_topics, $function($($argument),*))
            }
            $crate::lda::Precision::F64 => {
                $crate::lda::rows::with_width!(@ f64, $n_topics, $function($($argument),*))
            }
        }
    };
    (@ $real:ty, $n_topics:expr, $function:ident($($argument:expr),*)) => {
        match $n_topics {
            ..=4 => $function::<$real, 4>($($argument),*),
            ..=8 => $function::<$real, 8>($($argument),*),
            ..=12 => $function::<$real, 12>($($argument),*),
            ..=16 => $function::<$real, 16>($($argument),*),
            ..=20 => $function::<$real, 20>($($argument),*),
            ..=24 => $function::<$real, 24>($($argument),*),
            ..=32 => $function::<$real, 32>($($argument),*),
            ..=48 => $function::<$real, 48>($($argument),*),
            ..=64 => $function::<$real, 64>($($argument),*),
            ..=96 => $function::<$real, 96>($($argument),*),
            ..=128 => $function::<$real, 128>($($argument),*),
            ..=256 => $function::<$real, 256>($($argument),*),
            ..=512 => $function::<$real, 512>($($argument),*),
            _ => $function::<$real, 1024>($($argument),*),
        }
    };
}
pub(crate) use with_width;
