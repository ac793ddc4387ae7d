//! A count for each word, without an allocation for each word.
//!
//! Words of up to 16 bytes, nearly all of a text, are held in the table itself, as two integers:
//! finding one is two comparisons. The bytes of longer ones follow one another in one block.
//!
//! The hash is seeded anew for every state, so that a text cannot be made to collide; no result
//! depends on it. Hostile text costs memory alone: an entry for each distinct word.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::lower_ascii;

/// The longest word that needs no bytes beside its entry.
const SHORT: usize = 16;

/// The words of a text and how often each occurs.
#[derive(Default, Clone)]
pub struct Counts {
    entries: HashTable<Entry>,
    /// The bytes of the words that are longer than [`SHORT`].
    long: Vec<u8>,
    hasher: RandomState,
}

/// A word, lower-cased, and its count.
#[derive(Clone, Copy)]
struct Entry {
    word: Word,
    count: u64,
}

/// A word as it is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Word {
    /// Its first eight bytes, the first lowest, zeros behind a shorter word.
    head: u64,
    /// Up to 8 bytes: 0. Up to [`SHORT`]: its last eight bytes. Longer: where its bytes start in
    /// [`Counts::long`].
    tail: u64,
    n_bytes: u32,
}

/// How many words are looked up at a time.
const PENDING: usize = 32;

/// Short words on their way into the table, with their hashes. Looked up one behind the other, with
/// nothing between, the processor waits for the memory of several of them at once.
pub(crate) struct Pending {
    words: [(Word, u64); PENDING],
    n_words: usize,
}

impl Default for Pending {
    fn default() -> Self {
        Pending {
            words: [(Word::default(), 0); PENDING],
            n_words: 0,
        }
    }
}

impl Counts {
    /// The number of distinct words.
    pub fn n_words(&self) -> usize {
        self.entries.len()
    }

    /// How often a word occurs.
    pub fn get(&self, word: &str) -> u64 {
        let word = word.as_bytes();
        let found = match Word::short(word) {
            Some(short) => self
                .entries
                .find(hash_short(&self.hasher, short), |e| e.word == short),
            None => {
                let hash = hash_long(&self.hasher, word);
                self.entries
                    .find(hash, |e| e.word.is_long(word, &self.long))
            }
        };
        found.map_or(0, |entry| entry.count)
    }

    /// About how many bytes it holds.
    pub fn size_bytes(&self) -> usize {
        self.entries.allocation_size() + self.long.capacity()
    }

    /// Adds occurrences of a word that is lower-case already.
    pub(crate) fn add(&mut self, word: &[u8], count: u64) {
        match Word::short(word) {
            Some(short) => self.add_short(short, count),
            None => self.add_long(word, count),
        }
    }

    /// Adds one occurrence of the word at `[start, end)` of a text, lower-casing it, if it is
    /// ASCII; says whether it is. It may stay in `pending`.
    #[inline(always)]
    pub(crate) fn add_ascii(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        pending: &mut Pending,
    ) -> bool {
        let n_bytes = end - start;
        if n_bytes > SHORT {
            return self.add_long_ascii(&text[start..end]);
        }
        let (head, tail) = ends(text, start, end);
        let (Some(head), Some(tail)) = (lower_ascii(head), lower_ascii(tail)) else {
            return false;
        };
        let word = Word {
            head,
            tail,
            n_bytes: n_bytes as u32,
        };
        pending.words[pending.n_words] = (word, hash_short(&self.hasher, word));
        pending.n_words += 1;
        if pending.n_words == PENDING {
            self.add_pending(pending);
        }
        true
    }

    /// Adds one occurrence of each pending word.
    pub(crate) fn add_pending(&mut self, pending: &mut Pending) {
        for (word, hash) in &pending.words[..pending.n_words] {
            self.add_hashed(*word, *hash, 1);
        }
        pending.n_words = 0;
    }

    fn add_short(&mut self, word: Word, count: u64) {
        self.add_hashed(word, hash_short(&self.hasher, word), count);
    }

    #[inline(always)]
    fn add_hashed(&mut self, word: Word, hash: u64, count: u64) {
        let Counts {
            entries,
            long,
            hasher,
        } = self;
        if let Some(entry) = entries.find_mut(hash, |entry| entry.word == word) {
            entry.count += count;
        } else {
            entries.insert_unique(hash, Entry { word, count }, |e| e.word.hash(hasher, long));
        }
    }

    fn add_long_ascii(&mut self, word: &[u8]) -> bool {
        if word.is_ascii() {
            self.add_long(&word.to_ascii_lowercase(), 1);
        }
        word.is_ascii()
    }

    fn add_long(&mut self, word: &[u8], count: u64) {
        let Counts {
            entries,
            long,
            hasher,
        } = self;
        let hash = hash_long(hasher, word);
        let same = |entry: &Entry| entry.word.is_long(word, long);
        match entries.entry(hash, same, |entry| entry.word.hash(hasher, long)) {
            Slot::Occupied(mut entry) => entry.get_mut().count += count,
            Slot::Vacant(slot) => {
                slot.insert(Entry {
                    word: Word::long(word, long.len()),
                    count,
                });
                long.extend_from_slice(word);
            }
        }
    }

