//! Texts, each kept once and known by a number: the documents and the words of a day.
//!
//! Texts of up to 16 bytes, which is what most addresses have, are in the table itself, as one
//! integer: finding one is one comparison. The hash is seeded anew for every table, so that nobody can
//! make texts collide; no number depends on it, they go by which text came first.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// The longest text that is kept in the table itself.
const SHORT: usize = 16;

/// Texts and their numbers, from 0 up.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Texts {
    table: HashTable<Slot>,
    /// Where each text ends in `bytes`.
    ends: Vec<usize>,
    text: String,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Slot {
    /// The bytes of a short text; the hash of a longer one.
    head: u128,
    n_bytes: u32,
    id: u32,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number.
    pub fn text(&self, id: u32) -> &str {
        &self.text[self.range(id)]
    }

    /// Where the text of a number lies in [`Texts::as_bytes`].
    pub fn range(&self, id: u32) -> Range<usize> {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[id]
    }

    /// All texts, one behind the other.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// All texts, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|id| self.text(id))
    }

    /// The number of a text, if it is here.
    #[inline]
    pub fn find(&self, text: &str) -> Option<u32> {
        let (head, hash) = self.head(text);
        let is_it = |slot: &Slot| self.is(slot, head, text);
        self.table.find(hash, is_it).map(|slot| slot.id)
    }

    /// The number of a text, which is kept if it is new.
    #[inline]
    pub fn id(&mut self, text: &str) -> u32 {
        let (head, hash) = self.head(text);
        if let Some(slot) = self.table.find(hash, |slot| self.is(slot, head, text)) {
            return slot.id;
        }
        self.keep(text, head, hash)
    }

    /// The place of each text among all of them, sorted.
    pub fn ranks(&self) -> Vec<u32> {
        let mut sorted: Vec<u32> = (0..self.len() as u32).collect();
        sorted.sort_unstable_by_key(|id| self.text(*id));
        let mut ranks = vec![0; sorted.len()];
        for (rank, id) in sorted.into_iter().enumerate() {
            ranks[id as usize] = rank as u32;
        }
        ranks
    }

    /// The same texts, numbered by these ranks.
    #[must_use]
    pub fn ranked(&self, ranks: &[u32]) -> Self {
        let mut ids = vec![0; ranks.len()];
        for (id, rank) in ranks.iter().enumerate() {
            ids[*rank as usize] = id as u32;
        }
        let mut ranked = Texts::default();
        for id in ids {
            ranked.id(self.text(id));
        }
        ranked
    }

    /// About how many bytes it holds.
    pub fn size_bytes(&self) -> usize {
        self.table.allocation_size() + self.ends.capacity() * 8 + self.text.capacity()
    }

    #[cold]
    fn keep(&mut self, text: &str, head: u128, hash: u64) -> u32 {
        let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let n_bytes = text.len() as u32;
        let hasher = &self.hasher;
        self.table
            .insert_unique(hash, Slot { head, n_bytes, id }, |slot| slot.hash(hasher));
        id
    }

    /// What a text is looked up by.
    #[inline]
    fn head(&self, text: &str) -> (u128, u64) {
        let bytes = text.as_bytes();
        match bytes.len() <= SHORT {
            true => {
                let head = packed(bytes);
                (head, self.hasher.hash_one(head))
            }
            false => {
                let hash = self.hasher.hash_one(bytes);
                (u128::from(hash), self.hasher.hash_one(u128::from(hash)))
            }
        }
    }

    #[inline]
    fn is(&self, slot: &Slot, head: u128, text: &str) -> bool {
        slot.head == head
            && slot.n_bytes as usize == text.len()
            && (text.len() <= SHORT || self.text(slot.id) == text)
    }
}

impl Slot {
    fn hash(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one(self.head)
    }
}

/// The bytes of a short text as a number; texts of other lengths may have the same.
#[inline]
fn packed(bytes: &[u8]) -> u128 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return u128::from(u64::from_le_bytes(*first)) << 64
            | u128::from(u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u128::from(u32::from_le_bytes(*first)) << 64
            | u128::from(u32::from_le_bytes(*last));
    }
    u128::from(word(bytes))
}

impl From<Vec<String>> for Texts {
    fn from(texts: Vec<String>) -> Self {
        let mut all = Texts::default();
        for text in &texts {
            all.id(text);
        }
        all
    }
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        texts.iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_has_one_number_and_a_number_one_text(
            texts in prop::collection::vec("[a-c\u{0}é]{0,20}", 0..200)
        ) {
            let mut all = Texts::default();
            let mut plain: Vec<&str> = Vec::new();
            for text in &texts {
                let id = all.id(text) as usize;
                if let Some(known) = plain.iter().position(|known| known == text) {
                    prop_assert_eq!(id, known);
                } else {
                    prop_assert_eq!(id, plain.len());
                    plain.push(text);
                }
            }
            prop_assert_eq!(all.iter().collect::<Vec<_>>(), plain);
            prop_assert_eq!(all.find("no such"), None);
        }
    }
}
