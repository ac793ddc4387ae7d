//! Memory of blocks that nobody reads any more, used again for the next ones.
//!
//! A block of a MiB that is allocated anew is cleared by the kernel page by page, which costs about
//! as much as reading into it. A block gives its memory back when the last column that points into
//! it is dropped.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::buffer::Buffer;

/// Blocks that are kept for use again; more than the engine holds at a time need not wait here.
const KEPT_MAX: usize = 64;

/// Memory that is free.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

/// Bytes that go back to their pool.
struct Lent {
    bytes: Vec<u8>,
    pool: Pool,
}

impl Pool {
    /// Room that was used before, with what was left in it; empty where there is none.
    pub(crate) fn room(&self) -> Vec<u8> {
        self.free().pop().unwrap_or_default()
    }

    /// Bytes as a buffer that gives them back.
    pub(crate) fn lend(&self, bytes: Vec<u8>) -> Buffer {
        let pool = self.clone();
        Buffer::from(bytes::Bytes::from_owner(Lent { bytes, pool }))
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut free = self.pool.free();
        if free.len() < KEPT_MAX {
            // The little behind the last line is all that has to be written anew.
            bytes.resize(bytes.capacity(), 0);
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_when_the_last_buffer_is_dropped() {
        let pool = Pool::default();
        let mut room = pool.room();
        room.extend_from_slice(b"block of bytes");
        let place = room.as_ptr();
        let buffer = pool.lend(room);
        let view = buffer.slice(6);
        drop(buffer);
        assert_eq!(view.as_slice(), b"of bytes");
        assert_eq!(pool.room().capacity(), 0, "still lent");
        drop(view);
        let room = pool.room();
        assert_eq!(room.as_ptr(), place);
        assert!(room.starts_with(b"block of bytes"));
    }
}