    /// Adds the counts of another state.
    pub(crate) fn merge(&mut self, other: Counts) {
        if self.n_words() < other.n_words() {
            let fewer = std::mem::replace(self, other);
            return self.merge(fewer);
        }
        let mut bytes = [0; SHORT];
        for entry in &other.entries {
            self.add(entry.word.bytes(&mut bytes, &other.long), entry.count);
        }
    }

    /// Calls `with` for each word and its count, in no particular order.
    pub(crate) fn for_each(&self, mut with: impl FnMut(&str, u64)) {
        let mut bytes = [0; SHORT];
        for entry in &self.entries {
            // Only valid UTF-8 is added, so nothing is lost here.
            let word = String::from_utf8_lossy(entry.word.bytes(&mut bytes, &self.long));
            with(&word, entry.count);
        }
    }

    fn sorted(&self) -> Vec<(String, u64)> {
        let mut all = Vec::with_capacity(self.n_words());
        self.for_each(|word, count| all.push((word.to_owned(), count)));
        all.sort_unstable();
        all
    }
}

impl Word {
    fn short(word: &[u8]) -> Option<Self> {
        let (head, tail) = ends(word, 0, word.len());
        (word.len() <= SHORT).then_some(Word {
            head,
            tail,
            n_bytes: word.len() as u32,
        })
    }

    fn long(word: &[u8], start: usize) -> Self {
        let head = eight_bytes(word, 0);
        Word {
            head,
            tail: start as u64,
            n_bytes: word.len() as u32,
        }
    }

    fn is_long(&self, word: &[u8], long: &[u8]) -> bool {
        self.n_bytes as usize == word.len()
            && self.head == eight_bytes(word, 0)
            && self.long_bytes(long) == word
    }

    fn long_bytes<'a>(&self, long: &'a [u8]) -> &'a [u8] {
        let start = self.tail as usize;
        &long[start..start + self.n_bytes as usize]
    }

    /// The word itself; a short one is written to `bytes`.
    fn bytes<'a>(&self, bytes: &'a mut [u8; SHORT], long: &'a [u8]) -> &'a [u8] {
        let n_bytes = self.n_bytes as usize;
        if n_bytes > SHORT {
            return self.long_bytes(long);
        }
        bytes[..8].copy_from_slice(&self.head.to_le_bytes());
        if n_bytes > 8 {
            bytes[n_bytes - 8..n_bytes].copy_from_slice(&self.tail.to_le_bytes());
        }
        &bytes[..n_bytes]
    }

    fn hash(&self, hasher: &RandomState, long: &[u8]) -> u64 {
        if self.n_bytes as usize > SHORT {
            hash_long(hasher, self.long_bytes(long))
        } else {
            hash_short(hasher, *self)
        }
    }
}

#[inline(always)]
fn hash_short(hasher: &RandomState, word: Word) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write_u64(word.head);
    hasher.write_u64(word.tail);
    hasher.finish()
}

fn hash_long(hasher: &RandomState, word: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(word);
    hasher.finish()
}

/// The eight bytes from `start` on, the first lowest; zeros behind the end of the text.
#[inline(always)]
fn eight_bytes(text: &[u8], start: usize) -> u64 {
    match text.get(start..).and_then(|text| text.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => eight_bytes_at_end(text, start),
    }
}

#[cold]
fn eight_bytes_at_end(text: &[u8], start: usize) -> u64 {
    let mut bytes = [0; 8];
    let rest = text.get(start..).unwrap_or_default();
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(bytes)
}

/// The first and the last eight bytes of the word at `[start, end)`; of one that has not more than
/// eight, all of them and 0. Without a branch, since how long words are cannot be foretold.
#[inline(always)]
fn ends(text: &[u8], start: usize, end: usize) -> (u64, u64) {
    let n_bytes = end - start;
    let behind_head = 8 * 8_usize.saturating_sub(n_bytes) as u32;
    let head = eight_bytes(text, start) & u64::MAX.checked_shr(behind_head).unwrap_or(0);
    let tail = eight_bytes(text, start.max(end.saturating_sub(8)));
    (head, if n_bytes > 8 { tail } else { 0 })
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.sorted()).finish()
    }
}

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

/// A map from word to count, sorted, so that equal states are equal bytes.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted = self.sorted();
        let mut map = serializer.serialize_map(Some(sorted.len()))?;
        for (word, count) in sorted {
            map.serialize_entry(&word, &count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WordsAndCounts)
    }
}

struct WordsAndCounts;

impl<'de> Visitor<'de> for WordsAndCounts {
    type Value = Counts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from word to count")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
        let mut counts = Counts::default();
        while let Some((word, count)) = map.next_entry::<String, u64>()? {
            counts.add(word.as_bytes(), count);
        }
        Ok(counts)
    }
}
