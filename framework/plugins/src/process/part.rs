//! What a frame carries besides its text: bytes, in as many pieces as they lie in memory.

use arrow::buffer::Buffer;

/// Bytes: a batch ([`super::rows`]), or whatever both sides agree on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pieces: Vec<Buffer>,
}

impl Part {
    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(Buffer::len).sum()
    }

    /// The pieces, one behind the other.
    pub(super) fn pieces(&self) -> &[Buffer] {
        &self.pieces
    }

    /// All of it in one piece; what was read lies so.
    pub(crate) fn whole(&self) -> Buffer {
        match self.pieces.as_slice() {
            [one] => one.clone(),
            many => {
                let mut bytes = Vec::with_capacity(self.len());
                many.iter().for_each(|piece| bytes.extend_from_slice(piece));
                Buffer::from_vec(bytes)
            }
        }
    }
}

impl From<Vec<Buffer>> for Part {
    fn from(pieces: Vec<Buffer>) -> Self {
        Part { pieces }
    }
}

impl From<Buffer> for Part {
    fn from(piece: Buffer) -> Self {
        Part::from(vec![piece])
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Self {
        Part::from(Buffer::from_vec(bytes))
    }
}

impl From<&[u8]> for Part {
    fn from(bytes: &[u8]) -> Self {
        Part::from(bytes.to_vec())
    }
}
