//! What is known of a flow's two words, by what they are made of: writing and looking up two texts for
//! each flow would take longer than all else.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::word::FlowWord;

/// No more protocols than this are known by a number; there are 256.
const MAX_PROTOCOLS: usize = 1 << 12;
/// No more words than this are remembered: what a day has, many times over.
const MAX_WORDS: usize = 1 << 20;

/// Remembers what is known of words: of the source's and of the destination's.
#[derive(Clone)]
pub(crate) struct FlowCache<T> {
    protocols: Vec<String>,
    table: HashTable<(u64, (T, T))>,
    hasher: RandomState,
}

impl<T> Default for FlowCache<T> {
    fn default() -> Self {
        FlowCache {
            protocols: Vec::new(),
            table: HashTable::new(),
            hasher: RandomState::default(),
        }
    }
}

impl<T: Copy> FlowCache<T> {
    /// What is known of a flow's words; made where that is not there yet.
    #[inline]
    pub(crate) fn get(&mut self, word: &FlowWord<'_>, make: impl FnOnce() -> (T, T)) -> (T, T) {
        let Some(code) = self
            .protocol(word.proto())
            .and_then(|proto| word.code(proto))
        else {
            return make();
        };
        let hash = self.hasher.hash_one(code);
        if let Some((_, words)) = self.table.find(hash, |(known, _)| *known == code) {
            return *words;
        }
        let words = make();
        if self.table.len() < MAX_WORDS {
            let hasher = &self.hasher;
            self.table
                .insert_unique(hash, (code, words), |(code, _)| hasher.hash_one(*code));
        }
        words
    }

    #[inline]
    fn protocol(&mut self, protocol: &str) -> Option<u16> {
        let known = self.protocols.iter().position(|known| known == protocol);
        let id = known.or_else(|| {
            (self.protocols.len() < MAX_PROTOCOLS).then(|| {
                self.protocols.push(protocol.to_owned());
                self.protocols.len() - 1
            })
        });
        id.and_then(|id| u16::try_from(id).ok())
    }
}
