//! Memory that is used again: a batch's worth of fresh pages costs more than to fill it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::buffer::Buffer;
use bytes::Bytes;

/// How much is kept for later, at most, in all.
const KEPT_BYTES: usize = 64 << 20;
/// Less than this is not worth keeping.
const LEAST_BYTES: usize = 16 << 10;
/// So many are kept, at most.
const KEPT: usize = 16;

static KEEP: AtomicUsize = AtomicUsize::new(KEPT_BYTES);
static FREE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Keeps no more than this, where memory is dear.
pub(super) fn keep_at_most(n_bytes: usize) {
    KEEP.store(n_bytes.min(KEPT_BYTES), Ordering::Relaxed);
}

/// An empty vector that has room for so many bytes, or may grow to have it.
pub(super) fn with_room(n_bytes: usize) -> Vec<u8> {
    /// What is reserved at once: pages that are not written to cost nothing, but for the address space.
    const AT_ONCE: usize = 64 << 20;
    if n_bytes < LEAST_BYTES {
        return Vec::with_capacity(n_bytes);
    }
    let mut free = free();
    // Who keeps it long keeps not much more than it needs.
    let fits = |bytes: &Vec<u8>| (n_bytes..=2 * n_bytes).contains(&bytes.capacity());
    match free.iter().position(fits) {
        Some(at) => free.swap_remove(at),
        None => Vec::with_capacity(n_bytes.min(AT_ONCE)),
    }
}

/// Bytes whose memory is used again when nobody has them any more.
pub(super) fn reused(bytes: Vec<u8>) -> Buffer {
    Buffer::from(Bytes::from_owner(Reused(bytes)))
}

struct Reused(Vec<u8>);

impl AsRef<[u8]> for Reused {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() < LEAST_BYTES {
            return;
        }
        bytes.clear();
        let mut free = free();
        free.push(bytes);
        let held = |free: &[Vec<u8>]| free.iter().map(Vec::capacity).sum::<usize>();
        // The oldest go first: what is needed now has other sizes.
        while free.len() > KEPT || held(&free) > KEEP.load(Ordering::Relaxed) {
            free.remove(0);
        }
    }
}

fn free() -> MutexGuard<'static, Vec<Vec<u8>>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_where_it_fits_and_never_while_it_is_held() {
        // Of a size that no other test has.
        const SIZE: usize = (3 << 20) + 12_345;
        let mut bytes = with_room(SIZE);
        bytes.resize(SIZE, 7);
        let place = bytes.as_ptr();
        let buffer = reused(bytes);
        let part = buffer.slice(SIZE - 1);
        drop(buffer);
        let other = with_room(SIZE);
        assert_ne!(other.as_ptr(), place);
        assert_eq!(part.as_slice(), [7]);
        drop(part);
        let again = with_room(SIZE - 1);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }
}
