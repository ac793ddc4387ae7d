//! Long lists of numbers in JSON: base64 of their little-endian bytes, a third of the size of digits,
//! and with all their bits.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// A number of so many bytes.
pub(crate) trait Number: Sized {
    /// Writes its bytes.
    fn push(&self, bytes: &mut Vec<u8>);
    /// The numbers of some bytes; `None` where they do not come out even.
    fn all(bytes: &[u8]) -> Option<Vec<Self>>;
}

macro_rules! number {
    ($type:ty) => {
        impl Number for $type {
            fn push(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn all(bytes: &[u8]) -> Option<Vec<Self>> {
                let (chunks, rest) = bytes.as_chunks();
                let numbers = chunks.iter().map(|chunk| <$type>::from_le_bytes(*chunk));
                rest.is_empty().then(|| numbers.collect())
            }
        }
    };
}

number!(u32);
number!(u64);
number!(f64);

/// Writes numbers.
pub(crate) fn serialize<N: Number, S: Serializer>(
    numbers: &[N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(std::mem::size_of_val(numbers));
    for number in numbers {
        number.push(&mut bytes);
    }
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

/// Reads numbers.
pub(crate) fn deserialize<'de, N: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<N>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
    N::all(&bytes).ok_or_else(|| D::Error::custom("the numbers do not come out even"))
}
